"""The preview of a job that makes its map from a structure, and what its form says of it."""

from __future__ import annotations

import shlex
from functools import wraps
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtWidgets import QApplication, QDoubleSpinBox

from mapscope import read
from mapscope.cli import main
from mapscope.errors import Cancelled, InputError
from mapscope.jobs import all_jobs, simulate_map
from mapscope.replay import as_command
from mapscope.structure import Structure
from mapscope.viewer.layers import layers_from_noun, noun_from_layer, role_of
from mapscope.viewer.preview import EDGE, region_around
from mapscope.viewer.settings import Setting
from mapscope.volume import Grid, Region, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SOON = 20_000
"""Milliseconds: the first simulation of a session imports torch."""


@pytest.fixture
def model(sample_folder: Path) -> Structure:
    structure: Structure = read(sample_folder / "four_helix_bundle.cif")
    return structure


@pytest.fixture
def open_desk(desk: Desk, sample_folder: Path) -> Desk:
    """A window in which the sample's structure is open."""
    desk.open(sample_folder / "four_helix_bundle.cif")
    return desk


def follow(desk: Desk, form: Any, name: str, value: float) -> Any:
    """Move a slider, wait for the preview, and give its layer."""
    with desk.qtbot.waitSignal(form.preview.updated, timeout=SOON):
        form.settings[name].editor.value = value
    return form.preview.layer


def expected(structure: Structure, form: Any) -> Volume:
    """What the preview should show: the job on the box around the structure's middle."""
    values = form.job.check(**form.values())
    values["structure"] = structure
    grid = form.job.region_grid(values)
    region = region_around(grid, form.viewer.scene.camera.center, EDGE)
    volume: Volume = simulate_map(**{**values, "region": region})
    return volume


def test_preview_when_resolution_and_voxel_size_slide_then_one_layer_takes_every_grid(
    open_desk: Desk, model: Structure
) -> None:
    desk = open_desk
    desk.viewer.dims.ndisplay = 3
    form: Any = desk.form("simulate_map")
    layer = follow(desk, form, "resolution", 5.0)
    np.testing.assert_array_equal(layer.data, expected(model, form).data)
    camera = (desk.viewer.scene.camera.center, desk.viewer.scene.camera.zoom)
    shapes = [layer.data.shape]
    for voxel_size in (1.0, 2.0):
        assert follow(desk, form, "voxel_size", voxel_size) is layer
        wanted = expected(model, form)
        np.testing.assert_array_equal(layer.data, wanted.data)
        np.testing.assert_allclose(layer.scale, [voxel_size] * 3)
        np.testing.assert_allclose(layer.translate, wanted.origin)
        assert noun_from_layer(layer).grid.matches(wanted.grid)
        shapes.append(layer.data.shape)
    assert len(set(shapes)) == 3
    assert desk.names().count("preview") == 1
    assert desk.viewer.layers[0] is layer, "under the structure, which is seen through it"
    assert desk.viewer.dims.ndisplay == 3
    assert (desk.viewer.scene.camera.center, desk.viewer.scene.camera.zoom) == camera
    assert layer.contrast_limits[0] < layer.iso_threshold < layer.contrast_limits[1]
    form.live_box.click()
    assert "preview" not in desk.names()


def test_preview_when_contour_was_set_by_hand_then_it_stays_else_it_follows(
    open_desk: Desk,
) -> None:
    form: Any = open_desk.form("simulate_map")
    layer = follow(open_desk, form, "resolution", 4.0)
    first = layer.iso_threshold
    follow(open_desk, form, "resolution", 12.0)
    assert layer.iso_threshold < first
    layer.iso_threshold = 0.01
    follow(open_desk, form, "resolution", 6.0)
    assert layer.iso_threshold == pytest.approx(0.01)


def test_preview_when_the_map_is_larger_than_the_box_then_the_box_is_where_one_looks(
    open_desk: Desk, model: Structure
) -> None:
    desk = open_desk
    desk.viewer.dims.ndisplay = 3
    form: Any = desk.form("simulate_map")
    form.settings["kernel"].value = "chimerax"
    lower, upper = model.bounds
    for place in (upper, upper + 500, lower - 500):
        desk.viewer.scene.camera.center = tuple(place)
        form.settings["voxel_size"].editor.value = 0.31
        layer = follow(desk, form, "voxel_size", 0.3)
        assert layer.data.shape == (EDGE,) * 3
        box = np.asarray(layer.extent.world)
        grid = form.job.region_grid(form.job.check(**form.values()))
        ends = grid.world_from_index(np.stack([np.zeros(3), np.asarray(grid.shape) - 1]))
        nearest = np.clip(place, *ends)
        assert (box[0] - 0.2 <= nearest).all()
        assert (nearest <= box[1] + 0.2).all()
        np.testing.assert_array_equal(layer.data, expected(model, form).data)


def test_region_around_when_the_grid_is_small_or_far_then_it_lies_inside() -> None:
    grid = Grid((20, 120, 130), (2.0, 2.0, 2.0), (0, 0, 10.0))
    assert region_around(grid, (20, 200, 40), 96) == Region((0, 24, 0), (20, 120, 96))
    assert region_around(grid, (-1e4, -1e4, 1e4), 96) == Region((0, 0, 34), (20, 96, 130))


def test_form_when_opened_says_what_it_will_make_and_what_auto_comes_to(open_desk: Desk) -> None:
    form: Any = open_desk.form("simulate_map")
    open_desk.qtbot.waitUntil(lambda: "voxels" in form.estimate.text(), timeout=SOON)
    grid = form.whole.grid
    assert form.estimate.text().startswith(
        f"Makes {grid.shape[2]} × {grid.shape[1]} × {grid.shape[0]} voxels of 1 Å. Needs about"
    )
    assert form.settings["voxel_size"].editor.value == pytest.approx(1.0)
    form.settings["resolution"].editor.value = 6.0
    open_desk.qtbot.waitUntil(lambda: "voxels of 2 Å" in form.estimate.text(), timeout=SOON)
    assert form.settings["voxel_size"].value is None, "showing it is not setting it"
    form.settings["selection"].value = "Z"
    open_desk.qtbot.waitUntil(lambda: form.estimate.text() == "", timeout=SOON)


def test_preview_when_voxels_are_too_coarse_then_one_sentence_says_so(open_desk: Desk) -> None:
    form: Any = open_desk.form("simulate_map")
    with open_desk.qtbot.waitSignal(form.preview.failed, timeout=SOON):
        form.settings["voxel_size"].editor.value = 4.0
    assert "too coarse for 3 Å" in form.message.text()
    with open_desk.qtbot.waitSignal(form.preview.updated, timeout=SOON):
        form.settings["voxel_size"].editor.value = 1.0
    assert form.message.isHidden()


def test_preview_when_requests_come_faster_than_results_then_some_are_shown_and_the_last_wins(
    desk: Desk, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add(volume, "bundle")
    form: Any = desk.form("filter_map")
    original = form.job.function
    called, shown = [], []

    def slowly(*args: Any, low_pass: float, progress: Any, **kwargs: Any) -> Any:
        called.append(low_pass)
        for _ in range(15):
            sleep(0.01)
            progress(0, 1)
        return original(*args, low_pass=low_pass, progress=progress, **kwargs)

    monkeypatch.setattr(form.job, "function", wraps(original)(slowly))
    form.preview.updated.connect(lambda: shown.append(True))
    for low_pass in np.linspace(6, 12, 31):
        form.settings["low_pass"].editor.value = float(low_pass)
        desk.qtbot.wait(30)
    desk.qtbot.waitUntil(lambda: bool(called) and called[-1] == 12.0, timeout=SOON)
    desk.qtbot.waitUntil(lambda: form.preview._run.is_over, timeout=SOON)
    assert 3 <= len(shown) <= len(called) < 20
    last = original(volume, low_pass=12.0).data
    np.testing.assert_array_equal(form.preview.layer.data, last)


def test_preview_when_a_result_takes_long_then_it_gives_way_to_a_newer_request(
    desk: Desk, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add(volume, "bundle")
    form: Any = desk.form("filter_map")
    original = form.job.function
    stopped = []

    def call(*args: Any, low_pass: float, progress: Any, **kwargs: Any) -> Any:
        try:
            while low_pass < 10:
                sleep(0.01)
                progress(0, 1)
        except Cancelled:
            stopped.append(low_pass)
            raise
        return original(*args, low_pass=low_pass, progress=progress, **kwargs)

    monkeypatch.setattr(form.job, "function", wraps(original)(call))
    form.settings["low_pass"].editor.value = 6.0
    desk.qtbot.wait(800)
    with desk.qtbot.waitSignal(form.preview.updated, timeout=SOON):
        form.settings["low_pass"].editor.value = 12.0
    assert stopped == [6.0]
    np.testing.assert_array_equal(form.preview.layer.data, original(volume, low_pass=12.0).data)


def test_structure_when_any_of_its_layers_is_selected_is_the_one_that_is_chosen(
    open_desk: Desk, model: Structure, volume: Volume
) -> None:
    desk = open_desk
    second = Structure.from_gemmi(model.model.clone())
    for layer in layers_from_noun(second, "second"):
        desk.viewer.add_layer(Layer.create(*layer))
    desk.add(volume, "bundle")
    backbone = desk.viewer.layers["four_helix_bundle · backbone"]
    desk.viewer.layers.selection.active = backbone
    form: Any = desk.form("simulate_map")
    names = [layer.name for choice in form.inputs for layer in choice.layers]
    assert names == ["four_helix_bundle · atoms"], "and no map where it can do without"
    desk.viewer.layers.remove("four_helix_bundle · atoms")
    assert form.inputs[0].layers == [backbone], "what is left stands for the structure"
    first: Structure = form.inputs[0].noun()
    np.testing.assert_array_equal(first.positions, model.positions)


def test_simulated_when_a_map_is_chosen_lies_on_its_grid(open_desk: Desk, model: Structure) -> None:
    desk = open_desk
    z, y, x = model.positions.mean(axis=0) - 20
    empty = Volume(np.zeros((24, 26, 28), np.float32), (1.5,) * 3, (z, y, x))
    layer = desk.add(empty, "bundle")
    form: Any = desk.form("simulate_map")
    form.inputs[1].choose(layer)
    entry = desk.run_well(form)
    assert entry.nouns["simulated"].grid.matches(empty.grid)
    desk.qtbot.waitUntil(lambda: "28 × 26 × 24 voxels" in form.estimate.text(), timeout=SOON)


def test_simulated_is_seen_through_in_its_place_and_leads_to_half_maps_of_known_quality(
    open_desk: Desk, model: Structure
) -> None:
    desk = open_desk
    suggestions = desk.docks["Jobs"].suggestion_buttons
    assert [button.text() for button in suggestions()] == ["Simulate map"]
    form: Any = desk.form("simulate_map")
    desk.run_well(form)
    simulated = desk.viewer.layers["four_helix_bundle · simulated"]
    atoms = desk.viewer.layers["four_helix_bundle · atoms"]
    assert simulated.visible
    assert atoms.visible
    assert simulated.opacity < 1
    assert desk.viewer.layers.index(simulated) < desk.viewer.layers.index(atoms)
    assert noun_from_layer(simulated).grid.contains(model.positions).all()

    assert [button.text() for button in suggestions()] == ["Degrade map"]
    form = desk.form("degrade_map")
    assert form.chosen_layers() == [simulated]
    entry = desk.run_well(form)
    halves = [la for la in desk.viewer.layers if role_of(la) == "half map"]
    assert [la.name for la in halves] == [f"four_helix_bundle · half map {n}" for n in (1, 2)]
    assert [la.visible for la in halves] == [False, False]
    assert desk.docks["Plot"].table is entry.nouns["fsc"]
    local = desk.viewer.layers["four_helix_bundle · local resolution"]
    assert local.colormap.name == "turbo"
    for job in ("shell_correlation", "sharpen_by_b_factor"):
        assert desk.form(job).chosen_layers() == halves
    desk.viewer.layers.selection.active = None
    assert local not in desk.form("filter_map").chosen_layers()


def test_half_maps_of_two_runs_when_one_is_selected_then_its_pair_is_taken(
    desk: Desk, volume: Volume
) -> None:
    desk.add(volume, "bundle")
    form = desk.form("degrade_map")
    form.settings["resolution"].value = 6.0
    desk.run_well(form)
    form.settings["seed"].value = 1
    desk.run_well(form)
    first, second = (la for la in desk.viewer.layers if la.name.startswith("bundle · degraded"))
    for layer in (first, second):
        desk.viewer.layers.selection.active = layer
        pair = desk.form("shell_correlation").chosen_layers()
        desk.form("flip_hand")
        made = {id(noun_from_layer(la)) for la in pair}
        entries = desk.docks["History"].workspace.entries
        found = [e for e in entries if noun_from_layer(layer) is e.nouns["degraded"]]
        assert made == {id(found[0].nouns[f"half_map_{n}"]) for n in (1, 2)}


def test_viewer_command_and_python_give_the_same_map_for_the_same_record(
    open_desk: Desk, sample_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = open_desk
    form: Any = desk.form("simulate_map")
    form.settings["resolution"].value = 4.0
    entry = desk.run_well(form)
    assert entry.record is not None
    out = tmp_path / "simulated.mrc"
    command = as_command(entry.record, str(out))
    assert command is not None
    desk.docks["History"].command_button.click()
    assert command.split(" --out ")[0] in _clipboard()
    words = shlex.split(command)[1:]
    assert words[0] == "simulate-map"
    assert main(words) == 0, capsys.readouterr().err
    in_python = simulate_map(read(sample_folder / "four_helix_bundle.cif"), resolution=4.0)
    in_viewer = entry.nouns["simulated"]
    in_shell = read(out)
    for other in (in_python, in_shell):
        assert in_viewer.grid.matches(other.grid)
        np.testing.assert_array_equal(in_viewer.data, other.data)


def test_script_when_copied_at_the_end_repeats_every_step_from_the_file(
    open_desk: Desk, tmp_path: Path
) -> None:
    desk = open_desk
    desk.run_well(desk.form("simulate_map"))
    desk.run_well(desk.form("degrade_map"))
    entry = desk.run_well(desk.form("shell_correlation"))
    desk.docks["History"].script_button.click()
    script = _clipboard()
    assert "HalfMaps(result_2.half_map_1, result_2.half_map_2)" in script
    name = script.split("write_result('")[1].split("'")[0]
    out = tmp_path / "curves.csv"
    exec(script.replace(f"'{name}'", repr(str(out))), {})  # what a user would run
    np.testing.assert_allclose(read(out)["unmasked"], entry.nouns["curves"]["unmasked"], atol=1e-6)


def test_choices_are_written_as_people_write_them_and_given_as_the_job_takes_them() -> None:
    kernel = next(p for p in simulate_map.settings if p.name == "kernel")
    setting = Setting(kernel)
    box = setting.editor.native
    texts = [box.itemText(n) for n in range(box.count())]
    assert {"Electrons", "X-rays", "ChimeraX", "EMAN", "TEMPy", "Situs"} <= set(texts)
    for n, name in enumerate(kernel.choices):
        box.setCurrentIndex(n)
        assert setting.value == name


@pytest.mark.parametrize(
    ("name", "slid", "given"), [("resolution", 4.23456, 4.23), ("voxel_size", 1.05712, 1.057)]
)
def test_slider_when_it_stops_between_digits_gives_what_it_shows(
    name: str, slid: float, given: float
) -> None:
    setting = Setting(next(p for p in simulate_map.settings if p.name == name))
    setting.editor.value = slid
    assert setting.value == given
    assert setting.editor.native.findChild(QDoubleSpinBox).value() == given


def _clipboard() -> str:
    return str(QApplication.clipboard().text())


def test_region_grid_when_no_map_is_among_the_values_then_it_says_so(volume: Volume) -> None:
    job = all_jobs()["sharpen_by_b_factor"]
    with pytest.raises(InputError, match="choose a map first"):
        job.region_grid(job.check())
    assert job.region_grid(job.check(volume)) == volume.grid
