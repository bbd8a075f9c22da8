"""A viewer without a window, a map with anisotropic voxels in it, and the tools for its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from tests.depiction.conftest import atom, peptide, structure_of

from mapscope.structure import Structure
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.regions.tools import RegionTools
from mapscope.volume import Volume

SHAPE, VOXEL, ORIGIN = (20, 28, 34), (3.0, 1.5, 2.0), (10.0, -20.0, 30.0)
BLOCK = (slice(6, 14), slice(8, 20), slice(10, 26))
"""Where the density is."""


@dataclass
class Bench:
    """A viewer, the tools, and what a person does with them.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    tools : RegionTools
        The tools, about the selected layer.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    tools: RegionTools
    qtbot: QtBot

    def add(self, noun: Any, name: str = "map", role: str = "map") -> Any:
        """Show a noun; its first layer is selected."""
        layers = [Layer.create(*data) for data in layers_from_noun(noun, name, role)]
        for layer in layers:
            self.viewer.add_layer(layer)
        self.viewer.layers.selection.active = layers[0]
        self.settle()
        return layers[0]

    def settle(self) -> None:
        """Let everything that was put off happen."""
        self.qtbot.wait(5)

    def result(self) -> Any:
        """Wait for the job that is under way; the layer that it made."""
        self.qtbot.waitUntil(lambda: not self.tools.jobs.is_running, timeout=15_000)
        entry = self.tools.jobs.entry
        assert entry is not None
        assert entry.state == "done", entry.message
        self.settle()
        return self.viewer.layers.selection.active

    def drag(self, start: Any, *steps: Any, direction: Any = None) -> None:
        """Press the mouse at a place in Å, go over others and let go."""
        event = SimpleNamespace(
            type="mouse_press",
            position=tuple(start),
            view_direction=None if direction is None else np.asarray(direction, dtype=float),
            modifiers=(),
            button=1,
        )
        for callback in list(self.viewer.mouse_drag_callbacks):
            if callback.__module__ and callback.__module__.startswith("napari"):
                continue
            going: Iterator[None] = callback(self.viewer, event)
            event.type = "mouse_press"
            if next(going, "over") == "over":
                continue
            for step in steps:
                event.type, event.position = "mouse_move", tuple(step)
                next(going)
            event.type = "mouse_release"
            next(going, None)

    def names(self) -> list[str]:
        """Names of all layers, from the lowest."""
        return [layer.name for layer in self.viewer.layers]

    @property
    def said(self) -> str:
        """The line at the bottom."""
        return str(self.tools.message.text())


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    """A viewer and the tools, about whichever layer is selected."""
    viewer = ViewerModel()
    chosen: list[Any] = [None]

    def choose() -> Any:
        """As the Contour dock: the selected map, else the one before while it is there."""
        active = viewer.layers.selection.active
        if active is not None and type(active).__name__ == "Image":
            chosen[0] = active
        return chosen[0] if chosen[0] in viewer.layers else None

    tools = RegionTools(viewer, choose)
    qtbot.addWidget(tools)
    yield Bench(viewer, tools, qtbot)
    contours = contours_of(viewer)
    for surface in list(contours.surfaces):
        contours.remove(surface)


@pytest.fixture
def volume() -> Volume:
    """A block of density in little noise, on anisotropic voxels away from the origin."""
    data = 0.01 * np.random.default_rng(0).standard_normal(SHAPE).astype(np.float32)
    data[BLOCK] += 1
    return Volume(data, VOXEL, ORIGIN)


@pytest.fixture
def layer(bench: Bench, volume: Volume) -> Any:
    """The block in the viewer, selected."""
    return bench.add(volume, "block")


@pytest.fixture
def structure() -> Structure:
    """A helix of residues A/120 to A/131 in the block, and an iron in its corner."""
    chain = peptide(12, -57.8, -47.0, first=120)
    for residue in chain:
        for one in residue:
            one.pos.x, one.pos.y, one.pos.z = one.pos.x + 62, one.pos.y - 1, one.pos.z + 40
    iron = peptide(1, -57.8, -47.0, chain="B", first=7)
    residue = iron[0]
    while len(residue):
        del residue[0]
    residue.name = "HEM"
    residue.add_atom(atom("FE", "Fe", (55, -5, 35)))
    return structure_of(chain, iron)


def places(volume: Volume) -> np.ndarray[Any, Any]:
    """Position of every voxel in Å (z, y, x, 3), worked out here."""
    axes = [o + s * np.arange(n) for o, s, n in zip(ORIGIN, VOXEL, volume.shape, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
