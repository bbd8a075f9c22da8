"""The tabs of the Picks dock."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget


class Pages(QTabWidget):
    """Gallery, table, classes, filters, what is edited, and the average.

    Parameters
    ----------
    dock : PicksDock
        Whose widgets they hold.
    """

    def __init__(self, dock: Any) -> None:
        super().__init__()
        self.setDocumentMode(True)
        classes = _column(dock.classes, dock.rejected_box)
        self._tabs: dict[QWidget, QWidget] = {dock.gallery: dock.gallery, dock.table: dock.table}
        for page in (classes, dock.filters, dock.edit, dock.average):
            self._tabs[page] = scrolled(page)
        titles = ("Gallery", "Table", "Classes", "Filters", "Edit", "Average")
        for tab, title in zip(self._tabs.values(), titles, strict=True):
            self.addTab(tab, title)

    def bring(self, page: QWidget) -> None:
        """Bring a page to the front."""
        self.setCurrentWidget(self._tabs[page])


def scrolled(widget: QWidget) -> QScrollArea:
    """A widget that is scrolled up and down where there is too little room."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(widget)
    return area


def _column(*widgets: QWidget) -> QWidget:
    """Widgets below each other, at the top."""
    column = QWidget()
    layout = QVBoxLayout(column)
    layout.setContentsMargins(2, 4, 2, 2)
    for widget in widgets:
        layout.addWidget(widget)
    layout.addStretch()
    return column
