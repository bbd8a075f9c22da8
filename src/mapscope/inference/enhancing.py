"""Networks that enhance half maps: what they look at, and their answer on the map's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.arrays import Array
from mapscope.density.fourier import filter_radial, low_pass_gain
from mapscope.density.resample import onto_grid, resample_fourier
from mapscope.errors import InputError
from mapscope.grid import Grid, Region
from mapscope.inference.card import Card, Output
from mapscope.inference.model_input import ModelInput
from mapscope.inference.model_list import ListedModel, list_models
from mapscope.inference.prediction import Prediction
from mapscope.inference.tiling import Box
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume

CHANNELS = ("half_map_1", "half_map_2")
"""What an enhancer looks at; a map alone is both."""

BUNDLED = "enhancer"
"""The model that comes with Mapscope."""

FINEST = 2.32
"""Voxels of the model: finer detail than so many stays that of the data."""

LEARNED = (2.5, 8.0)
"""Å: enhancers have learned from maps of these resolutions and are told of no others."""

_EDGE = 0.045  # 1/voxel, width of the end of what the model says
_AROUND = 8  # voxels continued around a box by its mirror image
_RIGHT_WITHIN = 0.5  # standard deviations of the truth


@dataclass(frozen=True)
class Enhancement:
    """What an enhancer says, on the voxels of the map or of a region of it.

    Parameters
    ----------
    prior : Volume
        The data with what the model adds or takes away.
    confidence : Volume or None
        Chance that this is right, 0 to 1, where the model says its variance; 0 where it was not
        asked.
    """

    prior: Volume
    confidence: Volume | None


def enhances(card: Card) -> bool:
    """Whether a model makes a map of two half maps."""
    return card.input_channels == CHANNELS and _output(card, "map") is not None


def enhancers() -> tuple[ListedModel, ...]:
    """The models that enhance half maps, by name."""
    return tuple(m for m in list_models() if m.card is not None and enhances(m.card))


def require_enhancer(card: Card) -> None:
    """Raise unless a model makes a map of two half maps.

    Raises
    ------
    InputError
        Saying what it looks at.
    """
    if not enhances(card):
        raise InputError(
            f"{card.name} is no enhancer: it looks at {', '.join(card.input_channels)} and says "
            f"{', '.join(o.name for o in card.outputs)}; an enhancer makes a map of two half maps"
        )


def told_resolution(resolution: float) -> tuple[float, str]:
    """What an enhancer is told of a map's resolution, and a sentence where that is not the same.

    Examples
    --------
    >>> told_resolution(3.2), told_resolution(1.8)[0]
    ((3.2, ''), 2.5)
    """
    finest, coarsest = LEARNED
    told = min(max(resolution, finest), coarsest)
    if told == resolution:
        return told, ""
    return told, (
        f"Enhancers have learned from maps of {finest:g} to {coarsest:g} Å: at {resolution:.2g} Å "
        "believe this one less."
    )


def enhancement_of(
    card: Card,
    ready: ModelInput,
    found: Prediction,
    data: Volume,
    *,
    progress: Progress = silent,
) -> Enhancement:
    """The answer of an enhancer on the grid of the data.

    What is added to the data is the model's map less the mean of what it was given, in the data's
    units, and only detail that the model's voxels hold well: finer detail stays that of the data.
    So a model that changes nothing gives the data themselves, and so do tiles that are not done.

    Parameters
    ----------
    card : Card
        Of the enhancer.
    ready : ModelInput
        What it was asked about.
    found : Prediction
        What it said.
    data : Volume
        The data: the whole map, or the region that was asked about.
    progress : callable
        Called once per plane.
    """
    box, grid = found.region, ready.grid
    place = grid.cropped(_region(box))
    is_done = None if found.is_complete else found.done()
    added = _added(card, ready, found, box)
    if is_done is not None:
        added[~is_done] = 0.0
    change = Volume(added, place.voxel_size, place.origin)
    is_whole = place.shape == grid.shape and data.grid.matches(ready.given)
    smooth = _on_whole if is_whole else _on_region
    on_data = smooth(change, data.grid, card, part(progress, 0, 2, 3))
    prior = data.with_data(data.float32() + on_data)
    chance = _confidence(card, found)
    if chance is None:
        return Enhancement(prior, None)
    if is_done is not None:
        chance[~is_done] = 0.0
    map_of_chance = Volume(chance, place.voxel_size, place.origin)
    confidence = _between(map_of_chance, data.grid, part(progress, 2, 3, 3))
    return Enhancement(prior, data.with_data(confidence))


def chance_of(card: Card, variance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Chance that a map is right for the variance that a model expects, of the same shape.

    By the card's own table, linear between its rows, where it was calibrated. Else that of an
    error with a normal distribution: less than half the standard deviation of a scaled map.

    Parameters
    ----------
    card : Card
        Of the model.
    variance : float32 array
        In units of the scaled map.
    """
    from scipy.special import erf

    if card.confidence:
        rows = np.array(sorted(card.confidence))
        return np.asarray(np.interp(variance, rows[:, 0], rows[:, 1]), dtype=np.float32)
    deviation = np.sqrt(2 * np.maximum(variance, 1e-12))
    return np.asarray(erf(_RIGHT_WITHIN / deviation), dtype=np.float32)


def _output(card: Card, kind: str) -> Output | None:
    """The first output of a kind that is one number for each voxel."""
    fits = (o for o in card.outputs if (o.of, o.kind, o.features) == ("voxels", kind, 1))
    return next(fits, None)


def _added(card: Card, ready: ModelInput, found: Prediction, box: Box) -> npt.NDArray[np.float32]:
    """What the model adds to the mean of the maps in a box, in the units of the maps."""
    output = _output(card, "map")
    assert output is not None
    added = np.array(found.outputs[output.name][0], dtype=np.float32)
    pairs = list(zip(ready.maps, ready.scalings, strict=True))
    for volume, scaling in pairs:
        added -= scaling(np.asarray(volume.data[box], dtype=np.float32)) / np.float32(len(pairs))
    added *= np.float32(np.mean([1 / scaling.factor for _, scaling in pairs]))
    return added


def _confidence(card: Card, found: Prediction) -> npt.NDArray[np.float32] | None:
    """Chance that the map is right, on the model's voxels; None where the model has no variance."""
    output = _output(card, "variance")
    if output is None:
        return None
    return chance_of(card, np.asarray(found.outputs[output.name][0], dtype=np.float32))


def _held(change: Volume, card: Card, progress: Progress) -> Volume:
    """What the model's voxels hold well of a map."""
    size = card.voxel_size or max(change.voxel_size)
    gain = low_pass_gain(FINEST * size, _EDGE / size)
    return filter_radial(change, gain, progress=progress)


def _on_whole(change: Volume, grid: Grid, card: Card, progress: Progress) -> Array:
    """A change of the whole map on the voxels of the data."""
    held = _held(change, card, part(progress, 0, 1, 2))
    if held.grid.matches(grid):
        return held.data
    return resample_fourier(held, grid.shape, progress=part(progress, 1, 2, 2)).data


def _on_region(change: Volume, grid: Grid, card: Card, progress: Progress) -> Array:
    """A change of a box on the voxels of a region; the box goes on as its mirror image."""
    wide = _padded(change, "symmetric")
    held = _held(wide, card, part(progress, 0, 1, 2))
    inner = tuple(slice(_AROUND, _AROUND + n) for n in change.shape)
    if change.grid.matches(grid):
        return held.data[inner]
    return onto_grid(held, grid, progress=part(progress, 1, 2, 2)).data


def _between(volume: Volume, grid: Grid, progress: Progress) -> Array:
    """Values on another grid, none beyond those of the neighbours; they go on at the edges."""
    if volume.grid.matches(grid):
        return volume.data
    found = onto_grid(_padded(volume, "edge"), grid, order=1, progress=progress)
    return np.clip(found.data, volume.data.min(), volume.data.max())


def _padded(volume: Volume, mode: Any) -> Volume:
    """A map with voxels around it, in its place."""
    lower = tuple(-_AROUND for _ in range(3))
    upper = tuple(n + _AROUND for n in volume.shape)
    grid = volume.grid.cropped(Region(lower, upper))  # type: ignore[arg-type]
    data = np.pad(volume.float32(), _AROUND, mode=mode)
    return Volume(data, grid.voxel_size, grid.origin)


def _region(box: Box) -> Region:
    z, y, x = box
    return Region((z.start, y.start, x.start), (z.stop, y.stop, x.stop))
