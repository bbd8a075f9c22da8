"""The class of a map's resolution, asked of a model, and whether the answer is to be believed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.mask import make_mask
from mapscope.density.resample import onto_grid
from mapscope.errors import DataError, InputError
from mapscope.inference.card import Card
from mapscope.inference.cubes import cubes_of
from mapscope.inference.device import Device
from mapscope.inference.model import Model
from mapscope.inference.model_list import ListedModel, list_models
from mapscope.inference.normalise import scaling_of
from mapscope.inference.strange_maps import reason_against
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume, require_same_grid

RANGES = {"high": (0.0, 5.0), "medium": (5.0, 10.0), "low": (10.0, float("inf"))}
"""Å of each class, finest first, as in Avramov et al. (2019) Molecules 24, 1181."""

OUTSIDE = "outside"
"""Class of what is no map of molecules, and answer where no class is to be believed."""

OUTPUT = "class"
BUNDLED = "resolution_class"
"""Name of the model that comes with Mapscope."""

_EDGE = 48
_MOST_CUBES = 8
_SURE = 100
"""Per cent that no model can be sure of."""


@dataclass(frozen=True)
class ResolutionClass:
    """What a model says of a map.

    Parameters
    ----------
    name : str
        high, medium, low or outside.
    probabilities : dict of str to float
        Of each class that the model knows; empty where it was not asked.
    reason : str
        Why it is outside, as a phrase; empty where it is not.
    cubes : int
        How many parts of the map it has seen.
    notes : tuple of str
        What was done to the map, in sentences.
    """

    name: str
    probabilities: dict[str, float]
    reason: str = ""
    cubes: int = 0
    notes: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """The answer in a line."""
        if self.name == OUTSIDE:
            return f"outside what I know: {self.reason}"
        chance = round(100 * self.probabilities[self.name])
        shown = f"{chance}" if chance < _SURE else f"over {_SURE - 1}"
        return f"{self.name} ({range_text(self.name)}), {shown} %"


def range_text(name: str) -> str:
    """The resolutions of a class in words.

    Examples
    --------
    >>> [range_text(name) for name in RANGES]
    ['finer than 5 Å', '5–10 Å', 'coarser than 10 Å']
    """
    fine, coarse = RANGES[name]
    if fine == 0:
        return f"finer than {coarse:g} Å"
    return f"coarser than {fine:g} Å" if coarse == float("inf") else f"{fine:g}–{coarse:g} Å"


def is_of_resolution(card: Card) -> bool:
    """Whether a model says the class of a whole map's resolution."""
    is_whole = any(o.name == OUTPUT and o.of == "map" for o in card.outputs)
    known = card.classes[: len(RANGES)] == tuple(RANGES)
    return is_whole and known and card.classes[len(RANGES) :] in ((), (OUTSIDE,))


def resolution_models() -> tuple[ListedModel, ...]:
    """The models that say the class of a map's resolution, the one of Mapscope's first."""
    found = [m for m in list_models() if m.card is not None and is_of_resolution(m.card)]
    return tuple(sorted(found, key=lambda m: (m.name != BUNDLED, m.name)))


def class_of_resolution(
    model: Model,
    volume: Volume,
    mask: Volume | None = None,
    *,
    device: Device = "auto",
    progress: Progress = silent,
) -> ResolutionClass:
    """The class of a map's resolution: what a model says of cubes of it, averaged.

    The map is brought to the model's voxel size, and looked at where the molecule is. A class
    that voxels so large cannot hold is not among the answers.

    Parameters
    ----------
    model : Model
        A model of `resolution_models`.
    volume : Volume
        The map.
    mask : Volume, optional
        Above 0.5 where the molecule is; found where None.
    device : {"auto", "cpu", "cuda", "mps"}
        What computes.
    progress : callable
        Called once per cube.

    Raises
    ------
    InputError
        If the model says something else, or the map is too large to be resampled.
    GridError
        If the mask lies on another grid.
    DataError
        If the mask is empty.
    """
    card = model.card
    if not is_of_resolution(card):
        raise InputError(f"{card.name} does not say the class of a map's resolution")
    if mask is not None:
        require_same_grid(volume, mask, "the map", "the mask")
    if reason := reason_against(volume):
        return ResolutionClass(OUTSIDE, {}, reason)
    ready = model.prepare([volume], progress=part(progress, 0, 1, 4))
    inside = _inside(ready.maps[0], mask, part(progress, 1, 2, 4))
    edge = getattr(model.network, "size", None) or card.tile or _EDGE
    cubes = cubes_of(ready.maps[0], inside, edge, _MOST_CUBES)
    conditions = model.conditions(ready.grid, {})
    said = []
    for number, cube in enumerate(cubes):
        part(progress, 2, 4, 4)(number, len(cubes), f"asking {card.name}")
        scaled = scaling_of(cube, card.normalisation)(cube)[None, None]
        said.append(model.ask(scaled, conditions=conditions, device=device)[OUTPUT][0])
    chances = _possible(np.mean(said, axis=0), max(volume.voxel_size))
    return _answer(card, chances, len(cubes), ready.notes)


def _inside(ready: Volume, mask: Volume | None, progress: Progress) -> npt.NDArray[np.bool_]:
    """Where the molecule is in a map at the model's voxel size."""
    if mask is None:
        there = make_mask(ready, soft_edge=0, progress=progress)
    else:
        there = onto_grid(mask, ready.grid, order=1, progress=progress)
    inside: npt.NDArray[np.bool_] = np.asarray(there.data) > 0.5
    if not inside.any():
        raise DataError("the mask is nowhere above 0.5: make one around the molecule")
    return inside


def _possible(chances: npt.NDArray[np.float32], voxel_size: float) -> npt.NDArray[np.float64]:
    """Probabilities without classes whose detail is finer than two voxels."""
    can_be = np.ones(len(chances))
    can_be[: len(RANGES)] = [coarse > 2 * voxel_size for _, coarse in RANGES.values()]
    left = chances.astype(np.float64) * can_be
    return left / max(float(left.sum()), 1e-12)


def _answer(
    card: Card, chances: npt.NDArray[np.float64], cubes: int, notes: tuple[str, ...]
) -> ResolutionClass:
    """The likeliest class, or outside and why."""
    by_name = dict(zip(card.classes, map(float, chances), strict=True))
    first, second, *_ = sorted(by_name, key=lambda name: -by_name[name])
    if first == OUTSIDE:
        reason = f"{card.name} sees no density of molecules in it ({by_name[OUTSIDE]:.0%})"
        return ResolutionClass(OUTSIDE, by_name, reason, cubes, notes)
    if by_name[first] < card.least_probability:
        both = " and ".join(f"{name} {by_name[name]:.0%}" for name in (first, second))
        reason = f"{card.name} cannot decide ({both})"
        return ResolutionClass(OUTSIDE, by_name, reason, cubes, notes)
    return ResolutionClass(first, by_name, "", cubes, notes)
