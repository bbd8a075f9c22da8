"""How amplitudes fall with resolution, the B-factor that says how fast, and sharpening by it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain, Shells, filter_radial, low_pass_gain
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Volume

TOLERANCE = 1e-6
"""Rounding allowed when a resolution read from a shell is to include that very shell."""


@dataclass(frozen=True, eq=False)
class GuinierCurve:
    """Logarithm of the mean amplitude in each shell.

    Parameters
    ----------
    frequency : float64 array (shells,)
        1/Å; the curve is drawn against its square.
    log_amplitude : float64 array (shells,)
        ln of the mean amplitude; minus infinity where there is none.
    log_weighted : float64 array (shells,)
        The same after multiplication by the weight of each shell.
    """

    frequency: npt.NDArray[np.float64]
    log_amplitude: npt.NDArray[np.float64]
    log_weighted: npt.NDArray[np.float64]


@dataclass(frozen=True)
class GuinierFit:
    """The straight line through a Guinier curve.

    Parameters
    ----------
    b_factor : float
        Å²; negative where amplitudes fall with resolution, and then it sharpens.
    slope : float
        Å², of ln amplitude against squared frequency: a quarter of the B-factor.
    intercept : float
        ln amplitude at frequency 0.
    correlation : float
        Square of Pearson's correlation, which RELION reports under this name.
    """

    b_factor: float
    slope: float
    intercept: float
    correlation: float


def fsc_weight(fsc: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Share of signal expected in each shell of the full map: ``sqrt(2 FSC / (1 + FSC))``.

    Parameters
    ----------
    fsc : array (shells,)
        Half-map correlations, in the order of shells.

    Returns
    -------
    float64 array (shells,)
        0 to 1; 0 from the first shell on whose FSC is not positive, since nothing but
        noise follows (RELION does the same). The mean, shell 0, says nothing of what follows:
        that of maps without one is rounding, of either sign.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, equation 18 (C_ref).
    """
    values = np.asarray(fsc, dtype=np.float64)
    is_signal = values > 0
    positive = np.append(is_signal[:1], np.logical_and.accumulate(is_signal[1:]))
    kept = np.where(positive, np.minimum(values, 1.0), 0.0)
    return np.asarray(np.sqrt(2 * kept / (1 + kept)))


def guinier_curve(frequency: Array, amplitude: Array, weight: Array | None = None) -> GuinierCurve:
    """Guinier curve of mean amplitudes, as from :func:`~.shells.shell_mean_amplitude`.

    Parameters
    ----------
    frequency : array (shells,)
        1/Å.
    amplitude : array (shells,)
        Mean amplitudes of the sum or mean of the half maps, not masked.
    weight : array (shells,), optional
        As from :func:`fsc_weight`; `None` weights all shells alike.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, figure 6.
    """
    frequency = np.asarray(frequency, dtype=np.float64)
    amplitude = np.asarray(amplitude, dtype=np.float64)
    weighted = amplitude if weight is None else amplitude * np.asarray(weight)
    return GuinierCurve(frequency, _log(amplitude), _log(weighted))


def _log(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Natural logarithm, minus infinity where there is nothing to take it of."""
    nothing = np.full(values.shape, -np.inf)
    return np.asarray(np.log(values, out=nothing, where=values > 0))


def fit_b_factor(
    curve: GuinierCurve, low_resolution: float = 10.0, high_resolution: float | None = None
) -> GuinierFit:
    """Straight line through the weighted curve, all shells in the range counting alike.

    Parameters
    ----------
    curve : GuinierCurve
        The curve; shells of weight 0 are left out.
    low_resolution : float
        Coarse end of the range in Å. 10 Å is where atoms begin to rule over the shape.
    high_resolution : float, optional
        Fine end in Å; `None` goes as far as the weights do.

    Raises
    ------
    DataError
        If fewer than three shells lie in the range.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, equation 19.
    """
    square = curve.frequency**2
    used = (curve.frequency * low_resolution >= 1 - TOLERANCE) & np.isfinite(curve.log_weighted)
    if high_resolution is not None:
        used &= curve.frequency * high_resolution <= 1 + TOLERANCE
    if used.sum() < 3:
        raise DataError(
            f"{int(used.sum())} shells with signal lie between {low_resolution:g} Å and "
            f"{'the resolution' if high_resolution is None else f'{high_resolution:g} Å'}: "
            "a B-factor needs three; widen the range"
        )
    x, y = square[used], curve.log_weighted[used]
    dx, dy = x - x.mean(), y - y.mean()
    slope = float((dx * dy).sum() / (dx**2).sum())
    spread = float((dy**2).sum())
    correlation = float((dx * dy).sum() ** 2 / ((dx**2).sum() * spread)) if spread else 1.0
    return GuinierFit(4 * slope, slope, float(y.mean() - slope * x.mean()), correlation)


def sharpening_gain(
    b_factor: float,
    *,
    frequency: Array | None = None,
    weight: Array | None = None,
    low_pass: Gain | None = None,
) -> Gain:
    """Gain ``weight(f) · exp(-(b_factor / 4) f²) · low_pass(f)``, for a map on any grid.

    Parameters
    ----------
    b_factor : float
        Å²; negative sharpens, positive blurs.
    frequency, weight : array (shells,), optional
        Centres of evenly spaced shells in 1/Å, from 0, and the factor for each; a
        coefficient takes that of its nearest shell, and 0 beyond the centre of the last, as
        in RELION. `None` weights all alike.
    low_pass : callable, optional
        A further gain, as from :func:`~.fourier.low_pass_gain`.

    Raises
    ------
    InputError
        If frequency and weight do not fit together or are not evenly spaced from 0.
    """
    shell_gain = None if weight is None else _nearest_shell(frequency, weight)

    def gain(f: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        factor = np.exp(-0.25 * b_factor * f**2)
        if shell_gain is not None:
            factor *= shell_gain(f)
        if low_pass is not None:
            factor *= low_pass(f)
        return np.asarray(factor)

    return gain


def _nearest_shell(frequency: Array | None, weight: Array) -> Gain:
    """Gain that is the weight of the nearest shell, 0 beyond the centre of the last."""
    centres = np.asarray([] if frequency is None else frequency, dtype=np.float64)
    weights = np.asarray(weight, dtype=np.float64)
    if centres.shape != weights.shape or centres.size < 2:
        raise InputError(
            f"weights need a frequency for each of at least two shells, got "
            f"{centres.size} frequencies for {weights.size} weights"
        )
    width = centres[-1] / (centres.size - 1)
    if not np.allclose(centres, width * np.arange(centres.size), atol=1e-3 * width):
        raise InputError("the frequencies of the weights must be evenly spaced and begin at 0")

    def gain(f: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        shell = np.minimum(np.floor(f / width + 0.5).astype(np.intp), centres.size - 1)
        return np.where(f <= centres[-1] * (1 + 1e-6), weights[shell], 0.0)

    return gain


def sharpen(
    volume: Volume,
    b_factor: float,
    *,
    frequency: Array | None = None,
    weight: Array | None = None,
    resolution: float | None = None,
    progress: Progress = silent,
) -> Volume:
    """The map sharpened by a B-factor, weighted by shell and low-pass filtered.

    Curves fitted on a whole map may be given with a part of it: the gain depends on the
    frequency alone.

    Parameters
    ----------
    volume : Volume
        Mean of the half maps, or a region cut from it.
    b_factor : float
        Å²; negative sharpens.
    frequency, weight : array (shells,), optional
        See :func:`sharpening_gain`.
    resolution : float, optional
        Å of a low-pass filter with an edge two shells wide; `None` filters nothing.
    progress : callable
        Called once per z plane.

    Raises
    ------
    InputError
        If the weights make no sense or the resolution is not positive.
    """
    edge = 2 * (Shells(volume.grid).width if frequency is None else float(frequency[1]))
    low_pass = None if resolution is None else low_pass_gain(resolution, edge)
    gain = sharpening_gain(b_factor, frequency=frequency, weight=weight, low_pass=low_pass)
    return filter_radial(volume, gain, progress=progress)
