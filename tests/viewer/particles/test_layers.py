"""A list of particles as a points layer, and back; its radius and colours as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.viewer.particles.conftest import show, some_particles

from mapscope.errors import InputError
from mapscope.particles import Particles
from mapscope.viewer.layers import noun_from_layer, reason_against, role_of
from mapscope.viewer.particles.colors import NO_SCORE, of_classes
from mapscope.viewer.particles.layers import usual_radius
from mapscope.viewer.particles.look import color_by, radius_of, set_radius, ways_for


def test_layer_shows_every_particle_in_its_place_and_gives_the_very_list_back(
    picks: Any, particles: Particles
) -> None:
    np.testing.assert_array_equal(picks.data, particles.positions)
    assert [str(unit) for unit in picks.units] == ["angstrom"] * 3
    assert role_of(picks) == "particles"
    assert noun_from_layer(picks) is particles
    assert set(picks.features) == {"species", "score", "tomogram"}
    np.testing.assert_array_equal(picks.features["score"], particles.score)


def test_layer_when_a_pick_was_moved_outside_of_an_editor_then_jobs_are_refused(
    picks: Any,
) -> None:
    picks.data = picks.data + 1.0
    assert reason_against(picks) == "moved or edited by hand"
    with pytest.raises(InputError, match="moved"):
        noun_from_layer(picks)


@pytest.mark.parametrize("count", [0, 1])
def test_layer_of_few_particles_is_made_too(model: ViewerModel, count: int) -> None:
    layer = show(model, some_particles(count))
    assert len(layer.data) == count
    color_by(layer, "score")
    set_radius(layer, 40.0)
    assert radius_of(layer) == 40.0
    layer.add([[0, 0, 0]])
    assert radius_of(layer) == 40.0


def test_radius_is_guessed_from_neighbours_or_taken_from_its_column(particles: Particles) -> None:
    assert usual_radius(particles) == pytest.approx(0.45 * 50.0)
    columns = {"radius": np.full(len(particles), 77.0)}
    assert usual_radius(Particles(particles.positions, columns=columns)) == 77.0


def test_radius_when_set_then_all_particles_have_it_whatever_is_selected(picks: Any) -> None:
    picks.selected_data = {1, 2}
    set_radius(picks, 60.0)
    assert set(picks.size.tolist()) == {120.0}
    assert radius_of(picks) == 60.0
    assert picks.selected_data == {1, 2}
    picks.add([[1.0, 2.0, 3.0]])
    assert picks.size[-1] == 120.0


def test_colours_when_by_class_then_one_for_each_class(picks: Any, particles: Particles) -> None:
    assert ways_for(picks) == ("class", "score", "one colour")
    color_by(picks, "class")
    wanted = of_classes(particles.species or ())
    np.testing.assert_allclose(picks.border_color, wanted, atol=1e-6)
    assert len(np.unique(picks.border_color, axis=0)) == 2
    assert (picks.face_color[:, 3] < picks.border_color[:, 3]).all()


def test_colours_when_by_score_then_they_rise_and_those_without_one_are_grey(
    picks: Any, particles: Particles
) -> None:
    color_by(picks, "score")
    colors = np.asarray(picks.border_color)
    assert particles.score is not None
    by_hand = np.isnan(particles.score)
    np.testing.assert_allclose(colors[by_hand], np.tile(NO_SCORE, (by_hand.sum(), 1)), atol=1e-6)
    assert len(np.unique(colors[~by_hand], axis=0)) == (~by_hand).sum()
    # Viridis ends in yellow: green rises with the score.
    green = colors[~by_hand][np.argsort(particles.score[~by_hand]), 1]
    assert (np.diff(green) > 0).all()
    color_by(picks, "one colour")
    assert len(np.unique(picks.border_color, axis=0)) == 1


def test_ways_are_only_those_that_the_list_knows(model: ViewerModel) -> None:
    layer = show(model, Particles(np.array([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0]])))
    assert ways_for(layer) == ("one colour",)
