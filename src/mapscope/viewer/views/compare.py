"""Two maps compared: side by side, wiped, or one after the other in the same place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from qtpy.QtCore import QObject, Signal

from mapscope.errors import InputError
from mapscope.viewer.layers import SEPARATOR
from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.levels import Link, LinkedLevels
from mapscope.viewer.views.space import reason_against_map
from mapscope.viewer.views.wipe import Wipe

Mode = Literal["off", "side by side", "wipe", "blink"]

BLINK_KEY = "Shift-B"
GAP = 4
"""Pixels between the two halves of the canvas."""


class Comparison(QObject):
    """Two maps, on any grids, and how they are shown against each other.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    first, second : Image
        The layers of maps A and B.
    parent : QObject, optional
        Who holds it.

    Raises
    ------
    InputError
        If the two are not two maps.
    """

    changed = Signal()
    ended = Signal()

    def __init__(self, viewer: Any, first: Any, second: Any, parent: QObject | None = None) -> None:
        super().__init__(parent)
        reason = reason_against_pair(first, second)
        if reason:
            raise InputError(reason)
        self.viewer, self.first, self.second = viewer, first, second
        self.mode: Mode = "off"
        self.levels = LinkedLevels(first, second, self)
        self._borrowed = Borrowed()
        self._wipe: Wipe | None = None
        self._share = 0.5
        self._blinking: tuple[Any, Any] | None = None
        self._key_before: Callable[..., Any] | None = None
        self._is_changing = False
        viewer.layers.events.removed.connect(self._removed)

    @property
    def share(self) -> float:
        """Place of the divider, from 0 at the left of the canvas to 1."""
        return self._share if self._wipe is None else self._wipe.share

    @share.setter
    def share(self, value: float) -> None:
        self._share = value
        if self._wipe is not None:
            self._wipe.share = value
        self.changed.emit()

    @property
    def shown(self) -> str:
        """Which of the two is in sight while they blink: A or B."""
        return "A" if any(layer.visible for layer in self._of(self.first)) else "B"

    def show(self, mode: Mode) -> None:
        """Show the two maps in one of the ways; ``"off"`` shows everything as it was."""
        if mode == self.mode:
            return
        self._is_changing = True
        try:
            self._leave()
            self.mode = mode
            if mode == "side by side":
                self._show_side_by_side()
            elif mode == "wipe":
                self._show_wipe()
            elif mode == "blink":
                self._show_blink()
        finally:
            self._is_changing = False
        self.changed.emit()

    def link(self, by: Link | None) -> None:
        """Move level and contrast of both together, or no longer.

        Parameters
        ----------
        by : str or None
            ``"value"``, ``"sigma"``, ``"volume"``; None lets go.

        Raises
        ------
        InputError
            If a layer does not stand for a map.
        """
        if by is None:
            self.levels.stop()
        else:
            self.levels.start(by)

    def swap(self) -> None:
        """While they blink: show the other one."""
        if self.mode == "blink":
            self._show_one(self.shown == "B")
            self.changed.emit()

    def end(self) -> None:
        """Let go of both maps; everything but their levels is as it was."""
        self.show("off")
        self.levels.stop()
        self.viewer.layers.events.removed.disconnect(self._removed)
        self.ended.emit()

    def _of(self, layer: Any) -> list[Any]:
        """A map and the surfaces that were made of it."""
        named = f"{layer.name}{SEPARATOR}"
        surfaces = [
            s for s in self.viewer.layers if type(s).__name__ == "Surface" and _starts(s, named)
        ]
        return [layer, *surfaces]

    def _face(self, layer: Any) -> Any:
        """What shows a map now: itself, or its surface where that has taken its place."""
        visible = [one for one in self._of(layer) if one.visible]
        return visible[0] if visible else layer

    def _show_side_by_side(self) -> None:
        """Two cells of napari's grid, A on the left; the other layers are hidden."""
        viewer, grid = self.viewer, self.viewer.canvas.grid
        pair = self._face(self.first), self._face(self.second)
        for layer in viewer.layers:
            self._borrowed.set(layer, "visible", layer in pair)
        for layer in pair:
            self._borrowed.set(layer.name_overlay, "visible", True)
        self._borrowed.set(viewer.scene.camera, "center", viewer.scene.camera.center)
        self._borrowed.set(viewer.scene.camera, "zoom", viewer.scene.camera.zoom)
        for name, value in (("shape", (1, 2)), ("spacing", GAP), ("stride", 1), ("enabled", True)):
            self._borrowed.set(grid, name, value)
        if grid.position(viewer.layers.index(pair[0]), viewer.layers) != (0, 0):
            self._borrowed.set(grid, "stride", -1)
        viewer.fit_to_view(layers=list(pair))
        for name in ("center", "zoom"):
            value = getattr(viewer.scene.camera, name)
            self._borrowed.set(viewer.scene.camera, name, value)

    def _show_wipe(self) -> None:
        """Both in sight, each on its side of the divider."""
        sides: list[list[Any]] = []
        for layer in (self.first, self.second):
            face = self._face(layer)
            self._borrowed.set(face, "visible", True)
            sides.append([layer, *[one for one in self._of(layer) if one is not layer]])
        self._wipe = Wipe(self.viewer, sides[0], sides[1], self._share, self._moved)

    def _show_blink(self) -> None:
        self._blinking = self._face(self.first), self._face(self.second)
        self._show_one(True)
        self._key_before = self.viewer.bind_key(BLINK_KEY, self._pressed, overwrite=True)

    def _show_one(self, is_first: bool) -> None:
        """Show A or B, each by what showed it when blinking began."""
        for layer, is_shown in ((self.first, is_first), (self.second, not is_first)):
            for one in self._of(layer):
                is_face = self._blinking is not None and one in self._blinking
                self._borrowed.set(one, "visible", is_shown and is_face)

    def _pressed(self, _viewer: Any) -> None:
        self.swap()

    def _leave(self) -> None:
        """Show everything as it was."""
        if self._wipe is not None:
            self._share = self._wipe.share
            self._wipe.end()
            self._wipe = None
        if self.mode == "blink":
            self.viewer.bind_key(BLINK_KEY, self._key_before)
            self._blinking = None
        self._borrowed.give_back()

    def _moved(self, share: float) -> None:
        self._share = share
        self.changed.emit()

    def _removed(self, event: Any) -> None:
        """End when one of the maps, or what stands in for it, is taken away."""
        stand_ins = () if self._wipe is None else self._wipe.stand_ins
        if not self._is_changing and event.value in (self.first, self.second, *stand_ins):
            self.end()


def reason_against_pair(first: Any, second: Any) -> str:
    """Why two layers cannot be compared, or an empty text where they can."""
    if first is None or second is None:
        return "Open two maps to compare them."
    if first is second:
        return "Choose two different maps."
    for layer in (first, second):
        reason = reason_against_map(layer)
        if reason:
            return f"{layer.name}: {reason}"
    return ""


def _starts(layer: Any, words: str) -> bool:
    return bool(layer.name.startswith(words))
