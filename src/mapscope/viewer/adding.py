"""Results put into a viewer: beside their input, drawn as it is, and hidden where they cover it."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer

from mapscope.particles import Particles
from mapscope.record import Record
from mapscope.viewer.growing import Growing
from mapscope.viewer.layers import KEY, MAKING, SEE_THROUGH, LayerData, role_of, tag_of
from mapscope.viewer.roles import LOCAL_RESOLUTION, TOMOGRAM, TRUST
from mapscope.viewer.views.reach import reach_of

NOT_SHOWN = ("half map", LOCAL_RESOLUTION)
"""Roles of maps that a result shows only where it has no other."""


def hide_what_covers(layers: list[LayerData]) -> None:
    """Hide all maps of a result but the first that is to be looked at: they lie on each other.

    So do labels, of which the first are shown. Maps that say how far to believe something else
    are never shown at first.
    """
    maps = [la for la in layers if la[2] == "image" and la[1]["metadata"][KEY].role != "mask"]
    density = [la for la in maps if la[1]["metadata"][KEY].role not in (*NOT_SHOWN, *TRUST)]
    for layer in maps:
        is_first = layer is (density or maps)[0]
        layer[1]["visible"] = is_first and layer[1]["metadata"][KEY].role not in TRUST
    for layer in [la for la in layers if la[2] == "labels"][1:]:
        layer[1]["visible"] = False


def add_layers(
    viewer: Any,
    layers: list[LayerData],
    anchor: Layer | None,
    record: Record | None,
    growing: Growing | None = None,
) -> list[Layer]:
    """Add layers beside their input; those of an equal earlier run are replaced.

    A map hides the map that it would cover; a mask hides nothing, and a structure is seen
    through the map that was made of it. A layer that showed the result in the making becomes the
    one of its first. Picks are seen in every slice that they cut.
    """
    if any(isinstance(attributes["metadata"][KEY].noun, Particles) for _, attributes, _ in layers):
        reach_of(viewer)
    if record is not None:
        for layer in [old for old in viewer.layers if _is_of_equal_run(old, record)]:
            viewer.layers.remove(layer)
    added = []
    for data, attributes, kind in layers:
        grown = None if growing is None else growing.finish((data, attributes, kind))
        if grown is not None:
            added.append(grown)
            continue
        layer = Layer.create(data, attributes, kind)
        _insert(viewer, layer, anchor, covers=_covers(layer))
        added.append(layer)
    if added:
        viewer.layers.selection.active = added[0]
    return added


def begin_growing(viewer: Any, new: LayerData, anchor: Layer | None) -> Growing:
    """Add the layer of a result in the making, in the place and with the look of the result."""
    layer = Layer.create(*new)
    covers = _covers(layer)
    layer.metadata = {KEY: MAKING}
    was_visible = anchor is not None and anchor.visible
    _insert(viewer, layer, anchor, covers=covers)
    viewer.layers.selection.active = layer
    is_hidden = was_visible and anchor is not None and not anchor.visible
    return Growing(viewer, layer, anchor if is_hidden else None)


def _covers(layer: Layer) -> bool:
    """Whether a layer is a map that would cover the one that it is made of."""
    tag = tag_of(layer)
    return type(layer).__name__ == "Image" and tag is not None and tag.role != "mask"


def _insert(viewer: Any, layer: Layer, anchor: Layer | None, *, covers: bool) -> None:
    """Put a layer beside its input: under it where it covers it, else over it."""
    place = len(viewer.layers)
    if anchor is not None and anchor in viewer.layers:
        place = viewer.layers.index(anchor) + (0 if covers else 1)
        _draw_beside(layer, anchor, covers=covers)
    viewer.layers.insert(place, layer)


def _draw_beside(layer: Layer, anchor: Layer, *, covers: bool) -> None:
    """Draw a result as its input is drawn, which it hides where it covers it.

    A map is seen through for the structure that it was made of, but no tomogram: copies of the
    structure are everywhere in it.
    """
    if not covers:
        return
    if type(anchor).__name__ == "Image":
        layer.opacity, layer.blending = anchor.opacity, anchor.blending
        anchor.visible = anchor.visible and not layer.visible
    elif role_of(layer) != TOMOGRAM:
        layer.opacity, layer.blending = SEE_THROUGH["opacity"], SEE_THROUGH["blending"]


def _is_of_equal_run(layer: Layer, record: Record) -> bool:
    """Whether a layer shows no more of the result of an equal run, with equal parameters."""
    tag = tag_of(layer)
    if tag is None or tag.record is None or tag.record.key != record.key:
        return False
    return tag.record.share <= record.share  # what was cancelled replaces nothing that is whole
