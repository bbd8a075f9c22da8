"""Making a contour surface, in the worker: the mesh at a level, without dust, with its values."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.contour import isosurface
from mapscope.density.surface import (
    area,
    coloured_by_height,
    coloured_by_radius,
    values_at,
    without_dust,
)
from mapscope.mesh import Mesh
from mapscope.progress import Progress
from mapscope.volume import Grid, Region, Volume

By: TypeAlias = Literal["constant", "height", "radial", "map"]

MOST_VOXELS = 400**3
"""A map of more voxels is contoured on every second, third … one."""

VIEW_EDGE = 320
"""Longest edge in voxels of the box around the view's centre that is contoured in full detail."""

QUANTILES = (0.02, 0.98)
"""Values on the surface between which the colours are spread at first."""


@dataclass(frozen=True, eq=False)
class Order:
    """What surface is wanted.

    Parameters
    ----------
    volume : Volume
        The map.
    level : float
        Density of the surface.
    by : {"constant", "height", "radial", "map"}
        What its values are.
    source : Volume, optional
        The second map that the values are of.
    smallest : float
        Pieces of a smaller extent, in Å, are left out.
    region : Region, optional
        Box of voxels to stay within.
    step : int
        Takes every `step`-th voxel.
    """

    volume: Volume
    level: float
    by: By = "constant"
    source: Volume | None = None
    smallest: float = 0.0
    region: Region | None = None
    step: int = 1


@dataclass(frozen=True, eq=False)
class Made:
    """A surface that was made.

    Parameters
    ----------
    order : Order
        What was wanted.
    whole : Mesh
        The surface with all its pieces, to hide other dust or take other colours.
    mesh : Mesh
        What is shown, with its values.
    is_known : bool array (n,), optional
        Vertices at which there is a value; None stands for all.
    limits : tuple of float
        Values between which the colours are spread where nobody chose.
    area : float
        Area of what is shown in Å².
    """

    order: Order
    whole: Mesh
    mesh: Mesh
    is_known: npt.NDArray[np.bool_] | None
    limits: tuple[float, float]
    area: float


def make(order: Order, progress: Progress, before: Made | None = None) -> Made:
    """The surface that is wanted; the triangles of an earlier one are used where they fit.

    Raises
    ------
    DataError
        If the surface has too many triangles.
    """
    import_ahead()
    if before is not None and _is_same_surface(before.order, order):
        whole = before.whole
    else:
        region, step, level = order.region, order.step, order.level
        whole = isosurface(order.volume, level, region=region, step=step, progress=progress)
    mesh, is_known = _valued(without_dust(whole, order.smallest), order, progress)
    seen = mesh.values if is_known is None or mesh.values is None else mesh.values[is_known]
    return Made(order, whole, mesh, is_known, _limits(seen), area(mesh))


def _is_same_surface(one: Order, other: Order) -> bool:
    """Whether two orders ask for the same triangles."""
    wanted = [(o.level, o.region, o.step, o.volume.grid, o.volume.contrast) for o in (one, other)]
    return wanted[0] == wanted[1] and _array(one.volume) is _array(other.volume)


def _array(volume: Volume) -> Any:
    """What holds the data of a map: two nouns of one foreign layer are views of the same."""
    base = getattr(volume.data, "base", None)
    return volume.data if base is None else base


def _valued(
    mesh: Mesh, order: Order, progress: Progress
) -> tuple[Mesh, npt.NDArray[np.bool_] | None]:
    """The surface with its values, and where there are any: None stands for everywhere."""
    if order.by == "map" and order.source is not None:
        found = values_at(order.source, mesh.vertices, progress=progress)
        valued = replace(mesh, values=found.values)
        return valued, None if found.is_inside.all() else found.is_inside
    if order.by == "height":
        return coloured_by_height(mesh), None
    if order.by == "radial":
        grid = order.volume.grid
        centre = grid.world_from_index((np.asarray(grid.shape) - 1) / 2)
        return coloured_by_radius(mesh, centre), None
    return mesh, None


def _limits(values: npt.NDArray[np.float32] | None) -> tuple[float, float]:
    """Values between which the colours are spread: the 2 and 98 % quantiles."""
    if values is None or not values.size:
        return (0.0, 1.0)
    low, high = (float(q) for q in np.quantile(values, QUANTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def step_for(grid: Grid) -> int:
    """How far apart the voxels are that are contoured of a whole map: 1 unless it is huge."""
    step = 1
    while np.prod([-(-n // step) for n in grid.shape]) > MOST_VOXELS:
        step += 1
    return step


def import_ahead() -> None:
    """Import, in a worker, what surfaces and their layers need, so that the window need not wait.

    napari imports pandas when the first surface layer is made: half a second.
    """
    for name in ("pandas", "scipy.ndimage", "scipy.sparse.csgraph", "skimage.measure"):
        importlib.import_module(name)
