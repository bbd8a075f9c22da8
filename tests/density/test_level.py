"""Levels to contour and draw at."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from mapscope.density.level import (
    contrast_limits,
    first_contour_level,
    is_cut_out,
    sample,
    tomogram_limits,
)
from mapscope.errors import DataError
from mapscope.volume import LazyArray, Volume


def blob(noise: float, size: int = 40) -> np.ndarray:
    """A dense ball of 1.5 % of the box in Gaussian noise."""
    axis = np.arange(size) - size // 2
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    random = np.random.default_rng(0).standard_normal((size,) * 3)
    return np.asarray((radius < 0.155 * size) + noise * random, dtype=np.float32)


def test_first_contour_level_of_a_ball_in_noise_separates_them() -> None:
    level = first_contour_level(Volume(blob(0.1)))
    assert 0.25 < level < 0.7


def test_first_contour_level_when_map_is_cut_out_encloses_more_than_a_tenth_of_it() -> None:
    data = np.zeros((30, 30, 30), np.float32)
    data[10:20, 10:20, 10:20] = np.random.default_rng(1).gamma(2.0, 1.0, (10, 10, 10))
    assert is_cut_out(data)
    level = first_contour_level(Volume(data))
    assert 0.1 < (data[10:20, 10:20, 10:20] >= level).mean() < 0.9


def test_first_contour_level_when_dark_is_dense_is_the_negative() -> None:
    data = blob(0.1)
    light, dark = Volume(data), Volume(-data, contrast=-1)
    assert first_contour_level(dark) == pytest.approx(-first_contour_level(light), rel=1e-5)


def test_first_contour_level_when_scale_and_offset_change_follows() -> None:
    data = blob(0.1)
    level = first_contour_level(Volume(data))
    assert first_contour_level(Volume(5 * data - 3)) == pytest.approx(5 * level - 3, rel=1e-3)


def test_first_contour_level_when_map_is_small_and_wide_encloses_something() -> None:
    data = np.random.default_rng(2).uniform(-1, 1, (12, 12, 12)).astype(np.float32)
    level = first_contour_level(Volume(data))
    assert (data >= level).any()


def test_first_contour_level_when_map_is_constant_says_so() -> None:
    with pytest.raises(DataError, match="constant"):
        first_contour_level(Volume(np.full((4, 4, 4), 2.0)))


def test_is_cut_out_when_background_is_not_zero_sees_it_in_the_corners() -> None:
    data = blob(0.1)
    assert not is_cut_out(data)
    masked = np.where(data > 0.3, data, np.float32(0.1))
    assert is_cut_out(masked)


def test_contrast_limits_when_an_outlier_is_added_hardly_move() -> None:
    data = np.random.default_rng(3).standard_normal((30, 30, 30)).astype(np.float32)
    low, high = contrast_limits(Volume(data))
    data[0, 0, 0] = 1e6
    assert contrast_limits(Volume(data)) == pytest.approx((low, high), abs=0.05)
    assert -3.2 < low < -2.2
    assert 2.5 < high < 3.4


def test_contrast_limits_when_map_is_constant_still_differ() -> None:
    low, high = contrast_limits(Volume(np.full((4, 4, 4), 2.0)))
    assert (low, high) == (2.0, 3.0)


def test_sample_when_array_is_large_takes_every_nth_voxel() -> None:
    data = np.arange(24**3, dtype=np.float32).reshape(24, 24, 24)
    values = sample(data, most=2000)
    assert values.tolist() == data[::2, ::2, ::2].ravel().tolist()
    assert sample(data).size == data.size


def test_sample_of_a_lazy_array_reads_few_of_its_blocks_from_all_over() -> None:
    data = np.random.default_rng(0).standard_normal((96, 160, 160)).astype(np.float32)
    data += np.arange(96, dtype=np.float32)[:, None, None]
    read = [0]

    def load(box: Any) -> Any:
        read[0] += data[box].size
        return data[box]

    lazy = LazyArray(data.shape, data.dtype, load, block_shape=(16, 16, 16))
    values = sample(cast("Any", lazy))
    assert read[0] <= 100 * 16**3
    assert values.size == read[0]
    assert float(values.mean()) == pytest.approx(float(data.mean()), abs=9)  # half a block
    assert float(values.std()) == pytest.approx(float(data.std()), rel=0.15)


def test_tomogram_limits_leave_out_what_is_empty_and_what_is_far_out() -> None:
    data = np.random.default_rng(0).standard_normal((40, 50, 60)).astype(np.float32)
    data[:, :, 40:] = 0
    data[:4, :4, :4] = 1000
    low, high = tomogram_limits(Volume(data, (10.0,) * 3))
    assert (low, high) == pytest.approx((-2.33, 2.33), abs=0.1)
    assert tomogram_limits(Volume(np.ones((9, 9, 9), np.float32))) == (1.0, 2.0)
