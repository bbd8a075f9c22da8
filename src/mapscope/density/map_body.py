"""Maps as bodies that are fitted into other maps, and moved."""

from __future__ import annotations

import numpy as np

from mapscope.density.body import Body
from mapscope.density.frame import crop, face_mean, region_around_mask
from mapscope.density.mask import make_mask
from mapscope.density.pose import Poses
from mapscope.density.probe import finer, without_detail
from mapscope.density.resample import interpolate, onto_grid
from mapscope.progress import Progress, silent
from mapscope.volume import Grid, Volume

_VOXELS_PER_RESOLUTION = 4.0
_PADDING = 8.0  # Å
_SHARE = 0.25
_INSIDE = 0.5


def body_of_map(
    volume: Volume, threshold: float | None = None, *, progress: Progress = silent
) -> Body:
    """The molecule in a map as a rigid body.

    Parameters
    ----------
    volume : Volume
        The map.
    threshold : float, optional
        Density from which on it is molecule; None chooses as `make_mask` does.
    progress : callable
        Called once per plane and step.

    Raises
    ------
    DataError
        If the map is constant or nothing reaches the threshold.
    """
    mask = make_mask(volume, threshold=threshold, dilation=1.0, soft_edge=4.0, progress=progress)
    inside = mask.data > _INSIDE
    data = volume.float32() * np.float32(volume.contrast)
    alone = (data - np.float32(face_mean(data))) * mask.data
    margin = int(np.ceil(_PADDING / min(volume.voxel_size)))
    whole = Volume(alone, volume.voxel_size, volume.origin)
    part = crop(whole, region_around_mask(inside, margin))
    positions = volume.grid.world_from_index(np.argwhere(inside))
    centre = positions.mean(axis=0)
    squares = ((positions - centre) ** 2).sum(axis=1)

    def density(resolution: float) -> Volume:
        step = resolution / _VOXELS_PER_RESOLUTION
        return onto_grid(without_detail(part, resolution), finer(part.grid, step))

    radius, reach = float(np.sqrt(squares.mean())), float(np.sqrt(squares.max()))
    return Body(density, centre, radius, reach, _SHARE)


def moved_onto(
    volume: Volume, pose: Poses, body: Body, grid: Grid, *, progress: Progress = silent
) -> Volume:
    """A map after a body in it was moved, on a grid; what lies outside the map becomes 0.

    Parameters
    ----------
    volume : Volume
        The map as it was.
    pose : Poses
        One pose of the body's pivot.
    body : Body
        The body.
    grid : Grid
        Voxels of the result.
    progress : callable
        Called once per z plane.
    """
    data = np.zeros(grid.shape, dtype=np.float32)
    plane = np.stack(np.meshgrid(*map(np.arange, grid.shape[1:]), indexing="ij"), axis=-1)
    for z in range(grid.shape[0]):
        progress(z, grid.shape[0], "moving the map")
        index = np.concatenate([np.full((*plane.shape[:2], 1), z), plane], axis=-1)
        offsets = grid.world_from_index(index) - pose.positions[0]
        data[z] = interpolate(volume, offsets @ pose.rotations[0] + body.pivot)
    progress(1, 1, "moving the map")
    return Volume(data, grid.voxel_size, grid.origin, contrast=volume.contrast)
