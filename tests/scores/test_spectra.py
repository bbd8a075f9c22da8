"""Spectra give back a planted B-factor; the prior gain is what exceeds C_ref."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.fourier import filter_radial
from mapscope.errors import GridError, InputError
from mapscope.scores.spectra import (
    distances_of,
    prior_gain,
    prior_gain_table,
    radial_spectra,
)
from mapscope.volume import Volume

FREQUENCY = np.arange(6) / 50


def test_spectra_of_blurred_noise_fall_by_the_planted_b_factor() -> None:
    noise = np.random.default_rng(0).standard_normal((40, 44, 48)).astype(np.float32)
    white = Volume(noise, (1.2, 1.2, 1.2))
    blurred = filter_radial(white, lambda f: np.exp(-80 / 4 * f**2))
    table = radial_spectra({"white": white, "blurred": blurred})
    square = np.asarray(table["squared_frequency"], dtype=float)[2:]
    difference = np.asarray(table["blurred"])[2:] - np.asarray(table["white"])[2:]
    slope = np.polyfit(square, difference, 1)[0]
    assert -4 * slope == pytest.approx(80, rel=0.02)
    assert table.plot is not None
    assert table.plot.y == ("white", "blurred")
    np.testing.assert_allclose(
        np.asarray(table["squared_frequency"], dtype=float),
        np.asarray(table["frequency"], dtype=float) ** 2,
    )


def test_spectra_when_there_is_nothing_or_another_grid_are_refused() -> None:
    with pytest.raises(InputError, match="at least one map"):
        radial_spectra({})
    maps = {"a": Volume(np.ones((8, 8, 8))), "b": Volume(np.ones((8, 8, 9)))}
    with pytest.raises(GridError, match="a and b"):
        radial_spectra(maps)


def test_spectrum_of_an_empty_map_holds_no_infinity() -> None:
    column = np.asarray(radial_spectra({"empty": Volume(np.zeros((8, 8, 8)))})["empty"])
    assert np.isnan(column).all()


def test_prior_gain_is_the_literal_difference_to_c_ref() -> None:
    half = np.array([1, 0.9, 0.5, 0.143, -0.1, 0.3])
    reference = np.array([1, 0.8, 0.9, 0.5, 0.2, 0.1])
    count = np.array([1, 10, 20, 30, 40, 50])
    found = prior_gain(FREQUENCY, reference, half, count)
    limit = np.sqrt(2 * half[:4] / (1 + half[:4]))
    np.testing.assert_allclose(found.limit, [*limit, 0, 0])
    np.testing.assert_allclose(found.gain, reference - found.limit)
    expected = ((reference - found.limit) * count)[1:].sum() / 150
    assert found.mean == pytest.approx(expected)
    assert found.limit[3] == pytest.approx(0.5, abs=1e-3)


def test_prior_gain_of_a_map_that_is_as_good_as_its_data_is_none() -> None:
    half = np.array([1, 0.95, 0.7, 0.4, 0.2, 0.05])
    found = prior_gain(FREQUENCY, np.sqrt(2 * half / (1 + half)), half, np.ones(6))
    np.testing.assert_allclose(found.gain, 0, atol=1e-12)
    table = prior_gain_table(found)
    assert table.plot is not None
    assert table.plot.headline.endswith("0.000")
    assert set(table.plot.y) == {"reference", "limit", "gain"}


def test_prior_gain_when_curves_do_not_fit_together_says_so() -> None:
    with pytest.raises(InputError, match="equally long"):
        prior_gain(FREQUENCY, np.ones(5), np.ones(6), np.ones(6))


def test_distances_of_frequencies_are_their_inverse_and_not_a_number_at_zero() -> None:
    found = distances_of(np.array([0, 0.5, 0.25]))
    np.testing.assert_allclose(found, [np.nan, 2, 4])
