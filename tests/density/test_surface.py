"""Surfaces are measured, cut and coloured as independent programs would do it."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from scipy.ndimage import label, map_coordinates

from mapscope import files
from mapscope.density import surface as module
from mapscope.density.contour import EnclosedVolume, isosurface
from mapscope.density.level import first_contour_level
from mapscope.density.resample import resample_fourier
from mapscope.density.surface import (
    area,
    coloured_by,
    coloured_by_height,
    coloured_by_radius,
    components,
    enclosed,
    normals,
    values_at,
    without_dust,
)
from mapscope.errors import Cancelled
from mapscope.mesh import Mesh
from mapscope.progress import Progress
from mapscope.volume import Grid, LazyArray, Volume

Array = np.ndarray[Any, Any]
MakeMap = Callable[..., Any]
EMPTY = Mesh(np.empty((0, 3), np.float32), np.empty((0, 3), np.int32))


def balls(*places: tuple[tuple[float, float, float], float]) -> Volume:
    """Density above 0 within balls of 1.5 Å voxels; centres and radii in voxels."""
    index = np.indices((40, 44, 48), dtype=np.float64)
    inside = [r - np.linalg.norm(index - np.reshape(c, (3, 1, 1, 1)), axis=0) for c, r in places]
    return Volume(np.max(inside, axis=0).astype(np.float32), (1.5,) * 3, (10.0, 20.0, 30.0))


THREE = balls(((12, 12, 12), 10.0), ((30, 30, 30), 6.0), ((8, 34, 38), 2.0))


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return isosurface(THREE, 0.0)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FACES_AT_ONCE", 97)


def test_area_and_volume_are_those_of_the_balls(mesh: Mesh) -> None:
    radii = np.array([15.0, 9.0, 3.0])
    assert area(mesh) == pytest.approx(4 * np.pi * (radii**2).sum(), rel=0.01)
    assert enclosed(mesh) == pytest.approx(4 / 3 * np.pi * (radii**3).sum(), rel=0.01)
    assert (area(EMPTY), enclosed(EMPTY)) == (0.0, 0.0)


def test_area_and_volume_when_counted_by_blocks_are_the_same(
    mesh: Mesh, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = area(mesh), enclosed(mesh), normals(mesh), components(mesh)
    monkeypatch.setattr(module, "_FACES_AT_ONCE", 97)
    assert area(mesh) == pytest.approx(whole[0])
    assert enclosed(mesh) == pytest.approx(whole[1])
    np.testing.assert_allclose(normals(mesh), whole[2], atol=1e-5)
    np.testing.assert_array_equal(
        np.unique(components(mesh), return_inverse=True)[1] > 0, whole[3] > 0
    )


def test_normals_when_a_vertex_has_no_triangle_are_zero() -> None:
    lone = Mesh(np.eye(4, 3, dtype=np.float32), np.array([[0, 1, 2]]))
    found = normals(lone)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [1, 1, 1, 0], atol=1e-6)
    assert normals(EMPTY).shape == (0, 3)


@pytest.mark.usefixtures("small_blocks")
def test_components_are_the_pieces_of_the_map(smooth_noise: MakeMap) -> None:
    data = smooth_noise((30, 34, 38), seed=5)
    level = 2.2 * float(data.std())
    mesh = isosurface(Volume(data), level)
    numbers = components(mesh)
    assert sorted(set(numbers.tolist())) == list(range(numbers.max() + 1))
    assert (numbers[mesh.faces] == numbers[mesh.faces[:, :1]]).all()
    # Face neighbours hang together in the surface too; corners that touch are left apart by one.
    _, most = label(data > level)
    _, least = label(data > level, np.ones((3, 3, 3)))
    assert least <= numbers.max() + 1 <= most
    assert least > 20


def test_components_when_a_vertex_belongs_to_no_face_is_a_piece_of_its_own() -> None:
    lone = Mesh(np.zeros((5, 3), np.float32), np.array([[1, 2, 4]]))
    numbers = components(lone)
    assert len(set(numbers.tolist())) == 3
    assert numbers[1] == numbers[2] == numbers[4]
    assert len(components(EMPTY)) == 0


@pytest.mark.parametrize(
    ("measure", "sizes"),
    [
        ("size", [30.0, 18.0, 6.0]),
        ("volume", [4 / 3 * np.pi * r**3 for r in (15.0, 9.0, 3.0)]),
        ("area", [4 * np.pi * r**2 for r in (15.0, 9.0, 3.0)]),
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_without_dust_keeps_the_pieces_that_are_large_enough(
    mesh: Mesh, measure: Any, sizes: list[float]
) -> None:
    mesh = coloured_by_height(mesh)
    for kept, size in enumerate(sizes, start=1):
        less = without_dust(mesh, 0.85 * size, measure=measure)
        assert components(less).max() + 1 == kept
        assert less.values is not None
        np.testing.assert_array_equal(less.values, less.vertices[:, 0])
    assert enclosed(less) == pytest.approx(enclosed(mesh))
    assert without_dust(mesh, 0.0) is mesh
    assert len(without_dust(mesh, 1e6, measure=measure).vertices) == 0
    assert len(without_dust(EMPTY, 5.0).vertices) == 0


def other_map(smooth_noise: MakeMap) -> Volume:
    """A map on another grid that holds all balls."""
    return Volume(smooth_noise((35, 38, 44), seed=1), (2.3, 2.1, 1.9), (1.0, 12.0, 22.5))


def gemmi_interpolation(volume: Volume, positions: Array) -> Array:
    """Trilinear values by gemmi, which knows orthogonal cells that begin at 0."""
    grid = gemmi.FloatGrid(np.ascontiguousarray(volume.data.transpose(2, 1, 0), np.float32))
    z, y, x = volume.grid.extent
    grid.set_unit_cell(gemmi.UnitCell(x, y, z, 90, 90, 90))
    found = [
        grid.interpolate_value(gemmi.Position(*(p - np.asarray(volume.origin))[::-1]), order=1)
        for p in positions
    ]
    return np.array(found)


def test_colours_at_200_vertices_equal_those_of_scipy_and_gemmi(
    mesh: Mesh, smooth_noise: MakeMap
) -> None:
    other = other_map(smooth_noise)
    coloured = coloured_by(mesh, other)
    assert coloured.values is not None
    chosen = np.random.default_rng(0).choice(len(mesh.vertices), 200, replace=False)
    positions = mesh.vertices[chosen].astype(np.float64)
    by_scipy = map_coordinates(
        other.data.astype(np.float64), other.grid.index_from_world(positions).T, order=1
    )
    tolerance = 1e-3 * float(other.data.std())
    for expected in (by_scipy, gemmi_interpolation(other, positions)):
        np.testing.assert_allclose(coloured.values[chosen], expected, atol=tolerance)


@pytest.mark.real_data
def test_colours_of_a_real_map_by_its_local_resolution_equal_those_of_scipy(
    data_folder: Path,
) -> None:
    folder = data_folder / "maps" / "relion_betagal_localres"
    volume = files.read(folder / "map.mrc.gz")
    # The header of that file has a voxel size of 1 Å; it lies on the grid of the map.
    local = volume.with_data(files.read(folder / "local_resolution.mrc.gz").data)
    other = resample_fourier(local, (90, 88, 92))
    mesh = isosurface(volume, first_contour_level(volume))
    found = values_at(other, mesh.vertices)
    assert found.is_inside.all()
    chosen = np.random.default_rng(0).choice(len(mesh.vertices), 200, replace=False)
    index = other.grid.index_from_world(mesh.vertices[chosen])
    expected = map_coordinates(other.data.astype(np.float64), index.T, order=1)
    np.testing.assert_allclose(found.values[chosen], expected, atol=1e-3 * float(other.data.std()))
    curve = EnclosedVolume(volume)
    level = first_contour_level(volume)
    assert curve.volume_at(level) == pytest.approx(enclosed(mesh), rel=0.03)


def test_values_at_when_the_map_is_a_plane_are_exact_up_to_its_border() -> None:
    grid = Grid((6, 7, 8), (2.0, 1.0, 0.5), (-3.0, 4.0, 5.0))
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    data = grid.world_from_index(index) @ np.array([0.5, -1.0, 2.0])
    volume = Volume(data, grid.voxel_size, grid.origin)
    random = np.random.default_rng(0).uniform(size=(100, 3)) * (np.array(grid.shape) - 1)
    corners = np.array(list(np.ndindex(2, 2, 2))) * (np.array(grid.shape) - 1)
    positions = grid.world_from_index(np.concatenate([random, corners]))
    found = values_at(volume, positions)
    assert found.is_inside.all()
    np.testing.assert_allclose(found.values, positions @ np.array([0.5, -1.0, 2.0]), atol=1e-5)


def test_values_at_when_positions_lie_outside_are_flagged_and_finite(mesh: Mesh) -> None:
    part = Volume(THREE.data[:15] + 100, THREE.voxel_size, THREE.origin)
    found = values_at(part, mesh.vertices)
    np.testing.assert_array_equal(found.is_inside, part.grid.contains(mesh.vertices - [1e-4, 0, 0]))
    assert 0.2 < found.is_inside.mean() < 0.8
    median = np.median(found.values[found.is_inside])
    assert (found.values[~found.is_inside] == median).all()
    assert np.isfinite(found.values).all()
    given = values_at(part, mesh.vertices, outside=-7.0)
    assert (given.values[~given.is_inside] == -7).all()
    away = values_at(part, mesh.vertices + 1000)
    assert not away.is_inside.any()
    assert (away.values == 0).all()
    assert values_at(part, np.empty((0, 3))).values.shape == (0,)


def test_values_at_when_a_map_is_read_by_stretches_are_the_same_and_read_no_more(
    mesh: Mesh, smooth_noise: MakeMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = smooth_noise((200, 38, 44), seed=1)
    asked: list[int] = []

    def load(part: tuple[slice, ...]) -> Array:
        asked.append(part[0].stop - part[0].start)
        return np.asarray(data[part])

    place = ((0.4, 2.1, 1.9), (1.0, 12.0, 22.5))
    whole = values_at(Volume(data, *place), mesh.vertices)
    monkeypatch.setattr(module, "_VOXELS_AT_ONCE", 1)
    lazy = LazyArray(data.shape, data.dtype, load)
    found = values_at(Volume(lazy, *place), mesh.vertices)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.values, whole.values)
    assert max(asked) <= 32 + 2 * 16 + 2


def test_values_at_when_cancelled_stops(mesh: Mesh, cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        values_at(THREE, mesh.vertices, progress=cancel(2))


def test_height_and_radius_are_positions_and_distances_in_angstrom(mesh: Mesh) -> None:
    for column, axis in enumerate("zyx"):
        found = coloured_by_height(mesh, axis)  # type: ignore[arg-type]
        np.testing.assert_array_equal(found.values, mesh.vertices[:, column])
    centre = THREE.grid.world_from_index((12, 12, 12))
    radius = coloured_by_radius(mesh, centre).values
    assert radius is not None
    near = np.linalg.norm(mesh.vertices - centre, axis=1) < 16
    np.testing.assert_allclose(radius[near], 15.0, atol=0.1)
    middle = coloured_by_radius(Mesh(np.diag([2.0, 4.0, 6.0]), np.array([[0, 1, 2]]))).values
    assert middle is not None
    assert float(middle[0]) == pytest.approx(math.sqrt(1 + 4 + 9))
    assert coloured_by_radius(EMPTY).values is not None
