"""The surface of a map near some atoms, and nothing of it elsewhere."""

from __future__ import annotations

import numpy as np

from mapscope.density.contour import isosurface
from mapscope.grid import Grid, Region
from mapscope.mesh import Mesh
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Volume


def surface_near(
    volume: Volume,
    level: float,
    positions: Array,
    distance: float,
    *,
    progress: Progress = silent,
) -> Mesh:
    """The part of a contour that lies within a distance of atoms.

    Parameters
    ----------
    volume : Volume
        The map.
    level : float
        Density of the surface.
    positions : float array (n, 3)
        Å, z, y, x.
    distance : float
        Å; triangles with a corner further from all of `positions` are left out.
    progress : callable
        Called once per slab.

    Returns
    -------
    Mesh
        Open where it was cut; without a vertex where the map has no density there.
    """
    from scipy.spatial import cKDTree

    nothing = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int32))
    region = box_around(volume.grid, positions, distance)
    if region is None:
        return nothing
    mesh = isosurface(volume, level, region=region, cap=False, progress=progress)
    if len(mesh.vertices) == 0:
        return nothing
    apart, _ = cKDTree(positions).query(mesh.vertices, distance_upper_bound=distance)
    is_near = np.isfinite(apart)
    faces = mesh.faces[is_near[mesh.faces].all(axis=1)]
    kept = np.zeros(len(mesh.vertices), dtype=np.bool_)
    kept[faces] = True
    number = np.cumsum(kept, dtype=np.int32) - np.int32(1)
    return Mesh(mesh.vertices[kept], number[faces])


def box_around(grid: Grid, positions: Array, distance: float) -> Region | None:
    """The box of voxels within a distance in Å of positions; None where it misses the grid."""
    low = grid.index_from_world(positions.min(axis=0) - distance)
    high = grid.index_from_world(positions.max(axis=0) + distance)
    lower = np.maximum(np.floor(low).astype(int), 0)
    upper = np.minimum(np.ceil(high).astype(int) + 1, grid.shape)
    if (upper - lower < 2).any():
        return None
    (a, b, c), (d, e, f) = lower.tolist(), upper.tolist()
    return Region((a, b, c), (d, e, f))
