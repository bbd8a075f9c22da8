"""The score of the CZII challenge, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.particles import TOMOGRAM, Particles
from mapscope.scores.picks.czii import CZII_RADII, CZII_WEIGHTS, czii_counts, czii_score
from mapscope.scores.picks.evaluation import f_beta


def at(*rows: tuple[str, float], tomograms: str = "") -> Particles:
    """Particles of a species on the x axis."""
    places = np.array([[0.0, 0.0, x] for _, x in rows]).reshape(-1, 3)
    columns = {TOMOGRAM: np.array(list(tomograms))} if tomograms else {}
    return Particles(places, None, tuple(name for name, _ in rows), columns=columns)


def test_counts_are_those_of_the_challenge_by_hand() -> None:
    truth = at(("ribosome", 0), ("ribosome", 1000), ("thyroglobulin", 2000))
    picks = at(("ribosome", 75), ("ribosome", -10), ("ribosome", 1076), ("ribosome", 2000))
    counts = czii_counts(picks, truth, [150.0, 150.0, 130.0])
    # Half of 150 Å reaches 75; two picks on one particle leave one of them false; a
    # ribosome on a thyroglobulin is false and finds nothing.
    assert counts.species == ("ribosome", "thyroglobulin")
    assert counts.right.tolist() == [1, 0]
    assert counts.false.tolist() == [3, 0]
    assert counts.missed.tolist() == [1, 1]
    precision, recall = 1 / 4, 1 / 2
    expected = 17 * precision * recall / (16 * precision + recall)
    assert counts.f_beta(4).tolist() == pytest.approx([expected, 0.0])
    # Weights 1 and 2.
    assert float(czii_score(counts)) == pytest.approx(expected / 3)


def test_a_pick_at_exactly_half_the_radius_is_right_and_one_beyond_is_not() -> None:
    for away, right in ((75.0, [1]), (-75.0, [1]), (75.01, [0])):
        counts = czii_counts(at(("ribosome", away)), at(("ribosome", 0)), 150.0)
        assert counts.right.tolist() == right


def test_a_pick_near_two_particles_counts_for_both_as_in_the_challenge() -> None:
    truth = at(("ribosome", 0), ("ribosome", 100))
    counts = czii_counts(at(("ribosome", 50)), truth, 150.0)
    assert (counts.right.tolist(), counts.false.tolist()) == ([2], [-1])


def test_beta_amylase_does_not_count_and_a_perfect_list_scores_one() -> None:
    names = list(CZII_RADII)
    truth = at(*[(name, 1000.0 * n) for n, name in enumerate(names)])
    radii = [CZII_RADII[name] for name in names]
    assert float(czii_score(czii_counts(truth, truth, radii))) == 1.0
    without = [n for n in range(6) if names[n] != "beta-amylase"]
    picks = at(*[(names[n], 1000.0 * n) for n in without])
    counts = czii_counts(picks, truth, radii)
    assert counts.missed.sum() == 1
    assert float(czii_score(counts)) == 1.0
    assert sum(CZII_WEIGHTS.values()) == 7


def test_counts_of_tomograms_add_up_before_the_score_is_taken() -> None:
    truth = at(("ribosome", 0), ("ribosome", 0), ("ribosome", 500), tomograms="abb")
    picks = at(("ribosome", 0), ("ribosome", 500), ("ribosome", 900), tomograms="aba")
    each = czii_counts(picks, truth, 150.0, per_tomogram=True)
    assert each.right.tolist() == [[1], [1]]
    assert each.false.tolist() == [[1], [0]]
    assert each.missed.tolist() == [[0], [1]]
    whole, (score, interval) = f_beta(picks, truth, 150.0, share=0.5, beta=4.0)
    assert (whole.right.tolist(), whole.false.tolist(), whole.missed.tolist()) == ([2], [1], [1])
    assert score == pytest.approx(17 * 2 / (17 * 2 + 16 * 1 + 1))
    assert interval is not None
    # Drawn twice, a alone has one right of two picks, b alone one right of two particles.
    assert interval.low == pytest.approx(17 / (17 + 16))
    assert interval.high == pytest.approx(17 / (17 + 1))
