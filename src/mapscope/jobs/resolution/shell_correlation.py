"""Fourier shell correlation of half maps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from mapscope.density.shells import (
    HalfMapCurves,
    fourier_shell_correlation,
    resolution_by_relion_rule,
    resolution_interpolated,
)
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Plot, Table
from mapscope.volume import HalfMaps, Volume


@dataclass(frozen=True)
class ShellCorrelation:
    """Fourier shell correlation, and the resolutions read from it.

    Parameters
    ----------
    curves : Table
        One row for each shell: frequency (1/Å), resolution (Å), unmasked, and with a mask
        masked, phase-randomised and corrected.
    resolution : float or None
        Å, last shell before the corrected curve (without a mask: the unmasked one) falls
        below 0.143, as RELION reports it. None where it never does.
    resolution_interpolated : float or None
        Å, the same with the crossing interpolated between shells.
    resolution_at_half : float or None
        Å, last shell before the same curve falls below 0.5.
    resolution_at_half_interpolated : float or None
        Å, that crossing interpolated.
    unmasked_resolution : float or None
        Å, at 0.143 without the mask.
    randomised_beyond : float or None
        Å, where phases were made random to measure what the mask adds.
    """

    curves: Table
    resolution: float | None
    resolution_interpolated: float | None
    resolution_at_half: float | None
    resolution_at_half_interpolated: float | None
    unmasked_resolution: float | None
    randomised_beyond: float | None


@job(menu="napari/layers/measure", memory=6.0)
def shell_correlation(
    half_maps: HalfMaps,
    mask: Volume | None = None,
    *,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> ShellCorrelation:
    """Resolution of a map from its half maps by Fourier shell correlation.

    Unmasked, masked, with phases randomised beyond the resolution, and corrected for what
    the mask adds, on the shells and by the rules of RELION.

    Parameters
    ----------
    half_maps : HalfMaps
        Two half maps as refinement gave them: neither sharpened, filtered nor masked.
    mask : Volume, optional
        0 to 1 with a soft edge, on the grid of the half maps.
    seed : int
        Seed of the random phases.
    progress : Progress
        Called once per plane.

    Returns
    -------
    ShellCorrelation
        Curves and resolutions.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is empty.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    .. [2] Chen et al. (2013) Ultramicroscopy 135, 24-35.
    """
    curves = fourier_shell_correlation(half_maps, mask, seed=seed, progress=progress)
    best = curves.best
    resolution = _finite(resolution_by_relion_rule(curves.frequency, best, 0.143))
    start = curves.randomised_from
    return ShellCorrelation(
        curves=_table(curves, resolution),
        resolution=resolution,
        resolution_interpolated=_finite(resolution_interpolated(curves.frequency, best, 0.143)),
        resolution_at_half=_finite(resolution_by_relion_rule(curves.frequency, best, 0.5)),
        resolution_at_half_interpolated=_finite(
            resolution_interpolated(curves.frequency, best, 0.5)
        ),
        unmasked_resolution=_finite(
            resolution_by_relion_rule(curves.frequency, curves.unmasked, 0.143)
        ),
        randomised_beyond=None if start is None else float(1 / curves.frequency[start]),
    )


def _finite(value: float | None) -> float | None:
    """None for a resolution that could not be read."""
    return value if value is not None and math.isfinite(value) else None


def _table(curves: HalfMapCurves, resolution: float | None) -> Table:
    """Curves with the way to plot them."""
    frequency = curves.frequency
    distance = np.divide(1.0, frequency, out=np.full_like(frequency, np.nan), where=frequency > 0)
    columns = {"frequency": frequency, "resolution": distance, "unmasked": curves.unmasked}
    names = ("masked", "phase_randomised", "corrected")
    columns |= {n: v for n in names if (v := getattr(curves, n)) is not None}
    columns["coefficients"] = curves.count
    if resolution is None:
        nyquist = 1 / frequency[-1]
        headline = f"FSC never crosses 0.143: limited by the box or the voxels ({nyquist:.2f} Å)"
    else:
        headline = f"{resolution:.2f} Å at FSC 0.143"
    plot = Plot(
        x="frequency",
        y=tuple(n for n in ("unmasked", *names) if n in columns),
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        marks={} if resolution is None else {f"{resolution:.2f} Å": 1 / resolution},
        reciprocal_x=True,
        headline=headline,
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)
