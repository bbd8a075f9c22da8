"""Dilation, blur and noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, grey_dilation

from mapscope.errors import Cancelled, DataError, InputError
from mapscope.simulate.dilation import (
    MULLICK,
    Dilation,
    DilationRanges,
    ball,
    dilate,
    dilate_and_blur,
    drawn_dilation,
)
from mapscope.volume import Triple, Volume

VOXELS: Triple = (0.8, 1.0, 1.3)


def random_map(shape: tuple[int, int, int] = (20, 17, 15), seed: int = 0) -> Volume:
    """Smooth random density."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    return Volume(gaussian_filter(noise, 1.5).astype(np.float32), VOXELS, (3.0, 2.0, 1.0))


MAP = random_map()


def footprint(radius: float) -> Any:
    """Voxels whose centres lie within the radius."""
    reach = [int(radius // d) for d in VOXELS]
    axes = [np.arange(-n, n + 1) * d for n, d in zip(reach, VOXELS, strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 <= radius**2 + 1e-9


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.7, 3.0])
def test_dilate_is_the_grey_dilation_by_a_ball_in_angstrom(radius: float) -> None:
    low = float(MAP.data.min()) - 1
    wanted = grey_dilation(MAP.data, footprint=footprint(radius), mode="constant", cval=low)
    np.testing.assert_array_equal(dilate(MAP.data, VOXELS, radius), wanted)


def test_dilate_when_the_ball_is_smaller_than_a_voxel_changes_nothing() -> None:
    np.testing.assert_array_equal(dilate(MAP.data, VOXELS, 0.79), MAP.data)
    assert not list(ball(VOXELS, 0.79))
    assert sorted(ball(VOXELS, 0.8)) == [(-1, 0, 0), (1, 0, 0)]


def test_dilate_and_blur_does_dilation_then_filter_then_noise() -> None:
    how = Dilation(radius=1.5, blur=1.2, noise=0.0)
    quiet = dilate_and_blur(MAP, how)
    sigma = [1.2 / d for d in VOXELS]
    wanted = gaussian_filter(dilate(MAP.data, VOXELS, 1.5), sigma, mode="nearest")
    np.testing.assert_allclose(quiet.data, wanted, atol=1e-6)
    noisy = dilate_and_blur(MAP, Dilation(1.5, 1.2, 0.5))
    noise = noisy.data - quiet.data
    assert noise.std() == pytest.approx(0.5 * quiet.data.std(), rel=0.05)
    neighbours = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    assert abs(neighbours) < 0.05
    assert noisy.grid.matches(MAP.grid)


def test_dilate_and_blur_repeats_for_a_seed_and_differs_for_another() -> None:
    first, again, other = (dilate_and_blur(MAP, Dilation(1.0, 1.0, 0.2, s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first.data, again.data)
    assert not np.array_equal(first.data, other.data)


def test_dilate_and_blur_with_nothing_to_do_gives_the_map_back() -> None:
    np.testing.assert_array_equal(dilate_and_blur(MAP, Dilation(0.0, 0.0, 0.0)).data, MAP.data)


def test_dilate_and_blur_of_a_dark_map_inflates_what_is_dense() -> None:
    dark = Volume(-MAP.data, VOXELS, MAP.origin, contrast=-1)
    how = Dilation(1.5, 1.0, 0.0)
    made = dilate_and_blur(dark, how)
    assert made.contrast == -1
    np.testing.assert_allclose(made.data, -dilate_and_blur(MAP, how).data, atol=1e-6)


def test_dilate_and_blur_when_the_map_is_constant_says_so() -> None:
    with pytest.raises(DataError, match="constant"):
        dilate_and_blur(MAP.with_data(np.full(MAP.shape, 4.0, np.float32)), MULLICK)


def test_dilation_when_a_number_is_negative_says_so() -> None:
    with pytest.raises(InputError, match="at least 0"):
        Dilation(-1.0, 1.0, 0.1)


def test_dilate_and_blur_when_cancelled_stops() -> None:
    def progress(done: int, total: int, message: str = "") -> None:
        if message == "Gaussian filter":
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        dilate_and_blur(MAP, MULLICK, progress=progress)


def test_numbers_of_the_papers_experiment_stay_as_they_were_fixed() -> None:
    assert Dilation(radius=1.5, blur=1.1, noise=0.1, seed=0) == MULLICK


def test_drawn_dilation_repeats_for_a_seed_and_stays_in_its_ranges() -> None:
    ranges = DilationRanges(radius=(1.0, 1.5), blur=(0.5, 0.6), noise=(0.0, 0.1))
    drawn = [drawn_dilation(seed, ranges) for seed in range(30)]
    assert drawn == [drawn_dilation(seed, ranges) for seed in range(30)]
    assert len({d.radius for d in drawn}) == 30
    assert all(1.0 <= d.radius <= 1.5 and 0.5 <= d.blur <= 0.6 for d in drawn)
    assert all(0.0 <= d.noise <= 0.1 for d in drawn)
