"""The contour level of the selected map by Shift and the mouse wheel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Surface

from mapscope.viewer.contouring.contours import contours_of

STEP = 0.03
"""Share of the contrast range that one notch of the wheel moves the level."""


def connect_wheel(viewer: Any) -> None:
    """Let Shift and the mouse wheel move the selected map's contour level in 3D."""
    if _turn not in viewer.mouse_wheel_callbacks:
        viewer.mouse_wheel_callbacks.append(_turn)


def _turn(viewer: Any, event: Any) -> Iterator[None] | None:
    """Move the level by the notches turned; without Shift the wheel zooms as ever."""
    layer = _map_of(viewer, viewer.layers.selection.active)
    if "Shift" not in event.modifiers or viewer.dims.ndisplay != 3 or not isinstance(layer, Image):
        return None
    notches = float(np.sum(event.delta))
    low, high = layer.contrast_limits
    level = layer.iso_threshold + STEP * notches * (high - low)
    layer.iso_threshold = float(np.clip(level, low, high))
    viewer.status = f"{layer.name}: contour at {layer.iso_threshold:.4g}"
    event.handled = True
    return None


def _map_of(viewer: Any, layer: Any) -> Any:
    """The map of a selected contour surface, or the selected layer itself."""
    surface = contours_of(viewer).surface_of(layer) if isinstance(layer, Surface) else None
    return layer if surface is None else surface.map
