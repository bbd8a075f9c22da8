"""What the header of a map file says of it, and where it contradicts itself or the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mapscope.errors import MapscopeError
from mapscope.files.findings import Findings
from mapscope.files.map_frame import has_origin_words, has_right_angles, size_xyz, voxel_size_of
from mapscope.files.mrc_header import HEADER_BYTES, header_words
from mapscope.files.stream import open_input, read_up_to
from mapscope.inspection.catalogue import finding
from mapscope.inspection.finding import Finding
from mapscope.inspection.kind import voxel_spread
from mapscope.inspection.values import Values
from mapscope.volume import Array, MapHeader, Shape, Triple

_ONE_TOLERANCE = 1e-5
# Maps by EM have 0.3 to 12 Å, tomograms up to 25 Å; a tenth of the smallest is nanometres.
_SMALLEST_VOXEL, _LARGEST_VOXEL = 0.25, 60.0
# Rounded cell edges make voxels unequal by up to 0.3 %; magnification errors by 1 to 3 %.
_ANISOTROPIC_ABOVE = 0.01
# Origins on the grid lie within 0.001 voxels of it in all maps at hand.
_OFF_GRID_ABOVE = 0.02


def words_of_file(path: Path) -> tuple[Array, bytes] | None:
    """Header of a map file as a record and as bytes, or None where there is none to be read."""
    try:
        with open_input(path) as stream:
            raw = bytes(read_up_to(stream, HEADER_BYTES))
        return header_words(raw, Findings(path)), raw
    except (MapscopeError, OSError):
        return None


def frame_findings(frame: MapHeader, size: Shape) -> Iterator[Finding]:
    """What is wrong with where a map lies that is not a crystal's.

    Parameters
    ----------
    frame : MapHeader
        Header of the file, or one that says the same of a volume.
    size : tuple of int
        Voxels along x, y, z.
    """
    sizes = voxel_size_of(frame)
    mismatch = _cell_mismatch(frame, size)
    if mismatch is not None:
        yield mismatch
    elif max(abs(s - 1) for s in sizes) < _ONE_TOLERANCE:
        extent = " × ".join(str(n) for n in size)
        yield finding(
            "voxel_size_one",
            "Programs write 1.0 Å where they do not know it. Taken as it is, the box measures "
            f"{extent} Å (x, y, z).",
        )
    elif voxel_spread(sizes) > _ANISOTROPIC_ABOVE:
        shown = " × ".join(f"{s:.4g}" for s in sizes[::-1])
        yield finding(
            "voxels_anisotropic",
            f"Voxels measure {shown} Å (x, y, z) and differ by {100 * voxel_spread(sizes):.1f} %: "
            "EM reconstructions have cubic ones, so that one number is probably wrong.",
        )
    if not _SMALLEST_VOXEL <= min(sizes) <= max(sizes) <= _LARGEST_VOXEL:
        yield finding("voxel_size_odd", _odd_size(sizes))
    yield from _symmetry_findings(frame)
    yield from _origin_findings(frame, sizes)


def _odd_size(sizes: Triple) -> str:
    """What an unusual voxel size may mean."""
    text = f"Voxels of {min(sizes):.4g} Å are {{}} than any map's."
    if min(sizes) < _SMALLEST_VOXEL:
        return text.format("smaller") + f" In nanometres they would be {10 * min(sizes):.4g} Å."
    return text.format("larger") + f" In picometres they would be {min(sizes) / 100:.4g} Å."


def _cell_mismatch(frame: MapHeader, size: Shape) -> Finding | None:
    """A cell that was not changed with the number of voxels, or the other way round.

    A box cut from a larger map keeps the cell and its sampling (M greater than N), but lies
    somewhere in it and has cubic voxels.
    """
    if frame.sampling == size:
        return None
    by_cell = voxel_size_of(frame)
    z, y, x = (edge / n for edge, n in zip(frame.cell[2::-1], size[::-1], strict=True))
    by_box = (z, y, x)
    is_inside = all(n <= m for n, m in zip(size, frame.sampling, strict=True))
    box_is_cubic = voxel_spread(by_box) < 1e-3
    is_placed = any(frame.nstart) or has_origin_words(frame)
    if is_inside and voxel_spread(by_cell) < 1e-3 and (is_placed or not box_is_cubic):
        return None
    shown = " × ".join(f"{s:.4g}" for s in by_cell[::-1])
    other = " × ".join(f"{s:.4g}" for s in by_box[::-1])
    return finding(
        "cell_mismatch",
        f"The cell has {frame.sampling} intervals, the box {size} voxels (x, y, z): a voxel "
        f"measures {shown} Å by the first and {other} Å by the second. The first is taken.",
        mend=f"voxel_size={z:.6g}" if box_is_cubic else "voxel_size=",
    )


def _symmetry_findings(frame: MapHeader) -> Iterator[Finding]:
    """A space group or cell angles in what is no crystal."""
    if frame.space_group > 1:
        yield finding(
            "space_group_odd",
            f"The header says space group {frame.space_group}, but voxels are cubic to 0.01 % as "
            "in EM: programs may apply symmetry that is not there.",
        )
    if not has_right_angles(frame):
        angles = ", ".join(f"{a:g}°" for a in frame.cell[3:])
        yield finding(
            "cell_skewed",
            f"The cell angles are {angles}, but voxels are equal along all edges as in EM. Taken "
            "as it is, the map is resampled onto an orthogonal grid.",
        )


def _origin_findings(frame: MapHeader, sizes: Triple) -> Iterator[Finding]:
    """ORIGIN against NSTART, and ORIGIN off the grid."""
    if not has_origin_words(frame):
        return
    origin = np.asarray(frame.origin_words[::-1]) / np.asarray(sizes)
    start = np.asarray(size_xyz(frame.nstart, frame.axis_order)[::-1])
    apart = np.abs(origin - start)
    if any(frame.nstart) and apart.max() > _OFF_GRID_ABOVE:
        words = ", ".join(f"{o:.4g}" for o in frame.origin_words)
        places = ", ".join(f"{s * v:.4g}" for s, v in zip(start[::-1], sizes[::-1], strict=True))
        yield finding(
            "origin_conflict",
            f"ORIGIN puts the first voxel at ({words}) Å, NSTART at ({places}) Å (x, y, z). "
            f"ORIGIN is taken; programs of CCP4 take NSTART, {_length(apart, sizes):.1f} Å away.",
        )
        return
    off = np.abs(origin - np.rint(origin))
    if off.max() > _OFF_GRID_ABOVE:
        yield finding(
            "origin_off_grid",
            f"ORIGIN lies up to {off.max():.2f} voxels from the nearest grid point. Programs that "
            f"know no ORIGIN, as those of CCP4, put the map {_length(off, sizes):.2f} Å or more "
            "away from its model.",
        )


def _length(voxels: Array, sizes: Triple) -> float:
    """Length in Å of a step in voxels."""
    return float(np.linalg.norm(voxels * np.asarray(sizes)))


def word_findings(words: Array, raw: bytes, values: Values | None) -> Iterator[Finding]:
    """What the header of a map file says beside where the map lies.

    Parameters
    ----------
    words : record
        The header.
    raw : bytes
        The same as bytes.
    values : Values or None
        Statistics of the numbers as they are stored; None where they are not.
    """
    axes = [int(words[name]) for name in ("mapc", "mapr", "maps")]
    if sorted(axes) != [1, 2, 3]:
        yield finding(
            "axes_damaged",
            f"Columns, rows and sections should run along 1, 2 and 3 in some order, not {axes}: "
            "x, y, z is taken.",
        )
    origin = [float(words["origin"][name]) for name in "xyz"]
    if not np.isfinite(origin).all():
        yield finding("origin_not_finite", f"ORIGIN is {origin}: NSTART is taken in its place.")
    is_big = words.dtype["nx"].byteorder == ">"
    if raw[212] != (0x11 if is_big else 0x44):
        yield finding(
            "byte_order",
            f"The machine stamp is {raw[212]:#04x} {raw[213]:#04x}; from the sizes the file is "
            f"{'big' if is_big else 'little'}-endian.",
        )
    if values is not None and not values.bad and not values.is_constant:
        yield from _statistics_findings(words, values)


def _statistics_findings(words: Array, values: Values) -> Iterator[Finding]:
    """DMIN, DMAX, DMEAN and RMS that are given and not what the numbers are.

    Not given are, by MRC2014, DMAX below DMIN, DMEAN below both, RMS below 0; and zeros.
    """
    low, high, mean, deviation = (float(words[name]) for name in ("dmin", "dmax", "dmean", "rms"))
    if int(words["mode"]) == 0 and high > 127.5 and low >= 0 and values.low < 0:
        yield finding(
            "bytes_unsigned",
            f"The header says {low:g} to {high:g}, as bytes without a sign; read with one, as "
            f"mode 0 says, they are {values.low:g} to {values.high:g} and dense becomes empty.",
        )
        return
    wrong = []
    if high > low or np.isnan([low, high]).any():
        # A sample may miss the extremes, but never lies beyond them.
        slack = 1e-3 * (values.high - values.low)
        is_beyond = not (low <= values.low + slack and values.high - slack <= high)
        is_short = values.is_exact and not (
            abs(low - values.low) <= slack and abs(high - values.high) <= slack
        )
        if is_beyond or is_short:
            wrong.append(f"{low:.4g} to {high:.4g} for {values.low:.4g} to {values.high:.4g}")
    if mean >= min(low, high) and any((low, high, mean)):
        slack = (0.02 if values.is_exact else 0.1) * values.deviation
        if abs(mean - values.mean) > slack:
            wrong.append(f"mean {mean:.4g} for {values.mean:.4g}")
    if deviation > 0:
        # Some programs write the root mean square itself.
        true = (values.deviation, float(np.hypot(values.deviation, values.mean)))
        if all(abs(deviation / one - 1) > (0.05 if values.is_exact else 0.2) for one in true):
            wrong.append(f"deviation {deviation:.4g} for {values.deviation:.4g}")
    if wrong:
        yield finding(
            "statistics_wrong",
            f"The header says {'; '.join(wrong)}. Programs that trust it choose wrong contrast "
            "and contour levels.",
        )
