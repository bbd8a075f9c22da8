"""What local sharpening must know of a whole map before it looks at any place in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.bands import Bands, Singles, Windows
from mapscope.density.fourier import Gain, Shells, filter_radial, transform
from mapscope.density.local_signal import local_power
from mapscope.density.shells import resolution_interpolated
from mapscope.density.signal_curves import (
    SHAPE_ENDS,
    SignalCurves,
    power_by_shells,
    signal_curves,
)
from mapscope.density.wiener import THRESHOLD, interpolated, resolution_end, stated_fsc
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid, Volume, require_same_grid

Floats = npt.NDArray[np.float64]

STEP = 0.05
"""1/Å between bands."""

WINDOW = 10.0
"""Å, width at half height of a window where none is given; see `PER_RESOLUTION`."""

PER_RESOLUTION = 2.5
"""Width of a window, where none is given, over the resolution, where that is more."""

_DEVIATIONS = 2 * np.sqrt(2 * np.log(2))
_OUTSIDE = 0.02  # of a mask's mean under a window, below which the window is in the solvent
_POOREST = 1 / 6  # of all windows hold nothing but solvent
_FROM_NOISE, _TO_SIGNAL = 1.5, 3.0  # power over that of the noise where a molecule begins
_LEAST_POWER = 0.02  # of the strongest windows
_LEAST_INSIDE = 0.005  # of the box; a molecule that small was not found
_SHAPE_BANDS, _COLOURED = 2, 2.0
_SOFTNESS = 4.0  # Å, deviation of the Gaussian that its edge is softened with
_TINY = 1e-30


@dataclass(frozen=True, eq=False)
class WholeMap:
    """What is known of a whole map.

    Parameters
    ----------
    curves : SignalCurves
        Signal, noise and gain by shells, where the molecule is.
    noise : float64 array (bands,) or None
        Power of the noise in each band, for a map without half maps.
    resolution : float or None
        Å, as given or as the half maps agree to 0.143.
    window : float
        Å, width of the windows at half height.
    cut : float or None
        Å of a low-pass filter, where one was asked for.
    """

    curves: SignalCurves
    noise: Floats | None
    resolution: float | None
    window: float
    cut: float | None

    def gain(self) -> Gain:
        """The gain of the whole map as a function of frequency in 1/Å."""
        f, gain = self.curves.frequency, self.curves.gain
        end = 1.0 if self.cut is None else resolution_end(f, 1 / self.cut)
        return interpolated(f, gain * end)

    def windows(self, grid: Grid, corner: tuple[int, int, int] = (0, 0, 0)) -> Windows:
        """The windows in a grid whose first voxel has this index in the whole map."""
        return _windows(grid, self.window, corner)


def _windows(grid: Grid, width: float, corner: tuple[int, int, int] = (0, 0, 0)) -> Windows:
    """Windows of a width at half height in Å."""
    return Windows(grid.shape, grid.voxel_size, width / _DEVIATIONS, corner)


def bands_of(grid: Grid) -> Bands:
    """The bands that maps on a grid are split into: the shape of the molecule, then its atoms."""
    return Bands(SHAPE_ENDS, STEP, 0.5 / max(grid.voxel_size))


@dataclass(frozen=True, eq=False)
class Spectra:
    """Power by shells of a whole map and of the noise in it, where the molecule is.

    Parameters
    ----------
    frequency, power, noise, count : float64 arrays (shells,)
        1/Å; mean square amplitudes; coefficients.
    empty : float64 array (bands,) or None
        Power of the noise in each band, for a map without half maps.
    resolution : float or None
        Å, as given or as the half maps agree to 0.143.
    cut : float or None
        Å, as given.
    """

    frequency: Floats
    power: Floats
    noise: Floats
    count: Floats
    empty: Floats | None
    resolution: float | None
    cut: float | None


def measure_spectra(
    volume: Volume,
    noise: Array | None = None,
    mask: Volume | None = None,
    *,
    resolution: float | None = None,
    window: float | None = None,
    progress: Progress = silent,
) -> Spectra:
    """Signal and noise of a whole map by shells: all that takes time and is known only from it.

    Parameters
    ----------
    volume : Volume
        The map, neither masked nor sharpened; with half maps, their mean.
    noise : array (z, y, x), optional
        Half the difference of the half maps. None takes the noise from where the map is poorest.
    mask : Volume, optional
        The molecule, 0 to 1. None finds it by its power at about 8 Å.
    resolution : float, optional
        Å. Of a map without half maps it also says how much noise there is at least: what half
        maps of that resolution would have.
    window : float, optional
        Å, width of the windows at half height.
    progress : callable
        Called once per band.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is empty.
    """
    given = _given(volume, mask)
    maps = [volume.float32() - np.float32(volume.data.mean(dtype=np.float64))]
    maps += [] if noise is None else [np.asarray(noise, dtype=np.float32)]
    shells, bands = Shells(volume.grid, "full"), bands_of(volume.grid)
    width = _width(window, resolution)
    inside, empty = _inside(maps, volume.grid, given, width, part(progress, 0, 1, 2))
    share = float(np.square(inside).mean(dtype=np.float64))
    spectra = [power_by_shells(transform(data * inside), shells) for data in maps]
    progress(2, 2, "signal and noise of the whole map")
    power, count = spectra[0][0] / share, spectra[0][1]
    if empty is None:
        rest = spectra[1][0] / share
        found = resolution or _resolution(shells.frequency, power, rest)
        return Spectra(shells.frequency, power, rest, count, None, found, resolution)
    rest = _noise_by_shells(empty, power, count, shells, bands)
    if resolution is not None:
        stated = stated_fsc(shells.frequency, resolution)
        rest = np.maximum(rest, power * (1 - stated) / (1 + stated))
        empty = np.maximum(empty, bands.weights(shells.frequency) ** 2 @ (rest * count))
    return Spectra(shells.frequency, power, rest, count, empty, resolution, resolution)


def whole_map(
    spectra: Spectra,
    *,
    target: Floats | None = None,
    b_factor: float = 40.0,
    window: float | None = None,
) -> WholeMap:
    """What is known of a whole map, and the spectrum that it shall have.

    Parameters
    ----------
    spectra : Spectra
        As measured.
    target : float64 array (shells,), optional
        Amplitudes that the map shall have, on any scale; None takes those of proteins.
    b_factor : float
        Å² of these.
    window : float, optional
        Å, width of the windows at half height.
    """
    curves = signal_curves(
        spectra.frequency,
        spectra.power,
        spectra.noise,
        spectra.count,
        target=target,
        b_factor=b_factor,
    )
    width = _width(window, spectra.resolution)
    return WholeMap(curves, spectra.empty, spectra.resolution, width, spectra.cut)


def _width(window: float | None, resolution: float | None) -> float:
    """Å, width of the windows, as given or as the resolution wants it."""
    return window or max(WINDOW, PER_RESOLUTION * (resolution or 0.0))


def curves_of_model(model: Volume) -> SignalCurves:
    """Amplitudes of a model's map, which has no noise."""
    shells = Shells(model.grid, "full")
    power, count = power_by_shells(transform(model.data), shells)
    return signal_curves(shells.frequency, power, np.zeros_like(power), count)


def _given(volume: Volume, mask: Volume | None) -> Singles | None:
    """The mask as weights from 0 to 1.

    Raises
    ------
    GridError, DataError
        If it lies elsewhere, or is empty.
    """
    if mask is None:
        return None
    require_same_grid(volume, mask, "the map", "the mask")
    weight = np.clip(mask.float32(), 0, 1)
    if not weight.any():
        raise DataError("the mask is 0 everywhere: make one that covers the molecule")
    return weight


def _inside(
    maps: list[Singles], grid: Grid, given: Singles | None, width: float, progress: Progress
) -> tuple[Singles, Floats | None]:
    """Where the molecule is, 0 to 1, and the noise in each band of a map without half maps."""
    has_halves = len(maps) == 2
    if given is not None and has_halves:
        return given, None
    windows, bands = _windows(grid, width), bands_of(grid)
    seen = min(1, len(bands) - 1)
    chosen = [seen] if has_halves else range(len(bands))
    ft = transform(np.stack(maps))
    power = local_power(ft, grid, bands, windows, chosen=chosen, progress=progress)
    if has_halves:
        noise = power[0, 1].mean(dtype=np.float64)
        return _softened(windows.spread(molecule_weight(power[0, 0], float(noise))), grid), None
    outside = None if given is None else windows.averages(given) < _OUTSIDE
    empty = _without_shape(solvent_noise(power[:, 0], outside), bands)
    if given is None:
        found = molecule_weight(power[seen, 0], float(empty[seen]))
        given = _softened(windows.spread(found), grid)
    return given, empty


def _softened(weight: Singles, grid: Grid) -> Singles:
    """The weight without kinks, which would spread steep spectra; 1 where none is found."""
    if float(weight.mean()) < _LEAST_INSIDE:
        return np.ones_like(weight)
    soft = filter_radial(
        Volume(weight, grid.voxel_size), lambda f: np.exp(-2 * (np.pi * _SOFTNESS * f) ** 2)
    )
    return soft.float32()


def solvent_noise(power: Singles, outside: npt.NDArray[np.bool_] | None = None) -> Floats:
    """Power of the noise in each band, shape (bands,), of a map without half maps.

    Parameters
    ----------
    power : float32 array (bands, z, y, x)
        Local power of the whole map.
    outside : bool array (z, y, x), optional
        Windows that lie in the solvent. None takes the poorest sixth of all in each band, which
        holds solvent in all but very tight boxes.
    """
    if outside is not None and outside.any():
        return np.asarray(power[:, outside].mean(axis=1), dtype=np.float64)
    poorest = np.quantile(power.reshape(len(power), -1), _POOREST, axis=1)
    return np.asarray(poorest, dtype=np.float64)


def _without_shape(noise: Floats, bands: Bands) -> Floats:
    """Noise whose first bands, into which the molecule's shape leaks, are about as the third."""
    if len(noise) <= _SHAPE_BANDS:
        return noise
    modes = bands.modes(1.0)
    highest = _COLOURED * noise[_SHAPE_BANDS] / modes[_SHAPE_BANDS] * modes
    return np.where(np.arange(len(noise)) < _SHAPE_BANDS, np.minimum(noise, highest), noise)


def molecule_weight(power: Singles, noise: float) -> Singles:
    """Where a molecule is, 0 to 1 with soft edges, on the lattice.

    Parameters
    ----------
    power : float32 array (z, y, x)
        Local power of the map at about 8 Å.
    noise : float
        Power of the noise there.
    """
    least = max(noise, _LEAST_POWER * float(np.quantile(power, 0.98)), _TINY)
    along = np.clip((power / least - _FROM_NOISE) / (_TO_SIGNAL - _FROM_NOISE), 0, 1)
    return np.asarray(along**2 * (3 - 2 * along), dtype=np.float32)


def _resolution(frequency: Floats, power: Floats, noise: Floats) -> float | None:
    """Å where the half maps agree to 0.143; None where they do at all frequencies, or at none."""
    signal = np.maximum(power - noise, 0)
    total = signal + 2 * noise
    fsc = np.divide(signal, total, out=np.zeros_like(total), where=total > 0)
    found = resolution_interpolated(frequency, fsc, THRESHOLD)
    return found if found is not None and np.isfinite(found) else None


def _noise_by_shells(
    by_band: Floats, power: Floats, count: Floats, shells: Shells, bands: Bands
) -> Floats:
    """Noise that is white within each band as power by shells, never above that of the map."""
    weights = bands.weights(shells.frequency)
    density = by_band / np.maximum((weights**2 * count).sum(axis=1), _TINY)
    return np.asarray(np.minimum(density @ weights, power))
