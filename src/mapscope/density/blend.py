"""Data and prior, mixed shell by shell: the more the data say, the less the prior has to.

Of the difference D between prior and data a blend at the share p takes in each shell
``w = p (1 - C) + p² C = p - p (1 - p) C``, with C the share of signal in the data (C_ref). All of
that is in two maps that do not depend on p, D and D weighted by C: a slider needs no transforms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.distance import distance_within
from mapscope.density.fourier import Gain, Shells, apply_radial, inverse, transform
from mapscope.density.wiener import interpolated
from mapscope.labels import Labels
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid, Region, Volume, require_same_grid

Floats = npt.NDArray[np.float64]

SOFT_EDGE = 2.0
"""Voxels outside what is protected over which a blend begins."""

_SMALLEST = 1e-12


@dataclass(frozen=True, eq=False)
class Components:
    """What every blend of two maps is made of.

    Parameters
    ----------
    difference : float32 array (z, y, x)
        Prior less data.
    weighted : float32 array (z, y, x)
        The same with each shell times its `c_ref`.
    frequency, c_ref : float64 array (shells,)
        1/Å, and the share of signal in the data.
    data_power, difference_power, cross_power : float64 array (shells,)
        Mean squared moduli of data and difference, and the mean real part of their product.
    """

    difference: npt.NDArray[np.float32]
    weighted: npt.NDArray[np.float32]
    frequency: Floats
    c_ref: Floats
    data_power: Floats
    difference_power: Floats
    cross_power: Floats


@dataclass(frozen=True, eq=False)
class PriorGain:
    """How much of a blend is not from the data, (shells,).

    Parameters
    ----------
    frequency : float64 array
        1/Å.
    c_ref : float64 array
        Share of signal in the data.
    fsc_with_data : float64 array
        Correlation of the blend with the data.
    prior_gain : float64 array
        Share of the blend's power that the data do not carry, 0 to 1: ``1 - FSC²``.
    """

    frequency: Floats
    c_ref: Floats
    fsc_with_data: Floats
    prior_gain: Floats


def components(
    data: Volume,
    prior: Volume,
    share_of_signal: Gain | None = None,
    *,
    around: int = 0,
    progress: Progress = silent,
) -> Components:
    """What every blend of data and prior is made of.

    Parameters
    ----------
    data, prior : Volume
        On one grid.
    share_of_signal : callable, optional
        C_ref as a function of frequency in 1/Å. None takes the amplitude of the data over that
        of the prior: a Wiener map is the weaker, the less it says.
    around : int
        Voxels by which both go on as their mirror images, for boxes cut from larger maps.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If they lie on different grids.
    """
    require_same_grid(data, prior, "the data", "the prior")
    difference = prior.float32() - data.float32()
    wide, grid = _mirrored(data.float32(), around), _wider(data.grid, around)
    shells = Shells(grid, "full")
    d = transform(_mirrored(difference, around), part(progress, 0, 1, 6))
    powers = _powers(wide, d, shells, part(progress, 1, 4, 6))
    if share_of_signal is None:
        c_ref = _share_by_amplitude(*powers)
        share_of_signal = interpolated(shells.frequency, c_ref)
    weighted = apply_radial(d, grid, share_of_signal, progress=part(progress, 4, 5, 6))
    inner = tuple(slice(around, around + n) for n in data.shape)
    return Components(
        difference,
        inverse(weighted, grid.shape, part(progress, 5, 6, 6))[inner],
        shells.frequency,
        np.asarray(share_of_signal(shells.frequency)),
        *powers,
    )


def _powers(
    data: Array, difference: Array, shells: Shells, progress: Progress
) -> tuple[Floats, Floats, Floats]:
    """Mean squared moduli by shell of a map and a transform, and the mean of their product."""
    a = transform(data, part(progress, 0, 1, 3))

    def terms(plane: int) -> tuple[Array, ...]:
        one, two = a[plane], difference[plane]
        return _product(one, one), _product(two, two), _product(one, two), np.ones(one.shape)

    one, two, both, count = shells.sums(terms, part(progress, 1, 3, 3), "comparing data and prior")
    return one / count, two / count, both / count


def blend(
    data: Array,
    parts: Components,
    prior_share: float,
    kept: Array | None = None,
    *,
    region: Region | None = None,
) -> npt.NDArray[np.float32]:
    """Data with so much of the prior; 0 gives the data, 1 the prior, to the last digit or two.

    Parameters
    ----------
    data : float32 array (z, y, x)
        The data, or a box of them.
    parts : Components
        Of the whole maps.
    prior_share : float
        0 to 1.
    kept : array (z, y, x), optional
        1 where the data stay exactly as they are, 0 where they are free, as from `protection`.
    region : Region, optional
        Which box of the whole `data` and `kept` are.
    """
    box = slice(None) if region is None else region.slices
    added = parts.difference[box] * np.float32(prior_share)
    if 0 < prior_share < 1:
        added -= parts.weighted[box] * np.float32(prior_share * (1 - prior_share))
    if kept is not None:
        added *= np.float32(1) - kept
    return np.asarray(data + added, dtype=np.float32)


def protection(
    protected: Volume | Labels, *, edge: float = SOFT_EDGE, progress: Progress = silent
) -> npt.NDArray[np.float32]:
    """1 inside what is protected, 0 from `edge` voxels outside it on, a raised cosine between.

    Parameters
    ----------
    protected : Volume or Labels
        A mask, inside where it is 0.5 or more, or painted regions, inside where there is any.
    edge : float
        Voxels.
    progress : callable
        Called once per plane and axis.
    """
    limit = 0.5 if isinstance(protected, Volume) else 1
    inside = np.asarray(protected.data >= limit)
    reach = edge * max(protected.voxel_size)
    distance = distance_within(inside, protected.voxel_size, reach, progress=progress)
    along = distance / np.float32(reach)
    return np.asarray(0.5 + 0.5 * np.cos(np.float32(np.pi) * along), dtype=np.float32)


def prior_gain(parts: Components, prior_share: float) -> PriorGain:
    """How much of a blend the data do not carry, shell by shell, of the whole map.

    Parameters
    ----------
    parts : Components
        Of the whole maps.
    prior_share : float
        0 to 1. What is protected does not count.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721 (C_ref).
    """
    weight = prior_share - prior_share * (1 - prior_share) * parts.c_ref
    power = parts.data_power + 2 * weight * parts.cross_power + weight**2 * parts.difference_power
    norm = np.sqrt(parts.data_power * np.maximum(power, 0.0))
    least = _SMALLEST * float(parts.data_power[1:].max(initial=0.0))
    cross = parts.data_power + weight * parts.cross_power
    fsc = np.divide(cross, norm, out=np.zeros_like(norm), where=norm > least)
    fsc = np.clip(fsc, -1.0, 1.0)
    said = 1 - fsc**2
    # Where neither holds anything there is nothing to be gained.
    said[power <= least] = 0.0
    return PriorGain(parts.frequency, parts.c_ref, fsc, said)


def _mirrored(data: Array, around: int) -> Array:
    """Data that go on as their mirror image."""
    return np.pad(data, around, mode="symmetric") if around else data


def _wider(grid: Grid, around: int) -> Grid:
    """Grid of data that go on."""
    z, y, x = (n + 2 * around for n in grid.shape)
    return Grid((z, y, x), grid.voxel_size)


def _product(a: Array, b: Array) -> npt.NDArray[np.float32]:
    """Real part of a times the conjugate of b."""
    return np.asarray(a.real * b.real + a.imag * b.imag)


def _share_by_amplitude(data: Floats, difference: Floats, product: Floats) -> Floats:
    """Amplitude of the data over that of the prior, 0 to 1, by shells."""
    prior = data + 2 * product + difference
    ratio = np.divide(data, prior, out=np.zeros_like(data), where=prior > 0)
    return np.asarray(np.sqrt(np.clip(ratio, 0.0, 1.0)))
