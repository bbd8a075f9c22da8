"""Journey 4, "Make me a map", from a dropped structure to half maps of a wanted quality."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from qtpy.QtWidgets import QApplication, QLineEdit, QPushButton, QSlider
from tests.hand import Hand

from mapscope import read
from mapscope.structure import Structure
from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.viewer.window import open_docks
from mapscope.volume import Grid

MOST_CLICKS = 6
SOON = 30_000
"""Milliseconds: the first simulation of a session imports torch."""

SIMULATED, WANTED = 4.0, 6.0
"""Å of the simulated map and of its half maps."""


def _suggestion(dock: Any, title: str) -> QPushButton:
    buttons: list[QPushButton] = dock.suggestion_buttons()
    assert buttons[0].text() == title, [button.text() for button in buttons]
    return buttons[0]


def test_journey_when_a_structure_is_dropped_leads_to_half_maps_for_journey_1(
    make_napari_viewer: Callable[..., Any], qtbot: Any, sample_folder: Path, tmp_path: Path
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    jobs, plot = docks["Jobs"], docks["Plot"]
    qtbot.wait(200)
    hand = Hand()

    # Drop: the structure is there, and one job is offered.
    path = shutil.copy(sample_folder / "four_helix_bundle.cif", tmp_path)
    viewer.window._qt_viewer._qt_open([str(path)], stack=False)
    assert viewer.dims.ndisplay == 3
    viewer.dims.ndisplay = 2  # software takes seconds to draw density in 3D
    model = read(path)

    # Simulate map: the resolution's slider is live, on a grid that changes with it.
    hand.click(_suggestion(jobs, "Simulate map"))
    qtbot.wait(100)
    form = jobs.form
    slider = form.settings["resolution"].editor.native.findChild(QSlider)
    ticks = slider.maximum() / form.settings["resolution"].editor.max
    slider.setFocus()
    hand.clicks += 1
    shapes = []
    for resolution in (8.0, 6.0, SIMULATED):
        slider.setValue(round(resolution * ticks))
        qtbot.waitUntil(partial(_has_voxels_of, form.preview, resolution / 3), timeout=SOON)
        shapes.append(form.preview.layer.data.shape)
        assert [la.name for la in viewer.layers].count("preview") == 1
    assert len(set(shapes)) == 3
    qtbot.waitUntil(lambda: "voxels of 1.33 Å" in form.estimate.text(), timeout=SOON)

    # Run: the map takes the preview's place, in that of the structure.
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.run.is_over, timeout=SOON)
    assert form.entry.state == "done", form.entry.message
    simulated = viewer.layers.selection.active
    assert simulated.name == "four_helix_bundle · simulated"
    assert "preview" not in [la.name for la in viewer.layers]
    volume = noun_from_layer(simulated)
    likeness = np.corrcoef(volume.data.ravel(), _blurred_atoms(model, volume.grid).ravel())
    assert likeness[0, 1] > 0.9
    canvas = viewer.screenshot(canvas_only=True, flash=False)
    assert (canvas[..., :3].max(axis=-1) > 30).mean() > 0.01

    # Degrade map: half maps of a wanted resolution.
    qtbot.wait(100)
    hand.click(_suggestion(jobs, "Degrade map"))
    qtbot.wait(100)
    form = jobs.form
    assert form.chosen_layers() == [simulated]
    field = form.settings["resolution"].editor.native.findChild(QLineEdit)
    QApplication.setActiveWindow(jobs.window())
    hand.type_into(field, f"{WANTED:g}")
    assert form.settings["resolution"].value == WANTED
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.run.is_over, timeout=SOON)
    assert form.entry.state == "done", form.entry.message
    assert hand.clicks <= MOST_CLICKS

    # Wanted and obtained curve are plotted and agree.
    qtbot.waitUntil(lambda: not plot.visibleRegion().isEmpty())
    assert plot.table.plot.y == ("wanted", "obtained")
    counted = plot.table["coefficients"] > 200
    assert counted.sum() > 10
    assert np.abs(plot.table["wanted"] - plot.table["obtained"])[counted].max() < 0.03
    halves = [la for la in viewer.layers if role_of(la) == "half map"]
    assert len(halves) == 2
    assert not np.array_equal(halves[0].data, halves[1].data)

    # It goes straight into journey 1: nothing to choose, and the resolution is as wanted, to
    # a shell of the box.
    qtbot.wait(100)
    hand.click(_suggestion(jobs, "Shell correlation"))
    qtbot.wait(100)
    assert jobs.form.chosen_layers() == halves
    hand.click(jobs.form.run_button)
    qtbot.waitUntil(lambda: jobs.form.entry is not None and jobs.form.entry.run.is_over)
    found = jobs.form.entry.scalars["resolution_interpolated"]
    shell = 1 / min(volume.grid.extent)
    assert 1 / found == pytest.approx(1 / WANTED, abs=shell)
    assert plot.headline.text().endswith("at FSC 0.143")


def _has_voxels_of(preview: Any, size: float) -> bool:
    return preview.layer is not None and np.allclose(preview.layer.scale, size)


def _blurred_atoms(model: Structure, grid: Grid) -> npt.NDArray[np.float64]:
    """A Gaussian at each atom, of the width that suits the resolution; (z, y, x)."""
    sigma = 0.225 * SIMULATED
    total = np.zeros(grid.shape)
    for position in model.positions:
        index = [
            (o + s * np.arange(n) - p) / sigma
            for o, s, n, p in zip(grid.origin, grid.voxel_size, grid.shape, position, strict=True)
        ]
        z, y, x = (np.exp(-0.5 * i**2) for i in index)
        total += z[:, None, None] * y[:, None] * x
    return total
