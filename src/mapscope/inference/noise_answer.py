"""What an enhancer makes of the noise of a map, where there is nothing to be seen."""

from __future__ import annotations

import numpy as np

from mapscope.density.fourier import filter_radial
from mapscope.density.frame import crop
from mapscope.density.halves import mean_map
from mapscope.density.wiener import WienerFilter
from mapscope.inference.device import Device
from mapscope.inference.enhancing import enhancement_of
from mapscope.inference.model import Model
from mapscope.progress import Progress, part, silent
from mapscope.scores.noise_only import noise_of
from mapscope.volume import HalfMaps, Region, Volume

EDGE = 64
"""Voxels along the box of noise, at most."""

_NO_RESOLUTION = 1e6


def noise_of_halves(half_maps: HalfMaps, found: WienerFilter, *, seed: int = 0) -> HalfMaps:
    """Two independent noises with the spectrum of the half maps', weighted as the maps.

    Parameters
    ----------
    half_maps : HalfMaps
        As refinement gave them.
    found : WienerFilter
        What the maps are weighted and sharpened with.
    seed : int
        Of the noise.
    """
    # Half the difference has the noise of the mean; that of a half map is √2 times as strong.
    first, second = (
        noise_of(half_maps, "same_spectrum", seed=2 * seed + number) for number in (0, 1)
    )
    pair = (v.with_data(v.float32() * np.float32(np.sqrt(2))) for v in (first, second))
    return HalfMaps(*(filter_radial(volume, found.radial_gain()) for volume in pair))


def noise_of_data(data: Volume, *, seed: int = 0) -> HalfMaps:
    """The data with random phases, as both half maps.

    Parameters
    ----------
    data : Volume
        Weighted and sharpened.
    seed : int
        Of the phases.
    """
    twice = HalfMaps(data, data)
    noise = noise_of(twice, "random_phases", resolution=_NO_RESOLUTION, seed=seed)
    return HalfMaps(noise, noise)


def middle_of(half_maps: HalfMaps, edge: int = EDGE) -> HalfMaps:
    """A box about the middle of maps, at most `edge` voxels along each axis."""
    shape = half_maps.grid.shape
    sizes = [min(edge, n) for n in shape]
    lower = [(n - size) // 2 for n, size in zip(shape, sizes, strict=True)]
    upper = [a + size for a, size in zip(lower, sizes, strict=True)]
    box = Region(tuple(lower), tuple(upper))  # type: ignore[arg-type]
    return HalfMaps(crop(half_maps.first, box), crop(half_maps.second, box))


def answer_to_noise(
    model: Model,
    noise: HalfMaps,
    resolution: float,
    *,
    device: Device = "auto",
    progress: Progress = silent,
) -> Volume:
    """What an enhancer makes of noise that was weighted and sharpened already.

    Parameters
    ----------
    model : Model
        The enhancer.
    noise : HalfMaps
        What it is given.
    resolution : float
        Å, that it is told.
    device : {"auto", "cpu", "cuda", "mps"}
        Where.
    progress : callable
        Called once per batch of tiles.
    """
    ready = model.prepare([noise.first, noise.second], progress=part(progress, 0, 1, 3))
    found = model.predict(
        ready,
        known={"resolution": resolution},
        device=device,
        progress=part(progress, 1, 2, 3),
    )
    told = part(progress, 2, 3, 3)
    answer = enhancement_of(model.card, ready, found.prediction, mean_map(noise), progress=told)
    return answer.prior
