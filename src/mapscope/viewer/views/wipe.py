"""A divider on the canvas: one map on its left, another on its right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from napari.components.overlays import TextOverlay, ZoomOverlay

from mapscope.viewer.views.cut import CutMaps
from mapscope.viewer.views.space import position_at_share, right_direction, share_at_position

DIVIDER, LEFT_NAME, RIGHT_NAME = "mapscope_divider", "mapscope_left", "mapscope_right"
GRASP = 8.0
"""Pixels beside the divider within which the mouse takes hold of it."""

LETTER_WIDTH = 8.5
"""Pixels of a letter of the names, about."""


class Wipe:
    """Shows `left` on the left of a divider and `right` on its right, in slices and in 3D.

    The divider belongs to the canvas: it stays where it is while the maps are moved under it.
    In 3D both are cut by clipping planes that follow the camera. napari does not clip slices:
    there, parts of the maps stand in for them (:class:`~mapscope.viewer.views.cut.CutMaps`).

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    left, right : sequence of layer
        A map, and the surfaces that were made of it.
    share : float
        Place of the divider, from 0 at the left of the canvas to 1.
    moved : callable, optional
        Told of the share when the mouse has moved the divider.
    """

    def __init__(
        self,
        viewer: Any,
        left: Sequence[Any],
        right: Sequence[Any],
        share: float = 0.5,
        moved: Callable[[float], None] | None = None,
    ) -> None:
        self.viewer, self.left, self.right = viewer, tuple(left), tuple(right)
        self._share, self._moved = share, moved
        self._planes: list[tuple[Any, Any]] = []
        self._cut: CutMaps | None = None
        self._is_held = False
        self._add_overlays()
        for events in self._events():
            events.connect(self.update)
        viewer.mouse_drag_callbacks.append(self._drag)
        self.update()

    @property
    def share(self) -> float:
        """Place of the divider, from 0 at the left of the canvas to 1."""
        return self._share

    @share.setter
    def share(self, value: float) -> None:
        self._share = min(max(value, 0.0), 1.0)
        self.update()

    @property
    def stand_ins(self) -> tuple[Any, ...]:
        """Layers that stand in for the maps in slices."""
        return () if self._cut is None else self._cut.layers

    def end(self) -> None:
        """Take the divider away and show both maps whole."""
        for events in self._events():
            with suppress(ValueError, RuntimeError):
                events.disconnect(self.update)
        if self._drag in self.viewer.mouse_drag_callbacks:
            self.viewer.mouse_drag_callbacks.remove(self._drag)
        self._clear()
        for name in (DIVIDER, LEFT_NAME, RIGHT_NAME):
            self.viewer.canvas.overlays.pop(name, None)

    def update(self, *_: Any) -> None:
        """Cut again where the divider is now."""
        height, width = self.viewer.canvas.size
        x = self._share * width
        # Napari's overlay gives rows before columns.
        self.viewer.canvas.overlays[DIVIDER].position = ((-9, x), (height + 9, x))
        for key, letter, layers in ((LEFT_NAME, "A", self.left), (RIGHT_NAME, "B", self.right)):
            name = shortened(layers[0].name, round(width / 2 / LETTER_WIDTH) - 6)
            self.viewer.canvas.overlays[key].text = f"{letter}  {name}"
        if self.viewer.dims.ndisplay == 3:
            self._cut_solids()
        else:
            self._cut_slices()

    def _events(self) -> tuple[Any, ...]:
        camera, dims = self.viewer.scene.camera.events, self.viewer.dims.events
        size = self.viewer.canvas.events.size
        return (camera.center, camera.zoom, camera.angles, dims.ndisplay, dims.order, size)

    def _add_overlays(self) -> None:
        """The divider, and the names of the maps on its sides."""
        overlays = self.viewer.canvas.overlays
        overlays[DIVIDER] = ZoomOverlay(visible=True)
        for key, position in ((LEFT_NAME, "top_left"), (RIGHT_NAME, "top_right")):
            overlays[key] = TextOverlay(position=position, visible=True)

    def _clear(self) -> None:
        """Show both maps whole."""
        for layer, plane in self._planes:
            with suppress(ValueError):
                layer.experimental_clipping_planes.remove(plane)
        self._planes = []
        cut, self._cut = self._cut, None  # first, since taking layers away tells everybody
        if cut is not None:
            cut.end()

    def _cut_solids(self) -> None:
        """Cut with clipping planes, which napari takes in the viewer's space."""
        if self._cut is not None:
            self._clear()
        if not self._planes:
            for layer in (*self.left, *self.right):
                layer.experimental_clipping_planes.add_plane()
                self._planes.append((layer, layer.experimental_clipping_planes[-1]))
        position = tuple(position_at_share(self.viewer, self._share))
        right = right_direction(self.viewer)
        for layer, plane in self._planes:
            normal = -right if layer in self.left else right
            plane.update({"position": position, "normal": tuple(normal)})

    def _cut_slices(self) -> None:
        """Let parts of the two maps stand in for them."""
        if self._planes:
            self._clear()
        axis = self.viewer.dims.displayed[-1]
        if self._cut is not None and self._cut.axis != axis:
            self._clear()
        if self._cut is None:
            self._cut = CutMaps(self.viewer, self.left[0], self.right[0], axis)
        x = position_at_share(self.viewer, self._share)[-1]
        self._cut.cut(float(x), is_flipped=right_direction(self.viewer)[-1] < 0)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Move the divider with the mouse where it is taken hold of."""
        if not self._is_near(event):
            return
        camera = viewer.scene.camera
        before, camera.mouse_pan = camera.mouse_pan, False
        try:
            yield
            while event.type == "mouse_move":
                self.share = self._share_of(event)
                if self._moved is not None:
                    self._moved(self.share)
                event.handled = True
                yield
        finally:
            camera.mouse_pan = before

    def _is_near(self, event: Any) -> bool:
        distance = abs(self._share_of(event) - self._share) * self.viewer.canvas.size[1]
        return bool(distance <= GRASP)

    def _share_of(self, event: Any) -> float:
        """Place of the mouse from the left of the canvas."""
        displayed = list(self.viewer.dims.displayed)
        return share_at_position(self.viewer, np.asarray(event.position)[displayed])


def shortened(name: str, most: int) -> str:
    """A name that leaves room for another beside it."""
    return name if len(name) <= most else f"{name[: max(most - 1, 1)]}…"
