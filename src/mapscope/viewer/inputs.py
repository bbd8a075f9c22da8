"""Choosing layers as inputs of a job: only those that fit, and why the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QStandardItemModel
from qtpy.QtWidgets import QComboBox, QWidget

from mapscope.job import Parameter
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.layers import (
    KEY,
    NO_VOXEL_SIZE,
    TOOL,
    noun_from_layer,
    reason_against,
    role_of,
    shares_grid,
    tag_of,
)
from mapscope.viewer.partners import half_map_pair, is_of_same_run, pair_that_went_into
from mapscope.viewer.roles import LOCAL_RESOLUTION, TEMPLATE, TRUST
from mapscope.volume import HalfMaps, Volume

NONE = "none"
MENDABLE = ("", NO_VOXEL_SIZE)
NOT_DENSITY = ("mask", "half map", "preview", LOCAL_RESOLUTION, TEMPLATE, *TRUST)
"""Roles of maps that are chosen where a map is wanted only by hand."""


def reason_for_kind(layer: Any, noun: type) -> str:
    """Why a layer cannot stand for a noun of this class, or an empty text where it can."""
    tag = tag_of(layer)
    is_structure = tag is not None and isinstance(tag.noun, Structure)
    if noun is Structure:
        return reason_against(layer) if is_structure else "not a structure"
    if noun is Particles:
        is_list = tag is not None and isinstance(tag.noun, Particles)
        return reason_against(layer) if is_list else "not a list of picks"
    if noun is Table:
        return "not a table"
    if is_structure:
        return "a structure, not a map"
    wanted = "Labels" if noun is Labels else "Image"
    if type(layer).__name__ != wanted:
        return f"not {'labels' if noun is Labels else 'a map'}"
    return reason_against(layer)


class LayerChoice(QComboBox):
    """A list of a viewer's layers in which only those of the right kind can be chosen.

    Parameters
    ----------
    noun : type
        Class of noun that is wanted.
    optional : bool
        Whether nothing may be chosen.
    """

    def __init__(self, noun: type, *, optional: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.noun = noun
        self.optional = optional
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)

    def fill(self, layers: Iterable[Any]) -> None:
        """List these layers, the newest first, and keep the choice where it is still there."""
        chosen = self.layer
        self.blockSignals(True)
        self.clear()
        if self.optional:
            self.addItem(NONE, None)
        offered = [la for la in layers if role_of(la) != TOOL]
        if self.noun is Structure:
            offered = one_for_each_structure(offered)
            chosen = standing_for(chosen, offered)
        for layer in reversed(offered):
            reason = reason_for_kind(layer, self.noun)
            if reason not in MENDABLE:
                self._add_grey(layer.name, reason)
            else:
                self.addItem(layer.name, layer)
        self.blockSignals(False)
        self.choose(chosen)

    def _add_grey(self, name: str, reason: str) -> None:
        """List a layer that cannot be chosen, and say why."""
        self.addItem(f"{name} ({reason})", None)
        model = self.model()
        if isinstance(model, QStandardItemModel):
            item = model.item(self.count() - 1)
            item.setEnabled(False)
            item.setToolTip(reason)

    @property
    def layer(self) -> Any:
        """The layer chosen, or None."""
        return self.currentData(Qt.ItemDataRole.UserRole)

    def listed(self) -> list[Any]:
        """The layers that can be chosen, the newest first."""
        found = [self.itemData(n, Qt.ItemDataRole.UserRole) for n in range(self.count())]
        return [layer for layer in found if layer is not None]

    def choose(self, layer: Any) -> None:
        """Choose a layer, or none; without effect where it is not listed."""
        for n in range(self.count()):
            if self.itemData(n, Qt.ItemDataRole.UserRole) is layer and (
                layer is not None or self.itemText(n) == NONE
            ):
                self.setCurrentIndex(n)
                return
        if not self.optional:
            enabled = [n for n in range(self.count()) if self.itemData(n) is not None]
            self.setCurrentIndex(enabled[0] if enabled else -1)


def one_for_each_structure(layers: Iterable[Any]) -> list[Any]:
    """Layers without those that show a structure once more: its atoms stand for it, if there."""
    layers = list(layers)
    atoms = {id(la.metadata[KEY].noun) for la in layers if role_of(la) == "structure"}
    found, seen = [], set()
    for layer in layers:
        tag = tag_of(layer)
        if tag is None or not isinstance(tag.noun, Structure):
            found.append(layer)
            continue
        key = id(tag.noun)
        if key not in seen and (key not in atoms or role_of(layer) == "structure"):
            seen.add(key)
            found.append(layer)
    return found


def standing_for(layer: Any, offered: Iterable[Any]) -> Any:
    """The layer among those offered that shows the same structure; any other layer itself."""
    tag = None if layer is None else tag_of(layer)
    if tag is None or not isinstance(tag.noun, Structure):
        return layer
    same = (la for la in offered if (other := tag_of(la)) is not None and other.noun is tag.noun)
    return next(same, layer)


class InputChoice:
    """The choice for one input of a job: one list of layers, or two for half maps.

    Parameters
    ----------
    parameter : Parameter
        The input.
    """

    def __init__(self, parameter: Parameter) -> None:
        self.parameter = parameter
        self.is_pair = parameter.noun is HalfMaps
        noun = Volume if self.is_pair else parameter.noun
        assert noun is not None
        self.choices = [
            LayerChoice(noun, optional=parameter.optional) for _ in range(2 if self.is_pair else 1)
        ]

    def fill(self, layers: list[Any]) -> None:
        """List these layers in every choice."""
        for choice in self.choices:
            choice.fill(layers)

    @property
    def layers(self) -> list[Any]:
        """The layers chosen, without those left out."""
        return [choice.layer for choice in self.choices if choice.layer is not None]

    def choose(self, *layers: Any) -> None:
        """Choose layers in their order, or none."""
        for choice, layer in zip(self.choices, layers or [None] * len(self.choices), strict=True):
            choice.choose(layer)

    def noun(self) -> Any:
        """The noun that the chosen layers stand for, or None.

        Raises
        ------
        InputError, GridError
            If a layer cannot stand for it, or two half maps do not belong together.
        """
        nouns = [noun_from_layer(layer) for layer in self.layers]
        if self.is_pair:
            return HalfMaps(*nouns) if len(nouns) == 2 else None
        return nouns[0] if nouns else None


def choose_defaults(inputs: list[InputChoice], layers: list[Any], selected: Any) -> None:
    """Fill a form's inputs with the layers that fit best.

    Half maps go where half maps are wanted, masks where a mask is wanted, a layer of some other
    role where an input is called by that role, and the selected map, or the last one, where a
    map is wanted; so with structures. What the run made or took that made the selected layer
    goes before others. A map that a job can do without is left out where it has half maps,
    another map, or anything else that it needs; a job's only input is never left out.
    """
    pair = half_map_pair(la for la in layers if selected and is_of_same_run(la, selected))
    pair = pair or pair_that_went_into(selected, layers) or half_map_pair(layers)
    maps = [la for la in layers if role_of(la) not in NOT_DENSITY]
    reasons = [(la, reason_for_kind(la, Volume)) for la in maps]
    usable = [la for reason in (NO_VOXEL_SIZE, "") for la, r in reasons if r == reason]
    best = selected if selected in usable else (usable[-1] if usable else None)
    has_other = any(p.required and p.noun is not Volume for p in (c.parameter for c in inputs))
    has_pair = False
    taken: list[Any] = []
    for choice in sorted(inputs, key=lambda c: not c.is_pair):
        parameter = choice.parameter
        if choice.is_pair:
            has_pair = pair is not None
            choice.choose(*(pair or ()))
        elif parameter.name == "mask":
            masks = [la for la in layers if role_of(la) == "mask"]
            choice.choose(masks[-1] if masks else None)
        elif (named := layer_of_role(parameter, layers, selected)) is not None:
            choice.choose(named)
            taken.append(named)
        elif parameter.noun is Volume:
            if parameter.optional and (has_pair or taken or has_other):
                choice.choose(None)
                continue
            others = [la for la in usable if la not in taken]
            choice.choose(best if best in others else (others[-1] if others else None))
            taken += choice.layers
        else:
            listed = choice.choices[0].listed()
            # A second list of picks is another one than the first, as long as there is one.
            fitting = [la for la in listed if la not in taken] or listed
            wanted = standing_for(selected, fitting)
            best_other = wanted if wanted in fitting else next(iter(fitting), None)
            is_left_out = parameter.optional and len(inputs) > 1
            choice.choose(None if is_left_out else best_other)
            taken += choice.layers


def layer_of_role(parameter: Parameter, layers: list[Any], selected: Any) -> Any:
    """The layer whose role is an input's name, or None.

    One of the run that made the selected layer goes before one on its grid, and any other is
    taken only where the input is required; a template suits any map.
    """
    if parameter.noun not in (Volume, Labels):
        return None
    fitting = [
        layer
        for layer in layers
        if role_of(layer) == parameter.name and not reason_for_kind(layer, parameter.noun)
    ]
    if selected is None or reason_for_kind(selected, Volume):
        return next(reversed(fitting), None)
    of_run = [la for la in fitting if is_of_same_run(la, selected)]
    on_grid = [la for la in fitting if shares_grid(la, selected)]
    is_any = parameter.required or parameter.name == TEMPLATE
    return next(reversed(of_run or on_grid or (fitting if is_any else [])), None)


def can_fill(inputs: Iterable[Parameter], layers: list[Any]) -> bool:
    """Whether the layers at hand are enough for every required input, one for each."""
    needed = Counter(p.noun for p in inputs if p.required)
    return all(_are_there(noun, number, layers) for noun, number in needed.items())


def _are_there(noun: type | None, number: int, layers: list[Any]) -> bool:
    """Whether there are so many layers for a kind of noun."""
    if noun is None:
        return False
    if noun is HalfMaps:
        return half_map_pair(layers) is not None
    return sum(not reason_for_kind(layer, noun) for layer in layers) >= number
