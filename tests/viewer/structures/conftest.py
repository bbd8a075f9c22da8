"""A viewer without a window, a made-up structure with its density, and the Structure dock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import gemmi
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from tests.depiction.conftest import atom, peptide, structure_of

from mapscope.structure import Structure
from mapscope.viewer.docks.structure import StructureDock
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.picker import Picker
from mapscope.viewer.structures.scene import StructureScene, structures_of
from mapscope.volume import Volume

HELIX = (-57.8, -47.0)


def nucleotides(count: int, chain: str = "N") -> gemmi.Chain:
    """Phosphates of a stretch of DNA, with the far atom of each base."""
    made = gemmi.Chain(chain)
    for k in range(count):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "DC", gemmi.SeqId(k + 1, " ")
        angle = 0.6 * k
        place = np.array((40 + 9 * np.cos(angle), 9 * np.sin(angle), 3.4 * k))
        residue.add_atom(atom("P", "P", place))
        residue.add_atom(atom("N3", "N", place - (5 * np.cos(angle), 5 * np.sin(angle), 0)))
        made.add_residue(residue)
    return made


def mixed() -> Structure:
    """A helix with an inserted residue and an alternative place, DNA, and an iron."""
    protein = peptide(14, *HELIX, first=120)
    protein[5].seqid = gemmi.SeqId(124, "A")
    protein[3][1].altloc = "A"
    x, y, z = protein[3][1].pos.tolist()
    protein[3].add_atom(atom("CA", "C", (x + 0.8, y, z), "B"))
    for k, residue in enumerate(protein):
        for one in residue:
            one.b_iso = 10.0 + 5 * k
    haem = gemmi.Residue()
    haem.name, haem.seqid = "HEM", gemmi.SeqId(300, " ")
    haem.add_atom(atom("FE", "Fe", (60, 60, 60)))
    protein.add_residue(haem)
    return structure_of(protein, nucleotides(8))


def density(structure: Structure, voxel: float = 1.0, margin: float = 6.0) -> Volume:
    """A Gaussian of σ 1 Å at each atom."""
    low = np.floor(structure.positions.min(axis=0) - margin)
    shape = np.ceil((structure.positions.max(axis=0) + margin - low) / voxel).astype(int)
    axes = [low[k] + voxel * np.arange(shape[k]) for k in range(3)]
    data = np.zeros(shape, dtype=np.float32)
    for position in structure.positions:
        z, y, x = (np.exp(-0.5 * (axes[k] - position[k]) ** 2) for k in range(3))
        data += (z[:, None, None] * y[:, None] * x).astype(np.float32)
    z0, y0, x0 = low.tolist()
    return Volume(data, (voxel,) * 3, (z0, y0, x0))


def click(viewer: Any, position: Any, direction: Any = None, *, dragged: bool = False) -> None:
    """Press and release the mouse in the view."""
    event = SimpleNamespace(
        type="mouse_press",
        position=tuple(position),
        view_direction=None if direction is None else np.asarray(direction, dtype=float),
        modifiers=(),
    )
    for callback in pickers(viewer):
        going: Iterator[None] = callback(viewer, event)
        event.type = "mouse_press"
        next(going)
        if dragged:
            event.type = "mouse_move"
            next(going)
        event.type = "mouse_release"
        next(going, None)


def pickers(viewer: Any) -> list[Any]:
    """The callbacks of ours that take clicks."""
    callbacks = viewer.mouse_drag_callbacks
    return [one for one in callbacks if isinstance(getattr(one, "__self__", None), Picker)]


@dataclass
class Bench:
    """A viewer, its structures, their dock, and what a person does with them.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    scene : StructureScene
        Its structures.
    dock : StructureDock
        The dock.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    scene: StructureScene
    dock: StructureDock
    qtbot: QtBot

    def add(self, noun: Any, name: str = "model") -> list[Any]:
        """Show a structure or a map as its file would."""
        layers = [Layer.create(*data) for data in layers_from_noun(noun, name)]
        for layer in layers:
            self.viewer.add_layer(layer)
        return layers

    def drawn(self, action: Callable[[], Any]) -> Any:
        """Do something and wait until it is drawn."""
        with self.qtbot.waitSignal(self.scene.drawn, timeout=15_000):
            return action()

    def rest(self) -> None:
        """Wait until nothing is being drawn."""
        runs = [figure.run for figure in self.scene.figures if figure.run is not None]
        self.qtbot.waitUntil(lambda: all(run.is_over for run in runs), timeout=15_000)

    @property
    def mask(self) -> Any:
        """The atoms that are selected."""
        return self.figure.mask

    @property
    def camera(self) -> Any:
        """Where the view looks."""
        return self.viewer.scene.camera

    @property
    def figure(self) -> Figure:
        """The structure that the dock is about."""
        assert self.dock.figure is not None
        return self.dock.figure

    def names(self) -> list[str]:
        """Names of all layers, from the lowest."""
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """A viewer with the dock, and nothing open."""
    viewer = ViewerModel()
    dock = StructureDock(viewer)
    qtbot.addWidget(dock)
    return Bench(viewer, structures_of(viewer), dock, qtbot)


@pytest.fixture
def structure() -> Structure:
    """A helix, DNA and an iron."""
    return mixed()


@pytest.fixture
def opened(bench: Bench, structure: Structure) -> Bench:
    """The same with a structure open."""
    bench.add(structure)
    return bench
