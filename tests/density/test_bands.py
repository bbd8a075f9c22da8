"""Bands add up to the map; windows average what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.density.bands import Bands, Windows, band_of
from mapscope.density.fourier import transform
from mapscope.density.local_signal import local_power
from mapscope.errors import InputError
from mapscope.volume import Grid

GRID = Grid((20, 24, 27), (1.5, 1.0, 1.2))
BANDS = Bands(0.08, 0.06, 1 / 3)


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def test_bands_weigh_1_together_at_every_frequency() -> None:
    frequency = np.linspace(0, 1, 333)
    weights = BANDS.weights(frequency)
    np.testing.assert_allclose(weights.sum(axis=0), 1, atol=1e-12)
    assert weights.min() >= 0
    np.testing.assert_allclose(BANDS.weights(BANDS.centres), np.eye(len(BANDS)), atol=1e-12)


def test_bands_of_a_map_add_up_to_it() -> None:
    data = noise(*GRID.shape)
    ft = transform(data)
    total = sum(band_of(ft, GRID, BANDS, band) for band in range(len(BANDS)))
    np.testing.assert_allclose(total, data, atol=2e-5)


def test_bands_of_many_maps_equal_those_of_one_at_a_time() -> None:
    maps = noise(3, *GRID.shape)
    together = band_of(transform(maps), GRID, BANDS, 2)
    for data, band in zip(maps, together, strict=True):
        np.testing.assert_allclose(band_of(transform(data), GRID, BANDS, 2), band, atol=1e-6)


def test_power_of_many_maps_equals_that_of_one_at_a_time() -> None:
    maps, windows = noise(2, *GRID.shape), Windows(GRID.shape, GRID.voxel_size, 4.0)
    together = local_power(transform(maps), GRID, BANDS, windows)
    for number, data in enumerate(maps):
        alone = local_power(transform(data), GRID, BANDS, windows)
        np.testing.assert_allclose(together[:, number], alone, rtol=1e-4)


def test_band_with_a_further_gain_is_that_of_the_map_with_it() -> None:
    data = noise(*GRID.shape)
    plain = band_of(transform(data), GRID, BANDS, 1)
    shaped = band_of(transform(data), GRID, BANDS, 1, lambda f: np.full_like(f, 2.5))
    np.testing.assert_allclose(shaped, 2.5 * plain, atol=1e-5)


def test_modes_of_all_bands_fill_the_sphere_of_frequencies() -> None:
    last = BANDS.centres[-1] + BANDS.step / 2
    assert BANDS.modes(1000.0).sum() == pytest.approx(1000.0 * 2 / 3 * np.pi * last**3)


def test_bands_without_width_are_refused() -> None:
    with pytest.raises(InputError, match="above 0"):
        Bands(0.1, 0.0, 0.5)


@given(
    st.tuples(*[st.integers(5, 30)] * 3),
    st.tuples(*[st.floats(0.5, 3)] * 3),
    st.floats(0.6, 12),
)
def test_windows_of_a_constant_give_it_back(
    shape: tuple[int, int, int], voxel_size: tuple[float, float, float], deviation: float
) -> None:
    windows = Windows(shape, voxel_size, deviation)
    averages = windows.averages(np.full(shape, 3.0, dtype=np.float32))
    np.testing.assert_allclose(averages, 3.0, rtol=1e-5)
    np.testing.assert_allclose(windows.spread(averages), 3.0, rtol=1e-5)


def test_windows_average_like_gaussians_of_their_width_in_any_voxels() -> None:
    from scipy.ndimage import gaussian_filter

    grid = Grid((60, 70, 48), (1.0, 0.8, 1.5))
    data = gaussian_filter(noise(*grid.shape), 2.0)
    windows = Windows(grid.shape, grid.voxel_size, 5.0)
    got = windows.spread(windows.averages(data))
    wanted = gaussian_filter(data, [5.0 / d for d in grid.voxel_size], mode="nearest")
    inner = (slice(18, -18), slice(18, -18), slice(12, -12))
    assert np.corrcoef(got[inner].ravel(), wanted[inner].ravel())[0, 1] > 0.98
    assert got[inner].std() == pytest.approx(wanted[inner].std(), rel=0.1)


def test_windows_of_a_part_are_those_of_the_whole() -> None:
    data, corner = noise(50, 50, 50), (13, 7, 18)
    part = data[13:43, 7:43, 18:50]
    whole = Windows((50, 50, 50), (1.0, 1.0, 1.0), 2.0)
    some = Windows((30, 36, 32), (1.0, 1.0, 1.0), 2.0, corner)
    got = some.spread(some.averages(part))[10:20, 10:20, 10:20]
    wanted = whole.spread(whole.averages(data))[23:33, 17:27, 28:38]
    np.testing.assert_allclose(got, wanted, atol=1e-4)
