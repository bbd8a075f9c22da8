"""The difference of two maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mapscope.density.scale import ScaleFit, fit_scale, match_amplitudes, subtract
from mapscope.job import job
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume, require_same_grid


@dataclass(frozen=True)
class Difference:
    """The difference of two maps and how they were scaled.

    Parameters
    ----------
    difference : Volume
        First map less the scaled second one.
    scale : float
        Factor applied to the second map.
    offset : float
        What was added to it after that.
    correlation : float
        Correlation of both maps where they were compared.
    """

    difference: Volume
    scale: float
    offset: float
    correlation: float


@job(menu="napari/layers/filter", memory=4.0)
def subtract_maps(
    volume: Volume,
    other: Volume,
    mask: Volume | None = None,
    *,
    match: Literal["scale", "amplitudes", "nothing"] = "scale",
    progress: Progress = silent,
) -> Difference:
    """Difference of two maps on one grid, brought to one scale first.

    Parameters
    ----------
    volume : Volume
        The map to subtract from.
    other : Volume
        The map to subtract, on the same grid.
    mask : Volume, optional
        Where the scale is fitted; everywhere without one.
    match : str
        Fit scale and offset by least squares; or first give the second map the amplitudes of
        the first in every Fourier shell; or subtract as they are.
    progress : Progress
        Called once per plane.

    Returns
    -------
    Difference
        The difference and the scale.

    Raises
    ------
    GridError
        If the grids differ.
    DataError
        If a map is constant where they are compared.
    """
    require_same_grid(volume, other, "the first map", "the second map")
    if match == "amplitudes":
        other = match_amplitudes(other, volume, progress=part(progress, 0, 1, 2))
    fit = fit_scale(other, volume, mask, progress=part(progress, 1, 2, 2))
    used = ScaleFit(1.0, 0.0, fit.correlation) if match == "nothing" else fit
    difference = subtract(volume, other, used)
    return Difference(difference, used.scale, used.offset, used.correlation)
