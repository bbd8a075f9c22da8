"""Chains and residues of a structure as a tree that Qt shows without building any item."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.depiction.selection import select, selected_residues
from mapscope.errors import InputError
from mapscope.structure import Structure

_Role = Qt.ItemDataRole
_CHAIN = 0
"""Internal id of chains; a residue has the row of its chain, and one."""


class ResidueTree(QAbstractItemModel):
    """Chains, and below each its residues with their names and one number.

    Parameters
    ----------
    parent : QObject, optional
        What it lives as long as; a view does not keep its model.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.structure: Structure | None = None
        self._residues: ResidueList | None = None
        self._chains: list[str] = []
        self._rows: list[npt.NDArray[np.int64]] = []
        self._numbers: npt.NDArray[np.float64] | None = None
        self._caption = ""
        self._filter = ""

    # What is shown

    def show(self, structure: Structure | None) -> None:
        """Show the residues of a structure, or nothing."""
        self.structure = structure
        self._residues = None if structure is None else residues_of(structure)
        self._numbers, self._caption = None, ""
        self._fill()

    def show_numbers(self, numbers: npt.NDArray[np.float64] | None, caption: str = "") -> None:
        """Put a number of each residue into the second column, or nothing."""
        self._numbers, self._caption = numbers, caption
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 1, 1)
        for row in range(len(self._chains)):
            chain = self.index(row, 0)
            last = max(self.rowCount(chain) - 1, 0)
            self.dataChanged.emit(self.index(0, 1, chain), self.index(last, 1, chain))

    def filter(self, text: str) -> None:
        """Show only the residues that a text names: a selection, or part of a name."""
        self._filter = text.strip()
        self._fill()

    def _fill(self) -> None:
        """List the residues to show, by chains."""
        self.beginResetModel()
        self._chains, self._rows = [], []
        if self._residues is not None:
            shown = np.flatnonzero(self._is_shown())
            chains = self._residues.chains[shown]
            for name in dict.fromkeys(chains.tolist()):
                self._chains.append(name)
                self._rows.append(shown[chains == name])
        self.endResetModel()

    def _is_shown(self) -> npt.NDArray[np.bool_]:
        """Which residues the filter lets through."""
        residues, structure = self._residues, self.structure
        assert residues is not None
        assert structure is not None
        shown = np.ones(len(residues), dtype=np.bool_)
        if not self._filter:
            return shown
        try:
            chosen = selected_residues(structure, select(structure, self._filter))
        except InputError:
            words = self._filter.upper()
            labels = (residues.label(k).upper() for k in range(len(residues)))
            return np.fromiter((words in label for label in labels), np.bool_, len(residues))
        shown[:] = False
        shown[chosen] = True
        return shown

    # Where things are

    def residue(self, index: QModelIndex) -> int | None:
        """The residue of a row; None for a chain."""
        if not index.isValid() or index.internalId() == _CHAIN:
            return None
        return int(self._rows[index.internalId() - 1][index.row()])

    def chain(self, index: QModelIndex) -> str | None:
        """The name of a chain's row; None for a residue."""
        if not index.isValid() or index.internalId() != _CHAIN:
            return None
        return str(self._chains[index.row()])

    def index_of(self, residue: int) -> QModelIndex:
        """The row of a residue; an invalid index where the filter hides it."""
        for row, shown in enumerate(self._rows):
            place = int(np.searchsorted(shown, residue))
            if place < len(shown) and shown[place] == residue:
                return self.createIndex(place, 0, row + 1)
        return QModelIndex()

    @property
    def count(self) -> int:
        """How many residues are listed."""
        return sum(len(rows) for rows in self._rows)

    # What Qt asks

    def index(self, row: int, column: int, parent: QModelIndex | None = None) -> QModelIndex:
        """The index of a row below a parent."""
        parent = parent or QModelIndex()
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else _CHAIN)

    def parent(self, index: QModelIndex) -> QModelIndex:
        """The chain of a residue."""
        if not index.isValid() or index.internalId() == _CHAIN:
            return QModelIndex()
        return self.createIndex(index.internalId() - 1, 0, _CHAIN)

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  Qt's name
        """Chains, or the residues of one."""
        if parent is None or not parent.isValid():
            return len(self._chains)
        is_chain = parent.internalId() == _CHAIN and parent.column() == 0
        return len(self._rows[parent.row()]) if is_chain else 0

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802, ARG002  Qt's
        """Name and number."""
        return 2

    def headerData(  # noqa: N802  Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole
    ) -> Any:
        """What the columns are."""
        if role != _Role.DisplayRole or orientation != Qt.Orientation.Horizontal:
            return None
        return ("Residue", self._caption)[section]

    def data(self, index: QModelIndex, role: int = _Role.DisplayRole) -> Any:
        """The text of a cell."""
        residue = self.residue(index)
        if role == _Role.TextAlignmentRole and index.column() == 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != _Role.DisplayRole or self._residues is None or not index.isValid():
            return None
        if residue is None:
            count = len(self._rows[index.row()])
            name = self._chains[index.row()] or "(no name)"
            return f"Chain {name}" if index.column() == 0 else f"{count} residues"
        if index.column() == 1:
            return self._number(residue)
        code = self._residues.insertion_codes[residue]
        return f"{self._residues.names[residue]} {self._residues.numbers[residue]}{code}"

    def _number(self, residue: int) -> str:
        """The number of a residue in four digits."""
        if self._numbers is None or not np.isfinite(self._numbers[residue]):
            return ""
        return f"{self._numbers[residue]:.4g}".replace("-", "−")
