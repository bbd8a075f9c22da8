"""What a method makes of noise, known beforehand for a few simple methods."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import shell_mean_amplitude
from mapscope.errors import DataError, GridError, InputError
from mapscope.scores.noise_only import noise_of, noise_response, shared_prior
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

HALVES: HalfMaps = example_noun(HalfMaps)
MEAN = HALVES.first.with_data((HALVES.first.float32() + HALVES.second.float32()) / 2)
NOISE = noise_of(HALVES)


def amplitudes(volume: Volume) -> np.ndarray:
    return shell_mean_amplitude(transform(volume.data), Shells(volume.grid, "full"))


def test_half_difference_is_literally_that() -> None:
    expected = (HALVES.first.float32() - HALVES.second.float32()) / 2
    np.testing.assert_array_equal(NOISE.data, expected)


def test_noise_of_the_same_spectrum_has_its_amplitudes_and_repeats_for_a_seed() -> None:
    made = [noise_of(HALVES, "same_spectrum", seed=seed) for seed in (0, 0, 1)]
    inner = slice(1, len(amplitudes(NOISE)) - 1)
    np.testing.assert_allclose(amplitudes(made[0])[inner], amplitudes(NOISE)[inner], rtol=0.02)
    assert made[0].checksum() == made[1].checksum() != made[2].checksum()
    assert abs(np.corrcoef(made[0].data.ravel(), NOISE.data.ravel())[0, 1]) < 0.05


def test_random_phases_keep_amplitudes_and_detail_coarser_than_the_resolution() -> None:
    made = noise_of(HALVES, "random_phases", resolution=8.0)
    np.testing.assert_allclose(amplitudes(made), amplitudes(MEAN), rtol=1e-3)
    a, b = (transform(volume.data) for volume in (made, MEAN))
    np.testing.assert_allclose(a[:3, :3, :3], b[:3, :3, :3], rtol=1e-3, atol=1e-2)
    assert np.abs(a - b).max() > 1


def test_response_of_a_linear_method_is_what_went_in() -> None:
    found = noise_response(lambda volume: volume.with_data(-3 * volume.data), MEAN, NOISE)
    assert found.given == pytest.approx(NOISE.data.std() / MEAN.data.std(), rel=1e-4)
    assert found.ratio == pytest.approx(1, abs=1e-5)
    assert abs(found.likeness) < 0.05


def test_response_of_a_method_that_scales_what_it_gets_shows_noise_made_into_a_map() -> None:
    def scaled(volume: Volume) -> Volume:
        return volume.with_data(volume.data / volume.data.std())

    found = noise_response(scaled, MEAN, NOISE)
    assert found.returned == pytest.approx(1, rel=1e-4)
    assert found.ratio == pytest.approx(1 / found.given, rel=1e-4)
    assert found.ratio > 1.3


def test_response_of_a_method_that_draws_from_memory_is_like_the_map() -> None:
    found = noise_response(lambda _: MEAN, MEAN, NOISE)
    assert found.likeness == pytest.approx(1, abs=1e-6)


def test_response_of_a_method_that_silences_noise_is_none() -> None:
    def silent(volume: Volume) -> Volume:
        return volume if volume is MEAN else volume.with_data(np.zeros(volume.shape))

    found = noise_response(silent, MEAN, NOISE)
    assert (found.returned, found.ratio, found.likeness) == (0, 0, 0)


def test_response_is_measured_inside_the_mask() -> None:
    inside = np.zeros(MEAN.shape)
    inside[10:20, 10:20, 10:20] = 1
    found = noise_response(lambda volume: volume, MEAN, NOISE, MEAN.with_data(inside))
    part = (slice(10, 20),) * 3
    assert found.given == pytest.approx(NOISE.data[part].std() / MEAN.data[part].std(), rel=1e-4)


def test_shared_prior_is_none_where_nothing_was_done_and_all_where_both_became_one() -> None:
    np.testing.assert_allclose(shared_prior(HALVES, HALVES), 0, atol=1e-6)
    gained = shared_prior(HALVES, HalfMaps(MEAN, MEAN))
    assert (gained[1:] >= -1e-5).all()
    assert gained[-3:].min() > 0.5


def test_noise_when_the_question_makes_no_sense_says_so() -> None:
    with pytest.raises(InputError, match="random phases"):
        noise_of(HALVES, "random_phases")
    with pytest.raises(InputError, match="random phases"):
        noise_of(HALVES, resolution=5.0)
    with pytest.raises(DataError, match="the same"):
        noise_of(HalfMaps(MEAN, MEAN))
    with pytest.raises(DataError, match="empty"):
        noise_response(lambda v: v, MEAN, NOISE, MEAN.with_data(np.zeros(MEAN.shape)))
    with pytest.raises(GridError, match="what the method made"):
        noise_response(lambda _: Volume(np.ones((4, 4, 4))), MEAN, NOISE)
    with pytest.raises(DataError, match="constant"):
        noise_response(lambda v: v.with_data(np.ones(v.shape)), MEAN, NOISE)
