"""Signal and noise from place to place: how strong it is, and how much it is blurred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.bands import Bands, Singles, Windows, band_of
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid

Floats = npt.NDArray[np.float64]

AT_RESOLUTION = 1 / 3
"""Power of signal over noise in the mean of two half maps whose FSC is 0.143."""

_ROUNDS = 4
_WIDER = 2.5  # windows of the noise over those of the signal, in nodes
_USUAL_SPREAD = 60.0  # Å², by which local B-factors usually differ from the map's own
_LEVEL_WEIGHT = 1e-3
_SMALLEST_LEVEL = 1e-4
_STEEPEST = (-200.0, 400.0)
_EMPTY = 1e-6  # of the whole map's signal, which a place without any may still seem to hold
_LEAST_START = 0.02  # of the noise, where more noise than expected leaves no signal
_LEAKED = 0.1  # of the power around it, which a window sees: bands are no sharper in space
_FEWEST = 4
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class LocalSignal:
    """A straight line through the logarithm of the local power, against squared frequency.

    Parameters
    ----------
    signal : float32 array (bands, z, y, x)
        Power of the signal in each band, on the lattice of the windows.
    noise : float32 array (bands, z, y, x)
        Power of the noise.
    level : float32 array (z, y, x)
        Power of the signal over that of the whole box, without blur.
    b_factor : float32 array (z, y, x)
        Å², how much more the signal is blurred here than in the whole map.
    """

    signal: Singles
    noise: Singles
    level: Singles
    b_factor: Singles

    def share(self) -> Singles:
        """Wiener's weight of each band, 0 to 1: signal over signal and noise."""
        total = self.signal + self.noise
        share = np.divide(self.signal, total, out=np.zeros_like(total), where=total > _TINY)
        return np.asarray(share)


def local_power(
    ft: Array,
    grid: Grid,
    bands: Bands,
    windows: Windows,
    *,
    chosen: Sequence[int] | None = None,
    progress: Progress = silent,
) -> Singles:
    """Mean square of maps in each band under each window, (bands, ..., z, y, x) of the lattice.

    Parameters
    ----------
    ft : complex array (..., z, y, x // 2 + 1)
        Coefficients of the maps.
    grid : Grid
        Their grid.
    bands : Bands
        The bands.
    windows : Windows
        The windows.
    chosen : sequence of int, optional
        Which bands; None takes all.
    progress : callable
        Called once per band.
    """
    wanted = range(len(bands)) if chosen is None else chosen
    result = []
    for done, band in enumerate(wanted):
        progress(done, len(wanted), "local power")
        result.append(windows.averages(np.square(band_of(ft, grid, bands, band))))
    progress(len(wanted), len(wanted), "local power")
    return np.stack(result)


def smooth_noise(power: Singles) -> Singles:
    """Power of noise, (bands, z, y, x), averaged over wider windows: it varies less than signal."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(power, (0, _WIDER, _WIDER, _WIDER), mode="nearest"))


def fit_local_signal(
    power: Singles, noise: Singles, whole: Floats, bands: Bands, windows: Windows
) -> LocalSignal:
    """Level and B-factor of the signal in every window, all windows at once.

    In a window the signal's power is ``whole · level · exp(-B f² / 2)``. Bands count by their
    number of waves and by how little of them is noise, which follows from the line itself: a few
    rounds of weighted least squares. Where little is known, B stays near 0.

    Parameters
    ----------
    power : float32 array (bands, z, y, x)
        Power of the map, as from :func:`local_power`.
    noise : float32 array (bands, z, y, x), or one that broadcasts to it
        Power of the noise in it.
    whole : float64 array (bands,)
        Power of the signal in the whole box.
    bands : Bands
        The bands.
    windows : Windows
        The windows.

    References
    ----------
    Jakobi, Wilmanns & Sachse (2017) eLife 6, e27131 (amplitudes compared in windows).
    """
    column = (slice(None), None, None, None)
    reference = np.maximum(whole, _TINY).astype(np.float32)[column]
    half_square = (0.5 * bands.centres**2).astype(np.float32)[column]
    modes = bands.modes(windows.volume).astype(np.float32)[column]
    modes[-1:] *= len(bands) < _FEWEST  # the last band holds the corners, too
    noise = np.broadcast_to(noise, power.shape) + np.float32(_EMPTY) * reference
    other = noise + np.float32(_LEAKED) * smooth_noise(power)
    rest = power - other
    share = np.clip(rest / np.maximum(power, _TINY), 0, 1)
    height = np.log(np.maximum(rest, np.float32(_LEAST_START) * other) / reference)
    weight = np.asarray(modes * share**2, dtype=np.float32)
    logarithm, blur = _line(height, weight, half_square)
    signal = reference * np.exp(logarithm - blur * half_square)
    for _ in range(_ROUNDS):
        weight = modes * np.square(signal / (signal + other))
        step = np.clip(rest / signal - 1, -1, 2)
        logarithm, blur = _line(logarithm - blur * half_square + step, weight, half_square)
        signal = reference * np.exp(logarithm - blur * half_square)
    return LocalSignal(signal, noise, np.exp(logarithm), blur)


def _line(values: Singles, weight: Singles, half_square: Singles) -> tuple[Singles, Singles]:
    """Height and fall of weighted lines (bands, z, y, x), drawn to a low level and to fall 0."""
    prior = 1 / _USUAL_SPREAD**2
    s0 = weight.sum(axis=0) + _LEVEL_WEIGHT
    s1 = (weight * half_square).sum(axis=0)
    s2 = (weight * half_square**2).sum(axis=0) + prior
    y0 = (weight * values).sum(axis=0) + _LEVEL_WEIGHT * np.log(_SMALLEST_LEVEL)
    y1 = (weight * values * half_square).sum(axis=0)
    fall = np.clip((s1 * y0 - s0 * y1) / (s0 * s2 - s1 * s1), *_STEEPEST)
    return (y0 + fall * s1) / s0, fall


def local_resolution(found: LocalSignal, bands: Bands) -> Singles:
    """Å where the FSC of the half maps would fall to 0.143, on the lattice.

    Between bands the logarithm of the signal-to-noise ratio is linear in frequency. Finer than
    the last band, or coarser than the first, is given as that band.
    """
    ratio = np.log(np.maximum(found.signal, _TINY) / np.maximum(found.noise, _TINY))
    excess = ratio - np.float32(np.log(AT_RESOLUTION))
    is_below = excess < 0
    first = np.where(is_below.any(axis=0), is_below.argmax(axis=0), len(bands) - 1)
    last_above = np.maximum(first - 1, 0)
    above = np.take_along_axis(excess, last_above[None], axis=0)[0]
    below = np.take_along_axis(excess, first[None], axis=0)[0]
    share = np.divide(above, above - below, out=np.ones_like(above), where=above > below)
    share = np.clip(np.where(is_below.any(axis=0), share, 1.0), 0, 1)
    a, b = bands.centres[last_above], bands.centres[first]
    return np.asarray(1 / (a + share * (b - a)), dtype=np.float32)
