"""The scores of picks as a histogram, by class in colours, and a threshold to be dragged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from qtpy.QtCore import Signal

from mapscope.viewer.picks.known import Flags, Picks
from mapscope.viewer.picks.theme import Themed
from mapscope.volume import Array

HEIGHT = 100
BINS = 60
LINE_COLOR = {True: "#ffb454", False: "#b35900"}
"""Of the threshold, in a dark theme and in a light one."""
SHADE = 110
"""Opacity of what lies over the scores that go, of 255."""


class ScoreHistogram(pg.PlotWidget):
    """Counts of scores, a stack of classes in each bar, and a line at the threshold.

    Parameters
    ----------
    viewer : napari.Viewer
        Its theme gives the colours.
    """

    moved = Signal(float)
    """Where the line is while it is dragged."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setMouseEnabled(x=False, y=False)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.getAxis("left").setWidth(34)
        for side in ("left", "bottom"):
            self.getAxis(side).enableAutoSIPrefix(False)
        self.edges: Array = np.array([0.0, 1.0])
        self._bars: list[Any] = []
        self.shade = pg.LinearRegionItem((0, 0), movable=False, pen=pg.mkPen(None))
        self.shade.setZValue(5)
        self.line = pg.InfiniteLine(0, angle=90, movable=True)
        self.line.setZValue(10)
        self.addItem(self.shade)
        self.addItem(self.line)
        self.line.sigDragged.connect(self._dragged)
        self.setToolTip("Drag the line: picks of a lower score go. Those by hand always stay.")
        self._theme = Themed(viewer, self._show_theme)
        self.destroyed.connect(self._theme.end)

    def show_picks(self, picks: Picks, is_shown: Flags, colors: Mapping[str, str]) -> None:
        """Draw the scores of some picks.

        Parameters
        ----------
        picks : Picks
            All of a list.
        is_shown : bool array (n,)
            Those whose scores are drawn.
        colors : mapping of str to str
            Colour of each class.
        """
        for bar in self._bars:
            self.removeItem(bar)
        self._bars = []
        scored = is_shown & np.isfinite(picks.score)
        has_scores = bool(scored.any())
        for item in (self.line, self.shade):
            item.setVisible(has_scores)
        if not has_scores:
            return
        self.edges = edges_of(picks.score[scored])
        base = np.zeros(len(self.edges) - 1)
        for word in picks.classes.known:
            counts, _ = np.histogram(picks.score[scored & picks.classes.are(word)], self.edges)
            if counts.any():
                self._add_bars(base, counts, colors[word])
                base = base + counts
        low, high = float(self.edges[0]), float(self.edges[-1])
        self.line.setBounds((low, high))
        self.setXRange(low, high, padding=0.02)
        self.setYRange(0, 1.05 * float(base.max()), padding=0)

    def show_threshold(self, threshold: float | None) -> None:
        """Put the line at a threshold without telling anyone; at the left where there is none."""
        low = float(self.edges[0])
        place = low if threshold is None else float(np.clip(threshold, low, self.edges[-1]))
        self.line.blockSignals(True)
        self.line.setValue(place)
        self.line.blockSignals(False)
        self._show_shade()

    def _add_bars(self, base: Array, counts: Array, color: str) -> None:
        """One colour of the stack."""
        bars = pg.BarGraphItem(
            x0=self.edges[:-1],
            x1=self.edges[1:],
            y0=base,
            height=counts,
            brush=pg.mkBrush(color),
            pen=pg.mkPen(None),
        )
        self._bars.append(bars)
        self.addItem(bars)

    def _dragged(self, *_: Any) -> None:
        self._show_shade()
        self.moved.emit(float(self.line.value()))

    def _show_shade(self) -> None:
        """Cover the scores that go."""
        low = float(self.edges[0]) - (float(self.edges[-1]) - float(self.edges[0]))
        self.shade.setRegion((low, float(self.line.value())))

    def _show_theme(self, *, is_dark: bool) -> None:
        """Take the colours of a dark or of a light window."""
        ground, ink = ("#1b1e23", "#c8ccd4") if is_dark else ("#ffffff", "#303030")
        self.setBackground(ground)
        for side in ("bottom", "left"):
            self.getAxis(side).setPen(ink)
            self.getAxis(side).setTextPen(ink)
        self.line.setPen(pg.mkPen(LINE_COLOR[is_dark], width=2))
        self.line.setHoverPen(pg.mkPen(LINE_COLOR[is_dark], width=4))
        veil = pg.mkColor(ground)
        veil.setAlpha(SHADE + 60)
        self.shade.setBrush(veil)


def edges_of(scores: npt.ArrayLike) -> Array:
    """Borders of the bars, from the lowest score to the highest.

    Examples
    --------
    >>> edges_of([0.0, 6.0])[[0, 1, -1]]
    array([0. , 0.1, 6. ])
    """
    low, high = float(np.min(scores)), float(np.max(scores))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)
