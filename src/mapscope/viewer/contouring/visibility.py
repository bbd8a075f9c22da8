"""Who is seen: in 3D surfaces instead of their maps, in slices maps instead of their surfaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet, ref

from mapscope.viewer.contouring.surface import MapSurface


class Visibility:
    """Shows and hides maps and their surfaces, and remembers which maps it hid.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = ref(viewer)
        self._hidden: WeakSet[Any] = WeakSet()
        self._moving: WeakSet[Any] = WeakSet()
        self._depth = 0
        self.is_aside = False

    @property
    def is_busy(self) -> bool:
        """Whether a change of a layer is our own and nobody clicked."""
        return self._depth > 0

    def is_moving(self, layer: Any) -> bool:
        """Whether a map's level moves, so that its iso rendering stands for its surface."""
        return layer in self._moving

    def moving(self) -> list[Any]:
        """The maps whose level moves."""
        return list(self._moving)

    def move(self, layer: Any, others: Sequence[MapSurface], surface: MapSurface) -> None:
        """Show the iso rendering of a map instead of a surface while its level moves.

        Its other surfaces stay.
        """
        if layer in self._moving:
            return
        self._moving.add(layer)
        self.arrange(layer, others)
        if surface.layer is not None:
            with self.painting():
                surface.layer.visible = False

    def release(self, layer: Any) -> None:
        """The level of a map has come to rest."""
        self._moving.discard(layer)

    def arrange(self, layer: Any, surfaces: Sequence[MapSurface]) -> None:
        """Show a map or its surfaces, whichever is to be seen now."""
        viewer = self._viewer()
        if viewer is None or self.is_aside:
            return
        in_3d = viewer.dims.ndisplay == 3
        with self.painting():
            seen = [s for s in surfaces if s.is_shown and s.made is not None]
            for surface in surfaces:
                if surface.layer is not None:
                    self._set(surface.layer, in_3d and surface in seen)
            self._cover(layer, in_3d and bool(seen) and layer not in self._moving)

    def _cover(self, layer: Any, is_covered: bool) -> None:
        """Hide a map, or show it again where we hid it."""
        if is_covered and layer.visible:
            self._hidden.add(layer)
            layer.visible = False
        elif not is_covered and layer in self._hidden:
            self._hidden.discard(layer)
            layer.visible = True

    @staticmethod
    def _set(layer: Any, is_visible: bool) -> None:
        """Show or hide a layer; napari draws it anew even where nothing changes."""
        if layer.visible != is_visible:
            layer.visible = is_visible

    @contextmanager
    def painting(self) -> Iterator[None]:
        """While we change layers ourselves."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @contextmanager
    def hidden(self, layer: Any) -> Iterator[None]:
        """While a layer is filled; it stays out of sight until the next `arrange`."""
        with self.painting():
            self._set(layer, is_visible=False)
            yield
