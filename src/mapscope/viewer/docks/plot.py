"""The Plot dock: a result's tables as curves and as rows, its answer in large type, saving all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.settings import get_settings
from napari.utils.theme import get_theme
from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtGui import QResizeEvent
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.files import write
from mapscope.job import in_words
from mapscope.table import Table
from mapscope.viewer.help import add_help
from mapscope.viewer.saving import save_report
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.scene import structures_of
from mapscope.viewer.tables.cells import has_water, names_residues
from mapscope.viewer.tables.curves import Curves
from mapscope.viewer.tables.row_table import RowTable
from mapscope.viewer.tables.scored import Scored
from mapscope.viewer.workspace import bare_viewer, workspace_of

NO_WATER = "-water"
"""What the filter says at first where water would stand before the molecule."""

LARGE, AMONG_ROWS = 15, 12
"""Points of the headline, above a curve alone and where rows want room as well."""

WIDE = 1.6
"""Width of the dock, as a multiple of its height, from which rows stand beside the curve."""


class PlotDock(QWidget):
    """Draws the table that was shown last, and lists its rows.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "plot"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.scene = structures_of(napari_viewer)
        self.table: Table | None = None
        self.scored = Scored(self.scene)
        self.headline = QLabel("No curve yet")
        self.headline.setWordWrap(True)
        self.curves = Curves()
        self.plot = self.curves.plot
        self.rows = RowTable()
        self._make_controls()
        self._lay_out()
        self._connect(napari_viewer)
        self._theme()
        self._show_parts()
        self._enable()
        if self.workspace.table is not None:
            self.show_table(self.workspace.table)

    # Building

    def _make_controls(self) -> None:
        """What chooses, filters and saves."""
        self.tables = QComboBox()
        self.tables.setToolTip("The tables of the result that came last.")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: A, LYS, A/12")
        self.filter.setToolTip(
            "Only rows of this chain, or in which these words stand; after a minus sign, only "
            "those in which they do not: -water."
        )
        self.filter.setClearButtonEnabled(True)
        self.rows_button = QPushButton("Rows")
        self.rows_button.setCheckable(True)
        self.rows_button.setToolTip("List the rows of the table below the curve.")
        self.back_button = QPushButton("Back")
        self.back_button.setToolTip("Draw the table again instead of the answer to a click.")
        self.save_button = QPushButton("Save table…")
        self.save_button.setToolTip("CSV, TSV, JSON, or the FSC XML that EMDB deposition takes.")
        self.picture_button = QPushButton("Save picture…")
        self.picture_button.setToolTip("The curve as PNG.")
        self.report_button = QPushButton("Save report…")
        self.report_button.setToolTip("All of the result on one HTML page, with its plots.")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)

    def _lay_out(self) -> None:
        """The answer on top, below it curve and rows, and what saves them."""
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.curves)
        self.splitter.addWidget(self.rows)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        choices, buttons = QHBoxLayout(), QHBoxLayout()
        choices.addWidget(self.tables, stretch=1)
        choices.addWidget(self.filter, stretch=1)
        choices.addWidget(self.rows_button)
        for button in (self.save_button, self.picture_button, self.report_button):
            buttons.addWidget(button)
        top = QHBoxLayout()
        top.addWidget(self.headline, stretch=1)
        top.addWidget(self.back_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        layout.addLayout(choices)
        layout.addWidget(self.splitter, stretch=1)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        add_help(self, layout)

    def _connect(self, napari_viewer: Viewer) -> None:
        """Follow the workspace, the structures and the controls."""
        self.tables.activated.connect(self._table_chosen)
        self.filter.textChanged.connect(self.rows.filter)
        self.rows_button.clicked.connect(self._show_parts)
        self.back_button.clicked.connect(self._draw_rows)
        self.save_button.clicked.connect(self._ask_table)
        self.picture_button.clicked.connect(self._ask_picture)
        self.report_button.clicked.connect(self._ask_report)
        self.rows.chosen.connect(self._row_chosen)
        # Bound methods of a widget: Qt and napari forget them when the dock is closed.
        self.scored.curve_found.connect(self.show_answer)
        self.scored.failed.connect(self._say_error)
        self.scene.selected.connect(self._selected)
        self.workspace.table_shown.connect(self.show_table)
        self.workspace.answered.connect(self.show_answer)
        napari_viewer.events.theme.connect(self._theme)

    # What is shown

    @property
    def is_dark(self) -> bool:
        """Whether the viewer's theme is dark."""
        name = getattr(self.viewer, "theme", get_settings().appearance.theme)
        return bool(sum(get_theme(name).background.as_rgb_tuple()[:3]) < 3 * 128)

    def show_table(self, table: Table) -> None:
        """Draw a table and list its rows; of one without a plot only the rows."""
        self.message.setVisible(False)
        self.scored.show(table, self.workspace.entry_of(table))
        self._list_tables(table)
        self.rows.show_table(table)
        self.filter.setText(NO_WATER if has_water(table) else "")
        self.rows_button.setChecked(table.plot is None or names_residues(table))
        self._draw(table)

    def show_answer(self, table: Table) -> None:
        """Draw what a click was answered with; the rows stay as they are."""
        self.message.setVisible(False)
        if self.rows.rows.table is None:
            self.rows.show_table(table)
        self._draw(table)

    def _draw_rows(self) -> None:
        """Draw the table whose rows are listed."""
        if self.rows.rows.table is not None:
            self._draw(self.rows.rows.table)

    def _draw(self, table: Table) -> None:
        """Draw a table and say its result."""
        self.table = table
        self.curves.show_table(table)
        said = f"{len(table):,} rows" if table.plot is None else table.plot.headline
        self.headline.setText(said)
        self.headline.setVisible(bool(said))
        self._show_parts()
        self._enable()

    def _show_parts(self, *_: Any) -> None:
        """Show curve and rows, or the one that there is."""
        listed, has_curve = self.rows.rows.table, self._has_curve()
        has_rows = listed is not None and (self.rows_button.isChecked() or not has_curve)
        # A style sheet, because napari's own would undo a font that is set.
        size = AMONG_ROWS if has_rows else LARGE
        self.headline.setStyleSheet(f"font-size: {size}pt; font-weight: bold;")
        self.curves.setVisible(has_curve or listed is None)
        self.rows.setVisible(has_rows)
        self.rows_button.setVisible(listed is not None and has_curve)
        self.filter.setVisible(has_rows and listed is not None and "chain" in listed.columns)
        self.back_button.setVisible(self.table is not listed)

    def _has_curve(self) -> bool:
        """Whether what is drawn has curves."""
        return self.table is not None and self.table.plot is not None

    def _list_tables(self, table: Table) -> None:
        """Offer the tables of the result that a table belongs to."""
        entry = self.workspace.entry_of(table)
        nouns = {} if entry is None else entry.nouns
        found = {name: noun for name, noun in nouns.items() if isinstance(noun, Table)}
        self.tables.clear()
        for name, noun in found.items():
            self.tables.addItem(in_words(name), noun)
            if noun is table:
                self.tables.setCurrentIndex(self.tables.count() - 1)
        self.tables.setVisible(len(found) > 1)
        self.report_button.setVisible(entry is not None and entry.has_report)

    def _theme(self, *_: Any) -> None:
        """Colours of the viewer's theme."""
        self.curves.show_theme(is_dark=self.is_dark)

    def _enable(self) -> None:
        """Let only be saved what there is."""
        self.save_button.setEnabled(self.table is not None)
        self.picture_button.setEnabled(self._has_curve())
        if self.table is None:
            self.tables.setVisible(False)
            self.report_button.setVisible(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  Qt's name
        """Put the rows beside the curve where the dock is wide, else below it."""
        is_wide = event.size().width() > WIDE * event.size().height()
        sides = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        self.splitter.setOrientation(sides[0] if is_wide else sides[1])
        super().resizeEvent(event)

    # What the user does

    def _table_chosen(self, *_: Any) -> None:
        """Show the table that was chosen; the other docks hear of it."""
        table = self.tables.currentData()
        if table is not None:
            self.workspace.show_table(table)

    def _row_chosen(self, row: int) -> None:
        """Go to what a row is about."""
        self.message.setVisible(False)
        self.scored.go_to(row)

    def _selected(self, figure: Figure) -> None:
        """Mark the row of a residue that was selected, and ask for its curve."""
        if self.scored.is_about(figure):
            self.rows.mark(self.scored.row_of_selection())
            self.scored.ask_curve()

    def _ask_table(self) -> None:
        """Save the rows that are listed, or else the curve that is drawn."""
        table = self.rows.rows.table if not self.rows.isHidden() else self.table
        kinds = "CSV (*.csv);;TSV (*.tsv);;JSON (*.json);;EMDB FSC XML (*.xml)"
        name = self.tables.currentText().lower() if self.tables.count() > 1 else "curves"
        path, _ = QFileDialog.getSaveFileName(self, "Save the table", f"{name}.csv", kinds)
        if path and table is not None:
            try:
                self._say(f"Saved {write(Path(path), table).name}")
            except (MapscopeError, OSError) as error:
                self._say(str(error))

    def _ask_picture(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save the picture", "plot.png", "PNG (*.png)")
        if path:
            self.curves.save_picture(Path(path))
            self._say(f"Saved {Path(path).name}")

    def _ask_report(self) -> None:
        entry = None if self.workspace.table is None else self.scored.entry
        if entry is not None:
            save_report(self, entry, self._say)

    def _say(self, text: str) -> None:
        """Show a line under the buttons."""
        self.message.setText(text)
        self.message.setVisible(True)

    def _say_error(self, error: BaseException) -> None:
        self._say(str(error))

    def save_picture(self, path: Path) -> None:
        """Write the plot as a PNG, 1200 pixels wide."""
        self.curves.save_picture(path)
