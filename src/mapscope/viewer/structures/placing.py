"""Where the view looks: camera and slices go to a place, and a click names one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.volume import Array

REACH = 2.0
"""Å from the line of sight, or in slices from the click, within which an atom is met."""

DEPTH_WEIGHT = 5.0
"""Å that an atom may lie deeper for each Å that it is nearer to the line of sight."""


def look_at(viewer: Any, position: tuple[float, float, float]) -> None:
    """Put a position in Å, z, y, x, into the middle of the view, and slices through it.

    In 3D the slices stay, since moving them would draw all layers anew: see `slice_at`.
    """
    dims = viewer.dims
    axes = range(dims.ndim - 3, dims.ndim)
    if dims.ndisplay == 2:
        slice_at(viewer, position)
    place = dict(zip(axes, position, strict=True))
    viewer.scene.camera.center = tuple(place.get(axis, 0.0) for axis in dims.displayed)


def slice_at(viewer: Any, position: tuple[float, float, float]) -> None:
    """Let the slices go through a position in Å, z, y, x."""
    dims = viewer.dims
    dims.set_point(range(dims.ndim - 3, dims.ndim), position)


def fit_view(viewer: Any, extent: float) -> None:
    """Come near enough for this many Å to fill the view; never go further away."""
    height, width = viewer.canvas.size
    viewer.scene.camera.zoom = max(viewer.scene.camera.zoom, min(height, width) / max(extent, 1.0))


def atom_on_ray(positions: Array, near: Array, direction: Array) -> int | None:
    """The atom that a line of sight meets: near the line, and not behind another.

    Parameters
    ----------
    positions : float array (n, 3)
        Å.
    near : float array (3,)
        Any point of the line.
    direction : float array (3,)
        Where it goes, away from the eye.

    Returns
    -------
    int or None
        Index of the atom; None where none is within `REACH`.
    """
    direction = np.asarray(direction, dtype=np.float64)
    direction = direction / np.linalg.norm(direction)
    offset = positions - np.asarray(near, dtype=np.float64)
    depth = offset @ direction
    aside = np.linalg.norm(offset - depth[:, None] * direction, axis=1)
    met = np.flatnonzero(aside <= REACH)
    if len(met) == 0:
        return None
    return int(met[np.argmin(depth[met] + DEPTH_WEIGHT * aside[met])])


def atom_at(positions: Array, place: Array) -> int | None:
    """The atom nearest to a place, within `REACH`; None where there is none."""
    apart = np.linalg.norm(positions - np.asarray(place, dtype=np.float64), axis=1)
    nearest = int(np.argmin(apart))
    return nearest if apart[nearest] <= REACH else None


def atom_clicked(
    viewer: Any, event: Any, positions: npt.NDArray[np.float64]
) -> tuple[int, float] | None:
    """The atom under a click, and how far it is; None where the click missed all.

    How far is, in 3D, along the line of sight, and in slices from the click, in Å.
    """
    place = np.asarray(event.position[-3:], dtype=np.float64)
    if viewer.dims.ndisplay == 2 or event.view_direction is None:
        found = atom_at(positions, place)
        return None if found is None else (found, float(np.linalg.norm(positions[found] - place)))
    direction = np.asarray(event.view_direction[-3:], dtype=np.float64)
    found = atom_on_ray(positions, place, direction)
    return None if found is None else (found, float((positions[found] - place) @ direction))
