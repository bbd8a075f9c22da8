"""Situs maps: text of a voxel size, an origin, three sizes and the numbers.

References
----------
W. Wriggers (2012), Conventions and workflows for using Situs, Acta Cryst. D68, 344-351.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from mapscope.errors import MapFormatError
from mapscope.files.em import cubic_voxel, finite
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, Reader, Writer
from mapscope.files.stream import open_input, read_up_to
from mapscope.volume import Array, Shape, Volume

_HEAD_BYTES = 4096
_MAX_BYTES_PER_NUMBER = 64
_MAX_EDGE = 2**20
_PER_LINE = 10


class SitusReader:
    """Reads Situs maps; their origin is the position of the first voxel."""

    suffixes: ClassVar[tuple[str, ...]] = (".situs", ".sit")
    noun: ClassVar[type] = Volume

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  knows no crystals
    ) -> Volume:
        """The volume, as float32."""
        findings = Findings(path, permissive)
        with open_input(path) as stream:
            head = bytes(read_up_to(stream, _HEAD_BYTES))
            words, voxel, origin, size = _header(head, findings)
            count = size[0] * size[1] * size[2]
            limit = count * _MAX_BYTES_PER_NUMBER
            text = words + bytes(read_up_to(stream, limit))
            is_longer = bool(stream.read(1))
        if is_longer:
            raise findings.refuse(f"there is far more text than {count} numbers need", "no_map")
        data = _numbers(text, count, findings).reshape(size[::-1])
        bad = int((~np.isfinite(data)).sum())
        if bad:
            findings.report(
                f"{bad} of {data.size} numbers are not finite", "set them to 0", "not_finite"
            )
            data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
        x, y, z = origin
        return Volume(data, (voxel, voxel, voxel), (z, y, x))


def _header(
    head: bytes, findings: Findings
) -> tuple[bytes, float, tuple[float, float, float], Shape]:
    """The rest of the text, voxel size, origin x, y, z and sizes x, y, z."""
    words = head.split(None, 7)
    try:
        voxel, x, y, z = (float(word) for word in words[:4])
        size = tuple(int(word) for word in words[4:7])
    except ValueError:
        voxel, x, y, z, size = np.nan, 0.0, 0.0, 0.0, ()
    good = len(size) == 3 and all(1 <= n <= _MAX_EDGE for n in size)
    if not good or not np.isfinite([voxel, x, y, z]).all() or not 1e-4 < voxel < 1e5:
        raise findings.refuse(
            "expected a Situs map, whose text starts with the voxel size and origin (x, y, z) in "
            f"Å and three sizes, got {head[:60]!r}",
            "no_map",
        )
    return (words[7] if len(words) == 8 else b""), voxel, (x, y, z), (size[0], size[1], size[2])


def _numbers(text: bytes, count: int, findings: Findings) -> Array:
    """The numbers of a text, exactly `count`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DeprecationWarning)
            values = np.fromstring(text.decode("ascii"), np.float32, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        raise findings.refuse(f"there is text among the numbers ({error})", "no_map") from error
    if values.size != count:
        raise findings.refuse(
            f"expected {count} numbers, found {values.size}: the file is cut off or damaged",
            "truncated",
        )
    return values


class SitusWriter:
    """Writes volumes with cubic voxels as Situs text; whole numbers come back as float32."""

    suffixes: ClassVar[tuple[str, ...]] = (".situs", ".sit")
    nouns: ClassVar[tuple[type, ...]] = (Volume,)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a volume.

        Raises
        ------
        MapFormatError
            If its voxels are not cubic.
        DataError
            If numbers are not finite.
        """
        volume: Volume = noun
        voxel = cubic_voxel(volume, "Situs")
        place = " ".join(f"{o!r}" for o in volume.origin[::-1])
        size = " ".join(str(n) for n in volume.shape[::-1])
        stream.write(f"{voxel!r} {place} {size}\n\n".encode())
        left: Array = np.empty(0, dtype=np.float32)
        for section in volume.data:
            values = np.concatenate([left, _as_float32(finite(section)).ravel()])
            whole = len(values) // _PER_LINE * _PER_LINE
            stream.write(_lines(values[:whole]))
            left = values[whole:]
        stream.write(_lines(left))


def _as_float32(section: Array) -> Array:
    """The same numbers in single precision."""
    if section.dtype.kind in "iu" and section.size and np.abs(section.astype(float)).max() > 2**24:
        raise MapFormatError("Situs maps hold whole numbers up to 16,777,216: write .mrc")
    return section.astype(np.float32)


def _lines(values: Array) -> bytes:
    """Text of ten numbers in a line, each with the digits that give it back."""
    rows = [values[n : n + _PER_LINE].tolist() for n in range(0, len(values), _PER_LINE)]
    return "".join(" ".join(f"{v:11.9g}" for v in row) + "\n" for row in rows).encode()


READERS: tuple[Reader, ...] = (SitusReader(),)
WRITERS: tuple[Writer, ...] = (SitusWriter(),)
