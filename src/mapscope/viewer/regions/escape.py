"""Esc puts tools away, one after the other, while any is in the view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import ref

from app_model.types import KeyBinding, KeyCode

from mapscope.viewer.regions.tool import Tool


class Escape:
    """The viewer's Esc key while tools are in the view; whoever had it gets it back.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    tools : sequence of Tool
        What is put away, the first that is placed at a time.
    """

    def __init__(self, viewer: Any, tools: Sequence[Tool]) -> None:
        self._viewer = ref(viewer)
        self._tools = tuple(tools)
        self._before: Any = None
        self._is_on = False

    def listen(self, *, on: bool) -> None:
        """Take the key, or give it back."""
        viewer = self._viewer()
        if viewer is None or on == self._is_on:
            return
        self._is_on = on
        key = KeyCode.Escape
        if on:
            self._before = viewer.keymap.get(KeyBinding.from_int(key))
            viewer.bind_key(key, self._pressed, overwrite=True)
        else:
            viewer.bind_key(key, self._before, overwrite=True)

    def end(self) -> None:
        """Give the key back for good."""
        self.listen(on=False)

    def _pressed(self, _viewer: Any) -> None:
        """Put the first tool away."""
        for tool in self._tools:
            if tool.is_placed:
                tool.take_away()
                return
