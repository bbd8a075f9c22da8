"""The list of surfaces: eye, colour, name and level, opacity, wires, and a way to take it away."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QToolButton,
    QWidget,
)

from mapscope.viewer.contouring.contours import Contours
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.layers import base_name

CHOSEN = """
QListWidget::item { border-left: 3px solid transparent; }
QListWidget::item:selected { background: transparent; border-left: 3px solid #4f7fff; }
"""
"""A chosen row has a bar at its side: a background of its own would hide the sliders."""

MOST_ROWS = 4
SWATCH = 18


class SurfaceRow(QWidget):
    """One surface in the list.

    Parameters
    ----------
    surface : MapSurface
        The surface.
    contours : Contours
        Where its changes go.
    """

    def __init__(self, surface: MapSurface, contours: Contours) -> None:
        super().__init__()
        self.surface = surface
        self._contours = contours
        self.eye = QCheckBox()
        self.eye.setToolTip("Show the surface in 3D. Slices show the map itself.")
        self.swatch = QPushButton()
        self.swatch.setFixedSize(SWATCH, SWATCH)
        self.name = QLabel()
        self.name.setMinimumWidth(60)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(5, 100)
        self.opacity.setFixedWidth(70)
        self.wires = QToolButton()
        self.wires.setText("▦")
        self.wires.setCheckable(True)
        self.wires.setToolTip("Draw the edges of the triangles.")
        self.close_button = QToolButton()
        self.close_button.setText("✕")
        self.close_button.setToolTip("Take the surface away; the map stays.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(5)
        layout.addWidget(self.eye)
        layout.addWidget(self.swatch)
        layout.addWidget(self.name, stretch=1)
        for widget in (self.opacity, self.wires, self.close_button):
            layout.addWidget(widget)
        self.eye.toggled.connect(lambda on: contours.set_shown(surface, is_shown=on))
        self.swatch.clicked.connect(self._ask_color)
        self.opacity.valueChanged.connect(self._set_opacity)
        self.wires.toggled.connect(self._set_wires)
        self.close_button.clicked.connect(lambda: contours.remove(surface))

    def refresh(self) -> None:
        """Show the surface as it is."""
        surface, layer = self.surface, self.surface.layer
        title = base_name(surface.map.name)
        self.name.setText(f"{title} at {surface.level:.4g}" + (" …" * surface.is_being_made))
        self.name.setToolTip(f"{surface.map.name} at {surface.level:.6g}. {surface.note}")
        blocked = [QSignalBlocker(w) for w in (self.eye, self.opacity, self.wires)]
        self.eye.setChecked(surface.is_shown)
        is_plain = surface.coloring.by == "constant"
        self.swatch.setEnabled(is_plain)
        ground = surface.coloring.color
        if not is_plain:
            stops = "stop:0 #30123b, stop:0.3 #28bbec, stop:0.6 #a4fc3c, stop:1 #cc2b04"
            ground = f"qlineargradient(x1:0, y1:0, x2:1, y2:1, {stops})"
        self.swatch.setStyleSheet(f"background: {ground}; border: 1px solid gray; padding: 0;")
        self.swatch.setToolTip(
            "Colour of the surface." if is_plain else f"Coloured by {surface.coloring.caption}."
        )
        why = "" if layer is not None else "The surface is being made."
        for widget, tip in (
            (self.opacity, "Opacity of the surface."),
            (self.wires, "Draw the edges of the triangles."),
        ):
            widget.setEnabled(layer is not None)
            widget.setToolTip(why or tip)
        if layer is not None:
            self.opacity.setValue(round(100 * layer.opacity))
            self.wires.setChecked(layer.wireframe.visible)
        del blocked

    def _ask_color(self) -> None:
        color = QColorDialog.getColor(QColor(self.surface.coloring.color), self, "Surface colour")
        if color.isValid():
            self._contours.color(self.surface, color.name())

    def _set_opacity(self, percent: int) -> None:
        if self.surface.layer is not None:
            self.surface.layer.opacity = percent / 100

    def _set_wires(self, on: bool) -> None:
        if self.surface.layer is not None:
            self.surface.layer.wireframe.visible = on


class SurfaceList(QListWidget):
    """All surfaces of a viewer; the chosen one is the one that the rest of the dock is about.

    Parameters
    ----------
    contours : Contours
        The surfaces.
    """

    chosen = Signal(object)

    def __init__(self, contours: Contours) -> None:
        super().__init__()
        self._contours = contours
        self.setToolTip("Surfaces. The chosen one follows the level of its map.")
        self.setStyleSheet(CHOSEN)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentRowChanged.connect(self._row_changed)

    @property
    def rows(self) -> list[SurfaceRow]:
        """The rows in their order."""
        widgets: list[Any] = [self.itemWidget(self.item(n)) for n in range(self.count())]
        return [row for row in widgets if isinstance(row, SurfaceRow)]

    def refresh(self, chosen: MapSurface | None) -> None:
        """Show the surfaces as they are, and which of them is chosen."""
        surfaces = self._contours.surfaces
        with QSignalBlocker(self):
            if [row.surface for row in self.rows] != surfaces:
                self._fill(surfaces)
            for row in self.rows:
                row.refresh()
            self.setCurrentRow(surfaces.index(chosen) if chosen in surfaces else -1)

    def _fill(self, surfaces: list[MapSurface]) -> None:
        """Make the rows anew."""
        self.clear()
        for surface in surfaces:
            item = QListWidgetItem(self)
            row = SurfaceRow(surface, self._contours)
            item.setSizeHint(row.sizeHint().expandedTo(row.minimumSizeHint()))
            self.setItemWidget(item, row)
        self.setVisible(bool(surfaces))
        self.setFixedHeight(min(len(surfaces), MOST_ROWS) * self.sizeHintForRow(0) + 6)

    def _row_changed(self, number: int) -> None:
        surfaces = self._contours.surfaces
        if 0 <= number < len(surfaces):
            self.chosen.emit(surfaces[number])
