"""A variance becomes a chance of being right that falls with it and that can be believed."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.inference.card import Card, Output
from mapscope.scores.reliability import tally
from mapscope.training.confidence import Counts, chances_of, confidence_rows, counted


def voxels(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Variances over four decades, and whether errors of these are below 0.5."""
    random = np.random.default_rng(seed)
    variance = np.exp(random.uniform(np.log(1e-3), np.log(10), count))
    return variance, np.abs(random.normal(0, np.sqrt(variance))) < 0.5


def test_chances_are_those_of_the_errors_and_calibrated_on_others() -> None:
    from scipy.special import erf

    rows = confidence_rows(counted(*voxels(200_000, 0)))
    variance = np.array([0.01, 0.1, 1.0, 5.0])
    wanted = erf(0.5 / np.sqrt(2 * variance))
    np.testing.assert_allclose(chances_of(rows, variance), wanted, atol=0.03)
    variance, is_right = voxels(50_000, 1)
    found = tally(chances_of(rows, variance), is_right)
    assert found.calibration_error() < 0.01
    assert found.detection() > 0.85


def test_rows_rise_in_variance_and_fall_in_chance_whatever_was_counted() -> None:
    random = np.random.default_rng(3)
    for size in (1, 2, 30, 3000):
        variance = np.exp(random.normal(0, 3, size))
        rows = confidence_rows(counted(variance, random.random(size) < 0.5))
        card = Card(
            name="sure",
            architecture="residual_unet",
            tile=64,
            outputs=(Output(name="map", kind="map", features=1),),
            confidence=rows,
        )
        assert card.confidence == rows
        assert 1 <= len(rows) <= 33
        again = Card.from_json(card.to_json())
        assert again.confidence == rows


def test_counts_of_parts_add_up_to_those_of_the_whole() -> None:
    variance, is_right = voxels(1000, 5)
    whole = counted(variance, is_right)
    parts = Counts() + counted(variance[:300], is_right[:300])
    parts += counted(variance[300:], is_right[300:])
    np.testing.assert_array_equal(parts.all, whole.all)
    np.testing.assert_array_equal(parts.right, whole.right)
    assert whole.all.sum() == 1000
    assert whole.right.sum() == is_right.sum()


def test_variances_far_out_are_counted_at_the_ends() -> None:
    found = counted(np.array([1e-30, 1e30]), np.array([True, False]))
    assert found.all[0] == found.all[-1] == 1
    assert (found.right[0], found.right[-1]) == (1, 0)


@pytest.mark.parametrize(
    ("variance", "is_right", "words"),
    [
        ([1.0, 2.0], [True], "do not fit"),
        ([0.0], [True], "above 0"),
        ([np.nan], [True], "above 0"),
    ],
)
def test_what_is_no_variance_is_refused(
    variance: list[float], is_right: list[bool], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        counted(np.array(variance), np.array(is_right))


def test_nothing_counted_gives_no_rows() -> None:
    with pytest.raises(InputError, match="no voxel was judged"):
        confidence_rows(Counts())
