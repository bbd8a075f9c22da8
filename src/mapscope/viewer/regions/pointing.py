"""Where the mouse points in a map: a place in slices, a line of sight in 3D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.viewer.views.space import angstroms_per_world_unit

Vector = npt.NDArray[np.float64]

STEEPEST = 0.1
"""Least sine of the angle between an axis and the line of sight for a drag along the axis."""


@dataclass(frozen=True, eq=False)
class Pointer:
    """The mouse over a view.

    Parameters
    ----------
    place : array (3,)
        Å, z, y, x: where it is in the slice, or any point of its line of sight.
    direction : array (3,), optional
        Unit vector away from the eye; None in slices.
    pixel : float
        Å that a pixel of the screen covers.
    """

    place: Vector
    direction: Vector | None
    pixel: float

    def from_line(self, point: npt.ArrayLike) -> float:
        """Distance in Å of a point from the place, or from the line of sight."""
        offset = np.asarray(point, dtype=np.float64) - self.place
        if self.direction is not None:
            offset = offset - (offset @ self.direction) * self.direction
        return float(np.linalg.norm(offset))

    def depth(self, point: npt.ArrayLike) -> float:
        """How far a point lies from the eye, against others; 0 in slices."""
        if self.direction is None:
            return 0.0
        return float((np.asarray(point, dtype=np.float64) - self.place) @ self.direction)

    def beside(self, point: npt.ArrayLike) -> Vector:
        """What the mouse points at in the plane of the view through a point."""
        if self.direction is None:
            return self.place
        return np.asarray(self.place + self.depth(point) * self.direction)

    def along(self, axis: int, point: npt.ArrayLike) -> float | None:
        """Coordinate on the axis through a point that the mouse is nearest to.

        None where the line of sight runs along the axis.
        """
        if self.direction is None:
            return float(self.place[axis])
        slope = float(self.direction[axis])
        if 1 - slope**2 < STEEPEST**2:
            return None
        start = np.asarray(point, dtype=np.float64)
        offset = self.place - start
        on_line = float(offset @ self.direction)
        return float(start[axis] + (offset[axis] - slope * on_line) / (1 - slope**2))


def pointer_of(viewer: Any, event: Any) -> Pointer:
    """Where the mouse of an event points."""
    factor = angstroms_per_world_unit(viewer)
    place = np.asarray(event.position[-3:], dtype=np.float64) * factor
    direction = None
    if viewer.dims.ndisplay == 3 and event.view_direction is not None:
        direction = np.asarray(event.view_direction[-3:], dtype=np.float64)
        direction = direction / np.linalg.norm(direction)
    return Pointer(place, direction, factor / max(float(viewer.scene.camera.zoom), 1e-9))


def slice_place(viewer: Any) -> Vector:
    """Position of the slices in Å, z, y, x."""
    place = np.zeros(3)
    point = np.asarray(viewer.dims.point[-3:], dtype=np.float64)
    place[3 - len(point) :] = point
    return np.asarray(place * angstroms_per_world_unit(viewer))


def hidden_axes(viewer: Any) -> tuple[int, ...]:
    """Which of z, y, x (0, 1, 2) point out of the view; none in 3D."""
    shown = [axis - viewer.dims.ndim + 3 for axis in viewer.dims.displayed]
    return tuple(axis for axis in range(3) if axis not in shown)
