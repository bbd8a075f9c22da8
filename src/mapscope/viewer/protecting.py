"""Painting what is to stay as it was measured: labels under edit with a role of their own."""

from __future__ import annotations

from typing import Any

from mapscope.viewer.editing.editing import editing_of
from mapscope.viewer.layers import role_of, shares_grid
from mapscope.viewer.roles import PROTECTED

BRUSH = 6.0
"""Diameter of the ball that is painted at first, in Å: about a small ligand."""


def protected_layer(viewer: Any, beside: Any) -> Any:
    """The labels on a map's grid that mark what is protected, or None."""
    found = (la for la in reversed(viewer.layers) if role_of(la) == PROTECTED)
    return next((la for la in found if shares_grid(la, beside)), None)


def begin_painting(viewer: Any, beside: Any) -> Any:
    """Take a brush, in slices, over the protected labels of a map; made where there are none.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    beside : Image
        The layer of the map.

    Raises
    ------
    InputError
        If the layer is no map with a known place.
    """
    layer = protected_layer(viewer, beside)
    viewer.dims.ndisplay = 2  # first: in 3D a brush has no depth
    if layer is None:
        layer = editing_of(viewer).new_labels(beside, PROTECTED).layer
        layer.n_edit_dimensions = 3
        layer.brush_size = max(1, round(BRUSH / min(layer.scale)))
    viewer.layers.selection.active = layer
    layer.mode = "paint"
    return layer


def end_painting(layer: Any) -> None:
    """Put the brush down."""
    layer.mode = "pan_zoom"
