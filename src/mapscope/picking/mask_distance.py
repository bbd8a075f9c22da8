"""How far positions are from the surface of a mask, such as a membrane or gold."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Volume

Floats = npt.NDArray[np.float64]

_EDGE = 96


def is_in_mask(
    positions: npt.ArrayLike, mask: Volume | Labels, *, numbers: Sequence[int] = ()
) -> npt.NDArray[np.bool_]:
    """Whether the voxel nearest to each position belongs to a mask; none outside its grid does.

    Parameters are those of `distance_to_mask`.
    """
    index = np.rint(mask.grid.index_from_world(positions)).astype(np.int64).reshape(-1, 3)
    is_there = ((index >= 0) & (index < mask.grid.shape)).all(axis=1)
    found = np.zeros(len(index), dtype=np.bool_)
    # Plane by plane, since a lazy array is read whole by an index of many points.
    for z in np.unique(index[is_there, 0]):
        rows = np.flatnonzero(is_there & (index[:, 0] == z))
        low, high = index[rows].min(axis=0), index[rows].max(axis=0) + 1
        plane = _inside(mask, np.asarray(mask.data[z, low[1] : high[1], low[2] : high[2]]), numbers)
        found[rows] = plane[index[rows, 1] - low[1], index[rows, 2] - low[2]]
    return found


def distance_to_mask(
    positions: npt.ArrayLike,
    mask: Volume | Labels,
    *,
    limit: float,
    numbers: Sequence[int] = (),
    progress: Progress = silent,
) -> Floats:
    """Distance in Å from each position to the surface of a mask, negative inside it.

    Outside it is the distance to the nearest voxel of the mask, inside to the nearest that is
    none, each less half a voxel. Only the mask around the positions is read, tile by tile.

    Parameters
    ----------
    positions : array (n, 3)
        Å, z, y, x.
    mask : Volume or Labels
        A mask on any grid: above 0.5, or every label above 0.
    limit : float
        How far to look in Å; what is farther has infinite distance, with its sign.
    numbers : sequence of int
        The only labels that count; empty takes all.
    progress : callable
        Called once per tile of the mask with positions near it.

    Returns
    -------
    float64 array (n,)

    Raises
    ------
    InputError
        If the limit is not positive.
    """
    if not limit > 0:
        raise InputError(f"the limit of a distance must be above 0 Å, got {limit}")
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    inside = is_in_mask(places, mask, numbers=numbers)
    distance = np.where(inside, -np.inf, np.inf)
    tile = np.floor(mask.grid.index_from_world(places) / _EDGE).astype(np.int64)
    used, which = np.unique(tile, axis=0, return_inverse=True)
    for number in range(len(used)):
        progress(number, len(used), "distances to the mask")
        rows = np.flatnonzero(which.ravel() == number)
        for side in (False, True):
            mine = rows[inside[rows] == side]
            if len(mine):
                found = _to_voxels(places[mine], mask, limit, numbers, of_inside=not side)
                distance[mine] = -found if side else found
    return distance


def _to_voxels(
    places: Floats,
    mask: Volume | Labels,
    limit: float,
    numbers: Sequence[int],
    *,
    of_inside: bool,
) -> Floats:
    """Distance of positions that lie together to the nearest voxel inside, or outside, a mask."""
    from scipy.spatial import cKDTree

    index, size = mask.grid.index_from_world(places), np.asarray(mask.grid.voxel_size)
    reach = np.ceil(limit / size + 1).astype(np.int64)
    lower = np.clip(np.floor(index.min(axis=0)).astype(np.int64) - reach, 0, mask.grid.shape)
    upper = np.clip(np.ceil(index.max(axis=0)).astype(np.int64) + reach + 1, 0, mask.grid.shape)
    if (upper <= lower).any():
        return np.full(len(places), np.inf)
    box = tuple(slice(int(a), int(b)) for a, b in zip(lower, upper, strict=True))
    inside = _inside(mask, np.asarray(mask.data[box]), numbers)
    border = np.argwhere(_border(inside if of_inside else ~inside))
    if not len(border):
        return np.full(len(places), np.inf)
    tree = cKDTree(mask.grid.world_from_index(border + lower))
    half = 0.5 * float(size.min())
    found, _ = tree.query(places, distance_upper_bound=limit + half)
    return np.asarray(np.maximum(found - half, 0.0))


def _inside(mask: Volume | Labels, data: Array, numbers: Sequence[int]) -> npt.NDArray[np.bool_]:
    """Which voxels of a part of a mask belong to it."""
    if isinstance(mask, Volume):
        return np.asarray(data > 0.5)
    return np.isin(data, list(numbers)) if len(numbers) else np.asarray(data > 0)


def _border(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Voxels inside that share a face with one that is not, or lie on a face of the box."""
    buried = inside.copy()
    for axis, step in itertools.product(range(3), (1, -1)):
        neighbour = np.zeros_like(inside)
        own = [slice(None)] * 3
        other = [slice(None)] * 3
        own[axis] = slice(step, None) if step > 0 else slice(None, step)
        other[axis] = slice(None, -step) if step > 0 else slice(-step, None)
        neighbour[tuple(own)] = inside[tuple(other)]
        buried &= neighbour
    return np.asarray(inside & ~buried)
