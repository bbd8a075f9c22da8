"""Confidence held against what was right, with answers that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.scores.reliability import LEVELS, is_right, tally


def test_confidence_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    confidence = np.repeat([0.0, 0.25, 0.5, 1.0], 4)
    right = np.array([0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1], dtype=bool)
    found = tally(confidence, right)
    assert found.calibration_error() == pytest.approx(0, abs=1e-12)
    assert found.share_right == pytest.approx(7 / 16)


def test_calibration_error_of_one_bin_is_the_distance_of_shares() -> None:
    assert tally(np.full(10, 0.9), np.zeros(10, bool)).calibration_error() == pytest.approx(0.9)
    mixed = tally(np.array([0.95] * 30 + [0.05] * 10), np.array([True] * 15 + [False] * 25))
    assert mixed.calibration_error() == pytest.approx((30 * 0.45 + 10 * 0.05) / 40)


def test_detection_of_lists_is_the_share_of_pairs_in_order() -> None:
    right, wrong = [0.9, 0.8, 0.4], [0.7, 0.4]
    confidence = np.array(right + wrong)
    is_true = np.array([True] * 3 + [False] * 2)
    # Pairs: .7 is below .9 and .8, .4 below .9 and .8 and level with .4.
    assert tally(confidence, is_true).detection() == pytest.approx((2 + 2 + 0.5) / 6)
    assert tally(confidence, ~is_true).detection() == pytest.approx(1 - 4.5 / 6)
    assert tally(np.full(4, 0.3), np.array([1, 0, 1, 0], bool)).detection() == pytest.approx(0.5)


def test_detection_equals_the_count_over_all_pairs_of_random_answers() -> None:
    random = np.random.default_rng(0)
    confidence = np.round(random.random(300), 2)
    right = random.random(300) < confidence
    pairs = confidence[right][:, None] - confidence[~right][None]
    expected = float(((pairs > 1e-9) + 0.5 * (np.abs(pairs) <= 1e-9)).mean())
    assert tally(confidence, right).detection() == pytest.approx(expected)


def test_tallies_of_parts_add_up_to_that_of_the_whole() -> None:
    random = np.random.default_rng(1)
    confidence, right = random.random(1000), random.random(1000) < 0.5
    whole = tally(confidence, right)
    parts = tally(confidence[:300], right[:300]) + tally(confidence[300:], right[300:])
    assert len(parts) == len(whole) == 1000
    assert parts.calibration_error() == pytest.approx(whole.calibration_error())
    assert parts.detection() == pytest.approx(whole.detection())
    assert whole.right.shape == (LEVELS + 1,)


def test_reliability_diagram_has_a_row_for_each_bin_that_was_used() -> None:
    table = tally(np.array([0.05, 0.95, 0.95, 0.96]), np.array([0, 1, 1, 0], bool)).table()
    assert table["voxels"].tolist() == [1, 3]
    np.testing.assert_allclose(np.asarray(table["right"], float), [0, 2 / 3])
    np.testing.assert_allclose(np.asarray(table["confidence"], float), [0.05, 2.86 / 3])


def test_nothing_to_tell_apart_is_not_a_number() -> None:
    assert np.isnan(tally(np.array([0.5]), np.array([True])).detection())
    assert np.isnan(tally(np.zeros(0), np.zeros(0, bool)).calibration_error())
    assert np.isnan(tally(np.zeros(0), np.zeros(0, bool)).share_right)


def test_what_is_no_chance_is_refused() -> None:
    for confidence in ([1.2], [-0.1], [np.nan]):
        with pytest.raises(InputError, match="0 to 1"):
            tally(np.array(confidence), np.array([True]))
    with pytest.raises(InputError, match="do not fit"):
        tally(np.zeros(2), np.zeros(3, bool))


def test_voxels_within_half_a_deviation_of_the_truth_are_right() -> None:
    truth = np.array([[[0.0, 2.0, 0.0, 2.0]]])
    inside = np.ones_like(truth, dtype=bool)
    made = truth + np.array([0.49, -0.49, 0.51, -0.51])
    assert is_right(made, truth, inside).ravel().tolist() == [True, True, False, False]
    with pytest.raises(InputError, match="constant"):
        is_right(made, np.ones_like(truth), inside)
