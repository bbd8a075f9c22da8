"""A napari window with Mapscope's docks, small maps to put into it, and no dialogs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gemmi
import napari.settings
import numpy as np
import pytest
from napari.layers import Layer
from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QFileDialog

from mapscope.files import write
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.viewer import estimate
from mapscope.viewer.forms import JobForm
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.window import PLUGIN, open_docks
from mapscope.viewer.workspace import Entry
from mapscope.volume import HalfMaps, Volume

VOXEL_SIZE, ORIGIN = (1.5, 1.5, 1.5), (3.0, -6.0, 4.5)


@dataclass
class Desk:
    """A window with its docks, and what a person does in it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    docks : dict of str to QWidget
        Mapscope's docks by name.
    qtbot : QtBot
        Waits for signals.
    """

    viewer: Any
    docks: dict[str, Any]
    qtbot: QtBot

    def form(self, name: str) -> JobForm:
        """The form of a job, opened in the Jobs dock."""
        form: JobForm = self.docks["Jobs"].open(name)
        return form

    def run(self, form: JobForm) -> Entry:
        """Press Run and wait until it is Run again."""
        with self.qtbot.waitSignal(form.ended, timeout=60_000):
            form.run_button.click()
        assert form.entry is not None
        return form.entry

    def run_well(self, form: JobForm) -> Entry:
        """Press Run, wait, and make sure that it was done."""
        entry = self.run(form)
        assert entry.state == "done", entry.message
        return entry

    def add(self, noun: Any, name: str, role: str = "map", file: str = "") -> Layer:
        """Show a noun as a layer, as if it came from `file`."""
        for data, attributes, kind in layers_from_noun(noun, name, role):
            attributes["metadata"]["file"] = file
            self.viewer.add_layer(Layer.create(data, attributes, kind))
        return self.viewer.layers[-1]

    def add_halves(self, halves: HalfMaps, name: str = "bundle") -> list[Layer]:
        """Show two half maps as the reader does."""
        return [
            self.add(half, f"{name} · half map {n}", "half map", f"{name}_half_{n}.mrc")
            for n, half in enumerate((halves.first, halves.second), start=1)
        ]

    def open(self, *paths: Path) -> list[Layer]:
        """Open files together with Mapscope's reader."""
        layers: list[Layer] = self.viewer.open([str(p) for p in paths], plugin=PLUGIN)
        return layers

    def names(self) -> list[str]:
        """Names of all layers, from the lowest."""
        return [layer.name for layer in self.viewer.layers]


@pytest.fixture(scope="session", autouse=True)
def _own_napari_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep napari's settings of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NAPARI_CONFIG", str(tmp_path_factory.mktemp("napari") / "settings.yaml"))
        yield


@pytest.fixture(autouse=True)
def _own_settings_of_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mapscope's preferences, and what napari keeps of them, apart for each test."""
    monkeypatch.setenv("MAPSCOPE_CONFIG", str(tmp_path / "preferences"))
    monkeypatch.setattr(napari.settings, "_CFG_PATH", str(tmp_path / "napari" / "settings.yaml"))
    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep measured times out of the user's cache folder."""
    path = tmp_path / "cache" / "seconds_per_megavoxel.json"
    monkeypatch.setattr(estimate, "_file", lambda: path)


@pytest.fixture(autouse=True)
def _no_dialogs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a file dialog would wait for someone; a test that wants one replaces it."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a file dialog was opened")

    for name in ("getSaveFileName", "getOpenFileName", "getOpenFileNames", "getExistingDirectory"):
        monkeypatch.setattr(QFileDialog, name, staticmethod(refuse))


@pytest.fixture
def answer_dialog(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """A function that lets the next file dialogs give this path."""

    def answer(path: Path) -> None:
        monkeypatch.setattr(
            QFileDialog, "getSaveFileName", staticmethod(lambda *_, **__: (str(path), ""))
        )
        monkeypatch.setattr(
            QFileDialog, "getExistingDirectory", staticmethod(lambda *_, **__: str(path))
        )

    return answer


@pytest.fixture
def desk(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> Desk:
    """A window with all docks, not shown."""
    viewer = make_napari_viewer()
    return Desk(viewer, open_docks(viewer), qtbot)


@pytest.fixture
def shown_desk(make_napari_viewer: Callable[..., Any], qtbot: QtBot) -> Desk:
    """The same on the screen, for what is about pixels or time."""
    viewer = make_napari_viewer(show=True)
    return Desk(viewer, open_docks(viewer), qtbot)


def blob(seed: int = 0, edge: int = 24, noise: float = 0.05) -> np.ndarray[Any, Any]:
    """Four spots of density and some noise, float32 (edge, edge, edge)."""
    random = np.random.default_rng(seed)
    index = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1)
    spots = edge / 2 + edge / 8 * np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)])
    distance = ((index[None] - spots[:, None, None, None]) ** 2).sum(axis=-1)
    density = np.exp(-0.5 * distance / (edge / 12) ** 2).sum(axis=0)
    return np.asarray(density + noise * random.standard_normal(density.shape), dtype=np.float32)


@pytest.fixture
def volume() -> Volume:
    """A small map away from the origin."""
    return Volume(blob(), VOXEL_SIZE, ORIGIN)


@pytest.fixture
def halves() -> HalfMaps:
    """Two small half maps with noise of their own."""
    first, second = (Volume(blob(seed), VOXEL_SIZE, ORIGIN) for seed in (1, 2))
    return HalfMaps(first, second)


@pytest.fixture
def mask() -> Volume:
    """A soft ball on their grid."""
    index = np.stack(np.meshgrid(*[np.arange(24) - 12] * 3, indexing="ij"), axis=-1)
    radius = np.sqrt((index**2).sum(axis=-1))
    return Volume(np.clip(10 - radius, 0, 1).astype(np.float32), VOXEL_SIZE, ORIGIN)


@pytest.fixture
def half_files(tmp_path: Path, halves: HalfMaps) -> tuple[Path, Path]:
    """The half maps as files."""
    first, second = tmp_path / "bundle_half_1.mrc", tmp_path / "bundle_half_2.mrc"
    return write(first, halves.first), write(second, halves.second)


@pytest.fixture
def map_file(tmp_path: Path, volume: Volume) -> Path:
    """The map as a file."""
    return write(tmp_path / "bundle.mrc", volume)


@pytest.fixture
def structure_file(tmp_path: Path, volume: Volume) -> Path:
    """The example's atoms in the middle of the map, as a file."""
    model = example_noun(Structure).model.clone()
    middle = volume.grid.world_from_index([n / 2 for n in volume.shape])
    shift = middle - example_noun(Structure).positions.mean(axis=0)
    for site in model[0].all():
        z, y, x = np.array([site.atom.pos.z, site.atom.pos.y, site.atom.pos.x]) + shift
        site.atom.pos = gemmi.Position(x, y, z)
    return write(tmp_path / "atoms.cif", Structure.from_gemmi(model))


@pytest.fixture
def mask_file(tmp_path: Path, mask: Volume) -> Path:
    """The mask as a file."""
    return write(tmp_path / "bundle_mask.mrc", mask)
