"""The curves of a training, drawn as they grow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from mapscope.table import Table
from mapscope.viewer.help import is_dark_theme
from mapscope.viewer.tables.curves import CURVE_COLORS

HEIGHT = 170
TRIVIAL = "trivial"


class CurvesPlot(QWidget):
    """Loss of training and validation by step, and the line of a trivial predictor."""

    def __init__(self) -> None:
        super().__init__()
        self.names = QLabel()
        self.names.setToolTip(
            "Loss by step: of training, of validation on structures never trained on, and what "
            "a predictor reaches that only knows how often each class comes; of maps, what the "
            "map that goes in has."
        )
        self.plot = pg.PlotWidget()
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setMenuEnabled(False)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.setLabel("bottom", "step")
        self.plot.setLabel("left", "loss")
        self.training = self.plot.plot()
        self.validation = self.plot.plot()
        self.trivial = pg.InfiniteLine(angle=0)
        self.plot.addItem(self.trivial, ignoreBounds=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.names)
        layout.addWidget(self.plot)
        self.theme()

    def show_curves(self, table: Table) -> None:
        """Draw what *Show training* gave."""
        for item, name in ((self.training, "loss"), (self.validation, "validation_loss")):
            step = np.asarray(table["step"], dtype=float)
            loss = np.asarray(table[name], dtype=float)
            known = np.isfinite(loss)
            item.setData(step[known], loss[known])
        level = (table.plot.levels if table.plot else {}).get(TRIVIAL)
        self.trivial.setVisible(level is not None)
        if level is not None:
            self.trivial.setValue(level)
        self._range(table, level)

    def _range(self, table: Table, level: float | None) -> None:
        """Show all of the curves, and the trivial line with them."""
        loss = [np.asarray(table[name], dtype=float) for name in ("loss", "validation_loss")]
        values = np.concatenate([*loss, [np.nan if level is None else level]])
        values = values[np.isfinite(values)]
        if not values.size:
            return
        high = float(values.max())
        # The likelihood of a map's variance may be below 0.
        self.plot.setYRange(min(0.0, float(values.min())), high or 1.0, padding=0.08)
        self.plot.setXRange(0, max(float(np.max(table["step"])), 1.0), padding=0.02)

    def theme(self, *_: Any) -> None:
        """Colours of napari's theme."""
        is_dark = is_dark_theme()
        training, validation, trivial = CURVE_COLORS["dark" if is_dark else "light"][:3]
        ground, ink = ("#1b1e23", "#e6e6e6") if is_dark else ("#ffffff", "#202020")
        self.plot.setBackground(ground)
        for side in ("bottom", "left"):
            self.plot.getAxis(side).setPen(ink)
            self.plot.getAxis(side).setTextPen(ink)
        self.training.setPen(pg.mkPen(training, width=1))
        self.validation.setPen(pg.mkPen(validation, width=2))
        self.validation.setSymbol("o")
        self.validation.setSymbolSize(5)
        self.validation.setSymbolBrush(validation)
        self.validation.setSymbolPen(None)
        self.trivial.setPen(pg.mkPen(trivial, width=1, style=Qt.PenStyle.DashLine))
        shown = (("training", training), ("validation", validation), ("trivial", trivial))
        self.names.setText(
            "&nbsp; ".join(f"<span style='color:{color}'>▬ {name}</span>" for name, color in shown)
        )
