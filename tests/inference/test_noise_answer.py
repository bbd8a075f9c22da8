"""Noise with the spectrum of a map's, and what models that are known make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests import tiny_models

from mapscope.density.fourier import Shells, transform
from mapscope.density.halves import mean_map
from mapscope.density.shells import shell_mean_amplitude
from mapscope.density.wiener import standardised, wiener_filter
from mapscope.inference.model import load
from mapscope.inference.noise_answer import (
    answer_to_noise,
    middle_of,
    noise_of_data,
    noise_of_halves,
)
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

HALVES: HalfMaps = example_noun(HalfMaps)


def amplitudes(volume: Volume) -> np.ndarray:
    return shell_mean_amplitude(transform(volume.data), Shells(volume.grid, "full"))


def test_noise_of_half_maps_is_as_strong_as_theirs_in_every_shell() -> None:
    found = wiener_filter(HALVES)
    noise = noise_of_halves(HALVES, found, seed=1)
    both = standardised(HALVES, found)
    difference = both.first.with_data(both.first.data - both.second.data)
    made = noise.first.with_data(noise.first.data - noise.second.data)
    inner = slice(1, int(0.8 / found.resolution / Shells(HALVES.grid, "full").width))
    ratio = amplitudes(made)[inner] / amplitudes(difference)[inner]
    assert ratio.mean() == pytest.approx(1, abs=0.1)
    assert abs(np.corrcoef(noise.first.data.ravel(), noise.second.data.ravel())[0, 1]) < 0.2


def test_noise_of_data_has_their_amplitudes_and_nothing_of_their_shape() -> None:
    data = mean_map(HALVES)
    noise = noise_of_data(data, seed=1)
    np.testing.assert_array_equal(noise.first.data, noise.second.data)
    np.testing.assert_allclose(amplitudes(noise.first), amplitudes(data), rtol=1e-3, atol=1e-6)
    assert abs(np.corrcoef(noise.first.data.ravel(), data.data.ravel())[0, 1]) < 0.3


def test_middle_is_a_box_in_its_place() -> None:
    part = middle_of(HALVES, 10)
    assert part.grid.shape == (10, 10, 10)
    start = (np.array(HALVES.grid.shape) - 10) // 2
    np.testing.assert_allclose(part.grid.origin, HALVES.grid.world_from_index(start))


def test_model_that_changes_nothing_gives_the_noise_back_and_one_that_lifts_does_not(
    tmp_path: Path,
) -> None:
    random = np.random.default_rng(0)
    shape = (24, 24, 24)
    noise = HalfMaps(*(Volume(random.standard_normal(shape, dtype=np.float32)) for _ in "ab"))
    same = answer_to_noise(load(str(tiny_models.enhancer_file())), noise, 4.0, device="cpu")
    mean = mean_map(noise)
    assert float(same.data.std()) == pytest.approx(float(mean.data.std()), rel=1e-2)
    lifting = tiny_models.write_enhancer(tmp_path / "lifting.safetensors", lift=3.0)
    made = answer_to_noise(load(str(lifting)), noise, 4.0, device="cpu")
    assert float(made.data.std()) > 1.3 * float(mean.data.std())
    assert made.grid.matches(mean.grid)
