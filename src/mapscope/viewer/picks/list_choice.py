"""Which list the dock is about, which of its tomograms, and the map of that tomogram."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSizePolicy, QWidget

from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.viewer.editing.adoption import reason_against_editing
from mapscope.viewer.inputs import NOT_DENSITY, LayerChoice
from mapscope.viewer.layers import KEY, base_name, edited, role_of, tag_of
from mapscope.viewer.previewed import NAME as PREVIEW
from mapscope.volume import Volume

ALL = "all tomograms"
NARROWEST = 70
"""Pixels of a list that is chosen from."""


class ListChoice(QWidget):
    """Three lists: of picks, of their tomograms where there are several, and of maps.

    `list_chosen`, `tomogram_chosen` and `volume_chosen` are emitted when a user chooses.
    """

    list_chosen = Signal()
    tomogram_chosen = Signal()
    volume_chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.lists, self.tomograms = QComboBox(), QComboBox()
        self.volumes = LayerChoice(Volume, optional=False)
        self._is_missing = False
        for box in (self.lists, self.tomograms, self.volumes):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setMinimumWidth(NARROWEST)
        self.tomograms.setVisible(False)
        self.lists.setToolTip("The list of picks that is worked on: every points layer.")
        self.tomograms.setToolTip("The tomogram whose picks are shown and worked on.")
        self.volumes.setToolTip("The map that the gallery is cut from and averages are made of.")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.lists, stretch=1)
        row.addWidget(self.tomograms, stretch=1)
        row.addWidget(QLabel("in"))
        row.addWidget(self.volumes, stretch=1)
        self.lists.activated.connect(lambda *_: self.list_chosen.emit())
        self.tomograms.activated.connect(lambda *_: self.tomogram_chosen.emit())
        self.volumes.activated.connect(self._volume_chosen)

    @property
    def layer(self) -> Any:
        """The layer of the list chosen, or None."""
        return self.lists.currentData(Qt.ItemDataRole.UserRole)

    @property
    def tomogram(self) -> str | None:
        """The tomogram chosen; None for all."""
        name = self.tomograms.currentData(Qt.ItemDataRole.UserRole)
        return None if name is None else str(name)

    @property
    def names(self) -> list[str]:
        """The tomograms of the list."""
        found = [self.tomograms.itemData(n) for n in range(self.tomograms.count())]
        return [name for name in found if name is not None]

    def fill(self, layers: Iterable[Any], active: Any) -> None:
        """List the layers that there are: the active list is taken, else the choice is kept."""
        layers = list(layers)
        chosen = self.layer
        found = [layer for layer in reversed(layers) if is_list(layer)]
        with QSignalBlocker(self.lists):
            self.lists.clear()
            for layer in found:
                self.lists.addItem(layer.name, layer)
            wanted = [la for la in (active, chosen, *found) if la in found]
            self.lists.setCurrentIndex(found.index(wanted[0]) if wanted else -1)
        self.lists.setEnabled(bool(found))
        before = self.volumes.layer
        self.volumes.fill(layers)
        if self._is_missing:
            self.volumes.setCurrentIndex(-1)
        elif before not in self.volumes.listed():
            self._choose_largest()

    def fill_tomograms(self, counts: Mapping[str, int], chosen: str | None) -> None:
        """List the tomograms of a list; out of sight where there is one and none was chosen."""
        names = sorted({name for name in counts if name} | ({chosen} if chosen else set()))
        is_choice = len(names) > 1 or chosen is not None
        with QSignalBlocker(self.tomograms):
            self.tomograms.clear()
            if is_choice:
                self.tomograms.addItem(f"{ALL} ({sum(counts.values()):,})", None)
            for name in names:
                self.tomograms.addItem(f"{name} ({counts.get(name, 0):,})", name)
            self.tomograms.setCurrentIndex(0 if chosen is None else names.index(chosen) + 1)
        self.tomograms.setVisible(is_choice)

    def show_map(self, layer: Any, *, may_be_another: bool) -> None:
        """Choose the map of a tomogram.

        Parameters
        ----------
        layer : layer, optional
            Its map; None where that is not open.
        may_be_another : bool
            Whether without it the map chosen before, or the largest, stands for it. Else none
            does until the user chooses one.
        """
        self._is_missing = layer is None and not may_be_another
        if layer is not None:
            self.volumes.choose(layer)
        elif self._is_missing:
            self.volumes.setCurrentIndex(-1)
        elif self.volumes.layer is None:
            self._choose_largest()

    def _choose_largest(self) -> None:
        """Choose the largest map, one of density before one of scores or the like."""
        listed = self.volumes.listed()
        maps = [layer for layer in listed if role_of(layer) not in NOT_DENSITY]
        self.volumes.choose(max(maps or listed, key=_voxels, default=None))

    def _volume_chosen(self, *_: Any) -> None:
        """The user says which map it is."""
        self._is_missing = False
        self.volume_chosen.emit()


def _voxels(layer: Any) -> int:
    """How large a map is."""
    data = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    return math.prod(data.shape)


def is_list(layer: Any) -> bool:
    """Whether a layer is, or could be, a list of picks."""
    is_passing = isinstance(layer.metadata.get(KEY), str)  # a tool, or still in the making
    if type(layer).__name__ != "Points" or is_passing or role_of(layer) == PREVIEW:
        return False
    tag = tag_of(layer)
    if tag is not None:
        return isinstance(tag.noun, Particles) and not isinstance(tag.noun, Structure)
    return layer in edited or not reason_against_editing(layer)


def map_of(tomogram: str, layers: Iterable[Any]) -> Any:
    """The map among layers that is called like a tomogram, or None.

    Names may differ in what programs append: ``TS_01`` is ``TS_01_10.00Apx`` too, but no
    ``TS_011``. What jobs made of a tomogram, such as the average of its picks, is passed over.
    """
    name = tomogram.lower()
    called = {la.name.lower(): la for la in layers if base_name(la.name) == la.name}
    if name in called:
        return called[name]
    alike = (la for other, la in called.items() if _is_start(name, other) or _is_start(other, name))
    return next(alike, None)


def _is_start(name: str, longer: str) -> bool:
    """Whether a name begins a longer one and ends there as a word does."""
    return bool(name) and re.match(rf"{re.escape(name)}(?![a-z0-9])", longer) is not None
