"""Lists of several tomograms in the dock: each pick is worked on in its own map."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.viewer.picks.conftest import SHAPE, VOXEL_SIZE, PicksDesk, particles, tomogram_of

from mapscope.particles import ACCEPTED, TOMOGRAM, TOMOGRAM_SHAPE, Particles
from mapscope.viewer.picks.exporting import exported
from mapscope.viewer.picks.reading import tomogram_for
from mapscope.volume import Volume

NAMES = ("TS_01", "TS_02")


def two_tomograms() -> Particles:
    """20 picks of the first and 30 of the second."""
    first, second = particles(20, 1, NAMES[0]), particles(30, 2, NAMES[1])
    assert first.rotations is not None
    assert second.rotations is not None
    assert first.score is not None
    assert second.score is not None
    return Particles(
        np.concatenate([first.positions, second.positions]),
        np.concatenate([first.rotations, second.rotations]),
        (*(first.species or ()), *(second.species or ())),
        np.concatenate([first.score, second.score]),
        {n: np.concatenate([v, second.columns[n]]) for n, v in first.columns.items()},
    )


@pytest.fixture
def noun() -> Particles:
    return two_tomograms()


def choose(desk: PicksDesk, row: int) -> None:
    """Choose a tomogram, or all with row 0, as a user does."""
    desk.dock.choice.tomograms.setCurrentIndex(row)
    desk.dock.choice.tomogram_chosen.emit()


def test_each_pick_is_drawn_only_in_its_own_tomogram(desk: PicksDesk, noun: Particles) -> None:
    maps = [desk.add(tomogram_of(noun), name) for name in NAMES]
    layer = desk.open(noun)
    dock = desk.dock
    names = noun.columns[TOMOGRAM]
    assert [dock.choice.tomograms.itemText(n) for n in range(3)] == [
        "all tomograms (50)",
        "TS_01 (20)",
        "TS_02 (30)",
    ]
    for row, name in enumerate(NAMES, start=1):
        choose(desk, row)
        np.testing.assert_array_equal(layer.shown, names == name)
        assert [la.visible for la in maps] == [name == "TS_01", name == "TS_02"]
        assert dock.volume() is not None
        assert dock.choice.volumes.layer.name == name
    assert noun.score is not None
    dock.list.choose(threshold=2.0)
    dock.apply()
    left = desk.snapshot().columns[TOMOGRAM]
    assert (left == "TS_01").sum() == 20, "the threshold was about the other tomogram"
    assert (left == "TS_02").sum() == np.isnan(noun.score[names == "TS_02"]).sum()


def test_pick_added_in_a_tomogram_knows_what_all_others_in_it_have(
    desk: PicksDesk, noun: Particles
) -> None:
    desk.open(noun)
    choose(desk, 2)
    desk.dock.list.add([10.0, 20.0, 30.0])
    desk.editor.layer.add([40.0, 50.0, 60.0])
    new = desk.snapshot()
    assert new.columns[TOMOGRAM][-2:].tolist() == ["TS_02"] * 2
    assert new.columns[TOMOGRAM_SHAPE][-2:].tolist() == [list(SHAPE)] * 2
    assert new.score is not None
    assert np.isnan(new.score[-2:]).all()
    assert desk.editor.layer.shown[-2:].all()
    desk.check()


def test_pick_of_another_tomogram_is_gone_to_in_the_map_of_that_tomogram(
    desk: PicksDesk, noun: Particles
) -> None:
    maps = [desk.add(tomogram_of(noun), name) for name in NAMES]
    layer = desk.open(noun)
    for pick, seen in ((45, "TS_02"), (3, "TS_01")):
        desk.dock.visit(pick)
        assert [la.visible for la in maps] == [la.name == seen for la in maps]
        np.testing.assert_array_equal(layer.shown, noun.columns[TOMOGRAM] == seen)
        desk.dock.gallery._cut()
        assert set(noun.columns[TOMOGRAM][desk.dock.gallery.order]) == {seen}
    assert desk.dock.list.fate.kept == len(noun), "all are worked on"


def test_picks_are_never_cut_from_the_map_of_another_tomogram(
    desk: PicksDesk, noun: Particles
) -> None:
    desk.add(tomogram_of(noun), "TS_01")
    desk.open(noun)
    assert desk.dock.choice.volumes.layer.name == "TS_01"
    choose(desk, 2)
    assert desk.dock.volume() is None
    assert not desk.dock.average_button.isEnabled()
    desk.dock.refresh()
    assert desk.dock.volume() is None, "also when layers come and go"
    desk.add(tomogram_of(noun), "TS_02_10.00Apx")
    assert desk.dock.choice.volumes.layer.name == "TS_02_10.00Apx"
    assert desk.dock.average_button.isEnabled()


def test_map_that_the_user_chose_stays_after_an_edit(desk: PicksDesk) -> None:
    noun = particles()
    for name in ("TS_01", "denoised"):
        desk.add(tomogram_of(noun), name)
    desk.open(noun)
    volumes = desk.dock.choice.volumes
    assert volumes.layer.name == "TS_01"
    volumes.choose(desk.viewer.layers["denoised"])
    volumes.activated.emit(volumes.currentIndex())
    desk.viewer.layers["TS_01"].visible = False
    desk.dock.list.judge([0], ACCEPTED)
    assert volumes.layer.name == "denoised"
    assert not desk.viewer.layers["TS_01"].visible


def test_tomogram_that_was_chosen_is_not_that_of_the_next_list(
    desk: PicksDesk, noun: Particles
) -> None:
    desk.open(noun, "first")
    choose(desk, 2)
    desk.open(two_tomograms(), "second")
    assert desk.dock.choice.tomogram is None
    assert len(desk.dock.list.kept()) == len(noun)


def test_tomogram_of_which_every_pick_went_stays_chosen(desk: PicksDesk, noun: Particles) -> None:
    desk.open(noun)
    choose(desk, 2)
    desk.dock.list.remove(range(20, 50))
    assert desk.dock.choice.tomograms.currentText() == "TS_02 (0)"
    desk.dock.list.add([10.0, 20.0, 30.0])
    assert desk.snapshot().columns[TOMOGRAM][-1] == "TS_02"
    assert desk.dock.list.fate.kept == 1


def test_mask_of_a_tomogram_says_nothing_of_the_picks_of_others(
    desk: PicksDesk, noun: Particles
) -> None:
    mask = Volume(np.zeros(SHAPE, dtype=np.float32), (VOXEL_SIZE,) * 3)
    for volume, name in ((tomogram_of(noun), "TS_01"), (mask, "TS_01 mask")):
        desk.add(volume, name)
    layer = desk.viewer.layers["TS_01 mask"]
    layer.metadata["mapscope"] = type(layer.metadata["mapscope"])(mask, "mask", layer.data)
    desk.open(noun)
    dock, filters = desk.dock, desk.dock.filters
    assert dock.list.seen_in == "TS_01"
    dock.refresh()
    filters.region.setCurrentIndex(filters.region.findText("TS_01 mask"))
    with desk.qtbot.waitSignal(filters.filtered, timeout=20_000):
        filters.filter_soon()
    falling = dock.list.fate.is_falling
    np.testing.assert_array_equal(falling, noun.columns[TOMOGRAM] == "TS_01")
    desk.viewer.layers.remove(layer)
    desk.qtbot.waitUntil(lambda: dock.list.fate.falling == 0, timeout=20_000)


def test_export_leaves_each_pick_in_its_tomogram_where_sizes_are_unknown(noun: Particles) -> None:
    volume = tomogram_of(noun)
    bare = Particles(noun.positions, columns={TOMOGRAM: noun.columns[TOMOGRAM]})
    found = exported(bare, volume, "TS_01")
    assert found.columns[TOMOGRAM].tolist() == noun.columns[TOMOGRAM].tolist()
    assert TOMOGRAM_SHAPE not in found.columns
    one = exported(Particles(noun.positions, columns={TOMOGRAM: np.full(50, "a")}), volume, "b")
    assert set(one.columns[TOMOGRAM].tolist()) == {"a"}
    assert one.columns[TOMOGRAM_SHAPE][0].tolist() == list(SHAPE)
    none = exported(Particles(noun.positions), volume, "b")
    assert set(none.columns[TOMOGRAM].tolist()) == {"b"}


@pytest.mark.parametrize(("file", "found"), [("TS_11.star", "TS_11"), ("TS_1.star", "TS_1")])
def test_tomogram_of_a_list_is_the_one_whose_whole_name_the_file_has(file: str, found: str) -> None:
    maps: dict[str, Any] = {
        name: Volume(np.zeros((n, 4, 4), dtype=np.float32))
        for name, n in (("TS_1", 9), ("TS_11", 3))
    }
    assert tomogram_for(file, maps) is maps[found]
    assert tomogram_for("other.star", maps) is maps["TS_1"], "the largest"
