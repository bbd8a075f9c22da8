"""Scaling one map to another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mapscope.density.fourier import Shells, transform
from mapscope.density.guinier import sharpen
from mapscope.density.scale import fit_scale, match_amplitudes, scaled, subtract
from mapscope.density.shells import correlate_shells, shell_mean_amplitude
from mapscope.errors import Cancelled, DataError, GridError
from mapscope.progress import Progress
from mapscope.volume import Volume


def random_volume(seed: int = 0, size: int = 16) -> Volume:
    """White noise."""
    data = np.random.default_rng(seed).standard_normal((size,) * 3)
    return Volume(data.astype(np.float32), (1.0, 1.0, 1.0))


def test_fit_scale_when_reference_is_scaled_recovers_both_numbers() -> None:
    volume = random_volume()
    fit = fit_scale(volume, volume.with_data(3 * volume.data - 2))
    assert (fit.scale, fit.offset, fit.correlation) == pytest.approx((3, -2, 1), abs=1e-5)
    assert scaled(volume, fit).data == pytest.approx(3 * volume.data - 2, abs=1e-5)


def test_fit_scale_within_a_mask_ignores_the_rest() -> None:
    volume = random_volume()
    other = 2 * volume.data + 1
    other[:8] = 100
    mask = np.zeros(volume.shape, np.float32)
    mask[8:] = 0.5
    fit = fit_scale(volume, volume.with_data(other), volume.with_data(mask))
    assert (fit.scale, fit.offset) == pytest.approx((2, 1), abs=1e-5)


def test_subtract_with_a_fit_of_the_same_map_leaves_nothing() -> None:
    volume = random_volume()
    other = volume.with_data(0.25 * volume.data + 7)
    rest = subtract(volume, other, fit_scale(other, volume))
    assert np.abs(rest.data).max() < 1e-4
    assert subtract(volume, volume).data.any() == np.False_


def test_fit_scale_when_numbers_determine_none_says_so() -> None:
    volume = random_volume()
    flat = volume.with_data(np.ones(volume.shape))
    with pytest.raises(DataError, match="constant"):
        fit_scale(flat, volume)
    with pytest.raises(DataError, match="mask is 0"):
        fit_scale(volume, volume, volume.with_data(np.zeros(volume.shape)))
    with pytest.raises(GridError):
        fit_scale(volume, random_volume(size=12))


def test_match_amplitudes_of_a_blurred_map_gives_the_sharp_one_again() -> None:
    volume = random_volume(size=32)
    matched = match_amplitudes(sharpen(volume, 20.0), volume)
    shells = Shells(volume.grid)
    fts = [transform(v.data) for v in (matched, volume)]
    amplitudes = [shell_mean_amplitude(ft, shells)[2:] for ft in fts]
    assert amplitudes[0] == pytest.approx(amplitudes[1], rel=0.02)
    assert correlate_shells(fts[0], fts[1], shells).fsc[1:].min() > 0.99


def test_match_amplitudes_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        match_amplitudes(random_volume(), random_volume(1), progress=cancel(20))
