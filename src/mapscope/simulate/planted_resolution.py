"""Maps whose resolution differs from place to place, in a way that is known."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain, apply_radial, frequencies, inverse, transform
from mapscope.density.local_shells import local_transforms
from mapscope.errors import InputError
from mapscope.progress import Progress, part, silent
from mapscope.simulate.half_maps import THRESHOLD, Spectra
from mapscope.volume import Array, Grid, HalfMaps, Volume

Pattern: TypeAlias = Literal["patches", "outwards"]

LEVELS = 9
"""Resolutions that are computed; those between are blended from their neighbours."""

_CURVE_POINTS = 513
_QUANTILES = 257


def resolution_field(
    grid: Grid,
    inside: Array,
    finest: float,
    coarsest: float,
    *,
    pattern: Pattern,
    feature_size: float,
    random: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Local resolution in Å of each voxel, evenly spread between two values where `inside`.

    Parameters
    ----------
    grid : Grid
        Grid of the map.
    inside : bool array (z, y, x)
        The molecule; resolutions of other voxels follow the same field.
    finest, coarsest : float
        Å.
    pattern : {"patches", "outwards"}
        A smooth random field, or coarser with the distance from the molecule's centre.
    feature_size : float
        Å, over which the field changes: the width of its Gaussian correlation.
    random : Generator
        Where the patches come from.

    Returns
    -------
    float32 array (z, y, x)
    """
    rising = (
        _smooth_field(grid, feature_size, random)
        if pattern == "patches"
        else _distance_from_centre(grid, inside)
    )
    marks = np.linspace(0, 1, _QUANTILES)
    quantiles = np.quantile(rising[inside], marks)
    share = np.interp(rising, quantiles, marks)
    return np.asarray(finest + (coarsest - finest) * share, dtype=np.float32)


def _smooth_field(
    grid: Grid, feature_size: float, random: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Gaussian random field, periodic in the box."""
    ft = transform(random.standard_normal(grid.shape, dtype=np.float32))
    for frequency in frequencies(grid):
        ft *= np.exp(-((np.pi * frequency * feature_size) ** 2) / 2).astype(np.float32)
    return inverse(ft, grid.shape)


def _distance_from_centre(grid: Grid, inside: Array) -> npt.NDArray[np.float32]:
    """Distance in Å from the centre of the voxels inside."""
    total = np.zeros(grid.shape, dtype=np.float32)
    for axis, (size, step) in enumerate(zip(grid.shape, grid.voxel_size, strict=True)):
        others = tuple(a for a in range(3) if a != axis)
        weight = inside.sum(axis=others, dtype=np.float64)
        along = np.arange(size)
        offset = (along - (weight * along).sum() / weight.sum()) * step
        shape = [-1 if a == axis else 1 for a in range(3)]
        total += (offset**2).astype(np.float32).reshape(shape)
    return np.asarray(np.sqrt(total))


def extra_b_factor(resolution: npt.ArrayLike, wanted: Spectra) -> npt.NDArray[np.float64]:
    """B-factor in Å² that makes the wanted curve fall to 0.143 at coarser resolutions.

    Parameters
    ----------
    resolution : array (n,)
        Å, rising, not finer than that of `wanted`.
    wanted : Spectra
        Signal and noise where nothing is blurred.
    """
    d = np.asarray(resolution, dtype=np.float64)
    logarithm = np.log(np.maximum(wanted.signal_to_noise, 1e-12))
    ratio = np.interp(1 / d**2, wanted.frequency**2, logarithm)
    b_factor = 2 * d**2 * (ratio - np.log(THRESHOLD / (1 - THRESHOLD)))
    return np.asarray(np.maximum.accumulate(np.maximum(b_factor, 0.0)))


def blend(
    ft: Array,
    grid: Grid,
    field: Array,
    wanted: Spectra,
    gain: Gain,
    *,
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """The map blurred in every place so that it has the field's local resolution.

    In a region of resolution d the signal-to-noise ratio against homogeneous noise falls to
    that of an FSC of 0.143 at 1/d: its signal carries the :func:`extra_b_factor` of d. Between
    two of the computed levels the weights are such that this holds at 1/d exactly.

    Parameters
    ----------
    ft : complex array (z, y, x // 2 + 1)
        Transform of the map.
    grid : Grid
        Its grid.
    field : float32 array (z, y, x)
        Å, as from :func:`resolution_field`.
    wanted : Spectra
        Signal and noise where the map is best.
    gain : callable
        Gain on the signal where the map is best.
    progress : callable
        Called once per level and z plane.

    Returns
    -------
    float32 array (z, y, x)
    """
    levels = np.linspace(float(field.min()), float(field.max()), LEVELS)
    b_factors = extra_b_factor(levels, wanted)
    points, weights = blending_weights(levels, wanted)
    result = np.zeros(grid.shape, dtype=np.float32)
    for number, b_factor in enumerate(b_factors):
        step = part(progress, number, number + 1, len(levels))
        level = apply_radial(ft, grid, _blurred(gain, float(b_factor)), progress=step)
        data = inverse(level, grid.shape)
        for plane, resolutions in enumerate(field):
            result[plane] += data[plane] * np.interp(resolutions, points, weights[number])
    return result


def _blurred(gain: Gain, b_factor: float) -> Gain:
    """A gain with a B-factor on top."""

    def blurred(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(gain(frequency) * np.exp(-0.25 * b_factor * frequency**2))

    return blurred


def blending_weights(
    levels: Array, wanted: Spectra
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Resolutions (n,) in Å, and the weight of each level at them, shape (levels, n).

    Raises
    ------
    InputError
        If the levels do not rise.
    """
    if not (np.diff(levels) > 0).all():
        raise InputError(f"levels of resolution rise from fine to coarse, got {levels.tolist()}")
    points = np.linspace(levels[0], levels[-1], _CURVE_POINTS)
    square = 1 / points**2

    def falloff(b_factor: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.exp(-0.25 * b_factor * square))

    between = np.clip(np.searchsorted(levels, points, side="right") - 1, 0, len(levels) - 2)
    b_factors = extra_b_factor(levels, wanted)
    fine, coarse = falloff(b_factors[between]), falloff(b_factors[between + 1])
    gap = fine - coarse
    ones = np.ones_like(gap)
    share = np.divide(
        falloff(extra_b_factor(points, wanted)) - coarse, gap, out=ones, where=gap > 0
    )
    share = np.clip(share, 0.0, 1.0)
    weights = np.zeros((len(levels), len(points)))
    column = np.arange(len(points))
    weights[between, column] = share
    weights[between + 1, column] += 1 - share
    return points, weights


def recovered_resolution(
    original: Volume, signal: Volume, best: Spectra, position: npt.ArrayLike, window: float
) -> float | None:
    """Local resolution in Å read from a noise-free map and the map that it was made from.

    In a soft ball around a point, the factor by which amplitudes shrank is measured in every
    shell. Against the noise that the half maps were given, the signal-to-noise ratio of this
    place falls to that of an FSC of 0.143 at the resolution; `None` where it never does.

    Parameters
    ----------
    original, signal : Volume
        The map before and after its resolution was planted, levelled as by
        `DegradedMaps.levelled`, so that steep spectra do not leak through the window.
    best : Spectra
        Signal and noise where the map is best.
    position : array (3,)
        Å, z, y, x.
    window : float
        Diameter of the ball in Å, at least eight voxels.
    """
    before, after, shells = local_transforms(HalfMaps(original, signal), position, window)

    def terms(plane: int) -> tuple[Array, ...]:
        a = before[plane].astype(np.complex128)
        b = after[plane].astype(np.complex128)
        return a.real * b.real + a.imag * b.imag, a.real**2 + a.imag**2

    shared, power = shells.sums(terms)
    known = (shells.frequency > 0) & (shells.frequency < best.frequency[-1])
    square = shells.frequency[known] ** 2
    kept = np.maximum(shared[known] / np.maximum(power[known], 1e-30), 1e-6)
    ratio = np.maximum(best.signal_to_noise, 1e-12)
    # Linear in the square of the frequency, as B-factors are.
    planted = np.interp(square, best.frequency**2, np.log(ratio)) + 2 * np.log(kept)
    excess = planted - np.log(THRESHOLD / (1 - THRESHOLD))
    below = np.flatnonzero(excess < 0)
    if not below.size or below[0] == 0:
        return None
    n = int(below[0])
    share = excess[n - 1] / (excess[n - 1] - excess[n])
    return float((square[n - 1] + share * (square[n] - square[n - 1])) ** -0.5)
