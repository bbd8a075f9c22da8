"""TIFF stacks: one volume, with the voxel size that OME or ImageJ left in the file."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar
from xml.etree import ElementTree as ET

import numpy as np

from mapscope.errors import MapFormatError
from mapscope.files.findings import Findings
from mapscope.files.format import Cover, Reader
from mapscope.files.stream import compression_of, open_input, read_up_to
from mapscope.volume import Array, Triple, Volume

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPageSeries

ANGSTROM_PER_UNIT = {
    **dict.fromkeys(("å", "a", "angstrom", "angstroms", "ångström", "ångstrom"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre"), 10.0),
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer", "micrometre"), 1e4),
    **dict.fromkeys(("mm", "millimeter", "millimetre"), 1e7),
}
_MAX_UNPACKED_BYTES = 2**32
_MAX_RATIO = 1000
_STACK_AXES = "ZIQT"
_DAMAGE = (
    *(ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError),
    *(
        RuntimeError,
        OSError,
        ArithmeticError,
        AssertionError,
        struct.error,
        zlib.error,
        ET.ParseError,
    ),
)


class TiffReader:
    """Reads TIFF stacks of grey images as one volume."""

    suffixes: ClassVar[tuple[str, ...]] = (".tif", ".tiff")
    noun: ClassVar[type] = Volume

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,  # noqa: ARG002  knows no crystals
    ) -> Volume:
        """The volume; without a voxel size only if `permissive`, at 1.0 Å. Colours are refused."""
        findings = Findings(path, permissive)
        with open_input(path) as stream:
            content = _whole(stream, path, findings)
        try:
            data, voxel_size = _volume_of(content, findings)
        except MapFormatError:
            raise
        except _DAMAGE as error:
            raise findings.refuse(f"this is no TIFF file, or a damaged one ({error})") from error
        if voxel_size is None:
            findings.report(
                "the voxel size is unknown: neither OME nor ImageJ metadata name it in Å, nm, µm "
                "or mm (write the stack with them, or as .mrc)",
                "take voxels of 1.0 Å",
                "voxel_size_missing",
            )
        bad = int((~np.isfinite(data)).sum()) if data.dtype.kind == "f" else 0
        if bad:
            findings.report(
                f"{bad} of {data.size} numbers are not finite", "set them to 0", "not_finite"
            )
            data = np.nan_to_num(data, nan=0.0, posinf=0.0, neginf=0.0)
        return Volume(data, voxel_size or (1.0, 1.0, 1.0))


def _whole(stream: BinaryIO, path: Path, findings: Findings) -> io.BytesIO:
    """All bytes of the file, within bounds where they are compressed."""
    stored = path.stat().st_size
    limit = stored
    if compression_of(path):
        limit = min(_MAX_UNPACKED_BYTES, stored * _MAX_RATIO)
    content = bytes(read_up_to(stream, limit + 1))
    if len(content) > limit:
        raise findings.refuse(f"it unpacks to more than {limit} bytes from {stored}", "bomb")
    return io.BytesIO(content)


def _volume_of(content: io.BytesIO, findings: Findings) -> tuple[Array, Triple | None]:
    """The stack (z, y, x) and its voxel size, if known."""
    import tifffile

    with tifffile.TiffFile(content) as tiff:
        series = tiff.series[0]
        _check_series(series, content.getbuffer().nbytes, len(tiff.series), findings)
        data = np.asarray(series.asarray())
        kept = [
            n for n, axis in zip(series.shape, series.axes, strict=True) if n > 1 or axis in "YX"
        ]
        data = data.reshape((1,) * (3 - len(kept)) + tuple(kept))
        return data.astype(data.dtype.newbyteorder("="), copy=False), _voxel_size(tiff)


def _check_series(series: TiffPageSeries, stored: int, count: int, findings: Findings) -> None:
    """Raise unless the series is one stack of grey images that the file can hold."""
    if count > 1:
        raise findings.refuse(f"expected one image stack, found {count}: save one alone", "no_map")
    long = [a for n, a in zip(series.shape, series.axes, strict=True) if n > 1 and a not in "YX"]
    is_stack = len(long) < 2 and all(axis in _STACK_AXES for axis in long)
    if not is_stack or series.axes[-2:] != "YX":
        raise findings.refuse(
            f"expected a stack of grey images, found axes {series.axes} of {series.shape}: "
            "channels and colours are no density, save one channel alone",
            "not_density",
        )
    dtype = series.dtype
    if dtype is None or dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise findings.refuse(f"numbers of type {dtype} are not density", "not_density")
    wanted = int(np.prod(series.shape, dtype=object)) * dtype.itemsize
    if wanted > stored * _MAX_RATIO:
        raise findings.refuse(f"{stored} bytes cannot hold {wanted} bytes of images", "bomb")


def _voxel_size(tiff: TiffFile) -> Triple | None:
    """Voxel size in Å, z, y, x, of OME or ImageJ metadata."""
    found = _ome_size(tiff.ome_metadata) if tiff.is_ome else None
    if found is None and tiff.is_imagej:
        found = _imagej_size(tiff)
    if found is None or not all(np.isfinite(s) and 1e-4 < s < 1e7 for s in found):
        return None
    return found


def _ome_size(text: str | None) -> Triple | None:
    """Physical size of the first Pixels element; its unit is µm where it names none."""
    root = ET.fromstring(text or "<none/>")
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None:
        return None
    sizes = []
    for axis in "ZYX":
        unit = pixels.get(f"PhysicalSize{axis}Unit", "µm").casefold()
        value = pixels.get(f"PhysicalSize{axis}")
        if value is None or unit not in ANGSTROM_PER_UNIT:
            return None
        sizes.append(float(value) * ANGSTROM_PER_UNIT[unit])
    return (sizes[0], sizes[1], sizes[2])


def _imagej_size(tiff: TiffFile) -> Triple | None:
    """Spacing of the slices, and voxels per unit along x and y."""
    metadata: dict[str, Any] = tiff.imagej_metadata or {}
    tags: Any = tiff.pages[0]
    unit = str(metadata.get("unit", "")).casefold().replace("\\u00b5", "µ").replace("\\u00c5", "å")
    scale = ANGSTROM_PER_UNIT.get(unit)
    resolution = [tags.tags.get(name) for name in ("YResolution", "XResolution")]
    if scale is None or any(tag is None or not tag.value[0] for tag in resolution):
        return None
    y, x = (scale * tag.value[1] / tag.value[0] for tag in resolution)
    return (scale * float(metadata.get("spacing", x / scale)), y, x)


READERS: tuple[Reader, ...] = (TiffReader(),)
