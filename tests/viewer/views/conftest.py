"""Two maps of one body on different grids, and viewers that show them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from mapscope.viewer.layers import layers_from_noun
from mapscope.volume import Volume

WHERE = np.array([33.0, 30.0, 39.0])
"""Centre of the body in Å, z, y, x."""


def body(
    shape: tuple[int, int, int], voxel_size: float, origin: tuple[float, float, float]
) -> Volume:
    """A Gaussian body at the same place, sampled on a grid."""
    axes = [o + voxel_size * np.arange(n) - c for n, o, c in zip(shape, origin, WHERE, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    data = np.exp(-(z**2 + y**2 + x**2) / (2 * 8.0**2)).astype(np.float32)
    return Volume(data, (voxel_size,) * 3, origin)


def add(viewer: Any, noun: Any, name: str) -> Any:
    """Show a noun."""
    for data, attributes, kind in layers_from_noun(noun, name):
        viewer.add_layer(Layer.create(data, attributes, kind))
    return viewer.layers[-1]


def add_foreign(viewer: Any) -> Any:
    """Show an image without units."""
    return viewer.add_image(np.random.default_rng(0).random((8, 9, 10)), name="foreign")


@pytest.fixture
def fine() -> Volume:
    """The body at 2 Å."""
    return body((32, 30, 40), 2.0, (3.0, 1.0, -1.0))


@pytest.fixture
def coarse() -> Volume:
    """The body at 3 Å on a grid of its own, with other densities."""
    volume = body((20, 22, 24), 3.0, (5.0, -2.0, 4.0))
    return volume.with_data(10 * volume.data - 2)


@pytest.fixture
def model(fine: Volume, coarse: Volume) -> ViewerModel:
    """A viewer without a window that shows both."""
    viewer = ViewerModel()
    add(viewer, fine, "fine")
    add(viewer, coarse, "coarse")
    viewer.canvas.size = (600, 800)
    viewer.fit_to_view()
    return viewer
