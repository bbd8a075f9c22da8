"""How amplitudes fall with resolution, and what of an agreement cannot come from the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.guinier import fsc_weight, guinier_curve
from mapscope.density.shells import first_below, shell_mean_amplitude
from mapscope.errors import InputError
from mapscope.progress import Progress, part, silent
from mapscope.table import Plot, Table
from mapscope.volume import Array, Volume, require_same_grid


@dataclass(frozen=True, eq=False)
class PriorGain:
    """What a map's agreement with a reference exceeds the most that its half maps allow.

    Parameters
    ----------
    frequency : float64 array (shells,)
        1/Å; the first is 0.
    reference : float64 array (shells,)
        FSC of the map with a model or another reference.
    limit : float64 array (shells,)
        C_ref: the FSC of the mean of the half maps with a perfect reference.
    gain : float64 array (shells,)
        Reference less limit. Above 0 is prior: knowledge put in by a method, or the reference
        fitted to the map's own noise.
    mean : float
        Mean of the gain over all coefficients, the mean of the map left out.
    """

    frequency: npt.NDArray[np.float64]
    reference: npt.NDArray[np.float64]
    limit: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    mean: float


def distances_of(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Resolution of each frequency in Å, NaN at 0, shape (shells,)."""
    nothing = np.full_like(frequency, np.nan)
    return np.asarray(np.divide(1.0, frequency, out=nothing, where=frequency > 0))


def radial_spectra(volumes: Mapping[str, Volume], *, progress: Progress = silent) -> Table:
    """Mean amplitude of each shell of maps on one grid, with a Guinier plot.

    Parameters
    ----------
    volumes : mapping of str to Volume
        Maps by the name that their column gets, at least one.
    progress : callable
        Called once per z plane of each.

    Returns
    -------
    Table
        ``frequency`` (1/Å), ``resolution`` (Å), ``squared_frequency`` (1/Å²), and the natural
        logarithm of the mean amplitude of each map, NaN where there is none.

    Raises
    ------
    InputError
        If there is none.
    GridError
        If they lie on different grids.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, figure 6.
    """
    if not volumes:
        raise InputError("a spectrum needs at least one map")
    named = list(volumes.items())
    first_name, first = named[0]
    shells = Shells(first.grid, "full")
    frequency = shells.frequency
    columns = {
        "frequency": frequency,
        "resolution": distances_of(frequency),
        "squared_frequency": frequency**2,
    }
    for number, (name, volume) in enumerate(named):
        require_same_grid(first, volume, first_name, name)
        tell = part(progress, number, number + 1, len(named))
        amplitude = shell_mean_amplitude(transform(volume.data), shells, progress=tell)
        logarithm = guinier_curve(frequency, amplitude).log_amplitude
        columns[name] = np.where(np.isfinite(logarithm), logarithm, np.nan)
    plot = Plot(
        x="squared_frequency",
        y=tuple(volumes),
        x_label="squared spatial frequency (1/Å²)",
        y_label="ln mean amplitude",
        title="Guinier plot",
    )
    units = {"frequency": "1/Å", "resolution": "Å", "squared_frequency": "1/Å²"}
    return Table(columns, units, plot)


def prior_gain(frequency: Array, reference: Array, half_fsc: Array, count: Array) -> PriorGain:
    """By how much a map agrees better with a reference than its half maps allow, by shell.

    C_ref follows from the half maps' FSC. No filter that treats all coefficients of a shell
    alike exceeds it; what does is prior, not data.

    Parameters
    ----------
    frequency : array (shells,)
        1/Å, from 0.
    reference : array (shells,)
        FSC of the map with its model.
    half_fsc : array (shells,)
        FSC of the half maps on the same shells, under the same mask.
    count : array (shells,)
        Number of coefficients.

    Raises
    ------
    InputError
        If the curves differ in length or have fewer than two shells.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, equation 18 (C_ref).
    """
    curves = [np.asarray(c, dtype=np.float64) for c in (frequency, reference, half_fsc, count)]
    if len({curve.shape for curve in curves}) != 1 or curves[0].size < 2:
        sizes = ", ".join(str(curve.size) for curve in curves)
        raise InputError(
            f"the curves must be equally long and of two shells at least, got {sizes}: compute "
            "all on one grid"
        )
    limit = fsc_weight(curves[2])
    gain = curves[1] - limit
    weight = curves[3][1:]
    mean = float((gain[1:] * weight).sum() / weight.sum())
    return PriorGain(curves[0], curves[1], limit, gain, mean)


def prior_gain_table(result: PriorGain) -> Table:
    """The curves as a table, with the way to plot them."""
    columns = {
        "frequency": result.frequency,
        "resolution": distances_of(result.frequency),
        "reference": result.reference,
        "limit": result.limit,
        "gain": result.gain,
    }
    ends = first_below(result.limit, 0.5)
    marks = {} if ends is None else {"C_ref 0.5": float(result.frequency[ends])}
    plot = Plot(
        x="frequency",
        y=("reference", "limit", "gain"),
        x_label="spatial frequency (1/Å)",
        y_label="correlation",
        title="Map–model FSC, what the half maps allow, and the gain",
        marks=marks,
        reciprocal_x=True,
        headline=f"prior gain {result.mean:+.3f}",
    )
    return Table(columns, {"frequency": "1/Å", "resolution": "Å"}, plot)
