"""Controls of the comparison of two maps."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.viewer.inputs import LayerChoice
from mapscope.viewer.views.compare import BLINK_KEY, Comparison, Mode, reason_against_pair
from mapscope.viewer.views.levels import Link
from mapscope.volume import Volume

WIPE = (
    "A on the left of a divider, B on its right, in slices and in 3D. Drag the divider in the "
    "view, or the slider."
)
WAYS: dict[Mode, tuple[str, str]] = {
    "off": ("Off", "Show everything as it was."),
    "side by side": ("Side by side", "A on the left, B on the right, moved together."),
    "wipe": ("Wipe", WIPE),
    "blink": ("Blink", f"A or B in the same place: press {BLINK_KEY} in the view to swap them."),
}
LINKS: tuple[tuple[str, Link | None], ...] = (
    ("each on its own", None),
    ("same σ", "sigma"),
    ("same value", "value"),
    ("same enclosed volume", "volume"),
)
STEPS = 1000


class CompareForm(QGroupBox):
    """Two maps, how they are shown against each other, and whether their levels are linked.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__("Compare two maps")
        self.viewer = viewer
        self.comparison: Comparison | None = None
        self.first = LayerChoice(Volume, optional=False)
        self.second = LayerChoice(Volume, optional=False)
        self.ways: dict[Mode, QPushButton] = {}
        self._is_filling = False
        self._group = QButtonGroup(self)
        self.divider = QSlider(Qt.Orientation.Horizontal)
        self.divider.setRange(0, STEPS)
        self.divider.setValue(STEPS // 2)
        self.place = QLabel("50 %")
        self.swap = QPushButton("Swap")
        self.link = QComboBox()
        for words, by in LINKS:
            self.link.addItem(words, by)
        self._arrange()
        for choice in (self.first, self.second):
            choice.currentIndexChanged.connect(self._chosen)
        self.divider.valueChanged.connect(self._slid)
        self.swap.clicked.connect(self._swap)
        self.link.currentIndexChanged.connect(self._link)
        self.refresh()

    def _arrange(self) -> None:
        buttons = QWidget()
        grid = QGridLayout(buttons)
        grid.setContentsMargins(0, 0, 0, 0)
        for number, (mode, (words, _)) in enumerate(WAYS.items()):
            button = self.ways[mode] = QPushButton(words)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked, mode=mode: self.show_mode(mode))
            self._group.addButton(button)
            grid.addWidget(button, number // 2, number % 2)
        self.ways["off"].setChecked(True)
        layout = QFormLayout(self)
        layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        for box in (self.first, self.second, self.link):
            box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.first.setToolTip("Map A: on the left of the divider.")
        self.second.setToolTip("Map B: on the right of the divider. Its grid may be another.")
        layout.addRow("A", self.first)
        layout.addRow("B", self.second)
        layout.addRow(buttons)
        layout.addRow("Divider", self.divider)
        layout.addRow("", self.place)
        layout.addRow("In sight", self.swap)
        layout.addRow("Levels", self.link)

    def refresh(self) -> None:
        """List the maps that are there, grey what cannot be used now, and say why."""
        self._is_filling = True
        for choice in (self.first, self.second):
            choice.fill(self.viewer.layers)
        maps = [self.first.itemData(n) for n in range(self.first.count())]
        maps = [layer for layer in maps if layer is not None]
        if len(maps) > 1 and self.first.layer is self.second.layer:
            self.first.choose(next(m for m in maps if m is not self.second.layer))
        self._is_filling = False
        self._enable()

    def compare(self, first: Any, second: Any) -> Comparison:
        """Begin to compare two maps, or go on with them.

        Raises
        ------
        InputError
            If the two are not two maps.
        """
        now = self.comparison
        if now is not None and (now.first, now.second) == (first, second):
            return now
        self.end()
        self.comparison = Comparison(self.viewer, first, second)
        self.comparison.changed.connect(self._follow)
        self.comparison.ended.connect(self._ended)
        self.comparison.levels.failed.connect(self._link_failed)
        self.comparison.share = self.divider.value() / STEPS
        self._is_filling = True
        self.first.choose(first)
        self.second.choose(second)
        self._is_filling = False
        return self.comparison

    def show_mode(self, mode: Mode) -> None:
        """Show the two chosen maps in one of the ways."""
        if mode == "off" and self.link.currentData() is None:
            self.end()
            self._follow()
            return
        try:
            self.compare(self.first.layer, self.second.layer).show(mode)
        except MapscopeError as error:
            self.said.emit(str(error))
        self._follow()

    def end(self) -> None:
        """Stop comparing; everything is shown as it was."""
        if self.comparison is not None:
            self.comparison.end()

    def _ended(self) -> None:
        self.comparison = None
        self.link.blockSignals(True)
        self.link.setCurrentIndex(0)
        self.link.blockSignals(False)
        self._follow()

    def _chosen(self, *_: Any) -> None:
        """Compare the maps that are chosen now in the way of before."""
        if self._is_filling:
            return
        if self.comparison is not None:
            mode = self.comparison.mode
            self.end()
            if not reason_against_pair(self.first.layer, self.second.layer):
                self.show_mode(mode)
        self._enable()

    def _follow(self) -> None:
        """Show what the comparison shows: the mouse or a key may have changed it."""
        mode: Mode = "off" if self.comparison is None else self.comparison.mode
        self.ways[mode].setChecked(True)
        if self.comparison is not None:
            self.divider.blockSignals(True)
            self.divider.setValue(round(self.comparison.share * STEPS))
            self.divider.blockSignals(False)
            self.place.setText(f"{self.comparison.share:.0%}".replace("%", " %"))
        self._enable()

    def _enable(self) -> None:
        reason = reason_against_pair(self.first.layer, self.second.layer)
        mode: Mode = "off" if self.comparison is None else self.comparison.mode
        for way, button in self.ways.items():
            button.setEnabled(not reason)
            button.setToolTip(reason or WAYS[way][1])
        _enable(self.divider, mode == "wipe", "Place of the divider from left to right.", "Wipe")
        _enable(self.swap, mode == "blink", f"Show the other map ({BLINK_KEY}).", "Blink")
        is_a = self.comparison is None or self.comparison.shown == "A"
        self.swap.setText(f"{'A' if is_a else 'B'} (swap)" if mode == "blink" else "Swap")
        self.link.setEnabled(not reason)
        self.link.setToolTip(
            reason or "Moving the contour level or the contrast of one map moves the other's."
        )

    def _slid(self, value: int) -> None:
        if self.comparison is not None:
            self.comparison.share = value / STEPS

    def _swap(self) -> None:
        if self.comparison is not None:
            self.comparison.swap()

    def _link(self, *_: Any) -> None:
        by = self.link.currentData()
        self.said.emit("")
        try:
            self.compare(self.first.layer, self.second.layer).link(by)
        except MapscopeError as error:
            self._link_failed(error)
        if by is None and self.comparison is not None and self.comparison.mode == "off":
            self.end()

    def _link_failed(self, error: Exception) -> None:
        self.link.blockSignals(True)
        self.link.setCurrentIndex(0)
        self.link.blockSignals(False)
        self.said.emit(str(error))


def _enable(widget: QWidget, is_on: bool, tip: str, way: str) -> None:
    """Enable a widget of one way of comparing, or say how to come there."""
    widget.setEnabled(is_on)
    widget.setToolTip(tip if is_on else f"Choose {way} above.")
