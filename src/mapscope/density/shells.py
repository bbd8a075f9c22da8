"""Fourier shell correlation of half maps, and the resolution that it gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Counting, Shells, inverse, transform
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid, HalfMaps, Volume, require_same_grid

_RANDOMISE_BELOW = 0.8
_CORRECT_AFTER = 2


@dataclass(frozen=True, eq=False)
class ShellCurves:
    """Correlation of two transforms in each shell.

    Parameters
    ----------
    frequency : float64 array (shells,)
        Centre of each shell in 1/Å; the first is 0.
    fsc : float64 array (shells,)
        From -1 to 1; 0 where one of the maps has no amplitude.
    count : float64 array (shells,)
        Number of coefficients.
    """

    frequency: npt.NDArray[np.float64]
    fsc: npt.NDArray[np.float64]
    count: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HalfMapCurves:
    """Fourier shell correlation of two half maps, all arrays of shape (shells,).

    Parameters
    ----------
    frequency : float64 array
        1/Å; the first is 0.
    unmasked : float64 array
        FSC of the half maps as they are.
    masked, phase_randomised, corrected : float64 array or None
        FSC under the mask, the same after phases were made random, and the first freed of
        what the second shows to come from the mask; `None` without a mask.
    count : float64 array
        Number of coefficients.
    randomised_from : int or None
        First shell with random phases; `None` without a mask or if the unmasked FSC never
        falls below 0.8.
    """

    frequency: npt.NDArray[np.float64]
    unmasked: npt.NDArray[np.float64]
    masked: npt.NDArray[np.float64] | None
    phase_randomised: npt.NDArray[np.float64] | None
    corrected: npt.NDArray[np.float64] | None
    count: npt.NDArray[np.float64]
    randomised_from: int | None

    @property
    def best(self) -> npt.NDArray[np.float64]:
        """The corrected curve where there was a mask, else the unmasked one."""
        return self.unmasked if self.corrected is None else self.corrected


def correlate_shells(
    first: Array, second: Array, shells: Shells, *, progress: Progress = silent
) -> ShellCurves:
    """Correlation of two transforms, shell by shell.

    Parameters
    ----------
    first, second : complex array (z, y, x // 2 + 1)
        As from :func:`mapscope.density.fourier.transform`.
    shells : Shells
        Shells of their grid.
    progress : callable
        Called once per z plane.

    References
    ----------
    Harauz & van Heel (1986) Optik 73, 146, equation 2.
    """

    def terms(plane: int) -> tuple[Array, ...]:
        a = first[plane].astype(np.complex128)
        b = second[plane].astype(np.complex128)
        cross = a.real * b.real + a.imag * b.imag
        return cross, _power(a), _power(b), np.ones(a.shape)

    cross, power_a, power_b, count = shells.sums(terms, progress, "Fourier shell correlation")
    norm = np.sqrt(power_a * power_b)
    fsc = np.divide(cross, norm, out=np.zeros_like(cross), where=norm > 0)
    return ShellCurves(shells.frequency, fsc, count)


def _power(values: Array) -> npt.NDArray[np.float64]:
    """Squared modulus."""
    return np.asarray(values.real**2 + values.imag**2)


def shell_mean_amplitude(
    ft: Array, shells: Shells, *, progress: Progress = silent
) -> npt.NDArray[np.float64]:
    """Mean modulus of the coefficients in each shell, shape (shells,), per voxel of the map.

    Parameters
    ----------
    ft : complex array (z, y, x // 2 + 1)
        As from :func:`mapscope.density.fourier.transform`; the moduli are divided by the
        number of voxels, as RELION does.
    shells : Shells
        Shells of the grid.
    progress : callable
        Called once per z plane.
    """

    def terms(plane: int) -> tuple[Array, ...]:
        modulus = np.abs(ft[plane])
        return modulus, np.ones(modulus.shape)

    total, count = shells.sums(terms, progress, "mean amplitudes")
    return np.asarray(total / count / math.prod(shells.grid.shape))


def randomise_phases(
    ft: Array,
    grid: Grid,
    from_shell: int,
    seed: int | np.random.SeedSequence,
    *,
    progress: Progress = silent,
) -> npt.NDArray[np.complex64]:
    """Coefficients with random phases at and beyond a radius; amplitudes stay.

    The result is the transform of a real map: phases are opposite for Friedel mates. As in
    RELION, a coefficient takes part if its own radius, not its rounded shell, reaches
    `from_shell`.

    Parameters
    ----------
    ft : complex array (z, y, x // 2 + 1)
        As from :func:`mapscope.density.fourier.transform`; not changed.
    grid : Grid
        Grid of the map.
    from_shell : int
        Radius in shells from which phases are random, at least 1.
    seed : int or SeedSequence
        Equal seeds give equal phases.
    progress : callable
        Called once per z plane.

    References
    ----------
    Chen et al. (2013) Ultramicroscopy 135, 24.
    """
    shells = Shells(grid)
    random = np.random.default_rng(seed)
    nz, ny, nx = grid.shape
    result = np.array(ft, dtype=np.complex64)
    columns = {0, nx // 2} if nx % 2 == 0 else {0}
    antisymmetric = {column: _antisymmetric_angles(random, nz, ny) for column in sorted(columns)}
    for plane in range(nz):
        progress(plane, nz, "randomising phases")
        angle = random.random(result.shape[1:], dtype=np.float32) * np.float32(2 * np.pi)
        for column, angles in antisymmetric.items():
            angle[:, column] = angles[plane]
        angle[shells.radius(plane) < from_shell] = 0
        result[plane] *= np.cos(angle) + np.complex64(1j) * np.sin(angle)
    progress(nz, nz, "randomising phases")
    return result


def _antisymmetric_angles(random: np.random.Generator, nz: int, ny: int) -> npt.NDArray[np.float32]:
    """Uniform angles (z, y) whose values at opposite indices sum to 0 (modulo a turn)."""
    angle = random.random((nz, ny), dtype=np.float32) * np.float32(2 * np.pi)
    opposite = np.roll(angle[::-1, ::-1], (1, 1), axis=(0, 1))
    return np.asarray(angle - opposite)


def fourier_shell_correlation(
    half_maps: HalfMaps,
    mask: Volume | None = None,
    *,
    seed: int = 0,
    counting: Counting = "half",
    progress: Progress = silent,
) -> HalfMapCurves:
    """Fourier shell correlation of two half maps, corrected for what the mask adds.

    Phases are made random from the first shell where the unmasked FSC is below 0.8; two
    shells further the correction ``(masked - random) / (1 - random)`` begins. With
    ``counting="half"`` (the default) every curve is RELION's to rounding, but for the random
    numbers; see :class:`~mapscope.density.fourier.Shells` for the difference to sums
    over the whole of Fourier space.

    Parameters
    ----------
    half_maps : HalfMaps
        The half maps, neither filtered nor masked.
    mask : Volume, optional
        0 to 1 with a soft edge, on the same grid.
    seed : int
        Seed of the random phases.
    counting : {"half", "full"}
        How coefficients are counted.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is 0 everywhere.

    References
    ----------
    Chen et al. (2013) Ultramicroscopy 135, 24, equation 4.
    """
    shells = Shells(half_maps.grid, counting)
    halves = (half_maps.first, half_maps.second)
    steps = 1 if mask is None else 3
    first, second, plain = _correlate_maps(
        halves[0].data, halves[1].data, shells, part(progress, 0, 1, steps)
    )
    if mask is None:
        return HalfMapCurves(plain.frequency, plain.fsc, None, None, None, plain.count, None)
    require_same_grid(half_maps.first, mask, "the half maps", "the mask")
    window = mask.float32()
    if not window.any():
        raise DataError("the mask is 0 everywhere: make one that covers the particle")
    masked = _correlate_masked(
        halves[0].data, halves[1].data, window, shells, part(progress, 1, 2, steps)
    )
    start = first_below(plain.fsc, _RANDOMISE_BELOW)
    if start is None:
        return HalfMapCurves(plain.frequency, plain.fsc, masked, masked, masked, plain.count, None)
    random = _correlate_randomised(
        (first, second), window, shells, start, seed, part(progress, 2, 3, steps)
    )
    corrected = correct_for_mask(masked, random, start)
    return HalfMapCurves(plain.frequency, plain.fsc, masked, random, corrected, plain.count, start)


def _correlate_maps(
    first: Array, second: Array, shells: Shells, progress: Progress
) -> tuple[Array, Array, ShellCurves]:
    """Transforms of two maps and their correlation."""
    a = transform(first, part(progress, 0, 1, 4))
    b = transform(second, part(progress, 1, 2, 4))
    return a, b, correlate_shells(a, b, shells, progress=part(progress, 2, 4, 4))


def _correlate_masked(
    first: Array, second: Array, window: Array, shells: Shells, progress: Progress
) -> npt.NDArray[np.float64]:
    """FSC of two maps multiplied by a mask."""
    return _correlate_maps(first * window, second * window, shells, progress)[2].fsc


def _correlate_randomised(
    fts: tuple[Array, Array],
    window: Array,
    shells: Shells,
    start: int,
    seed: int,
    progress: Progress,
) -> npt.NDArray[np.float64]:
    """FSC under the mask of two maps with independently random phases."""
    shape, grid = shells.grid.shape, shells.grid
    maps = []
    for number, (ft, own) in enumerate(
        zip(fts, np.random.SeedSequence(seed).spawn(2), strict=True)
    ):
        step = part(progress, number, number + 1, 3)
        maps.append(inverse(randomise_phases(ft, grid, start, own, progress=step), shape, step))
    return _correlate_masked(maps[0], maps[1], window, shells, part(progress, 2, 3, 3))


def correct_for_mask(
    masked: npt.NDArray[np.float64], randomised: npt.NDArray[np.float64], from_shell: int
) -> npt.NDArray[np.float64]:
    """Masked FSC, shape (shells,), freed of the mask's share two shells past `from_shell`.

    References
    ----------
    Chen et al. (2013) Ultramicroscopy 135, 24, equation 4.
    """
    corrected = masked.copy()
    late = slice(from_shell + _CORRECT_AFTER, None)
    room = np.maximum(1.0 - randomised[late], 1e-6)
    corrected[late] = (masked[late] - randomised[late]) / room
    return corrected


def first_below(fsc: Array, threshold: float) -> int | None:
    """First shell after the mean whose value is below `threshold`; `None` if there is none."""
    below = np.flatnonzero(np.asarray(fsc)[1:] < threshold)
    return int(below[0]) + 1 if below.size else None


def resolution_by_relion_rule(
    frequency: Array, fsc: Array, threshold: float = 0.143
) -> float | None:
    """Resolution in Å of the last shell before the FSC first falls below `threshold`.

    `None` if it never does: then the map is limited by its voxel size, and RELION would
    report Nyquist. Infinite if the first shell after the mean is already below.

    Parameters
    ----------
    frequency : array (shells,)
        1/Å, rising from 0.
    fsc : array (shells,)
        Correlations.
    threshold : float
        0.143 for half maps, 0.5 for a map against a model.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721 (the 0.143).
    """
    drop = first_below(fsc, threshold)
    if drop is None:
        return None
    last = float(frequency[drop - 1])
    return 1.0 / last if last > 0 else math.inf


def resolution_interpolated(frequency: Array, fsc: Array, threshold: float = 0.143) -> float | None:
    """Resolution in Å where the FSC, linear in frequency between shells, crosses `threshold`.

    `None` if it never falls below; infinite if the crossing is at frequency 0. Parameters as
    in :func:`resolution_by_relion_rule`.
    """
    drop = first_below(fsc, threshold)
    if drop is None:
        return None
    above, below = float(fsc[drop - 1]), float(fsc[drop])
    share = (above - threshold) / (above - below) if above > threshold else 0.0
    crossing = float(frequency[drop - 1]) + share * float(frequency[drop] - frequency[drop - 1])
    return 1.0 / crossing if crossing > 0 else math.inf
