"""A viewer without a window, a helix that was scored, and the Plot dock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from tests.viewer.structures.conftest import density, mixed

from mapscope.job import Job, job
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.viewer.docks.plot import PlotDock
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.structures.scene import StructureScene, structures_of
from mapscope.viewer.workspace import Entry, Workspace, workspace_of
from mapscope.volume import Volume


@dataclass(frozen=True)
class Scores:
    """Scores of residues and chains.

    Parameters
    ----------
    residues : Table
        One row for each residue.
    chains : Table
        One row for each chain.
    mean : float
        Of all.
    """

    residues: Table
    chains: Table
    mean: float


@job(title="Score")
def score(structure: Structure, volume: Volume, *, model: int = 1) -> Scores:
    """Scores that fall along the structure; the last residue has none.

    Parameters
    ----------
    structure : Structure
        The model.
    volume : Volume
        The map.
    model : int
        Which model is scored.
    """
    del volume, model
    starts = np.unique(structure.residue_index, return_index=True)[1]
    values = np.linspace(0.9, -0.1, len(starts))
    values[-1] = np.nan
    codes = ["A" if n == 124 and k == 5 else "" for k, n in enumerate(_numbers(structure, starts))]
    columns = {
        "position": np.arange(1, len(starts) + 1),
        "chain": structure.chains[starts],
        "number": structure.residue_numbers[starts],
        "insertion_code": np.array(codes),
        "name": structure.residue_names[starts],
        "q_score": values,
        "cc": values[::-1],
    }
    plot = Plot("position", ("q_score",), y_label="Q-score", headline="scored")
    chains = {"chain": np.array(["A", "N"]), "q_score": np.array([0.5, 0.4])}
    return Scores(Table(columns, {}, plot), Table(chains), float(np.nanmean(values)))


def _numbers(structure: Structure, starts: Any) -> list[int]:
    return [int(n) for n in structure.residue_numbers[starts]]


@dataclass
class Bench:
    """A viewer with a structure in its map, the Plot dock, and what a person does with them.

    Parameters
    ----------
    viewer : napari.components.ViewerModel
        The viewer.
    dock : PlotDock
        The dock.
    qtbot : QtBot
        Waits for signals.
    structure : Structure
        A helix, DNA and an iron.
    volume : Volume
        Its density.
    """

    viewer: Any
    dock: PlotDock
    qtbot: QtBot
    structure: Structure
    volume: Volume

    @property
    def scene(self) -> StructureScene:
        """The open structures."""
        return structures_of(self.viewer)

    @property
    def workspace(self) -> Workspace:
        """What the docks share."""
        return workspace_of(self.viewer)

    def add(self, noun: Any, name: str) -> list[Layer]:
        """Show a structure or a map as its file would."""
        layers = [Layer.create(*data) for data in layers_from_noun(noun, name)]
        for layer in layers:
            self.viewer.add_layer(layer)
        return layers

    def run(self, one: Job = score, **more: Any) -> Entry:
        """Run a job on the structure and the map, and wait."""
        values = one.check(structure=self.structure, volume=self.volume, **more)
        entry = self.workspace.start(one, values, "model", None)
        self.qtbot.waitUntil(lambda: entry.state != "running", timeout=20_000)
        assert entry.state == "done", entry.message
        self.rest()
        return entry

    def rest(self) -> None:
        """Wait until nothing is being drawn."""
        runs = [figure.run for figure in self.scene.figures if figure.run is not None]
        self.qtbot.waitUntil(lambda: all(run.is_over for run in runs), timeout=20_000)

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait until something is so."""
        self.qtbot.waitUntil(until, timeout=20_000)


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    """The viewer, with a structure and its density open."""
    viewer = ViewerModel()
    structure = mixed()
    dock = PlotDock(viewer)
    qtbot.addWidget(dock)
    dock.resize(400, 360)
    dock.show()
    made = Bench(viewer, dock, qtbot, structure, density(structure))
    made.add(made.volume, "map")
    made.add(structure, "model")
    return made
