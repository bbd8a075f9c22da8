"""Global sharpening by a B-factor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from mapscope.cache import shared
from mapscope.density.fourier import Shells, transform
from mapscope.density.frame import crop
from mapscope.density.guinier import (
    GuinierCurve,
    GuinierFit,
    fit_b_factor,
    fsc_weight,
    guinier_curve,
    sharpen,
)
from mapscope.density.halves import map_or_mean
from mapscope.density.shells import (
    fourier_shell_correlation,
    resolution_by_relion_rule,
    shell_mean_amplitude,
)
from mapscope.errors import DataError, InputError
from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.table import Plot, Table
from mapscope.volume import Array, HalfMaps, Region, Volume

MARGIN = 16
"""Voxels computed around a region and cut off again, so that its edges are right."""


@dataclass(frozen=True)
class Sharpened:
    """A sharpened map and the Guinier plot behind it.

    Parameters
    ----------
    sharpened : Volume
        The map, on the grid of its source.
    guinier : Table
        ln of the mean amplitude against 1/d² (1/Å²): as it was, weighted where half maps
        give weights, and sharpened.
    b_factor : float
        Å², as applied; negative sharpens.
    resolution : float or None
        Å of the low-pass filter; None where there was none.
    fit_correlation : float or None
        Squared correlation of the straight line, where the B-factor was fitted.
    """

    sharpened: Volume
    guinier: Table
    b_factor: float
    resolution: float | None
    fit_correlation: float | None

    @property
    def caption(self) -> str:
        """The B-factor, for the layer's name."""
        return f"B {self.b_factor:.0f}".replace("-", "−")


@job(live=True, menu="napari/layers/filter", memory=7.0)
def sharpen_by_b_factor(
    volume: Volume | None = None,
    half_maps: HalfMaps | None = None,
    mask: Volume | None = None,
    *,
    b_factor: Annotated[float | None, Show(unit="Å²", slider=(-400.0, 100.0))] = None,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    weight_by_fsc: bool = True,
    fit_from: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 10.0,
    region: Annotated[Region | None, Show(more=True)] = None,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> Sharpened:
    """Map with its high resolution restored, by one B-factor for all of it.

    From half maps: their mean, weighted by their agreement in every shell, with the B-factor
    read from a Guinier plot and a low-pass filter at the resolution, as in RELION's
    post-processing. From one map: with the B-factor that you give, or a Guinier fit up to
    the resolution that you give.

    Parameters
    ----------
    volume : Volume, optional
        The map to sharpen. None sharpens the mean of the half maps.
    half_maps : HalfMaps, optional
        Two half maps as refinement gave them: they give weights and resolution.
    mask : Volume, optional
        0 to 1 with a soft edge, for the agreement of the half maps; the result is not
        masked.
    b_factor : float, optional
        Negative sharpens. Auto fits it to the Guinier plot.
    resolution : float, optional
        Low-pass filter. Auto takes the half maps' resolution at FSC 0.143; a single map is
        not filtered.
    weight_by_fsc : bool
        Weight each shell by the signal that the half maps show in it.
    fit_from : float
        Coarse end of the Guinier fit.
    region : Region, optional
        Give only this box of voxels (z0:z1,y0:y1,x0:x1); curves are still those of the whole
        map.
    seed : int
        Seed of the random phases in the corrected FSC.
    progress : Progress
        Called once per plane.

    Returns
    -------
    Sharpened
        The map, the Guinier plot and what was applied.

    Raises
    ------
    InputError
        If there is nothing to sharpen, or no resolution to fit up to.
    DataError
        If too few shells lie between `fit_from` and the resolution.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    """
    if volume is None and half_maps is None:
        raise InputError("Sharpen by B-factor needs a map, or two half maps")
    weight = None
    if half_maps is not None:
        fsc = _agreement(half_maps, mask, seed, part(progress, 0, 1, 3))
        resolution = resolution or _resolution(half_maps, fsc)
        weight = fsc_weight(fsc[1]) if weight_by_fsc else None
    frequency, amplitude = _amplitudes(volume, half_maps, part(progress, 1, 2, 3))
    weight = None if weight is None else np.interp(frequency, fsc[0], weight)
    curve = guinier_curve(frequency, amplitude, weight)
    fit = None if b_factor is not None else _fit(curve, fit_from, resolution)
    applied = fit.b_factor if fit is not None else float(b_factor or 0.0)
    source, inner = _source(volume, half_maps, region)
    sharpened = sharpen(
        source,
        applied,
        frequency=frequency,
        weight=np.ones_like(frequency) if weight is None else weight,
        resolution=resolution,
        progress=part(progress, 2, 3, 3),
    )
    return Sharpened(
        sharpened=sharpened if inner is None else crop(sharpened, inner),
        guinier=_table(curve, applied, fit, resolution),
        b_factor=applied,
        resolution=resolution,
        fit_correlation=None if fit is None else fit.correlation,
    )


def _resolution(half_maps: HalfMaps, fsc: tuple[Array, Array]) -> float:
    """Resolution at FSC 0.143; Nyquist where the curve never falls below.

    Raises
    ------
    DataError
        If the half maps agree nowhere.
    """
    found = resolution_by_relion_rule(*fsc, 0.143)
    if found is not None and math.isinf(found):
        raise DataError("the half maps do not agree in any shell: are they of one object?")
    return found or 2 * max(half_maps.first.voxel_size)


def _agreement(
    half_maps: HalfMaps, mask: Volume | None, seed: int, progress: Progress
) -> tuple[Array, Array]:
    """Frequency and best FSC of the half maps; computed once for equal inputs."""
    nouns = (half_maps.first, half_maps.second, mask)
    key = ("agreement", seed, half_maps.grid, *(n and checksum_of(n) for n in nouns))

    def compute() -> tuple[Array, Array]:
        curves = fourier_shell_correlation(half_maps, mask, seed=seed, progress=progress)
        return curves.frequency, curves.best

    return shared.get(key, compute)


def _amplitudes(
    volume: Volume | None, half_maps: HalfMaps | None, progress: Progress
) -> tuple[Array, Array]:
    """Frequency and mean amplitude by shell of the map; computed once for equal inputs."""
    nouns = (volume,) if volume or not half_maps else (half_maps.first, half_maps.second)
    key = ("shell amplitudes", *((n.grid, checksum_of(n)) for n in nouns if n is not None))

    def compute() -> tuple[Array, Array]:
        source = map_or_mean(volume, half_maps)
        shells = Shells(source.grid)
        coefficients = transform(source.data, part(progress, 0, 1, 2))
        amplitude = shell_mean_amplitude(coefficients, shells, progress=part(progress, 1, 2, 2))
        return shells.frequency, amplitude

    return shared.get(key, compute)


def _fit(curve: GuinierCurve, fit_from: float, resolution: float | None) -> GuinierFit:
    """Guinier fit from `fit_from` to the resolution.

    Raises
    ------
    InputError
        If no resolution is known.
    """
    if resolution is None:
        raise InputError("a Guinier fit needs the map's resolution: give it, or the B-factor")
    return fit_b_factor(curve, fit_from, resolution)


def _source(
    volume: Volume | None, half_maps: HalfMaps | None, region: Region | None
) -> tuple[Volume, Region | None]:
    """The map to work on and, for a region, where in it the region lies."""
    if region is None:
        return map_or_mean(volume, half_maps), None
    shape = volume.shape if volume is not None else half_maps.grid.shape  # type: ignore[union-attr]
    wanted = region.clipped(shape)
    wide = Region(
        tuple(n - MARGIN for n in wanted.lower),  # type: ignore[arg-type]
        tuple(n + MARGIN for n in wanted.upper),  # type: ignore[arg-type]
    ).clipped(shape)
    lower = tuple(a - b for a, b in zip(wanted.lower, wide.lower, strict=True))
    upper = tuple(a + n for a, n in zip(lower, wanted.shape, strict=True))
    return map_or_mean(volume, half_maps, wide), Region(lower, upper)  # type: ignore[arg-type]


def _table(
    curve: GuinierCurve, b_factor: float, fit: GuinierFit | None, resolution: float | None
) -> Table:
    """The Guinier plot up to the resolution."""
    finest = np.inf if resolution is None else 1 / resolution
    shown = (curve.frequency > 0) & (curve.frequency <= finest)
    shown &= np.isfinite(curve.log_weighted)
    square = curve.frequency[shown] ** 2
    columns = {
        "square_frequency": square,
        "original": curve.log_amplitude[shown],
    }
    if not np.array_equal(curve.log_weighted[shown], columns["original"]):
        columns["weighted"] = curve.log_weighted[shown]
    columns["sharpened"] = curve.log_weighted[shown] - 0.25 * b_factor * square
    if fit is not None:
        columns["fit"] = fit.intercept + fit.slope * square
    sign = f"{b_factor:.1f}".replace("-", "−")
    plot = Plot(
        x="square_frequency",
        y=tuple(name for name in columns if name != "square_frequency"),
        x_label="1/d² (1/Å²)",
        y_label="ln of mean amplitude",
        headline=f"B-factor {sign} Å²",
    )
    return Table(columns, {"square_frequency": "1/Å²"}, plot)
