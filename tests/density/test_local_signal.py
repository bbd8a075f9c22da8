"""Level, B-factor and resolution of each window, from powers that are known."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.bands import Bands, Windows
from mapscope.density.local_signal import LocalSignal, fit_local_signal, local_resolution
from mapscope.density.signal_curves import signal_curves
from mapscope.density.whole_map import molecule_weight, solvent_noise

BANDS = Bands(1 / 12, 0.05, 0.5)
WINDOWS = Windows((30, 30, 30), (1.0, 1.0, 1.0), 4.0)
SHAPE = (6, 5, 7)


def powers(level: float, b_factor: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Power of signal and noise in every band, the same in every window."""
    whole = 100.0 * np.exp(-30.0 * BANDS.centres**2)
    signal = whole * level * np.exp(-0.5 * b_factor * BANDS.centres**2)
    power = np.broadcast_to((signal + noise)[:, None, None, None], (len(BANDS), *SHAPE))
    return power.astype(np.float32), whole


@pytest.mark.parametrize(("level", "b_factor"), [(1.0, 0.0), (0.3, 50.0), (4.0, -25.0)])
def test_fit_when_power_falls_by_a_b_factor_finds_it_and_the_level(
    level: float, b_factor: float
) -> None:
    power, whole = powers(level, b_factor, 0.05)
    noise = np.float32(0.05) * np.ones((len(BANDS), 1, 1, 1), np.float32)
    found = fit_local_signal(power, noise, whole, BANDS, WINDOWS)
    # A tenth of the power around is not counted: it may have leaked from there.
    np.testing.assert_allclose(found.level, 0.9 * level, rtol=0.1)
    np.testing.assert_allclose(found.b_factor, b_factor, atol=4.0)


def test_fit_when_all_is_noise_finds_next_to_no_signal() -> None:
    whole = 100.0 * np.exp(-30.0 * BANDS.centres**2)
    noise = np.full((len(BANDS), *SHAPE), 50.0, np.float32)
    found = fit_local_signal(noise, noise, whole, BANDS, WINDOWS)
    assert found.share().max() < 0.05


def test_resolution_lies_where_signal_falls_to_a_third_of_the_noise() -> None:
    wanted, crossing = np.array([4.0, 3.2, 2.6], np.float32), 1 / 3
    slope = np.log(crossing) * wanted**2
    signal = np.exp(slope * BANDS.centres[:, None] ** 2).astype(np.float32)[:, :, None, None]
    ones = np.ones_like(signal)
    found = LocalSignal(signal, ones, ones[0], ones[0])
    np.testing.assert_allclose(local_resolution(found, BANDS).ravel(), wanted, rtol=0.02)


def test_resolution_where_there_is_no_noise_or_no_signal_is_that_of_an_end_of_the_bands() -> None:
    ones = np.ones((len(BANDS), 1, 1, 1), np.float32)
    good, bad = (
        LocalSignal(ones, 0 * ones, ones[0], ones[0]),
        LocalSignal(1e-6 * ones, ones, ones[0], ones[0]),
    )
    assert local_resolution(good, BANDS).item() == pytest.approx(1 / BANDS.centres[-1])
    assert local_resolution(bad, BANDS).item() == pytest.approx(12.0)


def test_curves_when_a_protein_is_blurred_find_the_b_factor_and_take_it_back() -> None:
    from mapscope.density.profile import reference_amplitude

    frequency = np.arange(51) / 100
    count = 1 + 1000 * frequency**2
    power = 25.0 * reference_amplitude(frequency, 90.0) ** 2
    curves = signal_curves(frequency, power, 0.0 * power, count)
    assert curves.b_factor == pytest.approx(90.0, abs=2.0)
    used = (frequency > 1 / 8) & (frequency < 0.45)
    wanted = np.exp(0.25 * 50.0 * frequency[used] ** 2)
    ratio = curves.gain[used] / wanted
    np.testing.assert_allclose(ratio / ratio[0], 1.0, rtol=0.08)


def test_curves_of_pure_noise_leave_every_shell_as_it_is() -> None:
    frequency = np.arange(51) / 100
    power = np.ones(51)
    curves = signal_curves(frequency, power, power, 1 + 1000 * frequency**2)
    np.testing.assert_array_equal(curves.gain, 1.0)


def test_solvent_is_what_lies_outside_a_mask_or_the_poorest_sixth() -> None:
    power = np.linspace(1, 2, 600, dtype=np.float32).reshape(1, 10, 10, 6)
    outside = power[0] < 1.1
    assert solvent_noise(power, outside)[0] == pytest.approx(float(power[0][outside].mean()))
    assert solvent_noise(power)[0] == pytest.approx(1 + 1 / 6, abs=0.01)


def test_molecule_is_where_power_stands_out_from_the_noise() -> None:
    power = np.ones((4, 4, 4), np.float32)
    power[0], power[1] = 20.0, 2.25
    weight = molecule_weight(power, 1.0)
    assert (weight[0] == 1).all()
    np.testing.assert_allclose(weight[1], 0.5)
    assert (weight[2:] == 0).all()
