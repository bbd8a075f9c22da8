"""Callbacks that are taken back together, also after the widget that wanted them is gone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Connections:
    """Callbacks on napari's events.

    A widget connects ``destroyed`` to :meth:`end`: this is no Qt object, so it is still there
    then, and no callback reaches a widget that is gone.
    """

    def __init__(self) -> None:
        self._made: list[tuple[Any, Callable[..., Any]]] = []

    def add(self, emitter: Any, callback: Callable[..., Any]) -> None:
        """Call back whenever an event is emitted."""
        emitter.connect(callback)
        self._made.append((emitter, callback))

    def end(self, *_: Any) -> None:
        """Call back no more."""
        for emitter, callback in self._made:
            with suppress(ValueError, RuntimeError):
                emitter.disconnect(callback)
        self._made.clear()
