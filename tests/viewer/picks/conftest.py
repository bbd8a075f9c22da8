"""A viewer with the Picks dock, a small tomogram, and lists of picks in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from scipy.spatial.transform import Rotation

from mapscope.particles import Particles, in_tomogram
from mapscope.viewer.docks.picks import PicksDock
from mapscope.viewer.editing.points_editor import PointsEditor
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.picks.reading import PARTICLES
from mapscope.volume import Volume

VOXEL_SIZE, SHAPE, RADIUS = 10.0, (24, 48, 48), 40.0
CLASSES = ("proteasome", "ribosome")


@pytest.fixture(autouse=True)
def edits_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of logs for each test."""
    folder = tmp_path / "edits"
    monkeypatch.setenv("MAPSCOPE_EDITS", str(folder))
    return folder


def particles(count: int = 40, seed: int = 0, tomogram: str = "TS_01") -> Particles:
    """Picks of two classes in the small tomogram, some of them by hand."""
    random = np.random.default_rng(seed)
    upper = VOXEL_SIZE * (np.array(SHAPE) - 1)
    score = random.random(count).round(3)
    score[::9] = np.nan
    noun = Particles(
        random.uniform(0, upper, (count, 3)),
        Rotation.random(count, random_state=seed).as_matrix(),
        tuple(random.choice(CLASSES, count).tolist()),
        score,
        {"visibility": random.integers(0, 9, count)},
    )
    return in_tomogram(noun, tomogram_of(noun).grid, tomogram)


def tomogram_of(noun: Particles, contrast: float = 5.0) -> Volume:
    """A tomogram with a blob where each particle is."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij"), axis=-1)
    data = 0.1 * np.random.default_rng(1).standard_normal(SHAPE)
    for place in noun.positions / VOXEL_SIZE:
        data += contrast * np.exp(-((index - place) ** 2).sum(axis=-1) / 4)
    return Volume(data.astype(np.float32), (VOXEL_SIZE,) * 3)


@dataclass
class PicksDesk:
    """A viewer with the Picks dock alone.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    dock : PicksDock
        The dock in it.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    dock: PicksDock
    qtbot: QtBot

    def add(self, noun: Any, name: str) -> Any:
        """Show a noun as a layer."""
        role = PARTICLES if isinstance(noun, Particles) else "map"
        made = [Layer.create(*one) for one in layers_from_noun(noun, name, role)]
        for layer in made:
            self.viewer.add_layer(layer)
        return made[0]

    def open(self, noun: Particles, name: str = "picks") -> Any:
        """Show particles and begin to work on them."""
        layer = self.add(noun, name)
        self.viewer.layers.selection.active = layer
        self.dock.refresh()
        self.dock.open_list(layer)
        return layer

    @property
    def editor(self) -> PointsEditor:
        assert self.dock.list.editor is not None
        return self.dock.list.editor

    def snapshot(self) -> Particles:
        """The picks as they are now."""
        return self.dock.list.snapshot()

    def check(self) -> None:
        """The layer shows the log's state, pick for pick, and draws what the dock says."""
        editor, picks = self.editor, self.dock.list.picks
        noun, order = self.snapshot(), np.argsort(editor.ids)
        np.testing.assert_array_equal(editor.ids[order], picks.ids)
        np.testing.assert_array_equal(noun.positions, picks.positions)
        np.testing.assert_allclose(np.asarray(editor.layer.data)[order], noun.positions, atol=1e-9)
        np.testing.assert_array_equal(editor.layer.shown[order], self.dock.list.is_drawn)
        table = editor.layer.features.iloc[order]
        if noun.species is not None:
            assert list(noun.species) == [str(word) for word in table["species"]]


def _desk(viewer: Any, qtbot: QtBot) -> PicksDesk:
    dock = PicksDock(viewer)
    viewer.window.add_dock_widget(dock, name="Picks", area="right")
    return PicksDesk(viewer, dock, qtbot)


@pytest.fixture
def desk(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> PicksDesk:
    """A viewer with the Picks dock, not shown."""
    return _desk(make_napari_viewer(), qtbot)


@pytest.fixture
def shown_desk(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> PicksDesk:
    """The same on the screen, for what is about keys and the mouse."""
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    desk = _desk(viewer, qtbot)
    qtbot.wait(200)
    return desk
