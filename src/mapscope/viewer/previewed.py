"""What a preview shows: a map as an image, or particles as points, in one layer that is updated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from napari.layers import Image, Layer, Points

from mapscope.density.level import contrast_limits, first_contour_level
from mapscope.errors import DataError
from mapscope.job import Job
from mapscope.particles import Particles
from mapscope.viewer.layers import KEY, SEE_THROUGH, SPACE, Tag
from mapscope.viewer.particles.layers import features_of, particles_layers, usual_radius
from mapscope.volume import Volume

NAME = "preview"
FACE = "#ffffff30"
BORDER = "#ffd84d"
"""Colours of picks that are not there yet: no class has them."""


@dataclass(frozen=True)
class ShownMap:
    """A map on a region, and how it is drawn.

    Parameters
    ----------
    noun : Volume
        The first map of the result.
    scalars : mapping of str to value
        The result's numbers.
    limits : tuple of float
        Densities drawn black and white.
    level : float
        Density of the contour.
    """

    noun: Volume
    scalars: Mapping[str, Any]
    limits: tuple[float, float]
    level: float


@dataclass(frozen=True)
class ShownPicks:
    """Particles, and their radius in Å.

    Parameters
    ----------
    noun : Particles
        The first list of the result.
    scalars : mapping of str to value
        The result's numbers.
    """

    noun: Particles
    scalars: Mapping[str, Any]


Shown: TypeAlias = ShownMap | ShownPicks


def shown_of(job: Job, result: Any) -> Shown:
    """What is drawn of a result: its first map or list of particles. For the worker thread."""
    noun = next(n for _, n in job.nouns_of(result) if isinstance(n, Volume | Particles))
    scalars = job.scalars_of(result)
    if isinstance(noun, Particles):
        return ShownPicks(noun, scalars)
    limits = contrast_limits(noun)
    try:
        level = first_contour_level(noun)
    except DataError:
        level = limits[1]  # a region without density has no surface at any level
    return ShownMap(noun, scalars, limits, level)


def layer_of(shown: Shown, *, is_see_through: bool) -> Layer:
    """A new layer that shows a result."""
    if isinstance(shown, ShownPicks):
        ((data, attributes, _),) = particles_layers(shown.noun, NAME, NAME)
        return Points(data, **{**attributes, "face_color": FACE, "border_color": BORDER})
    volume = shown.noun
    return Image(
        volume.data,
        name=NAME,
        scale=volume.voxel_size,
        translate=volume.origin,
        contrast_limits=shown.limits,
        rendering="iso",
        iso_threshold=shown.level,
        projection_mode="none",
        metadata={KEY: Tag(volume, NAME, volume.data)},
        **SPACE,
        **(SEE_THROUGH if is_see_through else {}),
    )


def put_into(layer: Layer, shown: Shown, *, keeps_look: bool) -> None:
    """Put another result into the layer, whatever its grid or number: it never leaves the view.

    Parameters
    ----------
    layer : Layer
        A layer of `layer_of`, for a result of that kind.
    shown : ShownMap or ShownPicks
        What it shows from now on.
    keeps_look : bool
        Whether contrast and contour stay as somebody set them by hand.
    """
    if isinstance(shown, ShownPicks):
        _put_picks(layer, shown.noun)
        return
    volume = shown.noun
    place = (layer.data.shape, tuple(layer.scale), tuple(layer.translate))
    if place == (volume.shape, volume.voxel_size, volume.origin):
        layer.data = volume.data
    else:
        # Each of these events makes napari slice all layers: the last one is enough.
        with layer.events.data.blocker(), layer.events.scale.blocker():
            layer.data = volume.data
            layer.scale = volume.voxel_size
        layer.translate = volume.origin
    if not keeps_look:
        layer.contrast_limits = shown.limits
        layer.iso_threshold = shown.level
    layer.metadata[KEY] = Tag(volume, NAME, volume.data)


def _put_picks(layer: Points, particles: Particles) -> None:
    """Other picks in a layer of points."""
    data = np.array(particles.positions)
    layer.selected_data = set()
    layer.data = data
    layer.features = features_of(particles)
    layer.size = 2 * usual_radius(particles)
    layer.face_color, layer.border_color = FACE, BORDER
    layer.metadata[KEY] = Tag(particles, NAME, data)


def look_of(layer: Layer) -> tuple[tuple[float, float], float] | None:
    """Contrast and contour of a layer, None of one that has neither."""
    if not isinstance(layer, Image):
        return None
    low, high = layer.contrast_limits
    return (float(low), float(high)), float(layer.iso_threshold)
