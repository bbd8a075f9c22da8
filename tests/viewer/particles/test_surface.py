"""Axes and copies of a template lie where the particles are, and as they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from scipy.spatial.transform import Rotation
from tests.viewer.particles.conftest import show, some_particles

from mapscope.errors import InputError
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.progress import silent
from mapscope.viewer.layers import reason_against
from mapscope.viewer.particles.axes import (
    MANY,
    NEAREST,
    arrows_of,
    axes_of,
    reason_against_axes,
    show_axes,
)
from mapscope.viewer.particles.look import set_radius
from mapscope.viewer.particles.surface import copies_job, show_copies, template_of
from mapscope.volume import Volume


def drawn_axes(viewer: Any, layer: Any) -> Any:
    """The arrows of a layer, drawn anew as Qt's loop would do."""
    axes = axes_of(layer) or show_axes(viewer, layer)
    assert axes is not None
    axes.update()
    return axes


@pytest.fixture(autouse=True)
def _qt(qapp: Any) -> None:
    """Timers want an application."""


def test_axes_are_where_the_rotations_take_those_of_the_template(
    model: ViewerModel, picks: Any, particles: Particles
) -> None:
    set_radius(picks, 50.0)
    arrows = np.asarray(drawn_axes(model, picks).arrows.data).reshape(len(particles), 3, 2, 3)
    assert particles.rotations is not None
    for n, (position, turn) in enumerate(
        zip(particles.positions, particles.rotations, strict=True)
    ):
        np.testing.assert_allclose(arrows[n, :, 0], np.tile(position, (3, 1)))
        for axis in range(3):
            np.testing.assert_allclose(arrows[n, axis, 1], 1.3 * 50.0 * turn @ np.eye(3)[axis])


def test_axes_when_some_particles_are_hidden_then_theirs_are_too(
    model: ViewerModel, picks: Any, particles: Particles
) -> None:
    axes = drawn_axes(model, picks)
    shown = np.arange(len(particles)) < 4
    picks.shown = shown
    axes.update()
    assert len(axes.arrows.data) == 3 * 4
    np.testing.assert_allclose(axes.arrows.data[::3, 0], particles.positions[:4])


def test_axes_when_the_layer_goes_then_they_go_and_no_job_takes_them(
    model: ViewerModel, picks: Any
) -> None:
    axes = drawn_axes(model, picks)
    assert "only a part of another layer" in reason_against(axes.arrows)
    model.layers.remove(picks)
    assert len(model.layers) == 0
    assert axes_of(picks) is None


def test_axes_when_taken_away_then_the_list_alone_is_left(model: ViewerModel, picks: Any) -> None:
    drawn_axes(model, picks)
    assert show_axes(model, picks, is_shown=False) is None
    assert list(model.layers) == [picks]


def test_axes_when_particles_have_no_orientation_then_there_are_none(model: ViewerModel) -> None:
    layer = show(model, some_particles(has_rotations=False))
    assert reason_against_axes(layer) == "its particles have no orientation"
    assert show_axes(model, layer) is None


def test_arrows_when_there_are_many_particles_then_only_their_z_axes() -> None:
    count = MANY + 1
    turns = np.tile(np.eye(3), (count, 1, 1))
    arrows, colors = arrows_of(Particles(np.zeros((count, 3)), turns), np.ones(count, bool), 7.0)
    assert arrows.shape == (count, 2, 3)
    assert (arrows[:, 1] == [7.0, 0, 0]).all()
    assert len(set(colors)) == 1


def test_axes_of_many_particles_are_shown_in_the_slices_nearest_to_them(
    model: ViewerModel,
) -> None:
    random = np.random.default_rng(0)
    count = 2 * MANY
    places = random.uniform(0, [1000.0, 4000.0, 4000.0], (count, 3))
    turns = Rotation.random(count, random_state=0).as_matrix()
    layer = show(model, Particles(places, turns))
    set_radius(layer, 60.0)
    arrows = drawn_axes(model, layer).arrows
    unit = arrows.scale[0]
    assert unit == pytest.approx(1000.0 * NEAREST / count, rel=0.01)
    assert str(arrows.projection_mode) == "none"
    np.testing.assert_allclose(arrows.data[:, 0] * unit, places, atol=1e-6)
    np.testing.assert_allclose(arrows.data[:, 1] * unit, 1.3 * 60.0 * turns[:, :, 0], atol=1e-4)
    layer.shown = np.arange(count) < MANY
    axes = axes_of(layer)
    assert axes is not None
    axes.update()
    assert tuple(arrows.scale) == (1.0, 1.0, 1.0)
    assert str(arrows.projection_mode) == "all"


def ellipsoid() -> Volume:
    """A body of another length along each axis, around voxel 16."""
    z, y, x = np.indices((32, 32, 32)) - 16
    distance = np.sqrt((z / 9) ** 2 + (y / 6) ** 2 + (x / 3) ** 2)
    return Volume((2 - distance).clip(0).astype(np.float32), (4.0,) * 3)


def test_copies_of_an_average_are_its_surface_turned_and_moved(
    model: ViewerModel, picks: Any, particles: Particles
) -> None:
    copies = copies_job(picks, ellipsoid(), 1.0, "class")(silent)
    mesh = template_of(ellipsoid(), 0.0, 1.0, len(particles))
    np.testing.assert_allclose(np.abs(mesh.vertices).max(axis=0), [36, 24, 12], atol=4)
    each = len(mesh.vertices)
    assert len(copies.mesh.vertices) == each * len(particles)
    assert particles.rotations is not None
    for n in (0, 5, 11):
        wanted = mesh.vertices @ particles.rotations[n].T + particles.positions[n]
        np.testing.assert_allclose(
            copies.mesh.vertices[n * each : (n + 1) * each], wanted, atol=1e-3
        )
    layer = show_copies(model, picks, copies)
    assert model.layers.index(layer) == model.layers.index(picks) + 1
    colors = np.asarray(layer.vertex_colors)
    np.testing.assert_allclose(colors[::each], picks.border_color, atol=1e-6)
    again = show_copies(model, picks, copies)
    assert list(model.layers) == [picks, again]


def test_copies_are_only_of_particles_that_are_shown(picks: Any, particles: Particles) -> None:
    picks.shown = np.arange(len(particles)) == 7
    copies = copies_job(picks, None, None, "one colour")(silent)
    middle = copies.mesh.vertices.mean(axis=0)
    assert np.linalg.norm(middle - particles.positions[7]) < 30
    picks.shown = False
    with pytest.raises(InputError, match="no particles"):
        copies_job(picks, None, None, "class")


def test_copies_of_a_mesh_lie_around_its_middle() -> None:
    corners = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0], [0, 0, 10]], np.float32) + 100
    faces = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]], np.int32)
    mesh = template_of(Mesh(corners, faces), 0.0, None, 3)
    np.testing.assert_allclose(mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0), 0, atol=1e-5)
