"""A viewer with the Edit dock, and layers of all kinds to be edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Layer
from pytestqt.qtbot import QtBot

from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.viewer.docks.edit import EditDock
from mapscope.viewer.editing.editing import Editing
from mapscope.viewer.editing.points_editor import PointsEditor
from mapscope.viewer.layers import layers_from_noun
from mapscope.volume import Volume

VOXEL_SIZE, ORIGIN = (1.5, 2.0, 2.5), (3.0, -6.0, 4.5)
SPACE = {"units": "angstrom", "axis_labels": ("z", "y", "x")}


@pytest.fixture(autouse=True)
def edits_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of logs for each test."""
    folder = tmp_path / "edits"
    monkeypatch.setenv("MAPSCOPE_EDITS", str(folder))
    return folder


@dataclass
class Bench:
    """A viewer with the Edit dock.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    dock : EditDock
        The dock in it.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    dock: EditDock
    qtbot: QtBot
    said: list[str] = field(default_factory=list)

    @property
    def editing(self) -> Editing:
        return self.dock.editing

    def add(self, noun: Any, name: str, role: str = "map") -> Any:
        """Show a noun as a layer."""
        ((data, attributes, kind),) = layers_from_noun(noun, name, role)
        layer = Layer.create(data, attributes, kind)
        self.viewer.add_layer(layer)
        return layer

    def add_points(self, count: int = 6, **attributes: Any) -> Any:
        """A foreign points layer in Å."""
        random = np.random.default_rng(count)
        words = np.array(["a", "b"] * count)[:count]
        features = {"score": random.random(count), "species": words, "tilt": np.arange(count)}
        space = {"scale": VOXEL_SIZE, "translate": ORIGIN, **SPACE}
        options = {"features": features, "size": 2.0, **space, **attributes}
        return self.viewer.add_points(random.random((count, 3)) * 20, **options)

    def wait_for_plan(self) -> None:
        """Wait until an edit that is worked out beside the window is made."""
        sequence = [log.sequence for log in self.editing.session.logs]
        logs = self.editing.session.logs
        self.qtbot.waitUntil(lambda: sequence != [log.sequence for log in logs], timeout=10_000)

    def check(self) -> None:
        """Every layer under edit shows its log's state, row for row and voxel for voxel."""
        for editor in self.editing.editors:
            noun, layer = editor.log.snapshot(), editor.layer
            if isinstance(noun, Labels):
                np.testing.assert_array_equal(layer.data, noun.data)
                continue
            assert isinstance(noun, Particles)
            assert isinstance(editor, PointsEditor)
            order = np.argsort(editor._ids)
            place = np.asarray(layer.scale), np.asarray(layer.translate)
            world = np.asarray(layer.data)[order] * place[0] + place[1]
            np.testing.assert_allclose(noun.positions, world, rtol=0, atol=1e-9)
            table = layer.features.iloc[order]
            if noun.score is not None:
                np.testing.assert_array_equal(noun.score, table["score"].to_numpy())
            if noun.species is not None:
                assert list(noun.species) == [str(s) for s in table["species"]]
            for name, values in noun.columns.items():
                assert values.tolist() == table[name].tolist()
            assert len(layer.size) == len(layer.data) == len(noun)


def _bench(viewer: Any, qtbot: QtBot) -> Bench:
    dock = EditDock(viewer)
    viewer.window.add_dock_widget(dock, name="Edit", area="right")
    bench = Bench(viewer, dock, qtbot)
    dock.editing.told.connect(bench.said.append)
    return bench


@pytest.fixture
def bench(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> Bench:
    """A viewer with the Edit dock alone, not shown."""
    return _bench(make_napari_viewer(), qtbot)


@pytest.fixture
def shown_bench(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> Bench:
    """The same on the screen, for what is about keys, mouse and time."""
    return _bench(make_napari_viewer(show=True), qtbot)


@pytest.fixture
def labels() -> Labels:
    """Three regions, one of them in two pieces."""
    data = np.zeros((12, 14, 16), dtype=np.int32)
    data[2:6, 2:6, 2:6] = 1
    data[2:6, 6:10, 2:6] = 2
    data[8, 11, 2:8] = 3
    data[2, 2, 12] = 3
    return Labels(data, VOXEL_SIZE, ORIGIN, {1: "one"})


@pytest.fixture
def volume() -> Volume:
    """A small map."""
    random = np.random.default_rng(0)
    return Volume(random.random((12, 14, 16), dtype=np.float32), VOXEL_SIZE, ORIGIN)
