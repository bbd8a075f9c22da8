"""Particles of two classes, some set by hand, as they lie in a small tomogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from scipy.spatial.transform import Rotation

from mapscope.particles import Particles
from mapscope.viewer.layers import layers_from_noun


def some_particles(count: int = 12, *, has_rotations: bool = True) -> Particles:
    """Particles on a grid of 50 Å; every third was set by hand and has no score."""
    index = np.stack(np.unravel_index(np.arange(count), (3, 4, 5)), axis=1)
    places = index.astype(np.float64) * 50.0 + 25.0
    turns = Rotation.random(count, random_state=0).as_matrix() if has_rotations else None
    species = tuple("ribosome" if n % 2 else "rod" for n in range(count))
    score = np.where(np.arange(count) % 3 == 0, np.nan, np.arange(count) / count)
    columns = {"tomogram": np.full(count, "t1"), "shift": np.zeros((count, 3))}
    return Particles(places, turns, species, score, columns)


def show(viewer: Any, noun: Any, name: str = "picks") -> Any:
    """Show a noun, and give its layer."""
    for data in layers_from_noun(noun, name):
        viewer.add_layer(Layer.create(*data))
    return viewer.layers[-1]


@pytest.fixture
def particles() -> Particles:
    return some_particles()


@pytest.fixture
def model() -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def picks(model: ViewerModel, particles: Particles) -> Any:
    """The layer of the particles in it."""
    return show(model, particles)
