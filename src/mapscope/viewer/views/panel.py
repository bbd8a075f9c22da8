"""One slice of all visible maps, with the position in it and what lies near it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QPainter

from mapscope.viewer.views.slices import Plane, across
from mapscope.viewer.views.space import AXES

CROSS_COLOR = "#3b9cff"
SHADES = 256
LEAST_DIAMETER = 1.0
"""Å of the disc of a point, so that atoms can be seen."""


class SlicePanel(pg.PlotWidget):
    """A plane across one axis: images, points, and two lines that can be dragged.

    Parameters
    ----------
    axis : int
        The axis that the plane is across: 0 is z.
    """

    moved = Signal(int, float)

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis
        self.row, self.column = across(axis)
        self.images: dict[Any, pg.ImageItem] = {}
        self.dots = pg.ScatterPlotItem(pxMode=False, pen=None)
        self.dots.setZValue(50)
        self._prepare_plot()
        self.lines = {
            self.column: pg.InfiniteLine(angle=90, movable=True),
            self.row: pg.InfiniteLine(angle=0, movable=True),
        }
        for of_axis, line in self.lines.items():
            line.setPen(pg.mkPen(CROSS_COLOR, width=1))
            line.setHoverPen(pg.mkPen(CROSS_COLOR, width=3))
            line.setZValue(100)
            line.sigDragged.connect(partial(self._dragged, of_axis))
            self.addItem(line)
        self.addItem(self.dots)
        self.scene().sigMouseClicked.connect(self._clicked)
        name = f"{AXES[self.column]}{AXES[self.row]}"
        self.setToolTip(
            f"The {name} plane. Drag the lines, or click, to move the other two planes and the "
            "slices of the main view; the wheel zooms."
        )

    def _prepare_plot(self) -> None:
        """Rows run down as in napari; Å are as long in both directions."""
        item = self.getPlotItem()
        item.setMenuEnabled(False)
        item.hideButtons()
        item.setLabel("bottom", AXES[self.column], units=None)
        item.setLabel("left", AXES[self.row])
        box = item.getViewBox()
        box.setAspectLocked(True)
        box.invertY(True)

    def show_position(self, point: npt.ArrayLike, words: str) -> None:
        """Put the lines through a position (z, y, x); `words` say which plane that is."""
        position = np.asarray(point, dtype=float)
        for of_axis, line in self.lines.items():
            if not line.moving:
                line.setValue(position[of_axis])
        title = f"{AXES[self.column]}{AXES[self.row]} at {AXES[self.axis]} = {words}"
        self.setTitle(title, size="9pt")

    def show_plane(self, layer: Any, plane: Plane | None) -> None:
        """Draw a layer's plane, or nothing where the layer is not there."""
        image = self.images.get(layer)
        if image is None:
            image = self.images[layer] = pg.ImageItem(axisOrder="row-major")
            self.addItem(image)
        image.setVisible(plane is not None)
        if plane is None:
            return
        (top, left), (bottom, right) = plane.lower, plane.upper
        if type(layer).__name__ == "Labels":
            image.setImage((layer.colormap.map(plane.values) * 255).astype(np.uint8), levels=None)
        else:
            values = np.asarray(plane.values)
            image.setImage(values.astype(np.float32), levels=tuple(layer.contrast_limits))
        image.setRect(QRectF(left, top, right - left, bottom - top))
        self.show_look(layer)

    def show_look(self, layer: Any) -> None:
        """Draw a layer with the contrast, colours and opacity that it has now."""
        image = self.images.get(layer)
        if image is None:
            return
        if type(layer).__name__ != "Labels":
            image.setLevels(tuple(layer.contrast_limits))
            image.setLookupTable(lookup_table(layer))
        image.setOpacity(layer.opacity)
        is_added = str(layer.blending) == "additive"
        modes = QPainter.CompositionMode
        image.setCompositionMode(
            modes.CompositionMode_Plus if is_added else modes.CompositionMode_SourceOver
        )

    def show_order(self, layers: Any) -> None:
        """Stack the layers as in the list, and drop those that are gone or hidden."""
        for height, layer in enumerate(layers):
            if layer in self.images:
                self.images[layer].setZValue(height * 1e-3)
        for layer in [one for one in self.images if one not in layers]:
            self.removeItem(self.images.pop(layer))

    def show_points(
        self, positions: npt.ArrayLike, diameters: npt.ArrayLike, colors: npt.ArrayLike
    ) -> None:
        """Draw points (n, 3) with diameters (n,) and colours (n, 4) as discs."""
        places = np.asarray(positions, dtype=float).reshape(-1, 3)
        self.dots.setData(
            x=places[:, self.column],
            y=places[:, self.row],
            size=np.maximum(np.asarray(diameters), LEAST_DIAMETER),
            brush=[pg.mkBrush(*row) for row in (np.asarray(colors) * 255).astype(int)],
        )

    def fit(self) -> None:
        """Show all of the maps."""
        if self.images:
            boxes = [image.mapRectToView(image.boundingRect()) for image in self.images.values()]
            whole = boxes[0]
            for box in boxes[1:]:
                whole = whole.united(box)
            self.getPlotItem().getViewBox().setRange(whole, padding=0.02)

    def paint_with(self, background: str, foreground: str) -> None:
        """Take the colours of the window's theme."""
        self.setBackground(background)
        for side in ("left", "bottom"):
            axis = self.getPlotItem().getAxis(side)
            axis.setPen(foreground)
            axis.setTextPen(foreground)
        self.getPlotItem().titleLabel.setAttr("color", foreground)

    def _dragged(self, of_axis: int, line: pg.InfiniteLine) -> None:
        self.moved.emit(of_axis, float(line.value()))

    def _clicked(self, event: Any) -> None:
        """Move the position to where the mouse was clicked."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        place = self.getPlotItem().getViewBox().mapSceneToView(event.scenePos())
        self.moved.emit(self.column, float(place.x()))
        self.moved.emit(self.row, float(place.y()))


def lookup_table(layer: Any) -> npt.NDArray[np.uint8]:
    """The colours (256, 4) of a layer from its lower to its upper contrast limit."""
    shades = np.linspace(0, 1, SHADES) ** layer.gamma
    colors: Callable[..., Any] = layer.colormap.map
    return np.asarray(colors(shades) * 255).round().astype(np.uint8)
