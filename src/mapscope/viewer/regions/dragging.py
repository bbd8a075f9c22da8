"""The mouse takes tools in the view and moves them, in slices and in 3D."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import ref

from mapscope.viewer.regions.pointing import pointer_of
from mapscope.viewer.regions.tool import Move, Tool

LOOKING = "pan_zoom"
"""The mode of layers in which the mouse edits nothing."""


class Dragging:
    """Moves tools with the mouse; elsewhere the mouse turns and shifts the view as ever.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    tools : sequence of Tool
        What can be moved; the first that is met is.
    """

    def __init__(self, viewer: Any, tools: Sequence[Tool]) -> None:
        self._viewer = ref(viewer)
        self._tools = tuple(tools)

    def listen(self, *, on: bool) -> None:
        """Start or stop to follow the mouse."""
        viewer = self._viewer()
        if viewer is None:
            return
        callbacks = viewer.mouse_drag_callbacks
        if on and self._pressed not in callbacks:
            callbacks.append(self._pressed)
        elif not on and self._pressed in callbacks:
            callbacks.remove(self._pressed)

    def _pressed(self, viewer: Any, event: Any) -> Iterator[None]:
        """Take what is under the mouse and move it until the button is let go."""
        layer = viewer.layers.selection.active
        is_editing = layer is not None and str(getattr(layer, "mode", LOOKING)) != LOOKING
        if event.modifiers or is_editing or getattr(event, "button", 1) != 1:
            return
        move = self._grabbed(viewer, event)
        if move is None:
            return
        can_pan = viewer.scene.camera.mouse_pan
        viewer.scene.camera.mouse_pan = False
        try:
            yield
            while event.type == "mouse_move":
                move(pointer_of(viewer, event))
                yield
        finally:
            viewer.scene.camera.mouse_pan = can_pan

    def _grabbed(self, viewer: Any, event: Any) -> Move | None:
        """What moves the first tool that is under the mouse."""
        pointer = pointer_of(viewer, event)
        moves = (tool.grab(pointer) for tool in self._tools)
        return next((move for move in moves if move is not None), None)
