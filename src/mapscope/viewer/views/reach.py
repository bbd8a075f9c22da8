"""How far from a slice points are still drawn in it: picks in every slice that cuts them."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from mapscope.structure import Structure
from mapscope.viewer.layers import tag_of
from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.space import angstroms_per_world_unit, frame_of
from mapscope.viewer.views.steps import Steps

SPHERES, WHOLE = "rescale_spherical", "all"
"""How napari draws points near a slice: as the circle in which it cuts them, or whole."""

LAYER_EVENTS = ("set_data", "visible", "scale", "units")
"""When it may change; a layer's sizes have no event of their own that is emitted for all."""


class Reach:
    """Keeps the margins of a viewer's slices as wide as its largest visible pick.

    napari draws points whose centres lie within the margins, which it has once for a viewer;
    maps do not use them. Where there are no picks, and no slab, slices are as they were. The
    slider stops at the planes of maps.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = ref(viewer)
        self.depth = 0.0
        self._borrowed = Borrowed()
        self._known: Any = None
        self._steps = Steps(viewer)
        events = viewer.layers.events
        events.inserted.connect(self._inserted)
        events.removed.connect(self._removed)
        for layer in viewer.layers:
            self._follow(layer)
        self.update()

    def widen(self, depth: float) -> None:
        """Draw points whole that a slab of so many Å cuts; 0 for slices."""
        self.depth = depth
        self.update()

    def update(self, *_: Any) -> None:
        """Set the margins that the picks, and the slab, need now."""
        viewer = self._viewer()
        if viewer is None or self._is_known(viewer):
            return
        radius = max((_radius(viewer, la) for la in viewer.layers if _is_picks(la)), default=0.0)
        reach = radius + self.depth / 2 / angstroms_per_world_unit(viewer)
        if reach <= 0:
            self._borrowed.give_back()
            return
        dims = viewer.dims
        margins = (0.0,) * (dims.ndim - 3) + (reach,) * min(dims.ndim, 3)
        for name in ("margin_left", "margin_right"):
            if not np.allclose(getattr(dims, name)[-3:], reach):
                self._borrowed.set(dims, name, margins)
        for layer in viewer.layers:
            self._adopt(layer)

    def _is_known(self, viewer: Any) -> bool:
        """Whether all is as it was: asked at each slice, where units would take 10 ms."""
        dims = viewer.dims
        layers = [(ref(la), str(la.projection_mode), la.units, _size(la)) for la in viewer.layers]
        state = (self.depth, dims.margin_left, dims.margin_right, layers)
        before, self._known = self._known, state
        return bool(state == before)

    def _adopt(self, layer: Any) -> None:
        """Draw a layer's points as slices or the slab cut them."""
        mode = WHOLE if self.depth > 0 else SPHERES
        if type(layer).__name__ == "Points" and str(layer.projection_mode) != mode:
            self._borrowed.set(layer, "projection_mode", mode)

    def _follow(self, layer: Any) -> None:
        if type(layer).__name__ == "Points":
            for name in LAYER_EVENTS:
                getattr(layer.events, name).connect(self.update)

    def _inserted(self, event: Any) -> None:
        self._follow(event.value)
        self.update()

    def _removed(self, event: Any) -> None:
        if type(event.value).__name__ == "Points":
            for name in LAYER_EVENTS:
                getattr(event.value.events, name).disconnect(self.update)
        self._borrowed.forget(event.value)
        self.update()


def _is_picks(layer: Any) -> bool:
    """Whether a layer is of visible points in three dimensions that are no atoms."""
    if type(layer).__name__ != "Points" or layer.ndim != 3 or not layer.visible:
        return False
    tag = tag_of(layer)
    return len(layer.data) > 0 and not (tag is not None and isinstance(tag.noun, Structure))


def _radius(viewer: Any, layer: Any) -> float:
    """Radius of a layer's largest point in the viewer's unit."""
    return float(np.max(layer.size)) / 2 * float(np.abs(frame_of(viewer, layer).step).max())


def _size(layer: Any) -> tuple[float, ...]:
    """Size of the largest of visible picks, and the layer's scale; empty for other layers."""
    return (float(np.max(layer.size)), *layer.scale) if _is_picks(layer) else ()


_reaches: WeakKeyDictionary[Any, Reach] = WeakKeyDictionary()


def reach_of(viewer: Any) -> Reach:
    """What keeps a viewer's margins, made when first asked for."""
    if viewer not in _reaches:
        _reaches[viewer] = Reach(viewer)
    return _reaches[viewer]
