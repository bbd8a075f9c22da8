"""Maps as a model wants them: at its voxel size, with the numbers that scale them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.resample import resample_fourier, shape_for_voxel_size
from mapscope.errors import InputError
from mapscope.grid import Grid, Region
from mapscope.inference.card import Card
from mapscope.inference.device import free_bytes
from mapscope.inference.normalise import Scaling, scaling_of, turned_over
from mapscope.inference.tiling import Box
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume, require_same_grid

_SAME_VOXEL = 0.01
_RESAMPLING_NEEDS = 6  # times the float32 map


@dataclass(frozen=True)
class ModelInput:
    """Maps as a model wants them.

    Parameters
    ----------
    maps : tuple of Volume
        One for each channel, on one grid of the model's voxel size; not yet scaled.
    scalings : tuple of Scaling
        What makes of each what the model has learned from.
    given : Grid
        Where the voxels of the maps lay that were given.
    notes : tuple of str
        What was done to the maps, in sentences for the user.
    """

    maps: tuple[Volume, ...]
    scalings: tuple[Scaling, ...]
    given: Grid
    notes: tuple[str, ...] = ()

    @property
    def grid(self) -> Grid:
        """Where the voxels lie that the model speaks of."""
        return self.maps[0].grid

    def box_of(self, region: Region | None) -> Box | None:
        """Voxels that the model speaks of which hold a region of the maps given."""
        return box_of(region, self.given, self.grid)

    def scaled(self) -> npt.NDArray[np.float32]:
        """The maps whole and scaled, float32 (channels, z, y, x)."""
        pairs = zip(self.maps, self.scalings, strict=True)
        return np.stack([scaling(volume.float32()) for volume, scaling in pairs])


def input_for(
    card: Card,
    maps: Sequence[Volume],
    scalings: tuple[Scaling, ...] | None = None,
    *,
    progress: Progress = silent,
) -> ModelInput:
    """Maps at the voxel size of a model's card, and how they are to be scaled.

    Scalings that are given are those of larger maps from which these were cut.

    Raises
    ------
    InputError, GridError, DataError
        As for `Model.prepare`.
    """
    names = card.input_channels
    if len(maps) != len(names):
        raise InputError(f"{card.name} wants {', '.join(names)}: {len(maps)} maps came")
    for other in maps[1:]:
        require_same_grid(maps[0], other, names[0], "another map for the model")
    ready, notes = list(maps), []
    steps = 2 * len(ready)
    if sentence := resampling(card, maps[0].grid):
        notes.append(sentence)
        ready = [_resampled(card, v, part(progress, n, n + 1, steps)) for n, v in enumerate(maps)]
    scalings = scalings or scalings_of(card, ready, part(progress, len(ready), steps, steps))
    return ModelInput(tuple(ready), scalings, maps[0].grid, tuple(notes))


def scalings_of(card: Card, maps: Sequence[Volume], progress: Progress) -> tuple[Scaling, ...]:
    """What scales each of the maps, or all of them where the card has them scaled together."""
    count = len(maps)
    if not card.scaled_together or count == 1:
        return tuple(_scaling(v, card, part(progress, n, n + 1, count)) for n, v in enumerate(maps))
    if all(other is maps[0] for other in maps):
        return (_scaling(maps[0], card, progress),) * count
    total = maps[0].float32().copy()
    for other in maps[1:]:
        total += other.float32()
    return (_scaling(maps[0].with_data(total / np.float32(count)), card, progress),) * count


def _scaling(volume: Volume, card: Card, progress: Progress) -> Scaling:
    """What scales a map; where dark is dense it turns it over as well."""
    how = card.normalisation
    scaling = scaling_of(volume.data, how, window=card.window, progress=progress)
    return scaling if volume.contrast > 0 else turned_over(scaling, how)


def resampling(card: Card, grid: Grid) -> str:
    """What has to be said of a map's voxel size, or nothing where it is the model's."""
    wanted = card.voxel_size
    if wanted is None or all(abs(v / wanted - 1) <= _SAME_VOXEL for v in grid.voxel_size):
        return ""
    sizes = {f"{v:.4g}" for v in grid.voxel_size}
    given = " x ".join(f"{v:.4g}" for v in grid.voxel_size) if len(sizes) > 1 else sizes.pop()
    return (
        f"The map was resampled from {given} Å to {wanted:.4g} Å per voxel, which "
        f"{card.name} was trained on."
    )


def _resampled(card: Card, volume: Volume, progress: Progress) -> Volume:
    assert card.voxel_size is not None
    shape = shape_for_voxel_size(volume.grid, card.voxel_size)
    needed = 4.0 * _RESAMPLING_NEEDS * max(math.prod(volume.shape), math.prod(shape))
    if needed > free_bytes("cpu"):
        raise InputError(
            f"the map must be resampled to {card.voxel_size:g} Å per voxel, for which "
            f"{needed / 1e9:.0f} GB of memory are needed: crop or bin it first"
        )
    return resample_fourier(volume, shape, progress=progress)


def box_of(region: Region | None, given: Grid, ready: Grid) -> Box | None:
    """Voxels of the model's grid that hold a region of the grid that was given."""
    if region is None:
        return None
    slices = []
    for low, high, old, new, size in zip(
        region.lower, region.upper, given.voxel_size, ready.voxel_size, ready.shape, strict=True
    ):
        start, stop = math.floor(low * old / new + 1e-6), math.ceil(high * old / new - 1e-6)
        slices.append(slice(max(0, min(start, size - 1)), max(1, min(stop, size))))
    z, y, x = slices
    return z, y, x
