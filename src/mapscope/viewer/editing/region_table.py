"""The regions of labels as a table: colour, number, name, class and size."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from mapscope.edits import Region
from mapscope.viewer.editing.labels_editor import LabelsEditor

TITLES = ("", "No.", "Name", "Class", "Voxels", "Å³")
HELP = (
    "Double-click to choose another colour.",
    "The region's number in the voxels.",
    "Double-click to name the region.",
    "Double-click to say what kind of thing it is.",
    "Number of voxels.",
    "Volume in Å³.",
)
COLOR, NUMBER, NAME, KIND, VOXELS, VOLUME = range(6)
Role = Qt.ItemDataRole


class RegionModel(QAbstractTableModel):
    """The regions of the labels under edit, one in each row."""

    renamed = Signal(int, object)
    """A region's number, and the :class:`Region` that the user wants it to be."""

    def __init__(self) -> None:
        super().__init__()
        self.editor: LabelsEditor | None = None
        self.numbers: list[int] = []

    def show(self, editor: LabelsEditor | None) -> None:
        """List the regions of an editor's labels, or none."""
        numbers = [] if editor is None else editor.log.labels.numbers
        if editor is self.editor and numbers == self.numbers:
            if numbers:
                last = self.index(len(numbers) - 1, len(TITLES) - 1)
                self.dataChanged.emit(self.index(0, 0), last)
            return
        self.beginResetModel()
        self.editor, self.numbers = editor, numbers
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  Qt's name
        """Number of regions."""
        return 0 if parent is not None and parent.isValid() else len(self.numbers)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802  Qt's name
        """Number of columns."""
        return 0 if parent is not None and parent.isValid() else len(TITLES)

    def headerData(  # noqa: N802  Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        """Titles and what they mean."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        return {Role.DisplayRole: TITLES, Role.ToolTipRole: HELP}.get(role, (None,) * 6)[section]

    def flags(self, index: QModelIndex) -> Any:
        """Names and classes can be typed."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (NAME, KIND) else flags

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What stands in a cell; numbers sort as numbers under the user's role."""
        if self.editor is None or not index.isValid():
            return None
        number, column = self.numbers[index.row()], index.column()
        if role == Role.DecorationRole and column == COLOR:
            return QColor.fromRgbF(*self.editor.color(number))
        if role == Role.ToolTipRole:
            return HELP[column]
        if role == Role.TextAlignmentRole and column in (NUMBER, VOXELS, VOLUME):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role in (Role.DisplayRole, Role.EditRole, Role.UserRole):
            value = self._value(number, column)
            is_number = isinstance(value, int | float)
            return f"{value:,.0f}" if is_number and role == Role.DisplayRole else value
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Role.EditRole) -> bool:  # noqa: N802
        """Ask for another name or class."""
        if role != Role.EditRole or index.column() not in (NAME, KIND):
            return False
        number, text = self.numbers[index.row()], str(value).strip()
        region = self.region(number)
        name = text if index.column() == NAME else region.name
        kind = text if index.column() == KIND else region.kind
        self.renamed.emit(number, Region(name, region.color, kind))
        return True

    def region(self, number: int) -> Region:
        """What is known of a region."""
        known = None if self.editor is None else self.editor.log.labels.regions.get(number)
        return known or Region()

    def _value(self, number: int, column: int) -> Any:
        """What stands in a cell."""
        assert self.editor is not None
        state = self.editor.log.labels
        voxels = state.counts.get(number, 0)
        region = self.region(number)
        volume = voxels * float(np.prod(state.grid.voxel_size))
        return ("", number, region.name, region.kind, voxels, volume)[column]


class RegionTable(QTableView):
    """The table of regions; several can be selected, and each column sorts."""

    def __init__(self) -> None:
        super().__init__()
        self.regions = RegionModel()
        self._sorted = QSortFilterProxyModel()
        self._sorted.setSourceModel(self.regions)
        self._sorted.setSortRole(Role.UserRole)
        self.setModel(self._sorted)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(NUMBER, Qt.SortOrder.AscendingOrder)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(24)
        self.setShowGrid(False)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(24)
        for column, width in ((COLOR, 28), (NUMBER, 44), (KIND, 74), (VOXELS, 64), (VOLUME, 74)):
            self.setColumnWidth(column, width)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)

    @property
    def selected(self) -> list[int]:
        """Numbers of the regions that are selected, from top to bottom."""
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [self.number_at(self._sorted.index(row, 0)) for row in rows]

    def number_at(self, index: QModelIndex) -> int:
        """The number of the region in a row."""
        row: int = self._sorted.mapToSource(index).row()
        return self.regions.numbers[row]

    def select(self, *numbers: int) -> None:
        """Select regions."""
        self.clearSelection()
        flag = self.selectionModel().SelectionFlag
        for number in numbers:
            source = self.regions.index(self.regions.numbers.index(number), 0)
            index = self._sorted.mapFromSource(source)
            self.selectionModel().select(index, flag.Select | flag.Rows)
