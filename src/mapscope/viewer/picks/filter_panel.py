"""Filters beside the score: masks, regions, distances, duplicates and neighbours, seen at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.particles import TOMOGRAM_SHAPE
from mapscope.viewer.inputs import reason_for_kind
from mapscope.viewer.layers import TOOL, noun_from_layer, role_of
from mapscope.viewer.picks.length import length_box
from mapscope.viewer.picks.list_choice import is_list
from mapscope.viewer.picks.pick_list import PickList
from mapscope.viewer.runner import BACKGROUND, Run, cancel_all
from mapscope.volume import Volume

JOB = "filter_particles"
PICK = "pick"
"""Column that names each pick by its id while the job is at work."""
REST = 120
"""Milliseconds of rest before picks are filtered anew."""
MOST_NEIGHBOURS = 99
OFF, NONE = "off", "–"
NARROWEST = 70
"""Pixels of a box."""
_length = partial(length_box, zero=OFF)
WHERE = {"inside": "stay inside", "outside": "stay outside", "near": "stay near its surface"}
OF_ONE_TOMOGRAM = {"mask", "labels", "volume"}
"""Parameters that are about the tomogram in the view: picks of others are not asked."""
TO_OTHERS = {"least_to_others": "at least", "most_to_others": "at most"}


class FilterPanel(QWidget):
    """Everything that `filter_particles` can ask but the score, which has its histogram.

    Parameters
    ----------
    picks : PickList
        The list; what does not pass falls there.
    volume : callable () -> Volume or None
        The tomogram, asked for its size where the list does not say it.
    """

    said = Signal(str)
    filtered = Signal()
    """The list knows what does not pass."""

    def __init__(self, picks: PickList, volume: Callable[[], Volume | None]) -> None:
        super().__init__()
        self.list, self._volume = picks, volume
        self.region, self.where = QComboBox(), QComboBox()
        self.depth = _length("Distance from the surface: at least this, or at most this if near.")
        self.apart = _length("Of picks nearer to each other than this only the best one stays.")
        self.neighbours = QSpinBox()
        self.neighbours.setRange(0, MOST_NEIGHBOURS)
        self.neighbours.setSpecialValueText(OFF)
        self.neighbours.setToolTip("Picks with fewer neighbours than this go.")
        self.within = _length("Distance within which others are neighbours.")
        self.others, self.side = QComboBox(), QComboBox()
        self.other_distance = _length("Distance from the nearest of the other list, such as gold.")
        self.edge = _length("Picks nearer than this to a face of the tomogram go.")
        self._runs: list[Run] = []
        self.destroyed.connect(partial(cancel_all, self._runs))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._filter)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        """A line for each criterion."""
        for box, words in ((self.where, WHERE), (self.side, TO_OTHERS)):
            for value, text in words.items():
                box.addItem(text, value)
        numbers = (self.depth, self.other_distance, self.apart, self.neighbours, self.within)
        for box in (self.region, self.others, self.where, self.side, *numbers, self.edge):
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setMinimumWidth(NARROWEST)
        self.where.setToolTip("Where picks stay, with respect to the region.")
        self.side.setToolTip("Whether picks stay far from the other list, or near to it.")
        self.region.setToolTip("A mask or labels: a lamella, a membrane, an organelle.")
        self.others.setToolTip("Another list of picks, such as gold beads.")
        lines: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("Region", (self.region, self.where, self.depth)),
            ("Other picks", (self.others, self.side, self.other_distance)),
            ("Apart", (self.apart,)),
            ("Neighbours", (self.neighbours, QLabel("within"), self.within)),
            ("From the edge", (self.edge,)),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 4, 2, 2)
        grid.setVerticalSpacing(3)
        for row, (title, widgets) in enumerate(lines):
            grid.addWidget(QLabel(title), row, 0)
            for column, widget in enumerate(widgets, start=1):
                grid.addWidget(widget, row, column)
        for column in (1, 2, 3):
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(len(lines), 1)

    def _connect(self) -> None:
        for box in (self.region, self.where, self.others, self.side):
            box.activated.connect(self.filter_soon)
        for number in (
            self.depth,
            self.apart,
            self.neighbours,
            self.within,
            self.other_distance,
            self.edge,
        ):
            number.valueChanged.connect(self.filter_soon)
        self.list.changed.connect(self.filter_soon)

    def fill(self, layers: Iterable[Any]) -> None:
        """List masks, labels and other lists."""
        layers = [layer for layer in layers if role_of(layer) != TOOL]
        own = None if self.list.editor is None else self.list.editor.layer
        regions = [la for la in layers if _is_region(la)]
        for box, found in (
            (self.region, regions),
            (self.others, [la for la in layers if is_list(la) and la is not own]),
        ):
            chosen = box.currentData()
            with QSignalBlocker(box):
                box.clear()
                box.addItem(NONE, None)
                for layer in found:
                    box.addItem(layer.name, layer)
                box.setCurrentIndex(found.index(chosen) + 1 if chosen in found else 0)
            if chosen is not None and chosen not in found:
                self.filter_soon()

    def reset(self) -> None:
        """Ask nothing any more."""
        for box in (self.region, self.others):
            box.setCurrentIndex(0)
        for number in (self.apart, self.neighbours, self.edge):
            number.setValue(0)

    @property
    def settings(self) -> dict[str, Any]:
        """Parameters of the job, of those criteria that are asked.

        Raises
        ------
        InputError
            If a layer that is chosen cannot be taken.
        """
        asked: dict[str, Any] = {}
        if self.list.log is None:
            return asked
        if self.apart.value():
            asked["apart"] = self.apart.value()
        if self.edge.value():
            asked["edge"] = self.edge.value()
            if TOMOGRAM_SHAPE not in self.list.log.points.columns:
                asked["volume"] = self._volume()
        if self.neighbours.value() and self.within.value():
            asked |= {
                "neighbours": self.neighbours.value(),
                "neighbours_within": self.within.value(),
            }
        region, others = (box.currentData() for box in (self.region, self.others))
        if region is not None:
            noun = noun_from_layer(region)
            asked["labels" if isinstance(noun, Labels) else "mask"] = noun
            asked |= {"where": self.where.currentData(), "mask_distance": self.depth.value()}
        if others is not None and self.other_distance.value():
            asked["others"] = noun_from_layer(others)
            asked[self.side.currentData()] = self.other_distance.value()
        return asked

    def filter_soon(self, *_: Any) -> None:
        """Filter when everything has come to rest."""
        self._timer.start(REST)

    def _filter(self) -> None:
        """Ask the job beside the window; the newest question wins."""
        cancel_all(self._runs)
        try:
            settings = self.settings
        except MapscopeError as error:
            self._say_why(error)
            return
        if not settings:
            self.list.filter_out([])
            return
        picks = self.list.picks
        is_asked = ~picks.is_rejected
        if self.list.seen_in is not None and set(settings) & OF_ONE_TOMOGRAM:
            is_asked &= picks.tomograms.are(self.list.seen_in)
        particles = self.list.some(is_asked)
        named = replace(particles, columns={**particles.columns, PICK: picks.ids[is_asked]})
        run = Run(lambda progress: all_jobs()[JOB](named, **settings, progress=progress))
        self._runs.append(run)
        run.succeeded.connect(partial(self._take, run))
        run.failed.connect(partial(self._refuse, run))
        run.start(BACKGROUND)

    def _refuse(self, run: Run, error: Exception) -> None:
        """The newest question was refused."""
        if run in self._runs:
            self._runs.clear()
            self._say_why(error)

    def _say_why(self, error: Exception) -> None:
        """Say why nothing is filtered, and let nothing fall."""
        self.list.filter_out([])
        self.said.emit(f"Not filtered: {error}.")

    def _take(self, run: Run, result: Any) -> None:
        """Let fall what did not pass."""
        if run not in self._runs:
            return
        self._runs.clear()
        self.list.filter_out(np.sort(result.removed.columns[PICK]).tolist())
        reasons = zip(result.reasons["reason"], result.reasons["removed"], strict=True)
        self.said.emit("; ".join(f"{count:,} go: {words}" for words, count in reasons))
        self.filtered.emit()


def _is_region(layer: Any) -> bool:
    """Whether a layer is labels, or a map that is a mask."""
    if type(layer).__name__ == "Labels":
        return not reason_for_kind(layer, Labels)
    return role_of(layer) == "mask" and not reason_for_kind(layer, Volume)
