"""What half maps say is found again: their agreement, the weights, the standard spectrum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.fourier import Shells, filter_radial, transform
from mapscope.density.frame import crop
from mapscope.density.halves import mean_map
from mapscope.density.profile import reference_amplitude
from mapscope.density.shells import correlate_shells
from mapscope.density.wiener import (
    STRONG,
    THRESHOLD,
    WienerFilter,
    standard_amplitude,
    standard_gain,
    standardised,
    stated_fsc,
    wiener_filter,
    wiener_filter_of_map,
    wiener_map,
)
from mapscope.errors import DataError, GridError, InputError
from mapscope.volume import Grid, HalfMaps, Region, Triple, Volume

Floats = npt.NDArray[np.float64]

SHAPE = (64, 72, 60)
BLUR = 120.0
RATIO = 30.0


def noise(shape: tuple[int, int, int], seed: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def signal_of(grid: Grid, seed: int = 0) -> Volume:
    """White noise blurred by a B-factor: power ``exp(-B f² / 2)``."""
    white = Volume(noise(grid.shape, seed), grid.voxel_size, grid.origin)
    return filter_radial(white, lambda f: np.exp(-0.25 * BLUR * f**2))


def halves_of(
    shape: tuple[int, int, int] = SHAPE, voxel_size: float | Triple = 1.0
) -> tuple[HalfMaps, Volume]:
    """Half maps whose signal-to-noise ratio is `RATIO` times ``exp(-B f² / 2)``; the signal."""
    grid = Grid(shape, voxel_size, (5.0, -3.0, 2.0))  # type: ignore[arg-type]
    signal = signal_of(grid)
    level = np.float32(RATIO**-0.5)
    first, second = (signal.with_data(signal.data + level * noise(shape, n)) for n in (1, 2))
    return HalfMaps(first, second), signal


def true_fsc(frequency: Floats) -> Floats:
    ratio = RATIO * np.exp(-0.5 * BLUR * frequency**2)
    return np.asarray(ratio / (1 + ratio))


def true_resolution() -> float:
    return float((0.5 * BLUR / np.log(RATIO * (1 - THRESHOLD) / THRESHOLD)) ** 0.5)


def fsc(first: Volume, second: Volume) -> Floats:
    shells = Shells(first.grid, "full")
    return correlate_shells(transform(first.data), transform(second.data), shells).fsc


def amplitudes(volume: Volume) -> Floats:
    shells, ft = Shells(volume.grid, "full"), transform(volume.data)
    power, count = shells.sums(lambda p: (np.abs(ft[p]) ** 2, np.ones(ft[p].shape)))
    return np.asarray(np.sqrt(power / count))


def correlation(a: Volume, b: Volume) -> float:
    return float(np.corrcoef(a.data.ravel(), b.data.ravel())[0, 1])


def assert_same(found: WienerFilter, other: WienerFilter) -> None:
    np.testing.assert_allclose(found.c_ref, other.c_ref, atol=1e-4)
    np.testing.assert_allclose(found.gain, other.gain, rtol=1e-3, atol=1e-4)
    assert found.resolution == pytest.approx(other.resolution, rel=1e-4)


def test_planted_agreement_is_found_as_c_ref_and_resolution() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    planted = true_fsc(found.frequency)
    inside = (found.frequency > 0.03) & (found.frequency < 0.95 / true_resolution())
    expected = np.sqrt(2 * planted / (1 + planted))
    assert np.abs(found.c_ref - expected)[inside].max() < 0.05
    assert np.abs(found.c_ref - expected)[inside].mean() < 0.012
    assert found.resolution == pytest.approx(true_resolution(), rel=0.03)


def test_nothing_is_left_beyond_the_resolution_and_the_end_is_soft() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    end = 1 / found.resolution
    assert (found.gain[found.frequency > 1.11 * end] == 0).all()
    assert (found.c_ref[found.frequency > 1.11 * end] == 0).all()
    falling = found.c_ref[(found.frequency > end) & (found.frequency < 1.1 * end)]
    assert ((falling > 0) & (falling < 0.5)).all()


def test_amplitudes_become_those_of_the_standard_spectrum_times_c_ref() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    got = amplitudes(wiener_map(mean_map(halves), found))
    f = found.frequency
    inside = (f > 0.13) & (f < 0.95 / found.resolution)
    share = got[inside] / (found.c_ref[inside] * reference_amplitude(f[inside]))
    np.testing.assert_allclose(share / share.mean(), 1.0, atol=0.06)


def test_signal_that_a_b_factor_blurs_is_freed_of_it_at_low_frequency_too() -> None:
    f = np.arange(81) / 160
    own = reference_amplitude(f) * np.exp(3 * np.clip(0.07 - f, 0, None) / 0.07)
    blurred = own * np.exp(-300 / 4 * f**2)
    for share in (np.ones(81), np.where(f < 0.2, 1.0, 0.01)):
        made = standard_amplitude(f, blurred / share, share)
        np.testing.assert_allclose(made / made[10], own / own[10], rtol=1e-6)


def test_weighted_map_is_nearer_to_the_truth_and_worse_in_no_shell() -> None:
    halves, signal = halves_of()
    found = wiener_filter(halves)
    raw, weighted = mean_map(halves), wiener_map(mean_map(halves), found)
    shape = np.maximum(amplitudes(signal), 1e-9)
    wanted = reference_amplitude(found.frequency) / shape
    truth = filter_radial(signal, lambda f: np.interp(f, found.frequency, wanted))
    sharp = filter_radial(raw, lambda f: np.interp(f, found.frequency, wanted))
    assert correlation(weighted, truth) > correlation(sharp, truth) + 0.1
    assert correlation(weighted, truth) > correlation(raw, truth)
    # A gain by shells leaves the agreement in each shell as it is, but for what it cuts off.
    change = (fsc(weighted, truth) - fsc(raw, truth))[found.frequency < 1 / found.resolution]
    assert np.abs(change).max() < 0.01


def test_map_three_times_as_strong_gives_three_times_the_result() -> None:
    halves, _ = halves_of()
    strong = HalfMaps(*(v.with_data(3 * v.data) for v in (halves.first, halves.second)))
    found, again = wiener_filter(halves), wiener_filter(strong)
    assert_same(again, found)
    plain, scaled = standardised(halves, found), standardised(strong, again)
    np.testing.assert_allclose(scaled.first.data, 3 * plain.first.data, rtol=1e-3, atol=1e-4)


def test_order_of_the_half_maps_and_a_mask_of_ones_change_nothing() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    assert_same(wiener_filter(HalfMaps(halves.second, halves.first)), found)
    ones = halves.first.with_data(np.ones(SHAPE, np.float32))
    assert_same(wiener_filter(halves, ones), found)


def test_mean_of_standardised_half_maps_is_the_weighted_mean() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    both = mean_map(standardised(halves, found))
    np.testing.assert_allclose(both.data, wiener_map(mean_map(halves), found).data, atol=1e-5)
    assert both.grid == halves.grid


def test_voxels_that_are_not_cubic_give_the_same_curve() -> None:
    size = (1.0, 1.25, 0.9)
    uneven, _ = halves_of((64, 56, 72), size)
    found = wiener_filter(uneven)
    # The same power of noise in each voxel is another density of power in Fourier space.
    assert found.resolution == pytest.approx(true_resolution(), rel=0.05)


@pytest.mark.parametrize("error", [0.97, 1.03])
def test_wrong_voxel_size_scales_the_resolution_with_it(error: float) -> None:
    halves, _ = halves_of()
    wrong = HalfMaps(*(Volume(v.data, (error,) * 3) for v in (halves.first, halves.second)))
    found = wiener_filter(halves)
    assert wiener_filter(wrong).resolution == pytest.approx(error * found.resolution, rel=0.01)


def test_region_cut_before_is_the_region_cut_after() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves)
    whole = wiener_map(mean_map(halves), found)
    wide, inner = Region((0, 4, 2), (56, 66, 56)), Region((16, 20, 18), (40, 50, 40))
    part = wiener_map(crop(mean_map(halves), wide), found)
    at = Region((16, 16, 16), (40, 46, 38))
    difference = crop(part, at).data - crop(whole, inner).data
    assert np.abs(difference).max() < 0.06 * whole.data.std()
    assert difference.std() < 0.01 * whole.data.std()


def test_map_alone_is_weighted_as_its_resolution_says() -> None:
    _, signal = halves_of()
    found = wiener_filter_of_map(signal, 4.0)
    fsc = stated_fsc(found.frequency, 4.0)
    inside = (found.frequency > 0) & (found.frequency < 0.25)
    expected = np.sqrt(2 * fsc / (1 + fsc))
    np.testing.assert_allclose(found.c_ref[inside], expected[inside], rtol=1e-6)
    assert found.resolution == 4.0
    assert stated_fsc(0.25, 4.0) == pytest.approx(THRESHOLD)
    assert stated_fsc(0.0, 4.0) == pytest.approx(STRONG / (1 + STRONG))
    assert (found.gain[found.frequency > 0.28] == 0).all()
    tripled = wiener_filter_of_map(signal.with_data(3 * signal.data), 4.0)
    np.testing.assert_allclose(tripled.gain, found.gain, rtol=1e-4)


def test_stated_resolution_ends_the_curve_of_half_maps() -> None:
    halves, _ = halves_of()
    found = wiener_filter(halves, resolution=8.0)
    assert found.resolution == 8.0
    assert (found.gain[found.frequency > 1.11 / 8.0] == 0).all()
    free = wiener_filter(halves)
    low = found.frequency < 0.12
    np.testing.assert_allclose(found.c_ref[low], free.c_ref[low])


def test_gain_is_zero_where_there_is_no_signal_and_c_ref_squared_at_low_frequency() -> None:
    f = np.linspace(0, 0.5, 101)
    c_ref = np.where(f < 0.3, 0.9, 0.0)
    gain = standard_gain(f, reference_amplitude(f), c_ref)
    assert (gain[f > 0.3] == 0).all()
    np.testing.assert_allclose(gain[(f > 0) & (f < 0.3)], 0.81, rtol=1e-6)


def test_maps_that_share_nothing_are_refused() -> None:
    apart = HalfMaps(Volume(noise(SHAPE, 5)), Volume(noise(SHAPE, 6)))
    with pytest.raises(DataError, match="do not agree"):
        wiener_filter(apart)
    with pytest.raises(DataError, match="constant"):
        wiener_filter_of_map(Volume(np.zeros(SHAPE, np.float32)), 4.0)
    with pytest.raises(InputError, match="above 0"):
        wiener_filter_of_map(Volume(noise(SHAPE, 5)), 0.0)


def test_masks_that_are_empty_or_lie_elsewhere_are_refused() -> None:
    halves, _ = halves_of()
    with pytest.raises(DataError, match="0 everywhere"):
        wiener_filter(halves, halves.first.with_data(np.zeros(SHAPE, np.float32)))
    with pytest.raises(GridError, match="fit grid"):
        wiener_filter(halves, Volume(np.ones(SHAPE, np.float32)))
