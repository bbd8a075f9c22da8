"""A soft mask around the molecule."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from mapscope.density import mask as masks
from mapscope.density.halves import map_or_mean
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.volume import HalfMaps, Volume


@job(menu="napari/layers/segment", memory=8.0)
def make_mask(
    volume: Volume | None = None,
    half_maps: HalfMaps | None = None,
    *,
    threshold: float | None = None,
    low_pass: Annotated[float, Field(gt=0), Show(unit="Å")] = 10.0,
    dilation: Annotated[float, Field(ge=0), Show(unit="Å")] = 3.0,
    soft_edge: Annotated[float, Field(ge=0), Show(unit="Å")] = 6.0,
    smallest_part: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.05,
    progress: Progress = silent,
) -> Volume:
    """Mask that is 1 in the molecule and falls softly to 0 around it.

    The map is low-pass filtered and cut at the threshold, small separate parts are dropped,
    what is left grows by the dilation and gets a soft edge.

    Parameters
    ----------
    volume : Volume, optional
        The map. None takes the mean of the half maps.
    half_maps : HalfMaps, optional
        Used where no map is given.
    threshold : float, optional
        Density of the filtered map above which it is molecule. Auto: mean plus 0.9 standard
        deviations, plus 0.5 for a map that was cut out around a model.
    low_pass : float
        Resolution of the Gaussian filter before the cut. Noisy maps want 15.
    dilation : float
        How far the mask reaches beyond the cut.
    soft_edge : float
        Width of the raised-cosine edge beyond that.
    smallest_part : float
        Parts smaller than this share of the largest are dropped; 1 keeps the largest alone.
    progress : Progress
        Called once per plane.

    Returns
    -------
    mask : Volume
        0 to 1, on the grid of the map.

    Raises
    ------
    InputError
        If there is neither a map nor half maps.
    DataError
        If the map is constant or nothing reaches the threshold.
    """
    return masks.make_mask(
        map_or_mean(volume, half_maps),
        threshold=threshold,
        low_pass_resolution=low_pass,
        dilation=dilation,
        soft_edge=soft_edge,
        smallest_part=smallest_part,
        progress=progress,
    )
