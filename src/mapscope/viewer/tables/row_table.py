"""A table of a result: sorted by a click on a column, one row chosen at a time."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QModelIndex, Qt, Signal
from qtpy.QtWidgets import QAbstractItemView, QTableView

from mapscope.table import Table
from mapscope.viewer.tables.cells import plotted_score
from mapscope.viewer.tables.rows import RowModel

ROW_HEIGHT = 22
LOOKED_AT = 200
"""Rows that a column's width is taken from."""


class RowTable(QTableView):
    """Rows of a table noun.

    `chosen` gives the row of the table that the user clicked on or went to by arrow keys.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rows = RowModel(self)
        self.setModel(self.rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setCornerButtonEnabled(False)
        self.setMinimumHeight(90)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.horizontalHeader().setResizeContentsPrecision(LOOKED_AT)
        self.horizontalHeader().setHighlightSections(False)
        self.setSortingEnabled(True)
        self._row: int | None = None
        self._is_silent = False
        self.rows.modelReset.connect(self._mark)
        self.selectionModel().currentChanged.connect(self._moved)
        self.clicked.connect(self._tell)
        self.activated.connect(self._tell)

    def show_table(self, table: Table | None) -> None:
        """Show a table; one of residues begins with the lowest score."""
        self._row = None
        self.rows.show(table)
        score = None if table is None else plotted_score(table)
        column = -1 if score is None else self.rows.names.index(score)
        # Also where the column is the one of before, when Qt would not sort by itself.
        self.rows.sort(column, Qt.SortOrder.AscendingOrder)
        self.horizontalHeader().setSortIndicator(column, Qt.SortOrder.AscendingOrder)
        self.resizeColumnsToContents()
        self.scrollToTop()

    def renew(self, table: Table) -> None:
        """Show a table like the one before, in its order and at its place."""
        is_alike = self.rows.table is not None
        self._row = None
        self.rows.renew(table)
        if not is_alike:
            self.resizeColumnsToContents()

    def filter(self, text: str) -> None:
        """Show only the rows in which every word stands."""
        self.rows.filter(text)

    def mark(self, row: int | None) -> None:
        """Mark a row and scroll to it, without choosing it anew; None marks nothing."""
        if row != self._row:
            self._row = row
            self._mark()

    def _mark(self) -> None:
        """Mark the chosen row where it stands now."""
        place = QModelIndex() if self._row is None else self.rows.place_of(self._row)
        self._is_silent = True
        if place.isValid():
            self.selectRow(place.row())
            self.scrollTo(place, QAbstractItemView.ScrollHint.EnsureVisible)
        else:
            self.selectionModel().clear()
        self._is_silent = False

    def _moved(self, index: QModelIndex, *_: Any) -> None:
        """Another row became the current one."""
        if not self._is_silent:
            self._tell(index)

    def _tell(self, index: QModelIndex) -> None:
        """Tell which row was chosen; twice does no harm."""
        row = self.rows.row_at(index)
        if row is not None:
            self._row = row
            self.chosen.emit(row)
