"""The job that scores picks, as a call and on lists whose scores are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapscope.errors import DataError, InputError
from mapscope.jobs.scores.score_picks import PickScores, score_picks
from mapscope.labels import Labels
from mapscope.particles import TOMOGRAM, Particles

VOXEL = 10.0
SPECIES = ("4d8q", "1s3x", "3cf3", "1s3x")


def truth(**columns: Any) -> Particles:
    """Four particles of three weights, 500 Å apart."""
    places = np.zeros((4, 3)) + 50.0
    places[:, 2] += np.arange(4) * 500.0
    return Particles(places, None, SPECIES, columns=columns)


def picks() -> Particles:
    """One right, one twice, one of another species and two on nothing, in order of score."""
    x = [52.0, 1040.0, 1045.0, 550.0, 300.0, 800.0]
    places = np.full((6, 3), 50.0)
    places[:, 2] = x
    species = ("4d8q", "3cf3", "3cf3", "3cf3", "1s3x", "1s3x")
    return Particles(places, None, species, np.arange(6.0, 0, -1))


def occupancy() -> Labels:
    """Cubes of seven voxels around the particles."""
    data = np.zeros((11, 11, 170), np.int16)
    for row, x in enumerate((5, 55, 105, 155)):
        data[2:9, 2:9, x - 3 : x + 4] = row + 1
    return Labels(data, (VOXEL,) * 3)


def scores(**options: Any) -> PickScores:
    """Scores of the picks."""
    found = score_picks(picks(), truth(), options.pop("occupancy", None), **options)
    assert isinstance(found, PickScores)
    return found


@pytest.mark.parametrize("options", [{"occupancy": occupancy()}, {"radius": 30.0}])
def test_both_rules_give_the_scores_that_are_counted_by_hand(options: dict[str, Any]) -> None:
    found = scores(**options)
    place = found.localisation
    assert (place.found, place.reported, place.particles) == (3, 6, 4)
    assert (place.false_picks, place.multiple) == (2, 1)
    assert found.f1 == pytest.approx(2 * 3 / (6 + 4))
    assert found.f1_interval is None
    verdict = ["right", "right", "duplicate", "wrong species", "false", "false"]
    assert found.judged.columns["verdict"].tolist() == verdict
    np.testing.assert_array_equal(found.missed.positions, truth().positions[3:])
    assert found.missed.species == ("1s3x",)
    assert found.species["species"].tolist() == ["1s3x", "3cf3", "4d8q"]
    # 3cf3: one right, one 1s3x taken for it; 1s3x: none of two.
    assert found.species["f1"].tolist() == pytest.approx([0, 2 / 3, 1])
    assert found.species["strict_f1"].tolist() == pytest.approx([0, 2 / (3 + 1), 1])
    assert found.species_f1 == pytest.approx((0 + 2 / 3 + 1) / 3)
    assert found.strict_f1 == pytest.approx((0 + 0.5 + 1) / 3)
    rows = {row["particle"]: row for row in found.confusion.records()}
    assert rows["1s3x"] == {
        "particle": "1s3x", "as 1s3x": 0, "as 3cf3": 1, "as 4d8q": 0, "missed": 1
    }  # fmt: skip
    assert found.groups["f1"].tolist() == pytest.approx([0, 2 / 3, 1])
    np.testing.assert_allclose(np.asarray(found.species["average_precision"], float), [0, 1, 1])


def test_the_share_of_the_radius_says_how_near_a_pick_must_be() -> None:
    # The nearest picks are 2, 0 and 5 Å away; the second on 3cf3 10 Å.
    assert [scores(radius=30.0, share=s).localisation.found for s in (0.3, 0.1, 0.05)] == [3, 2, 1]
    assert scores(radius=30.0, share=0.3).localisation.multiple == 0
    with_column = score_picks(picks(), truth(radius=np.array([30.0, 30.0, 9.8, 30.0])))
    assert with_column.localisation.found == 2


def test_the_f_beta_score_stands_beside_wherever_the_radius_is_known() -> None:
    assert scores(occupancy=occupancy()).f_beta is None
    found = scores(occupancy=occupancy(), radius=30.0)
    # 4d8q 1; 3cf3: one right of three picks and one particle; 1s3x 0.
    precision = 1 / 3
    expected = (1 + 17 * precision / (16 * precision + 1) + 0) / 3
    assert found.f_beta == pytest.approx(expected)
    assert scores(radius=30.0, beta=1.0).f_beta == pytest.approx((1 + 2 / 4 + 0) / 3)


def test_several_tomograms_are_scored_together_with_an_interval() -> None:
    places = np.zeros((4, 3))
    names = np.array(["a", "b", "b", "c"])
    places[:, 0] = [0, 0, 500, 0]
    both = Particles(places, None, ("x",) * 4, columns={TOMOGRAM: names})
    some = Particles(places[:3], None, ("x",) * 3, columns={TOMOGRAM: names[[0, 1, 0]]})
    found = score_picks(some, both, radius=10.0)
    assert found.tomograms["tomogram"].tolist() == ["a", "b", "c"]
    assert found.tomograms["found"].tolist() == [1, 1, 0]
    assert found.tomograms["f1"].tolist() == pytest.approx([2 / 3, 2 / 3, 0])
    assert found.f1 == pytest.approx(2 * 2 / (3 + 4))
    assert found.f1_interval is not None
    assert 0 <= found.f1_interval.low < found.f1 < found.f1_interval.high <= 1
    assert len(found.precision_recall) == 0
    again = score_picks(some, both, radius=10.0)
    assert again.f1_interval == found.f1_interval


def test_no_picks_score_zero_and_no_truth_is_refused() -> None:
    nothing = Particles(np.empty((0, 3)), None, (), np.empty(0))
    found = score_picks(nothing, truth(), radius=30.0)
    assert (found.f1, found.species_f1, found.f_beta) == (0.0, 0.0, 0.0)
    assert len(found.missed) == 4
    with pytest.raises(DataError, match="no true particles"):
        score_picks(picks(), nothing, radius=30.0)
    with pytest.raises(InputError, match="give radius"):
        score_picks(picks(), truth())
