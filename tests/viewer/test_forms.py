"""Every job runs from its form, and says what went wrong where the user looks."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from scipy.spatial.transform import Rotation
from tests.path_settings import path_settings

from mapscope import read
from mapscope.errors import InputError
from mapscope.job import Job
from mapscope.jobs import all_jobs, filter_map
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles, in_tomogram
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.editing.editing import editing_of
from mapscope.viewer.estimate import estimate_text
from mapscope.viewer.inputs import LayerChoice
from mapscope.viewer.layers import base_name, noun_from_layer, role_of
from mapscope.viewer.probe import position_of_click
from mapscope.viewer.roles import TRUST, role_of_output
from mapscope.viewer.settings import Setting
from mapscope.viewer.workspace import Entry
from mapscope.volume import HalfMaps, Region, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SETTINGS: dict[str, dict[str, Any]] = {
    "average_particles": {"box": 16.0},
    "filter_map": {"low_pass": 8.0},
    "pad_map": {"margin": 2},
    "pick_blobs": {"diameter": 20.0, "threshold": 2.0},
    "resample": {"voxel_size": 2.0},
    "score_picks": {"radius": 10.0},
    "sharpen_by_b_factor": {"b_factor": -20.0},
}
"""What a form does not know by itself, for small maps."""

SOON = 10_000

LAYERS: dict[type, tuple[str | None, ...]] = {
    Volume: (None,),
    Labels: (None,),
    Mesh: (None,),
    Structure: ("backbone", "structure"),
    Particles: ("particles",),
}
"""Roles of the layers that show a noun; None for what its output is called."""

JOBS = sorted(name for name, job in all_jobs().items() if not job.probe)


def picks_in(volume: Volume) -> Particles:
    """Six picks in the middle of a map, one of them set by hand."""
    random = np.random.default_rng(2)
    middle = volume.grid.world_from_index((np.array(volume.shape) - 1) / 2)
    places = middle + random.uniform(-6, 6, (6, 3))
    rotations = Rotation.random(6, random_state=2).as_matrix()
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, np.nan])
    return in_tomogram(Particles(places, rotations, score=score), volume.grid, "bundle")


@pytest.fixture
def full_desk(desk: Desk, volume: Volume, halves: HalfMaps, mask: Volume) -> Desk:
    """A window with all that the jobs may want but a structure."""
    desk.add(picks_in(volume), "picks", "particles")
    desk.add_halves(halves)
    desk.add(mask, "bundle_mask", "mask")
    desk.add(Volume(volume.data[::-1], volume.voxel_size, volume.origin), "other")
    desk.add(volume, "bundle")
    return desk


def patched(
    monkeypatch: pytest.MonkeyPatch, job: Job, call: Callable[..., Any]
) -> Callable[..., Any]:
    """Put another function into a job, for a while; gives the job's own."""
    original = job.function
    monkeypatch.setattr(job, "function", wraps(original)(call))
    return original


def raise_always(error: Exception) -> Callable[..., Any]:
    """A function that does nothing but raise."""

    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def work_for_long(*_: Any, progress: Any, **__: Any) -> Any:
    """A job that would take minutes and tells of its progress."""
    for n in range(100_000):
        progress(n, 100_000, "working")
        sleep(0.002)


def is_gone(entry: Entry, name: str) -> bool:
    """Whether nobody holds what a run gave any more."""
    gc.collect()
    return name in entry.gone


def items_of(choice: LayerChoice) -> dict[str, bool]:
    """Text of every item and whether it can be chosen."""
    model: Any = choice.model()
    return {choice.itemText(n): model.item(n).isEnabled() for n in range(choice.count())}


def test_form_of_every_job_is_built_and_its_inputs_are_filled(
    full_desk: Desk, structure_file: Path
) -> None:
    full_desk.open(structure_file)
    for name, job in all_jobs().items():
        form = full_desk.form(name)
        assert [choice.parameter.name for choice in form.inputs] == [p.name for p in job.inputs]
        assert set(form.settings) == {p.name for p in job.settings if p.name != "position"} - (
            {"region"} if job.probe else set()
        )
        for parameter, value in path_settings(name).items():
            form.settings[parameter].value = value
        for choice in form.inputs:
            if choice.parameter.required:
                assert len(choice.layers) == len(choice.choices), name
        values = job.check(**form.values() | ({"position": (0, 0, 0)} if job.probe else {}))
        assert set(values) == {p.name for p in job.parameters}


def test_inputs_when_maps_halves_and_mask_are_there_then_each_takes_its_own(
    full_desk: Desk,
) -> None:
    names = {
        choice.parameter.name: [layer.name for layer in choice.layers]
        for choice in full_desk.form("sharpen_by_b_factor").inputs
    }
    assert names == {
        "volume": [],
        "half_maps": ["bundle · half map 1", "bundle · half map 2"],
        "mask": ["bundle_mask"],
    }
    subtract = full_desk.form("subtract_maps")
    assert [layer.name for layer in subtract.chosen_layers()] == ["bundle", "other", "bundle_mask"]
    full_desk.viewer.layers.selection.active = full_desk.viewer.layers["other"]
    assert full_desk.form("flip_hand").chosen_layers()[0].name == "other"


def test_inputs_when_layers_do_not_fit_then_they_are_grey_and_say_why(
    desk: Desk, volume: Volume, sample_folder: Path
) -> None:
    desk.add(volume, "bundle")
    desk.add(Labels(np.ones((4, 4, 4), np.int32)), "regions")
    turned = desk.add(volume, "turned")
    turned.rotate = (0, 30, 0)
    desk.open(sample_folder / "four_helix_bundle.cif")
    form = desk.form("crop_map")
    choices = {choice.parameter.name: choice.choices[0] for choice in form.inputs}
    assert items_of(choices["volume"]) == {
        "four_helix_bundle · backbone (a structure, not a map)": False,
        "four_helix_bundle · atoms (a structure, not a map)": False,
        "turned (rotated, sheared or mirrored: use the job on the layer before it was turned)": (
            False
        ),
        "regions (not a map)": False,
        "bundle": True,
    }
    structures = items_of(choices["structure"])
    assert [text for text, enabled in structures.items() if enabled] == [
        "none",
        "four_helix_bundle · atoms",
    ]
    assert "bundle (not a structure)" in structures
    assert choices["volume"].layer.name == "bundle"


def test_inputs_when_the_chosen_layer_is_removed_then_another_is_taken(full_desk: Desk) -> None:
    form = full_desk.form("flip_hand")
    full_desk.viewer.layers.remove("bundle")
    assert form.chosen_layers()[0].name == "other"
    full_desk.viewer.layers.clear()
    assert form.chosen_layers() == []
    form.run_button.click()
    assert "needs volume" in form.message.text()


def test_inputs_when_a_mask_is_opened_later_then_it_is_filled_in(
    desk: Desk, halves: HalfMaps, mask: Volume
) -> None:
    desk.add_halves(halves)
    form = desk.form("shell_correlation")
    assert [layer.name for layer in form.inputs[1].layers] == []
    desk.add(mask, "bundle_mask", "mask")
    assert [layer.name for layer in form.inputs[1].layers] == ["bundle_mask"]


def test_run_of_every_job_when_pressed_then_results_appear_beside_their_input(
    full_desk: Desk, structure_file: Path
) -> None:
    desk = full_desk
    desk.open(structure_file)
    desk.viewer.dims.ndisplay = 2
    before = list(desk.viewer.layers)
    for name in (name for name in JOBS if all_jobs()[name].inputs):
        desk.viewer.layers.selection.active = desk.viewer.layers["bundle"]
        form = desk.form(name)
        for parameter, value in (SETTINGS.get(name, {}) | path_settings(name)).items():
            form.settings[parameter].value = value
        anchor = form.chosen_layers()[0]
        entry = desk.run_well(form)
        new = [layer for layer in desk.viewer.layers if layer not in before]
        check_result(desk, entry, anchor, new)
        assert (form.run_button.text(), form.run_button.isEnabled()) == ("Run", True)
        assert form.save_button.isEnabled()
        for layer in new:
            desk.viewer.layers.remove(layer)
        anchor.visible = True


def is_of(layer: Any, role: str, field: str) -> bool:
    """Whether a layer shows an output."""
    return role_of(layer) == role and f" · {field}" in layer.name


def check_result(desk: Desk, entry: Entry, anchor: Any, new: list[Any]) -> None:
    """What a run must have done to the window."""
    seen = [
        (field, noun, role_of_output(field) if role is None else role)
        for field, noun in entry.nouns.items()
        for role in LAYERS.get(type(noun), ())
    ]
    assert len(new) == len(seen), entry.title
    shown = [(role, field.replace("_", " ")) for field, _, role in seen]
    # Labels and picks lie over, maps under.
    new = sorted(new, key=lambda la: next(n for n, s in enumerate(shown) if is_of(la, *s)))
    for layer, (field, noun, role) in zip(new, seen, strict=True):
        assert layer.name.startswith(f"{base_name(anchor.name)} · {field.replace('_', ' ')}")
        assert role_of(layer) == role
        assert noun_from_layer(layer) is noun
    places = sorted(desk.viewer.layers.index(layer) for layer in [anchor, *new])
    assert places == list(range(places[0], places[-1] + 1)), "results lie beside their input"
    covering = [la for la in new if type(la).__name__ == "Image" and role_of(la) != "mask"]
    trust = [la for la in covering if role_of(la) in TRUST]
    covering = [la for la in covering if la not in trust]
    assert [la.visible for la in covering] == [n == 0 for n in range(len(covering))]
    labels = [la for la in new if type(la).__name__ == "Labels"]
    assert [la.visible for la in labels] == [n == 0 for n in range(len(labels))]
    others = [la for la in new if la not in [*covering, *labels]]
    assert [la.visible for la in others] == [la not in trust for la in others]
    is_map = type(anchor).__name__ == "Image"
    assert anchor.visible == (not covering or not is_map), entry.title
    assert tuple(str(unit) for unit in desk.viewer.layers.units) == ("angstrom",) * 3
    tables = [noun for noun in entry.nouns.values() if isinstance(noun, Table)]
    assert not tables or desk.docks["Plot"].table is tables[0]


def test_run_when_the_result_has_a_caption_then_the_layer_is_named_with_it(
    full_desk: Desk,
) -> None:
    form = full_desk.form("sharpen_by_b_factor")
    form.settings["b_factor"].value = -20.0
    full_desk.run_well(form)
    assert "bundle · sharpened (B −20)" in full_desk.names()
    assert "B-factor: −20 Å²" in form.message.text()


def test_run_when_repeated_then_equal_runs_replace_and_others_add(full_desk: Desk) -> None:
    desk = full_desk
    form = desk.form("filter_map")
    form.settings["low_pass"].value = 8.0
    desk.run_well(form)
    first = desk.viewer.layers["bundle · filtered"]
    desk.run_well(form)
    assert desk.names().count("bundle · filtered") == 1
    assert desk.viewer.layers["bundle · filtered"] is not first
    form.settings["low_pass"].value = 10.0
    desk.run_well(form)
    assert sum(name.startswith("bundle · filtered") for name in desk.names()) == 2
    assert len(desk.docks["History"].workspace.entries) == 3


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("the\ndisk <burns>"), "Flip hand failed: RuntimeError: the disk <burns>"),
        (InputError("choose another axis"), "choose another axis"),
        (KeyError(), "Flip hand failed: KeyError: KeyError"),
    ],
)
def test_run_when_the_job_raises_then_one_message_is_shown_and_the_viewer_works_on(
    full_desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    desk = full_desk
    form = desk.form("flip_hand")
    before = desk.names()
    with monkeypatch.context() as patch:
        patched(patch, form.job, raise_always(error))
        entry = desk.run(form)
    assert said.replace("<", "&lt;").replace(">", "&gt;") in form.message.text()
    assert not form.message.isHidden()
    assert desk.names() == before
    history = desk.docks["History"]
    assert history.list.topLevelItem(0).text(1) == entry.state == "failed"
    assert (form.run_button.text(), form.run_button.isEnabled()) == ("Run", True)
    assert form.bar.isHidden()
    desk.run_well(form)
    assert form.message.isHidden()
    assert "bundle · flipped" in desk.names()


def test_run_when_settings_are_wrong_then_nothing_is_started(full_desk: Desk) -> None:
    form = full_desk.form("filter_map")
    form.settings["region"].value = "1:2"
    form.run_button.click()
    assert "a region reads" in form.message.text()
    assert form.entry is None


@pytest.mark.alone
def test_cancel_when_pressed_then_it_ends_within_a_second_and_leaves_nothing(
    full_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = full_desk
    form = desk.form("make_mask")
    before = desk.names()
    with monkeypatch.context() as patch:
        patched(patch, form.job, work_for_long)
        form.run_button.click()
        desk.qtbot.waitUntil(lambda: "working" in form.bar.format(), timeout=5000)
        assert form.run_button.text() == "Cancel"
        assert not form.bar.isHidden()
        pressed = monotonic()
        with desk.qtbot.waitSignal(form.ended, timeout=5000):
            form.run_button.click()
            assert form.run_button.text() == "Cancelling…"
            assert not form.run_button.isEnabled()
        assert monotonic() - pressed < 1
    assert form.entry is not None
    assert form.entry.state == "cancelled"
    assert (form.run_button.text(), form.run_button.isEnabled()) == ("Run", True)
    assert form.message.text() == "Cancelled; nothing was changed."
    assert form.bar.isHidden()
    assert desk.names() == before
    desk.run_well(form)


@pytest.mark.parametrize("end", ["cancel", "finish", "fail"])
def test_run_when_another_form_is_opened_meanwhile_then_it_ends_well(
    full_desk: Desk, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    desk = full_desk
    form = desk.form("make_mask")
    go_on: list[bool] = []

    def wait(*args: Any, progress: Any, **kwargs: Any) -> Any:
        while not go_on:
            progress(0, 1, "working")
            sleep(0.002)
        if end == "fail":
            raise RuntimeError("no")
        return original(*args, **kwargs)

    original = patched(monkeypatch, form.job, wait)
    form.run_button.click()
    entry = form.entry
    assert entry is not None
    desk.form("flip_hand")
    desk.qtbot.wait(50)
    if end == "cancel":
        entry.run.cancel()
    go_on.append(True)
    desk.qtbot.waitUntil(lambda: entry.run.is_over, timeout=5000)
    desk.qtbot.wait(20)
    assert entry.state == {"cancel": "cancelled", "finish": "done", "fail": "failed"}[end]
    assert ("bundle · mask" in desk.names()) == (end == "finish")


def test_run_when_the_input_is_removed_meanwhile_then_the_result_is_still_added(
    full_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = full_desk
    form = desk.form("flip_hand")

    def wait(*args: Any, **kwargs: Any) -> Any:
        sleep(0.2)
        return original(*args, **kwargs)

    original = patched(monkeypatch, form.job, wait)
    with desk.qtbot.waitSignal(form.ended, timeout=5000):
        form.run_button.click()
        desk.viewer.layers.remove("bundle")
    assert "bundle · flipped" in desk.names()


def test_optional_parameter_is_auto_until_it_is_set(full_desk: Desk) -> None:
    form = full_desk.form("filter_map")
    slider, spin = form.settings["low_pass"], form.settings["high_pass"]
    for setting in (slider, spin):
        assert setting.value is None
        assert setting.automatic.isChecked()
        assert not setting.automatic.isHidden()
    assert slider.editor.enabled
    assert not spin.editor.enabled
    slider.editor.value = 12.0
    assert not slider.automatic.isChecked()
    assert slider.value == 12.0
    spin.automatic.setChecked(False)
    assert spin.editor.enabled
    spin.editor.value = 80.0
    assert spin.value == 80.0
    spin.automatic.setChecked(True)
    assert spin.value is None
    assert form.settings["edge"].automatic.isHidden()


def test_settings_of_every_job_show_the_default_and_give_back_what_was_set() -> None:
    for job in all_jobs().values():
        for parameter in job.settings:
            if parameter.name == "position":
                continue
            setting = Setting(parameter)
            if not parameter.required:
                assert setting.value == parameter.default, (job.name, parameter.name)
            assert setting.row.toolTip() == parameter.help


def test_auto_when_a_run_found_the_value_then_it_is_shown_and_stays_auto(
    desk: Desk, sample_folder: Path
) -> None:
    desk.open(*(sample_folder / f"four_helix_bundle_half_{n}.mrc.gz" for n in (1, 2)))
    form = desk.form("sharpen_by_b_factor")
    entry = desk.run_well(form)
    setting = form.settings["b_factor"]
    assert setting.value is None
    assert entry.scalars["b_factor"] < 0
    assert setting.editor.value == pytest.approx(entry.scalars["b_factor"], abs=0.6)


def test_foreign_layer_when_it_has_no_voxel_size_then_it_is_asked_for_once(
    desk: Desk, volume: Volume
) -> None:
    desk.viewer.add_image(volume.data, name="raw")
    desk.viewer.add_image(volume.data, name="more")
    form = desk.form("subtract_maps")
    assert not form.voxel_row.isHidden()
    assert form.voxel_row.question.text() == "more has no voxel size:"
    assert not form.run_button.isEnabled()
    form.voxel_row.size.setValue(2.5)
    form.voxel_row.button.click()
    assert form.voxel_row.question.text() == "raw has no voxel size:"
    form.voxel_row.button.click()
    assert form.voxel_row.isHidden()
    assert form.run_button.isEnabled()
    for layer in desk.viewer.layers:
        np.testing.assert_array_equal(layer.scale, (2.5, 2.5, 2.5))
        assert layer.axis_labels == ("z", "y", "x")
    assert tuple(str(unit) for unit in desk.viewer.layers.units) == ("angstrom",) * 3
    entry = desk.run_well(form)
    assert entry.nouns["difference"].voxel_size == (2.5, 2.5, 2.5)


def previews(desk: Desk) -> list[Any]:
    """The preview layers in the viewer."""
    return [layer for layer in desk.viewer.layers if layer.name.startswith("preview")]


def test_preview_when_the_slider_moves_then_one_layer_follows_and_run_removes_it(
    desk: Desk, volume: Volume
) -> None:
    desk.add(volume, "bundle")
    desk.viewer.layers.selection.clear()
    form = desk.form("filter_map")
    assert form.preview is not None
    with desk.qtbot.waitSignal(form.preview.updated, timeout=5000):
        form.settings["low_pass"].editor.value = 6.0
    assert form.live_box.isChecked()
    (layer,) = previews(desk)
    for low_pass in (8.0, 10.0, 12.0):
        form.settings["low_pass"].editor.value = low_pass
    desk.qtbot.waitUntil(
        lambda: np.array_equal(layer.data, filter_map(volume, low_pass=12.0).data), timeout=5000
    )
    assert previews(desk) == [layer]
    assert form.chosen_layers()[0].name == "bundle"
    assert layer.extent.world.tolist() == desk.viewer.layers["bundle"].extent.world.tolist()
    assert tuple(str(unit) for unit in desk.viewer.layers.units) == ("angstrom",) * 3
    desk.run_well(form)
    assert previews(desk) == []
    assert not form.live_box.isChecked()
    assert form.chosen_layers()[0].name == "bundle"


def test_preview_when_another_input_was_chosen_then_that_stays(full_desk: Desk) -> None:
    desk = full_desk
    form = desk.form("filter_map")
    assert form.preview is not None
    form.inputs[0].choose(desk.viewer.layers["other"])
    with desk.qtbot.waitSignal(form.preview.updated, timeout=5000):
        form.settings["low_pass"].editor.value = 6.0
    assert form.chosen_layers()[0].name == "other"
    form.live_box.click()
    assert previews(desk) == []
    assert form.chosen_layers()[0].name == "other"


def test_preview_when_the_map_is_large_then_only_a_box_around_the_cursor_is_computed(
    desk: Desk,
) -> None:
    random = np.random.default_rng(0).normal(size=(20, 120, 130)).astype(np.float32)
    volume = Volume(random, (2.0,) * 3, (0, 0, 10.0))
    desk.add(volume, "big")
    desk.viewer.dims.set_point((0, 1, 2), (20, 200, 40))
    form = desk.form("filter_map")
    assert form.preview is not None
    with desk.qtbot.waitSignal(form.preview.updated, timeout=5000):
        form.settings["low_pass"].editor.value = 8.0
    (layer,) = previews(desk)
    region = Region((0, 24, 0), (20, 120, 96))
    expected = filter_map(volume, low_pass=8.0, region=region)
    np.testing.assert_array_equal(layer.data, expected.data)
    np.testing.assert_allclose(layer.translate, expected.origin)


def test_preview_when_the_job_refuses_then_the_form_says_why(full_desk: Desk) -> None:
    form = full_desk.form("filter_map")
    assert form.preview is not None
    with full_desk.qtbot.waitSignal(form.preview.failed, timeout=5000):
        form.live_box.click()
    assert "low-pass or a high-pass" in form.message.text()
    assert previews(full_desk) == []


def test_preview_when_the_window_is_closed_meanwhile_then_nothing_fails(
    desk: Desk, volume: Volume
) -> None:
    desk.add(volume, "bundle")
    form = desk.form("filter_map")
    assert form.preview is not None
    form.settings["low_pass"].editor.value = 6.0
    desk.viewer.close()
    desk.qtbot.wait(200)


def test_run_when_the_window_is_closed_meanwhile_then_it_is_cancelled(
    full_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = full_desk
    form = desk.form("make_mask")
    patched(monkeypatch, form.job, work_for_long)
    form.run_button.click()
    entry = form.entry
    assert entry is not None
    desk.viewer.close()
    desk.qtbot.waitUntil(lambda: entry.run.is_over, timeout=3000)
    assert entry.state == "cancelled"


def click(desk: Desk, position: tuple[float, ...], *, moved: bool = False) -> None:
    """Press and release the mouse in the view."""
    event = SimpleNamespace(type="mouse_press", position=position)
    steps = desk.viewer.mouse_drag_callbacks[-1](desk.viewer, event)
    next(steps)
    if moved:
        event.type = "mouse_move"
        next(steps)
    event.type = "mouse_release"
    next(steps, None)


def test_probe_when_the_view_is_clicked_then_the_curve_is_plotted(
    desk: Desk, sample_folder: Path
) -> None:
    desk.open(*(sample_folder / f"four_helix_bundle_half_{n}.mrc.gz" for n in (1, 2)))
    form = desk.form("local_shell_correlation")
    centre = tuple(desk.viewer.layers[0].extent.world.mean(axis=0))
    already = len(desk.viewer.mouse_drag_callbacks)
    form.run_button.click()
    assert len(desk.viewer.mouse_drag_callbacks) == already + 1
    click(desk, centre, moved=True)
    assert form.entry is None
    with desk.qtbot.waitSignal(form.ended, timeout=5000):
        click(desk, centre)
    assert form.entry is not None
    assert form.entry.record is not None
    np.testing.assert_allclose(form.entry.record.parameters["position"], centre)
    assert desk.docks["Plot"].table is form.entry.nouns["local_curve"]
    assert "Å at FSC 0.5" in desk.docks["Plot"].headline.text()
    assert len(desk.viewer.layers) == 2
    with desk.qtbot.waitSignal(form.ended, timeout=5000):
        click(desk, (1e4, 0, 0))
    assert form.entry.state == "failed"
    assert form.message.text()
    form.run_button.click()
    assert len(desk.viewer.mouse_drag_callbacks) == already


def test_probe_when_clicked_in_3d_then_the_densest_point_under_the_cursor_is_taken(
    desk: Desk, volume: Volume
) -> None:
    data = np.zeros((20, 20, 20), np.float32)
    data[13, 5, 8] = 1
    layer = desk.add(Volume(data, volume.voxel_size, volume.origin), "spot")
    z, y, x = volume.grid.world_from_index((13, 5, 8))
    event = SimpleNamespace(position=(-50.0, y, x), view_direction=np.array([1.0, 0, 0]))
    found = position_of_click(layer, event, 3)
    assert found == pytest.approx((z, y, x), abs=0.76)
    missed = SimpleNamespace(position=(-50.0, 500.0, x), view_direction=np.array([1.0, 0, 0]))
    assert position_of_click(layer, missed, 3) is None


def test_estimate_when_a_job_has_run_here_then_it_knows_the_time(desk: Desk) -> None:
    data = np.random.default_rng(0).normal(size=(48, 48, 48)).astype(np.float32)
    desk.add(Volume(data), "noise")
    form = desk.form("invert_contrast")
    assert form.estimate.text() == "Needs about 1 MB of memory."
    desk.run_well(form)
    assert form.estimate.text() == "Takes less than a second and about 1 MB of memory."
    assert not form.estimate.isHidden()
    assert estimate_text(form.job, []) == ""


def test_save_when_pressed_then_result_and_record_are_written(
    full_desk: Desk, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    form = full_desk.form("flip_hand")
    form.save()
    full_desk.run_well(form)
    answer_dialog(tmp_path / "flipped.mrc")
    form.save_button.click()
    assert form.message.text() == "Saved flipped.mrc"
    assert (tmp_path / "flipped.mrc").is_file()
    assert (tmp_path / "flipped.mrc.record.json").is_file()
    answer_dialog(tmp_path / "flipped.tif")
    form.save_button.click()
    assert "cannot be written as .tif" in form.message.text()


def test_save_when_picks_are_edited_meanwhile_then_what_the_job_gave_is_written(
    full_desk: Desk, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    form = full_desk.form("pick_blobs")
    for name, value in SETTINGS["pick_blobs"].items():
        form.settings[name].value = value
    entry = full_desk.run_well(form)
    layer = next(la for la in full_desk.viewer.layers if la.name.startswith("bundle · picks"))
    picks = noun_from_layer(layer)
    assert len(picks) > 0
    editor = editing_of(full_desk.viewer).adopt(layer)
    layer.selected_data = {0}
    layer.remove_selected()
    left = editor.snapshot()
    assert isinstance(left, Particles)
    assert len(left) == len(picks) - 1
    wanted = picks.checksum()
    del picks
    gc.collect()
    assert list(entry.nouns) == ["picks", "histogram"]
    assert entry.nouns["picks"].checksum() == wanted
    assert entry.gone == []
    assert entry.has_report
    answer_dialog(tmp_path / "found.star")
    form.save_button.click()
    assert "Saved found.star" in form.message.text()
    assert len(read(tmp_path / "found.star")) == len(left) + 1


def test_save_when_a_map_is_closed_then_says_what_is_left_out(
    full_desk: Desk, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    form = full_desk.form("sharpen_by_b_factor")
    form.settings["b_factor"].value = -20.0
    entry = full_desk.run_well(form)
    full_desk.viewer.layers.remove("bundle · sharpened (B −20)")
    full_desk.qtbot.waitUntil(lambda: is_gone(entry, "sharpened"), timeout=SOON)
    answer_dialog(tmp_path / "curve.csv")
    form.save_button.click()
    assert form.message.text() == "Saved curve.csv. Without sharpened: removed or edited since"
    only = full_desk.form("flip_hand")
    entry = full_desk.run_well(only)
    full_desk.viewer.layers.remove(full_desk.viewer.layers.selection.active)
    full_desk.qtbot.waitUntil(lambda: is_gone(entry, "flipped"), timeout=SOON)
    only.save_button.click()
    assert "removed or edited since" in only.message.text()
    assert "Saved" not in only.message.text()


def test_job_is_found_by_search_and_opened_from_the_tree(full_desk: Desk) -> None:
    dock = full_desk.docks["Jobs"]
    dock.search.setText("mask soft")
    item = dock.item("make_mask")
    with pytest.raises(KeyError):
        dock.item("flip_hand")
    dock.tree.itemClicked.emit(item, 0)
    assert dock.form.job.name == "make_mask"
    assert dock.pages.currentWidget() is dock.form
    dock.all_button.click()
    assert dock.pages.currentWidget() is dock.tree
    dock.search.setText("")
    assert dock.item("flip_hand").data(0, Qt.ItemDataRole.UserRole) == "flip_hand"


def test_suggestions_when_half_maps_are_open_then_shell_correlation_comes_first(
    desk: Desk, halves: HalfMaps
) -> None:
    dock = desk.docks["Jobs"]
    assert dock.suggestion_buttons() == []
    desk.add_halves(halves)
    titles = [button.text() for button in dock.suggestion_buttons()]
    assert titles[:2] == ["Shell correlation", "Sharpen by B-factor"]
    dock.suggestion_buttons()[0].click()
    assert dock.form.job.name == "shell_correlation"


def test_suggestions_when_a_tomogram_and_its_picks_are_open_then_jobs_of_picks(
    desk: Desk, volume: Volume
) -> None:
    dock = desk.docks["Jobs"]
    desk.add(volume, "tomogram")
    assert dock.suggestion_buttons() == []
    desk.add(picks_in(volume), "picks", "particles")
    titles = [button.text() for button in dock.suggestion_buttons()]
    assert titles == ["Average particles", "Filter particles"]


def test_structure_as_input_is_the_structure_of_the_file(desk: Desk, sample_folder: Path) -> None:
    desk.open(sample_folder / "four_helix_bundle.mrc.gz", sample_folder / "four_helix_bundle.cif")
    form = desk.form("crop_map")
    atoms = desk.viewer.layers["four_helix_bundle · atoms"]
    form.inputs[1].choose(atoms)
    assert isinstance(form.values()["structure"], Structure)
    entry = desk.run_well(form)
    low, high = desk.viewer.layers["four_helix_bundle · cropped"].extent.world
    assert (atoms.data > low).all()
    assert (atoms.data < high).all()
    assert entry.nouns["cropped"].shape != (60, 60, 60)
