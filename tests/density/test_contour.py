"""Contour surfaces lie where the density is, closed, outward, and the same in slabs as whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.measure import marching_cubes

from mapscope.density import contour
from mapscope.density.contour import isosurface
from mapscope.density.surface import area, components, enclosed, normals
from mapscope.errors import Cancelled, DataError, GridError
from mapscope.mesh import Mesh
from mapscope.progress import Progress
from mapscope.volume import LazyArray, Region, Volume

Array = np.ndarray[Any, Any]
MakeMap = Callable[..., Any]
SHAPE = (26, 30, 34)


def ball(radius: float, shape: tuple[int, int, int] = SHAPE, voxel: Any = 1.0) -> Array:
    """Distance in Å within a ball around the middle of a box."""
    index = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij"), -1)
    inside = radius - np.linalg.norm(index * np.asarray(voxel), axis=-1)
    return np.asarray(inside, dtype=np.float32)


def directed_edges(mesh: Mesh) -> dict[tuple[int, int], int]:
    edges = np.concatenate([mesh.faces[:, (0, 1)], mesh.faces[:, (1, 2)], mesh.faces[:, (2, 0)]])
    pairs, counts = np.unique(edges, axis=0, return_counts=True)
    return {(int(a), int(b)): int(n) for (a, b), n in zip(pairs, counts, strict=True)}


def is_closed(mesh: Mesh) -> bool:
    """Whether each edge is run through as often in one direction as in the other."""
    edges = directed_edges(mesh)
    return all(edges.get((b, a)) == n for (a, b), n in edges.items())


def triangles(faces: Array) -> set[tuple[int, ...]]:
    """Faces, each begun at its smallest corner, its sense kept."""
    turned = (np.roll(face, -int(np.argmin(face))) for face in faces)
    return {tuple(face.tolist()) for face in turned}


@pytest.fixture
def thin_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slabs of three planes at most, thinner where there is much surface."""
    monkeypatch.setattr(contour, "_SLAB_VOXELS", 3 * SHAPE[1] * SHAPE[2])
    monkeypatch.setattr(contour, "_SLAB_EDGES", 100)


@pytest.mark.usefixtures("thin_slabs")
def test_isosurface_when_made_by_slabs_then_it_is_that_of_the_whole_map(
    smooth_noise: MakeMap,
) -> None:
    data = smooth_noise(SHAPE, seed=3)
    for level in (0.6 * float(data.std()), 2.5 * float(data.std())):
        found = isosurface(Volume(data), level, cap=False)
        vertices, faces, _, _ = marching_cubes(data, level)
        distance, partner = cKDTree(found.vertices).query(vertices)
        assert distance.max() < 1e-4
        assert len(found.vertices) == len(vertices) == len(set(partner))
        assert triangles(found.faces) == triangles(partner[faces])


@pytest.mark.parametrize("cap", [True, False])
def test_isosurface_when_slabs_are_thinner_then_nothing_changes(
    smooth_noise: MakeMap, monkeypatch: pytest.MonkeyPatch, cap: bool
) -> None:
    data = np.rint(8 * smooth_noise(SHAPE) / 0.3).astype(np.int8)
    whole = isosurface(Volume(data), 4, cap=cap)
    monkeypatch.setattr(contour, "_SLAB_VOXELS", 1)
    thin = isosurface(Volume(data), 4, cap=cap)
    rows = [np.unique(mesh.vertices[mesh.faces].reshape(-1, 9), axis=0) for mesh in (whole, thin)]
    np.testing.assert_allclose(np.sort(rows[0], axis=0), np.sort(rows[1], axis=0), atol=1e-5)
    assert len(whole.vertices) == len(thin.vertices)
    assert area(whole) == pytest.approx(area(thin))
    assert components(whole).max() == components(thin).max()


@pytest.mark.usefixtures("thin_slabs")
@pytest.mark.parametrize("level", [-3, 0, 0.5, 4])
def test_isosurface_when_voxels_are_exactly_at_the_level_then_it_is_closed(
    smooth_noise: MakeMap, level: float
) -> None:
    data = np.rint(6 * smooth_noise(SHAPE) / 0.3).astype(np.int16)
    mesh = isosurface(Volume(data), level)
    assert len(mesh.faces) > 1000
    assert is_closed(mesh)
    corners = [mesh.faces[:, n] for n in range(3)]
    assert not any((a == b).any() for a, b in zip(corners, corners[1:] + corners[:1], strict=True))


def test_isosurface_of_a_ball_has_its_area_and_volume_and_lies_in_the_frame() -> None:
    voxel, origin = (1.1, 0.9, 1.0), (12.0, -24.0, 36.0)
    volume = Volume(ball(10.0, (26, 30, 28), voxel), voxel, origin)
    mesh = isosurface(volume, 0.0)
    centre = volume.grid.world_from_index((np.array(volume.shape) - 1) / 2)
    offset = mesh.vertices - centre
    np.testing.assert_allclose(np.linalg.norm(offset, axis=1), 10.0, atol=0.03)
    assert area(mesh) == pytest.approx(4 * np.pi * 10**2, rel=0.01)
    assert enclosed(mesh) == pytest.approx(4 / 3 * np.pi * 10**3, rel=0.01)
    assert is_closed(mesh)
    np.testing.assert_allclose((normals(mesh) * offset).sum(axis=1), 10.0, rtol=0.02)


@pytest.mark.parametrize(
    ("contrast", "inside", "sign"), [(1, "above", 1), (-1, "above", -1), (1, "below", -1)]
)
def test_isosurface_when_density_is_dark_then_outside_is_still_away_from_it(
    contrast: int, inside: Any, sign: int
) -> None:
    data = 100 + sign * ball(8.0)
    mesh = isosurface(Volume(data, contrast=contrast), 100.0, inside=inside)
    assert enclosed(mesh) == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.02)


def test_isosurface_when_density_reaches_the_edge_then_the_cap_closes_it_flat() -> None:
    data = np.moveaxis(ball(8.0, (20, 20, 20)), 0, 0)[10:]
    closed = isosurface(Volume(data, (2.0,) * 3, (1.0, 2.0, 3.0)), 0.0)
    opened = isosurface(Volume(data, (2.0,) * 3, (1.0, 2.0, 3.0)), 0.0, cap=False)
    assert is_closed(closed)
    assert not is_closed(opened)
    assert float(closed.vertices[:, 0].min()) == 1.0
    # A ball of 8 voxels cut 0.5 voxels beyond its middle.
    part = np.pi * (2 / 3 * 8**3 - 8**2 * 0.5 + 0.5**3 / 3) * 2**3
    assert enclosed(closed) == pytest.approx(part, rel=0.02)


def test_isosurface_when_all_is_inside_then_the_cap_is_the_box() -> None:
    mesh = isosurface(Volume(np.ones((5, 6, 7), np.float16), (2.0,) * 3), 0.5)
    assert enclosed(mesh) == pytest.approx(4 * 5 * 6 * 8)
    assert area(mesh) == pytest.approx(2 * (20 + 24 + 30) * 4)
    assert is_closed(mesh)
    assert len(isosurface(Volume(np.ones((5, 6, 7)), (2.0,) * 3), 0.5, cap=False).vertices) == 0


@pytest.mark.parametrize(
    ("dtype", "factor", "offset", "tolerance"),
    [
        (np.float16, 1, 0, 5e-3),
        (np.int8, 8, 0, 0.1),
        (np.uint16, 2000, 30000, 1e-3),
        (np.int32, 100_000, 2**30, 1e-4),
        (np.float64, 1, 1e7, 1e-4),
        (">f4", 1, 0, 1e-6),
    ],
)
def test_isosurface_when_numbers_are_of_another_type_then_the_surface_is_the_same(
    dtype: Any, factor: float, offset: float, tolerance: float
) -> None:
    distance = np.clip(ball(8.3), -10, 10).astype(np.float64)
    data = factor * distance + offset
    data = np.rint(data) if np.dtype(dtype).kind in "iu" else data
    found = isosurface(Volume(data.astype(dtype)), offset)
    radius = np.linalg.norm(found.vertices - (np.array(SHAPE) - 1) / 2, axis=1)
    expected = isosurface(Volume(distance), 0.0)
    wanted = np.linalg.norm(expected.vertices - (np.array(SHAPE) - 1) / 2, axis=1)
    assert len(found.vertices) == len(expected.vertices) or np.dtype(dtype) == np.int8
    assert radius.mean() == pytest.approx(wanted.mean(), abs=tolerance)


def test_isosurface_when_a_region_and_a_step_are_given_then_it_stays_in_place() -> None:
    volume = Volume(ball(9.0), (1.0, 1.5, 2.0), (5.0, 6.0, 7.0))
    region = Region((0, 4, 3), (13, 25, 30))
    part = isosurface(volume, 0.0, region=region)
    low, high = (
        volume.grid.world_from_index(n) for n in (region.lower, np.array(region.upper) - 1)
    )
    assert (part.vertices >= low - 1e-4).all()
    assert (part.vertices <= high + 1e-4).all()
    whole = isosurface(volume, 0.0)
    inner = part.vertices[part.vertices[:, 0] < high[0] - 0.01]
    assert cKDTree(whole.vertices).query(inner)[0].max() < 1e-4
    coarse = isosurface(volume, 0.0, step=2)
    assert len(coarse.vertices) < len(whole.vertices) / 3
    assert enclosed(coarse) == pytest.approx(enclosed(whole), rel=0.05)
    with pytest.raises(GridError, match="outside"):
        isosurface(volume, 0.0, region=Region((50, 0, 0), (60, 5, 5)))


def test_isosurface_when_the_map_stays_in_its_file_then_it_is_read_a_slab_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = ball(9.0)
    asked: list[int] = []

    def load(part: tuple[slice, ...]) -> Array:
        asked.append(part[0].stop - part[0].start)
        return data[part]

    monkeypatch.setattr(contour, "_SLAB_VOXELS", 4 * SHAPE[1] * SHAPE[2])
    lazy = Volume(LazyArray(data.shape, data.dtype, load))  # type: ignore[arg-type]
    found = isosurface(lazy, 0.0)
    assert max(asked) == 5
    assert found.checksum() == isosurface(Volume(data), 0.0).checksum()


def test_isosurface_when_the_level_is_never_reached_then_it_is_empty() -> None:
    for level in (50.0, float(ball(9.0).max())):
        assert len(isosurface(Volume(ball(9.0)), level).vertices) == 0
    flat = isosurface(Volume(np.ones((1, 5, 5), np.float32)), 0.5)
    assert enclosed(flat) == pytest.approx(0.0)


def test_isosurface_when_a_piece_has_no_area_then_nothing_of_it_is_left() -> None:
    data = np.full((9, 9, 9), -1, np.float32)
    data[2, 2, 2] = 1e-9
    assert len(isosurface(Volume(data), 0.0).vertices) == 0
    data[6, 6, 6] = 1
    mesh = isosurface(Volume(data), 0.0)
    assert components(mesh).max() == 0
    assert is_closed(mesh)


@pytest.mark.parametrize("factor", [1e-20, 1e-7, 1e12])
def test_isosurface_when_densities_are_tiny_or_huge_then_it_is_the_same(
    smooth_noise: MakeMap, factor: float
) -> None:
    data = smooth_noise((16, 18, 20), seed=2)
    mesh = isosurface(Volume(data * np.float32(factor)), 0.05 * factor)
    assert is_closed(mesh)
    assert enclosed(mesh) == pytest.approx(enclosed(isosurface(Volume(data), 0.05)), rel=1e-4)


@pytest.mark.usefixtures("thin_slabs")
def test_isosurface_when_cancelled_between_slabs_then_it_stops(
    cancel: Callable[[int], Progress],
) -> None:
    with pytest.raises(Cancelled):
        isosurface(Volume(ball(9.0)), 0.0, progress=cancel(4))


def test_isosurface_when_it_runs_through_noise_then_it_is_refused_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contour, "LARGEST_FACES", 1000)
    with pytest.raises(DataError, match=r"over 1,000 triangles.*region or a step"):
        isosurface(Volume(ball(9.0)), 0.0)
