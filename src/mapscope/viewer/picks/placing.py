"""Where a pick goes that is added by a click, in a slice or in 3D."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from mapscope.picking.snapping import local_maximum, maximum_along_ray
from mapscope.viewer.picks.known import Picks
from mapscope.viewer.regions.pointing import Pointer, hidden_axes, slice_place
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.volume import Array, Volume

BLUR_IN_RADII = 1 / 3
"""Of the Gaussian with which noise is blurred, as a share of the radius."""
FAR = 1e6
"""Å before the view, where every line of sight begins."""
NEAREST_PIXELS = 6.0


class Placing(QObject):
    """Finds places beside the window.

    `found` gives a position in Å, z, y, x; `failed` what to say where there is none.
    """

    found = Signal(object)
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._runs: set[Run] = set()

    def forget(self) -> None:
        """Find nothing more of what was asked: the list or the tomogram is another."""
        for run in self._runs:
            run.cancel()
        self._runs.clear()

    def ask(
        self, viewer: Any, pointer: Pointer, volume: Volume | None, radius: float, *, snaps: bool
    ) -> None:
        """Find where a click adds a pick.

        Parameters
        ----------
        viewer : napari.Viewer
            Its slices say the depth of a click in 2D.
        pointer : Pointer
            The click.
        volume : Volume, optional
            The tomogram; in 3D nothing can be added without one.
        radius : float
            Of the particles, in Å.
        snaps : bool
            Whether a click in a slice goes to the densest place within the radius.
        """
        direction = pointer.direction
        if direction is None:
            place = in_slice(viewer, pointer)
            if not snaps or volume is None:
                self.found.emit(place)
                return
            self._start(lambda: local_maximum(volume, place, radius, blur=BLUR_IN_RADII * radius))
            return
        if volume is None:
            self.failed.emit("Choose the tomogram first: in 3D a pick goes to its densest place.")
            return
        start = pointer.place - FAR * direction
        self._start(
            lambda: maximum_along_ray(
                volume, start, direction, radius=radius, blur=BLUR_IN_RADII * radius
            )
        )

    def _start(self, find: Callable[[], Array | None]) -> None:
        run = Run(lambda progress: find())  # noqa: ARG005
        run.succeeded.connect(self._tell)
        run.failed.connect(lambda error: self.failed.emit(str(error)))
        run.ended.connect(lambda: self._runs.discard(run))
        self._runs.add(run.start(BACKGROUND))

    def _tell(self, place: Array | None) -> None:
        if place is None:
            self.failed.emit("There is no tomogram under the cursor.")
        else:
            self.found.emit(place)


def in_slice(viewer: Any, pointer: Pointer) -> Array:
    """The place of a click in a slice."""
    place = np.array(pointer.place, dtype=np.float64)
    axes = list(hidden_axes(viewer))
    place[axes] = slice_place(viewer)[axes]
    return place


def under(
    pointer: Pointer, viewer: Any, picks: Picks, is_shown: Array, radius: float
) -> int | None:
    """Id of the pick under the mouse: in slices the nearest, in 3D the frontmost; or None."""
    places = picks.positions
    reach = max(radius, NEAREST_PIXELS * pointer.pixel)
    if pointer.direction is None:
        offset = places - in_slice(viewer, pointer)
        distance = np.linalg.norm(offset, axis=1)
        order = distance
    else:
        offset = places - pointer.place
        order = offset @ pointer.direction
        distance = np.linalg.norm(offset - order[:, None] * pointer.direction, axis=1)
    met = np.flatnonzero(is_shown & (distance <= reach))
    return int(picks.ids[met[np.argmin(order[met])]]) if len(met) else None


def in_reach(viewer: Any, positions: Array, radius: float, half_slab: float) -> Array:
    """Which positions the view shows: in slices those that the slab cuts, in 3D all."""
    hidden = list(hidden_axes(viewer))
    distance = np.abs(positions - slice_place(viewer))[:, hidden]
    return np.asarray((distance <= max(radius, half_slab)).all(axis=1))
