"""Journey 3, "Show me the structure in its density", from dropped files to a ChimeraX script."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tests.hand import Hand

from mapscope import read, write
from mapscope.jobs import all_jobs
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.layers import tag_of
from mapscope.viewer.questions import QUESTIONS
from mapscope.viewer.window import open_docks
from mapscope.volume import Grid, Volume

JOBS = all_jobs()
MOST_CLICKS = 7
SLOW = 60_000
"""Milliseconds: software takes seconds to draw density in 3D."""
COLOR_IT = next(q for q in QUESTIONS["Look"] if q.words == "Colour it by a second map")
ORIGIN = (8.0, -30.0, 30.0)


@pytest.fixture
def dropped(sample_folder: Path, tmp_path: Path) -> list[str]:
    """A map, its model, and a second map on another grid: here Å of height, made up."""
    density = JOBS["bin_map"](read(sample_folder / "four_helix_bundle.mrc.gz"))
    files = [str(write(tmp_path / "bundle.mrc", density))]
    files.append(str(shutil.copy(sample_folder / "four_helix_bundle.cif", tmp_path)))
    grid = Grid((45, 42, 41), (2.0, 2.1, 2.2), ORIGIN)
    height = grid.world_from_index(np.moveaxis(np.indices(grid.shape), 0, -1))[..., 0]
    second = Volume((height / 10).astype(np.float32), grid.voxel_size, grid.origin)
    return [*files, str(write(tmp_path / "local_resolution.mrc", second))]


def _is_colored(surface: MapSurface) -> bool:
    """Whether the layer shows the mesh with its values."""
    made = surface.made
    return made is not None and made.mesh.values is not None and surface.layer is not None


def test_journey_when_map_model_and_second_map_are_dropped_leads_to_pictures_and_a_script(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    dropped: list[str],
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(960, 768)  # a narrow canvas: software draws density in seconds
    docks = open_docks(viewer)
    jobs, structure, view = docks["Jobs"], docks["Structure"], docks["View"]
    qtbot.wait(200)
    hand = Hand()
    window = jobs.window()

    # Drop: map and model are in place, in 3D.
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    assert viewer.dims.ndisplay == 3
    density, model = read(dropped[0]), read(dropped[1])
    layer = next(la for la in viewer.layers if getattr(tag_of(la), "role", "") == "map")
    np.testing.assert_allclose(layer.translate, density.origin)
    assert density.grid.contains(np.array(model.bounds)).all()

    # Colour the surface by the second map: one question of the start panel.
    contours = contours_of(viewer)
    hand.click(jobs.start.buttons[COLOR_IT])
    qtbot.waitUntil(lambda: bool(contours.surfaces) and contours.surfaces[0].made, timeout=SLOW)
    surface = contours.surfaces[0]
    qtbot.waitUntil(lambda: _is_colored(surface), timeout=SLOW)
    assert surface.map is layer
    vertices, _, values = surface.layer.data
    assert surface.layer.visible
    assert not layer.visible
    np.testing.assert_allclose(values, np.asarray(vertices)[:, 0] / 10, atol=1e-3)
    assert surface.coloring.has_bar
    assert "(Å)" in surface.coloring.caption

    # Go to a residue by typing.
    QApplication.setActiveWindow(window)
    QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: structure.places.place.hasFocus(), timeout=SLOW)
    QTest.keyClicks(QApplication.focusWidget(), "B/7")
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Return)
    here = (model.chains == "B") & (model.residue_numbers == 7)
    centre = model.positions[here].mean(axis=0)
    qtbot.waitUntil(lambda: np.allclose(viewer.scene.camera.center, centre, atol=1.0), timeout=SLOW)

    # Zone around it.
    hand.click(structure.places.near_button)
    qtbot.waitUntil(lambda: structure.scene.around.layer is not None, timeout=SLOW)
    zone = structure.scene.around.layer
    reach = structure.places.radius.value()
    assert np.linalg.norm(np.asarray(zone.data[0]) - centre, axis=1).max() < 4 * reach

    # Picture, turntable, ChimeraX.
    hand.click_tab(window, "View")
    form = view.picture_form
    form.frames.setValue(2)  # software takes seconds for each
    hand.click(form.save)
    hand.click(form.movie)
    qtbot.waitUntil(lambda: form.turntable is None, timeout=2 * SLOW)
    hand.click(form.chimerax)
    qtbot.waitUntil(lambda: bool(list(tmp_path.glob("*.cxc"))), timeout=SLOW)
    assert hand.clicks <= MOST_CLICKS

    picture = np.asarray(Image.open(next(tmp_path.glob("*.png"))).convert("RGB"))
    assert (picture.max(axis=-1) > 60).mean() > 0.02
    movie = Image.open(next(p for p in tmp_path.iterdir() if p.suffix in (".gif", ".mp4")))
    assert getattr(movie, "n_frames", 0) == 2
    script = next(tmp_path.glob("*.cxc")).read_text(encoding="utf-8")
    assert "cartoon" in script or ".glb" in script
    viewer.dims.ndisplay = 2
