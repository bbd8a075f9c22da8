"""A surface that was made, put into its layer: triangles, colours, and grey where unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Surface
from napari.utils import Colormap
from napari.utils.colormaps import ensure_colormap

from mapscope.mesh import Mesh
from mapscope.viewer.contouring.making import Made
from mapscope.viewer.contouring.surface import Coloring, MapSurface
from mapscope.viewer.layers import KEY, SEPARATOR, SPACE, Tag

ROLE = "surface"
GREY = (0.55, 0.55, 0.55, 1.0)
"""Colour of vertices at which there is no value."""


def new_layer(surface: MapSurface, made: Made, number: int = 1) -> Surface:
    """A layer for a surface, out of sight and with its first triangle only.

    napari shades a layer that is added even where it is not visible, and again when it is: so
    the layer is added nearly empty, and filled by `refill`.
    """
    corners = made.mesh.vertices[made.mesh.faces[0]]
    return Surface(
        (np.array(corners), np.array([[0, 1, 2]], np.int32), np.ones(3, np.float32)),
        name=f"{surface.map.name}{SEPARATOR}{ROLE}" + (f" {number}" if number > 1 else ""),
        shading="smooth",
        visible=False,
        **SPACE,
    )


def refill(layer: Surface, made: Made, coloring: Coloring) -> None:
    """Put a newer state of a surface into its layer, which must not be visible meanwhile.

    A visible one would compute its shading at each step.
    """
    parts = _parts(made.mesh)
    layer.vertex_colors = None
    layer.data = parts
    layer.metadata[KEY] = Tag(made.mesh, ROLE, parts)
    paint(layer, made, coloring)


def paint(layer: Surface, made: Made, coloring: Coloring) -> None:
    """Give a layer its colours."""
    if coloring.by == "constant":
        layer.contrast_limits = (0.0, 1.0)
        layer.colormap = plain_colormap(coloring.color)
        return
    low, high = coloring.limits or made.limits
    values = made.mesh.values
    assert values is not None
    seen = (float(values.min()), float(values.max())) if values.size else (low, high)
    layer.contrast_limits_range = (min(low, seen[0]), max(high, seen[1]))
    layer.contrast_limits = (low, high)
    layer.colormap = colormap_of(coloring)
    paint_unknown(layer, made)


def paint_unknown(layer: Surface, made: Made) -> None:
    """Grey where there is no value: then each vertex needs a colour of its own."""
    values, is_known = made.mesh.values, made.is_known
    if values is None or is_known is None:
        return
    low, high = layer.contrast_limits
    place = np.clip((values - low) / (high - low), 0, 1)
    table = np.asarray(layer.colormap.map(np.linspace(0, 1, 256)), dtype=np.float32)
    colors = table[np.rint(place * 255).astype(np.intp)]
    colors[~is_known] = GREY
    layer.vertex_colors = colors


def plain_colormap(color: str) -> Colormap:
    """A colour map of one colour."""
    return Colormap([color, color], name=color)


def colormap_of(coloring: Coloring) -> Colormap:
    """The colour map that a surface wants, turned round where it wants that."""
    colormap = ensure_colormap(coloring.colormap)
    if not coloring.is_inverted:
        return colormap
    colors, controls = colormap.colors[::-1], 1 - np.asarray(colormap.controls)[::-1]
    return Colormap(colors, controls=controls, name=f"{coloring.colormap} inverted")


def _parts(mesh: Mesh) -> tuple[Any, Any, Any]:
    """Vertices, faces and values as a layer takes them; napari may write to none of the noun's."""
    values = np.ones(len(mesh.vertices), np.float32) if mesh.values is None else mesh.values
    return np.array(mesh.vertices), np.array(mesh.faces), np.array(values)
