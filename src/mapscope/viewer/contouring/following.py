"""Surfaces follow their maps: the level at once in the picture, the surface after a rest."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.contouring.workshop import Workshop

REST = 250
"""Milliseconds of rest after which a level that moved gets its surface."""

MAP_EVENTS = ("data", "scale", "translate", "units")
"""What may change about a map so that its surfaces are made anew."""


class Following(QObject):
    """Listens to maps and has their surfaces made anew.

    Parameters
    ----------
    workshop : Workshop
        Makes the surfaces.
    surfaces : list of MapSurface
        All surfaces of the viewer.

    Attributes
    ----------
    current : mapping of layer to MapSurface
        Of each map the surface that follows its level.
    """

    level_changed = Signal(object)

    def __init__(self, workshop: Workshop, surfaces: list[MapSurface]) -> None:
        super().__init__()
        self._workshop = workshop
        self._surfaces = surfaces
        self.current: WeakKeyDictionary[Any, MapSurface] = WeakKeyDictionary()
        self._is_following = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._make_moving)

    def begin(self, layer: Image) -> None:
        """Follow a map."""
        self._listen(layer, "connect")

    def end(self, layer: Image) -> None:
        """No longer follow a map."""
        self._listen(layer, "disconnect")

    def _listen(self, layer: Image, change: str) -> None:
        getattr(layer.events.iso_threshold, change)(self._level_moved)
        for name in MAP_EVENTS:
            getattr(getattr(layer.events, name), change)(self._map_changed)

    def put_level(self, layer: Image, level: float, *, is_following: bool = False) -> None:
        """Move the level of a map, with its surface or without.

        The picture of a map draws levels within its contrast limits only, so these are widened.
        """
        self._is_following = is_following
        try:
            low, high = layer.contrast_limits
            if not low <= level <= high:
                layer.contrast_limits = (min(low, level), max(high, level))
            layer.iso_threshold = level
        finally:
            self._is_following = True

    def release(self, layer: Image) -> None:
        """Make the surface of a map whose level moved at once."""
        if self._workshop.visibility.is_moving(layer):
            self._timer.stop()
            self._make_moving()

    def _level_moved(self, event: Any) -> None:
        """Follow the level of a map."""
        layer = event.source
        surface = self.current.get(layer)
        if surface is not None and self._is_following and surface.level != layer.iso_threshold:
            surface.level = float(layer.iso_threshold)
            others = [s for s in self._surfaces if s.map is layer and s is not surface]
            self._workshop.visibility.move(layer, others, surface)
            self._timer.start(REST)
        self.level_changed.emit(layer)

    def _make_moving(self) -> None:
        """Make the surfaces of maps whose level has come to rest."""
        for layer in self._workshop.visibility.moving():
            surface = self.current.get(layer)
            if surface is not None:
                self._workshop.make(surface)

    def _map_changed(self, event: Any) -> None:
        """Make all surfaces of a map anew: it has other data or lies elsewhere."""
        for surface in [s for s in self._surfaces if s.map is event.source]:
            self._workshop.make(surface, is_fresh=True)
