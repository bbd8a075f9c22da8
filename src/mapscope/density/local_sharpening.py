"""Maps sharpened and weighted in every place by what they hold there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.bands import Bands, Singles, Windows, band_of
from mapscope.density.fourier import Gain, transform
from mapscope.density.local_signal import (
    LocalSignal,
    fit_local_signal,
    local_power,
    local_resolution,
    smooth_noise,
)
from mapscope.density.signal_curves import SignalCurves
from mapscope.density.whole_map import WholeMap, bands_of
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid, Volume

Floats = npt.NDArray[np.float64]
LocalMethod: TypeAlias = Literal["profile", "model", "half_maps"]

_LEAST_SIGNAL = 0.1  # of the noise, where low frequencies say that a molecule is there
_COVERED = 0.05  # of a model's mean level, from where on its B-factors are believed
_FAINT = 1e-3  # of a model's power, where it counts as noise


@dataclass(frozen=True, eq=False)
class LocalGain:
    """Factors of each band in each place, on the lattice of the windows.

    Parameters
    ----------
    gain : float32 array (bands, z, y, x)
        They multiply the gain of the whole map.
    b_factor : float32 array (z, y, x)
        Å², how much more the signal is blurred here than in the whole map.
    resolution : float32 array (z, y, x)
        Å, local resolution.
    weight : float32 array (z, y, x)
        How much molecule there is, 0 to 1: share of signal at about 8 Å.
    """

    gain: Singles
    b_factor: Singles
    resolution: Singles
    weight: Singles


def measure_local_signal(
    volume: Volume,
    noise: Array | None,
    whole: WholeMap,
    windows: Windows,
    *,
    progress: Progress = silent,
) -> LocalSignal:
    """Signal and noise of a map, or of a part of one, in every window.

    Parameters
    ----------
    volume : Volume
        The map or its part; with half maps, their mean. Its own mean must be 0 or that of the
        whole map taken away.
    noise : array (z, y, x), optional
        Half the difference of the half maps, which has the power of the mean map's noise. None
        takes the noise that the whole map is known for.
    whole : WholeMap
        What is known of the whole map.
    windows : Windows
        The windows.
    progress : callable
        Called once per band.
    """
    grid, bands = volume.grid, bands_of(volume.grid)
    maps = volume.float32()[None] if noise is None else np.stack([volume.float32(), noise])
    power = local_power(transform(maps), grid, bands, windows, progress=progress)
    if noise is not None:
        rest = smooth_noise(power[:, 1])
    else:
        known = np.zeros(len(bands)) if whole.noise is None else whole.noise
        rest = known.astype(np.float32)[:, None, None, None]
    return fit_local_signal(power[:, 0], rest, whole.curves.band_power(bands), bands, windows)


def blur_of_model(
    model: Volume, curves: SignalCurves, windows: Windows, *, progress: Progress = silent
) -> Singles:
    """Å² by which a model's map is blurred in each window more than in the whole, on the lattice.

    Where there is no model it is 0, so that density without a model is scaled as a protein's.

    Parameters
    ----------
    model : Volume
        The model's map, or a part of it.
    curves : SignalCurves
        Of the whole of it.
    windows : Windows
        The windows.
    progress : callable
        Called once per band.
    """
    grid, bands = model.grid, bands_of(model.grid)
    power = local_power(transform(model.data), grid, bands, windows, progress=progress)
    whole = curves.band_power(bands)
    faint = (_FAINT * whole).astype(np.float32)[:, None, None, None]
    found = fit_local_signal(power, faint, whole, bands, windows)
    return np.asarray(found.b_factor * found.level / (found.level + np.float32(_COVERED)))


def local_gain(
    found: LocalSignal, bands: Bands, method: LocalMethod, blur: Array | float = 0.0
) -> LocalGain:
    """What each band is multiplied by: Wiener's weight, times what brings its signal to a target.

    The target has the map's own level everywhere, so that what is weak stays weak, and a fall
    with frequency that differs from the whole map's by `blur`. With signal S, noise N and target
    T (powers), the gain is ``sqrt(T / S) · S / (S + N)``; with "half_maps" the first factor is 1.
    Where a molecule is, S is not taken below a tenth of the noise: how fast the signal goes on
    falling there is not known.

    Parameters
    ----------
    found : LocalSignal
        What there is.
    bands : Bands
        The bands.
    method : {"profile", "model", "half_maps"}
        The target.
    blur : float, or float32 array (z, y, x)
        Å², local B-factor of the target less that of the whole map; 0 for a profile.

    References
    ----------
    Jakobi, Wilmanns & Sachse (2017) eLife 6, e27131; Ramírez-Aportela et al. (2020)
    Bioinformatics 36, 765 (local Wiener filters).
    """
    weight = found.share()[min(1, len(bands) - 1)]
    signal = np.maximum(found.signal, _LEAST_SIGNAL * found.noise * weight)
    total = signal + found.noise
    wanted = signal
    if method != "half_maps":
        square = (0.5 * bands.centres**2).astype(np.float32)[:, None, None, None]
        wanted = found.signal * np.exp((found.b_factor - np.float32(blur)) * square)
    gain = np.divide(np.sqrt(wanted * signal), total, out=np.zeros_like(total), where=total > 0)
    return LocalGain(gain, found.b_factor, local_resolution(found, bands), weight)


def apply_local_gain(
    volume: Volume,
    gain: Singles,
    windows: Windows,
    shape: Gain | None = None,
    *,
    progress: Progress = silent,
) -> Singles:
    """The sum of all bands, each times its gain in every place, (z, y, x).

    Parameters
    ----------
    volume : Volume
        The map.
    gain : float32 array (bands, z, y, x)
        On the lattice of the windows.
    windows : Windows
        The windows.
    shape : callable, optional
        A gain for all places, as a function of frequency in 1/Å.
    progress : callable
        Called once per band.
    """
    grid: Grid = volume.grid
    bands, ft = bands_of(grid), transform(volume.data)
    result = np.zeros(grid.shape, dtype=np.float32)
    for band in range(len(bands)):
        progress(band, len(bands), "sharpening band by band")
        result += band_of(ft, grid, bands, band, shape) * windows.spread(gain[band])
    progress(len(bands), len(bands), "sharpening band by band")
    return result
