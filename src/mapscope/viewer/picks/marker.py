"""The current pick in the view: a ring around it, and its axes where it has an orientation."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Points, Vectors

from mapscope.picking.orientation import axes_of_rotations
from mapscope.viewer.regions.pointing import hidden_axes, slice_place
from mapscope.viewer.regions.tool import Tool
from mapscope.viewer.views.space import angstroms_per_world_unit
from mapscope.volume import Array, Grid

RING_NAME, AXES_NAME = "Current pick", "Current pick · axes"
RING_COLOR = "#ffd60a"
RING_WIDTH = 0.06
"""Of the line, as a share of the ring's diameter."""
AXIS_COLORS = ("#4f8cff", "#4fd06a", "#ff5a5a")
"""Of the particle's z, y and x."""
RING_IN_RADII, AXES_IN_RADII = 2.6, 1.8
"""Diameter of the ring and length of the axes, as multiples of the radius."""


class Marker(Tool):
    """Marks a pick; slices that do not cut it show nothing.

    Attributes
    ----------
    position : array (3,)
        Å, z, y, x.
    rotation : array (3, 3), optional
        Orientation of the particle.
    radius : float
        Å.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.position: Array = np.zeros(3)
        self.rotation: Array | None = None
        self.radius = 10.0

    def mark(self, position: Array, rotation: Array | None, radius: float) -> None:
        """Mark a pick."""
        self.position, self.rotation, self.radius = position, rotation, radius
        self._place(Grid((1, 1, 1)))

    def _layers_of(self, _grid: Grid) -> list[Any]:
        ring = Points(
            np.zeros((0, 3)),
            face_color="transparent",
            border_color=RING_COLOR,
            border_width=RING_WIDTH,
            blending="translucent_no_depth",
            **self._attributes(RING_NAME),
        )
        axes = Vectors(
            np.zeros((0, 2, 3)),
            edge_color=RING_COLOR,
            vector_style="line",
            blending="translucent_no_depth",
            **self._attributes(AXES_NAME),
        )
        for layer in (ring, axes):
            layer.mouse_pan = True
        return [ring, axes]

    def _fill(self, viewer: Any) -> None:
        """Draw ring and axes for the view as it is."""
        ring, axes = self._layers
        hidden, here = list(hidden_axes(viewer)), slice_place(viewer)
        distance = np.abs(self.position - here)[hidden].max(initial=0.0)
        if distance > max(self.radius, half_slab(viewer)):
            ring.data, axes.data = np.zeros((0, 3)), np.zeros((0, 2, 3))
            return
        place = self.position.copy()
        place[hidden] = here[hidden]
        ring.data = self._in_steps([place])
        ring.size = RING_IN_RADII * self.radius / self._step
        ring.face_color, ring.border_color = "transparent", RING_COLOR
        ring.border_width = RING_WIDTH
        axes.data = self._in_steps(self._axes(place))
        if len(axes.data):
            axes.edge_color = np.array(AXIS_COLORS)
            axes.edge_width = 0.12 * self.radius / self._step

    def _axes(self, place: Array) -> Array:
        """Start and run of each axis in Å (3, 2, 3)."""
        if self.rotation is None:
            return np.zeros((0, 2, 3))
        runs = AXES_IN_RADII * self.radius * axes_of_rotations(self.rotation[None])[0]
        return np.stack([np.tile(place, (3, 1)), runs], axis=1)


def half_slab(viewer: Any) -> float:
    """How far from the slice picks are shown in a slab, in Å: half of it."""
    margins = np.maximum(viewer.dims.margin_left[-3:], viewer.dims.margin_right[-3:])
    hidden = list(hidden_axes(viewer))
    depth = np.asarray(margins, dtype=np.float64)[hidden].max(initial=0.0)
    return float(depth * angstroms_per_world_unit(viewer))
