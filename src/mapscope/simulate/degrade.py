"""Maps made worse in known ways, as half maps with a wanted Fourier shell correlation.

The model: both half maps hold the same signal and independent, coloured noise. The signal is
the map, blurred more where its local resolution shall be coarser and along a weak direction.
:class:`.degradation.Degradation` says what is done and :func:`degrade` does it; equal parameters
give equal maps.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import (
    Shells,
    apply_radial,
    frequencies,
    inverse,
    low_pass_gain,
    transform,
)
from mapscope.density.frame import Fill, crop, pad
from mapscope.density.guinier import fsc_weight, sharpening_gain
from mapscope.density.shells import correlate_shells
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.simulate.degradation import Degradation
from mapscope.simulate.degraded_maps import DegradedMaps, centred_transform
from mapscope.simulate.half_maps import Spectra, curve_from_table, falling_curve, spectra
from mapscope.simulate.noise import pair_of_noises, shell_power, stream
from mapscope.simulate.planted_resolution import blend, resolution_field
from mapscope.table import Table
from mapscope.volume import (
    Array,
    Grid,
    HalfMaps,
    Region,
    Shape,
    Triple,
    Volume,
    require_same_grid,
)

_STEPS = 8
_LARGEST_SHARE = 0.25
_FEATURES = 3.0


def degrade(
    volume: Volume,
    degradation: Degradation,
    *,
    mask: Volume | None = None,
    curve: Table | None = None,
    progress: Progress = silent,
) -> DegradedMaps:
    """Half maps of a map with a wanted FSC, their mean, and the truth about them.

    Nothing is left beyond the Nyquist frequency, as in a reconstruction; the mean of the map
    stays.

    Parameters
    ----------
    volume : Volume
        The map, as free of noise as can be had.
    degradation : Degradation
        What to do.
    mask : Volume, optional
        The molecule, 0 to 1, on the grid of the map. With it, resolutions and curve hold
        inside, for the signal that is there and the noise that is there; without, for the
        whole box, whose solvent has noise and no signal.
    curve : Table, optional
        Wanted FSC, see :func:`.half_maps.curve_from_table`; that of the best places where the
        resolution differs.
    progress : callable
        Called once per z plane and step.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    InputError
        If a parameter does not fit the map's voxels or box, the curve is none, or a mask is
        needed.
    DataError
        If the map is constant, holds no detail up to the resolution, or the mask is empty.
    """
    _check_mask(volume, mask, degradation)
    original = _moved(volume, degradation.shift, "edge mean")
    window = None if mask is None else _moved(mask, degradation.shift, "zero").float32()
    shells = Shells(original.grid)
    if curve is None:
        _check_voxels(shells, degradation.resolution)
    ft, mean = centred_transform(original, part(progress, 0, 1, _STEPS))
    _weaken(ft, original.grid, degradation)
    best = _best(ft, shells, window, degradation, curve, part(progress, 1, 2, _STEPS))
    _check_coarsest(original.grid, best.resolution, degradation.coarsest)
    field = _field(original, window, best, degradation)
    signal = _signal(ft, original.grid, best, field, part(progress, 2, 4, _STEPS))
    del ft
    level = _noise_level(window, degradation)
    noise_power = best.noise * (1.0 if level is None else float((level**2).mean(dtype=float)))
    noise = pair_of_noises(
        signal,
        noise_power,
        shells,
        seed=degradation.seed,
        level=level,
        is_exact=degradation.is_exact,
        progress=part(progress, 4, 6, _STEPS),
    )
    power = shell_power(signal, shells)
    is_even = window is None and field.min() == field.max()
    wanted = best.correlation.copy() if is_even else _expected(power, noise_power)
    wanted[0] = 1.0  # both hold the map's mean, which is left out here
    halves = (signal + noise[0], signal + noise[1])
    curves = correlate_shells(*halves, shells, progress=part(progress, 6, 7, _STEPS))
    obtained = curves.fsc
    obtained[0] = 1.0
    final = window if degradation.is_masked else None
    combined = _combined(halves, original.grid, best, obtained, degradation)
    return DegradedMaps(
        half_maps=HalfMaps(*(_map(original, h, mean, final) for h in halves)),
        mean=_map(original, combined, mean, final),
        signal=_map(original, signal, mean, None),
        original=original,
        local_resolution=Volume(field, original.voxel_size, original.origin, original.header),
        best=best,
        frequency=shells.frequency,
        wanted=wanted,
        obtained=obtained,
        count=curves.count,
        noise_level=_ratio(noise_power, power, curves.count),
    )


def _check_mask(volume: Volume, mask: Volume | None, degradation: Degradation) -> None:
    """Raise unless there is a usable mask where one is needed."""
    if mask is None:
        if degradation.is_masked or degradation.solvent_noise != 1:
            raise InputError(
                "masked maps, and noise that is other in the solvent, need a mask that says "
                "where the molecule is: make one with 'make mask' first"
            )
        return
    require_same_grid(volume, mask, "the map", "the mask")
    if not (np.asarray(mask.data) >= 0.5).any():
        raise DataError("the mask is 0 everywhere: make one that covers the molecule")


def _check_voxels(shells: Shells, resolution: float) -> None:
    """Raise unless the voxels can hold the wanted resolution."""
    limit = 1 / shells.nyquist
    if resolution < limit * (1 - 1e-6):
        raise InputError(
            f"voxels of {max(shells.grid.voxel_size):.3g} Å end at {limit:.2f} Å (Nyquist): they "
            f"cannot hold a resolution of {resolution:g} Å"
        )


def _check_coarsest(grid: Grid, finest: float, coarsest: float | None) -> None:
    """Raise unless the worst places are worse than the best, and the box can hold them."""
    if coarsest is None:
        return
    if coarsest < finest * (1 - 1e-6):
        raise InputError(
            f"the coarsest local resolution ({coarsest:g} Å) is a larger number than the "
            f"resolution of the best places ({finest:.3g} Å)"
        )
    longest = _LARGEST_SHARE * max(grid.extent)
    if coarsest > longest:
        raise InputError(
            f"the box of {max(grid.extent):.0f} Å is too small for a local resolution of "
            f"{coarsest:g} Å: it can hold up to {longest:.1f} Å"
        )


def _moved(volume: Volume, shift: Triple, fill: Fill) -> Volume:
    """The map in a box of the same size, moved by whole voxels; the molecule stays in place.

    Raises
    ------
    InputError
        If nothing of the map would be left.
    """
    steps = [round(s / d) for s, d in zip(shift, volume.voxel_size, strict=True)]
    if not any(steps):
        return volume
    if any(abs(s) >= n for s, n in zip(steps, volume.shape, strict=True)):
        raise InputError(
            f"a box of {volume.shape} voxels (z, y, x) moved by {tuple(steps)} leaves nothing of "
            "the map: move it less"
        )
    before, after = np.maximum(np.negative(steps), 0), np.maximum(steps, 0)
    padded = pad(volume, _shape(before), _shape(after), fill=fill)
    return crop(padded, Region(_shape(after), _shape(after + volume.shape)))


def _shape(numbers: Array) -> Shape:
    """Three numbers as plain integers."""
    z, y, x = (int(n) for n in numbers)
    return (z, y, x)


def _weaken(ft: Array, grid: Grid, degradation: Degradation) -> None:
    """Multiply coefficients by the B-factor along the weak direction, in place."""
    if degradation.anisotropy == 0:
        return
    axis = np.asarray(degradation.axis) / np.linalg.norm(degradation.axis)
    z, y, x = (f * float(u) for f, u in zip(frequencies(grid), axis, strict=True))
    for plane, height in enumerate(z.ravel()):
        square = (y + x + height) ** 2
        ft[plane] *= np.exp(-0.25 * degradation.anisotropy * square).astype(np.float32)


def _best(
    ft: Array,
    shells: Shells,
    window: Array | None,
    degradation: Degradation,
    curve: Table | None,
    progress: Progress,
) -> Spectra:
    """Signal and noise where the map is best."""
    wanted = (
        falling_curve(shells.frequency, degradation.resolution, degradation.signal_to_noise)
        if curve is None
        else curve_from_table(curve, shells.frequency)
    )
    power = _reference_power(ft, shells, window, part(progress, 0, 1, 3))
    best = spectra(
        power, wanted, shells, b_factor=degradation.b_factor, noise_b=degradation.noise_b
    )
    return _with_true_gain(ft, shells, best, part(progress, 1, 3, 3))


def _with_true_gain(ft: Array, shells: Shells, best: Spectra, progress: Progress) -> Spectra:
    """Spectra whose gain gives each shell the power that it should have in its middle."""
    gain = best.radial_gain()

    def terms(plane: int) -> tuple[Array, ...]:
        squares = np.abs(ft[plane]).astype(np.float64) ** 2
        return squares, squares * gain(shells.radius(plane) * shells.width) ** 2

    before, after = shells.sums(terms, progress, "signal")
    ratio = np.divide(best.gain**2 * before, after, out=np.ones_like(after), where=after > 0)
    return replace(best, gain=best.gain * np.sqrt(ratio))


def _reference_power(
    ft: Array, shells: Shells, window: Array | None, progress: Progress
) -> npt.NDArray[np.float64]:
    """Mean squared modulus in each shell: of the whole box, or as if all were like the molecule."""
    if window is None:
        return shell_power(ft, shells, progress=progress)
    masked = transform(inverse(ft, shells.grid.shape) * window)
    share = float((window**2).mean(dtype=np.float64))
    return shell_power(masked, shells, progress=progress) / share


def _inside(volume: Volume, window: Array | None) -> npt.NDArray[np.bool_]:
    """Voxels of the molecule: of the mask, or else more than a standard deviation dense."""
    if window is not None:
        return np.asarray(window >= 0.5)
    data = volume.float32() * np.float32(volume.contrast)
    mean, deviation = data.mean(dtype=np.float64), data.std(dtype=np.float64)
    return np.asarray(data > mean + deviation)


def _field(
    volume: Volume, window: Array | None, best: Spectra, degradation: Degradation
) -> npt.NDArray[np.float32]:
    """Local resolution in Å of every voxel."""
    coarsest = degradation.coarsest
    if coarsest is None or coarsest <= best.resolution:
        return np.full(volume.shape, best.resolution, dtype=np.float32)
    return resolution_field(
        volume.grid,
        _inside(volume, window),
        best.resolution,
        coarsest,
        pattern=degradation.pattern,
        feature_size=degradation.feature_size or max(volume.grid.extent) / _FEATURES,
        random=stream(degradation.seed, "resolution field"),
    )


def _signal(
    ft: Array, grid: Grid, best: Spectra, field: Array, progress: Progress
) -> npt.NDArray[np.complex64]:
    """Transform of what both half maps hold, without the mean."""
    gain = best.radial_gain()
    if field.min() == field.max():
        return apply_radial(ft, grid, gain, progress=progress)
    return transform(blend(ft, grid, field, best, gain, progress=progress))


def _noise_level(
    window: npt.NDArray[np.float32] | None, degradation: Degradation
) -> npt.NDArray[np.float32] | None:
    """Standard deviation of the noise in each voxel, 1 inside; `None` where all are alike."""
    if window is None or degradation.solvent_noise == 1:
        return None
    inside = np.clip(window, 0, 1)
    return np.asarray(inside + np.float32(degradation.solvent_noise) * (1 - inside))


def _expected(signal: Array, noise: Array) -> npt.NDArray[np.float64]:
    """FSC of half maps from the power of signal and noise in each shell."""
    total = signal + noise
    fsc = np.divide(signal, total, out=np.zeros_like(total), where=signal > 0)
    return np.asarray(fsc)


def _ratio(noise: Array, signal: Array, count: Array) -> float:
    """Standard deviation of the noise over that of the signal, from power in shells."""
    return float(math.sqrt((noise * count).sum() / (signal * count)[1:].sum()))


def _map(original: Volume, ft: Array, mean: float, window: Array | None) -> Volume:
    """The map with these coefficients and this mean, under the mask where there is one."""
    data = inverse(ft, original.shape) + np.float32(mean)
    return original.with_data(data if window is None else data * window)


def _combined(
    halves: tuple[Array, Array],
    grid: Grid,
    best: Spectra,
    fsc: Array,
    degradation: Degradation,
) -> Array:
    """Transform of the mean of the half maps, post-processed where that was asked."""
    ft = (halves[0] + halves[1]) * np.float32(0.5)
    if not degradation.is_sharpened:
        return ft
    edge = 2 * Shells(grid).width
    gain = sharpening_gain(
        -best.b_factor,
        frequency=best.frequency,
        weight=fsc_weight(fsc),
        low_pass=low_pass_gain(best.resolution, edge),
    )
    return apply_radial(ft, grid, gain)
