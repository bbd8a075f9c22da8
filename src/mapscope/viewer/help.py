"""Help: a small *?* on docks and forms, and the window that shows its page."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from napari.settings import get_settings
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import (
    QColor,
    QDesktopServices,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextTable,
)
from qtpy.QtWidgets import (
    QBoxLayout,
    QDialog,
    QHBoxLayout,
    QPushButton,
    QTextBrowser,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.viewer.pages import INDEX, name_of_link, page, pages_folder

SIZE = (720, 640)
LINK_COLORS = {"dark": "#59c2ff", "light": "#0062b1"}
WEB = ("http", "https", "mailto")
BUTTON = 22
"""Width and height of the help button in pixels."""


class HelpWindow(QDialog):
    """Shows pages of the documentation, which come with the program.

    Links between pages are followed here; those to the web open in the browser.

    Parameters
    ----------
    parent : QWidget
        The window that it belongs to.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = ""
        self._behind: list[str] = []
        self.back_button = QPushButton("Back")
        self.back_button.setToolTip("The page before.")
        self.index_button = QPushButton("All pages")
        self.index_button.setToolTip("The list of all pages.")
        self.close_button = QPushButton("Close")
        for button in (self.back_button, self.index_button, self.close_button):
            button.setAutoDefault(False)
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setSearchPaths([str(pages_folder())])
        buttons = QHBoxLayout()
        buttons.addWidget(self.back_button)
        buttons.addWidget(self.index_button)
        buttons.addStretch()
        buttons.addWidget(self.close_button)
        layout = QVBoxLayout(self)
        layout.addLayout(buttons)
        layout.addWidget(self.text)
        self.resize(*SIZE)
        self.back_button.clicked.connect(self.back)
        self.index_button.clicked.connect(partial(self.open, INDEX))
        self.close_button.clicked.connect(self.close)
        self.text.anchorClicked.connect(self.follow)

    def open(self, name: str = INDEX, *_: Any) -> None:
        """Show a page by its name."""
        if self.page and self.page != name:
            self._behind.append(self.page)
        self._show(name)

    def back(self) -> None:
        """Show the page before, where there is one."""
        if self._behind:
            self._show(self._behind.pop())

    def follow(self, url: QUrl) -> None:
        """Go where a link leads."""
        if url.scheme() in WEB:
            QDesktopServices.openUrl(url)
            return
        name = name_of_link(url.toString())
        if name:
            self.open(name)
        if url.hasFragment():
            _scroll_to_heading(self.text, url.fragment())

    def _show(self, name: str) -> None:
        """Put a page's text into the browser, from its top."""
        self.page = name
        document = self.text.document()
        document.setMarkdown(page(name))
        _color_links(document, QColor(LINK_COLORS["dark" if is_dark_theme() else "light"]))
        _space_tables(document)
        self.text.moveCursor(QTextCursor.MoveOperation.Start)
        self.setWindowTitle(f"{_title(self.text)} – Mapscope help")
        self.back_button.setEnabled(bool(self._behind))


def show_help(name: str, beside: QWidget) -> HelpWindow:
    """Show a page in the one help window of the window that a widget is in."""
    window = beside.window()
    found = window if isinstance(window, HelpWindow) else window.findChild(HelpWindow)
    shown: HelpWindow = found or HelpWindow(window)
    shown.open(name)
    shown.show()
    shown.raise_()
    return shown


def help_button(name: str) -> QToolButton:
    """A small *?* that opens a page."""
    button = QToolButton()
    button.setText("?")
    button.setObjectName("help")
    button.setToolTip("What everything here does.")
    button.setAccessibleName("Help")
    button.setFixedSize(BUTTON, BUTTON)
    button.setStyleSheet(
        f"QToolButton {{border: 1px solid #808080; border-radius: {BUTTON // 2}px; padding: 0}}"
        "QToolButton:hover {border-color: #59c2ff}"
    )
    button.clicked.connect(lambda: show_help(name, button))
    return button


def add_help(dock: QWidget, layout: QBoxLayout) -> QToolButton:
    """Put the *?* of ``dock.HELP`` at the top right of a dock.

    It joins the row on top of a vertical layout where that is a horizontal layout, and gets a row
    of its own elsewhere.

    Parameters
    ----------
    dock : QWidget
        A dock with the name of its page as `HELP`.
    layout : QBoxLayout
        The dock's own layout, filled.
    """
    button = help_button(dock.HELP)
    first = layout.itemAt(0)
    row = None if first is None else first.layout()
    if not isinstance(row, QHBoxLayout):
        row = QHBoxLayout()
        row.addStretch()
        layout.insertLayout(0, row)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return button


def _scroll_to_heading(browser: QTextBrowser, anchor: str) -> None:
    """Bring a heading to the top; its anchor is made from its words as GitHub does."""
    block = browser.document().begin()
    while block.isValid():
        words = re.sub(r"[^\w\s-]", "", block.text().lower()).strip()
        if block.blockFormat().headingLevel() and re.sub(r"\s", "-", words) == anchor:
            browser.moveCursor(QTextCursor.MoveOperation.End)
            browser.setTextCursor(QTextCursor(block))
            return
        block = block.next()


def is_dark_theme() -> bool:
    """Whether napari's theme is dark."""
    background = get_theme(get_settings().appearance.theme).background.as_rgb_tuple()
    return bool(sum(background[:3]) < 3 * 128)


def _color_links(document: QTextDocument, color: QColor) -> None:
    """Give links a colour that can be read: Markdown's own is that of the system, not of napari."""
    places = []
    block = document.begin()
    while block.isValid():
        parts = block.begin()
        while not parts.atEnd():
            part = parts.fragment()
            if part.charFormat().isAnchor():
                places.append((part.position(), part.length()))
            parts += 1
        block = block.next()
    look = QTextCharFormat()
    look.setForeground(color)
    for start, length in places:
        cursor = QTextCursor(document)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.mergeCharFormat(look)


def _space_tables(document: QTextDocument) -> None:
    """Give tables room around their words, and thin lines."""
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            look = frame.format()
            look.setCellPadding(4)
            look.setCellSpacing(0)
            look.setBorder(0.5)
            look.setBorderCollapse(True)
            look.setBorderBrush(QColor(128, 128, 128, 120))
            frame.setFormat(look)


def _title(browser: QTextBrowser) -> str:
    """The first line of a page."""
    return str(browser.document().firstBlock().text())
