"""How much of an enhanced map is data, by resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.guinier import fsc_weight
from mapscope.density.halves import mean_map
from mapscope.density.shells import (
    correlate_shells,
    fourier_shell_correlation,
    resolution_interpolated,
)
from mapscope.parameter import Key
from mapscope.progress import Progress, part, silent
from mapscope.scores.honesty import rise
from mapscope.scores.spectra import distances_of
from mapscope.table import Plot, Table
from mapscope.volume import Array, HalfMaps, Volume, require_same_grid


@dataclass(frozen=True)
class NoiseSummary:
    """What the network makes of noise with the spectrum of the map's.

    Parameters
    ----------
    highest : float
        Highest value of it over the contour level of the enhanced map; below 1 nothing that was
        made of noise would be seen.
    highest_given : float
        The same of the noise as the network got it, weighted and sharpened as the map.
    deviation : float
        Standard deviation of what was made over that of what was given; above 1 noise is made
        into something.
    kind : str
        What the noise is.

    References
    ----------
    .. [1] Chen et al. (2013) Ultramicroscopy 135, 24-35.
    """

    highest: Annotated[float, Key("noise / contour")]
    highest_given: float
    deviation: float
    kind: str


def noise_summary(made: Volume, given: Volume, level: float, kind: str) -> NoiseSummary:
    """How high what a method made of noise comes out.

    Parameters
    ----------
    made, given : Volume
        What it made of the noise, and the noise.
    level : float
        Contour level of the enhanced map, above 0.
    kind : str
        What the noise is.
    """
    risen = rise(made, given)
    highest = float(given.data.max() - given.data.mean(dtype=np.float64)) / level
    return NoiseSummary(highest * risen.highest, highest, risen.deviation, kind)


def agreement_table(
    enhanced: Volume,
    data: Volume,
    half_maps: HalfMaps | None = None,
    mask: Volume | None = None,
    *,
    progress: Progress = silent,
) -> Table:
    """Agreement of an enhanced map with what it was made of, one row for each shell.

    Parameters
    ----------
    enhanced, data : Volume
        The map, and what of it is data, on one grid.
    half_maps : HalfMaps, optional
        That the data were made of.
    mask : Volume, optional
        0 to 1 with a soft edge: where to compare.
    progress : callable
        Called once per z plane.

    Returns
    -------
    Table
        ``frequency``, ``resolution``, ``with_data``: FSC of the map with the data,
        ``prior_gain``: share of its power that the data do not carry, ``1 - FSC²``, ``power``: the
        share of the map's power that is in the shell, its mean left out; with half maps
        also ``with_input``: FSC with their mean, and ``c_ref``: FSC of their mean with a perfect
        map of the molecule, the most that a filter of shells could reach.

    Raises
    ------
    GridError
        If the maps lie on different grids.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, equation 18 (C_ref).
    """
    require_same_grid(data, enhanced, "the data", "the enhanced map")
    shells = Shells(enhanced.grid)
    ft = _transform(enhanced, mask)
    power = _power(ft, shells, part(progress, 0, 1, 4))
    with_data = correlate_shells(
        ft, _transform(data, mask), shells, progress=part(progress, 1, 2, 4)
    ).fsc
    columns = {
        "frequency": shells.frequency,
        "resolution": distances_of(shells.frequency),
        "with_data": with_data,
    }
    if half_maps is not None:
        require_same_grid(half_maps.first, enhanced, "the half maps", "the enhanced map")
        mean = _transform(mean_map(half_maps), mask)
        told = part(progress, 2, 3, 4)
        columns["with_input"] = correlate_shells(ft, mean, shells, progress=told).fsc
        halves = fourier_shell_correlation(half_maps, mask, progress=part(progress, 3, 4, 4))
        columns["c_ref"] = fsc_weight(halves.best)
    columns["prior_gain"] = prior_share(with_data)
    curves = [name for name in columns if name not in ("frequency", "resolution")]
    columns["power"] = power
    half = resolution_interpolated(shells.frequency, with_data, 0.5)
    end = "everywhere" if half is None else f"to {half:.2f} Å"
    plot = Plot(
        x="frequency",
        y=tuple(curves),
        x_label="spatial frequency (1/Å)",
        y_label="FSC, and share of the power that is prior",
        title="What of the map is data",
        levels={"0.5": 0.5},
        reciprocal_x=True,
        headline=f"the map agrees with the data {end} (FSC 0.5)",
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)


def masked_correlation(
    first: Volume, second: Volume, mask: Volume | None = None, *, progress: Progress = silent
) -> npt.NDArray[np.float64]:
    """FSC of two maps on one grid, inside a mask where there is one, (shells,).

    Parameters
    ----------
    first, second : Volume
        The maps.
    mask : Volume, optional
        0 to 1 with a soft edge.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the grids differ.
    """
    require_same_grid(first, second)
    fts = (_transform(first, mask), _transform(second, mask))
    return correlate_shells(*fts, Shells(first.grid), progress=progress).fsc


def _transform(volume: Volume, mask: Volume | None) -> npt.NDArray[np.complex64]:
    """Transform of a map inside a mask."""
    if mask is None:
        return transform(volume.data)
    require_same_grid(volume, mask, "the map", "the mask")
    return transform(volume.float32() * mask.float32())


def _power(ft: Array, shells: Shells, progress: Progress) -> npt.NDArray[np.float64]:
    """Share of the power of a map in each shell, without its mean; 0 of a constant one."""

    def terms(plane: int) -> tuple[Array, ...]:
        return (np.abs(ft[plane]).astype(np.float64) ** 2,)

    (power,) = shells.sums(terms, progress, "power by shells")
    power[0] = 0.0
    total = float(power.sum())
    return np.asarray(power / total if total > 0 else power)


def prior_share(with_data: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Share of a map's power in each shell that the data do not carry, from its FSC with them.

    Examples
    --------
    >>> prior_share(np.array([1.0, 0.6, 0.0]))
    array([0.  , 0.64, 1.  ])
    """
    return np.asarray(1 - np.clip(with_data, -1.0, 1.0) ** 2)


def share_of_prior(table: Table) -> float:
    """Share of the power of a whole map that is prior, 0 to 1.

    Parameters
    ----------
    table : Table
        Of :func:`agreement_table`.
    """
    gain, power = (np.asarray(table[name], np.float64) for name in ("prior_gain", "power"))
    return float((gain * power).sum())
