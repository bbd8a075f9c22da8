"""The lasso: which picks lie in an outline drawn in the view, and the outline itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Vectors

from mapscope.viewer.picks.known import Flags
from mapscope.viewer.regions.pointing import Pointer, hidden_axes, slice_place
from mapscope.viewer.regions.tool import Tool
from mapscope.volume import Array, Grid

NAME = "Lasso"
COLOR = "#ffd60a"
FEWEST = 3
"""Corners of an outline that holds anything."""


def plane_of(direction: Array | None, hidden: tuple[int, ...]) -> Array:
    """Two unit vectors (2, 3), z, y, x, that span the plane of the view.

    Parameters
    ----------
    direction : array (3,), optional
        Of the line of sight in 3D; None in slices.
    hidden : tuple of int
        The axis that points out of the view in slices.
    """
    if direction is None:
        return np.eye(3)[[axis for axis in range(3) if axis not in hidden]]
    helper = np.eye(3)[int(np.argmin(np.abs(direction)))]
    first = np.cross(direction, helper)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(direction, first)])


def inside_outline(positions: Array, outline: Array, plane: Array) -> Flags:
    """Which positions lie in an outline, seen along the line of sight.

    Parameters
    ----------
    positions : array (n, 3)
        Å, z, y, x.
    outline : array (m, 3)
        Corners in Å, in the plane of the view or anywhere along the line of sight.
    plane : array (2, 3)
        As `plane_of` gives it.
    """
    if len(outline) < FEWEST or not len(positions):
        return np.zeros(len(positions), dtype=np.bool_)
    from skimage.measure import points_in_poly

    return np.asarray(points_in_poly(positions @ plane.T, outline @ plane.T), dtype=np.bool_)


class Outline(Tool):
    """The outline while it is drawn."""

    def __init__(self, viewer: Any) -> None:
        super().__init__(viewer)
        self.points: list[Array] = []
        self.hidden: tuple[int, ...] = ()
        self.direction: Array | None = None

    def begin(self, viewer: Any, pointer: Pointer) -> None:
        """Begin where the mouse is."""
        self.hidden, self.direction = hidden_axes(viewer), pointer.direction
        self.points = [self._at(viewer, pointer)]
        self._place(Grid((1, 1, 1)))

    def go_on(self, viewer: Any, pointer: Pointer) -> None:
        """Draw on to where the mouse is."""
        self.points.append(self._at(viewer, pointer))
        self._draw()

    def picks(self, positions: Array) -> Flags:
        """Which positions lie in it, whatever their depth."""
        plane = plane_of(self.direction, self.hidden)
        return inside_outline(positions, np.array(self.points), plane)

    def _at(self, viewer: Any, pointer: Pointer) -> Array:
        """The place of the mouse; in slices in the slice."""
        place = np.array(pointer.place)
        axes = list(self.hidden)
        place[axes] = slice_place(viewer)[axes]
        return place

    def _layers_of(self, _grid: Grid) -> list[Any]:
        return [
            Vectors(
                np.zeros((0, 2, 3)),
                edge_color=COLOR,
                edge_width=1.0,
                vector_style="line",
                blending="translucent_no_depth",
                **self._attributes(NAME),
            )
        ]

    def _fill(self, viewer: Any) -> None:
        """Draw the outline, closed."""
        (layer,) = self._layers
        corners = np.array(self.points)
        runs = np.roll(corners, -1, axis=0) - corners
        layer.data = self._in_steps(np.stack([corners, runs], axis=1))
        if len(layer.data):
            layer.edge_color = COLOR
            layer.edge_width = 2.0 / max(float(viewer.scene.camera.zoom), 1e-9)
