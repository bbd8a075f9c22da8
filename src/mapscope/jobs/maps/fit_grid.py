"""A map brought onto the grid of another."""

from __future__ import annotations

from typing import Literal

from mapscope.density.resample import onto_grid
from mapscope.job import job
from mapscope.progress import Progress, silent
from mapscope.volume import Volume

ORDERS: dict[str, Literal[1, 3]] = {"cubic": 3, "linear": 1}


@job(menu="napari/layers/transform", memory=6.0)
def fit_grid(
    volume: Volume,
    reference: Volume,
    *,
    interpolation: Literal["cubic", "linear"] = "cubic",
    progress: Progress = silent,
) -> Volume:
    """Map interpolated onto the voxels of another, without moving.

    Then both can be subtracted, compared or masked with one mask. What lies outside the map
    becomes 0.

    Parameters
    ----------
    volume : Volume
        The map to interpolate.
    reference : Volume
        The map whose grid is wanted.
    interpolation : str
        Cubic spline through the voxels, or linear.
    progress : Progress
        Called once per slab.

    Returns
    -------
    fitted : Volume
        The map on the reference's grid, with the reference's header.
    """
    fitted = onto_grid(volume, reference.grid, order=ORDERS[interpolation], progress=progress)
    return Volume(
        fitted.data, reference.voxel_size, reference.origin, reference.header, volume.contrast
    )
