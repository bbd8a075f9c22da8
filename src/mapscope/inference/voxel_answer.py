"""What a model says of every voxel of a map, as nouns: named classes, their probability, maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mapscope.arrays import Array
from mapscope.depiction.palette import class_colors
from mapscope.errors import InputError
from mapscope.grid import Region
from mapscope.inference.best_class import BestClass
from mapscope.inference.card import Card, Output
from mapscope.inference.model_input import ModelInput
from mapscope.inference.model_list import ListedModel, list_models
from mapscope.inference.prediction import Prediction, within
from mapscope.labels import BACKGROUND, IGNORE, Labels
from mapscope.volume import HalfMaps, MapHeader, Volume

CHANNELS = ("map", "half_map_1", "half_map_2")
"""What a model's input channels may be."""

NO_CLASS = "background"
"""Name of a first class that stands for what is none of the others."""

_MOST_NAMED = 5


@dataclass(frozen=True)
class VoxelNouns:
    """What a model says of every voxel; None for what it does not say.

    Parameters
    ----------
    classes : Labels, optional
        The likeliest class; -1 where nothing was said yet.
    probability : Volume, optional
        Of that class.
    predicted : Volume, optional
        The map that it makes.
    variance : Volume, optional
        How far that map may be off, squared.
    """

    classes: Labels | None
    probability: Volume | None
    predicted: Volume | None
    variance: Volume | None


def speaks_of_voxels(card: Card) -> bool:
    """Whether a model takes a map or half maps and makes a map or classes of every voxel."""
    return set(card.input_channels) <= set(CHANNELS) and bool({"classes", "map"} & set(_said(card)))


def voxel_models() -> tuple[ListedModel, ...]:
    """The models that speak of voxels, by name."""
    return tuple(m for m in list_models() if m.card is not None and speaks_of_voxels(m.card))


def maps_for(card: Card, volume: Volume, half_maps: HalfMaps | None) -> list[Volume]:
    """The map or half maps for each channel of a model.

    Raises
    ------
    InputError
        If it wants half maps and there are none, or anything else.
    """
    if unknown := sorted(set(card.input_channels) - set(CHANNELS)):
        raise InputError(f"{card.name} wants {', '.join(unknown)}: it is no model for a map alone")
    given = {"map": volume}
    if half_maps is not None:
        given |= {"half_map_1": half_maps.first, "half_map_2": half_maps.second}
    if any(name not in given for name in card.input_channels):
        raise InputError(f"{card.name} looks at half maps: give both of them")
    return [given[name] for name in card.input_channels]


class VoxelAnswer:
    """Takes a prediction as it grows and makes nouns of it.

    Parameters
    ----------
    card : Card
        Of a model that speaks of voxels.
    ready : ModelInput
        What it is asked about.
    region : Region, optional
        The only voxels that count, in voxels of the maps given.
    header : MapHeader, optional
        Of the map given; kept where the grid is the same.

    Raises
    ------
    InputError
        If the model says nothing of voxels that has a noun.
    """

    def __init__(
        self, card: Card, ready: ModelInput, region: Region | None, header: MapHeader | None
    ) -> None:
        self._said = _said(card)
        if not {"classes", "map"} & set(self._said):
            raise InputError(f"{card.name} makes neither classes nor a map of the voxels of a map")
        box = ready.box_of(region)
        self.grid = ready.grid if box is None else ready.grid.cropped(_region(box))
        self._header = header if self.grid.matches(ready.given) else None
        self._is_blended = card.blended
        self._names = _labels_of(card)
        self.best: BestClass | None = None
        if "classes" in self._said:
            said = self._said["classes"]
            features = 1 if said.activation == "argmax" else said.features
            self.best = BestClass(features, self.grid.shape, min(self._names, default=1))

    @property
    def into(self) -> dict[str, Any]:
        """Where `predict` writes; what tiles share can be averaged only in an array of its own."""
        if self.best is None or self._is_blended:
            return {}
        return {self._said["classes"].name: self.best}

    def nouns(self, prediction: Prediction) -> VoxelNouns:
        """What was said so far; the arrays are those that are written into."""
        if self.best is not None and self._is_blended:
            values = prediction.outputs[self._said["classes"].name]
            for box in prediction.finished:
                place = (slice(None), *within(box, prediction.region))
                self.best[place] = values[place]
        best = self.best
        chance = None if best is None or not self._gives_chances else best.probability
        return VoxelNouns(
            None if best is None else self._labels(best.labels),
            None if chance is None else self._volume(chance),
            self._map("map", prediction),
            self._map("variance", prediction),
        )

    def content(self) -> str | None:
        """How much of what was said each class takes, the most first; None without classes."""
        if self.best is None:
            return None
        planes = (np.bincount(p[p != IGNORE].ravel(), minlength=1) for p in self.best.labels)
        counts = np.zeros(max(self._names) + 1, dtype=np.int64)
        for found in planes:
            counts[: len(found)] += found[: len(counts)]
        known = {n: int(counts[n]) for n in self._names if n != BACKGROUND}
        ordered = sorted((n for n in known if known[n]), key=lambda n: -known[n])[:_MOST_NAMED]
        if not ordered:
            return "nothing but background"
        total = max(1, int(counts.sum()))
        shares = (f"{self._names[n]} {_percent(known[n] / total)}" for n in ordered)
        return f"{', '.join(shares)} of the voxels"

    @property
    def _gives_chances(self) -> bool:
        return self._said["classes"].activation in ("softmax", "sigmoid")

    def _labels(self, numbers: Array) -> Labels:
        place, names = (self.grid.voxel_size, self.grid.origin), self._names
        return Labels(numbers, *place, names, class_colors(n for n in names if n != BACKGROUND))

    def _volume(self, data: Array) -> Volume:
        return Volume(data, self.grid.voxel_size, self.grid.origin, self._header)

    def _map(self, kind: str, prediction: Prediction) -> Volume | None:
        """The map of a kind, where there is one."""
        if kind not in self._said:
            return None
        return self._volume(prediction.outputs[self._said[kind].name][0])


def unsaid(card: Card) -> str | None:
    """A sentence about what a model says of voxels beside what is shown, or None."""
    shown = {output.name for output in _said(card).values()}
    others = [o.name for o in card.outputs if o.of == "voxels" and o.name not in shown]
    return f"It also says {', '.join(others)}, which is left out." if others else None


def _said(card: Card) -> dict[str, Output]:
    """What a model says of voxels that has a noun: the first output of each kind."""
    found: dict[str, Output] = {}
    for output in card.outputs:
        fits = output.kind == "classes" or (
            output.kind in ("map", "variance") and output.features == 1
        )
        if output.of == "voxels" and fits:
            found.setdefault(output.kind, output)
    return found


def _labels_of(card: Card) -> dict[int, str]:
    """Name of each label: from 0 on where the first class is background, else from 1 on."""
    said = _said(card).get("classes")
    count = 0 if said is None else max(said.features, len(card.classes))
    names = [*card.classes, *(f"class {n}" for n in range(len(card.classes) + 1, count + 1))]
    first = 0 if card.classes[:1] == (NO_CLASS,) else 1
    return dict(enumerate(names, start=first))


def _region(box: tuple[slice, slice, slice]) -> Region:
    z, y, x = box
    return Region((z.start, y.start, x.start), (z.stop, y.stop, x.stop))


def _percent(share: float) -> str:
    """A share in words.

    Examples
    --------
    >>> _percent(0.0004), _percent(0.0432), _percent(0.8)
    ('under 0.1 %', '4.3 %', '80 %')
    """
    if share < 1e-3:
        return "under 0.1 %"
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} %"
