"""A hand that clicks as a person does, for the journeys."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QLineEdit, QScrollArea, QTabBar, QWidget


class Hand:
    """Clicks with a real mouse on widgets that are in sight, and counts."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        """Click a widget, in its middle where no place is given."""
        around = widget.parentWidget()
        while around is not None:  # the wheel brings it into sight where a dock is short
            if isinstance(around, QScrollArea):
                around.ensureWidgetVisible(widget)
            around = around.parentWidget()
        assert not widget.visibleRegion().isEmpty(), f"{widget} cannot be seen"
        assert widget.isEnabled(), f"{widget} cannot be clicked: {widget.toolTip()}"
        self.clicks += 1
        place = at if at is not None else widget.rect().center()
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)

    def click_tab(self, window: Any, name: str) -> None:
        """Click the tab of a dock."""
        for bar in window.findChildren(QTabBar):
            titles = [bar.tabText(n) for n in range(bar.count())]
            if name in titles:
                self.click(bar, bar.tabRect(titles.index(name)).center())
                return
        raise AssertionError(f"no tab is called {name}")

    def type_into(self, widget: QLineEdit, text: str) -> None:
        """Click a field, replace its text, and leave it."""
        self.click(widget)
        widget.selectAll()
        QTest.keyClicks(widget, text)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
