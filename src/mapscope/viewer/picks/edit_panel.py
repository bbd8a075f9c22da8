"""Class, orientation and removal of the picks that are selected, or else of the current one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.viewer.picks.pick_list import PickList

AXES = ("z", "y", "x")
STEP = 10.0
MOST = 180.0


class EditPanel(QWidget):
    """What is changed about picks beside their verdict.

    Parameters
    ----------
    picks : PickList
        The list.
    targets : callable () -> list of int
        Ids of the picks that are meant.
    """

    def __init__(self, picks: PickList, targets: Callable[[], list[int]]) -> None:
        super().__init__()
        self.list, self._targets = picks, targets
        self.about = QLabel()
        self.name = QComboBox()
        self.name.setEditable(True)
        self.name.lineEdit().setPlaceholderText("class")
        self.name.setToolTip("A class: choose one, or type a new one.")
        self.name_button = QPushButton("Give class")
        self.name_button.setToolTip("Give this class to the selected picks (or press its number).")
        self.angle = QDoubleSpinBox()
        self.angle.setRange(0.1, MOST)
        self.angle.setDecimals(1)
        self.angle.setValue(STEP)
        self.angle.setSuffix("°")
        self.angle.setToolTip("How far one click turns.")
        self.turn_buttons: dict[tuple[int, int], QToolButton] = {}
        self.snaps = QCheckBox("Add at the densest place nearby")
        self.snaps.setToolTip(
            "In slices, a pick that you add goes to the densest place within its radius. In 3D it "
            "always goes to the densest place under the cursor."
        )
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Take these picks out of the list (Delete).")
        self._lay_out()
        self.name_button.clicked.connect(self._name)
        self.remove_button.clicked.connect(lambda: self.list.remove(self._targets()))
        picks.changed.connect(self.refresh)
        picks.gone_to.connect(self.refresh)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 4, 2, 2)
        layout.setSpacing(6)
        names, turns = QHBoxLayout(), QGridLayout()
        names.addWidget(self.name, stretch=1)
        names.addWidget(self.name_button)
        turns.setHorizontalSpacing(3)
        turns.addWidget(QLabel("Turn by"), 0, 0)
        turns.addWidget(self.angle, 0, 1)
        for axis, letter in enumerate(AXES):
            turns.addWidget(QLabel(f"  {letter}"), 0, 2 + 3 * axis)
            for n, sign in enumerate((-1, 1)):
                button = self._turn_button(axis, letter, sign)
                turns.addWidget(button, 0, 3 + 3 * axis + n)
        turns.setColumnStretch(1, 1)
        layout.addWidget(self.about)
        layout.addLayout(names)
        layout.addLayout(turns)
        layout.addWidget(self.snaps)
        layout.addWidget(self.remove_button)
        layout.addStretch()

    def _turn_button(self, axis: int, letter: str, sign: int) -> QToolButton:
        """A button that turns about an axis, one way."""
        button = QToolButton()
        button.setText("+" if sign > 0 else "−")
        button.setAutoRepeat(True)
        way = "right-handed" if sign > 0 else "the other way"
        button.setToolTip(f"Turn about the particle's own {letter}, {way}.")
        button.clicked.connect(
            lambda: self.list.turn(self._targets(), axis, sign * self.angle.value())
        )
        self.turn_buttons[axis, sign] = button
        return button

    def enterEvent(self, event: Any) -> None:  # noqa: N802  Qt's name
        """The mouse came: something else may have been selected in the layer meanwhile."""
        super().enterEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """List the classes, and say what is meant."""
        known = [word for word in self.list.picks.classes.known if word]
        if [self.name.itemText(n) for n in range(self.name.count())] != known:
            text = self.name.currentText()
            with QSignalBlocker(self.name):
                self.name.clear()
                self.name.addItems(known)
                self.name.setEditText(text if text or not known else known[0])
        targets = self._targets()
        is_free = self.list.is_editable and bool(targets)
        for widget in (self.name_button, self.remove_button, *self.turn_buttons.values()):
            widget.setEnabled(is_free)
        self.about.setText(_about(len(targets), self.list.current))

    def _name(self) -> None:
        """Give the class that is chosen or typed."""
        self.list.classify(self._targets(), self.name.currentText().strip())


def _about(count: int, current: int | None) -> str:
    """Which picks the panel is about."""
    if not count:
        return "Click a pick, in the view, the gallery or the table."
    if count == 1:
        return f"Pick {current}" if current is not None else "One pick is selected"
    return f"{count:,} selected picks"
