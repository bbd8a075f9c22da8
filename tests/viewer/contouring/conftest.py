"""A viewer without a window, maps in it, and their surfaces waited for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from pytestqt.qtbot import QtBot

from mapscope.viewer.contouring.contours import Contours, contours_of
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.docks.contour import ContourDock
from mapscope.viewer.layers import layers_from_noun
from mapscope.volume import Volume

EDGE, VOXEL, ORIGIN = 32, (1.5, 1.5, 1.5), (3.0, -6.0, 4.5)
CENTRE = np.array(ORIGIN) + 1.5 * 16
SIGMA = 5.0
"""Of the Gaussian ball, in voxels."""


def ball(edge: int = EDGE, sigma: float = SIGMA) -> np.ndarray[Any, Any]:
    """A Gaussian ball of height 1 around voxel (edge / 2, ...), float32."""
    axis = np.arange(edge) - edge / 2
    square = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return np.asarray(np.exp(-0.5 * square / sigma**2), dtype=np.float32)


def radius_of(level: float) -> float:
    """Radius in Å of the ball's contour."""
    return float(VOXEL[0] * SIGMA * np.sqrt(-2 * np.log(level)))


@dataclass
class Bench:
    """A viewer, its contours, its dock, and what a person does with them.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    contours : Contours
        Its surfaces.
    dock : ContourDock
        The dock.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    contours: Contours
    dock: ContourDock
    qtbot: QtBot

    def add(self, volume: Volume, name: str = "ball", role: str = "map") -> Any:
        """Show a map and select it."""
        layer = Layer.create(*layers_from_noun(volume, name, role)[0])
        self.viewer.add_layer(layer)
        self.viewer.layers.selection.active = layer
        return layer

    def ready(self, surface: MapSurface) -> MapSurface:
        """Wait until nothing more is being made of a surface."""
        self.qtbot.waitUntil(lambda: not surface.is_being_made, timeout=15_000)
        return surface

    def show(self, layer: Any, level: float | None = None) -> MapSurface:
        """The surface of a map, made."""
        return self.ready(self.contours.show(layer, level))

    def measured(self) -> ContourDock:
        """The dock when its map is measured."""
        self.qtbot.waitUntil(lambda: self.dock.level.levels is not None, timeout=15_000)
        return self.dock


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    """A viewer without a window, in slices, and the dock."""
    viewer = ViewerModel()
    dock = ContourDock(viewer)
    qtbot.addWidget(dock)
    bench = Bench(viewer, contours_of(viewer), dock, qtbot)
    yield bench
    for surface in list(bench.contours.surfaces):
        bench.contours.remove(surface)


@pytest.fixture
def volume() -> Volume:
    """The ball, away from the origin."""
    return Volume(ball(), VOXEL, ORIGIN)


@pytest.fixture
def layer(bench: Bench, volume: Volume) -> Any:
    """The ball in the viewer, selected."""
    return bench.add(volume)


@pytest.fixture
def second() -> Volume:
    """A map with a slope along x, on another grid that reaches further than the ball."""
    x = np.broadcast_to(np.arange(40, dtype=np.float32), (30, 35, 40))
    wave = np.sin(np.arange(30, dtype=np.float32))[:, None, None]
    return Volume(x + wave, (2.0, 1.9, 1.7), (-1.0, -9.0, -3.0))
