"""The rows of the Structure dock that say what colours stand for."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from mapscope.table import Table
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.look import COLORMAPS, SCORE, WAYS

NO_TABLE = "Show a table with columns chain, number and a score in the Plot dock to colour by it."
ONLY_NUMBERS = "Only where colours stand for numbers: B-factor, occupancy or a score."


class ColoringRows(QWidget):
    """What a structure is coloured by, the ramp and its limits, and a legend.

    `chosen` is emitted when the user asks for other colours.
    """

    chosen = Signal()
    bar_toggled = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.ways = QComboBox()
        self.ways.setToolTip("What the colours of the structure stand for.")
        self.colormaps = QComboBox()
        self.colormaps.addItems(COLORMAPS)
        self.inverted = QCheckBox("Inverted")
        self.low, self.high = _limit(), _limit()
        self.spread = QPushButton("2–98 %")
        self.bar = QCheckBox("Colour bar in the view")
        self.bar.setChecked(True)
        self.legend = QLabel()
        self.legend.setWordWrap(True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self._tips = {
            self.colormaps: "Colours from the lower limit to the upper.",
            self.inverted: "Let the colours run the other way.",
            self.low: "Value of the first colour; what is lower has it too.",
            self.high: "Value of the last colour; what is higher has it too.",
            self.spread: "Set the limits to the 2 and 98 % quantiles of the values.",
            self.bar: "Draw the colour bar, with its unit, where pictures of the view show it.",
        }
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        rows.addRow("Colour by", self.ways)
        rows.addRow("Colours", _in_row(self.colormaps, self.inverted))
        rows.addRow("Limits", _in_row(self.low, self.high, self.spread))
        rows.addRow("", self.bar)
        rows.addRow(self.legend)
        self.list_ways(None)
        self.ways.activated.connect(self._way_chosen)
        self.colormaps.activated.connect(self._emit)
        self.inverted.clicked.connect(self._emit)
        self.low.editingFinished.connect(self._limits_edited)
        self.high.editingFinished.connect(self._limits_edited)
        self.spread.clicked.connect(self._spread)
        self.bar.clicked.connect(self.bar_toggled)
        self.limits: tuple[float, float] | None = None
        self._shown: tuple[float, float] = (0.0, 0.0)

    # What was chosen

    @property
    def way(self) -> tuple[str, str | None]:
        """One of `WAYS`, and for a score of the table its column; None for the score of before."""
        found: tuple[str, str | None] = self.ways.currentData()
        return found

    def list_ways(self, table: Table | None, score: str | None = None) -> None:
        """Offer all ways to colour, with the columns of the table that names residues."""
        now = self.ways.currentData()
        self.ways.clear()
        for way in WAYS[:-1]:
            self.ways.addItem(way, (way, None))
        if score is not None:
            self.ways.addItem(score, (SCORE, None))
        columns = score_columns(table)
        for column in columns:
            self.ways.addItem(f"{column.replace('_', ' ')} (table)", (SCORE, column))
        if not columns and score is None:
            self.ways.addItem(SCORE, (SCORE, None))
            item = self.ways.model().item(self.ways.count() - 1)
            item.setEnabled(False)
            item.setToolTip(NO_TABLE)
        self._choose(now)

    def _choose(self, way: Any) -> None:
        """Show a way to colour as the chosen one, where it is offered."""
        places = [k for k in range(self.ways.count()) if self.ways.itemData(k) == way]
        self.ways.setCurrentIndex(places[0] if places else 0)

    def show(self, figure: Figure | None, table: Table | None) -> None:
        """Show how a structure is coloured."""
        score = None if figure is None or figure.look.score is None else figure.look.score.name
        self.list_ways(table, score)
        numeric = figure is not None and figure.look.is_numeric
        for widget, tip in self._tips.items():
            widget.setEnabled(numeric)
            widget.setToolTip(tip if numeric else ONLY_NUMBERS)
        self.legend.setText("" if figure is None else _legend(figure))
        self.legend.setVisible(bool(self.legend.text()))
        if figure is None:
            return
        self._choose((figure.look.by, None))
        self.colormaps.setCurrentText(figure.look.colormap)
        self.inverted.setChecked(figure.look.is_inverted)
        self.bar.setChecked(figure.has_bar)
        self.limits = figure.look.limits
        if figure.made is not None and figure.made.limits is not None and numeric:
            self._show_limits(figure.made.limits, figure.look.caption)

    def _show_limits(self, limits: tuple[float, float], caption: str) -> None:
        """Put limits into the fields, with the unit that the caption names."""
        unit = caption.partition("(")[2].rstrip(")")
        step = (limits[1] - limits[0]) / 20
        for box, value in zip((self.low, self.high), limits, strict=True):
            box.setSuffix(f" {unit}" if unit else "")
            box.setSingleStep(step)
            box.setDecimals(max(0, min(6, 3 - _magnitude(step * 20))))
            box.setValue(value)
        self._shown = (self.low.value(), self.high.value())

    # What the user does

    def _emit(self, *_: Any) -> None:
        self.chosen.emit()

    def _way_chosen(self, *_: Any) -> None:
        """Other numbers have other limits."""
        self.limits = None
        self.chosen.emit()

    def _limits_edited(self) -> None:
        """Take limits that were typed, once they differ; the lower one goes first."""
        typed = (self.low.value(), self.high.value())
        if typed == self._shown or typed[0] == typed[1]:
            return
        self._shown = typed
        self.limits = (min(typed), max(typed))
        self.chosen.emit()

    def _spread(self) -> None:
        self.limits = None
        self.chosen.emit()


def score_columns(table: Table | None) -> list[str]:
    """The columns of a table of residues that hold numbers to colour by."""
    if table is None or not {"chain", "number"} <= set(table.columns):
        return []
    return [
        name
        for name, values in table.columns.items()
        if name not in ("number", "chain", "insertion_code") and values.dtype.kind in "fiu"
    ]


def _legend(figure: Figure) -> str:
    """What colours stand for, as squares with names."""
    if figure.made is None or figure.made.order.look is not figure.look:
        return ""
    entries = figure.made.coloring.legend
    shown = [
        f"<span style='color:{color}'>■</span>&nbsp;{name.replace(' ', '&nbsp;')}"
        for name, color in entries[:24]
    ]
    more = f" and {len(entries) - 24} more" if len(entries) > 24 else ""
    return "&ensp; ".join(shown) + more


def _magnitude(value: float) -> int:
    """How many digits a number has before the point; 0 or less for small ones."""
    text = f"{abs(value):e}"
    return int(text.partition("e")[2]) + 1 if value else 0


def _limit() -> QDoubleSpinBox:
    """A field for one end of a ramp."""
    box = QDoubleSpinBox()
    box.setRange(-1e6, 1e6)
    box.setKeyboardTracking(False)
    return box


def _in_row(*widgets: QWidget) -> QWidget:
    """Widgets beside each other, the first ones as wide as there is room for."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        stretch = 1 if isinstance(widget, QComboBox | QDoubleSpinBox) else 0
        layout.addWidget(widget, stretch=stretch)
    return row
