"""The Plot dock: curves of a table, its result in large type, and saving both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.settings import get_settings
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from pyqtgraph.exporters import ImageExporter
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.files import write
from mapscope.table import Plot, Table
from mapscope.viewer.help import add_help
from mapscope.viewer.workspace import bare_viewer, workspace_of

CURVE_COLORS = {
    "dark": ("#ffb454", "#59c2ff", "#aad94c", "#f07178", "#d2a6ff"),
    "light": ("#b35900", "#0062b1", "#3d7a00", "#b3261e", "#6f3fb8"),
}
"""Colours that differ in brightness as well as in hue."""

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


class PlotDock(QWidget):
    """Draws the table that was shown last.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "plot"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.table: Table | None = None
        self.headline = QLabel("No curve yet")
        self.headline.setWordWrap(True)
        # A style sheet, because napari's own would undo a font that is set.
        self.headline.setStyleSheet("font-size: 15pt; font-weight: bold;")
        self.top_axis = ReciprocalAxis("top")
        self.plot = pg.PlotWidget(axisItems={"top": self.top_axis})
        self.plot.setMinimumHeight(120)
        # In the dock the curves are named above the plot, where no curve can run under them.
        self.names = QLabel()
        self.names.setWordWrap(True)
        self.legend = self.plot.addLegend(offset=(-4, 4))
        self.legend.setVisible(False)
        self.save_button = QPushButton("Save table…")
        self.save_button.setToolTip("CSV, TSV, JSON, or the FSC XML that EMDB deposition takes.")
        self.picture_button = QPushButton("Save picture…")
        buttons = QHBoxLayout()
        buttons.addWidget(self.save_button)
        buttons.addWidget(self.picture_button)
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        top = QHBoxLayout()
        top.addWidget(self.headline, stretch=1)
        layout.addLayout(top)
        layout.addWidget(self.names)
        layout.addWidget(self.plot, stretch=1)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        add_help(self, layout)
        self.save_button.clicked.connect(self._ask_table)
        self.picture_button.clicked.connect(self._ask_picture)
        workspace = workspace_of(napari_viewer)
        workspace.table_shown.connect(self.show_table)
        napari_viewer.events.theme.connect(self._theme)
        self._theme()
        self._enable()
        if workspace.table is not None:
            self.show_table(workspace.table)

    @property
    def is_dark(self) -> bool:
        """Whether the viewer's theme is dark."""
        name = getattr(self.viewer, "theme", get_settings().appearance.theme)
        return bool(sum(get_theme(name).background.as_rgb_tuple()[:3]) < 3 * 128)

    def show_table(self, table: Table) -> None:
        """Draw a table; one without a plot is named and can be saved."""
        self.table = table
        self.plot.clear()
        self.legend.clear()
        self.message.setVisible(False)
        self._enable()
        if table.plot is None:
            self.headline.setText(f"A table of {len(table)} rows")
            self.names.setVisible(False)
            return
        plot = table.plot
        self.headline.setText(plot.headline)
        self.headline.setVisible(bool(plot.headline))
        self._axes(plot)
        self._curves(table, plot)
        self._lines(plot)
        self._range(table, plot)

    def _axes(self, plot: Plot) -> None:
        """Labels with units; for a spatial frequency a second axis in Å."""
        self.plot.setTitle(plot.title or None)
        labels = {"bottom": plot.x_label, "left": plot.y_label, "top": ""}
        if plot.reciprocal_x:
            labels["top"] = "resolution (Å)"
        for side, text in labels.items():
            # Without this, small numbers are shown a thousandfold, and the label does not say so.
            self.plot.getAxis(side).setLabel(text, siPrefixEnableRanges=())
            self.plot.getAxis(side).enableAutoSIPrefix(False)
        self.plot.showAxis("top", plot.reciprocal_x)

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

    def _lines(self, plot: Plot) -> None:
        """Levels and marks, named where they stand."""
        color = "#c0c0c0" if self.is_dark else "#505050"
        for angle, lines, place in ((0, plot.levels, 0.02), (90, plot.marks, 0.93)):
            for name, value in lines.items():
                if np.isfinite(value):
                    self.plot.addItem(
                        pg.InfiniteLine(
                            value,
                            angle=angle,
                            pen=pg.mkPen(color, width=1, style=Qt.PenStyle.DashLine),
                            label=name,
                            labelOpts={"position": place, "color": color, "anchors": [(0, 1)] * 2},
                        )
                    )

    def _range(self, table: Table, plot: Plot) -> None:
        """Show all of it, and a correlation from just below 0 to just above 1."""
        x, *columns = (np.asarray(table[name], dtype=float) for name in (plot.x, *plot.y))
        x, y = x[np.isfinite(x)], np.concatenate([c[np.isfinite(c)] for c in columns])
        if not x.size or not y.size:
            return
        low, high = float(y.min()), float(y.max())
        if plot.reciprocal_x and max(-low, high) <= 1.001:
            low, high = min(low, 0.0), 1.0
        room = 0.05 * (high - low or 1.0)
        self.plot.setXRange(float(x.min()), float(x.max()), padding=0.02)
        self.plot.setYRange(low - room, high + room, padding=0)

    def _theme(self, *_: Any) -> None:
        """Colours of the viewer's theme."""
        ground, ink = ("#1b1e23", "#e6e6e6") if self.is_dark else ("#ffffff", "#202020")
        self.plot.setBackground(ground)
        for side in ("bottom", "left", "top"):
            axis = self.plot.getAxis(side)
            axis.setPen(ink)
            axis.setTextPen(ink)
        self.legend.setLabelTextColor(ink)
        if self.table is not None:
            self.show_table(self.table)

    def _enable(self) -> None:
        has_table = self.table is not None
        self.save_button.setEnabled(has_table)
        self.picture_button.setEnabled(has_table)

    def _ask_table(self) -> None:
        kinds = "CSV (*.csv);;TSV (*.tsv);;JSON (*.json);;EMDB FSC XML (*.xml)"
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", "curves.csv", kinds)
        if path and self.table is not None:
            try:
                self._say(f"Saved {write(Path(path), self.table).name}")
            except (MapscopeError, OSError) as error:
                self._say(str(error))

    def _ask_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the picture", "plot.png", "PNG (*.png)")
        if path:
            self.save_picture(Path(path))
            self._say(f"Saved {Path(path).name}")

    def _say(self, text: str) -> None:
        """Show a line under the buttons."""
        self.message.setText(text)
        self.message.setVisible(True)

    def save_picture(self, path: Path) -> None:
        """Write the plot as a PNG, 1200 pixels wide."""
        self.legend.setVisible(True)
        exporter = ImageExporter(self.plot.plotItem)
        exporter.parameters()["width"] = 1200
        exporter.export(str(path))
        self.legend.setVisible(False)
