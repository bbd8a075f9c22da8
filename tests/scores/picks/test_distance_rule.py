"""Picks and particles one to one, on cases whose answer is known."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.particles import TOMOGRAM, Particles
from mapscope.scores.picks.distance_rule import distance_matches
from mapscope.scores.picks.localisation import localisation
from mapscope.scores.picks.radii import radii_of


def along_x(
    *x: float,
    score: list[float] | None = None,
    species: str = "",
    tomograms: str = "",
) -> Particles:
    """Particles on the x axis; species and tomograms are letters."""
    places = np.zeros((len(x), 3))
    places[:, 2] = x
    columns = {TOMOGRAM: np.array(list(tomograms))} if tomograms else {}
    scores = None if score is None else np.array(score)
    return Particles(places, None, tuple(species) or None, scores, columns)


def test_a_pick_hits_up_to_its_reach_and_at_it() -> None:
    matches = distance_matches(along_x(5.0, 105.001, 200.0), along_x(0, 100, 200), 5.0)
    assert matches.particle.tolist() == [0, -1, 2]
    np.testing.assert_allclose(matches.distance, [5, np.nan, 0])


def test_each_particle_has_the_reach_of_its_own_radius() -> None:
    reach = 0.5 * radii_of(Particles(np.zeros((2, 3)), columns={"radius": np.array([20.0, 60.0])}))
    matches = distance_matches(along_x(15, 115), along_x(0, 100), reach)
    assert matches.particle.tolist() == [-1, 1]


def test_the_best_pick_takes_the_particle_and_the_other_is_a_further_hit() -> None:
    picks = along_x(1, 0, score=[2.0, 1.0])
    matches = distance_matches(picks, along_x(0), 5.0)
    assert matches.first.tolist() == [0]
    assert matches.counts.tolist() == [True, False]
    found = localisation(matches)
    assert (found.found, found.multiple, found.false_picks) == (1, 1, 0)
    assert (found.precision, found.recall) == (0.5, 1.0)
    assert distance_matches(picks, along_x(0), 5.0, order="list").first.tolist() == [0]
    swapped = along_x(1, 0, score=[1.0, 2.0])
    assert distance_matches(swapped, along_x(0), 5.0).first.tolist() == [1]
    assert distance_matches(swapped, along_x(0), 5.0, order="list").first.tolist() == [0]


@pytest.mark.parametrize("order", ["score", "list"])
def test_a_pick_whose_nearest_is_taken_gets_the_next_within_reach(
    order: Literal["score", "list"],
) -> None:
    picks = along_x(4, 4.5, score=[1.0, 1.0])
    matches = distance_matches(picks, along_x(0, 6, 30), 6.0, order=order)
    # The first takes the particle at 6, which is nearer; the second the one at 0.
    assert matches.particle.tolist() == [1, 0]
    assert matches.first.tolist() == [1, 0, -1]
    np.testing.assert_allclose(matches.distance, [2, 4.5])


def test_no_particle_has_two_picks_and_no_pick_two_particles_in_a_crowd() -> None:
    random = np.random.default_rng(1)
    picks = Particles(random.uniform(0, 100, (300, 3)), score=random.normal(size=300))
    truth = Particles(random.uniform(0, 100, (200, 3)))
    matches = distance_matches(picks, truth, 15.0)
    chosen = matches.first[matches.is_found]
    assert len(set(chosen.tolist())) == len(chosen) == matches.counts.sum()
    np.testing.assert_array_equal(matches.particle[chosen], np.flatnonzero(matches.is_found))
    assert np.nanmax(matches.distance) <= 15.0
    # What is left over has nothing free within its reach.
    free = truth.positions[~matches.is_found]
    for place in picks.positions[~matches.counts]:
        assert np.linalg.norm(free - place, axis=1).min() > 15.0


def test_within_species_a_pick_leaves_particles_of_others_alone() -> None:
    picks, truth = along_x(0, 10, species="ba"), along_x(0, 10, species="aa")
    assert distance_matches(picks, truth, 4.0).particle.tolist() == [0, 1]
    assert distance_matches(picks, truth, 4.0, within_species=True).particle.tolist() == [-1, 1]


def test_only_particles_of_the_same_tomogram_are_hit() -> None:
    picks = along_x(0, 0, 50, tomograms="abb")
    matches = distance_matches(picks, along_x(0, 50, tomograms="ba"), 5.0)
    assert matches.particle.tolist() == [-1, 0, -1]


def test_one_tomogram_under_two_names_is_one_and_several_must_share_names() -> None:
    one = distance_matches(along_x(0, tomograms="a"), along_x(0, tomograms="b"), 5.0)
    assert one.particle.tolist() == [0]
    with pytest.raises(InputError, match="different tomograms"):
        distance_matches(along_x(0, 1, tomograms="ab"), along_x(0, 1, tomograms="cd"), 5.0)


def test_radii_come_from_the_column_from_the_challenge_or_are_asked_for() -> None:
    places = np.zeros((2, 3))
    known = Particles(places, None, ("ribosome", "Apo-Ferritin"))
    assert radii_of(known).tolist() == [150.0, 60.0]
    assert radii_of(known, 7.0).tolist() == [7.0, 7.0]
    unknown = Particles(places, None, ("ribosome", "other"))
    with pytest.raises(InputError, match="give radius in Å"):
        radii_of(unknown)
    assert np.isnan(radii_of(unknown, is_needed=False)).tolist() == [False, True]
