"""The keys of the Picks dock, which count while it is in sight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut

from mapscope.particles import ACCEPTED, REJECTED, UNDECIDED
from mapscope.viewer.picks.classes import MOST_KEYS


def bind_keys(dock: Any) -> None:
    """Let keys act on the picks of a dock, wherever in the window the focus is.

    Undo, redo and Delete, which the view and the list of layers have of their own, count in the
    dock alone. Qt passes over shortcuts of a widget that is not to be seen, and fields that are
    typed into keep their letters.
    """
    calls: dict[str, Callable[[], None]] = {
        "A": partial(dock.judge, ACCEPTED),
        "R": partial(dock.judge, REJECTED),
        "U": partial(dock.judge, UNDECIDED),
        "N": partial(dock.step, 1),
        "P": partial(dock.step, -1),
        "PgDown": partial(dock.gallery.turn, 1),
        "PgUp": partial(dock.gallery.turn, -1),
    }
    calls |= {str(n): partial(dock.classify, n) for n in range(1, MOST_KEYS + 1)}
    own: dict[str, Callable[[], None]] = {
        "Ctrl+Z": dock.editing.undo,
        "Ctrl+Shift+Z": dock.editing.redo,
        "Del": dock.remove,
    }
    for context, keys in (
        (Qt.ShortcutContext.WindowShortcut, calls),
        (Qt.ShortcutContext.WidgetWithChildrenShortcut, own),
    ):
        for key, call in keys.items():
            shortcut = QShortcut(QKeySequence(key), dock)
            shortcut.setContext(context)
            shortcut.activated.connect(call)
