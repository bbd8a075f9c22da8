"""The 1024-byte header of MRC2014 and CCP4 maps, checked field by field when read.

References
----------
A. Cheng et al. (2015), MRC2014: extensions to the MRC format header for electron
cryo-microscopy and tomography, J. Struct. Biol. 192, 146-150.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import mrcfile.dtypes
import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.map_frame import MAX_EDGE, MAX_START, TEXT_BYTES, size_xyz
from mapscope.volume import Array, MapHeader, Shape, Triple

HEADER_BYTES = 1024
DTYPE_OF_MODE = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_REFUSED_MODES = {
    3: "complex 16-bit integers, a Fourier transform",
    4: "complex 32-bit numbers, a Fourier transform",
    16: "RGB colours",
}
PACKED_MODE = 101
_KNOWN_MODES = {*DTYPE_OF_MODE, *_REFUSED_MODES, PACKED_MODE}
_IMOD_STAMP = 0x444F4D49
_IMOD_SIGNED, _IMOD_ORIGIN_OF_IMAGE, _IMOD_PACKED = 1, 4, 16
_MAX_EXTENDED_BYTES = 2**28

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileHeader:
    """What the header of a map file says, checked.

    Parameters
    ----------
    size : tuple of int
        Columns, rows, sections.
    dtype : numpy.dtype
        Of the data as they lie in the file, with their byte order.
    frame : MapHeader
        What the file must get back; the extended header is not in it yet.
    extended_bytes : int
        Length of the extended header.
    scale : tuple of float, optional
        Slope and offset that make density of the numbers in the file.
    volumes : int, optional
        How many volumes of equal size stand one after another; None where it is no stack.
    """

    size: Shape
    dtype: np.dtype[np.generic]
    frame: MapHeader
    extended_bytes: int
    scale: tuple[float, float] | None = None
    volumes: int | None = None

    @property
    def is_packed(self) -> bool:
        """Whether each byte holds two numbers of four bits, the first one in the low bits."""
        return self.frame.mode == PACKED_MODE

    @property
    def data_bytes(self) -> int:
        """Length of the data."""
        columns, rows, sections = self.size
        row = (columns + 1) // 2 if self.is_packed else columns * self.dtype.itemsize
        return row * rows * sections


def parse_header(raw: bytes, findings: Findings) -> FileHeader:
    """The header's fields, checked and repaired where `findings` allow it.

    Raises
    ------
    MapFormatError
        If the bytes are no map header, or what they say cannot be read.
    """
    words = header_words(raw, findings)
    size = (int(words["nx"]), int(words["ny"]), int(words["nz"]))
    mode = int(words["mode"])
    if mode in _REFUSED_MODES:
        raise findings.refuse(
            f"mode {mode} ({_REFUSED_MODES[mode]}) is not density: convert the file to mode 2",
            "not_density",
        )
    flags = _imod_flags(words)
    if flags & _IMOD_PACKED and mode != PACKED_MODE:
        raise findings.refuse(
            "IMOD's flags say that each byte holds two numbers, which only mode 101 means "
            "everywhere: convert the file with IMOD's newstack -mode 101 or -mode 1",
            "not_density",
        )
    axis_order = _axis_order(words)
    volumes = _volume_count(words, axis_order, findings)
    in_xyz = size_xyz((size[0], size[1], size[2] // (volumes or 1)), axis_order)
    sampling, cell = _sampling_and_cell(words, in_xyz, findings)
    frame = MapHeader(
        nstart=_starts(words, findings),
        sampling=sampling,
        cell=cell,
        axis_order=axis_order,
        origin_words=_origin_words(words, findings),
        mode=mode,
        space_group=_space_group(words, findings),
        labels=_labels(words),
        extended_type=bytes(words["exttyp"]).ljust(4, b"\0"),
    )
    dtype = np.dtype(words.dtype["nx"].byteorder + _sample_type(words))
    return FileHeader(size, dtype, frame, _extended_bytes(words, findings), _scale(words), volumes)


def header_words(raw: bytes, findings: Findings) -> Array:
    """The header as a record in the byte order in which it makes sense.

    The machine stamp is asked first, but many programs write a wrong one or none.

    Raises
    ------
    MapFormatError
        If in neither order it can be that of a map.
    """
    if len(raw) < HEADER_BYTES:
        raise findings.refuse(
            f"a map starts with a header of {HEADER_BYTES} bytes, and only {len(raw)} came: "
            "the file is cut off or no map",
            "truncated",
        )
    dtype = mrcfile.dtypes.HEADER_DTYPE
    orders = (">", "<") if raw[212] == 0x11 else ("<", ">")
    for order in orders:
        words: Array = np.frombuffer(raw, dtype.newbyteorder(order), count=1)[0]
        if _is_plausible(words):
            if order != orders[0] or raw[212] not in (0x11, 0x44):
                _log.info("%s: byte order %r taken from the sizes", findings.path.name, order)
            return words
    nx, ny, nz, mode = np.frombuffer(raw, "<i4", count=4).tolist()
    raise findings.refuse(
        "this is not an MRC or CCP4 map: expected sizes of at least 1 and a known mode "
        f"({sorted(_KNOWN_MODES)}), got sizes {nx}, {ny}, {nz} and mode {mode}",
        "no_map",
    )


def _is_plausible(words: Array) -> bool:
    """Whether a header read in one byte order can be that of a map."""
    sizes = [int(words[name]) for name in ("nx", "ny", "nz")]
    axes = [int(words[name]) for name in ("mapc", "mapr", "maps")]
    return (
        all(1 <= n <= MAX_EDGE for n in sizes)
        and int(words["mode"]) in _KNOWN_MODES
        and all(0 <= axis <= MAX_EDGE for axis in axes)
    )


def _sample_type(words: Array) -> str:
    """Type of one number in the data, without byte order.

    IMOD wrote bytes unsigned before 4.2.23 and says so by bit 0 of its flags (word 40).
    """
    mode = int(words["mode"])
    if mode == PACKED_MODE or (mode == 0 and not _imod_flags(words) & _IMOD_SIGNED):
        return "u1"
    return DTYPE_OF_MODE[mode]


def _imod_flags(words: Array) -> int:
    """IMOD's bit flags (word 40), or those of a file that keeps to MRC2014."""
    found = np.frombuffer(words["extra2"].tobytes()[40:48], words.dtype["nx"])
    stamp, flags = (int(value) for value in found)
    return flags if stamp == _IMOD_STAMP else _IMOD_SIGNED | _IMOD_ORIGIN_OF_IMAGE


def _scale(words: Array) -> tuple[float, float] | None:
    """Slope and offset of bytes made from floats by CCP4's mapmode2to0.

    It leaves -128 and 127 in words 40 and 41, and the density's own range in DMIN and DMAX.
    """
    limits = np.frombuffer(words["extra2"].tobytes()[44:52], words.dtype["nx"])
    low, high = float(words["dmin"]), float(words["dmax"])
    if int(words["mode"]) != 0 or limits.tolist() != [-128, 127] or not 0 < high - low < 1e30:
        return None
    slope = (high - low) / 255
    return slope, (high + low + slope) / 2


def _axis_order(words: Array) -> Shape:
    """MAPC, MAPR, MAPS, or 1, 2, 3 where they are no permutation."""
    columns, rows, sections = (int(words[name]) for name in ("mapc", "mapr", "maps"))
    order = (columns, rows, sections)
    return order if sorted(order) == [1, 2, 3] else (1, 2, 3)


def _sampling_and_cell(
    words: Array, size: Shape, findings: Findings
) -> tuple[Shape, tuple[float, float, float, float, float, float]]:
    """MX, MY, MZ and the cell; `size` is along x, y, z."""
    mx, my, mz = (int(words[name]) for name in ("mx", "my", "mz"))
    edges = [float(words["cella"][name]) for name in ("x", "y", "z")]
    _refuse_images(words, size, mz, findings)
    good = all(0 < m <= MAX_EDGE for m in (mx, my, mz))
    good = good and all(np.isfinite(edge) and edge > 0 for edge in edges)
    if not good or not all(
        1e-4 < edge / m < 1e5 for edge, m in zip(edges, (mx, my, mz), strict=True)
    ):
        findings.report(
            f"the voxel size is unknown: cell {edges} Å over {mx}, {my}, {mz} intervals",
            "take voxels of 1.0 Å",
            "voxel_size_missing",
        )
        a, b, c = (float(n) for n in size)
        return size, (a, b, c, 90.0, 90.0, 90.0)
    alpha, beta, gamma = _angles(words, findings)
    return (mx, my, mz), (edges[0], edges[1], edges[2], alpha, beta, gamma)


def _refuse_images(words: Array, size: Shape, mz: int, findings: Findings) -> None:
    """Raise for stacks of images, which are no map."""
    if int(words["ispg"]) == 0 and mz == 1 and size[2] > 1:
        raise findings.refuse(
            f"this is a stack of {size[2]} images (space group 0, MZ 1), not a map; if it is "
            f"a map, set MZ to {size[2]} and the space group to 1",
            "image_stack",
        )


def _volume_count(words: Array, axis_order: Shape, findings: Findings) -> int | None:
    """How many volumes are stacked along the sections; None where it is no stack.

    Space groups of 401 and more say so, and MZ says how many sections each volume has.
    """
    group, sections, mz = (int(words[name]) for name in ("ispg", "nz", "mz"))
    if not 400 < group <= 630 or not 0 < mz <= sections:
        return None
    if sections % mz or axis_order[2] != 3:
        raise findings.refuse(
            f"this is a stack of volumes (space group {group}), but {sections} sections along "
            f"axis {axis_order[2]} are no whole number of volumes of {mz} sections along z",
            "volume_stack",
        )
    return sections // mz


def _angles(words: Array, findings: Findings) -> Triple:
    """Cell angles in degrees; all zero, as older programs write them, means 90."""
    angles = tuple(float(words["cellb"][name]) for name in ("alpha", "beta", "gamma"))
    if not any(angles):
        return (90.0, 90.0, 90.0)
    a, b, c = angles
    cosines = np.cos(np.radians(angles))
    volume = 1 - float(np.sum(cosines**2)) + 2 * float(np.prod(cosines))
    if not all(0 < angle < 180 for angle in angles) or not volume > 1e-6:
        findings.report(
            f"no cell has the angles {angles} degrees", "take 90 degrees", "cell_impossible"
        )
        return (90.0, 90.0, 90.0)
    return (a, b, c)


def _starts(words: Array, findings: Findings) -> Shape:
    """NSTART along columns, rows, sections."""
    columns, rows, sections = (int(words[n]) for n in ("nxstart", "nystart", "nzstart"))
    if max(abs(columns), abs(rows), abs(sections)) > MAX_START:
        findings.report(
            f"the start indices {columns}, {rows}, {sections} lie far beyond any map",
            "take 0, 0, 0",
            "start_impossible",
        )
        return (0, 0, 0)
    return (columns, rows, sections)


def _origin_words(words: Array, findings: Findings) -> Triple:
    """ORIGIN x, y, z; zeros where it is not finite, so that NSTART counts."""
    x, y, z = (float(words["origin"][name]) for name in ("x", "y", "z"))
    if not np.isfinite([x, y, z]).all():
        _log.info("%s: ORIGIN is not finite, NSTART is used", findings.path.name)
        return (0.0, 0.0, 0.0)
    if not _imod_flags(words) & _IMOD_ORIGIN_OF_IMAGE:
        # IMOD's own sign: where the origin lies as seen from the first voxel.
        return (0.0 - x, 0.0 - y, 0.0 - z)
    return (x, y, z)


def _space_group(words: Array, findings: Findings) -> int:
    """ISPG."""
    group = int(words["ispg"])
    if 0 <= group <= 630:
        return group - 400 if group > 400 else group
    findings.report(f"there is no space group number {group}", "take P 1", "space_group_impossible")
    return 1


def _labels(words: Array) -> tuple[bytes, ...]:
    """Labels without the blanks at their ends."""
    count = int(words["nlabl"])
    labels = [bytes(label).rstrip(b"\0 ") for label in words["label"]]
    return tuple(label for label in labels[: count if 0 <= count <= 10 else 10] if label)


def _extended_bytes(words: Array, findings: Findings) -> int:
    """Length of the extended header."""
    length = int(words["nsymbt"])
    if not 0 <= length <= _MAX_EXTENDED_BYTES:
        raise findings.refuse(
            f"the extended header has a length of {length} bytes; expected 0 to "
            f"{_MAX_EXTENDED_BYTES}: the header is damaged",
            "header_damaged",
        )
    return length


def with_extended(header: FileHeader, extended: bytes) -> MapHeader:
    """The frame with its extended header, or without where it could not be given back.

    A binary one of a big-endian file is dropped: files are written little-endian, and
    what its bytes mean is only known to the program that wrote them.
    """
    is_text = not extended.translate(None, TEXT_BYTES)
    if not extended or (header.dtype.byteorder == ">" and not is_text):
        return replace(header.frame, extended_type=b"\0\0\0\0", extended=b"")
    return replace(header.frame, extended=extended)
