"""What is shown in the view for a while and can be dragged: layers that are no data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from weakref import ref

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.viewer.layers import KEY, SPACE, TOOL
from mapscope.viewer.regions.pointing import Pointer
from mapscope.viewer.views.connections import Connections
from mapscope.volume import Grid

Move: TypeAlias = Callable[[Pointer], None]
"""Called with where the mouse is while something is dragged."""


class Tool(QObject):
    """Something in the view that users place, drag and put away.

    Its layers are tagged as tools and go together: deleting one deletes all. They count in
    steps of the map's longest voxel edge, so that the viewer's sliders keep the map's steps.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self._layers: list[Any] = []
        self._is_drawing = False
        self._step = 1.0
        self._connections = Connections()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)

    @property
    def is_placed(self) -> bool:
        """Whether it is in the view."""
        return bool(self._layers)

    @property
    def layers(self) -> list[Any]:
        """The layers that show it."""
        return list(self._layers)

    def take_away(self) -> None:
        """Put it away, with its layers."""
        layers, self._layers = self._layers, []
        if not layers:
            return
        self._connections.end()
        viewer = self._viewer()
        for layer in layers:
            if viewer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)
        self.changed.emit()

    def forget(self, removed: Any) -> bool:
        """A layer was removed from the viewer; whether it was one of these."""
        if not any(removed is layer for layer in self._layers):
            return False
        self._layers = [layer for layer in self._layers if layer is not removed]
        if not self._layers:
            self._connections.end()
            self.changed.emit()
        self.take_away()
        return True

    def grab(self, pointer: Pointer) -> Move | None:
        """What moves it when the mouse goes down here; None where it is not met."""
        raise NotImplementedError

    def _layers_of(self, grid: Grid) -> list[Any]:
        """New layers for a map with this grid, still empty."""
        raise NotImplementedError

    def _fill(self, viewer: Any) -> None:
        """Show in the layers where it is."""
        raise NotImplementedError

    def _place(self, grid: Grid) -> None:
        """Put it into the view of a map, or draw it anew where it is there already."""
        viewer = self._viewer()
        if viewer is None:
            return
        if not self._layers:
            self._step = max(grid.voxel_size)
            self._insert(viewer, self._layers_of(grid))
        self._draw()
        self.changed.emit()

    def _insert(self, viewer: Any, layers: list[Any]) -> None:
        """Add layers on top of all; what is selected stays selected."""
        active = viewer.layers.selection.active
        self._layers = layers
        for layer in layers:
            viewer.layers.insert(len(viewer.layers), layer)
        viewer.layers.selection.active = active
        for name in ("ndisplay", "order"):
            self._connections.add(getattr(viewer.dims.events, name), self._draw)
        self._connections.add(viewer.dims.events.point, self._draw_soon)

    def _attributes(self, name: str) -> dict[str, Any]:
        """What all layers of tools have in common."""
        return {"name": name, "scale": (self._step,) * 3, "metadata": {KEY: TOOL}, **SPACE}

    def _in_steps(self, lengths: Any) -> Any:
        """Å in the numbers that the layers hold."""
        return np.asarray(lengths, dtype=np.float64) / self._step

    def _in_angstroms(self, numbers: Any) -> Any:
        """Numbers that the layers hold in Å."""
        return np.asarray(numbers, dtype=np.float64) * self._step

    def _draw_soon(self, *_: Any) -> None:
        """Show where it is when the slices have come to rest: each change costs napari 20 ms."""
        self._timer.start(0)

    def _draw(self, *_: Any) -> None:
        """Show where it is."""
        viewer = self._viewer()
        if viewer is None or not self._layers or self._is_drawing:
            return
        self._is_drawing = True
        try:
            self._fill(viewer)
        finally:
            self._is_drawing = False

    def _is_foreign(self, event: Any) -> bool:
        """Whether somebody else has changed the data of a layer, and is done with it."""
        is_done = not str(getattr(event, "action", "")).lower().endswith("ing")
        return is_done and not self._is_drawing and bool(self._layers)
