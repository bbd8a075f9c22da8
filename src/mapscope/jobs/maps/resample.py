"""Another voxel size over the same box."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mapscope.density.resample import onto_grid, resample_fourier, shape_for_voxel_size
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.volume import Grid, Volume


@job(title="Resample map", menu="napari/layers/transform", memory=6.0)
def resample(
    volume: Volume,
    *,
    voxel_size: Annotated[float, Field(gt=0), Show(unit="Å")] = 1.0,
    method: Literal["fourier", "spline"] = "fourier",
    progress: Progress = silent,
) -> Volume:
    """Map on finer or coarser voxels, in the same place.

    The Fourier method is exact and keeps the box, so that the voxel size is the nearest one
    that divides it; the spline gives exactly the voxel size asked for. Detail that coarser
    voxels cannot hold is filtered away first.

    Parameters
    ----------
    volume : Volume
        The map.
    voxel_size : float
        The voxel size wanted.
    method : str
        Padding or cropping of the Fourier transform, or a cubic spline.
    progress : Progress
        Called once per step.

    Returns
    -------
    resampled : Volume
        The map; its first voxel lies where it lay.

    Raises
    ------
    GridError
        If the voxel size is not positive.
    """
    shape = shape_for_voxel_size(volume.grid, voxel_size)
    if method == "fourier":
        return resample_fourier(volume, shape, progress=progress)
    grid = Grid(shape, (voxel_size,) * 3, volume.origin)
    return onto_grid(volume, grid, progress=progress)
