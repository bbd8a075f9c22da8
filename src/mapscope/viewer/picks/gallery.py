"""The gallery: slices through picks, page by page, in an order of doubt or score."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.picking.gallery import gallery_slices
from mapscope.viewer.picks.known import Ids
from mapscope.viewer.picks.length import length_box
from mapscope.viewer.picks.order import ORDERS, WORST, continued, ordered
from mapscope.viewer.picks.pick_list import NOTHING, PickList
from mapscope.viewer.picks.tiles import Caption, Tiles
from mapscope.viewer.runner import BACKGROUND, Run, cancel_all
from mapscope.volume import Volume

REST = 60
"""Milliseconds of rest before a page is cut after the view or the threshold has moved."""
SIZE_IN_RADII, SLAB_IN_RADII = 3.0, 0.7
NO_PICKS = "No picks are kept."
NO_TOMOGRAM = "Open the tomogram of these picks, or choose it above, to see them here."
PLANES = {"z": "XY", "y": "XZ", "x": "YZ"}


class Gallery(QWidget):
    """Pages of slices through the picks that are kept.

    Parameters
    ----------
    picks : PickList
        The list.
    volume : callable () -> Volume or None
        The tomogram that they are cut from.
    colors : callable () -> dict of str to str
        Colour of each class.
    """

    page_shown = Signal()
    """The pictures of a page are there."""

    def __init__(
        self,
        picks: PickList,
        volume: Callable[[], Volume | None],
        colors: Callable[[], dict[str, str]],
    ) -> None:
        super().__init__()
        self.list, self._volume, self._colors = picks, volume, colors
        self.order: Ids = NOTHING
        self.page = 0
        self.radius = 0.0
        self.tiles = Tiles()
        self._runs: list[Run] = []
        self.destroyed.connect(partial(cancel_all, self._runs))
        self._is_stale = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._cut)
        self._make_controls()
        self._lay_out()
        picks.changed.connect(self._edited)
        picks.chosen_anew.connect(self._chosen_anew)
        picks.gone_to.connect(self._follow)

    # Building

    def _make_controls(self) -> None:
        """What is set about the pictures."""
        self.sort = QComboBox()
        for order, words in ORDERS.items():
            self.sort.addItem(words, order)
        self.sort.setCurrentIndex(list(ORDERS).index(WORST))
        self.sort.setToolTip("Doubtful are the picks whose score is nearest to the threshold.")
        self.plane = QComboBox()
        for axis, words in PLANES.items():
            self.plane.addItem(words, axis)
        self.plane.setToolTip("The plane in which the picks are cut.")
        self.size = length_box("Width of a picture in Å.")
        self.slab = length_box("Thickness of the slab whose mean is shown, in Å; 0 is one slice.")
        self.more = QToolButton()
        self.more.setText("⋯")
        self.more.setCheckable(True)
        self.more.setToolTip("Plane, width and slab of the pictures.")
        self.before, self.after = QToolButton(), QToolButton()
        self.before.setText("◂")
        self.after.setText("▸")
        self.before.setToolTip("The page before (Page Up, or the wheel).")
        self.after.setToolTip("The next page (Page Down, or the wheel).")
        self.number = QLabel()
        for box in (self.sort, self.plane):
            box.activated.connect(self.sort_anew)
        for box in (self.size, self.slab):
            box.valueChanged.connect(self.show_soon)
        self.before.clicked.connect(lambda: self.turn(-1))
        self.after.clicked.connect(lambda: self.turn(1))
        self.tiles.chosen.connect(self.list.go_to)
        self.tiles.turned.connect(self.turn)
        self.tiles.resized.connect(self.show_soon)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(2)
        self.settings = QWidget()
        self.settings.setVisible(False)
        self.more.toggled.connect(self.settings.setVisible)
        first, second = QHBoxLayout(), QHBoxLayout(self.settings)
        second.setContentsMargins(0, 0, 0, 0)
        for row in (first, second):
            row.setSpacing(3)
        first.addWidget(self.sort, stretch=1)
        for widget in (self.more, self.before, self.number, self.after):
            first.addWidget(widget)
        second.addWidget(self.plane)
        for words, box in (("width", self.size), ("slab", self.slab)):
            second.addWidget(QLabel(words))
            second.addWidget(box, stretch=1)
        layout.addLayout(first)
        layout.addWidget(self.settings)
        layout.addWidget(self.tiles, stretch=1)

    # What is shown

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-len(self.order) // self.tiles.capacity))

    @property
    def page_ids(self) -> Ids:
        """Ids of the picks on the page."""
        first = self.page * self.tiles.capacity
        return self.order[first : first + self.tiles.capacity]

    def set_radius(self, radius: float) -> None:
        """Cut pictures that suit particles of a radius in Å."""
        if radius == self.radius:
            return
        self.radius = radius
        for box, share in ((self.size, 2 * SIZE_IN_RADII), (self.slab, SLAB_IN_RADII)):
            with QSignalBlocker(box):
                box.setValue(round(share * radius, 1))
        self.show_soon()

    def sort_anew(self, *_: Any) -> None:
        """List the picks in their order, from the first page."""
        self.page, self._is_stale = 0, True
        self.show_soon()

    def show_soon(self, *_: Any) -> None:
        """Cut the page when everything has come to rest."""
        self._show_number()
        self._timer.start(REST)

    def turn(self, pages: int) -> None:
        """Turn some pages."""
        page = int(np.clip(self.page + pages, 0, self.pages - 1))
        if page != self.page:
            self.page = page
            self.show_soon()

    def step(self, picks: int) -> None:
        """Look at a pick further on in the order, or back."""
        if not len(self.order):
            return
        place = self._place()
        first = 0 if picks > 0 else len(self.order) - 1
        there = first if place is None else int(np.clip(place + picks, 0, len(self.order) - 1))
        self.list.go_to(int(self.order[there]))

    def _show_number(self) -> None:
        """Say which page it is."""
        self.page = min(self.page, self.pages - 1)
        self.number.setText(f"{self.page + 1} / {self.pages}")
        self.before.setEnabled(self.page > 0)
        self.after.setEnabled(self.page + 1 < self.pages)

    def _place(self) -> int | None:
        """Where the current pick stands in the order."""
        if self.list.current is None:
            return None
        found = np.flatnonzero(self.order == self.list.current)
        return int(found[0]) if len(found) else None

    def _fresh(self) -> Ids:
        """The order as it would be sorted now."""
        threshold = self.list.choice.threshold
        return ordered(self.list.picks, self.list.is_drawn, self.sort.currentData(), threshold)

    def _edited(self) -> None:
        """Picks were edited: go on in the same order while nothing new came."""
        if self._is_stale:
            self.show_soon()
            return
        order = continued(self.order, self._fresh(), self.list.picks, self.list.fate)
        if np.array_equal(order, self.order):
            self.tiles.show_captions(self._captions())
            return
        self.order = order
        self.show_soon()

    def _chosen_anew(self) -> None:
        """The choice is another: sort anew when it has come to rest."""
        self._is_stale = True
        self._timer.start(REST)

    def _follow(self) -> None:
        """Turn to the page of the current pick, and frame it."""
        place = self._place()
        if place is not None and place // self.tiles.capacity != self.page:
            self.page = place // self.tiles.capacity
            self.show_soon()
        self.tiles.show_current(self.list.current)

    def _captions(self) -> list[Caption]:
        """What is said of the picks of the page."""
        picks, colors = self.list.picks, self._colors()
        found = []
        for pick in self.page_ids.tolist():
            row = picks.row(pick)
            if row is None:
                continue
            score = float(picks.score[row])
            word = picks.classes.known[picks.classes.number[row]]
            verdict = picks.verdicts.known[picks.verdicts.number[row]]
            text = "by hand" if np.isnan(score) else f"{score:.3g}"
            found.append(Caption(pick, text, colors.get(word, "#808080"), verdict))
        return found

    def _cut(self) -> None:
        """Cut the pictures of the page beside the window; the newest page wins."""
        if self._is_stale:
            self.order, self._is_stale = self._fresh(), False
        self._show_number()
        if self._place() is None and len(self.page_ids):
            self.list.go_to(int(self.page_ids[0]))
        cancel_all(self._runs)
        volume, captions = self._volume(), self._captions()
        if volume is None or not captions or self.size.value() <= 0:
            self.tiles.show_page(None, captions, NO_TOMOGRAM if captions else NO_PICKS)
            return
        rows = np.searchsorted(self.list.picks.ids, [caption.pick for caption in captions])
        places = self.list.picks.positions[rows]
        size, slab, axis = self.size.value(), self.slab.value(), self.plane.currentData()

        def work(progress: Any) -> Any:
            return gallery_slices(
                volume, places, size=size, thickness=slab, axis=axis, progress=progress
            )

        run = Run(work)
        self._runs.append(run)
        run.succeeded.connect(partial(self._show, run, captions))
        run.failed.connect(partial(self._show_why, run, captions))
        run.start(BACKGROUND)

    def _show(self, run: Run, captions: list[Caption], pictures: Any) -> None:
        """Show what was cut, unless another page was asked for meanwhile."""
        if run not in self._runs:
            return
        self._runs.clear()
        now = self._captions()  # a verdict may have come meanwhile
        is_same = [c.pick for c in now] == [c.pick for c in captions]
        self.tiles.show_page(pictures, now if is_same else captions, "")
        self.tiles.show_current(self.list.current)
        self.page_shown.emit()

    def _show_why(self, run: Run, captions: list[Caption], error: Exception) -> None:
        """Say why there are no pictures."""
        if run in self._runs:
            self._runs.clear()
            self.tiles.show_page(None, captions, str(error))
