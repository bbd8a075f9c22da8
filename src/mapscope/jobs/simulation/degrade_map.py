"""Half maps of known quality from a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.density.shells import resolution_interpolated
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.simulate.degradation import Degradation, drawn_direction
from mapscope.simulate.degrade import degrade
from mapscope.simulate.degraded_maps import DegradedMaps
from mapscope.table import Plot, Table
from mapscope.volume import HalfMaps, Volume

COUNTED = 200
"""Shells of fewer coefficients do not count for the largest deviation."""


@dataclass(frozen=True)
class Degraded:
    """Half maps of known quality, their mean, and what is true of them.

    Parameters
    ----------
    degraded : Volume
        Mean of the half maps, sharpened where that was asked.
    half_map_1 : Volume
        Signal and noise, neither filtered nor sharpened.
    half_map_2 : Volume
        The same signal with other noise.
    local_resolution : Volume
        Resolution planted in each voxel, in Å.
    fsc : Table
        Wanted and obtained correlation of the half maps in each shell (1/Å).
    resolution : float or None
        Å where the obtained correlation falls to 0.143. None where it never does.
    largest_deviation : float
        Largest difference of obtained and wanted correlation, of shells with more than 200
        coefficients.
    noise_level : float
        Standard deviation of the noise in one half map over that of the signal.
    b_factor : float
        Å² by which the signal was blurred.
    """

    degraded: Volume
    half_map_1: Volume
    half_map_2: Volume
    local_resolution: Volume
    fsc: Table
    resolution: float | None
    largest_deviation: float
    noise_level: float
    b_factor: float

    @property
    def half_maps(self) -> HalfMaps:
        """Both half maps, as other jobs take them."""
        return HalfMaps(self.half_map_1, self.half_map_2)


@job(menu="napari/layers/filter", memory=13.0)
def degrade_map(
    volume: Volume,
    mask: Volume | None = None,
    curve: Table | None = None,
    *,
    resolution: Annotated[float, Field(gt=0, le=100), Show(unit="Å")] = 4.0,
    coarsest: Annotated[float | None, Field(gt=0, le=100), Show(unit="Å")] = None,
    signal_to_noise: Annotated[float, Field(ge=1, le=1e6)] = 100.0,
    sharpen: bool = False,
    pattern: Annotated[Literal["patches", "outwards"], Show(more=True)] = "patches",
    feature_size: Annotated[float | None, Field(gt=0), Show(unit="Å", more=True)] = None,
    b_factor: Annotated[float | None, Field(ge=-500, le=1000), Show(unit="Å²", more=True)] = None,
    noise_b_factor: Annotated[
        float | None, Field(ge=-500, le=1000), Show(unit="Å²", more=True)
    ] = None,
    anisotropy: Annotated[float, Field(ge=0, le=1000), Show(unit="Å²", more=True)] = 0.0,
    solvent_noise: Annotated[float, Field(ge=0, le=10), Show(more=True)] = 1.0,
    apply_mask: Annotated[bool, Show(more=True)] = False,
    off_centre: Annotated[float, Field(ge=0), Show(unit="Å", more=True)] = 0.0,
    exact: Annotated[bool, Show(more=True)] = True,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> Degraded:
    """Half maps whose resolution and noise are known, made from a clean map.

    Both hold the same blurred signal and independent noise, so that they correlate as you
    ask, shell by shell. Use them to see what a method does with data whose truth is known.

    Parameters
    ----------
    volume : Volume
        The map, as free of noise as can be had: simulated from a model, or from a crystal.
    mask : Volume, optional
        Where the molecule is, 0 to 1. With it, resolutions hold inside it; without, for the
        whole box, empty solvent included.
    curve : Table, optional
        A wanted FSC: columns frequency (1/Å) and correlation. It goes before resolution and
        signal to noise.
    resolution : float
        Where the FSC of the half maps falls to 0.143; with coarsest, that of the best places.
    coarsest : float, optional
        Resolution of the worst places. Auto gives the same resolution everywhere.
    signal_to_noise : float
        Power of the signal over that of the noise in one half map, at low frequency.
    sharpen : bool
        Sharpen, weight and filter the mean map as post-processing does; the half maps never.
    pattern : {"patches", "outwards"}
        Worse places lie in random patches, or outwards from the molecule's centre.
    feature_size : float, optional
        Size of the patches. Auto takes a third of the box.
    b_factor : float, optional
        Blurs the signal. Auto blurs so much that the noise is about equally strong at all
        frequencies, as it is before sharpening.
    noise_b_factor : float, optional
        Colour of the noise: 0 is white, more falls off with frequency; the signal is then
        scaled to it, whatever the B-factor. Auto takes the colour that blur and curve leave.
    anisotropy : float
        Extra B-factor of the signal along a random direction.
    solvent_noise : float
        Noise outside the mask over that inside; 1 is the same everywhere.
    apply_mask : bool
        Multiply the maps by the mask; they then agree better than the curve says.
    off_centre : float
        Moves the box by so much in a random direction; the molecule stays in place.
    exact : bool
        Follow the curve exactly; off lets the FSC fluctuate as between real half maps.
    seed : int
        Seed of everything random.
    progress : Progress
        Called once per plane and step.

    Returns
    -------
    Degraded
        Half maps, their mean, planted resolution and curves.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    InputError
        If voxels or box cannot hold the resolutions, the curve is no correlation, or a mask
        is needed.
    DataError
        If the map is constant, holds no detail up to the resolution, or the mask is empty.

    References
    ----------
    .. [1] Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721-745.
    .. [2] Frank & Al-Ali (1975) Nature 256, 376-379.
    """
    degradation = Degradation(
        resolution=resolution,
        signal_to_noise=signal_to_noise,
        coarsest=coarsest,
        pattern=pattern,
        feature_size=feature_size,
        b_factor=b_factor,
        noise_b=noise_b_factor,
        anisotropy=anisotropy,
        axis=drawn_direction(seed, "weak direction"),
        solvent_noise=solvent_noise,
        is_masked=apply_mask,
        is_sharpened=sharpen,
        shift=drawn_direction(seed, "box", off_centre),
        is_exact=exact,
        seed=seed,
    )
    made = degrade(volume, degradation, mask=mask, curve=curve, progress=progress)
    return _result(made)


def _result(made: DegradedMaps) -> Degraded:
    """Maps, curves and numbers under their names."""
    resolution = resolution_interpolated(made.frequency, made.obtained)
    counted = made.count > COUNTED
    deviation = np.abs(made.obtained - made.wanted)[counted]
    return Degraded(
        degraded=made.mean,
        half_map_1=made.half_maps.first,
        half_map_2=made.half_maps.second,
        local_resolution=made.local_resolution,
        fsc=_table(made, resolution),
        resolution=resolution,
        largest_deviation=float(deviation.max(initial=0.0)),
        noise_level=made.noise_level,
        b_factor=made.best.b_factor,
    )


def _table(made: DegradedMaps, resolution: float | None) -> Table:
    """Both curves with the way to plot them."""
    columns = {
        "frequency": made.frequency,
        "wanted": made.wanted,
        "obtained": made.obtained,
        "coefficients": made.count,
    }
    found = "no resolution" if resolution is None else f"{resolution:.2f} Å"
    plot = Plot(
        x="frequency",
        y=("wanted", "obtained"),
        x_label="spatial frequency (1/Å)",
        y_label="FSC",
        levels={"0.143": 0.143, "0.5": 0.5},
        marks={} if resolution is None else {found: 1 / resolution},
        reciprocal_x=True,
        headline=f"{found} at FSC 0.143",
    )
    return Table(columns, {"frequency": "1/Å"}, plot)
