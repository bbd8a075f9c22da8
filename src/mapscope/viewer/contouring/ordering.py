"""What is asked of the worker for a surface, and what its user should know about it."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapscope.errors import InputError
from mapscope.viewer.contouring.making import VIEW_EDGE, Made, Order, step_for
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.inputs import reason_for_kind
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.preview import region_around
from mapscope.volume import Volume

MAKING = "Making the surface…"
"""What is said of a surface until it is made."""


def order_of(surface: MapSurface, viewer: Any) -> Order:
    """What the worker is to make.

    Raises
    ------
    InputError
        If the surface's map cannot be contoured; the message says why.
    """
    reason = reason_for_kind(surface.map, Volume)
    if reason:
        raise InputError(f"{surface.map.name}: {reason}")
    volume = noun_from_layer(surface.map)
    step, region = step_for(volume.grid), None
    if step > 1 and surface.around_view and viewer is not None:
        region, step = region_around(volume.grid, centre_of(viewer), VIEW_EDGE), 1
    coloring = surface.coloring
    return Order(
        volume, surface.level, coloring.by, coloring.source, surface.smallest, region, step
    )


def centre_of(viewer: Any) -> tuple[float, ...]:
    """The place in the middle of the view, z, y, x, in world units."""
    place = list(viewer.dims.point[-3:])
    shown = viewer.dims.displayed[-viewer.dims.ndisplay :]
    for axis, value in zip(shown, viewer.scene.camera.center[-len(shown) :], strict=True):
        place[axis - viewer.dims.ndim] = float(value)
    return tuple(float(p) for p in place)


def note_of(made: Made) -> str:
    """What someone who looks at a surface should know, in a few words."""
    order = made.order
    if not len(made.mesh.faces):
        why = "every piece is smaller than the dust" if len(made.whole.faces) else "no density"
        return f"Nothing to see at this level: {why}."
    notes = [f"{len(made.mesh.faces):,} triangles, {made.area:,.0f} Å²."]
    if order.region is not None:
        size = " × ".join(
            f"{n * s:.0f}" for n, s in zip(order.region.shape, order.volume.voxel_size, strict=True)
        )
        notes.append(f"Only {size} Å around the view's centre.")
    if order.step > 1:
        notes.append(f"A huge map: every {_ordinal(order.step)} voxel is contoured.")
    if made.is_known is not None:
        share = 1 - float(np.mean(made.is_known))
        notes.append(f"Grey: {100 * share:.0f} % of the surface lies outside the second map.")
    return " ".join(notes)


def _ordinal(n: int) -> str:
    return {2: "second", 3: "third"}.get(n, f"{n}th")
