"""Picks looked at, judged, thresholded and corrected in the dock, and everything undone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QFileDialog
from tests.viewer.picks.conftest import (
    CLASSES,
    SHAPE,
    VOXEL_SIZE,
    PicksDesk,
    particles,
    tomogram_of,
)

from mapscope import read
from mapscope.particles import ACCEPTED, REJECTED, TOMOGRAM_SHAPE, UNDECIDED, VERDICT, Particles
from mapscope.viewer.picks.gallery import Gallery
from mapscope.viewer.picks.order import BEST
from mapscope.viewer.previewed import ShownPicks, layer_of

Random = np.random.Generator
EDITS = 500


def some(desk: PicksDesk, random: Random, most: int = 4) -> list[int]:
    """Ids of a few picks."""
    ids = desk.dock.list.picks.ids
    count = min(len(ids), int(random.integers(1, most + 1)))
    return [int(pick) for pick in random.choice(ids, count, replace=False)]


def place(random: Random) -> Any:
    return random.random(3) * VOXEL_SIZE * (np.array(SHAPE) - 1)


def judge(desk: PicksDesk, random: Random) -> None:
    verdict = (ACCEPTED, REJECTED, UNDECIDED)[int(random.integers(3))]
    desk.dock.list.judge(some(desk, random), verdict)


def classify(desk: PicksDesk, random: Random) -> None:
    desk.dock.list.classify(some(desk, random), f"class {random.integers(3)}")


def turn(desk: PicksDesk, random: Random) -> None:
    angle = float(random.uniform(-90, 90))
    desk.dock.list.turn(some(desk, random), int(random.integers(3)), angle)


def remove(desk: PicksDesk, random: Random) -> None:
    if len(desk.snapshot()) > 10:
        desk.dock.list.remove(some(desk, random))


def add(desk: PicksDesk, random: Random) -> None:
    desk.dock.list.add(place(random), CLASSES[int(random.integers(2))])


def add_in_layer(desk: PicksDesk, random: Random) -> None:
    desk.editor.layer.add(place(random))


def drag_in_layer(desk: PicksDesk, random: Random) -> None:
    layer = desk.editor.layer
    data = np.array(layer.data)
    data[int(random.integers(len(data)))] = place(random)
    layer.data = data


def delete_in_layer(desk: PicksDesk, random: Random) -> None:
    if len(desk.snapshot()) > 10:
        desk.editor.select(np.array(some(desk, random)))
        desk.editor.layer.remove_selected()


def threshold(desk: PicksDesk, random: Random) -> None:
    desk.dock.list.choose(threshold=float(random.random() / 3))
    if desk.dock.list.fate.falling < 8 and len(desk.snapshot()) > 20:
        desk.dock.apply()


EDIT_KINDS = (
    judge,
    judge,
    classify,
    turn,
    drag_in_layer,
    remove,
    add,
    add,
    add,
    add_in_layer,
    drag_in_layer,
    delete_in_layer,
    threshold,
)


@pytest.mark.slow
def test_undo_after_500_random_edits_is_exact(desk: PicksDesk) -> None:
    random = np.random.default_rng(8)
    desk.open(particles())
    log = desk.editor.log
    states = [log.snapshot().checksum()]
    edits = 0
    while edits < EDITS:
        before = log.sequence
        EDIT_KINDS[int(random.integers(len(EDIT_KINDS)))](desk, random)
        edits += 1
        if log.sequence != before:  # also where picks got the values that they had
            states.append(log.snapshot().checksum())
        if edits % 25 == 0:
            desk.check()
        if random.random() < 0.05 and len(states) > 3:
            desk.dock.editing.undo()
            assert log.snapshot().checksum() == states[-2]
            desk.dock.editing.redo()
            assert log.snapshot().checksum() == states[-1]
    assert len(states) > 0.8 * EDITS
    last = states[-1]
    for state in reversed(states[:-1]):
        desk.dock.editing.undo()
        assert log.snapshot().checksum() == state
    desk.check()
    assert log.snapshot().checksum() == particles().checksum()
    for _ in states[1:]:
        desk.dock.editing.redo()
    assert log.snapshot().checksum() == last
    desk.check()


def test_threshold_hides_picks_and_removes_them_only_when_it_is_applied(desk: PicksDesk) -> None:
    noun = particles()
    layer = desk.open(noun)
    dock = desk.dock
    dock.histogram.line.setValue(0.5)
    dock.histogram.moved.emit(0.5)
    assert noun.score is not None
    low = noun.score < 0.5
    np.testing.assert_array_equal(layer.shown, ~low)
    assert len(layer.data) == len(noun)
    assert len(desk.snapshot()) == len(noun)
    assert f"<b>{(~low).sum()}</b> kept · {low.sum()} go" in dock.count.text()
    assert dock.apply_button.text() == f"Remove {low.sum()}"
    dock.apply_button.click()
    np.testing.assert_array_equal(desk.snapshot().positions, noun.positions[~low])
    assert dock.list.fate.falling == 0
    dock.buttons["undo"].click()
    np.testing.assert_array_equal(desk.snapshot().positions, noun.positions)
    desk.check()


def test_classes_that_are_hidden_are_left_alone(desk: PicksDesk) -> None:
    noun = particles()
    layer = desk.open(noun)
    desk.dock.classes.set_shown("ribosome", is_shown=False)
    is_ribosome = np.array([word == "ribosome" for word in noun.species or ()])
    np.testing.assert_array_equal(layer.shown, ~is_ribosome)
    desk.dock.list.choose(threshold=2.0)
    desk.dock.apply()
    left = desk.snapshot()
    assert noun.score is not None
    np.testing.assert_array_equal(
        left.positions, noun.positions[is_ribosome | np.isnan(noun.score)]
    )


def test_rejected_pick_is_neither_drawn_nor_exported_and_can_be_taken_back(
    desk: PicksDesk,
) -> None:
    noun = particles()
    layer = desk.open(noun)
    dock = desk.dock
    dock.visit(3)
    dock.buttons["reject"].click()
    assert not layer.shown[3]
    assert dock.list.fate.rejected == 1
    assert len(dock.list.kept()) == len(noun) - 1
    dock.rejected_box.setChecked(True)
    assert layer.shown[3]
    dock.visit(3)
    dock.judge(UNDECIDED)
    assert desk.snapshot().columns[VERDICT].tolist() == [""] * len(noun)
    dock.editing.undo()
    dock.editing.undo()
    assert desk.snapshot().checksum() == noun.checksum()


def test_verdict_on_one_pick_goes_on_to_the_next_in_the_gallery(desk: PicksDesk) -> None:
    desk.open(particles())
    gallery = desk.dock.gallery
    gallery.sort_anew()
    gallery._cut()
    order = gallery.order.tolist()
    desk.dock.visit(order[0])
    desk.dock.judge(ACCEPTED)
    desk.dock.judge(REJECTED)
    assert desk.dock.list.current == order[2]
    verdicts = desk.snapshot().columns[VERDICT]
    assert (verdicts[order[0]], verdicts[order[1]]) == (ACCEPTED, REJECTED)
    assert gallery.order.tolist() == order, "what was rejected keeps its place"


def test_pictures_that_are_cut_when_the_gallery_goes_are_dropped(
    desk: PicksDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    noun, may_end = particles(), Event()
    desk.open(noun)

    def wait_and_cut(_: Any, places: Any, **__: Any) -> Any:
        assert may_end.wait(20)
        return np.zeros((len(places), 8, 8), np.float32)

    monkeypatch.setattr("mapscope.viewer.picks.gallery.gallery_slices", wait_and_cut)
    other = Gallery(desk.dock.list, lambda: tomogram_of(noun), dict)
    other.size.setValue(80.0)
    other.sort_anew()
    other._cut()
    (run,) = other._runs
    other.deleteLater()
    QApplication.sendPostedEvents(other, QEvent.Type.DeferredDelete)
    may_end.set()
    desk.qtbot.waitUntil(lambda: run.is_over, timeout=20_000)  # and nothing is raised


def test_gallery_shows_slices_through_picks_in_their_order(
    desk: PicksDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    noun = particles()
    desk.add(tomogram_of(noun), "TS_01")
    desk.open(noun)
    gallery = desk.dock.gallery
    gallery.sort.setCurrentIndex(gallery.sort.findData(BEST))
    seen: list[Any] = []
    monkeypatch.setattr(gallery.tiles, "show_page", lambda *page: seen.append(page[:2]))
    with desk.qtbot.waitSignal(gallery.page_shown, timeout=20_000):
        gallery.sort_anew()
    pictures, captions = seen[-1]
    assert noun.score is not None
    best = np.argsort(-np.nan_to_num(noun.score, nan=-1), kind="stable")
    assert [caption.pick for caption in captions] == best[: len(captions)].tolist()
    assert captions[0].text == f"{noun.score[best[0]]:.3g}"
    middle = pictures.shape[-1] // 2
    assert pictures[:, middle, middle].min() > np.median(pictures) + 1


def test_list_chosen_in_gallery_or_table_is_gone_to(desk: PicksDesk) -> None:
    noun = particles()
    desk.open(noun)
    desk.dock._fill_table()
    desk.dock.table.picked.emit(7)
    np.testing.assert_allclose(desk.viewer.dims.point, noun.positions[7], atol=1)
    assert desk.dock.list.current == 7
    assert desk.dock.marker.is_placed
    np.testing.assert_array_equal(desk.dock.marker.position, noun.positions[7])
    assert noun.rotations is not None
    np.testing.assert_array_equal(desk.dock.marker.rotation, noun.rotations[7])
    assert [len(layer.data) for layer in desk.dock.marker.layers] == [1, 3]


def test_pick_is_turned_about_its_own_axes_and_its_axes_follow(desk: PicksDesk) -> None:
    noun = particles()
    desk.open(noun)
    desk.dock.visit(2)
    desk.dock.edit.angle.setValue(90.0)
    desk.dock.edit.turn_buttons[0, 1].click()
    found = desk.snapshot().rotations
    assert found is not None
    assert noun.rotations is not None
    np.testing.assert_allclose(found[2] @ [0, 0, 1], noun.rotations[2] @ [0, 1, 0], atol=1e-9)
    assert desk.dock.marker.rotation is not None
    np.testing.assert_allclose(desk.dock.marker.rotation, found[2])
    np.testing.assert_array_equal(np.delete(found, 2, 0), np.delete(noun.rotations, 2, 0))


def test_pick_added_in_the_layer_after_a_rejection_is_not_rejected(desk: PicksDesk) -> None:
    noun = particles()
    desk.open(noun)
    desk.dock.list.judge([len(noun) - 1], REJECTED)
    desk.editor.layer.add([40.0, 50.0, 60.0])
    assert desk.snapshot().columns[VERDICT][-2:].tolist() == [REJECTED, UNDECIDED]


@pytest.mark.parametrize(
    ("name", "suffix"), [("relion5", ".star"), ("dynamo", ".tbl"), ("copick", ".json")]
)
def test_export_leaves_out_what_goes_and_says_how_it_was_read_back(
    desk: PicksDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str
) -> None:
    noun = replace(particles(), species=("ribosome",) * 40)
    volume = tomogram_of(noun)
    desk.add(volume, "TS_01")
    desk.open(noun)
    dock = desk.dock
    dock.list.choose(threshold=0.5)
    dock.list.judge([0], REJECTED)
    path = tmp_path / f"clean{suffix}"
    given = staticmethod(lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", given)
    export = dock.export_button
    place = [one.name for one in export.known].index(name)
    export.arrow.menu().actions()[place].trigger()
    assert noun.score is not None
    is_kept = ~(noun.score < 0.5)
    is_kept[0] = False
    found = read(path, tomogram=volume)
    np.testing.assert_allclose(found.positions, noun.positions[is_kept], atol=1e-3)
    assert noun.rotations is not None
    np.testing.assert_allclose(found.rotations, noun.rotations[is_kept], atol=1e-4)
    assert f"{is_kept.sum()} picks in {path.name}, read back with" in dock.message.text()
    assert export.check is not None
    assert export.check.displacement < 0.01
    assert export.check.rotation < 0.01


def test_closing_the_dock_shows_every_pick_again(desk: PicksDesk) -> None:
    layer = desk.open(particles())
    desk.dock.visit(3)
    desk.dock.list.choose(threshold=0.9)
    assert not layer.shown.all()
    desk.viewer.window.remove_dock_widget(desk.dock)
    desk.dock.deleteLater()
    desk.qtbot.waitUntil(lambda: bool(layer.shown.all()), timeout=5_000)
    assert list(desk.viewer.layers) == [layer], "the ring around the current pick is gone"


def test_points_of_an_unknown_tomogram_are_not_exported_and_the_dock_says_what_to_do(
    desk: PicksDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.open(Particles(particles().positions))
    path = tmp_path / "clean.star"
    given = staticmethod(lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", given)
    desk.dock.export_button.button.click()
    assert not path.exists()
    assert desk.dock.message.text().startswith("Not exported: RELION 5 STAR counts in voxels")
    assert "open the tomogram" in desk.dock.message.text()
    desk.add(tomogram_of(particles()), "TS_01")
    desk.dock.export_button.button.click()
    np.testing.assert_allclose(read(path).positions, desk.snapshot().positions, atol=1e-3)


def test_layer_that_is_removed_leaves_the_dock_without_a_list(desk: PicksDesk) -> None:
    layer = desk.open(particles())
    desk.dock.visit(1)
    desk.viewer.layers.remove(layer)
    assert desk.dock.list.editor is None
    assert not desk.dock.marker.is_placed
    assert not desk.dock.export_button.isEnabled()


def test_list_without_scores_has_no_threshold(desk: PicksDesk) -> None:
    desk.open(Particles(np.random.default_rng(0).random((5, 3)) * 100))
    assert not desk.dock.histogram.line.isVisible()
    assert desk.dock.list.fate.kept == 5


@pytest.mark.parametrize("count", [0, 1])
def test_lists_of_no_or_one_pick_work(desk: PicksDesk, count: int) -> None:
    noun = particles(count)
    desk.open(noun)
    desk.dock.list.choose(threshold=0.2)
    desk.dock.step(1)
    new = desk.dock.list.add([1.0, 2.0, 3.0])
    assert new == count
    desk.check()


def test_picks_that_are_hidden_are_not_judged_with_those_selected(desk: PicksDesk) -> None:
    noun = particles()
    desk.open(noun)
    desk.editor.select(np.arange(len(noun)))
    desk.dock.list.choose(threshold=0.5)
    desk.dock.judge(REJECTED)
    assert noun.score is not None
    rejected = desk.snapshot().columns[VERDICT] == REJECTED
    np.testing.assert_array_equal(rejected, ~(noun.score < 0.5))


def test_filter_that_is_refused_lets_nothing_fall(desk: PicksDesk) -> None:
    noun = particles()
    desk.open(noun)
    dock, filters = desk.dock, desk.dock.filters
    foreign = desk.viewer.add_points(np.zeros((1, 3)), name="gold", units="angstrom", ndim=3)
    dock.refresh()
    with desk.qtbot.waitSignal(filters.filtered, timeout=20_000):
        filters.apart.setValue(200.0)
    assert dock.list.fate.falling > 0
    filters.others.setCurrentIndex(filters.others.findData(foreign))
    filters.other_distance.setValue(50.0)
    desk.qtbot.waitUntil(lambda: dock.list.fate.falling == 0, timeout=20_000)
    assert "Not filtered: gold:" in dock.message.text()


def test_rejected_picks_of_another_list_keep_nothing_away(desk: PicksDesk) -> None:
    noun = particles()
    gold = desk.open(Particles(noun.positions[:4]), "gold")
    desk.dock.list.judge([0, 1], REJECTED)
    desk.open(noun)
    desk.dock.refresh()
    desk.dock.open_list(desk.viewer.layers["picks"])
    filters = desk.dock.filters
    filters.fill(desk.viewer.layers)
    filters.others.setCurrentIndex(filters.others.findData(gold))
    with desk.qtbot.waitSignal(filters.filtered, timeout=20_000):
        filters.other_distance.setValue(1.0)
    assert np.flatnonzero(desk.dock.list.fate.is_falling).tolist() == [2, 3]


def test_filter_from_the_edge_asks_the_map_where_the_list_does_not_say_its_size(
    desk: PicksDesk,
) -> None:
    noun = Particles(particles().positions)
    desk.add(tomogram_of(noun), "TS_01")
    desk.open(noun)
    with desk.qtbot.waitSignal(desk.dock.filters.filtered, timeout=20_000):
        desk.dock.filters.edge.setValue(60.0)
    upper = VOXEL_SIZE * (np.array(SHAPE) - 0.5) - noun.positions
    room = np.minimum(noun.positions + 0.5 * VOXEL_SIZE, upper).min(axis=1)
    np.testing.assert_array_equal(desk.dock.list.fate.is_falling, room < 60)


def test_pick_that_was_moved_before_its_edits_began_keeps_what_is_known_of_it(
    desk: PicksDesk,
) -> None:
    noun = particles()
    layer = desk.add(noun, "picks")
    data = np.array(layer.data)
    data[3] += 5.0
    layer.data = data
    layer.selected_data = {20}
    desk.dock.open_list(layer)
    found = desk.snapshot()
    np.testing.assert_array_equal(found.positions, data)
    np.testing.assert_array_equal(found.rotations, noun.rotations)
    np.testing.assert_array_equal(found.columns[TOMOGRAM_SHAPE], noun.columns[TOMOGRAM_SHAPE])


def test_pick_deleted_before_the_edits_began_takes_nothing_of_others_with_it(
    desk: PicksDesk,
) -> None:
    noun = particles()
    assert noun.rotations is not None
    layer = desk.add(noun, "picks")
    layer.remove([20])
    layer.add([1.0, 2.0, 3.0])
    desk.dock.open_list(layer)
    found = desk.snapshot()
    assert found.rotations is not None
    np.testing.assert_array_equal(found.rotations[:-1], np.delete(noun.rotations, 20, axis=0))
    np.testing.assert_array_equal(found.rotations[-1], np.eye(3))


def test_preview_of_picks_is_no_list(desk: PicksDesk) -> None:
    noun = particles()
    desk.viewer.add_layer(layer_of(ShownPicks(noun, {}), is_see_through=False))
    desk.dock.refresh()
    assert desk.dock.choice.layer is None


def test_list_that_cannot_be_edited_leaves_the_dock_without_one(desk: PicksDesk) -> None:
    desk.open(particles(), "first")
    turned = desk.add(particles(), "turned")
    turned.rotate = 30.0
    desk.dock.open_list(turned)
    assert desk.dock.list.log is None
    assert "turned: rotated" in desk.dock.message.text()
