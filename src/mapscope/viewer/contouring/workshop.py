"""Where surfaces are made: orders go to the worker, what it makes goes into layers."""

from __future__ import annotations

from typing import Any
from weakref import ref

from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import MapscopeError
from mapscope.viewer.contouring.colorbar import ColorBars
from mapscope.viewer.contouring.making import Made, make
from mapscope.viewer.contouring.ordering import MAKING, note_of, order_of
from mapscope.viewer.contouring.painting import new_layer, paint, paint_unknown, refill
from mapscope.viewer.contouring.surface import Coloring, MapSurface, recolored
from mapscope.viewer.contouring.visibility import Visibility
from mapscope.viewer.runner import Run

QUEUE = "surfaces"
"""A queue of its own, so that a surface does not wait for a long job."""


class Workshop(QObject):
    """Makes surfaces beside the window and puts them into the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    surfaces : list of MapSurface
        All surfaces of the viewer; kept by the owner of this workshop.
    """

    changed = Signal()
    ready = Signal(object)
    said = Signal(str)

    def __init__(self, viewer: Any, surfaces: list[MapSurface]) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self._surfaces = surfaces
        self.visibility = Visibility(viewer)
        self.bars = ColorBars(viewer)
        viewer.layers.events.inserted.connect(self._sort_soon)

    def check(self, surface: MapSurface) -> None:
        """Raise unless a surface can be made.

        Raises
        ------
        InputError
            If its map cannot be contoured; the message says why.
        """
        order_of(surface, self._viewer())

    def make(self, surface: MapSurface, *, is_fresh: bool = False) -> None:
        """Make a surface in the worker; a newer wish replaces an older one.

        Parameters
        ----------
        surface : MapSurface
            The surface.
        is_fresh : bool
            Whether to contour again even where level and map are those of before.
        """
        if surface.run is not None:
            surface.run.cancel()
            surface.run = None
        try:
            order = order_of(surface, self._viewer())
        except MapscopeError as error:
            self._fail(surface, error)
            return
        before = None if is_fresh else surface.made
        self._start(surface, Run(lambda progress: make(order, progress, before)))

    def _start(self, surface: MapSurface, run: Run) -> None:
        """Start a run; of its end is heard only while it is the surface's newest."""

        def take(made: Made) -> None:
            if run is surface.run and surface in self._surfaces:
                self._take(surface, made)

        def fail(error: BaseException) -> None:
            if run is surface.run and surface in self._surfaces:
                self._fail(surface, error)

        run.succeeded.connect(take)
        run.failed.connect(fail)
        surface.run, surface.note = run, MAKING
        run.start(QUEUE)
        self.changed.emit()

    def _take(self, surface: MapSurface, made: Made) -> None:
        """Put a surface that was made into the viewer."""
        viewer = self._viewer()
        if viewer is None or made.order.level != surface.level:
            return  # the level moved on, and its surface is made when it rests
        if surface.layer is None and len(made.mesh.faces):
            self._insert(viewer, surface, made)
            # Filled in a turn of its own, so that the window is stopped twice for a short time.
            surface.is_filling = True
            QTimer.singleShot(0, lambda: self._fill(surface, made))
        else:
            self._fill(surface, made)

    def _fill(self, surface: MapSurface, made: Made) -> None:
        """Put triangles and colours into the layer of a surface."""
        surface.is_filling = False
        if surface not in self._surfaces or self._viewer() is None:
            return
        surface.note = note_of(made)
        surface.made = made if len(made.mesh.faces) else None
        if surface.made is not None:
            with self.visibility.hidden(surface.layer):
                refill(surface.layer, made, surface.coloring)
        self._finish(surface)
        self.ready.emit(surface)

    def _insert(self, viewer: Any, surface: MapSurface, made: Made) -> None:
        """Add an empty layer above the map and its other surfaces; the selection stays."""
        family = [s.layer or s.map for s in self._surfaces if s.map is surface.map]
        place = 1 + max(viewer.layers.index(layer) for layer in [surface.map, *family])
        surface.layer = new_layer(surface, made, len(family))
        events = surface.layer.events
        events.visible.connect(self._eye_clicked)
        events.contrast_limits.connect(self._look_changed)
        events.colormap.connect(self._look_changed)
        events.opacity.connect(self._sort_soon)
        active = viewer.layers.selection.active
        with self.visibility.painting():
            viewer.layers.insert(place, surface.layer)
        viewer.layers.selection.active = active

    def _fail(self, surface: MapSurface, error: BaseException) -> None:
        """Say why there is no surface, and show the map again."""
        surface.note = str(error)
        self._finish(surface)

    def _finish(self, surface: MapSurface) -> None:
        """Show what there is now, and tell."""
        self.visibility.release(surface.map)
        self.arrange(surface.map)
        self.said.emit(surface.note)
        self.changed.emit()

    def recolor(self, surface: MapSurface, coloring: Coloring) -> None:
        """Colour a surface; its values are looked up in the worker where it has others."""
        before, surface.coloring = surface.coloring, coloring
        if (before.by, before.source) != (coloring.by, coloring.source):
            self.make(surface)
            return
        if surface.layer is not None and surface.made is not None:
            with self.visibility.painting():
                paint(surface.layer, surface.made, coloring)
        self.bars.show(self._surfaces)
        self.changed.emit()

    def _of_layer(self, layer: Any) -> MapSurface | None:
        return next((s for s in self._surfaces if s.layer is layer), None)

    def _look_changed(self, event: Any) -> None:
        """Take over limits and colours that were chosen in napari's own controls."""
        surface = self._of_layer(event.source)
        if surface is None or self.visibility.is_busy or surface.coloring.by == "constant":
            return
        surface.coloring = recolored(surface.coloring, event.source, event.type)
        if surface.made is not None:
            paint_unknown(event.source, surface.made)
        self.changed.emit()

    def _eye_clicked(self, event: Any) -> None:
        """Take over a click on the eye in napari's own list."""
        surface = self._of_layer(event.source)
        if surface is None or self.visibility.is_busy or self.visibility.is_aside:
            return
        surface.is_shown = bool(event.source.visible)
        self.arrange(surface.map)
        self.changed.emit()

    def _sort_soon(self, *_: Any) -> None:
        """Sort when the viewer is done with what it is doing."""
        QTimer.singleShot(0, self._sort)

    def _sort(self) -> None:
        """Keep transparent surfaces on top: what they are drawn before is hidden by them."""
        viewer = self._viewer()
        if viewer is None:
            return
        clear = [la for la in viewer.layers if self._is_clear(la)]
        if list(viewer.layers)[len(viewer.layers) - len(clear) :] == clear:
            return
        for layer in clear:
            viewer.layers.move(viewer.layers.index(layer), len(viewer.layers))

    def _is_clear(self, layer: Any) -> bool:
        return layer.opacity < 1 and self._of_layer(layer) is not None

    def arrange(self, layer: Any) -> None:
        """Show a map or its surfaces, and the colour bars of those that are seen."""
        self.visibility.arrange(layer, [s for s in self._surfaces if s.map is layer])
        self.bars.show(self._surfaces)

    def withdraw(self, surface: MapSurface) -> None:
        """Take the layer of a surface away, which is no longer among the others."""
        if surface.run is not None:
            surface.run.cancel()
        viewer, layer = self._viewer(), surface.layer
        if layer is not None:
            layer.colorbar.visible = False
            if viewer is not None and layer in viewer.layers:
                viewer.layers.remove(layer)
        self.visibility.release(surface.map)
        self.arrange(surface.map)
        self.changed.emit()
