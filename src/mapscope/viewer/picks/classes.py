"""The classes of picks: their colours, how many there are of each, and which are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from mapscope.viewer.picks.choice import Fate
from mapscope.viewer.picks.known import NO_CLASS, Picks

TITLES = ("Class", "Kept", "Of", "Key")
MOST_ROWS, ROW_HEIGHT = 6, 22
MOST_KEYS = 9


class ClassList(QTreeWidget):
    """One row for each class; its tick shows or hides it."""

    hidden_changed = Signal(object)
    """The set of classes that are hidden."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setColumnCount(len(TITLES))
        self.setHeaderLabels(list(TITLES))
        self.setRootIsDecorated(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(TITLES)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.setToolTip(
            "Untick a class to leave it alone: it is not drawn, and nothing of it goes. The "
            "number key gives that class to the current or the selected picks."
        )
        self.itemChanged.connect(self._ticked)

    def show_picks(self, picks: Picks, colors: Mapping[str, str], hidden: Iterable[str]) -> None:
        """List the classes of picks."""
        hidden = set(hidden)
        counts = picks.classes.counts()
        with QSignalBlocker(self):
            self.clear()
            for number, (word, count) in enumerate(counts.items(), start=1):
                key = str(number) if number <= MOST_KEYS else ""
                item = QTreeWidgetItem([word or "no class", "", f"{count:,}", key])
                item.setData(0, Qt.ItemDataRole.UserRole, word)
                item.setIcon(0, swatch(colors[word]))
                state = Qt.CheckState.Unchecked if word in hidden else Qt.CheckState.Checked
                item.setCheckState(0, state)
                for column in (1, 2, 3):
                    item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
                self.addTopLevelItem(item)
        rows = min(max(len(counts), 1), MOST_ROWS)
        self.setFixedHeight(self.header().sizeHint().height() + rows * ROW_HEIGHT + 6)

    def show_fate(self, picks: Picks, fate: Fate) -> None:
        """Show how many of each class are kept."""
        with QSignalBlocker(self):
            for item in self._items():
                is_class = picks.classes.are(self._word(item))
                item.setText(1, f"{int((fate.is_kept & is_class).sum()):,}")

    @property
    def words(self) -> list[str]:
        """The classes, in their order."""
        return [self._word(item) for item in self._items()]

    def set_shown(self, word: str, *, is_shown: bool) -> None:
        """Tick or untick a class, as a click does."""
        state = Qt.CheckState.Checked if is_shown else Qt.CheckState.Unchecked
        for item in self._items():
            if self._word(item) == word:
                item.setCheckState(0, state)

    def _items(self) -> list[Any]:
        return [self.topLevelItem(n) for n in range(self.topLevelItemCount())]

    def _word(self, item: Any) -> str:
        return str(item.data(0, Qt.ItemDataRole.UserRole) or NO_CLASS)

    def _ticked(self, _item: Any, column: int) -> None:
        """Tell which classes are hidden."""
        if column == 0:
            unticked = Qt.CheckState.Unchecked
            gone = [self._word(i) for i in self._items() if i.checkState(0) == unticked]
            self.hidden_changed.emit(frozenset(gone))


def swatch(color: str) -> QIcon:
    """A small square of a colour."""
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
