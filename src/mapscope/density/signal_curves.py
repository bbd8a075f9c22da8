"""Signal and noise of a whole map by shells, and the gain that brings it to a target spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.bands import Bands
from mapscope.density.fourier import Shells
from mapscope.density.profile import B_FACTOR, reference_amplitude, target_amplitude
from mapscope.progress import Progress, silent
from mapscope.volume import Array

Floats = npt.NDArray[np.float64]

SHAPE_ENDS = 1 / 12.0
"""1/Å up to which a map's shape rules its amplitudes, and beyond which its atoms do."""

_NOISE_WIDTH, _POWER_WIDTH = 0.02, 0.005  # 1/Å, deviations
_LEAST_SHARE = 0.05
_TRUSTED = (0.1, 0.4)
_SMOOTHED = 2
_FEWEST = 3
_EMPTY = 1e-6  # of what would be expected: rounding, and the edge of a filter
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class SignalCurves:
    """What a whole map holds in each Fourier shell, all arrays of shape (shells,).

    Parameters
    ----------
    frequency : float64 array
        1/Å.
    count : float64 array
        Coefficients, with those of the other half of Fourier space.
    share : float64 array
        Power of the signal over that of the whole map, 0 to 1.
    signal : float64 array
        Root mean square amplitude of the signal per voxel of the map; where there is hardly
        any, that of a protein goes on, blurred by the map's B-factor.
    gain : float64 array
        What brings the signal to the target; it stays at its last value where signal ends.
    b_factor : float
        Å² by which the signal falls faster than a protein without B-factor.
    """

    frequency: Floats
    count: Floats
    share: Floats
    signal: Floats
    gain: Floats
    b_factor: float

    def band_power(self, bands: Bands) -> Floats:
        """Mean square of the signal in each band, over the whole box, shape (bands,)."""
        squares = bands.weights(self.frequency) ** 2
        return np.asarray((squares * self.count * self.signal**2).sum(axis=1))


def power_by_shells(
    ft: Array, shells: Shells, *, progress: Progress = silent
) -> tuple[Floats, Floats]:
    """Mean square amplitude per voxel of a map in each shell, and how many coefficients it has.

    Parameters
    ----------
    ft : complex array (z, y, x // 2 + 1)
        As from :func:`~.fourier.transform`.
    shells : Shells
        Shells of the grid; the counting should be "full".
    progress : callable
        Called once per z plane.
    """

    def terms(plane: int) -> tuple[Array, ...]:
        values = ft[plane]
        return values.real**2 + values.imag**2, np.ones(values.shape)

    power, count = shells.sums(terms, progress, "power by shells")
    return power / count / float(np.prod(shells.grid.shape)) ** 2, count


def signal_curves(
    frequency: Floats,
    power: Floats,
    noise: Floats,
    count: Floats,
    *,
    target: Floats | None = None,
    b_factor: float = B_FACTOR,
) -> SignalCurves:
    """Signal, its share and the gain to a target spectrum, from power by shells.

    Parameters
    ----------
    frequency : float64 array (shells,)
        1/Å.
    power, noise : float64 array (shells,)
        Mean square amplitude of the map, and of the noise in it.
    count : float64 array (shells,)
        Coefficients.
    target : float64 array (shells,), optional
        Amplitudes that the signal shall have beyond 1/12 Å, on any scale. None takes those of
        proteins.
    b_factor : float
        Å², of that protein.
    """
    noise = _smooth(frequency, noise, count, _NOISE_WIDTH)
    power = _smooth(frequency, power, count, _POWER_WIDTH)
    noise = noise + _EMPTY * _expected(frequency, power)
    share = np.clip(1 - np.divide(noise, power, out=np.ones_like(power), where=power > 0), 0, 1)
    if not (share[1:] > _LEAST_SHARE).any():
        ones = np.ones_like(power)
        return SignalCurves(frequency, count, share, np.sqrt(power * share), ones, 0.0)
    measured = np.sqrt(np.maximum(power * share, _TINY * float(power[1:].max())))
    end = _end(share)
    signal, blur = _continued(frequency, measured, share, count, end)
    wanted = target_amplitude(frequency, signal, b_factor)
    if target is not None:
        wanted = _matched(frequency, target, signal, count * share)
    gain = wanted / signal
    gain[end:] = gain[end - 1]
    return SignalCurves(frequency, count, share, signal, gain, blur)


def _expected(frequency: Floats, power: Floats) -> Floats:
    """Power that a protein as strong as the map around 10 Å would have in each shell."""
    near = (frequency > 1 / 14) & (frequency < 1 / 7)
    strong = power[near] if near.any() else power[1:]
    return np.asarray(float(strong.mean()) * reference_amplitude(frequency) ** 2)


def _smooth(frequency: Floats, power: Floats, count: Floats, width: float) -> Floats:
    """Means of neighbouring shells by their coefficients; the mean of the map, shell 0, is left."""
    from scipy.ndimage import gaussian_filter1d

    deviation = width / float(frequency[1])
    sums = gaussian_filter1d((power * count)[1:], deviation, mode="nearest")
    weight = gaussian_filter1d(count[1:], deviation, mode="nearest")
    return np.append(power[:1], sums / weight)


def _end(share: Floats) -> int:
    """First shell beyond all signal: single shells may be poor, or rich by chance."""
    kernel = np.ones(2 * _SMOOTHED + 1) / (2 * _SMOOTHED + 1)
    smooth = np.convolve(np.pad(share, _SMOOTHED, mode="edge"), kernel, "valid")
    rich = np.flatnonzero(smooth > _LEAST_SHARE)
    return int(max(rich[-1] + 1 if rich.size else 0, _FEWEST))


def _continued(
    frequency: Floats, measured: Floats, share: Floats, count: Floats, end: int
) -> tuple[Floats, float]:
    """Amplitudes that fall as a blurred protein's where the signal is weak, and the blur in Å²."""
    reference = reference_amplitude(frequency, 0.0)
    number = np.arange(len(frequency))
    beyond = (frequency >= SHAPE_ENDS) & (number > 0)
    used = beyond & (number < end)
    if used.sum() < _FEWEST:
        used = (number > 0) & (number < max(end, _FEWEST + 1))
    weight = np.sqrt(count * share**2 + _TINY)[used]
    rows = np.stack([np.ones(int(used.sum())), frequency[used] ** 2], axis=1) * weight[:, None]
    height = np.log(measured / reference)
    (level, slope), *_ = np.linalg.lstsq(rows, height[used] * weight, rcond=None)
    line = level + min(float(slope), 0.0) * frequency**2
    low, high = _TRUSTED
    trust = np.clip((share - low) / (high - low), 0, 1) * (number < end)
    trust = np.where(beyond, trust, 1.0)
    return reference * np.exp(line + trust * (height - line)), float(-4 * slope)


def _matched(frequency: Floats, target: Floats, signal: Floats, weight: Floats) -> Floats:
    """A target scaled to the signal around 10 Å, and the signal itself at lower frequency."""
    chosen = (frequency > 1 / 14) & (frequency < 1 / 7) & (target > 0)
    if not chosen.any():
        chosen = target > 0
    safe = np.maximum(target, _TINY * float(target.max()))
    ratio = np.log(signal / safe)
    scale = (ratio * weight)[chosen].sum() / max(float(weight[chosen].sum()), _TINY)
    along = np.clip((frequency - SHAPE_ENDS) / (1 / 8 - SHAPE_ENDS), 0, 1)
    return np.asarray(np.exp((1 - along) * np.log(signal) + along * (np.log(safe) + scale)))
