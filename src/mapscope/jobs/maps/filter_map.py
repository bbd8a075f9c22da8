"""Low-pass and high-pass filters."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from mapscope.density import fourier
from mapscope.density.frame import crop
from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.volume import Region, Volume


@job(live=True, menu="napari/layers/filter", memory=4.0, by_parts=True)
def filter_map(
    volume: Volume,
    *,
    low_pass: Annotated[float | None, Field(gt=0), Show(unit="Å", slider=(1.0, 60.0))] = None,
    high_pass: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    edge: Annotated[Literal["cosine", "gaussian"], Show(more=True)] = "cosine",
    region: Annotated[Region | None, Show(more=True)] = None,
    progress: Progress = silent,
) -> Volume:
    """Map without detail finer, or variation slower, than given.

    The mean of the map stays as it is.

    Parameters
    ----------
    volume : Volume
        The map.
    low_pass : float, optional
        Detail finer than this goes. Auto lets all detail pass.
    high_pass : float, optional
        Variation slower than this goes. Auto lets all pass.
    edge : str
        Raised cosine over two shells, or a Gaussian, which does not ring.
    region : Region, optional
        Filter only this box of voxels (z0:z1,y0:y1,x0:x1).
    progress : Progress
        Called once per plane.

    Returns
    -------
    filtered : Volume
        The map, on its grid.

    Raises
    ------
    InputError
        If neither filter is given, or they leave nothing.
    """
    source = volume if region is None else crop(volume, region)
    if low_pass is not None and high_pass is not None:
        return fourier.band_pass(source, high_pass, low_pass, edge=edge, progress=progress)
    if low_pass is not None:
        return fourier.low_pass(source, low_pass, edge=edge, progress=progress)
    if high_pass is not None:
        return fourier.high_pass(source, high_pass, edge=edge, progress=progress)
    raise InputError("give a low-pass or a high-pass resolution in Å")
