"""Wanted Fourier shell correlations, and what signal and noise follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain, Shells
from mapscope.density.shells import first_below
from mapscope.errors import DataError, InputError
from mapscope.table import Table
from mapscope.volume import Array

THRESHOLD = 0.143
"""Correlation of half maps at their resolution (Rosenthal & Henderson 2003)."""

HIGHEST = 1 - 1e-6
"""Correlation where a wanted curve says 1: noise never vanishes altogether."""

EMPTY = 1e-10
"""Share of the strongest shell's power below which a shell holds nothing but rounding."""

COLUMNS = ("correlation", "wanted", "corrected", "unmasked", "fsc", "FSC")
"""Columns in which a table may hold a correlation, the first that is there counts."""

_FEWEST_SHELLS = 4
_LEVELLED = 3
_WILSON = 10.0  # Å, where amplitudes begin to be ruled by atoms and not by the shape


@dataclass(frozen=True, eq=False)
class Spectra:
    """Signal and noise of half maps in each Fourier shell, all arrays of shape (shells,).

    Parameters
    ----------
    frequency : float64 array
        1/Å.
    correlation : float64 array
        Wanted FSC of two half maps; 0 where the map holds nothing.
    gain : float64 array
        Factor on the map's coefficients, at the centre of the shell.
    noise : float64 array
        Mean squared modulus of the noise in one half map.
    resolution : float
        Å, where the wanted curve falls to 0.143; the resolution of Nyquist where it does not.
    b_factor : float
        Å², by which the signal is blurred, or about so; part of `gain`.
    """

    frequency: npt.NDArray[np.float64]
    correlation: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    resolution: float
    b_factor: float

    @property
    def signal_to_noise(self) -> npt.NDArray[np.float64]:
        """Power of the signal over that of the noise in one half map: FSC / (1 - FSC)."""
        return signal_to_noise(self.correlation)

    def radial_gain(self) -> Gain:
        """The gain on the signal as a function of frequency; 0 beyond the last shell.

        The B-factor acts smoothly, the rest of the gain is that of the nearest shell.
        """
        width = float(self.frequency[1])
        scale = np.append(self.gain * np.exp(0.25 * self.b_factor * self.frequency**2), 0.0)

        def gain(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            shell = np.minimum(np.floor(frequency / width + 0.5).astype(np.intp), len(scale) - 1)
            return np.asarray(scale[shell] * np.exp(-0.25 * self.b_factor * frequency**2))

        return gain


def signal_to_noise(correlation: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Spectral signal-to-noise ratio of one half map whose FSC with the other is given.

    References
    ----------
    Frank & Al-Ali (1975) Nature 256, 376: FSC = SSNR / (1 + SSNR).
    """
    fsc = np.clip(np.asarray(correlation, dtype=np.float64), 0.0, HIGHEST)
    return np.asarray(fsc / (1 - fsc))


def falling_curve(
    frequency: npt.ArrayLike, resolution: float, low_frequency_ratio: float
) -> npt.NDArray[np.float64]:
    """FSC of half maps whose signal falls against white noise by one B-factor.

    ``SSNR = A exp(-B f² / 2)`` with B such that the FSC is 0.143 at the resolution.

    Parameters
    ----------
    frequency : array
        1/Å.
    resolution : float
        Å.
    low_frequency_ratio : float
        A, the signal-to-noise ratio of one half map at frequency 0, above 1/6.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721, section 5.

    Examples
    --------
    >>> falling_curve([0.0, 0.25], 4.0, 99.0).round(3)
    array([0.99 , 0.143])
    """
    at_resolution = THRESHOLD / (1 - THRESHOLD)
    if not resolution > 0 or not low_frequency_ratio > at_resolution:
        raise InputError(
            f"a curve that falls to {THRESHOLD} needs a resolution above 0 Å and a "
            f"signal-to-noise ratio above {at_resolution:.3f}, got {resolution} Å and "
            f"{low_frequency_ratio}"
        )
    share = (np.asarray(frequency, dtype=np.float64) * resolution) ** 2
    ratio = low_frequency_ratio * (at_resolution / low_frequency_ratio) ** share
    return np.asarray(ratio / (1 + ratio))


def curve_from_table(table: Table, frequency: Array) -> npt.NDArray[np.float64]:
    """A wanted FSC read from a table, at the frequencies of a map's shells.

    Parameters
    ----------
    table : Table
        A column `frequency` in 1/Å, rising, and one of `COLUMNS`; linear between rows, 0
        beyond the last, negative correlations count as 0.
    frequency : array (shells,)
        1/Å.

    Raises
    ------
    InputError
        If the table is no such curve.
    """
    names = [name for name in COLUMNS if name in table.columns]
    if "frequency" not in table.columns or not names:
        raise InputError(
            "a wanted curve has the columns frequency (1/Å) and correlation, this table has "
            f"{', '.join(table.columns) or 'none'}"
        )
    try:
        x = np.asarray(table["frequency"], dtype=np.float64)
        y = np.asarray(table[names[0]], dtype=np.float64)
    except ValueError:
        raise InputError("a wanted curve holds numbers, this table holds text") from None
    if len(x) < 2 or not np.isfinite([x, y]).all() or x[0] < 0 or (np.diff(x) <= 0).any():
        raise InputError("a wanted curve has two rows or more of finite numbers, frequency rising")
    if np.abs(y).max() > 1 + 1e-6 or y.max() < THRESHOLD:
        raise InputError(
            f"a correlation lies between -1 and 1 and somewhere above {THRESHOLD}, "
            f"{names[0]} runs from {y.min():.3g} to {y.max():.3g}"
        )
    inside = np.interp(frequency, x, np.clip(y, 0.0, 1.0), right=0.0)
    return np.asarray(inside)


def spectra(
    power: Array,
    correlation: Array,
    shells: Shells,
    *,
    b_factor: float | None = 0.0,
    noise_b: float | None = None,
) -> Spectra:
    """What to do with a map, and how much noise to add, so that half maps correlate as wanted.

    With `noise_b` the noise has that colour and the signal is scaled shell by shell. Without,
    the map keeps its amplitudes up to the resolution, but for the B-factor, and the noise takes
    the power that the curve leaves, ``P (1 - FSC) / FSC``. Beyond the resolution, where this
    would grow without bounds, the noise stays at its power there and the signal is scaled.

    Parameters
    ----------
    power : array (shells,)
        Mean squared modulus of the map's coefficients in each shell.
    correlation : array (shells,)
        Wanted FSC, 0 to 1. Where the map holds nothing, nothing can agree: it becomes 0.
    shells : Shells
        Shells of the grid.
    b_factor : float, optional
        Å² by which the map is blurred before. `None` chooses one that makes the noise about
        equally strong at all frequencies, as it is before sharpening; never below 0.
    noise_b : float, optional
        Å²: the noise's power falls as ``exp(-noise_b f² / 2)``. The signal's blur follows from
        it, and `b_factor` is not used.

    Raises
    ------
    DataError
        If the map is constant or has no detail up to the resolution.
    InputError
        If the resolution lies within the first shells: the box is too small for it.
    """
    wanted = np.clip(np.asarray(correlation, dtype=np.float64), 0.0, HIGHEST)
    last = _last_shell(wanted)
    resolution = _crossing(shells.frequency, wanted)
    if last < _FEWEST_SHELLS:
        raise InputError(
            f"the box of {max(shells.grid.extent):.0f} Å is too small for a resolution of "
            f"{resolution:.1f} Å: it has {last} Fourier shells up to there and needs "
            f"{_FEWEST_SHELLS}"
        )
    filled = _filled(power, last, shells.frequency)
    wanted = np.where(filled, wanted, 0.0)
    wanted[0] = HIGHEST
    ratio = signal_to_noise(wanted)
    square = shells.frequency**2
    blur = 0.0 if b_factor is None else b_factor
    if noise_b is None:
        if b_factor is None:
            blur = max(0.0, 2 * _slope(square, _natural_noise(power, ratio, last), last))
        noise = _natural_noise(power * np.exp(-0.5 * blur * square), ratio, last)
    else:
        noise = np.exp(-0.5 * noise_b * square)
        noise *= power[1 : last + 1].sum() / (ratio * noise)[1 : last + 1].sum()
    gain = np.sqrt(np.divide(ratio * noise, power, out=np.zeros_like(noise), where=filled))
    gain[0] = gain[1]
    noise[0] = 0.0
    if noise_b is not None:
        blur = max(0.0, -4 * _slope(square, gain, last))
    return Spectra(shells.frequency, wanted, gain, noise, resolution, blur)


def _last_shell(correlation: Array) -> int:
    """Last shell before the curve falls below the threshold."""
    below = first_below(correlation, THRESHOLD)
    return len(correlation) - 1 if below is None else below - 1


def _crossing(frequency: Array, correlation: Array) -> float:
    """Å where the curve, linear in the logarithm of its signal-to-noise, falls to 0.143."""
    below = first_below(correlation, THRESHOLD)
    if below is None:
        return float(1 / frequency[-1])
    ends = np.log(np.maximum(signal_to_noise(correlation[below - 1 : below + 1]), 1e-12))
    share = (ends[0] - math.log(THRESHOLD / (1 - THRESHOLD))) / (ends[0] - ends[1])
    squares = frequency[below - 1 : below + 1] ** 2
    square = squares[0] + float(np.clip(share, 0, 1)) * (squares[1] - squares[0])
    return float(1 / math.sqrt(square)) if square > 0 else math.inf


def _filled(power: Array, last: int, frequency: Array) -> npt.NDArray[np.bool_]:
    """Shells that hold density.

    Raises
    ------
    DataError
        If there are none, or one up to the resolution holds nothing.
    """
    strongest = float(power[1:].max())
    if not strongest > 0:
        raise DataError("the map is constant: there is no signal to add noise to")
    filled = np.asarray(power > EMPTY * strongest)
    bare = np.flatnonzero(~filled[1 : last + 1])
    if bare.size:
        raise DataError(
            f"the map has no detail finer than {1 / frequency[max(int(bare[0]), 1)]:.2f} Å, "
            f"so that half maps of it cannot agree up to {1 / frequency[last]:.2f} Å: ask for a "
            "coarser resolution"
        )
    return filled


def _natural_noise(power: Array, ratio: Array, last: int) -> npt.NDArray[np.float64]:
    """Power of the noise that leaves the map's amplitudes alone up to the resolution."""
    noise = np.divide(power, ratio, out=np.zeros_like(power), where=ratio > 0)
    beyond = np.log(noise[max(last + 1 - _LEVELLED, 1) : last + 1]).mean()
    noise[last + 1 :] = math.exp(beyond)
    return np.asarray(noise)


def _slope(square: Array, values: Array, last: int) -> float:
    """Slope in Å² of the logarithm of values against squared frequency, up to a shell."""
    used = np.arange(len(square))
    chosen = (used >= 1) & (used <= last) & (square * _WILSON**2 >= 1)
    if chosen.sum() < _LEVELLED:
        chosen = (used >= 1) & (used <= last)
    x, y = square[chosen], np.log(values[chosen])
    return float(((x - x.mean()) * y).sum() / ((x - x.mean()) ** 2).sum())
