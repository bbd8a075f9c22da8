"""Slices through picks, snapping, orientations, distances to masks, meshes at particles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation

from mapscope.arrays import LazyArray
from mapscope.density import surface
from mapscope.density.symmetry import matrix_of_turn
from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.picking.gallery import gallery_slices
from mapscope.picking.mask_distance import distance_to_mask, is_in_mask
from mapscope.picking.meshes import particle_meshes, pointer, template_surface
from mapscope.picking.orientation import (
    angle_between,
    axes_of_rotations,
    rotation_of_axis,
    turned,
)
from mapscope.picking.snapping import local_maximum, maximum_along_ray
from mapscope.volume import Volume

FOUR = (4.0, 4.0, 4.0)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def noise(random: np.random.Generator) -> Volume:
    data = random.standard_normal((20, 24, 28)).astype(np.float32)
    return Volume(data, FOUR, (10.0, -20.0, 30.0))


def blob(centre: tuple[float, float, float], contrast: int = 1) -> Volume:
    """A Gaussian of three voxels at a place in voxels."""
    index = np.moveaxis(np.indices((30, 34, 38)), 0, -1)
    density = np.exp(-0.5 * ((index - centre) ** 2).sum(axis=-1) / 9.0)
    return Volume(
        (contrast * density).astype(np.float32), FOUR, (10.0, -20.0, 30.0), contrast=contrast
    )


@pytest.mark.parametrize(("axis", "along"), [("z", 0), ("y", 1), ("x", 2)])
def test_gallery_straight_is_what_stands_in_the_tomogram(
    noise: Volume, axis: str, along: int
) -> None:
    places = noise.grid.world_from_index([[10, 12, 14], [8, 9, 15]])
    slices = gallery_slices(noise, places, size=32.0, axis=axis)  # type: ignore[arg-type]
    assert slices.shape == (2, 8, 8)
    box = noise.data[6:14, 8:16, 10:18]
    np.testing.assert_array_equal(slices[0], np.take(box, 4, axis=along))
    slab = gallery_slices(noise, places, size=32.0, thickness=12.0, axis=axis)  # type: ignore[arg-type]
    np.testing.assert_allclose(slab[0], np.take(box, (3, 4, 5), axis=along).mean(axis=along))


def test_gallery_beyond_the_tomogram_has_the_mean_of_the_rest(noise: Volume) -> None:
    inside, outside = noise.grid.world_from_index([[10, 0, 14], [10, -90, 14]])
    slices = gallery_slices(noise, [inside, outside], size=32.0)
    there = noise.data[10, 0:4, 10:18]
    np.testing.assert_array_equal(slices[0, 4:], there)
    np.testing.assert_allclose(slices[0, :4], there.mean(), rtol=1e-5)
    assert (slices[1] == 0).all()


def test_gallery_of_a_lazy_tomogram_reads_only_boxes(noise: Volume) -> None:
    read: list[int] = []

    def load(box: tuple[slice, ...]) -> np.ndarray:
        read.append(int(np.prod([b.stop - b.start for b in box])))
        return np.asarray(noise.data[box])

    lazy = Volume(LazyArray(noise.shape, np.float32, load), noise.voxel_size, noise.origin)  # type: ignore[arg-type]
    places = noise.grid.world_from_index([[10, 12, 14], [8, 9, 15]])
    slices = gallery_slices(lazy, places, size=32.0)
    np.testing.assert_array_equal(slices, gallery_slices(noise, places, size=32.0))
    assert read == [64, 64]


def test_gallery_oriented_shows_each_particle_as_its_template_lies() -> None:
    """A spot at +x of the template is at +x of every slice, whatever the orientation."""
    turns = Rotation.random(4, random_state=1).as_matrix()
    shown = []
    for turn in turns:
        centre = np.array([15.0, 17.0, 19.0])
        spot = centre + turn @ [0.0, 0.0, 7.0]
        volume = blob(tuple(spot))
        place = volume.grid.world_from_index(centre)
        shown.append(gallery_slices(volume, [place], size=80.0, rotations=[turn])[0])
    for picture in shown:
        assert np.unravel_index(picture.argmax(), picture.shape) == (10, 17)
    np.testing.assert_allclose(shown[1], shown[0], atol=0.06)


def test_gallery_of_no_size_is_refused(noise: Volume) -> None:
    with pytest.raises(InputError, match="above 0"):
        gallery_slices(noise, [[0, 0, 0]], size=0.0)
    with pytest.raises(InputError, match="pixels"):
        gallery_slices(noise, [[0, 0, 0]], size=1e5)


@pytest.mark.parametrize("contrast", [1, -1])
def test_local_maximum_is_the_middle_of_a_blob_finer_than_voxels(contrast: int) -> None:
    volume = blob((14.3, 17.6, 20.2), contrast)
    middle = volume.grid.world_from_index((14.3, 17.6, 20.2))
    found = local_maximum(volume, middle + np.array([9.0, -7.0, 5.0]), 20.0)
    np.testing.assert_allclose(found, middle, atol=0.05)


def test_local_maximum_stays_within_its_radius() -> None:
    volume = blob((14.3, 17.6, 20.2))
    start = volume.grid.world_from_index((14.3, 17.6, 20.2)) + np.array([0.0, 0.0, 40.0])
    found = local_maximum(volume, start, 12.0)
    assert np.linalg.norm(found - start) <= 12.0 + 2.0  # half a voxel of the parabola
    assert found[2] < start[2] - 8.0
    far = np.array([-500.0, 0.0, 0.0])
    np.testing.assert_array_equal(local_maximum(volume, far, 12.0), far)


def test_local_maximum_in_noise_wants_blur(random: np.random.Generator) -> None:
    volume = blob((14.3, 17.6, 20.2))
    noisy = volume.with_data(volume.data + random.standard_normal(volume.shape).astype(np.float32))
    middle = volume.grid.world_from_index((14.3, 17.6, 20.2))
    found = local_maximum(noisy, middle + np.array([4.0, -4.0, 4.0]), 16.0, blur=10.0)
    assert np.linalg.norm(found - middle) < 6.0


def test_maximum_along_ray_is_where_the_ray_meets_density() -> None:
    volume = blob((14.3, 17.6, 20.2))
    middle = volume.grid.world_from_index((14.3, 17.6, 20.2))
    towards = np.array([0.3, -1.0, 0.2])
    start = middle - 400.0 * towards
    found = maximum_along_ray(volume, start, towards)
    assert found is not None
    assert np.linalg.norm(found - middle) < 2.0
    snapped = maximum_along_ray(volume, start + np.array([4.0, 0.0, 0.0]), towards, radius=10.0)
    assert snapped is not None
    np.testing.assert_allclose(snapped, middle, atol=0.05)
    assert maximum_along_ray(volume, start, -towards) is None


directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 1e-3)


@given(directions, st.floats(-180, 180))
def test_rotation_of_axis_lays_z_along_the_direction(
    direction: tuple[float, float, float], spin: float
) -> None:
    matrix = rotation_of_axis(direction, spin)
    unit = np.asarray(direction) / np.linalg.norm(direction)
    np.testing.assert_allclose(matrix[:, 0], unit, atol=1e-9)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) > 0
    assert angle_between(matrix, rotation_of_axis(direction)) == pytest.approx(abs(spin), abs=1e-5)


def test_axes_of_rotations_are_the_templates_own() -> None:
    turns = Rotation.random(5, random_state=3).as_matrix()
    axes = axes_of_rotations(turns)
    for k, unit in enumerate(np.eye(3)):
        np.testing.assert_allclose(axes[:, k], turns @ unit)


def test_turned_about_its_own_axis_keeps_that_axis() -> None:
    turns = Rotation.random(5, random_state=3).as_matrix()
    own = turned(turns, [30.0, 0.0, 0.0], frame="particle")
    np.testing.assert_allclose(own[:, :, 0], turns[:, :, 0], atol=1e-12)
    np.testing.assert_allclose(angle_between(own, turns), 30.0)
    lab = turned(turns, [90.0, 0.0, 0.0])
    np.testing.assert_allclose(lab, matrix_of_turn([90.0, 0.0, 0.0]) @ turns, atol=1e-12)


def test_distance_to_mask_is_that_of_a_distance_transform(random: np.random.Generator) -> None:
    mask = np.zeros((120, 60, 110), np.uint8)
    mask[40:70, 20:45, 30:100] = 2
    mask[100:103, 50:53, 5:8] = 7
    labels = Labels(mask, (3.0, 3.0, 3.0), (5.0, -7.0, 9.0))
    index = random.integers(0, mask.shape, (300, 3))
    places = labels.grid.world_from_index(index)
    for numbers, binary in (((), mask > 0), ((7,), mask == 7)):
        truth = distance_transform_edt(~binary, 3.0) - distance_transform_edt(binary, 3.0)
        wanted = truth[tuple(index.T)]
        wanted = wanted - 1.5 * np.sign(wanted)
        found = distance_to_mask(places, labels, limit=40.0, numbers=numbers)
        near = np.abs(wanted) <= 40.0
        assert 20 < near.sum() < 300 or numbers
        np.testing.assert_allclose(found[near], wanted[near], atol=1e-6)
        assert np.isinf(found[~near]).all()
        assert (np.sign(found[~near]) == np.sign(wanted[~near])).all()
        np.testing.assert_array_equal(
            is_in_mask(places, labels, numbers=numbers), binary[tuple(index.T)]
        )


def test_distance_to_mask_counts_beyond_its_grid() -> None:
    mask = Volume(np.ones((4, 4, 4), np.float32), (2.0, 2.0, 2.0))
    found = distance_to_mask([[-10.0, 2.0, 2.0], [-90.0, 2.0, 2.0]], mask, limit=30.0)
    assert found[0] == pytest.approx(9.0)
    assert found[1] == np.inf


def test_particle_meshes_are_the_template_put_in_place(random: np.random.Generator) -> None:
    template = pointer(30.0)
    turns = Rotation.random(50, random_state=2).as_matrix()
    particles = Particles(random.uniform(0, 500, (50, 3)), turns)
    whole = particle_meshes(template, particles, np.arange(50.0))
    corners = len(template.vertices)
    for number in (0, 17, 49):
        mine = slice(number * corners, (number + 1) * corners)
        expected = template.vertices @ turns[number].T + particles.positions[number]
        np.testing.assert_allclose(whole.vertices[mine], expected, atol=1e-3)
        assert whole.values is not None
        assert (whole.values[mine] == number).all()
    faces = whole.faces.reshape(50, -1, 3)
    np.testing.assert_array_equal(faces[17] - 17 * corners, template.faces)
    assert surface.enclosed(whole) == pytest.approx(50 * surface.enclosed(template), rel=1e-3)


def test_particle_meshes_without_rotations_are_only_moved() -> None:
    template = Mesh(
        np.eye(3, dtype=np.float32), np.array([[0, 1, 2]]), np.arange(3, dtype=np.float32)
    )
    whole = particle_meshes(template, Particles(np.array([[1.0, 2.0, 3.0]])))
    np.testing.assert_allclose(whole.vertices, np.eye(3) + np.array([1, 2, 3]))
    np.testing.assert_array_equal(whole.values, [0, 1, 2])
    with pytest.raises(InputError, match="values"):
        particle_meshes(template, Particles(np.zeros((2, 3))), [1.0])


def test_pointer_leads_along_z_and_its_fin_along_x() -> None:
    vertices = pointer(20.0).vertices
    tip = vertices[vertices[:, 0].argmax()]
    np.testing.assert_allclose(tip, [20.0, 0.0, 0.0])
    assert vertices[:, 2].max() == pytest.approx(20.0)
    assert vertices[:, 2].min() == pytest.approx(-10.0)


@pytest.mark.parametrize("most", [200, 1000])
def test_template_surface_has_few_triangles_and_keeps_its_size(most: int) -> None:
    index = np.moveaxis(np.indices((40, 42, 44)), 0, -1)
    radius = np.linalg.norm(index - [20, 21, 22], axis=-1)
    ball = Volume((12.0 - radius).astype(np.float32), (5.0, 5.0, 5.0), (100.0, 200.0, 300.0))
    mesh = template_surface(ball, 0.0, most_faces=most)
    assert most / 2 < len(mesh.faces) <= most
    distance = np.linalg.norm(mesh.vertices, axis=1)
    assert 50.0 < distance.min() <= distance.max() < 60.5
    assert surface.enclosed(mesh) == pytest.approx(4 / 3 * np.pi * 60.0**3, rel=0.15)


def test_gallery_of_a_memory_map_leaves_it_a_memory_map(tmp_path: Path, noise: Volume) -> None:
    data = np.memmap(tmp_path / "t.bin", np.float32, "w+", shape=noise.shape)
    data[:] = noise.data
    mapped = Volume(data, noise.voxel_size, noise.origin)
    places = noise.grid.world_from_index([[10, 12, 14]])
    np.testing.assert_array_equal(
        gallery_slices(mapped, places, size=40.0), gallery_slices(noise, places, size=40.0)
    )
