"""The protein profile, and how it continues a map's own amplitudes."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.profile import reference_amplitude, target_amplitude
from mapscope.errors import DataError

FREQUENCY = np.arange(81) / 160


def test_reference_when_given_a_b_factor_falls_by_it_from_its_value_at_10_a() -> None:
    f = np.linspace(0.08, 0.7, 20)
    ratio = reference_amplitude(f, 90.0) / reference_amplitude(f, 30.0)
    np.testing.assert_allclose(ratio, np.exp(-15.0 * (f**2 - 0.01)), rtol=1e-12)
    assert reference_amplitude(0.1, 55.0) == pytest.approx(1.0)


def test_reference_has_the_dip_at_6_a_and_the_peak_at_4_5_a_of_secondary_structure() -> None:
    dip, peak, flank = reference_amplitude(np.array([1 / 6.25, 1 / 4.7, 1 / 3.3]), 0.0)
    assert dip < peak
    assert flank < peak


def test_reference_beyond_its_table_goes_on_falling_without_a_step() -> None:
    values = reference_amplitude(np.linspace(0.6, 1.2, 200), 0.0)
    assert (np.diff(values) < 0).all()
    assert np.abs(np.diff(np.log(values))).max() < 0.01


def test_target_is_the_maps_own_at_low_frequency_and_the_profile_beyond() -> None:
    own = 7.0 * reference_amplitude(FREQUENCY, 150.0)
    own[:10] *= 3.0
    target = target_amplitude(FREQUENCY, own, 40.0)
    low, high = FREQUENCY < 1 / 12.1, FREQUENCY > 1 / 7.9
    np.testing.assert_allclose(target[low], own[low], rtol=1e-12)
    ratio = target[high] / reference_amplitude(FREQUENCY[high], 40.0)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-12)


def test_target_of_a_map_that_has_the_profile_is_the_map_in_any_units() -> None:
    own = reference_amplitude(FREQUENCY, 40.0)
    for scale in (1e-6, 1.0, 1e5):
        np.testing.assert_allclose(target_amplitude(FREQUENCY, scale * own), scale * own, rtol=1e-9)


def test_target_where_the_signal_has_gone_still_follows_the_profile() -> None:
    own = reference_amplitude(FREQUENCY, 40.0)
    target = target_amplitude(FREQUENCY, np.where(FREQUENCY < 0.2, own, 0.0))
    np.testing.assert_allclose(target, own, rtol=1e-9)


def test_target_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="no signal at any frequency"):
        target_amplitude(FREQUENCY, np.zeros_like(FREQUENCY))
