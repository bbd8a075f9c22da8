"""A sphere in the view that can be dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Points

from mapscope.viewer.regions.pointing import Pointer, Vector, hidden_axes, slice_place
from mapscope.viewer.regions.tool import Move, Tool
from mapscope.volume import Grid, Triple

COLOR = "#ff9d2e"
OPACITY = 0.45
NAME = "Sphere"


class Sphere(Tool):
    """A translucent ball; slices show its cut.

    Attributes
    ----------
    centre : tuple of float
        Å, z, y, x.
    radius : float
        Å.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.centre: Triple = (0.0, 0.0, 0.0)
        self.radius = 10.0
        self._drawn: Vector = np.zeros(3)

    def place(self, grid: Grid, centre: Triple, radius: float) -> None:
        """Put the sphere into the view of a map."""
        self.centre, self.radius = centre, radius
        self._place(grid)

    def move(self, centre: Any) -> None:
        """Put the centre elsewhere; Å, z, y, x."""
        z, y, x = (float(c) for c in centre)
        if (z, y, x) != self.centre:
            self.centre = (z, y, x)
            self._draw()
            self.changed.emit()

    def resize(self, radius: float) -> None:
        """Give the sphere another radius in Å."""
        if radius != self.radius:
            self.radius = radius
            self._draw()
            self.changed.emit()

    def grab(self, pointer: Pointer) -> Move | None:
        """Move the sphere in the plane of the view where the mouse is on it."""
        if not self.is_placed or pointer.from_line(self.centre) > self.radius:
            return None
        first = np.array(self.centre)
        start = pointer.beside(first)
        return lambda now: self.move(first + now.beside(first) - start)

    def _layers_of(self, _grid: Grid) -> list[Any]:
        layer = Points(
            np.zeros((1, 3)),
            face_color=COLOR,
            border_color=COLOR,
            border_width=0.02,
            opacity=OPACITY,
            blending="translucent_no_depth",
            **self._attributes(NAME),
        )
        layer.events.data.connect(self._dragged)
        return [layer]

    def _fill(self, viewer: Any) -> None:
        """Show the ball, or the disc that the slice cuts out of it."""
        layer, axes = self._layers[0], list(hidden_axes(viewer))
        at, here = np.array(self.centre), slice_place(viewer)
        square = self.radius**2 - float(((at - here)[axes] ** 2).sum())
        at[axes] = here[axes]
        self._drawn = at
        shading = "none" if axes else "spherical"
        if layer.shading != shading:
            layer.shading = shading
        layer.data = self._in_steps(at)[None]
        diameter = 2 * float(self._in_steps(np.sqrt(max(square, 0.0))))
        if diameter > 0 and abs(layer.size[0] - diameter) > 1e-9:
            layer.size = diameter
        if bool(layer.shown[0]) != (diameter > 0):
            layer.shown = np.array([diameter > 0])

    def _dragged(self, event: Any) -> None:
        """Follow what napari's own tools did with the point."""
        if not self._is_foreign(event):
            return
        data = event.source.data
        if len(data) == 0:
            self.take_away()
            return
        shift = self._in_angstroms(data[0]) - self._drawn
        self.move(np.array(self.centre) + shift)
        self._draw()
