"""What the mouse does in the view while the dock is open: look at a pick, add one, draw a lasso."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol
from weakref import ref

from mapscope.viewer.picks.lasso import Outline
from mapscope.viewer.regions.pointing import Pointer, pointer_of

LOOKING = "pan_zoom"
"""The mode of layers in which the mouse edits nothing."""
LOOK, ADD, LASSO = "look", "add", "lasso"
MODIFIED = {"Shift": LASSO, "Control": ADD}
"""What the mouse does while a key is held, whatever it does else."""


class Listener(Protocol):
    """Who is told of what the mouse did."""

    def look_at(self, pointer: Pointer) -> None:
        """A click."""

    def add_at(self, pointer: Pointer) -> None:
        """A click that adds."""

    def select_in(self, outline: Outline) -> None:
        """An outline was drawn."""


class Gestures:
    """Takes clicks and drags in the view while it listens.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    listener : Listener
        Is told.
    is_on : callable () -> bool
        Whether anything is to be done at all: the dock is open and has a list.
    """

    def __init__(self, viewer: Any, listener: Listener, is_on: Callable[[], bool]) -> None:
        self._viewer, self._listener, self._is_on = ref(viewer), listener, is_on
        self.outline = Outline(viewer)
        self.mode = LOOK
        viewer.mouse_drag_callbacks.append(self._pressed)

    def end(self, *_: Any) -> None:
        """Listen no more."""
        viewer = self._viewer()
        self.outline.take_away()
        if viewer is not None and self._pressed in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._pressed)

    def _pressed(self, viewer: Any, event: Any) -> Iterator[None]:
        """The mouse went down."""
        does = self._what(viewer, event)
        if does == LASSO:
            yield from self._drawn(viewer, event)
            return
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            yield
        if moved or not does:
            return
        pointer = pointer_of(viewer, event)
        (self._listener.add_at if does == ADD else self._listener.look_at)(pointer)

    def _what(self, viewer: Any, event: Any) -> str:
        """What the mouse is to do; nothing where napari's own tools are at work."""
        layer = viewer.layers.selection.active
        is_editing = layer is not None and str(getattr(layer, "mode", LOOKING)) != LOOKING
        held = [str(getattr(key, "name", key)) for key in event.modifiers]
        if not self._is_on() or is_editing or getattr(event, "button", 1) != 1 or len(held) > 1:
            return ""
        return MODIFIED.get(held[0], "") if held else self.mode

    def _drawn(self, viewer: Any, event: Any) -> Iterator[None]:
        """Draw an outline until the button is let go."""
        can_pan, can_zoom = viewer.scene.camera.mouse_pan, viewer.scene.camera.mouse_zoom
        viewer.scene.camera.mouse_pan = viewer.scene.camera.mouse_zoom = False
        self.outline.begin(viewer, pointer_of(viewer, event))
        try:
            yield
            while event.type == "mouse_move":
                self.outline.go_on(viewer, pointer_of(viewer, event))
                yield
            self._listener.select_in(self.outline)
        finally:
            self.outline.take_away()
            viewer.scene.camera.mouse_pan, viewer.scene.camera.mouse_zoom = can_pan, can_zoom
