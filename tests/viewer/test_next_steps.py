"""What a result of *enhance* leads to: layers, slider, colours, brush, wipe, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from tests.tiny_models import blob_map, write_enhancer

from mapscope.jobs import all_jobs, blend
from mapscope.labels import Labels
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.editing.editing import editing_of
from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.viewer.next_steps import jobs_after, jobs_before
from mapscope.viewer.preview import EDGE, region_around
from mapscope.viewer.roles import PROTECTED
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SOON = 60_000
"""Milliseconds: the first model of a session imports torch."""

TABLE = ((0.2, 0.9), (0.6, 0.5), (1.0, 0.1))
NAMES = ["enhanced (medium)", "data", "prior", "confidence"]


@pytest.fixture(autouse=True)
def _enhancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that makes what is dense denser, and knows how far to believe it."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MAPSCOPE_MODELS", str(folder))
    write_enhancer(folder / "enhancer.safetensors", lift=0.5, confidence=TABLE)


def noisy_halves(seed: int = 0) -> HalfMaps:
    """Half maps of a heap of atoms."""
    truth = blob_map(4.0, 1, 44, 1.0)
    random = np.random.default_rng(seed)
    noise = 0.5 * truth.std() * random.standard_normal((2, *truth.shape))
    first, second = (
        Volume((truth + n).astype(np.float32), (1.0,) * 3, (5.0, 6.0, 7.0)) for n in noise
    )
    return HalfMaps(first, second)


@pytest.fixture
def form(desk: Desk) -> Any:
    """The form of enhance after its run."""
    _, second = desk.add_halves(noisy_halves())
    second.visible = False  # as the reader opens it
    form: Any = desk.form("enhance")
    desk.run_well(form)
    return form


def follow(desk: Desk, form: Any, share: float) -> Any:
    """Move the slider, wait for the region, and give its layer."""
    preview = form.next_steps.follow.preview
    with desk.qtbot.waitSignal(preview.updated, timeout=SOON):
        form.next_steps.follow.setting.editor.value = share
    return preview.layer


def test_result_is_named_after_what_it_is_and_the_enhanced_map_alone_is_seen(
    desk: Desk, form: Any
) -> None:
    of_result = {la.name: la for la in desk.viewer.layers if role_of(la) != "half map"}
    assert sorted(of_result) == sorted(f"bundle · {name}" for name in NAMES)
    assert [la.name for la in desk.viewer.layers if la.visible] == ["bundle · enhanced (medium)"]
    assert not [la for la in desk.viewer.layers if role_of(la) == "half map" and la.visible]
    confidence = of_result["bundle · confidence"]
    assert tuple(confidence.contrast_limits) == (0, 1)
    assert confidence.colormap.name == "viridis"
    steps = form.next_steps
    assert not steps.isHidden()
    assert steps.color_button.text() == "Colour by confidence"
    for button in (steps.color_button, steps.protect_button, steps.wipe_button):
        assert not button.isHidden()


def test_slider_when_it_moves_then_a_region_is_the_blend_of_this_result(
    desk: Desk, form: Any
) -> None:
    nouns = form.entry.nouns
    assert form.next_steps.follow.setting.value == 0.65, "it begins at what medium is"
    assert "preview" not in desk.names()
    layer = follow(desk, form, 0.3)
    halves = form.values()["half_maps"]
    region = region_around(nouns["data"].grid, desk.viewer.dims.point, EDGE)
    wanted = blend(nouns["data"], nouns["prior"], halves, prior_share=0.3, region=region)
    np.testing.assert_array_equal(layer.data, wanted.blended.data)
    layer = follow(desk, form, 0.0)
    np.testing.assert_array_equal(layer.data, nouns["data"].data)
    assert desk.names().count("preview") == 1


def test_apply_when_pressed_then_all_of_the_map_is_a_layer_that_says_its_share(
    desk: Desk, form: Any
) -> None:
    follow(desk, form, 0.25)
    steps = form.next_steps
    steps.follow.apply_button.click()
    assert steps.follow.apply_button.text() == "Cancel"
    desk.qtbot.waitUntil(lambda: not steps.follow.is_running, timeout=SOON)
    assert "preview" not in desk.names()
    shown = [la for la in desk.viewer.layers if la.visible]
    assert len(shown) == 1
    assert shown[0].name.startswith("bundle · blended (25")
    nouns, record = form.entry.nouns, steps.follow.entry.record
    halves = form.values()["half_maps"]
    wanted = blend(nouns["data"], nouns["prior"], halves, prior_share=0.25)
    np.testing.assert_array_equal(noun_from_layer(shown[0]).data, wanted.blended.data)
    assert record.job == "blend"
    steps.follow.setting.editor.value = 0.75
    steps.follow.apply_button.click()
    desk.qtbot.waitUntil(lambda: not steps.follow.is_running, timeout=SOON)
    assert [la.name.split("(")[1][:2] for la in desk.viewer.layers if la.visible] == ["75"]


def test_color_button_when_pressed_then_the_surface_in_3d_has_the_confidence_from_0_to_1(
    desk: Desk, form: Any
) -> None:
    contours = contours_of(desk.viewer)
    form.next_steps.color_button.click()
    desk.qtbot.waitUntil(lambda: desk.viewer.dims.ndisplay == 3, timeout=SOON)
    (surface,) = contours.surfaces
    assert surface.map.name == "bundle · enhanced (medium)"
    coloring = surface.coloring
    assert (coloring.by, coloring.caption) == ("map", "confidence")
    assert (coloring.limits, coloring.colormap) == ((0.0, 1.0), "viridis")
    assert tuple(surface.layer.contrast_limits) == (0, 1)
    assert contours.workshop.bars.captions() == ["confidence"]
    assert surface.layer.visible
    assert not surface.map.visible
    values = surface.layer.data[2]
    confidence = form.entry.nouns["confidence"]
    index = np.rint(confidence.grid.index_from_world(surface.layer.data[0])).astype(int)
    inside = np.clip(index, 0, np.array(confidence.shape) - 1)
    nearest = confidence.data[tuple(inside.T)]
    assert np.corrcoef(values, nearest)[0, 1] > 0.5


def test_color_button_when_there_is_no_surface_then_says_so(
    desk: Desk, form: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = form.next_steps.layer
    monkeypatch.setattr("mapscope.viewer.contouring.making.step_for", lambda _grid: 1)
    layer.translate = (0, 0, 0)
    layer.rotate = 30
    form.next_steps.color_button.click()
    assert "rotated" in form.message.text()
    assert desk.viewer.dims.ndisplay == 2


def test_contour_dock_when_the_surface_is_coloured_by_a_map_takes_its_confidence_first(
    desk: Desk, form: Any, volume: Volume
) -> None:
    desk.add(volume, "some other map")
    contours = contours_of(desk.viewer)
    contours.show(form.next_steps.layer)
    dock = desk.docks["Contour"]
    desk.viewer.layers.selection.active = form.next_steps.layer
    dock.colors.by.setCurrentIndex(dock.colors.by.findData("map"))
    dock.colors.by.activated.emit(dock.colors.by.currentIndex())
    assert contours.surfaces[0].coloring.source is form.entry.nouns["confidence"]


def test_brush_when_a_stroke_is_painted_then_it_stays_as_the_data_show_it(
    desk: Desk, form: Any
) -> None:
    steps = form.next_steps
    desk.viewer.dims.ndisplay = 3
    steps.protect_button.click()
    assert desk.viewer.dims.ndisplay == 2
    layer = desk.viewer.layers.selection.active
    assert (layer.name, role_of(layer), layer.mode) == ("bundle · protected", PROTECTED, "paint")
    assert (layer.n_edit_dimensions, layer.brush_size) == (3, 6)
    editor = editing_of(desk.viewer).editor_of(layer)
    assert editor is not None, "it is under edit: kept on the disk, and undone"
    desk.qtbot.wait(100)
    assert "preview" not in desk.names(), "nothing is painted yet"
    with desk.qtbot.waitSignal(steps.follow.preview.updated, timeout=SOON):
        layer.paint((22, 22, 22), 1)
    marked = np.asarray(layer.data) == 1
    assert marked.sum() > 80
    nouns = form.entry.nouns
    shown = steps.follow.preview.layer
    np.testing.assert_allclose(shown.data[marked], nouns["data"].data[marked], atol=1e-5)
    away = np.hypot.reduce(np.indices(marked.shape) - 22) > 12
    assert np.abs(shown.data - nouns["data"].data)[away].max() > 1e-3
    assert desk.viewer.layers.index(layer) > desk.viewer.layers.index(shown)
    steps.protect_button.click()
    assert layer.mode == "pan_zoom"
    steps.protect_button.click()
    assert [la for la in desk.viewer.layers if role_of(la) == PROTECTED] == [layer]
    desk.viewer.layers.selection.active = steps.layer
    assert not steps.protect_button.isChecked(), "who selects another layer has put it down"
    assert layer.mode == "pan_zoom"


def test_blend_when_its_form_is_opened_is_filled_with_data_prior_halves_and_what_is_protected(
    desk: Desk, form: Any
) -> None:
    form.next_steps.protect_button.click()
    layer = desk.viewer.layers.selection.active
    layer.paint((22, 22, 22), 1)
    nouns, halves = form.entry.nouns, form.values()["half_maps"]
    desk.add_halves(noisy_halves(5), "another")
    desk.viewer.layers.selection.active = desk.viewer.layers["bundle · enhanced (medium)"]
    values = desk.form("blend").values()
    assert values["data"] is nouns["data"]
    assert values["prior"] is nouns["prior"]
    assert values["half_maps"].first is halves.first
    assert values["half_maps"].second is halves.second
    assert isinstance(values["protected"], Labels)
    np.testing.assert_array_equal(values["protected"].data == 1, np.asarray(layer.data) == 1)


def test_protected_labels_of_another_grid_are_not_taken(
    desk: Desk, form: Any, volume: Volume
) -> None:
    other = desk.add(volume, "some other map")
    editing_of(desk.viewer).new_labels(other, PROTECTED).layer.paint((5, 5, 5), 1)
    desk.viewer.layers.selection.active = form.next_steps.layer
    assert "protected" not in desk.form("blend").values()


def test_protected_labels_when_their_log_is_opened_again_are_still_protected(
    desk: Desk, form: Any
) -> None:
    form.next_steps.protect_button.click()
    layer = desk.viewer.layers.selection.active
    layer.paint((22, 22, 22), 1)
    editor = editing_of(desk.viewer).editor_of(layer)
    assert editor is not None
    log = editor.log.path
    desk.viewer.layers.remove(layer)
    again = editing_of(desk.viewer).open_log(log).layer
    assert role_of(again) == PROTECTED
    assert (np.asarray(again.data) == 1).sum() > 80


def test_edit_dock_protects_on_the_selected_map(desk: Desk, volume: Volume) -> None:
    dock = desk.docks["Edit"]
    assert not dock.protect_button.isEnabled()
    desk.viewer.layers.selection.active = desk.add(volume, "bundle")
    dock.protect_button.click()
    layer = desk.viewer.layers.selection.active
    assert (layer.name, layer.mode) == ("bundle · protected", "paint")
    dock.protect_button.click()
    assert desk.names().count("bundle · protected") == 1


def test_wipe_when_pressed_shows_data_on_the_left_and_what_came_out_on_the_right(
    desk: Desk, form: Any
) -> None:
    steps, compared = form.next_steps, desk.docks["View"].compare_form
    steps.wipe_button.click()
    assert compared.comparison.mode == "wipe"
    assert compared.comparison.first.name == "bundle · data"
    assert compared.comparison.second.name == "bundle · enhanced (medium)"
    steps.wipe_button.click()
    assert compared.comparison is None or compared.comparison.mode == "off"
    assert [la.name for la in desk.viewer.layers if la.visible] == ["bundle · enhanced (medium)"]
    steps.wipe_button.click()
    compared.end()
    assert not steps.wipe_button.isChecked(), "it was ended elsewhere"
    steps.wipe_button.click()
    follow(desk, form, 0.5)
    steps.follow.apply_button.click()
    assert not steps.wipe_button.isChecked()
    desk.qtbot.waitUntil(lambda: not steps.follow.is_running, timeout=SOON)
    steps.wipe_button.click()
    assert compared.comparison.second.name.startswith("bundle · blended (50")
    compared.end()


def test_slider_when_the_data_are_closed_says_what_is_missing_and_goes_with_the_result(
    desk: Desk, form: Any
) -> None:
    steps = form.next_steps
    for name in ("data", "prior", "confidence"):
        desk.viewer.layers.remove(f"bundle · {name}")
    with desk.qtbot.waitSignal(steps.follow.preview.failed, timeout=SOON):
        steps.follow.setting.editor.value = 0.2
    assert "Blend needs the data of this result, which was closed" in form.message.text()
    steps.wipe_button.click()
    assert not steps.wipe_button.isChecked()
    desk.viewer.layers.remove(steps.layer)
    assert steps.isHidden()


def test_next_steps_when_the_form_is_thrown_away_leave_the_viewer_as_it_was(
    desk: Desk, form: Any
) -> None:
    follow(desk, form, 0.3)
    form.next_steps.protect_button.click()
    layer = desk.viewer.layers.selection.active
    desk.form("flip_hand")
    desk.qtbot.wait(50)
    assert "preview" not in desk.names()
    assert layer.mode == "pan_zoom"
    layer.paint((22, 22, 22), 1)
    desk.qtbot.wait(150)
    assert "preview" not in desk.names()


def test_next_steps_when_the_viewer_is_closed_while_the_map_is_blended_are_silent(
    desk: Desk, form: Any
) -> None:
    form.next_steps.follow.apply_button.click()
    desk.viewer.close()
    desk.qtbot.wait(200)


def test_report_button_opens_its_form_filled(desk: Desk, form: Any) -> None:
    assert list(form.next_steps.job_buttons) == ["report_enhancement"]
    nouns = form.entry.nouns
    form.next_steps.job_buttons["report_enhancement"].click()
    report = desk.docks["Jobs"].form
    assert report.job.name == "report_enhancement"
    values = report.values()
    assert (values["enhanced"], values["data"]) == (nouns["enhanced"], nouns["data"])
    assert values["confidence"] is nouns["confidence"]


def test_jobs_that_go_on_from_a_result_are_told_by_their_inputs() -> None:
    jobs = all_jobs()
    assert {j.name for j in jobs_after(jobs["enhance"])} == {"blend", "report_enhancement"}
    assert [j.name for j in jobs_before(jobs["blend"])] == ["enhance"]
    assert jobs_after(jobs["filter_map"]) == []
    # One noun alone is no reason: picks are filtered wherever they come from.
    assert jobs_after(jobs["simulate_tomogram"]) == []


def test_suggestions_name_blend_only_where_there_is_something_to_blend(desk: Desk) -> None:
    desk.add_halves(noisy_halves())
    titles = [b.text() for b in desk.docks["Jobs"].suggestion_buttons()]
    assert "Blend" not in titles
    desk.run_well(desk.form("enhance"))
    assert "Blend" in [b.text() for b in desk.docks["Jobs"].suggestion_buttons()]
