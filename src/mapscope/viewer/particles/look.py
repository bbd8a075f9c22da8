"""How a layer of particles looks, all of it at once.

napari's own controls of points act on those that are selected, which people take for broken.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from mapscope.edits.points import SCORE, SPECIES
from mapscope.viewer.layers import place_of
from mapscope.viewer.particles import colors

ColorBy = Literal["class", "score", "one colour"]
WAYS: tuple[ColorBy, ...] = ("class", "score", "one colour")


def radius_of(layer: Any) -> float:
    """Radius in Å of a layer's particles; the median where they differ."""
    size = np.asarray(layer.size) if len(layer.data) else np.asarray(layer.current_size)
    return float(np.median(size)) / 2 * place_of(layer)[0][0]


def set_radius(layer: Any, radius: float) -> None:
    """Draw all particles of a layer, and those that are added later, with one radius in Å."""
    size = 2 * radius / place_of(layer)[0][0]
    if len(layer.data):
        layer.size = size
    layer.current_size = size


def ways_for(layer: Any) -> tuple[ColorBy, ...]:
    """By what a layer's particles can be coloured."""
    known = {"class": SPECIES in layer.features, "score": SCORE in layer.features}
    return tuple(way for way in WAYS if known.get(way, True))


def color_by(layer: Any, way: ColorBy) -> None:
    """Colour all particles of a layer.

    Parameters
    ----------
    layer : Points
        The layer; its table says class and score.
    way : str
        By class, by score, or all alike.
    """
    face, border = colors.face_and_border(colors_of(layer, way))
    if len(face):
        layer.face_color, layer.border_color = face, border


def colors_of(layer: Any, way: ColorBy) -> Any:
    """A colour (n, 4) for each particle of a layer."""
    if way == "class" and SPECIES in layer.features:
        return colors.of_classes([str(word) for word in layer.features[SPECIES]])
    if way == "score" and SCORE in layer.features:
        return colors.of_scores(layer.features[SCORE])
    return colors.of_one(len(layer.data))
