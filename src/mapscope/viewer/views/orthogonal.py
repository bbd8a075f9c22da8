"""Three slices at right angles through one position, linked with the main view.

napari's own widget of a canvas would need a copy of every layer and three more OpenGL
contexts; these panels draw planes of the same layers and read nothing else.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from napari.utils.theme import get_theme
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from mapscope.progress import Progress
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.views.panel import SlicePanel
from mapscope.viewer.views.reach import reach_of
from mapscope.viewer.views.slices import Plane, is_at_hand, levels_of, plane_of
from mapscope.viewer.views.space import (
    Frame,
    angstroms_per_world_unit,
    frame_of,
    point_of,
    reason_against_map,
    unit_of,
)

LOOKS = ("contrast_limits", "colormap", "gamma", "opacity", "blending")
CONTENTS = ("data", "paint", "labels_update", "scale", "translate", "units", "visible")
MOST_POINTS = 20_000
_Request: TypeAlias = tuple[list[Any], Frame, int, float]

NOTHING = "Open a map to see it in three planes."


class OrthogonalViews(QWidget):
    """The xy, xz and yz planes of all visible maps, labels and points.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    drawn = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.panels = tuple(SlicePanel(axis) for axis in range(3))
        self.empty = QLabel(NOTHING)
        self._connections = Connections()
        self._of_layers = Connections()
        self._shown: dict[tuple[Any, int], int] = {}
        self._unread: dict[tuple[Any, int], _Request] = {}
        self._stale = True
        self._is_fitted = False
        self._run: Run | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._draw)
        self._arrange()
        self._connect()
        self._paint()
        self._layers_changed()

    def _arrange(self) -> None:
        row = QHBoxLayout()
        for panel in self.panels:
            panel.setMinimumSize(120, 120)
            panel.moved.connect(self.move_to)
            row.addWidget(panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.addWidget(self.empty)
        layout.addLayout(row, stretch=1)

    def _connect(self) -> None:
        viewer, add = self.viewer, self._connections.add
        add(viewer.dims.events.point, self.request)
        add(viewer.dims.events.margin_left, self.request)
        for name in ("inserted", "removed", "reordered"):
            add(getattr(viewer.layers.events, name), self._layers_changed)
        add(viewer.events.theme, self._paint)
        self.destroyed.connect(self._connections.end)
        self.destroyed.connect(self._of_layers.end)

    def move_to(self, axis: int, position: float) -> None:
        """Move the slices of the main view, and these, along an axis."""
        dims = self.viewer.dims
        dims.set_point(axis + dims.ndim - 3, position)

    def request(self, *_: Any) -> None:
        """Draw soon; many changes at once are drawn once."""
        self._timer.start(0)

    def end(self) -> None:
        """Follow the viewer no longer."""
        self._timer.stop()
        self._connections.end()
        self._of_layers.end()

    def _layers_changed(self, *_: Any) -> None:
        """Follow the layers that are there now."""
        self._of_layers.end()
        for layer in self.viewer.layers:
            is_flat = type(layer).__name__ in ("Image", "Labels")
            for name in (*(LOOKS if is_flat else ("opacity",)), *CONTENTS):
                emitter = getattr(layer.events, name, None)
                if emitter is not None:
                    callback = self._look_changed if name in LOOKS else self._content_changed
                    self._of_layers.add(emitter, callback)
        self._stale = True
        self.request()

    def _look_changed(self, event: Any) -> None:
        for panel in self.panels:
            panel.show_look(event.source)

    def _content_changed(self, *_: Any) -> None:
        self._stale = True
        self.request()

    def _draw(self) -> None:
        """Draw what has changed: planes that are in memory now, others when they are read."""
        layers = [layer for layer in self.viewer.layers if self._is_shown(layer)]
        self.empty.setVisible(not layers)
        if self._stale:
            self._shown.clear()
            self._stale = False
        point = point_of(self.viewer)
        if len(point) < 3:  # an empty viewer
            point = np.zeros(3)
        for panel in self.panels:
            panel.show_order(layers)
            panel.show_position(point, self._words(point[panel.axis]))
            self._show_points(panel, point)
            for layer in layers:
                self._ask(layer, panel.axis, float(point[panel.axis]))
        self._read_soon()
        self._fit_once()
        self.drawn.emit()

    def _words(self, position: float) -> str:
        """A position as it is written above a panel."""
        angstroms = position * angstroms_per_world_unit(self.viewer)
        return f"{angstroms:.1f} Å" if unit_of(self.viewer) is not None else f"{position:.1f}"

    def _is_shown(self, layer: Any) -> bool:
        if not layer.visible:
            return False
        is_labels = type(layer).__name__ == "Labels" and layer.ndim == 3
        return is_labels or not reason_against_map(layer)

    def _ask(self, layer: Any, axis: int, position: float) -> None:
        """Draw a plane that is in memory, or have it read; nothing where it is drawn already."""
        frame, levels = frame_of(self.viewer, layer), levels_of(layer)
        index = frame.index(axis, position)
        shown = -1 if index is None else index
        if self._shown.get((layer, axis)) == shown:
            return
        self._shown[layer, axis] = shown
        if is_at_hand(levels):
            self.panels[axis].show_plane(layer, plane_of(levels, frame, axis, position))
        else:
            self._unread[layer, axis] = (levels, frame, axis, position)

    def _read_soon(self) -> None:
        """Read beside the window, one request at a time; of what is asked meanwhile the newest."""
        if not self._unread or (self._run is not None and not self._run.is_over):
            return
        wanted, self._unread = self._unread, {}
        run = Run(lambda progress: _planes(wanted, progress))
        run.succeeded.connect(self._show_late)
        run.ended.connect(self._read_soon)
        self._run = run.start(BACKGROUND)

    def _show_late(self, planes: list[tuple[Any, int, Plane | None]]) -> None:
        for layer, axis, plane in planes:
            if layer in self.viewer.layers:
                self.panels[axis].show_plane(layer, plane)
        self._fit_once()
        self.drawn.emit()

    def _fit_once(self) -> None:
        """Show all of the first map; later on the user's zoom stays."""
        if not self._is_fitted and all(panel.images for panel in self.panels):
            self._is_fitted = True
            for panel in self.panels:
                panel.fit()

    def _show_points(self, panel: SlicePanel, point: Any) -> None:
        """Draw atoms and picks in the slab whole, others as the circle in which they are cut."""
        places, diameters, colors = [np.zeros((0, 3))], [np.zeros(0)], [np.zeros((0, 4))]
        margin = reach_of(self.viewer).depth / 2 / angstroms_per_world_unit(self.viewer)
        for layer in self.viewer.layers:
            if type(layer).__name__ != "Points" or not layer.visible or layer.ndim != 3:
                continue
            frame = _points_frame(layer)
            positions = np.asarray(layer.data) * frame[0] + frame[1]
            size = np.asarray(layer.size, dtype=float) * frame[0][-1]
            depth = np.abs(positions[:, panel.axis] - point[panel.axis])
            beyond = np.maximum(depth - margin, 0)
            near = np.flatnonzero((beyond <= size / 2) & layer.shown)[:MOST_POINTS]
            places.append(positions[near])
            diameters.append(2 * np.sqrt((size[near] / 2) ** 2 - beyond[near] ** 2))
            colors.append(np.asarray(layer.face_color)[near])
        panel.show_points(*(np.concatenate(part) for part in (places, diameters, colors)))

    def _paint(self, *_: Any) -> None:
        """Take the colours of napari's theme."""
        theme = get_theme(self.viewer.theme)
        for panel in self.panels:
            panel.paint_with(theme.background.as_hex(), theme.text.as_hex())


def _planes(
    wanted: dict[tuple[Any, int], _Request], progress: Progress
) -> list[tuple[Any, int, Plane | None]]:
    """Read planes one after the other."""
    planes = []
    for number, ((layer, axis), request) in enumerate(wanted.items()):
        progress(number, len(wanted), "reading slices")
        planes.append((layer, axis, plane_of(*request)))
    return planes


def _points_frame(layer: Any) -> tuple[Any, Any]:
    """Steps and shift (3,) from a points layer's data to world units, unrotated."""
    shift = np.asarray(layer.data_to_world((0, 0, 0)))
    return np.asarray(layer.data_to_world((1, 1, 1))) - shift, shift
