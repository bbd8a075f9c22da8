"""MRC, CCP4 and REC maps: density of cryo-EM, tomograms and crystals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from mapscope.errors import DataError, InputError
from mapscope.files import crystal
from mapscope.files.findings import Findings, noted_repairs
from mapscope.files.format import Choice, Cover, Reader, Writer
from mapscope.files.label_map import header_lines, without_marks
from mapscope.files.map_frame import (
    axes_zyx,
    frame_of_grid,
    has_right_angles,
    origin_of,
    pack_header,
    says_place,
    voxel_size_of,
)
from mapscope.files.mrc_header import (
    DTYPE_OF_MODE,
    HEADER_BYTES,
    FileHeader,
    parse_header,
    with_extended,
)
from mapscope.files.stream import compression_of, open_input, read_up_to
from mapscope.labels import Labels
from mapscope.volume import Array, MapHeader, Shape, Volume

MAP_ABOVE_BYTES = 256 * 2**20
_INTEGER_MODES = (0, 1, 6)
_MODE_OF_DTYPE = {"i1": 0, "i2": 1, "u2": 6, "f2": 12, "f4": 2, "f8": 2}


def read_mrc(
    path: Path,
    *,
    permissive: bool = False,
    cover: Cover | None = None,
    index: int | None = None,
    map_above_bytes: int = MAP_ABOVE_BYTES,
) -> Volume:
    """The volume in an MRC or CCP4 file, where the atomic model is.

    The origin is ORIGIN where that is not zero, else NSTART times the voxel size. A cell
    that is skewed, or of which the file holds one asymmetric unit, becomes an orthogonal
    grid without a header. Numbers keep the type that they have in the file.

    Parameters
    ----------
    path : Path
        The file; gzip and bzip2 are looked through.
    permissive : bool
        Repair with warnings: unknown voxel size (1.0 Å), numbers that are not finite (0),
        bytes beyond the data.
    cover : Structure, Grid, (lower, upper) or None
        What a crystal's map shall cover.
    index : int, optional
        Which volume of a stack of volumes, from 0; a stack is not read without.
    map_above_bytes : int
        Plain files with more data than this are mapped into memory, read-only, and not
        searched for numbers that are not finite.

    Raises
    ------
    MapFormatError
        If the file is no map, is cut off, or needs a repair and `permissive` is not set.
    InputError
        If `index` names no volume of the file.
    """
    findings = Findings(path, permissive)
    with open_input(path) as stream:
        header = parse_header(bytes(read_up_to(stream, HEADER_BYTES)), findings)
        extended = bytes(read_up_to(stream, header.extended_bytes))
        part = _sections_of(header, index, findings)
        is_large = header.data_bytes > map_above_bytes and not header.is_packed
        if is_large and not compression_of(path):
            stored = _mapped(path, header, findings)[part]
        else:
            stored = _finite(_loaded(stream, header, len(extended), findings)[part], findings)
    if header.scale is not None:
        slope, offset = header.scale
        stored = stored * np.float32(slope) + np.float32(offset)
    frame = with_extended(header, extended)
    data = stored.transpose(axes_zyx(frame.axis_order))
    resampled = crystal.orthogonal_volume(data, frame, cover, findings)
    if resampled is not None:
        return resampled
    return Volume(data, voxel_size_of(frame), origin_of(frame), frame)


def _header_of(path: Path) -> FileHeader:
    """A file's header, repaired where it can be; what reads the file tells of that."""
    with open_input(path) as stream, noted_repairs():
        findings = Findings(path, permissive=True)
        return parse_header(bytes(read_up_to(stream, HEADER_BYTES)), findings)


def _sections_of(header: FileHeader, index: int | None, findings: Findings) -> slice:
    """The sections of the volume that is asked for."""
    count, name = header.volumes, findings.path.name
    if index is None:
        if count is not None and count > 1:
            raise findings.refuse(
                f"this is a stack of volumes, {count} of them: choose one with index=0 to "
                f"index={count - 1}",
                "volume_stack",
            )
        return slice(None)
    if not 0 <= index < (count or 1):
        raise InputError(f"{name} holds {count or 1} volumes, counted from 0; got index={index}")
    depth = header.size[2] // (count or 1)
    return slice(index * depth, (index + 1) * depth)


def _loaded(stream: BinaryIO, header: FileHeader, extended: int, findings: Findings) -> Array:
    """Data (sections, rows, columns) read into memory, in native byte order."""
    content = read_up_to(stream, header.data_bytes)
    begin = HEADER_BYTES + extended
    _check_length(begin + len(content) + len(stream.read(1)), header, findings)
    if header.is_packed:
        return _unpacked(np.frombuffer(content, np.uint8), header.size)
    stored: Array = np.frombuffer(content, header.dtype).reshape(header.size[::-1])
    return stored.astype(header.dtype.newbyteorder("="), copy=False)


def _unpacked(content: Array, size: Shape) -> Array:
    """Bytes of two numbers each as bytes of one; every row starts with a whole byte."""
    columns, rows, sections = size
    pairs = content.reshape(sections, rows, (columns + 1) // 2)
    stored = np.empty((sections, rows, columns), dtype=np.uint8)
    stored[..., 0::2] = pairs & 15
    stored[..., 1::2] = (pairs >> 4)[..., : columns // 2]
    return stored


def _mapped(path: Path, header: FileHeader, findings: Findings) -> Array:
    """Data (sections, rows, columns) as a read-only memory map."""
    _check_length(path.stat().st_size, header, findings)
    begin = HEADER_BYTES + header.extended_bytes
    return np.memmap(path, header.dtype, "r", begin, header.size[::-1])


def _check_length(found: int, header: FileHeader, findings: Findings) -> None:
    """Raise where bytes are missing, report where there are more than the header says."""
    expected = HEADER_BYTES + header.extended_bytes + header.data_bytes
    if found < expected:
        raise findings.refuse(
            f"expected {expected} bytes for {header.size} voxels of mode {header.frame.mode}, "
            f"found {found}: the file is cut off, copy it again",
            "truncated",
        )
    if found > expected:
        findings.report(
            f"there are bytes beyond the {expected} expected", "leave them out", "bytes_beyond"
        )


def _finite(stored: Array, findings: Findings) -> Array:
    """The same data, or with zeros for what is not finite."""
    if stored.dtype.kind != "f":
        return stored
    bad = sum(section.size - int(np.isfinite(section).sum()) for section in stored)
    if not bad:
        return stored
    findings.report(f"{bad} of {stored.size} numbers are not finite", "set them to 0", "not_finite")
    return np.nan_to_num(stored, nan=0.0, posinf=0.0, neginf=0.0)


@dataclass(frozen=True)
class _Statistics:
    """Minimum, maximum, mean and standard deviation."""

    low: float
    high: float
    mean: float
    deviation: float


@np.errstate(invalid="ignore", over="ignore")
def _statistics(sections: Array) -> _Statistics:
    """Statistics in double precision, one section at a time."""
    count, mean, squares = 0, 0.0, 0.0
    low, high = np.inf, -np.inf
    for section in sections:
        values = np.asarray(section, dtype=np.float64)
        part = float(values.mean())
        shift = part - mean
        total = count + values.size
        squares += float(np.square(values - part).sum()) + shift**2 * count * values.size / total
        mean += shift * values.size / total
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        count = total
    return _Statistics(low, high, mean, float(np.sqrt(squares / count)))


def _fits(sections: Array, mode: int, statistics: _Statistics) -> bool:
    """Whether every number is the same in the type of `mode`."""
    dtype = np.dtype(DTYPE_OF_MODE[mode])
    if sections.dtype.kind == dtype.kind and sections.dtype.itemsize <= dtype.itemsize:
        return True
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if statistics.low < limits.min or statistics.high > limits.max:
            return False
        if sections.dtype.kind in "iub":
            return True
    elif max(-statistics.low, statistics.high) > float(np.finfo(dtype).max):
        return False
    return all(bool((section.astype(dtype) == section).all()) for section in sections)


def _mode(sections: Array, wanted: int | None, statistics: _Statistics) -> int:
    """`wanted` where it holds the numbers, else the mode for their type, else the smallest."""
    if wanted in DTYPE_OF_MODE and _fits(sections, wanted, statistics):
        return wanted
    own = _MODE_OF_DTYPE.get(sections.dtype.kind + str(sections.dtype.itemsize))
    if own is not None:
        return own
    return next((m for m in _INTEGER_MODES if _fits(sections, m, statistics)), 2)


def _file_frame(noun: Volume | Labels) -> MapHeader:
    """The frame that came with the noun if it still says where the noun lies, else a new one."""
    header = noun.header if isinstance(noun, Volume) else None
    if header is not None and says_place(header, noun.voxel_size, noun.origin):
        return replace(header, labels=without_marks(header.labels))
    labels = () if header is None else without_marks(header.labels)
    if isinstance(noun, Labels):
        labels = header_lines(noun)
    frame = frame_of_grid(noun.grid.shape, noun.voxel_size, noun.origin, labels)
    return frame if header is None else replace(frame, mode=header.mode)


def _wanted_mode(noun: Volume | Labels) -> int | None:
    """Mode of the file that the noun came from; labels take the smallest that fits."""
    if isinstance(noun, Labels):
        return next(iter(_INTEGER_MODES))
    return None if noun.header is None else noun.header.mode


def _sections(noun: Volume | Labels, axis_order: Shape) -> Array:
    """The noun's data as the file holds them: sections, rows, columns."""
    axes = axes_zyx(axis_order)
    return noun.data.transpose(axes.index(0), axes.index(1), axes.index(2))


class MrcReader:
    """Reads MRC, CCP4 and REC maps; see :func:`read_mrc`."""

    suffixes: ClassVar[tuple[str, ...]] = (".mrc", ".map", ".ccp4", ".rec")
    noun: ClassVar[type] = Volume

    def choices(self, path: Path) -> tuple[Choice, ...]:
        """Volumes of a stack."""
        count = _header_of(path).volumes
        if count is None:
            return ()
        return (
            Choice(
                "index",
                "Volume of stack",
                tuple(range(count)),
                0 if count == 1 else None,
                help=f"Which of the {count} volumes of the stack, counted from 0.",
                reason="" if count > 1 else "the stack holds one volume",
            ),
        )

    def crystal_cell(self, path: Path) -> tuple[float, ...] | None:
        """The unit cell of a map that has symmetry or a skewed cell."""
        frame = _header_of(path).frame
        is_crystal = 1 < frame.space_group <= 230 or not has_right_angles(frame)
        return frame.cell if is_crystal else None

    def read(
        self,
        path: Path,
        *,
        permissive: bool = False,
        cover: Cover | None = None,
        index: int | None = None,
    ) -> Volume:
        """The volume that the file holds, or one of its stack."""
        return read_mrc(path, permissive=permissive, cover=cover, index=index)


class MrcWriter:
    """Writes volumes and labels as MRC2014, which is also a valid CCP4 map.

    A volume that came from a file gets its cell, sampling, start, origin, axis order, space
    group, labels and extended header back, unless its voxel size or origin were changed.
    The mode is the file's where that holds the numbers exactly, else the one for their
    type. Statistics are computed anew. Labels say in a text label that they are labels, and
    their names and colours where they fit (see :mod:`mapscope.files.label_map`); a volume's
    contrast has no place in the format.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".mrc", ".map", ".ccp4", ".rec")
    nouns: ClassVar[tuple[type, ...]] = (Volume, Labels)

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:  # noqa: ARG002  contract
        """Write a volume or labels.

        Raises
        ------
        DataError
            If numbers are not finite or too large for single precision.
        """
        frame = _file_frame(noun)
        sections = _sections(noun, frame.axis_order)
        statistics = _statistics(sections)
        frame = replace(frame, mode=_mode(sections, _wanted_mode(noun), statistics))
        dtype = np.dtype(DTYPE_OF_MODE[frame.mode]).newbyteorder("<")
        _check_range(noun, sections, frame.mode, statistics)
        stored = (np.asarray(s, dtype=dtype) for s in sections)
        columns, rows, count = sections.shape[::-1]
        words = (statistics.low, statistics.high, statistics.mean, statistics.deviation)
        stream.write(pack_header(frame, (columns, rows, count), words))
        _write_all(stored, stream)


def _write_all(sections: Iterator[Array], stream: BinaryIO) -> None:
    """Write one section after another."""
    for section in sections:
        stream.write(np.ascontiguousarray(section).data)


def _check_range(
    noun: Volume | Labels, sections: Array, mode: int, statistics: _Statistics
) -> None:
    """Raise where the file could not hold the numbers."""
    largest = max(-statistics.low, statistics.high)
    if not np.isfinite(statistics.mean) or not largest <= float(np.finfo(np.float32).max):
        raise DataError(
            f"a map file holds finite numbers up to 3.4e38, got {statistics.low} to "
            f"{statistics.high}: replace what is not finite first"
        )
    if isinstance(noun, Labels) and not _fits(sections, mode, statistics):
        raise DataError(
            f"a map file holds label numbers up to 65,535, or 16,777,216 exactly as floats, "
            f"got up to {statistics.high:.0f}: renumber the labels"
        )


READERS: tuple[Reader, ...] = (MrcReader(),)
WRITERS: tuple[Writer, ...] = (MrcWriter(),)
