"""What merging, splitting, painting and relabelling change, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mapscope.edits import LabelsChange, LabelsState, Region, regions
from mapscope.edits.runs import Runs, runs_between, write_runs
from mapscope.errors import DataError, InputError
from mapscope.labels import Labels

SHAPE = (3, 4, 5)


@pytest.fixture
def state(labels: Labels) -> LabelsState:
    state = LabelsState(labels.grid)
    runs = runs_between(state.data, np.asarray(labels.data))
    names = {n: Region(name) for n, name in labels.names.items()}
    state.apply(LabelsChange("paint", (), runs, {}, names))
    return state


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.int16, SHAPE, elements=st.integers(-1, 3)),
    arrays(np.int16, SHAPE, elements=st.integers(-1, 3)),
)
def test_runs_make_one_array_of_the_other_and_back_also_through_text(
    before: np.ndarray, after: np.ndarray
) -> None:
    runs = Runs.from_text(runs_between(before, after).to_text(), before.size)
    made = before.copy()
    write_runs(made.reshape(-1), runs)
    np.testing.assert_array_equal(made, after)
    write_runs(made.reshape(-1), runs.inverse())
    np.testing.assert_array_equal(made, before)
    assert runs.voxels == (before != after).sum()
    assert len(runs.places()) == runs.voxels
    gains = runs.gains
    for number in (-1, 0, 1, 2, 3):
        assert gains.get(number, 0) == (after == number).sum() - (before == number).sum()


def test_runs_when_many_are_packed_and_hold_the_same() -> None:
    random = np.random.default_rng(0)
    before, after = random.integers(0, 3, (2, 20, 30, 40))
    runs = runs_between(before, after)
    text = runs.to_text()
    assert isinstance(text, dict)
    assert len(text["zlib"]) < 4 * len(runs)
    made = before.copy()
    write_runs(made.reshape(-1), Runs.from_text(text, before.size))
    np.testing.assert_array_equal(made, after)


def test_merge_gives_all_voxels_to_one_and_forgets_the_other_name(state: LabelsState) -> None:
    before = state.data.copy()
    change = regions.merged(state, [1, 2, 3], 2)
    state.apply(change)
    np.testing.assert_array_equal(state.data, np.where(before > 0, 2, 0))
    assert state.numbers == [2]
    assert state.regions == {}
    state.apply(change.inverse())
    np.testing.assert_array_equal(state.data, before)
    assert state.regions == {1: Region("one"), 3: Region("three")}


def test_split_into_pieces_keeps_the_number_for_the_largest(state: LabelsState) -> None:
    before = state.data.copy()
    change = regions.split_into_pieces(state, 3)
    state.apply(change)
    assert change.ids == (3, 4)
    assert state.data[6, 8, 3] == 3
    assert state.data[1, 1, 9] == 4
    assert (state.data != before).sum() == 1
    assert state.regions[4] == Region("three (part)")
    state.apply(change.inverse())
    np.testing.assert_array_equal(state.data, before)
    assert 4 not in state.regions
    with pytest.raises(DataError, match="one piece"):
        regions.split_into_pieces(state, 1)


def test_split_by_a_plane_cuts_where_the_plane_is_in_angstrom(state: LabelsState) -> None:
    boundary = state.grid.world_from_index((0, 5.5, 0))
    change = regions.split_by_plane(state, 2, tuple(boundary), (0, 1, 0))
    state.apply(change)
    halves = {int(state.data[2, y, 2]) for y in (4, 5)}, {int(state.data[2, y, 2]) for y in (6, 7)}
    assert halves in (({2}, {4}), ({4}, {2}))
    with pytest.raises(DataError, match="does not pass"):
        regions.split_by_plane(state, 1, (1000.0, 0, 0), (1, 0, 0))


def test_split_by_seeds_parts_two_balls_at_their_neck() -> None:
    index = np.stack(np.meshgrid(*[np.arange(30)] * 3, indexing="ij"), axis=-1)
    balls = [((index - centre) ** 2).sum(axis=-1) < 64 for centre in ((14, 14, 8), (14, 14, 20))]
    labels = Labels((balls[0] | balls[1]).astype(np.int16))
    state = LabelsState(labels.grid)
    state.apply(LabelsChange("paint", (), runs_between(state.data, np.asarray(labels.data))))
    seeds = [np.ravel_multi_index(centre, (30, 30, 30)) for centre in ((14, 14, 8), (14, 14, 20))]
    change = regions.split_by_seeds(state, 1, [np.array([seed]) for seed in seeds])
    state.apply(change)
    left, right = int(state.data[14, 14, 8]), int(state.data[14, 14, 20])
    assert {left, right} == {1, 2}
    # Seen from one end to the other the number changes once, half way between the centres.
    along = state.data[14, 14, 1:28]
    assert np.flatnonzero(np.diff(along)).tolist() in ([12], [13])
    assert state.counts[1] + state.counts[2] == (balls[0] | balls[1]).sum()
    with pytest.raises(InputError, match="two seeds"):
        regions.split_by_seeds(state, left, [np.array([seeds[0]])])


def test_number_when_changed_takes_voxels_and_name_along(state: LabelsState) -> None:
    change = regions.renumbered(state, 1, 40_000)
    before = state.data.copy()
    state.apply(change)
    assert (state.data == 40_000).sum() == (before == 1).sum()
    assert state.regions[40_000] == Region("one")
    assert 1 not in state.regions
    state.apply(change.inverse())
    np.testing.assert_array_equal(state.data, before)
    with pytest.raises(InputError, match="no free region number"):
        regions.renumbered(state, 1, 2)


def test_centre_is_a_voxel_of_the_region_in_angstrom(state: LabelsState) -> None:
    np.testing.assert_allclose(
        regions.centre_of(state, 1), state.grid.world_from_index((2, 2, 2)), atol=1e-9
    )
    with pytest.raises(InputError, match="no voxels"):
        regions.centre_of(state, 9)


@pytest.mark.parametrize("call", [
    lambda s: regions.merged(s, [1], 1),
    lambda s: regions.merged(s, [1, 9], 1),
    lambda s: regions.merged(s, [1], 9),
    lambda s: regions.deleted(s, [0]),
    lambda s: regions.deleted(s, [7]),
    lambda s: regions.relabelled(s, 0, Region("x")),
    lambda s: regions.painted_voxels(s, np.array([10**6]), 1),
    lambda s: regions.painted_voxels(s, np.array([1]), 2**40),
])  # fmt: skip
def test_edit_of_what_is_not_there_is_refused(state: LabelsState, call: object) -> None:
    with pytest.raises(InputError):
        call(state)  # type: ignore[operator]


def test_paint_when_nothing_differs_is_no_change(state: LabelsState) -> None:
    box = (slice(1, 4),) * 3
    assert regions.painted(state, box, state.data[box]) is None
    assert regions.relabelled(state, 1, Region("one")) is None
