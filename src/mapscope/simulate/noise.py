"""Random numbers by named stages, and noise with a wanted power in every Fourier shell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, inverse, transform
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid

Stage: TypeAlias = Literal[
    "parameters",
    "resolution field",
    "first half map",
    "second half map",
    "map",
    "weak direction",
    "box",
    "blob",
]

_STAGES = get_args(Stage)
_TINY = 1e-30


def stream(seed: int, stage: Stage) -> np.random.Generator:
    """Random numbers of one stage: what another stage takes does not change them.

    Examples
    --------
    >>> first, again = (stream(3, "first half map").integers(1000) for _ in range(2))
    >>> second = stream(3, "second half map").integers(1000)
    >>> bool(first == again), bool(first == second)
    (True, False)
    """
    return np.random.default_rng([seed, _STAGES.index(stage)])


def shell_power(
    ft: Array, shells: Shells, *, progress: Progress = silent
) -> npt.NDArray[np.float64]:
    """Mean squared modulus of the coefficients in each shell, shape (shells,).

    Parameters
    ----------
    ft : complex array (z, y, x // 2 + 1)
        As from :func:`mapscope.density.fourier.transform`, not normalised.
    shells : Shells
        Shells of the grid.
    progress : callable
        Called once per z plane.
    """

    def terms(plane: int) -> tuple[Array, ...]:
        power = _power(ft[plane])
        return power, np.ones(power.shape)

    total, count = shells.sums(terms, progress, "power spectrum")
    return np.asarray(total / count)


def _power(values: Array) -> npt.NDArray[np.float64]:
    """Squared modulus in double precision."""
    return np.asarray(values.real.astype(np.float64) ** 2 + values.imag.astype(np.float64) ** 2)


def white_noise(
    grid: Grid, random: np.random.Generator, *, progress: Progress = silent
) -> npt.NDArray[np.complex64]:
    """Transform of Gaussian noise, whose coefficients have a mean squared modulus of 1."""
    ft = transform(random.standard_normal(grid.shape, dtype=np.float32), progress)
    ft *= np.float32(1 / math.sqrt(math.prod(grid.shape)))
    return ft


def scale_shells(
    ft: Array, factor: Array, shells: Shells, *, progress: Progress = silent
) -> npt.NDArray[np.complex64]:
    """Coefficients times the factor of their shell, shape (shells,); 0 beyond Nyquist."""
    factors = np.append(factor, 0.0).astype(np.float32)
    result = np.empty(ft.shape, dtype=np.complex64)
    for plane in range(len(ft)):
        progress(plane, len(ft), "noise")
        np.multiply(ft[plane], factors[shells.index(plane)], out=result[plane])
    progress(1, 1, "noise")
    return result


def with_exact_power(
    noise: Array,
    others: Sequence[Array],
    power: Array,
    shells: Shells,
    *,
    progress: Progress = silent,
) -> npt.NDArray[np.complex64]:
    """Noise that is uncorrelated with other maps in every shell and has exactly this power.

    What the noise shares with the others by chance is taken out, shell by shell (Gram and
    Schmidt), so that a Fourier shell correlation computed from it has its expected value
    instead of fluctuating around it.

    Parameters
    ----------
    noise : complex array (z, y, x // 2 + 1)
        Transform of the noise; not changed.
    others : sequence of complex arrays
        Transforms of maps that are uncorrelated with each other.
    power : array (shells,)
        Wanted mean squared modulus.
    shells : Shells
        Shells of the grid; what lies beyond Nyquist becomes 0.
    progress : callable
        Called once per z plane and step.
    """

    def terms(plane: int) -> tuple[Array, ...]:
        a = noise[plane].astype(np.complex128)
        rows = [_power(a), np.ones(a.shape)]
        for other in others:
            b = other[plane].astype(np.complex128)
            rows += [a.real * b.real + a.imag * b.imag, _power(b)]
        return tuple(rows)

    total, count, *pairs = shells.sums(terms, part(progress, 0, 1, 2), "noise")
    shared, norms = pairs[0::2], pairs[1::2]
    shares = [
        np.divide(s, n, out=np.zeros_like(s), where=n > _TINY)
        for s, n in zip(shared, norms, strict=True)
    ]
    left = total - sum(k**2 * n for k, n in zip(shares, norms, strict=True))
    usable = left > 1e-6 * total
    factor = np.sqrt(np.divide(power * count, left, out=np.zeros_like(left), where=usable))
    return _freed(noise, others, shares, factor, shells, part(progress, 1, 2, 2))


def _freed(
    noise: Array,
    others: Sequence[Array],
    shares: Sequence[Array],
    factor: Array,
    shells: Shells,
    progress: Progress,
) -> npt.NDArray[np.complex64]:
    """``(noise - share · other) · factor``, each with the number of its shell."""
    factors = np.append(factor, 0.0)
    padded = [np.append(share, 0.0) for share in shares]
    result = np.empty(noise.shape, dtype=np.complex64)
    for plane in range(len(noise)):
        progress(plane, len(noise), "noise")
        index = shells.index(plane)
        values = noise[plane].astype(np.complex128)
        for other, share in zip(others, padded, strict=True):
            values -= share[index] * other[plane]
        result[plane] = values * factors[index]
    progress(1, 1, "noise")
    return result


def pair_of_noises(
    signal: Array,
    power: Array,
    shells: Shells,
    *,
    seed: int,
    level: npt.NDArray[np.float32] | None = None,
    is_exact: bool = True,
    progress: Progress = silent,
) -> tuple[npt.NDArray[np.complex64], npt.NDArray[np.complex64]]:
    """Transforms of independent noise for the first and the second half map.

    Parameters
    ----------
    signal : complex array (z, y, x // 2 + 1)
        Transform of what both half maps hold.
    power : array (shells,)
        Mean squared modulus of the noise.
    shells : Shells
        Shells of the grid.
    seed : int
        Equal seeds give equal noise, each half's from a stream of its own.
    level : float32 array (z, y, x), optional
        Relative standard deviation of the noise in each voxel.
    is_exact : bool
        Whether the noises share nothing with the signal and each other and have exactly this
        power in every shell.
    progress : callable
        Called once per z plane and step.
    """
    ratio = None
    if level is not None:
        ratio = level / np.float32(math.sqrt(float((level**2).mean(dtype=np.float64))))
    stages: tuple[Stage, Stage] = ("first half map", "second half map")
    found: list[npt.NDArray[np.complex64]] = []
    for number, stage in enumerate(stages):
        step = part(progress, number, number + 1, 2)
        ft = white_noise(shells.grid, stream(seed, stage), progress=step)
        ft = scale_shells(ft, np.sqrt(power), shells, progress=step)
        if ratio is not None:
            ft = transform(inverse(ft, shells.grid.shape) * ratio, step)
        if is_exact:
            ft = with_exact_power(ft, (signal, *found), power, shells, progress=step)
        found.append(ft)
    return found[0], found[1]
