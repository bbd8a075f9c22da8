"""Cutting, padding and mirroring maps, and finding the box worth cutting out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError, GridError
from mapscope.structure import Structure
from mapscope.volume import Array, Grid, Region, Shape, Volume

Fill: TypeAlias = Literal["zero", "edge mean"]
Axis: TypeAlias = Literal["z", "y", "x"]

_AXES: tuple[Axis, ...] = ("z", "y", "x")


def crop(volume: Volume, region: Region) -> Volume:
    """The part of the map in `region`, clipped to the map, in the same place in space.

    Raises
    ------
    GridError
        If the region lies outside the map.
    """
    inside = region.clipped(volume.shape)
    grid = volume.grid.cropped(inside)
    header = volume.header if inside.shape == volume.shape else None
    data = np.ascontiguousarray(volume.data[inside.slices])
    return Volume(data, grid.voxel_size, grid.origin, header, volume.contrast)


def pad(
    volume: Volume,
    before: int | Shape,
    after: int | Shape | None = None,
    *,
    fill: Fill = "edge mean",
) -> Volume:
    """The map with voxels added on its sides, in the same place in space.

    Parameters
    ----------
    volume : Volume
        The map.
    before, after : int or tuple of int
        Voxels added in front and behind, z, y, x; `after=None` is the same as `before`.
    fill : {"zero", "edge mean"}
        What the new voxels hold: 0, or the mean of the six faces.

    Raises
    ------
    GridError
        If a number is negative.
    """
    front = np.broadcast_to(np.asarray(before, dtype=np.int64), (3,))
    back = front if after is None else np.broadcast_to(np.asarray(after, dtype=np.int64), (3,))
    if (front < 0).any() or (back < 0).any():
        raise GridError(f"padding adds voxels, got {before} before and {after} after: use crop")
    if not front.any() and not back.any():
        return volume
    lower = tuple(int(-n) for n in front)
    upper = tuple(int(n + size) for n, size in zip(back, volume.shape, strict=True))
    region = Region(lower, upper)  # type: ignore[arg-type]
    value = 0.0 if fill == "zero" else face_mean(volume.data)
    grid = volume.grid.cropped(region)
    data = np.full(region.shape, value, dtype=_holding(volume.data, value))
    corner = tuple(slice(n, n + size) for n, size in zip(front, volume.shape, strict=True))
    data[corner] = volume.data
    return Volume(data, grid.voxel_size, grid.origin, None, volume.contrast)


def face_mean(data: Array) -> float:
    """Mean of the voxels on the six faces of an array (z, y, x)."""
    faces = [np.take(data, end, axis) for axis in range(3) for end in (0, -1)]
    total = sum(float(face.sum(dtype=np.float64)) for face in faces)
    return float(total / sum(face.size for face in faces))


def _holding(data: Array, value: float) -> np.dtype[np.generic]:
    """The type of the data, or float32 where that cannot hold `value`."""
    exact = data.dtype.kind == "f" or float(value).is_integer()
    return data.dtype if exact else np.dtype(np.float32)


def flip_hand(volume: Volume, axis: Axis = "z") -> Volume:
    """The map of the other hand, mirrored within its box; grid and header stay.

    Raises
    ------
    GridError
        If the axis is not z, y or x.
    """
    if axis not in _AXES:
        raise GridError(f"the axis to mirror is z, y or x, got {axis!r}")
    return volume.with_data(np.ascontiguousarray(np.flip(volume.data, _AXES.index(axis))))


def invert_contrast(volume: Volume) -> Volume:
    """A map in which dark was dense with the sign of every voxel changed: bright is dense."""
    # The lowest integer has no negative, so that integers become float32.
    data = volume.data if volume.data.dtype.kind == "f" else volume.float32()
    return replace(volume, data=np.negative(data), contrast=1)


def region_around_mask(mask: Array, margin: int = 0) -> Region:
    """The smallest box around the voxels of a mask above 0, and `margin` voxels more.

    Parameters
    ----------
    mask : array (z, y, x)
        Booleans or numbers.
    margin : int
        Voxels on every side; the box may then reach beyond the array.

    Raises
    ------
    DataError
        If no voxel is above 0.
    """
    inside = mask if mask.dtype == np.bool_ else mask > 0
    lower, upper = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        occupied = np.flatnonzero(inside.any(axis=others))
        if occupied.size == 0:
            raise DataError("no voxel is inside: lower the threshold or give another mask")
        lower.append(int(occupied[0]) - margin)
        upper.append(int(occupied[-1]) + 1 + margin)
    return Region(tuple(lower), tuple(upper))  # type: ignore[arg-type]


def region_above(volume: Volume, threshold: float, margin: int = 0) -> Region:
    """The smallest box around all voxels of at least `threshold`, and `margin` voxels more.

    Raises
    ------
    DataError
        If no voxel is as high.
    """
    return region_around_mask(volume.data >= threshold, margin)


def region_around_positions(positions: npt.ArrayLike, grid: Grid, margin: float) -> Region:
    """The box of voxels of `grid` within `margin` Å of positions (n, 3), along each axis.

    It may reach beyond the grid.
    """
    index = grid.index_from_world(positions)
    reach = margin / np.asarray(grid.voxel_size)
    lower = np.floor(index.min(axis=0) - reach).astype(int)
    upper = np.ceil(index.max(axis=0) + reach).astype(int) + 1
    return Region(tuple(lower), tuple(upper))


def region_around_structure(structure: Structure, grid: Grid, margin: float = 5.0) -> Region:
    """The box of voxels of `grid` around all atoms and `margin` Å more; may reach beyond."""
    return region_around_positions(structure.positions, grid, margin)
