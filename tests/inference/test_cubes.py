"""Cubes of a map lie where the molecule is."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.inference.cubes import cubes_of
from mapscope.volume import Volume

RANDOM = np.random.default_rng(0)


def test_cube_of_a_small_molecule_has_it_in_its_middle() -> None:
    data = np.zeros((60, 64, 70), dtype=np.float32)
    data[30:36, 20:26, 40:46] = 1.0
    (cube,) = cubes_of(Volume(data), data > 0, 24, 8)
    middle = np.argwhere(cube > 0).mean(axis=0)
    assert cube.sum() == data.sum()
    np.testing.assert_allclose(middle, 12, atol=2)


@pytest.mark.parametrize("shape", [(9, 30, 12), (1, 1, 1), (24, 24, 24), (23, 50, 24)])
def test_map_smaller_than_a_cube_is_in_its_middle_with_the_faces_mean_around(
    shape: tuple[int, int, int],
) -> None:
    data = RANDOM.standard_normal(shape, dtype=np.float32) + 5
    cubes = cubes_of(Volume(data), np.ones(shape, bool), 24, 8)
    assert all(cube.shape == (24, 24, 24) for cube in cubes)
    whole = all(n <= 24 for n in shape)
    corner = [(24 - n) // 2 for n in shape]
    if whole:
        there = tuple(slice(a, a + n) for a, n in zip(corner, shape, strict=True))
        np.testing.assert_array_equal(cubes[0][there], data)
        rest = np.ones((24,) * 3, bool)
        rest[there] = False
        assert np.unique(cubes[0][rest]).size <= 1


def test_cubes_of_a_large_molecule_hold_different_parts_and_are_no_more_than_asked() -> None:
    data = np.arange(80**3, dtype=np.float32).reshape((80,) * 3)
    cubes = cubes_of(Volume(data), np.ones(data.shape, bool), 32, 5)
    assert len(cubes) == 5
    assert len({float(cube[0, 0, 0]) for cube in cubes}) == 5
    assert all(np.isin(cube, data).all() for cube in cubes)


def test_cubes_of_two_molecules_hold_both_and_nothing_empty() -> None:
    data = np.zeros((40, 40, 120), dtype=np.float32)
    data[10:30, 10:30, 5:25], data[10:30, 10:30, 95:115] = 1.0, 2.0
    cubes = cubes_of(Volume(data), data > 0, 24, 8)
    assert {float(cube.max()) for cube in cubes} == {1.0, 2.0}
    assert all((cube > 0).mean() > 0.1 for cube in cubes)


def test_dark_density_becomes_bright() -> None:
    data = np.zeros((30, 30, 30), dtype=np.float32)
    data[10:20, 10:20, 10:20] = -3.0
    (cube,) = cubes_of(Volume(data, contrast=-1), data < 0, 24, 8)
    assert cube.max() == 3.0
