"""EM files of TOM, av3 and PyTom: volumes with a header of 512 bytes.

References
----------
R. Hegerl (1996), The EM program package: a platform for image processing in biological
electron microscopy, J. Struct. Biol. 116, 30-34.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from mapscope.errors import DataError, MapFormatError
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, Reader, Writer
from mapscope.files.stream import open_input, read_up_to
from mapscope.volume import Array, Shape, Triple, Volume

HEADER_BYTES = 512
_DTYPE_OF_CODE = {1: "i1", 2: "i2", 4: "i4", 5: "f4", 9: "f8"}
_CODE_OF_DTYPE = {"b1": 1, "i1": 1, "u1": 2, "i2": 2, "u2": 4, "i4": 4, "f2": 5, "f4": 5, "f8": 9}
_LITTLE_ENDIAN_MACHINES = (1, 6)
_PC = 6
_MAX_EDGE = 2**20
_ANGSTROM_PER_UNIT = 0.01
_SIZES, _PIXEL_SIZE, _OWN_FIELD = 4, 120, 256
_MAGIC = b"MAPSCOPE"


@dataclass(frozen=True)
class _Header:
    """Size (x, y, z), type of the numbers, and where the volume lies."""

    size: Shape
    dtype: np.dtype[Any]
    voxel_size: Triple
    origin: Triple


class EmReader:
    """Reads EM volumes of either byte order; the format has no origin of its own."""

    suffixes: ClassVar[tuple[str, ...]] = (".em",)
    noun: ClassVar[type] = Volume

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  knows no crystals
    ) -> Volume:
        """The volume; an image or a list of particles or angles is refused."""
        findings = Findings(path, permissive)
        with open_input(path) as stream:
            header = _parsed(bytes(read_up_to(stream, HEADER_BYTES)), findings)
            count = int(np.prod(header.size, dtype=object)) * header.dtype.itemsize
            content = read_up_to(stream, count)
            found = len(content) + len(stream.read(1))
        if found < count:
            raise findings.refuse(
                f"expected {count} bytes for {header.size} voxels (x, y, z), found {found}: the "
                "file is cut off, copy it again",
                "truncated",
            )
        if found > count:
            findings.report(f"there are bytes beyond {count}", "leave them out", "bytes_beyond")
        data = np.frombuffer(content, header.dtype).reshape(header.size[::-1])
        data = data.astype(header.dtype.newbyteorder("="), copy=False)
        bad = int((~np.isfinite(data)).sum()) if data.dtype.kind == "f" else 0
        if bad:
            findings.report(
                f"{bad} of {data.size} numbers are not finite", "set them to 0", "not_finite"
            )
            data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(data, header.voxel_size, header.origin)


def _parsed(raw: bytes, findings: Findings) -> _Header:
    """The header, checked."""
    if len(raw) < HEADER_BYTES:
        raise findings.refuse(
            f"an EM file starts with a header of {HEADER_BYTES} bytes, and only {len(raw)} came",
            "truncated",
        )
    own = "<" if raw[0] in _LITTLE_ENDIAN_MACHINES else ">"
    for order in (own, "<" if own == ">" else ">"):
        x, y, z = (int(n) for n in np.frombuffer(raw, order + "i4", 3, _SIZES))
        if all(1 <= n <= _MAX_EDGE for n in (x, y, z)) and raw[3] in (*_DTYPE_OF_CODE, 8):
            break
    else:
        raise findings.refuse(
            f"this is no EM volume: expected three sizes of 1 to {_MAX_EDGE} and a type of "
            f"{sorted(_DTYPE_OF_CODE)}, got sizes {x}, {y}, {z} and type {raw[3]}",
            "no_map",
        )
    if raw[3] == 8:
        raise findings.refuse("complex numbers (type 8) are not density", "not_density")
    if z == 1:
        raise findings.refuse(
            f"{x} x {y} numbers are no volume: an image, or a list of particles or angles "
            "(particle lists of TOM and av3 have 20 rows), which no map is",
            "no_map",
        )
    voxel_size, origin = _place(raw, order, findings)
    return _Header((x, y, z), np.dtype(order + _DTYPE_OF_CODE[raw[3]]), voxel_size, origin)


def _place(raw: bytes, order: str, findings: Findings) -> tuple[Triple, Triple]:
    """Voxel size and origin: ours where we wrote them, else the pixel size in 0.01 Å."""
    units = int(np.frombuffer(raw, order + "i4", 1, _PIXEL_SIZE)[0])
    if raw[_OWN_FIELD : _OWN_FIELD + 8] == _MAGIC:
        voxel, oz, oy, ox = (float(n) for n in np.frombuffer(raw, "<f8", 4, _OWN_FIELD + 8))
        is_same = np.isfinite([voxel, oz, oy, ox]).all() and voxel > 0
        if is_same and _units(voxel) == units:
            return (voxel,) * 3, (oz, oy, ox)
    if not 0 < units < 10**7:
        findings.report(
            f"the voxel size is unknown (pixel size {units} in the header)",
            "take voxels of 1.0 Å",
            "voxel_size_missing",
        )
        return (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
    return (units * _ANGSTROM_PER_UNIT,) * 3, (0.0, 0.0, 0.0)


def _units(voxel: float) -> int:
    """The header's own pixel size."""
    return max(1, round(voxel / _ANGSTROM_PER_UNIT))


class EmWriter:
    """Writes volumes with cubic voxels as EM, little-endian.

    The header has room for a voxel size to 0.01 Å and none for an origin: other programs see
    that size and an origin of zero. The exact ones stand in its free field, for Mapscope.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".em",)
    nouns: ClassVar[tuple[type, ...]] = (Volume,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a volume.

        Raises
        ------
        MapFormatError
            If its voxels are not cubic, or it has one section only.
        DataError
            If numbers are not finite.
        """
        volume: Volume = noun
        voxel = cubic_voxel(volume, "EM")
        if volume.shape[0] == 1:
            raise MapFormatError("an EM file of one section is an image, no volume: write .mrc")
        code = _CODE_OF_DTYPE.get(volume.data.dtype.kind + str(volume.data.dtype.itemsize), 9)
        raw = bytearray(HEADER_BYTES)
        raw[0], raw[3] = _PC, code
        raw[_SIZES : _SIZES + 12] = np.array(volume.shape[::-1], "<i4").tobytes()
        raw[_PIXEL_SIZE : _PIXEL_SIZE + 4] = np.array(_units(voxel), "<i4").tobytes()
        own = _MAGIC + np.array([voxel, *volume.origin], "<f8").tobytes()
        raw[_OWN_FIELD : _OWN_FIELD + len(own)] = own
        stream.write(bytes(raw))
        for section in volume.data:
            stream.write(np.ascontiguousarray(finite(section), "<" + _DTYPE_OF_CODE[code]).data)


def cubic_voxel(volume: Volume, name: str) -> float:
    """Edge of a volume's voxels in Å.

    Raises
    ------
    MapFormatError
        If they are not cubic.
    """
    if not np.allclose(volume.voxel_size, volume.voxel_size[0], rtol=1e-6, atol=0):
        raise MapFormatError(
            f"{name} files hold cubic voxels, got {volume.voxel_size} Å (z, y, x): write .mrc, "
            "or resample the map first"
        )
    return volume.voxel_size[0]


def finite(section: Array) -> Array:
    """The same numbers.

    Raises
    ------
    DataError
        If one is not finite.
    """
    if section.dtype.kind == "f" and not np.isfinite(section).all():
        raise DataError("a map file holds finite numbers only: replace the others first")
    return section


READERS: tuple[Reader, ...] = (EmReader(),)
WRITERS: tuple[Writer, ...] = (EmWriter(),)
