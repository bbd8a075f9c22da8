"""What a method makes of noise: an enhancement that finds structure there invents it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, apply_radial, inverse, transform
from mapscope.density.shells import correlate_shells, randomise_phases, shell_mean_amplitude
from mapscope.errors import DataError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, HalfMaps, Volume, require_same_grid

NoiseKind: TypeAlias = Literal["half_difference", "same_spectrum", "random_phases"]
"""Half the difference of half maps, Gaussian noise of its spectrum, or the map with random
phases beyond a resolution."""

Method: TypeAlias = Callable[[Volume], Volume]


@dataclass(frozen=True)
class NoiseResponse:
    """What came out of noise, measured against what came out of the map.

    Parameters
    ----------
    given : float
        RMS of the noise over that of the map, both inside the mask.
    returned : float
        The same of what the method made of both.
    ratio : float
        Returned over given: 1 is what a linear filter gives, below 1 noise was taken away, above
        1 it was made into something.
    likeness : float
        Correlation of what came out of the noise with what came out of the map, -1 to 1: not 0
        where the method draws the same thing whatever it gets.
    """

    given: float
    returned: float
    ratio: float
    likeness: float


def noise_of(
    half_maps: HalfMaps,
    kind: NoiseKind = "half_difference",
    *,
    resolution: float | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> Volume:
    """A map without signal that has the noise of real half maps.

    Parameters
    ----------
    half_maps : HalfMaps
        As refinement gave them.
    kind : {"half_difference", "same_spectrum", "random_phases"}
        Half the difference of the half maps is their very noise; Gaussian noise with the same
        mean amplitudes by shell has nothing local; the map with random phases beyond
        `resolution` has structure up to there and none after.
    resolution : float, optional
        Å, for "random_phases" only.
    seed : int
        Seed of the random numbers.
    progress : callable
        Called once per z plane.

    Raises
    ------
    InputError
        If "random_phases" has no resolution, or another kind has one.
    DataError
        If the half maps are equal.

    References
    ----------
    Chen et al. (2013) Ultramicroscopy 135, 24 (phases beyond a resolution made random).
    """
    if (kind == "random_phases") != (resolution is not None):
        raise InputError("a resolution goes with random phases, and with them alone")
    first, second = half_maps.first.float32(), half_maps.second.float32()
    if resolution is not None:
        mean = half_maps.first.with_data((first + second) / 2)
        shell = max(1, round(1 / (resolution * Shells(mean.grid).width)))
        random = randomise_phases(transform(mean.data), mean.grid, shell, seed, progress=progress)
        return mean.with_data(inverse(random, mean.shape))
    noise = half_maps.first.with_data((first - second) / 2)
    if not noise.data.any():
        raise DataError("both half maps are the same: there is no noise to be had from them")
    return noise if kind == "half_difference" else _with_spectrum_of(noise, seed, progress)


def _with_spectrum_of(noise: Volume, seed: int, progress: Progress) -> Volume:
    """Gaussian noise with the mean amplitude of each shell of a map."""
    shells = Shells(noise.grid, "full")
    random = np.random.default_rng(seed).standard_normal(noise.shape, dtype=np.float32)
    ft = transform(random)
    wanted = shell_mean_amplitude(transform(noise.data), shells, progress=part(progress, 0, 1, 3))
    there = shell_mean_amplitude(ft, shells, progress=part(progress, 1, 2, 3))
    factor = np.divide(wanted, there, out=np.zeros_like(wanted), where=there > 0)

    def gain(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        shell = np.floor(frequency / shells.width + 0.5).astype(np.intp)
        return np.asarray(factor[np.minimum(shell, len(factor) - 1)])

    shaped = apply_radial(ft, noise.grid, gain, progress=part(progress, 2, 3, 3))
    return noise.with_data(inverse(shaped, noise.shape))


def noise_response(
    method: Method, volume: Volume, noise: Volume, mask: Volume | None = None
) -> NoiseResponse:
    """How strongly a method answers to noise, against how it answers to the map.

    Both are given to the method as they are. A method that scales its output, so that noise
    alone comes out as strong as a map, is shown by a ratio far above 1.

    Parameters
    ----------
    method : callable
        Takes a map and gives the enhanced one on the same grid.
    volume : Volume
        The map: mean of the half maps.
    noise : Volume
        Without signal, on the same grid, as from :func:`noise_of`.
    mask : Volume, optional
        Where to measure: inside is above 0.5.

    Raises
    ------
    GridError
        If a grid differs, or the method changes it.
    DataError
        If the mask is empty, or the map or what the method made of it is constant.

    References
    ----------
    Noise in must give noise-level out: Chen et al. (2013) Ultramicroscopy 135, 24 for why
    agreement after processing proves nothing by itself.
    """
    require_same_grid(volume, noise, "the map", "the noise")
    inside = np.ones(volume.shape, dtype=np.bool_)
    if mask is not None:
        require_same_grid(volume, mask, "the map", "the mask")
        inside = np.asarray(mask.data) > 0.5
    if not inside.any():
        raise DataError("the mask is empty: make one that covers the particle")
    from_map, from_noise = method(volume), method(noise)
    for made in (from_map, from_noise):
        require_same_grid(volume, made, "the map", "what the method made")
    values = [_centred(v.data[inside]) for v in (volume, noise, from_map, from_noise)]
    strength = [float(np.sqrt((value**2).mean())) for value in values]
    if not strength[0] > 0 or not strength[2] > 0:
        raise DataError("the map, or what the method made of it, is constant inside the mask")
    given, returned = strength[1] / strength[0], strength[3] / strength[2]
    product = strength[2] * strength[3]
    likeness = float((values[2] * values[3]).mean() / product) if product > 0 else 0.0
    return NoiseResponse(given, returned, returned / given if given > 0 else 0.0, likeness)


def _centred(values: Array) -> npt.NDArray[np.float64]:
    """Values less their mean, in double precision."""
    wide = np.asarray(values, dtype=np.float64)
    return np.asarray(wide - wide.mean())


def shared_prior(
    half_maps: HalfMaps, processed: HalfMaps, *, progress: Progress = silent
) -> npt.NDArray[np.float64]:
    """By how much a method made half maps more alike than they were, (shells,).

    FSC of the processed half maps less FSC of the half maps. Each was processed by itself, so
    that nothing but what the method puts into both can make them more alike.

    Parameters
    ----------
    half_maps, processed : HalfMaps
        Before and after, on one grid.
    progress : callable
        Called once per z plane.

    Raises
    ------
    GridError
        If the grids differ.
    """
    require_same_grid(half_maps.first, processed.first, "the half maps", "the processed ones")
    shells = Shells(half_maps.grid, "full")
    curves = []
    for number, pair in enumerate((half_maps, processed)):
        fts = (transform(pair.first.data), transform(pair.second.data))
        tell = part(progress, number, number + 1, 2)
        curves.append(correlate_shells(*fts, shells, progress=tell).fsc)
    return np.asarray(curves[1] - curves[0])
