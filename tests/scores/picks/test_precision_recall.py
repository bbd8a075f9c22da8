"""Curves of precision, recall and of telling apart, against what counting gives."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.scores.picks.precision_recall import precision_recall
from mapscope.scores.picks.roc import auroc, roc


def test_precision_and_recall_are_those_of_counting_at_each_threshold() -> None:
    curve = precision_recall([0.9, 0.5, 0.8, 0.3], [True, True, False, False], 4)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.5, 0.3]
    assert curve.precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert curve.recall.tolist() == [0.25, 0.25, 0.5, 0.5]
    assert curve.average_precision == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    assert curve.best == pytest.approx((0.5, 2 * 2 / (3 + 4)))


def test_equal_scores_come_in_together_in_whatever_order_they_are_listed() -> None:
    for right in ([True, False, True], [False, True, True]):
        curve = precision_recall([1.0, 1.0, 0.5], right, 2)
        assert curve.threshold.tolist() == [1.0, 0.5]
        assert curve.precision.tolist() == pytest.approx([1 / 2, 2 / 3])
        assert curve.average_precision == pytest.approx(0.5 * 0.5 + 0.5 * 2 / 3)


def test_picks_set_by_hand_come_before_every_threshold() -> None:
    curve = precision_recall([0.5, np.nan], [False, True], 1)
    assert curve.threshold.tolist() == [np.inf, 0.5]
    assert curve.precision.tolist() == [1.0, 0.5]


def test_the_curve_at_a_recall_is_the_best_precision_that_reaches_it() -> None:
    curve = precision_recall([0.9, 0.8, 0.7], [False, True, True], 3)
    np.testing.assert_allclose(curve.at([0.0, 1 / 3, 0.5, 2 / 3, 0.9]), [2 / 3] * 4 + [np.nan])


def test_a_curve_of_no_picks_is_empty_and_has_no_area() -> None:
    curve = precision_recall([], [], 5)
    assert curve.average_precision == 0.0
    assert np.isnan(curve.at(0.1))


def test_roc_and_its_area_are_those_of_all_pairs() -> None:
    right, wrong = [3.0, 2.0, 2.0], [2.0, 1.0]
    # Of six pairs four are in order and two are level.
    assert auroc(right, wrong) == pytest.approx((4 + 0.5 * 2) / 6)
    false_rate, true_rate = roc(right, wrong)
    assert false_rate.tolist() == pytest.approx([0, 0, 0.5, 1])
    assert true_rate.tolist() == pytest.approx([0, 1 / 3, 1, 1])


def test_area_under_the_roc_is_the_auroc_of_random_scores() -> None:
    random = np.random.default_rng(0)
    right, wrong = random.normal(0.5, 1, 300).round(1), random.normal(size=400).round(1)
    false_rate, true_rate = roc(right, wrong)
    assert np.trapezoid(true_rate, false_rate) == pytest.approx(auroc(right, wrong))
    pairs = right[:, None] - wrong[None]
    assert auroc(right, wrong) == pytest.approx(float(((pairs > 0) + 0.5 * (pairs == 0)).mean()))
    assert np.isnan(auroc([], wrong))
