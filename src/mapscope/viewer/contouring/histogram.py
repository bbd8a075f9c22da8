"""A histogram of a map with its contour level in it, to be dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import Signal

from mapscope.viewer.contouring.levels import MapLevels
from mapscope.viewer.views.connections import Connections

HEIGHT = 120
LINE_COLOR = "#ffb454"
BAR_COLORS = {True: "#5b6b82", False: "#9aaac0"}
"""Of the bars, in a dark theme and in a light one."""


class Histogram(pg.PlotWidget):
    """Counts of densities on a logarithmic axis, and a line at the level.

    Parameters
    ----------
    viewer : napari.Viewer
        Its theme gives the colours.
    """

    moved = Signal(float)
    released = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self.setFixedHeight(HEIGHT)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("left").setStyle(showValues=False)
        self.getAxis("left").setWidth(16)
        self.setLabel("left", "voxels (log)")
        self.getAxis("bottom").enableAutoSIPrefix(False)
        self.bars = pg.PlotCurveItem([0.0, 1.0], [0.0], stepMode="center", fillLevel=0)
        self.line = pg.InfiniteLine(0, angle=90, movable=True)
        self.line.setPen(pg.mkPen(LINE_COLOR, width=2))
        self.line.setHoverPen(pg.mkPen(LINE_COLOR, width=4))
        self.addItem(self.bars)
        self.addItem(self.line)
        self.line.sigDragged.connect(self._dragged)
        self.line.sigPositionChangeFinished.connect(self._dropped)
        self.setToolTip("Drag the line to move the contour level.")
        self._connections = Connections()
        self._connections.add(viewer.events.theme, self._theme)
        self.destroyed.connect(self._connections.end)
        self._theme()
        self.show_levels(None)

    def show_levels(self, levels: MapLevels | None) -> None:
        """Draw the densities of a map; nothing while they are being measured."""
        self.line.setVisible(levels is not None)
        if levels is None:
            self.bars.setData([0.0, 1.0], [0.0])
            return
        heights = np.log10(1 + np.maximum(levels.counts, 0))
        self.bars.setData(levels.edges, heights)
        self.line.setBounds((levels.low, levels.high))
        self.setXRange(levels.low, levels.high, padding=0.01)
        self.setYRange(0, 1.05 * float(heights.max() or 1.0), padding=0)

    def show_level(self, level: float) -> None:
        """Put the line at a level without telling anyone."""
        self.line.blockSignals(True)
        self.line.setValue(level)
        self.line.blockSignals(False)

    def _dragged(self, *_: Any) -> None:
        self.moved.emit(float(self.line.value()))

    def _dropped(self, *_: Any) -> None:
        self.released.emit()

    def _theme(self, *_: Any) -> None:
        """Colours of the viewer's theme."""
        name = getattr(self._viewer, "theme", get_settings().appearance.theme)
        is_dark = bool(sum(get_theme(name).background.as_rgb_tuple()[:3]) < 3 * 128)
        ground, ink = ("#1b1e23", "#c8ccd4") if is_dark else ("#ffffff", "#303030")
        self.setBackground(ground)
        for side in ("bottom", "left"):
            self.getAxis(side).setPen(ink)
            self.getAxis(side).setTextPen(ink)
        self.bars.setPen(pg.mkPen(BAR_COLORS[is_dark]))
        self.bars.setBrush(pg.mkBrush(BAR_COLORS[is_dark]))
