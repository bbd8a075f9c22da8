"""The probability from which on answers are to be believed."""

from __future__ import annotations

import numpy as np

from mapscope.training.calibration import least_probability


def test_answers_when_all_are_right_are_all_believed_and_when_all_are_wrong_none() -> None:
    chances = np.array([0.4, 0.9, 0.6])
    assert least_probability(chances, np.ones(3, bool)) == 0.0
    assert least_probability(chances, np.zeros(3, bool)) == 1.0
    assert least_probability(np.zeros(0), np.zeros(0, bool)) == 0.0


def test_answers_that_are_right_as_often_as_probable_are_believed_from_a_half_on() -> None:
    random = np.random.default_rng(0)
    chances = random.uniform(0.25, 1.0, 20_000)
    is_right = random.random(20_000) < chances
    assert abs(least_probability(chances, is_right) - 0.5) < 0.05


def test_answers_below_what_is_found_are_more_often_wrong_than_right() -> None:
    random = np.random.default_rng(1)
    chances = random.random(300)
    is_right = random.random(300) < chances**2
    least = least_probability(chances, is_right)
    assert is_right[chances >= least].mean() > 0.5 > is_right[chances < least].mean()
