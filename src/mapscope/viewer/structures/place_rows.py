"""The rows of the Structure dock that select, go there and show what is around."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.depiction.selection import EXAMPLES
from mapscope.viewer.layers import reason_against, role_of
from mapscope.viewer.structures.around import RADIUS

NOTHING_SELECTED = "Select a residue first: click on it, or type where to go."
NO_MAP = "no map: sticks only"


class PlaceRows(QWidget):
    """A field that says where to go, and what is shown there."""

    def __init__(self) -> None:
        super().__init__()
        self.place = QLineEdit()
        self.place.setPlaceholderText("Go to, such as A/127")
        self.place.setClearButtonEnabled(True)
        self.go_button = QPushButton("Go")
        self.clear_button = QPushButton("Deselect")
        self.sticks = QCheckBox("Selection as sticks")
        self.sticks.setChecked(True)
        self.near_button = QPushButton("Neighbourhood")
        self.near_button.setCheckable(True)
        self.maps = QComboBox()
        self.radius = QDoubleSpinBox()
        self.radius.setRange(1.0, 30.0)
        self.radius.setValue(RADIUS)
        self.radius.setDecimals(1)
        self.radius.setSuffix(" Å")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(_beside(self.place, self.go_button, self.clear_button))
        column.addWidget(self.sticks)
        column.addLayout(_beside(self.maps, self.radius, self.near_button))

    @property
    def tips(self) -> dict[QWidget, str]:
        """What each control does, while it can be used."""
        return {
            self.place: f"A residue, a chain or a range, then Enter: {EXAMPLES}.",
            self.go_button: "Select what is typed and put it into the middle of the view.",
            self.clear_button: "Select nothing.",
            self.sticks: "Draw the atoms of the selection as sticks.",
            self.near_button: "Show what is near the selection, in the density that is near it.",
            self.maps: "The map whose contour, at its level, is shown around the selection.",
            self.radius: "Residues with an atom this near to the selection are shown.",
        }

    @property
    def needs_selection(self) -> tuple[QWidget, ...]:
        """The controls that make sense only where something is selected."""
        return (self.clear_button, self.near_button, self.maps, self.radius)

    def list_maps(self, layers: Iterable[Any]) -> None:
        """Offer the maps whose density can be shown."""
        before = self.maps.currentData()
        self.maps.clear()
        found = [la for la in layers if isinstance(la, Image) and role_of(la) != "mask"]
        usable = [layer for layer in found if not reason_against(layer)]
        for layer in usable:
            self.maps.addItem(layer.name, layer)
        self.maps.addItem(NO_MAP, None)
        if before in usable:
            self.maps.setCurrentIndex(usable.index(before))


def _beside(wide: QWidget, *others: QWidget) -> QHBoxLayout:
    """Widgets beside each other, the first as wide as there is room for."""
    row = QHBoxLayout()
    wide.setMinimumWidth(60)
    row.addWidget(wide, stretch=1)
    for widget in others:
        row.addWidget(widget)
    return row
