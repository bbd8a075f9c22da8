"""What lies near a set of positions: distances, soft masks and zones of density."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.density.frame import region_around_positions
from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.volume import Grid, Triple, Volume

_VOXELS_AT_ONCE = 200_000


def distance_to_positions(
    grid: Grid, positions: npt.ArrayLike, reach: float, *, progress: Progress = silent
) -> npt.NDArray[np.float32]:
    """Distance in Å from each voxel's centre to the nearest position, at most `reach`.

    Parameters
    ----------
    grid : Grid
        The voxels.
    positions : array (n, 3)
        Å, z, y, x; at least one.
    reach : float
        Limit in Å, above 0.
    progress : callable
        Called once per 200,000 voxels.

    Returns
    -------
    float32 array (z, y, x)

    Raises
    ------
    InputError
        If the reach is not positive.
    GridError
        If no voxel lies within reach of the box around the positions.
    """
    from scipy.spatial import KDTree

    if not reach > 0:
        raise InputError(f"a distance limit must be above 0 Å, got {reach}")
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    region = region_around_positions(places, grid, reach).clipped(grid.shape)
    tree = KDTree(places)
    distance = np.full(grid.shape, reach, dtype=np.float32)
    near = distance[region.slices]
    rows = max(1, _VOXELS_AT_ONCE // (region.shape[1] * region.shape[2]))
    for start in range(0, region.shape[0], rows):
        progress(start, region.shape[0], "distances")
        stop = min(start + rows, region.shape[0])
        sizes = (stop - start, *region.shape[1:])
        first = np.add(region.lower, (start, 0, 0))
        index = np.moveaxis(np.indices(sizes), 0, -1) + first
        found, _ = tree.query(grid.world_from_index(index), distance_upper_bound=reach)
        near[start:stop] = np.minimum(found, reach)
    progress(1, 1, "distances")
    return distance


def mask_around_positions(
    volume: Volume,
    positions: npt.ArrayLike,
    radius: float,
    soft_edge: float = 0.0,
    *,
    progress: Progress = silent,
) -> Volume:
    """A mask on a map's grid: 1 within `radius` Å of a position, falling to 0 over `soft_edge` Å.

    Parameters
    ----------
    volume : Volume
        Gives the grid.
    positions : array (n, 3)
        Å, z, y, x.
    radius, soft_edge : float
        Å; the edge is a raised cosine.
    progress : callable
        Called once per 200,000 voxels.

    Raises
    ------
    InputError
        If a length is negative or both are 0.
    """
    if min(radius, soft_edge) < 0:
        raise InputError(f"radius and soft edge must be at least 0 Å, got {radius}, {soft_edge}")
    reach = radius + soft_edge + 1e-3
    distance = distance_to_positions(volume.grid, positions, reach, progress=progress)
    return _mask_of_distance(volume, distance, radius, soft_edge)


def mask_of_sphere(volume: Volume, centre: Triple, radius: float, soft_edge: float = 0.0) -> Volume:
    """A mask on a map's grid: 1 within `radius` Å of a point, falling to 0 over `soft_edge` Å.

    Parameters
    ----------
    volume : Volume
        Gives the grid.
    centre : three floats
        Å, z, y, x; the sphere may reach beyond the box.
    radius, soft_edge : float
        Å; the edge is a raised cosine.
    """
    index = volume.grid.index_from_world(centre)
    squares = [
        ((np.arange(n) - middle) * size) ** 2
        for n, middle, size in zip(volume.shape, index, volume.voxel_size, strict=True)
    ]
    distance = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    return _mask_of_distance(volume, distance.astype(np.float32), radius, soft_edge)


def _mask_of_distance(
    volume: Volume, distance: npt.NDArray[np.float32], radius: float, soft_edge: float
) -> Volume:
    """1 up to the radius, then a raised cosine to 0 over the soft edge."""
    if soft_edge == 0:
        values = (distance <= radius).astype(np.float32)
    else:
        along = np.clip((distance - np.float32(radius)) / np.float32(soft_edge), 0, 1)
        values = np.float32(0.5) + np.float32(0.5) * np.cos(np.float32(np.pi) * along)
    return Volume(values, volume.voxel_size, volume.origin, volume.header)
