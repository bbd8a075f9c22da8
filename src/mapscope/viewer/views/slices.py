"""One plane of a layer, read as coarsely as it is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.viewer.views.space import Frame

WANTED_EDGE = 512
"""Pixels of a panel's longer edge: finer levels of a pyramid are not read for it."""


@dataclass(frozen=True)
class Plane:
    """One plane of a map, and where it lies.

    Parameters
    ----------
    values : array (rows, columns)
        Densities or labels.
    lower, upper : tuple of float
        Outer edges, rows before columns, in the viewer's unit.
    """

    values: npt.NDArray[Any]
    lower: tuple[float, float]
    upper: tuple[float, float]


def plane_of(levels: Sequence[Any], frame: Frame, axis: int, position: float) -> Plane | None:
    """The plane of a map across an axis at a position, or None outside.

    Parameters
    ----------
    levels : sequence of array-like (z, y, x)
        The map and its coarser copies, the finest first; the coarsest one that is fine enough
        for a panel is read.
    frame : Frame
        Where the map lies.
    axis : int
        The axis that the plane is across: 0 is z.
    position : float
        In the viewer's unit.
    """
    index = frame.index(axis, position)
    if index is None:
        return None
    level = coarse_enough(levels, axis)
    own = min(index * level.shape[axis] // frame.shape[axis], level.shape[axis] - 1)
    values = np.asarray(level[tuple(own if n == axis else slice(None) for n in range(3))])
    row, column = across(axis)
    lower = float(frame.lower[row]), float(frame.lower[column])
    return Plane(values, lower, (float(frame.upper[row]), float(frame.upper[column])))


def across(axis: int) -> tuple[int, int]:
    """The axes that run down and to the right in a plane across an axis."""
    row, column = (n for n in range(3) if n != axis)
    return row, column


def levels_of(layer: Any) -> list[Any]:
    """The data of a layer and its coarser copies, the finest first."""
    return list(layer.data) if layer.multiscale else [layer.data]


def is_at_hand(levels: Sequence[Any]) -> bool:
    """Whether a plane is read at once: the map is in memory."""
    return all(type(level) is np.ndarray for level in levels)


def coarse_enough(levels: Sequence[Any], axis: int) -> Any:
    """The coarsest level that still has a pixel for each pixel of a panel."""
    edges = [max(level.shape[n] for n in across(axis)) for level in levels]
    fine = [level for level, edge in zip(levels, edges, strict=True) if edge >= WANTED_EDGE]
    return fine[-1] if fine else levels[0]
