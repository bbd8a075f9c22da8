"""Guinier curves and sharpening."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.fourier import Shells, transform
from mapscope.density.guinier import (
    fit_b_factor,
    fsc_weight,
    guinier_curve,
    sharpen,
    sharpening_gain,
)
from mapscope.density.shells import shell_mean_amplitude
from mapscope.errors import Cancelled, DataError, InputError
from mapscope.progress import Progress
from mapscope.volume import Grid, Volume


def point(grid: Grid) -> Volume:
    """A map whose amplitudes are 1 everywhere."""
    data = np.zeros(grid.shape, np.float32)
    data[tuple(n // 2 for n in grid.shape)] = 1
    return Volume(data, grid.voxel_size)


@pytest.mark.parametrize(
    "grid", [Grid((32, 32, 32), (1.5,) * 3), Grid((30, 41, 36), (1.2, 1.0, 1.1))]
)
def test_fit_b_factor_when_map_was_blurred_recovers_it(grid: Grid) -> None:
    blurred = sharpen(point(grid), 60.0)
    shells = Shells(grid)
    amplitude = shell_mean_amplitude(transform(blurred.data), shells)
    fit = fit_b_factor(guinier_curve(shells.frequency, amplitude))
    assert fit.b_factor == pytest.approx(-60, rel=0.02)
    assert fit.slope == pytest.approx(fit.b_factor / 4)
    assert fit.correlation > 0.999


def test_sharpen_when_blurred_by_the_opposite_gives_the_map_again() -> None:
    volume = Volume(
        np.random.default_rng(0).standard_normal((12, 14, 9)).astype(np.float32), (1.5, 1.2, 1.4)
    )
    assert sharpen(sharpen(volume, 30.0), -30.0).data == pytest.approx(volume.data, abs=1e-5)


def test_fsc_weight_when_fsc_was_positive_only_at_first_is_zero_from_there() -> None:
    weight = fsc_weight([1.0, 0.5, 0.0, 0.9])
    assert weight == pytest.approx([1.0, np.sqrt(2 / 3), 0.0, 0.0])


def test_fsc_weight_when_the_means_disagree_by_rounding_keeps_the_shells_that_agree() -> None:
    weight = fsc_weight([-1.0, 1.0, 0.5, -0.1, 0.9])
    assert weight == pytest.approx([0.0, 1.0, np.sqrt(2 / 3), 0.0, 0.0])


def test_fit_b_factor_when_weights_are_given_leaves_out_shells_without() -> None:
    frequency = np.arange(11) * 0.03
    amplitude = np.exp(-20 * frequency**2)
    amplitude[8:] = 1.0
    weight = np.where(np.arange(11) < 8, 1.0, 0.0)
    fit = fit_b_factor(guinier_curve(frequency, amplitude, weight))
    assert fit.b_factor == pytest.approx(-80)


def test_fit_b_factor_within_a_range_uses_only_that() -> None:
    frequency = np.arange(21) * 0.02
    amplitude = np.exp(-np.where(frequency < 0.2, 10, 25) * frequency**2)
    curve = guinier_curve(frequency, amplitude)
    assert fit_b_factor(curve, 20.0, 5.2).b_factor == pytest.approx(-40)
    assert fit_b_factor(curve, 4.99).b_factor == pytest.approx(-100)


def test_fit_b_factor_when_range_is_too_short_says_so() -> None:
    curve = guinier_curve(np.arange(5) * 0.05, np.ones(5))
    with pytest.raises(DataError, match="needs three"):
        fit_b_factor(curve, 10.0, 9.0)


def test_sharpening_gain_takes_the_nearest_shell_and_ends_at_the_last() -> None:
    gain = sharpening_gain(0.0, frequency=np.array([0.0, 0.1, 0.2]), weight=np.array([1, 0.5, 0.2]))
    frequency = np.array([0.04, 0.06, 0.149, 0.151, 0.2, 0.21])
    assert gain(frequency) == pytest.approx([1, 0.5, 0.5, 0.2, 0.2, 0.0])


def test_sharpening_gain_when_b_factor_is_negative_rises_with_frequency() -> None:
    assert sharpening_gain(-100.0)(np.array([0.2])) == pytest.approx(np.exp(1.0))


def test_sharpen_when_part_is_sharpened_with_curves_of_the_whole_agrees_inside(
    smooth_noise: Callable[..., npt.NDArray[np.float32]],
) -> None:
    volume = Volume(smooth_noise((64, 64, 64)), (1.0,) * 3)
    frequency = Shells(volume.grid).frequency
    weight = np.exp(-((frequency / 0.3) ** 2))
    whole = sharpen(volume, -20.0, frequency=frequency, weight=weight).data
    cut = volume.data[8:56, 8:56, 8:56]
    part = sharpen(Volume(cut), -20.0, frequency=frequency, weight=weight).data
    inner = slice(12, -12)
    difference = part[inner, inner, inner] - whole[20:44, 20:44, 20:44]
    assert difference.std() < 0.05 * whole.std()


def test_sharpen_with_resolution_removes_what_is_finer() -> None:
    grid = Grid((24, 24, 24), (1.0,) * 3)
    sharp = sharpen(point(grid), -50.0, resolution=4.0)
    amplitude = shell_mean_amplitude(transform(sharp.data), Shells(grid)) * 24**3
    assert amplitude[4] == pytest.approx(np.exp(50 / 4 * (4 / 24) ** 2), rel=0.05)
    assert amplitude[8:].max() < 1e-4


def test_sharpening_gain_when_weights_do_not_fit_says_so() -> None:
    with pytest.raises(InputError, match="each of at least two"):
        sharpening_gain(0.0, frequency=np.arange(3.0), weight=np.ones(4))
    with pytest.raises(InputError, match="evenly spaced"):
        sharpening_gain(0.0, frequency=np.array([0.0, 0.1, 0.5]), weight=np.ones(3))


def test_sharpen_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        sharpen(point(Grid((8, 8, 8))), -50.0, progress=cancel(6))


def test_fit_b_factor_when_the_range_ends_on_a_shell_includes_it_despite_rounding() -> None:
    frequency = np.arange(40) / 72.0
    curve = guinier_curve(frequency, np.exp(-5.0 - 30.0 * frequency**2 + 0.3 * np.cos(frequency)))
    fits = [
        fit_b_factor(curve, 10.0, (1 / frequency[30]) * (1 + shift)).b_factor
        for shift in (-1e-8, 0.0, 1e-8)
    ]
    assert fits[0] == fits[1] == fits[2]
    assert fits[0] != fit_b_factor(curve, 10.0, 1 / frequency[29]).b_factor
