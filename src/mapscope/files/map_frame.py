"""Where a map file's header puts its voxels, and the header that says so when written.

References
----------
A. Cheng et al. (2015), MRC2014: extensions to the MRC format header for electron
cryo-microscopy and tomography, J. Struct. Biol. 192, 146-150.
"""

from __future__ import annotations

from dataclasses import replace

import mrcfile.dtypes
import numpy as np

from mapscope.errors import MapFormatError
from mapscope.volume import MapHeader, Shape, Triple

MAX_EDGE = 2**20
MAX_START = 2**24
TEXT_BYTES = bytes(range(32, 127)) + b"\0\t\n\r"
_RIGHT_ANGLE_TOLERANCE = 0.01
_EXTENDED_TYPES = (b"CCP4", b"MRCO", b"SERI", b"AGAR", b"FEI1", b"FEI2", b"HDF5")


def size_xyz(size: Shape, axis_order: Shape) -> Shape:
    """Numbers given along columns, rows, sections, put in the order x, y, z."""
    x, y, z = (size[axis_order.index(axis)] for axis in (1, 2, 3))
    return (x, y, z)


def axes_zyx(axis_order: Shape) -> Shape:
    """Axes of the file's array (sections, rows, columns) that run along z, y, x."""
    z, y, x = (2 - axis_order.index(axis) for axis in (3, 2, 1))
    return (z, y, x)


def has_right_angles(frame: MapHeader) -> bool:
    """Whether the cell's edges stand upon one another at 90 degrees, to 0.01."""
    return all(abs(angle - 90) <= _RIGHT_ANGLE_TOLERANCE for angle in frame.cell[3:])


def voxel_size_of(frame: MapHeader) -> Triple:
    """Voxel size in Å, z, y, x, along the cell's edges."""
    x, y, z = (edge / n for edge, n in zip(frame.cell[:3], frame.sampling, strict=True))
    return (z, y, x)


def has_origin_words(frame: MapHeader) -> bool:
    """Whether ORIGIN says where the map lies; otherwise NSTART does."""
    return any(frame.origin_words)


def origin_of(frame: MapHeader) -> Triple:
    """Position in Å (z, y, x) of the first voxel of a map whose cell has right angles."""
    if has_origin_words(frame):
        x, y, z = frame.origin_words
        return (z, y, x)
    start = size_xyz(frame.nstart, frame.axis_order)[::-1]
    z, y, x = (n * s for n, s in zip(start, voxel_size_of(frame), strict=True))
    return (z, y, x)


def pack_header(frame: MapHeader, size: Shape, statistics: tuple[float, ...]) -> bytes:
    """A little-endian header and the extended header.

    Parameters
    ----------
    frame : MapHeader
        What it says.
    size : tuple of int
        Columns, rows, sections.
    statistics : tuple of float
        Minimum, maximum, mean and standard deviation of the data.
    """
    words = np.zeros((), mrcfile.dtypes.HEADER_DTYPE.newbyteorder("<"))
    words["nx"], words["ny"], words["nz"] = size
    words["mode"] = frame.mode
    words["nxstart"], words["nystart"], words["nzstart"] = frame.nstart
    words["mx"], words["my"], words["mz"] = frame.sampling
    words["cella"] = frame.cell[:3]
    words["cellb"] = frame.cell[3:]
    words["mapc"], words["mapr"], words["maps"] = frame.axis_order
    words["dmin"], words["dmax"], words["dmean"], words["rms"] = statistics
    words["ispg"] = max(frame.space_group, 1)
    words["nsymbt"] = len(frame.extended)
    words["exttyp"] = _extended_type(frame)
    words["nversion"] = 20141
    words["origin"] = frame.origin_words
    words["map"] = b"MAP "
    words["machst"] = (0x44, 0x44, 0, 0)
    labels = _labels_with_ours(frame.labels)
    words["nlabl"] = len(labels)
    words["label"][: len(labels)] = [label.ljust(80) for label in labels]
    return words.tobytes() + frame.extended


def _extended_type(frame: MapHeader) -> bytes:
    """A registered type of extended header; text of an older file is CCP4's, else MRC's."""
    if not frame.extended or frame.extended_type in _EXTENDED_TYPES:
        return frame.extended_type if frame.extended else b""
    return b"MRCO" if frame.extended.translate(None, TEXT_BYTES) else b"CCP4"


def _labels_with_ours(labels: tuple[bytes, ...]) -> list[bytes]:
    """At most ten labels that are not blank, ours among them where there is room."""
    kept = [label[:80] for label in labels if label[:80].strip(b"\0 ")][:10]
    if len(kept) < 10 and not any(label.startswith(b"Mapscope") for label in kept):
        kept.append(b"Mapscope")
    return kept


def frame_of_grid(
    shape: Shape, voxel_size: Triple, origin: Triple, labels: tuple[bytes, ...] = ()
) -> MapHeader:
    """The frame that says where a grid lies, for files that had none or another.

    An origin on a grid point goes to NSTART, which all programs read, any other to ORIGIN.

    Raises
    ------
    MapFormatError
        If the format cannot hold these sizes.
    """
    if max(shape) > MAX_EDGE:
        raise MapFormatError(f"a map file has edges of at most {MAX_EDGE} voxels, got {shape}")
    z, y, x = (float(np.float32(n * s)) for n, s in zip(shape, voxel_size, strict=True))
    frame = MapHeader(
        sampling=(shape[2], shape[1], shape[0]), cell=(x, y, z, 90.0, 90.0, 90.0), labels=labels
    )
    start = np.rint(np.asarray(origin) / np.asarray(voxel_size))
    if np.abs(start).max() <= MAX_START:
        i, j, k = (int(n) for n in start[::-1])
        on_grid = replace(frame, nstart=(i, j, k))
        if says_place(on_grid, voxel_size, origin):
            return on_grid
    k32, j32, i32 = (float(np.float32(o)) for o in origin)
    return replace(frame, origin_words=(i32, j32, k32))


def says_place(frame: MapHeader, voxel_size: Triple, origin: Triple) -> bool:
    """Whether a frame puts the voxels there: sizes to 1e-6, the origin to 1e-4 Å and voxel/1000.

    Where the origin is so far away that single precision is coarser, that is enough.
    """
    if not has_right_angles(frame):
        return False
    size, place = np.asarray(voxel_size), np.asarray(origin)
    tolerance = np.maximum(np.minimum(1e-3 * size, 1e-4), np.abs(place) * 2e-7)
    same_size = bool(np.allclose(voxel_size_of(frame), size, rtol=1e-6, atol=0))
    return same_size and bool((np.abs(origin_of(frame) - place) <= tolerance).all())
