"""Peaks of a score map, and the best of those that crowd."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mapscope.picking.peaks import best_apart, local_maxima, refined


def one_by_one(places: np.ndarray, scores: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The rule of `best_apart`, as plainly as it can be said."""
    order = np.argsort(-np.nan_to_num(scores, nan=np.inf), kind="stable")
    kept: list[int] = []
    for i in order:
        if all(np.linalg.norm(places[i] - places[j]) >= room[j] for j in kept):
            kept.append(int(i))
    found = np.zeros(len(places), dtype=bool)
    found[kept] = True
    return found


@given(st.integers(0, 60), st.integers(0, 10_000), st.booleans())
def test_best_apart_is_what_one_by_one_gives(count: int, seed: int, has_own_room: bool) -> None:
    random = np.random.default_rng(seed)
    places = random.uniform(0, 30, (count, 3))
    scores = random.integers(0, 8, count).astype(float)
    scores[random.random(count) < 0.1] = np.nan
    room = random.uniform(2, 12, count) if has_own_room else np.full(count, 7.0)
    found = best_apart(places, scores, room if has_own_room else 7.0)
    np.testing.assert_array_equal(found, one_by_one(places, scores, room))


def test_best_apart_of_many_points_takes_no_time() -> None:
    random = np.random.default_rng(0)
    places = random.uniform(0, 2000, (50_000, 3))
    start = time.process_time()
    kept = best_apart(places, random.random(50_000), 40.0)
    assert time.process_time() - start < 10.0  # one by one it would be minutes
    assert 0.3 < kept.mean() < 0.9


@settings(max_examples=30)
@given(arrays.arrays(np.float32, (3, 4, 5), elements=st.integers(0, 20).map(float)))
def test_local_maxima_are_not_below_any_neighbour(scores: np.ndarray) -> None:
    found = {tuple(p) for p in local_maxima(scores, 5.0).tolist()}
    wide = np.pad(scores, 1, constant_values=-1)
    for place in np.ndindex(scores.shape):
        cube = wide[tuple(slice(i, i + 3) for i in place)]
        assert (place in found) == (scores[place] >= max(5.0, cube.max()))


@given(st.tuples(*[st.floats(-0.5, 0.5)] * 3), st.integers(0, 1000))
def test_refined_is_the_top_of_a_parabola(shift: tuple[float, float, float], seed: int) -> None:
    random = np.random.default_rng(seed)
    mixed = random.uniform(-0.2, 0.2, (3, 3))
    curvature = np.diag(random.uniform(1, 2, 3)) + mixed + mixed.T
    offset = np.moveaxis(np.indices((7, 7, 7)), 0, -1) - 3 - np.asarray(shift)
    scores = 5.0 - 0.5 * np.einsum("...i,ij,...j", offset, curvature, offset)
    places, heights = refined(scores, [[3, 3, 3]])
    np.testing.assert_allclose(places[0], 3 + np.asarray(shift), atol=1e-6)
    assert heights[0] == pytest.approx(5.0, abs=1e-6)


def test_refined_stays_where_there_is_no_top() -> None:
    ramp = np.arange(125.0).reshape(5, 5, 5)
    places, heights = refined(ramp, [[4, 4, 4], [2, 2, 2]])
    np.testing.assert_array_equal(places, [[4, 4, 4], [2, 2, 2]])
    np.testing.assert_array_equal(heights, [124, 62])
    flat = np.zeros((1, 5, 5))
    flat[0, 2, 2] = 1.0
    np.testing.assert_allclose(refined(flat, [[0, 2, 2]])[0], [[0, 2, 2]], atol=1e-6)
