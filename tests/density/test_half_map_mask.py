"""A mask around what half maps agree on: as the atoms have it, and none around noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapscope.density.frame import flip_hand
from mapscope.density.half_map_mask import mask_of_half_maps, mask_of_map
from mapscope.density.halves import mean_map
from mapscope.density.resample import onto_grid, resample_fourier, shape_for_voxel_size
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.density import fixed_density
from mapscope.volume import Grid, HalfMaps, Volume

GRID = Grid((72, 80, 76), (1.3, 1.3, 1.3), (4.0, 5.0, 6.0))
MIDDLE = GRID.world_from_index(np.array([30, 44, 40]))
RADIUS = 14.0


def ball_of_atoms() -> Atoms:
    """Atoms even in a ball, which fills 1.5 % of the box."""
    random = np.random.default_rng(0)
    directions = random.standard_normal((600, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    places = MIDDLE + RADIUS * directions * random.uniform(size=(600, 1)) ** (1 / 3)
    return Atoms(places, np.full(600, "C"), np.full(600, 30.0), np.ones(600))


def distances() -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm(GRID.world_from_index(index) - MIDDLE, axis=-1))


def halves_of(level: float) -> HalfMaps:
    density = fixed_density(ball_of_atoms(), GRID, "eman", 4.0)
    random = np.random.default_rng(1)
    first, second = (
        density + level * density.std() * random.standard_normal(GRID.shape) for _ in range(2)
    )
    return HalfMaps(*(Volume(v.astype(np.float32), 1.3, GRID.origin) for v in (first, second)))  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [0.5, 3.0, 8.0])
def test_mask_holds_the_atoms_and_little_else(level: float) -> None:
    mask = mask_of_half_maps(halves_of(level))
    assert mask is not None
    away = distances()
    assert mask.data[away < RADIUS - 2].min() > 0.5
    assert mask.data[away > RADIUS + 16].max() < 1e-6
    assert 0 <= mask.data.min() <= mask.data.max() <= 1
    assert mask.grid.matches(GRID)
    assert ((mask.data > 0.1) & (mask.data < 0.9)).any()


@pytest.mark.parametrize("size", [0.7, 1.0, 1.3, 2.0])
def test_means_of_voxels_make_the_mask_that_exactly_resampled_maps_make(size: float) -> None:
    shape = (round(80 / size) + 1, round(90 / size), round(84 / size))
    grid = Grid(shape, (size,) * 3, (4.0, 5.0, 6.0))
    volume = Volume(fixed_density(ball_of_atoms(), grid, "eman", 4.0), grid.voxel_size, grid.origin)
    coarse = mask_of_map(resample_fourier(volume, shape_for_voxel_size(grid, 3.0)))
    assert coarse is not None
    expected = onto_grid(coarse, grid, order=1)
    found = mask_of_map(volume)
    assert found is not None
    assert found.grid == grid
    off = found.data - expected.data
    assert abs(off.sum()) < 0.03 * expected.data.sum()
    assert np.square(off).sum() < 0.02 * np.square(expected.data).sum()


@pytest.mark.parametrize("axis", ["z", "y", "x"])
def test_mask_of_the_mirror_image_is_the_mirror_image(axis: Any) -> None:
    volume = mean_map(halves_of(0.5))
    one, other = mask_of_map(volume), mask_of_map(flip_hand(volume, axis))
    assert one is not None
    assert other is not None
    off = other.data - flip_hand(one, axis).data
    assert np.square(off).sum() < 0.02 * np.square(one.data).sum()


def test_nothing_stands_out_from_noise() -> None:
    random = np.random.default_rng(2)
    first, second = (
        Volume(random.standard_normal(GRID.shape, dtype=np.float32), GRID.voxel_size)
        for _ in range(2)
    )
    assert mask_of_half_maps(HalfMaps(first, second)) is None
    flat = first.with_data(np.ones(GRID.shape, np.float32))
    assert mask_of_half_maps(HalfMaps(flat, flat)) is None
    assert mask_of_map(flat) is None


def test_map_in_which_dark_is_dense_has_the_same_mask() -> None:
    bright = mean_map(halves_of(0.5))
    dark = Volume(-bright.data, bright.voxel_size, bright.origin, contrast=-1)
    one, other = mask_of_map(bright), mask_of_map(dark)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(other.data, one.data, atol=1e-5)
    assert one.data[distances() < RADIUS - 2].min() > 0.5
