"""What a choice keeps, in which order picks are gone through, and what a lasso holds."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.edits import PointsState
from mapscope.edits.columns import columns_of, values_of
from mapscope.particles import ACCEPTED, REJECTED, TOMOGRAM, VERDICT, Particles
from mapscope.viewer.picks import changes
from mapscope.viewer.picks.choice import Choice, drawn, fate_of
from mapscope.viewer.picks.known import Picks, picks_of
from mapscope.viewer.picks.lasso import inside_outline, plane_of
from mapscope.viewer.picks.list_choice import map_of
from mapscope.viewer.picks.order import (
    AS_LISTED,
    BEST,
    DOUBTFUL,
    WORST,
    continued,
    ordered,
)

SCORES = np.array([0.9, 0.1, np.nan, 0.5, 0.2, 0.7])
CLASSES = ("a", "a", "a", "b", "b", "b")
VERDICTS = np.array(["", ACCEPTED, "", REJECTED, "", ""])
NAMES = np.array(["one", "one", "two", "one", "two", "two"])


def state_of(noun: Particles) -> PointsState:
    state = PointsState(columns_of(noun))
    state.apply(state.added(values_of(noun)))
    return state


@pytest.fixture
def picks() -> Picks:
    places = np.arange(18.0).reshape(6, 3)
    columns = {VERDICT: VERDICTS, TOMOGRAM: NAMES}
    return picks_of(state_of(Particles(places, None, CLASSES, SCORES, columns)))


def test_threshold_takes_low_scores_but_neither_picks_by_hand_nor_accepted_ones(
    picks: Picks,
) -> None:
    fate = fate_of(picks, Choice(threshold=0.6))
    assert picks.ids[fate.is_kept].tolist() == [0, 1, 2, 5]
    assert picks.ids[fate.is_falling].tolist() == [4]
    assert (fate.kept, fate.falling, fate.rejected) == (4, 1, 1)


def test_choice_is_not_about_hidden_classes_or_other_tomograms(picks: Picks) -> None:
    fate = fate_of(picks, Choice(threshold=0.95, hidden=frozenset({"b"})))
    assert picks.ids[fate.is_here].tolist() == [0, 1, 2]
    assert picks.ids[fate.is_falling].tolist() == [0]
    fate = fate_of(picks, Choice(threshold=0.95, tomogram="two"))
    assert picks.ids[fate.is_falling].tolist() == [4, 5]


def test_filters_take_picks_by_hand_too(picks: Picks) -> None:
    fate = fate_of(picks, Choice(), np.array([2, 3]))
    assert picks.ids[fate.is_falling].tolist() == [2], "the other one was rejected already"


def test_view_shows_only_the_picks_of_its_tomogram(picks: Picks) -> None:
    fate = fate_of(picks, Choice())
    one = drawn(picks, fate, tomogram="one", shows_rejected=False)
    assert picks.ids[one].tolist() == [0, 1]
    one = drawn(picks, fate, tomogram="one", shows_rejected=True)
    assert picks.ids[one].tolist() == [0, 1, 3]
    everything = drawn(picks, fate, tomogram=None, shows_rejected=True)
    assert everything.all()


@pytest.mark.parametrize(
    ("order", "threshold", "found"),
    [
        (BEST, None, [0, 5, 3, 4, 1, 2]),
        (WORST, None, [1, 4, 3, 5, 0, 2]),
        (AS_LISTED, None, [0, 1, 2, 3, 4, 5]),
        (DOUBTFUL, 0.65, [5, 3, 0, 4, 1, 2]),
        (DOUBTFUL, None, [3, 5, 4, 0, 1, 2]),
    ],
)
def test_picks_are_ordered_by_score_or_doubt_and_those_by_hand_come_last(
    picks: Picks, order: str, threshold: float | None, found: list[int]
) -> None:
    chosen = np.ones(6, dtype=bool)
    assert ordered(picks, chosen, order, threshold).tolist() == found


def test_column_of_uncertainty_says_what_is_doubtful() -> None:
    noun = Particles(
        np.zeros((3, 3)), None, None, np.arange(3.0), {"uncertainty": np.array([0.1, 0.9, 0.5])}
    )
    picks = picks_of(state_of(noun))
    assert ordered(picks, np.ones(3, dtype=bool), DOUBTFUL, 0.0).tolist() == [1, 2, 0]


def test_rejected_pick_stays_in_its_place_until_something_new_comes(picks: Picks) -> None:
    fate = fate_of(picks, Choice())
    before = np.array([3, 1, 0])
    assert continued(before, np.array([0, 1]), picks, fate).tolist() == [3, 1, 0]
    assert continued(before, np.array([0, 1, 5]), picks, fate).tolist() == [0, 1, 5]


@pytest.mark.parametrize("hidden", [(0,), (1,), (2,)])
def test_outline_in_a_slice_holds_what_lies_in_it_at_any_depth(hidden: tuple[int]) -> None:
    shown = [axis for axis in range(3) if axis not in hidden]
    corners = np.zeros((4, 3))
    corners[:, shown] = [(0, 0), (0, 10), (10, 10), (10, 0)]
    places = np.full((3, 3), 5.0)
    places[0, hidden] = 1e4
    places[1, shown[0]] = 10.5
    places[2, shown[1]] = -0.5
    found = inside_outline(places, corners, plane_of(None, hidden))
    assert found.tolist() == [True, False, False]


def test_outline_in_3d_holds_what_lies_behind_it_along_the_line_of_sight() -> None:
    random = np.random.default_rng(0)
    direction = random.normal(size=3)
    direction /= np.linalg.norm(direction)
    first, second = plane_of(direction, ())
    assert np.allclose([first @ direction, second @ direction, first @ second], 0)
    angles = np.linspace(0, 2 * np.pi, 50, endpoint=False)
    outline = 10 * (np.cos(angles)[:, None] * first + np.sin(angles)[:, None] * second)
    outline += random.normal(size=(50, 1)) * direction
    places = random.uniform(-20, 20, (200, 3))
    across = places - (places @ direction)[:, None] * direction
    distance = np.linalg.norm(across, axis=1)
    sure = np.abs(distance - 10) > 0.1
    found = inside_outline(places, outline, plane_of(direction, ()))
    np.testing.assert_array_equal(found[sure], (distance < 10)[sure])
    assert found.any()


def test_outline_of_two_points_holds_nothing() -> None:
    assert not inside_outline(np.zeros((2, 3)), np.zeros((2, 3)), np.eye(3)[1:]).any()


def test_turn_is_about_the_axis_of_the_particle_itself() -> None:
    start = np.array([[[0.0, 1, 0], [0, 0, 1], [1, 0, 0]]])  # template z lies along tomogram x
    state = state_of(Particles(np.zeros((1, 3)), start))
    for change in changes.turned(state, state.ids, 0, 90.0):
        state.apply(change() if callable(change) else change)
    found = state.rows(state.ids)["rotation"][0]
    np.testing.assert_allclose(found @ [1, 0, 0], start[0] @ [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found @ [0, 0, 1], start[0] @ [0, 1, 0], atol=1e-12)


def test_pick_without_orientation_is_turned_from_the_tomograms_axes() -> None:
    state = state_of(Particles(np.zeros((2, 3))))
    for change in changes.turned(state, np.array([1]), 2, 30.0):
        state.apply(change() if callable(change) else change)
    rotations = state.rows(state.ids)["rotation"]
    np.testing.assert_array_equal(rotations[0], np.eye(3))
    assert np.rad2deg(np.arccos((np.trace(rotations[1]) - 1) / 2)) == pytest.approx(30)


class Named:
    def __init__(self, name: str) -> None:
        self.name = name


@pytest.mark.parametrize(
    ("tomogram", "names", "found"),
    [
        ("TS_01", ["TS_011", "TS_01_10.00Apx"], 1),
        ("TS_01", ["TS_01_10.00Apx", "ts_01"], 1),
        ("TS_01_10.00Apx", ["TS_01"], 0),
        ("TS_1", ["TS_11", "TS_12"], None),
        ("TS_01", ["TS_01 · average", "TS_01_10.00Apx"], 1),
        ("TS_01", ["TS_01 · average"], None),
    ],
)
def test_map_of_a_tomogram_is_found_by_its_name(
    tomogram: str, names: list[str], found: int | None
) -> None:
    layers = [Named(name) for name in names]
    expected = None if found is None else layers[found]
    assert map_of(tomogram, layers) is expected
