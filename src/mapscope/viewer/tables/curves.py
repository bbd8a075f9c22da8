"""The curves of a table: axes with units, named lines, and a picture of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from pyqtgraph.exporters import ImageExporter
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from mapscope.table import Plot, Table

CURVE_COLORS = {
    "dark": ("#ffb454", "#59c2ff", "#aad94c", "#f07178", "#d2a6ff"),
    "light": ("#b35900", "#0062b1", "#3d7a00", "#b3261e", "#6f3fb8"),
}
"""Colours that differ in brightness as well as in hue."""

STEP = 0.16
"""Between the heights of the names of neighbouring marks, as a share of the plot's height."""

NO_BREAK = "\u00a0"
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine)


class ReciprocalAxis(pg.AxisItem):
    """An axis of spatial frequency in 1/Å whose ticks are labelled in Å."""

    def tickStrings(  # noqa: N802  pyqtgraph's name
        self, values: list[float], scale: float, spacing: float
    ) -> list[str]:
        """Resolution in Å for every tick."""
        del spacing
        return ["∞" if v * scale <= 1e-9 else f"{1 / (v * scale):.3g}" for v in values]


class Curves(QWidget):
    """Draws the curves of a table, with their names above the plot."""

    def __init__(self) -> None:
        super().__init__()
        self.table: Table | None = None
        self.is_dark = True
        self.top_axis = ReciprocalAxis("top")
        self.plot = pg.PlotWidget(axisItems={"top": self.top_axis})
        self.plot.setMinimumHeight(120)
        # In the dock the curves are named above the plot, where no curve can run under them.
        self.names = QLabel()
        self.names.setWordWrap(True)
        self.legend = self.plot.addLegend(offset=(-4, 4))
        self.legend.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.names)
        layout.addWidget(self.plot, stretch=1)

    def show_table(self, table: Table) -> None:
        """Draw the curves of a table; one without a plot has none."""
        self.table = table
        self.plot.clear()
        self.legend.clear()
        plot = table.plot
        if plot is None:
            self.names.setVisible(False)
            return
        self._axes(plot)
        draw = self._bars if plot.bars else self._curves
        draw(table, plot)
        self._lines(plot, np.asarray(table[plot.x], dtype=float))
        self._range(table, plot)

    def show_theme(self, *, is_dark: bool) -> None:
        """Take the colours of a dark or of a light window."""
        self.is_dark = is_dark
        ground, ink = ("#1b1e23", "#e6e6e6") if is_dark else ("#ffffff", "#202020")
        self.plot.setBackground(ground)
        for side in ("bottom", "left", "top"):
            axis = self.plot.getAxis(side)
            axis.setPen(ink)
            axis.setTextPen(ink)
        self.legend.setLabelTextColor(ink)
        if self.table is not None:
            self.show_table(self.table)

    def save_picture(self, path: Path) -> None:
        """Write the plot as a PNG, 1200 pixels wide."""
        plot = None if self.table is None else self.table.plot
        self.legend.setVisible(True)
        self.plot.setTitle((plot and plot.title) or None)
        exporter = ImageExporter(self.plot.plotItem)
        exporter.parameters()["width"] = 1200
        exporter.export(str(path))
        self.legend.setVisible(False)
        self.plot.setTitle(None)

    def _axes(self, plot: Plot) -> None:
        """Labels with units; for a spatial frequency a second axis in Å."""
        labels = {"bottom": plot.x_label, "left": plot.y_label, "top": ""}
        if plot.reciprocal_x:
            labels["top"] = "resolution (Å)"
        for side, text in labels.items():
            # Without this, small numbers are shown a thousandfold, and the label does not say so.
            self.plot.getAxis(side).setLabel(text, siPrefixEnableRanges=())
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.getAxis("bottom").setTicks(None)
        self.plot.showAxis("top", plot.reciprocal_x)

    def _bars(self, table: Table, plot: Plot) -> None:
        """A bar for each row, with its name under it."""
        color = CURVE_COLORS["dark" if self.is_dark else "light"][0]
        x = np.asarray(table[plot.x], dtype=float)
        height = np.nan_to_num(np.asarray(table[plot.y[0]], dtype=float))
        self.plot.addItem(pg.BarGraphItem(x=x, height=height, width=0.6, brush=color, pen=color))
        names = [str(name) for name in table[plot.bars]]
        self.plot.getAxis("bottom").setTicks([list(zip(x.tolist(), names, strict=True))])
        self.names.setVisible(False)

    def _curves(self, table: Table, plot: Plot) -> None:
        """One line for each column."""
        colors = CURVE_COLORS["dark" if self.is_dark else "light"]
        x = np.asarray(table[plot.x], dtype=float)
        for n, name in enumerate(plot.y):
            y = np.asarray(table[name], dtype=float)
            known = np.isfinite(x) & np.isfinite(y)
            style = STYLES[n // len(colors) % len(STYLES)]
            # The first of two is seen on either side of the second where they coincide.
            width = 5 if n == 0 and len(plot.y) == 2 else 2
            pen = pg.mkPen(colors[n % len(colors)], width=width, style=style)
            self.plot.plot(x[known], y[known], pen=pen, name=name.replace("_", " "))
        self.names.setText(
            "&nbsp; ".join(
                f"<span style='color:{colors[n % len(colors)]}; white-space:nowrap'>"
                f"▬{NO_BREAK}{name.replace('_', NO_BREAK)}</span> "
                for n, name in enumerate(plot.y)
            )
        )
        self.names.setVisible(len(plot.y) > 1)

    def _lines(self, plot: Plot, x: npt.NDArray[np.float64]) -> None:
        """Levels and marks, named where they stand; neighbouring marks at different heights."""
        for name, value in plot.levels.items():
            self._line(name, value, 0, 0.02, (0, 1))
        known = x[np.isfinite(x)]
        middle = float(known.min() + known.max()) / 2 if known.size else 0.0
        for k, (name, value) in enumerate(sorted(plot.marks.items(), key=lambda mark: mark[1])):
            # Inside the plot: to the left of what stands on the right.
            self._line(name, value, 90, 0.98 - STEP * (k % 3), (int(value > middle), 0))

    def _line(
        self, name: str, value: float, angle: int, place: float, anchor: tuple[int, int]
    ) -> None:
        """A line with its name at a share of its length."""
        if not np.isfinite(value):
            return
        color = "#c0c0c0" if self.is_dark else "#505050"
        pen = pg.mkPen(color, width=1, style=Qt.PenStyle.DashLine)
        options = {"position": place, "color": color, "anchors": [anchor] * 2}
        line = pg.InfiniteLine(value, angle=angle, pen=pen, label=name, labelOpts=options)
        self.plot.addItem(line)

    def _range(self, table: Table, plot: Plot) -> None:
        """Show all of it, and a correlation from just below 0 to just above 1."""
        x, *columns = (np.asarray(table[name], dtype=float) for name in (plot.x, *plot.y))
        if plot.bars:
            columns = [np.nan_to_num(c) for c in columns]
        x, y = x[np.isfinite(x)], np.concatenate([c[np.isfinite(c)] for c in columns])
        if not x.size or not y.size:
            self.plot.setRange(xRange=(0, 1), yRange=(0, 1))
            return
        low, high = float(y.min()), float(y.max())
        if plot.bars:
            low, high = min(low, 0.0), max(high, 1.0)
            x = np.concatenate([x - 0.5, x + 0.5])
        if plot.reciprocal_x and max(-low, high) <= 1.001:
            low, high = min(low, 0.0), 1.0
        room = 0.05 * (high - low or 1.0)
        self.plot.setXRange(float(x.min()), float(x.max()), padding=0.02)
        self.plot.setYRange(low - room, high + room, padding=0)
