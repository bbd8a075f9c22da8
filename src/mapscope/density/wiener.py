"""What the data say: a map weighted by its half maps and brought to a standard spectrum.

In a shell of a map of amplitude A, of which the signal has ``S = C_ref A``, the best linear
estimate of the signal is ``C_ref² F``: Wiener's filter. Brought from the signal's amplitude S to
that of a standard molecule, T, it is ``C_ref² (T / S) F = C_ref (T / A) F``. That gain depends on
the frequency alone, and what networks are trained on has it too, from the noise that was put in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain, Shells, filter_radial, transform
from mapscope.density.profile import MATCHED, reference_amplitude, target_amplitude
from mapscope.density.shells import first_below
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, HalfMaps, Volume, require_same_grid

Floats = npt.NDArray[np.float64]

THRESHOLD = 0.143
"""Correlation of half maps at their resolution (Rosenthal & Henderson 2003)."""

STRONG = 1000.0
"""Signal-to-noise ratio at frequency 0 that a map alone is taken to have."""

_ENDS = 0.1  # width of the end of the curve, as a share of the frequency where it ends
_SMOOTHED = 0.006  # 1/Å, deviation of the Gaussian that curves are smoothed with
_HIGHEST = 1 - 1e-6
_FALLS_FROM, _STRONG_SHARE, _FEWEST = 1 / 14.0, 0.5, 3  # shells that a B-factor is fitted to
_B_FACTORS = (-100.0, 1500.0)  # Å²


@dataclass(frozen=True, eq=False)
class WienerFilter:
    """What a map is weighted and brought to a standard spectrum with, (shells,).

    Parameters
    ----------
    frequency : float64 array
        Centre of each shell in 1/Å, evenly spaced from 0.
    fsc : float64 array
        Correlation of the half maps as measured; of a map alone, as its resolution says.
    c_ref : float64 array
        Share of signal in the amplitudes of the map, 0 to 1; 0 beyond the resolution.
    amplitude : float64 array
        Root mean square amplitude of the map's coefficients, smoothed.
    gain : float64 array
        Factor on the map's coefficients: ``C_ref T / A``.
    resolution : float
        Å, where the correlation first falls to 0.143; that of Nyquist where it does not.
    """

    frequency: Floats
    fsc: Floats
    c_ref: Floats
    amplitude: Floats
    gain: Floats
    resolution: float

    def radial_gain(self) -> Gain:
        """The gain as a function of frequency in 1/Å, linear between shells."""
        return interpolated(self.frequency, self.gain)

    def share_of_signal(self) -> Gain:
        """C_ref as a function of frequency in 1/Å, linear between shells."""
        return interpolated(self.frequency, self.c_ref)


def interpolated(frequency: Array, values: Array) -> Gain:
    """A curve by shells as a function of frequency; beyond the last shell it stays as there."""
    centres, heights = np.asarray(frequency), np.asarray(values)

    def gain(f: Floats) -> Floats:
        return np.asarray(np.interp(f, centres, heights))

    return gain


def wiener_filter(
    half_maps: HalfMaps,
    mask: Volume | None = None,
    *,
    resolution: float | None = None,
    progress: Progress = silent,
) -> WienerFilter:
    """Filter for the mean of two half maps, from their own agreement.

    Parameters
    ----------
    half_maps : HalfMaps
        As refinement gave them.
    mask : Volume, optional
        0 to 1 with a soft edge: where agreement and amplitudes are measured. What a mask itself
        adds to the agreement is not taken away again, so its edge must be soft.
    resolution : float, optional
        Å, where the curve ends; None takes where it first falls to 0.143.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    DataError
        If the half maps agree nowhere, or the mask is empty.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, equation 18 (C_ref).
    Sindelar & Grigorieff (2012) J. Struct. Biol. 180, 26 (Wiener's filter in one map).
    """
    shells = Shells(half_maps.grid, "full")
    first, second = (_within(v, mask) for v in (half_maps.first, half_maps.second))
    a, b = transform(first, part(progress, 0, 1, 4)), transform(second, part(progress, 1, 2, 4))

    def terms(plane: int) -> tuple[Array, ...]:
        one, two = a[plane], b[plane]
        return _cross(one, two), _cross(one, one), _cross(two, two), np.ones(one.shape, np.float32)

    cross, one, two, count = shells.sums(terms, part(progress, 2, 4, 4), "agreement of half maps")
    norm = np.sqrt(one * two)
    fsc = np.divide(cross, norm, out=np.zeros_like(cross), where=norm > 0)
    power = (one + two + 2 * cross) / (4 * count)
    smooth = _smoothed(shells.frequency, fsc, count)
    return _filter(shells.frequency, fsc, smooth, power, count, resolution)


def wiener_filter_of_map(
    volume: Volume,
    resolution: float,
    mask: Volume | None = None,
    *,
    progress: Progress = silent,
) -> WienerFilter:
    """Filter for a map without half maps, from the resolution that is stated for it.

    The agreement that half maps would have is taken to fall as that of a signal that one B-factor
    blurs in white noise.

    Parameters
    ----------
    volume : Volume
        The map.
    resolution : float
        Å.
    mask : Volume, optional
        0 to 1 with a soft edge: where amplitudes are measured.
    progress : callable
        Called once per z plane.

    Raises
    ------
    InputError
        If the resolution is not positive.
    GridError
        If the mask lies on another grid.
    DataError
        If the map is constant, or the mask is empty.
    """
    if not resolution > 0:
        raise InputError(f"a resolution lies above 0 Å, got {resolution}")
    shells = Shells(volume.grid, "full")
    ft = transform(_within(volume, mask), part(progress, 0, 1, 2))

    def terms(plane: int) -> tuple[Array, ...]:
        return _cross(ft[plane], ft[plane]), np.ones(ft[plane].shape, np.float32)

    power, count = shells.sums(terms, part(progress, 1, 2, 2), "amplitudes")
    if not power[1:].any():
        raise DataError("the map is constant: there is nothing to weight")
    fsc = stated_fsc(shells.frequency, resolution)
    return _filter(shells.frequency, fsc, fsc, power / count, count, resolution)


def stated_fsc(frequency: npt.ArrayLike, resolution: float) -> Floats:
    """FSC of half maps of a stated resolution, whose signal one B-factor blurs in white noise.

    Parameters
    ----------
    frequency : array
        1/Å.
    resolution : float
        Å, where it is 0.143.

    References
    ----------
    Frank & Al-Ali (1975) Nature 256, 376: FSC = SSNR / (1 + SSNR).

    Examples
    --------
    >>> stated_fsc([0.0, 0.25, 0.5], 4.0).round(3)
    array([0.999, 0.143, 0.   ])
    """
    share = (np.asarray(frequency, dtype=np.float64) * resolution) ** 2
    ratio = STRONG * (THRESHOLD / (1 - THRESHOLD) / STRONG) ** share
    return np.asarray(ratio / (1 + ratio))


def standard_gain(
    frequency: npt.ArrayLike, amplitude: npt.ArrayLike, c_ref: npt.ArrayLike
) -> Floats:
    """Gain ``C_ref T / A`` that weights a map and brings it to the standard spectrum.

    T is :func:`standard_amplitude`.

    Parameters
    ----------
    frequency : array (shells,)
        1/Å.
    amplitude : array (shells,)
        Root mean square amplitude of the map, signal and noise.
    c_ref : array (shells,)
        Share of signal in the amplitude, 0 to 1.

    Returns
    -------
    float64 array (shells,)
        0 where `c_ref` is.

    Raises
    ------
    DataError
        If there is no signal at any frequency.
    """
    share = np.asarray(c_ref, dtype=np.float64)
    measured = np.maximum(np.asarray(amplitude, dtype=np.float64), 1e-30)
    wanted = standard_amplitude(frequency, measured, share)
    return np.asarray(np.where(share > 0, share * wanted / measured, 0.0))


def standard_amplitude(
    frequency: npt.ArrayLike, amplitude: npt.ArrayLike, c_ref: npt.ArrayLike
) -> Floats:
    """Amplitude T that the signal of a map has at the standard spectrum, (shells,).

    The signal is freed of the B-factor by which it falls faster than proteins do: half maps at
    5 Å and beyond have hundreds of Å². Then it keeps its own amplitude up to about 1/10 Å and has
    that of proteins at 40 Å² from there on; see `profile.target_amplitude`.

    Parameters
    ----------
    frequency, amplitude, c_ref
        As in :func:`standard_gain`.

    Returns
    -------
    float64 array (shells,)
        Also where the map has no signal left.

    Raises
    ------
    DataError
        If there is no signal at any frequency.
    """
    f, share = (np.asarray(values, dtype=np.float64) for values in (frequency, c_ref))
    signal = np.asarray(amplitude, dtype=np.float64) * share
    b_factor = _excess_b(f, signal, share)
    return target_amplitude(f, signal * np.exp(b_factor / 4 * (f**2 - MATCHED**2)))


def _excess_b(frequency: Floats, signal: Floats, share: Floats) -> float:
    """B-factor in Å² by which a signal falls faster than proteins do where it is strong."""
    used = (frequency >= _FALLS_FROM) & (share > _STRONG_SHARE) & (signal > 0)
    if used.sum() < _FEWEST:
        return 0.0
    square = frequency[used] ** 2 / 4
    excess = np.log(signal[used] / reference_amplitude(frequency[used]))
    away = square - square.mean()
    return float(np.clip(-(away * excess).sum() / (away**2).sum(), *_B_FACTORS))


def wiener_map(volume: Volume, found: WienerFilter, *, progress: Progress = silent) -> Volume:
    """The map, a half of it, or a region cut from it, weighted and at the standard spectrum."""
    return filter_radial(volume, found.radial_gain(), progress=progress)


def standardised(
    half_maps: HalfMaps, found: WienerFilter, *, progress: Progress = silent
) -> HalfMaps:
    """Both half maps with the gain of their mean: what an enhancer looks at."""
    first = wiener_map(half_maps.first, found, progress=part(progress, 0, 1, 2))
    second = wiener_map(half_maps.second, found, progress=part(progress, 1, 2, 2))
    return HalfMaps(first, second)


def _within(volume: Volume, mask: Volume | None) -> npt.NDArray[np.float32]:
    """The map, times the mask where there is one, about its mean.

    Raises
    ------
    GridError, DataError
        If the mask lies elsewhere, or is empty.
    """
    data = volume.float32()
    if mask is None:
        return data
    require_same_grid(volume, mask, "the map", "the mask")
    window = mask.float32()
    if not window.any():
        raise DataError("the mask is 0 everywhere: make one that covers the particle")
    return np.asarray(data * window)


def _cross(a: Array, b: Array) -> npt.NDArray[np.float32]:
    """Real part of a times the conjugate of b, both complex64 and without gaps in memory."""
    product = a.view(np.float32) * b.view(np.float32)
    return np.asarray(product[..., 0::2] + product[..., 1::2])


def _filter(
    frequency: Floats,
    fsc: Floats,
    smooth: Floats,
    power: Floats,
    count: Floats,
    resolution: float | None,
) -> WienerFilter:
    """The filter from curves by shells.

    Raises
    ------
    DataError
        If the half maps agree nowhere.
    """
    end = 1 / resolution if resolution is not None else _crossing(frequency, smooth)
    positive = np.clip(smooth, 0.0, _HIGHEST)
    positive[0] = positive[1]
    c_ref = np.sqrt(2 * positive / (1 + positive))
    if end is not None:
        c_ref *= resolution_end(frequency, end)
    amplitude = np.sqrt(_smoothed_power(frequency, power, count))
    gain = standard_gain(frequency, amplitude, c_ref)
    finest = 1 / end if end is not None else 1 / float(frequency[-1])
    return WienerFilter(frequency, fsc, c_ref, amplitude, gain, finest)


def _crossing(frequency: Floats, fsc: Floats) -> float | None:
    """Frequency where the curve first falls to 0.143; None where it never does.

    Raises
    ------
    DataError
        If it begins below.
    """
    drop = first_below(fsc, THRESHOLD)
    if drop is None:
        return None
    if drop <= 1:
        raise DataError(
            "the half maps do not agree in any shell: are they of one object? For a map without "
            "half maps give its resolution"
        )
    above, below = fsc[drop - 1], fsc[drop]
    share = (above - THRESHOLD) / (above - below)
    return float(frequency[drop - 1] + share * (frequency[drop] - frequency[drop - 1]))


def resolution_end(frequency: Floats, end: float) -> Floats:
    """1 up to where a curve ends, 0 from a little beyond on, a raised cosine between."""
    along = np.clip((frequency - end) / (_ENDS * end), 0.0, 1.0)
    return np.asarray(0.5 + 0.5 * np.cos(math.pi * along))


def _smoothed(frequency: Floats, values: Floats, count: Floats) -> Floats:
    """Means of neighbouring shells, weighted by their coefficients; the mean, shell 0, is left."""
    from scipy.ndimage import gaussian_filter1d

    deviation = max(0.5, _SMOOTHED / float(frequency[1]))
    weight = gaussian_filter1d(count[1:], deviation, mode="nearest")
    sums = gaussian_filter1d(values[1:] * count[1:], deviation, mode="nearest")
    return np.append(values[:1], sums / weight)


def _smoothed_power(frequency: Floats, power: Floats, count: Floats) -> Floats:
    """Power by shells without what chance makes of single shells."""
    floor = max(float(power[1:].max()), 1e-30) * 1e-20
    logarithms = np.log(np.maximum(power, floor))
    return np.asarray(np.exp(_smoothed(frequency, logarithms, count)))
