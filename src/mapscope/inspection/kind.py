"""What a volume is: a map, a half map, a mask, labels or a tomogram."""

from __future__ import annotations

from pathlib import Path

from mapscope.files import half_map_name
from mapscope.files.map_frame import has_right_angles, voxel_size_of
from mapscope.files.stream import format_suffix
from mapscope.inspection.finding import Kind
from mapscope.inspection.values import Values, has_flat_parts
from mapscope.volume import MapHeader, Volume

_TOMOGRAM_SIGNS = 3
_CUBIC_FROM = 195


def voxel_spread(voxel_size: tuple[float, float, float]) -> float:
    """By how much the longest edge of a voxel exceeds the shortest, relative to it."""
    return max(voxel_size) / min(voxel_size) - 1


def is_crystal(frame: MapHeader) -> bool:
    """Whether a map is of a crystal: it has symmetry or a skewed cell, and is no EM box.

    An EM box with a wrong space group or angle gives itself away by cubic voxels: the grids
    of crystals divide their three edges independently.
    """
    is_cubic = voxel_spread(voxel_size_of(frame)) < 1e-4
    if 1 < frame.space_group <= 230:
        return not is_cubic or frame.space_group >= _CUBIC_FROM
    return not has_right_angles(frame) and not is_cubic


def kind_of_volume(
    volume: Volume, values: Values, path: Path | None, *, is_half: bool = False
) -> Kind:
    """What a volume is.

    A mask holds numbers from 0 to 1, mostly 0 and 1 themselves; labels are whole numbers in
    flat parts. A half map is known by its name, or by being given as one. A tomogram shows
    three of five signs: its name or numbers of one or two bytes; a flat box; a long one; large
    voxels; the values of noise.
    """
    if not values.is_constant and values.low == 0 and values.high == 1:
        inside = 1 - values.low_share
        if values.low_share + values.one_share > 0.5 and values.one_share > 0.05 * inside:
            return "mask"
    if values.is_whole and values.low >= -1 and has_flat_parts(volume.data):
        return "map" if values.is_constant else "labels"
    if is_half or (path is not None and half_map_name(path) is not None):
        return "half map"
    return "tomogram" if _looks_like_a_tomogram(volume, values, path) else "map"


def _looks_like_a_tomogram(volume: Volume, values: Values, path: Path | None) -> bool:
    """Whether enough signs speak for it; a volume in which dark is dense is one."""
    if volume.header is not None and is_crystal(volume.header):
        return False
    signs = [
        (path is not None and format_suffix(path) == ".rec") or volume.data.dtype.kind in "iu",
        min(volume.shape) < 0.6 * max(volume.shape),
        max(volume.shape) >= 600,
        min(volume.voxel_size) >= 4,
        abs(values.skewness) < 1 and 2.5 < values.kurtosis < 6,
    ]
    return volume.contrast < 0 or sum(signs) >= _TOMOGRAM_SIGNS
