"""Scores of several tomograms and species together: confusion, groups, intervals, verdicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from mapscope.particles import TOMOGRAM, Particles
from mapscope.scores.picks.bootstrap import bootstrap
from mapscope.scores.picks.classification import confusion
from mapscope.scores.picks.evaluation import FINDING, by_distance
from mapscope.scores.picks.localisation import f_scores
from mapscope.scores.picks.size_groups import (
    SHREC_2020_WEIGHTS,
    group_means,
    size_group,
    weights_of,
)
from mapscope.scores.picks.tables import curve_table, group_table, species_table, tomogram_table
from mapscope.scores.picks.verdicts import AWAY, VERDICT, judged


def of(names: str, x: Sequence[float], tomograms: str = "", score: object = None) -> Particles:
    """Particles on the x axis, species and tomograms by letters."""
    places = np.zeros((len(x), 3))
    places[:, 2] = x
    columns = {TOMOGRAM: np.array(list(tomograms))} if tomograms else {}
    return Particles(places, None, tuple(names), score, columns)  # type: ignore[arg-type]


def test_each_pick_is_right_wrong_a_duplicate_or_false() -> None:
    truth = of("ab", [0, 100])
    picks = of("aabb", [2, 1, 500, 99], score=[1.0, 2.0, 3.0, 4.0])
    picks = Particles(picks.positions, None, ("a", "a", "b", "a"), picks.score)
    found = judged(by_distance(picks, truth, 10.0).matches, picks, truth)
    assert found.columns[VERDICT].tolist() == ["duplicate", "right", "false", "wrong species"]
    np.testing.assert_allclose(found.columns[AWAY], [2, 1, np.nan, 1])


def test_species_that_nobody_picked_or_that_are_not_there_are_in_the_table() -> None:
    evaluation = by_distance(of("ac", [0, 100]), of("ab", [0, 100]), 10.0)
    table = evaluation.confusion
    assert table.species == ("a", "b", "c")
    assert table.counts.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]
    assert table.f1.tolist() == [1.0, 0.0, 0.0]
    # c has no particles, and does not count in the mean.
    assert float(table.mean(table.f1)) == 0.5


def test_lists_without_species_are_scored_as_one_kind() -> None:
    truth = of("ab", [0, 100])
    evaluation = by_distance(Particles(truth.positions), truth, 10.0)
    assert evaluation.confusion.species == ("particle",)
    assert evaluation.confusion.f1.tolist() == [1.0]


def test_intervals_hold_the_score_and_shrink_to_it_where_tomograms_are_alike() -> None:
    names, x = "ab" * 6, [0.0, 100.0] * 6
    tomograms = "".join(c * 2 for c in "uvwxyz")
    truth = of(names, x, tomograms)
    picks = of("aa" * 3 + "ab" * 3, [0, 300] * 3 + [0, 100] * 3, tomograms)
    evaluation = by_distance(picks, truth, 10.0)
    value, interval = evaluation.f1()
    assert value == pytest.approx(9 / 12)
    assert interval is not None
    assert interval.low < value < interval.high
    assert 0.5 <= interval.low < interval.high <= 1.0
    mean, ends = evaluation.species_f1()
    # a is always right; b in three of six: F1 2 * 3 / (2 * 3 + 0 + 3).
    assert mean == pytest.approx((1 + 6 / 9) / 2)
    assert ends is not None
    assert ends.low < mean < ends.high
    same, none = by_distance(truth, truth, 10.0).f1()
    assert (same, none) == (1.0, by_distance(truth, truth, 10.0).species_f1()[1])
    assert none is not None
    assert (none.low, none.high) == (1.0, 1.0)
    assert by_distance(of("a", [0]), of("a", [0]), 5.0).f1() == (1.0, None)


def test_bootstrap_of_a_mean_is_as_wide_as_theory_says() -> None:
    random = np.random.default_rng(3)
    values = random.normal(10, 2, (200, 1))
    ends = bootstrap(values, lambda total: total[..., 0] / 200, draws=2000, seed=1)
    assert ends is not None
    expected = 2 * 1.96 * values.std() / np.sqrt(200)
    assert float(ends[1] - ends[0]) == pytest.approx(expected, rel=0.1)
    again = bootstrap(values, lambda total: total[..., 0] / 200, draws=2000, seed=1)
    assert again == ends


def test_f_scores_are_harmonic_means_and_weighted_by_beta() -> None:
    precision, recall = 30 / 40, 30 / 50
    for beta in (0.5, 1.0, 4.0):
        expected = (1 + beta**2) * precision * recall / (beta**2 * precision + recall)
        assert f_scores(30, 10, 20, beta) == pytest.approx(expected)
    assert f_scores([0, 0], [0, 5], [0, 5]).tolist() == [0.0, 0.0]


def test_size_groups_are_those_of_the_paper() -> None:
    groups = {name: size_group(weight) for name, weight in SHREC_2020_WEIGHTS.items()}
    small = [name for name, group in groups.items() if group == "small"]
    large = [name for name, group in groups.items() if group == "large"]
    assert sorted(small) == ["1s3x", "2cg9", "3gl1", "3h84", "3qm1"]
    assert sorted(large) == ["4cr2", "4d8q"]
    # TM-T of Table 4 gives its row of Table 6.
    scores = [0.2, 0.102, 0.248, 0.727, 0.555, 0.869, 0.835, 0.88, 0.934, 0.97, 0.968, 0.945]
    means = group_means(dict(zip(SHREC_2020_WEIGHTS, scores, strict=True)), SHREC_2020_WEIGHTS)
    assert means["small"] == pytest.approx(0.366, abs=6e-4)
    assert means["medium"] == pytest.approx(0.898, abs=6e-4)
    assert means["large"] == pytest.approx(0.957, abs=6e-4)


def test_weights_come_from_the_column_or_from_the_benchmarks_species() -> None:
    truth = Particles(np.zeros((3, 3)), None, ("4D8Q", "1s3x", "other"))
    assert weights_of(truth) == {"4D8Q": 1952.74, "1s3x": 42.75}
    column = {"weight_kda": np.array([1.0, 250.0, np.nan])}
    own = Particles(np.zeros((3, 3)), None, ("4D8Q", "1s3x", "other"), columns=column)
    assert weights_of(own) == {"4D8Q": 1.0, "1s3x": 250.0}


def test_tables_list_the_lightest_first_and_draw_f1_and_curves() -> None:
    truth = of("xyz", [0, 100, 200])
    truth = Particles(truth.positions, None, ("4d8q", "1s3x", "3cf3"))
    picks = Particles(truth.positions, None, ("4d8q", "3cf3", "3cf3"), np.array([3.0, 2.0, 1.0]))
    evaluation = by_distance(picks, truth, 10.0)
    curves, weights = evaluation.curves(), weights_of(truth)
    table = species_table(evaluation.confusion, curves, weights, f_beta=None, beta=4.0)
    assert table["species"].tolist() == ["1s3x", "3cf3", "4d8q"]
    assert table["f1"].tolist() == pytest.approx([0, 2 / 3, 1])
    assert table["average_precision"].tolist() == pytest.approx([0, 0.5, 1])
    assert table.plot is not None
    assert table.plot.bars == "species"
    groups = group_table(evaluation.confusion, weights)
    assert groups["group"].tolist() == ["small", "medium", "large"]
    assert groups["f1"].tolist() == pytest.approx([0, 2 / 3, 1])
    drawn = curve_table(curves)
    assert drawn.plot is not None
    assert drawn.plot.y == (FINDING, "1s3x", "3cf3", "4d8q")
    assert np.asarray(drawn[FINDING], float).tolist() == [1.0] * 101
    tomograms = tomogram_table(evaluation.tomograms.names, evaluation.counts)
    assert (tomograms["found"].tolist(), tomograms["f1"].tolist()) == ([3], [1.0])


def test_a_confusion_of_each_tomogram_adds_up_to_that_of_all() -> None:
    random = np.random.default_rng(0)
    tomograms = "".join(random.choice(list("uvw"), 60))
    truth = of("".join(random.choice(list("abc"), 60)), range(0, 6000, 100), tomograms)
    picks = of("".join(random.choice(list("abc"), 60)), range(0, 6000, 100), tomograms)
    evaluation = by_distance(picks, truth, 10.0)
    parts = confusion(evaluation.matches, picks, truth, evaluation.tomograms)
    np.testing.assert_array_equal(parts.counts.sum(axis=0), evaluation.confusion.counts)
    np.testing.assert_array_equal(parts.reported.sum(axis=0), evaluation.confusion.reported)
    assert evaluation.confusion.counts.sum() == 60
