"""Rows of a table noun, sorted and filtered without building any item."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from mapscope.table import Table
from mapscope.viewer.tables.cells import (
    WHICH,
    Write,
    columns_in_order,
    names_residues,
    title_of,
    writer_of,
)
from mapscope.volume import Array

_Role = Qt.ItemDataRole
_RISING = Qt.SortOrder.AscendingOrder

LEAVE_OUT = "-"
"""Begins a word of a filter that rows must not have."""


class RowModel(QAbstractTableModel):
    """The rows of a table in the order and the choice in which they are shown.

    Parameters
    ----------
    parent : QObject, optional
        What it lives as long as; a view does not keep its model.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.table: Table | None = None
        self.names: list[str] = []
        self._titles: list[str] = []
        self._writers: list[Write] = []
        self._texts: list[str] = []
        self._filter = ""
        self._sorted_by: tuple[int, Qt.SortOrder] = (-1, _RISING)
        self._shown = np.zeros(0, dtype=np.int64)

    def show(self, table: Table | None) -> None:
        """Show a table from its first row to its last, or nothing."""
        self.beginResetModel()
        self.table = table
        self.names = [] if table is None else columns_in_order(table)
        if table is not None:
            self._titles = [title_of(table, name) for name in self.names]
            self._writers = [writer_of(name, table[name]) for name in self.names]
        self._texts = []
        self._filter, self._sorted_by = "", (-1, _RISING)
        self._shown = self._rows()
        self.endResetModel()

    def renew(self, table: Table) -> None:
        """Show a table in the order of the one before, where its columns are the same."""
        if self.table is None or columns_in_order(table) != self.names:
            self.show(table)
            return
        self.beginResetModel()
        self.table = table
        self._writers = [writer_of(name, table[name]) for name in self.names]
        self._texts = []
        self._shown = self._rows()
        self.endResetModel()

    def filter(self, text: str) -> None:
        """Show only the rows in which every word stands, and none of those after a minus sign.

        The name of a chain stands for that chain.
        """
        self._filter = text.strip()
        self._update()

    def sort(self, column: int, order: Qt.SortOrder = _RISING) -> None:
        """Sort by a column, what is missing last either way; -1 is the table's own order."""
        self._sorted_by = (column, order)
        self._update()

    def _update(self) -> None:
        """List the rows anew; the view is told that nothing is where it was."""
        self.beginResetModel()
        self._shown = self._rows()
        self.endResetModel()

    def _rows(self) -> npt.NDArray[np.int64]:
        """The rows to show, in order."""
        table, (column, order) = self.table, self._sorted_by
        if table is None:
            return np.zeros(0, dtype=np.int64)
        rows = np.arange(len(table))
        if 0 <= column < len(self.names):
            rows = sorted_rows(table[self.names[column]], is_falling=order != _RISING)
        return rows[self._passes()[rows]] if self._filter else rows

    def _passes(self) -> npt.NDArray[np.bool_]:
        """Which rows the filter lets through."""
        table = self.table
        assert table is not None
        passes = np.ones(len(table), dtype=np.bool_)
        chains = table.columns.get("chain", np.zeros(0, dtype=str))
        for typed in self._filter.split():
            word = typed.removeprefix(LEAVE_OUT)
            is_met = chains == word if (chains == word).any() else self._has(word)
            passes &= ~is_met if word != typed else is_met
        return passes

    def _has(self, word: str) -> npt.NDArray[np.bool_]:
        """Which rows a word stands in."""
        assert self.table is not None
        self._texts = self._texts or _texts_of(self.table)
        found = (word.lower() in text for text in self._texts)
        return np.fromiter(found, np.bool_, len(self.table))

    # Where things are

    def row_at(self, index: QModelIndex) -> int | None:
        """The row of the table that stands at an index."""
        return int(self._shown[index.row()]) if index.isValid() else None

    def place_of(self, row: int) -> QModelIndex:
        """Where a row of the table stands; an invalid index where the filter hides it."""
        places = np.flatnonzero(self._shown == row)
        return self.index(int(places[0]), 0) if len(places) else QModelIndex()

    # What Qt asks

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  Qt's name
        """Rows that are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  Qt's name
        """Columns of the table."""
        return 0 if parent is not None and parent.isValid() else len(self.names)

    def headerData(  # noqa: N802  Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """Names and units of the columns."""
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.names):
            return None
        if role == _Role.ToolTipRole:
            return f"{self._titles[section]}. Click to sort, again to turn the order round."
        return self._titles[section] if role == _Role.DisplayRole else None

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """The text of a cell, numbers to the right."""
        if self.table is None or not index.isValid():
            return None
        values = self.table[self.names[index.column()]]
        if role == _Role.TextAlignmentRole and values.dtype.kind in "fiu":
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != _Role.DisplayRole:
            return None
        return self._writers[index.column()](values[self._shown[index.row()]])


def sorted_rows(values: Array, *, is_falling: bool = False) -> npt.NDArray[np.int64]:
    """Rows of a column in the order of its values; equal ones as they were, missing ones last."""
    values = np.asarray(values)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_)
    known = np.flatnonzero(~missing)
    ranks = np.unique(values[known], return_inverse=True)[1].reshape(-1)
    order = np.argsort(-ranks if is_falling else ranks, kind="stable")
    return np.concatenate([known[order], np.flatnonzero(missing)])


def _texts_of(table: Table) -> list[str]:
    """What a filter looks at: the words of each row, and its residue as ``a/127``."""
    columns = [v.tolist() for n, v in table.columns.items() if v.dtype.kind == "U" or n in WHICH]
    if names_residues(table):
        codes = table.columns.get("insertion_code", np.full(len(table), "")).tolist()
        rows = zip(table["chain"].tolist(), table["number"].tolist(), codes, strict=True)
        columns.append([f"{chain}/{number}{code}" for chain, number, code in rows])
    return [" ".join(map(str, row)).lower() for row in zip(*columns, strict=True)]
