"""Layers as they look on the screen, for files that other programs shall draw likewise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Shapes, Surface

from mapscope.appearance import GRAY, Appearance, ColorScale
from mapscope.errors import InputError
from mapscope.files.chimerax_commands import labels_in
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.viewer.layers import NO_VOXEL_SIZE, angstroms_per_unit, noun_from_layer, tag_of
from mapscope.volume import Array, Triple

STOPS = 9
PROJECTIONS = ("mip", "attenuated_mip")


def appearances_of_layers(layers: Iterable[Layer]) -> list[Appearance]:
    """What layers show and how; atoms and backbone of one structure are one item.

    Raises
    ------
    InputError
        If a layer shows nothing that Mapscope can place in space; it says which and why.
    """
    found: list[Appearance] = []
    for layer in layers:
        item = appearance_of_layer(layer)
        other = next((o for o in found if o.noun is item.noun), None)
        if isinstance(item.noun, Structure) and other is not None:
            found[found.index(other)] = _together(other, item)
        else:
            found.append(item)
    return found


def appearance_of_layer(layer: Layer) -> Appearance:
    """What one layer shows, and how.

    Raises
    ------
    InputError
        As for `appearances_of_layers`.
    """
    try:
        if isinstance(layer, Surface):
            return _surface(layer)
        noun = noun_from_layer(layer)
    except InputError as error:
        raise InputError(f"{error}; leave it out of the selection") from None
    item = Appearance(noun, layer.name, opacity=float(layer.opacity), visible=bool(layer.visible))
    if isinstance(layer, Image):
        return _image(layer, item)
    if isinstance(layer, Labels):
        colors = {n: layer.get_color(n) for n in labels_in(noun)}
        return replace(
            item, label_colors={n: _triple(c) for n, c in colors.items() if c is not None}
        )
    return replace(item, style="cartoon" if isinstance(layer, Shapes) else "atoms")


def _together(first: Appearance, second: Appearance) -> Appearance:
    """Two layers of one structure: what of it is visible, or all of it where nothing is."""
    seen = [item for item in (first, second) if item.visible] or [first, second]
    styles = {item.style for item in seen}
    return replace(
        first,
        style=seen[0].style if len(styles) == 1 else "atoms and cartoon",
        opacity=max(item.opacity for item in seen),
        visible=first.visible or second.visible,
    )


def _image(layer: Any, item: Appearance) -> Appearance:
    """A map: its contour surface, or its density in the colours of its range."""
    if layer.rendering == "iso":
        level = float(layer.iso_threshold)
        color = _triple(_colors(layer, np.array([level]))[0])
        return replace(item, style="surface", levels=(level,), color=color)
    style: Any = "projection" if layer.rendering in PROJECTIONS else "image"
    return replace(item, style=style, scale=_scale(layer))


def _surface(layer: Any) -> Appearance:
    """A mesh with the colours that its vertices have on the screen."""
    mesh = _mesh(layer)
    item = Appearance(mesh, layer.name, opacity=float(layer.opacity), visible=bool(layer.visible))
    if layer.wireframe.visible:
        item = replace(item, style="mesh")
    if layer.vertex_colors is not None:
        return replace(item, vertex_colors=np.asarray(layer.vertex_colors, dtype=np.float64))
    if mesh.values is None:
        return replace(item, color=_triple(_colors(layer, np.ones(1))[0]))
    return replace(item, scale=_scale(layer, layer.name))


def _mesh(layer: Any) -> Mesh:
    """The mesh of a surface layer: its noun while it shows that, else what it shows now.

    Raises
    ------
    InputError
        If it has no three axes in units of length.
    """
    tag = tag_of(layer)
    if tag is not None and isinstance(tag.noun, Mesh) and _shows(layer, tag.noun):
        return tag.noun
    if layer.ndim != 3:
        raise InputError(f"{layer.name}: not a three-dimensional surface")
    factors = angstroms_per_unit(layer)
    if factors is None:
        raise InputError(f"{layer.name}: {NO_VOXEL_SIZE}")
    shift = np.asarray(layer.data_to_world((0, 0, 0)))
    linear = np.stack([layer.data_to_world(axis) - shift for axis in np.eye(3)], axis=1)
    vertices = (layer.vertices @ linear.T + shift) * np.asarray(factors)
    return Mesh(vertices, layer.faces, _values(layer))


def _values(layer: Any) -> Array | None:
    """Values at the vertices; napari gives a surface without any the value 1 everywhere."""
    values = np.asarray(layer.vertex_values)
    return None if values.ndim != 1 or (values == 1).all() else values


def _shows(layer: Any, mesh: Mesh) -> bool:
    """Whether a surface layer shows a mesh as it is, in its place."""
    factors = angstroms_per_unit(layer)
    corners = np.array([(0.0, 0, 0), *np.eye(3)])
    world = np.array([layer.data_to_world(corner) for corner in corners])
    values, own = _values(layer), mesh.values
    return (
        factors == (1.0, 1.0, 1.0)
        and np.allclose(world, corners)
        and np.array_equal(layer.vertices, mesh.vertices)
        and np.array_equal(layer.faces, mesh.faces)
        and np.array_equal(() if values is None else values, () if own is None else own)
    )


def _scale(layer: Any, label: str = "") -> ColorScale:
    """The layer's colours over its contrast limits."""
    low, high = (float(limit) for limit in layer.contrast_limits)
    stops = np.linspace(low, high, STOPS)
    colors = tuple(_triple(c) for c in _colors(layer, stops))
    return ColorScale(low, high, colors, label)


def _colors(layer: Any, values: Array) -> Array:
    """Colours (n, 4) that a layer gives to values."""
    low, high = layer.contrast_limits
    place = np.clip((values - low) / ((high - low) or 1.0), 0, 1) ** layer.gamma
    return np.asarray(layer.colormap.map(place), dtype=np.float64)


def _triple(color: Array) -> Triple:
    """Red, green and blue; gray for no colour."""
    parts = [float(part) for part in np.asarray(color)[:3]]
    return (parts[0], parts[1], parts[2]) if np.isfinite(parts).all() else GRAY
