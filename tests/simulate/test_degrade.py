"""Half maps with a wanted correlation, and what is known of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.fourier import Shells
from mapscope.density.shells import fourier_shell_correlation
from mapscope.errors import Cancelled, DataError, GridError, InputError
from mapscope.progress import Progress
from mapscope.simulate.degradation import Degradation, DegradationRanges, drawn_degradation
from mapscope.simulate.degrade import degrade
from mapscope.simulate.degraded_maps import DegradedMaps
from mapscope.simulate.planted_resolution import recovered_resolution
from mapscope.table import Table
from mapscope.volume import Triple, Volume

Floats = npt.NDArray[np.floating[Any]]
COUNTED = 200
RESOLUTION, RATIO = 4.0, 100.0


def atoms(
    shape: tuple[int, int, int] = (40, 44, 48),
    voxel_size: Triple = (1.2, 1.2, 1.2),
    *,
    number: int = 150,
    share: float = 0.6,
    width: float = 0.6,
    seed: int = 1,
) -> Volume:
    """Gaussians of `width` Å at random places in the middle `share` of a box."""
    random = np.random.default_rng(seed)
    edges = np.asarray(shape) * voxel_size
    places = edges * (0.5 + share * (random.random((number, 3)) - 0.5))
    ft: npt.NDArray[np.complex128] = np.zeros(shape, dtype=complex)
    waves = [np.fft.fftfreq(n, d) for n, d in zip(shape, voxel_size, strict=True)]
    phases = [np.exp(-2j * np.pi * np.outer(places[:, a], waves[a])) for a in range(3)]
    ft = np.einsum("nz,ny,nx->zyx", *phases, optimize=True)
    square = sum(
        w.reshape([-1 if a == b else 1 for b in range(3)]) ** 2 for a, w in enumerate(waves)
    )
    data = np.fft.ifftn(ft * np.exp(-2 * (np.pi * width) ** 2 * square)).real
    return Volume(data.astype(np.float32), voxel_size, (5.0, -7.0, 11.0))


MAP = atoms()


def ball(volume: Volume, radius: float) -> Volume:
    """1 in a ball about the middle of the box with an edge of 4 Å, 0 outside."""
    axes = [
        (np.arange(n) - n / 2) * d for n, d in zip(volume.shape, volume.voxel_size, strict=True)
    ]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    along = np.clip((np.sqrt(z**2 + y**2 + x**2) - radius) / 4.0, 0, 1)
    data = (0.5 + 0.5 * np.cos(np.pi * along)).astype(np.float32)
    return Volume(data, volume.voxel_size, volume.origin)


def asked(frequency: Floats, resolution: float = RESOLUTION, ratio: float = RATIO) -> Floats:
    """Signal-to-noise ratio A exp(-B f² / 2), 1/6 (that is 0.143 / 0.857) at the resolution."""
    b_factor = 2 * resolution**2 * np.log(ratio * 0.857 / 0.143)
    return np.asarray(ratio * np.exp(-0.5 * b_factor * np.asarray(frequency) ** 2))


def shell_powers(data: Floats, volume: Volume) -> tuple[Floats, Floats, Floats]:
    """Frequency, mean squared coefficient and number of coefficients of each shell, by numpy."""
    waves = [np.fft.fftfreq(n, d) for n, d in zip(volume.shape, volume.voxel_size, strict=True)]
    z, y, x = np.meshgrid(*waves, indexing="ij")
    half = slice(volume.shape[2] // 2 + 1)  # coefficients are counted as RELION does
    width = 1 / max(volume.grid.extent)
    shell = np.floor(np.sqrt(z**2 + y**2 + x**2)[..., half] / width + 0.5).astype(int).ravel()
    power = np.abs(np.fft.fftn(data.astype(np.float64))[..., half]).ravel() ** 2
    last = Shells(volume.grid).number
    count = np.bincount(shell)[:last].astype(float)
    return np.arange(last) * width, np.bincount(shell, power)[:last] / count, count


def largest_deviation(made: DegradedMaps, wanted: Floats) -> float:
    """Largest difference from a curve that `fourier_shell_correlation` finds."""
    curves = fourier_shell_correlation(made.half_maps)
    counted = curves.count > COUNTED
    assert counted.sum() > 5
    return float(np.abs(curves.unmasked - wanted)[counted].max())


@pytest.mark.parametrize(
    "volume",
    [MAP, atoms((45, 33, 36), (1.1, 1.5, 1.3)), atoms((36, 36, 36), (1.5, 1.5, 1.5), width=1.0)],
    ids=["even", "odd, anisotropic voxels", "blurred"],
)
@pytest.mark.parametrize("noise_b", [None, 0.0, 60.0])
def test_fsc_of_the_half_maps_follows_the_wanted_curve(
    volume: Volume, noise_b: float | None
) -> None:
    made = degrade(volume, Degradation(resolution=RESOLUTION, noise_b=noise_b))
    ratio = asked(made.frequency)
    assert largest_deviation(made, ratio / (1 + ratio)) < 0.01


def test_fsc_when_not_exact_fluctuates_about_the_curve_and_stays_within_its_spread() -> None:
    made = degrade(MAP, Degradation(resolution=RESOLUTION, is_exact=False))
    ratio = asked(made.frequency)
    assert 0.003 < largest_deviation(made, ratio / (1 + ratio)) < 0.15
    exact = degrade(MAP, Degradation(resolution=RESOLUTION))
    np.testing.assert_array_equal(made.signal.data, exact.signal.data)


def test_fsc_when_a_curve_is_given_follows_it_and_not_the_resolution() -> None:
    frequency = np.linspace(0, 0.4, 30)
    curve = 0.9 / (1 + np.exp((frequency - 0.2) / 0.03))
    table = Table({"frequency": frequency, "correlation": curve})
    made = degrade(MAP, Degradation(resolution=1.0), curve=table)
    assert largest_deviation(made, np.interp(made.frequency, frequency, curve)) < 0.01


def test_fsc_with_a_table_of_shell_correlation_repeats_it() -> None:
    first = degrade(MAP, Degradation(resolution=5.0, signal_to_noise=30.0))
    columns = {"frequency": first.frequency, "unmasked": first.obtained}
    again = degrade(MAP, Degradation(seed=3), curve=Table(columns))
    assert largest_deviation(again, np.maximum(first.obtained, 0)) < 0.01


@pytest.mark.parametrize("noise_b", [0.0, 50.0, 150.0])
def test_noise_has_the_asked_colour(noise_b: float) -> None:
    made = degrade(MAP, Degradation(resolution=RESOLUTION, noise_b=noise_b))
    for half in (made.half_maps.first, made.half_maps.second):
        noise = half.data.astype(float) - made.signal.data
        frequency, power, count = shell_powers(noise, MAP)
        used = count > COUNTED
        colour = power[used] * np.exp(0.5 * noise_b * frequency[used] ** 2)
        np.testing.assert_allclose(colour / colour.mean(), 1.0, atol=0.03)


def test_noise_when_not_exact_has_the_asked_colour_on_average() -> None:
    how = Degradation(resolution=RESOLUTION, noise_b=80.0, is_exact=False)
    made = degrade(MAP, how)
    noise = made.half_maps.first.data.astype(float) - made.signal.data
    frequency, power, count = shell_powers(noise, MAP)
    used = count > COUNTED
    weight, square = count[used], frequency[used] ** 2
    slope = np.polyfit(square, np.log(power[used]), 1, w=np.sqrt(weight))[0]
    assert -2 * slope == pytest.approx(80.0, rel=0.03)


@pytest.mark.parametrize("noise_b", [None, 0.0, 60.0])
def test_signal_to_noise_is_as_asked(noise_b: float | None) -> None:
    made = degrade(MAP, Degradation(resolution=RESOLUTION, noise_b=noise_b))
    noise = made.half_maps.second.data.astype(float) - made.signal.data
    frequency, of_noise, count = shell_powers(noise, MAP)
    _, of_signal, _ = shell_powers(np.asarray(made.signal.data), MAP)
    used = (count > COUNTED) & (frequency < 1 / 3.2)
    ratio = of_signal[used] / of_noise[used]
    np.testing.assert_allclose(ratio / asked(frequency[used]), 1.0, atol=0.03)


def test_noise_of_the_halves_is_independent_and_that_of_the_first_ignores_other_options() -> None:
    plain, sharp = (
        degrade(MAP, Degradation(resolution=RESOLUTION, is_exact=False, is_sharpened=s))
        for s in (False, True)
    )
    first, second = (
        h.data - plain.signal.data for h in (plain.half_maps.first, plain.half_maps.second)
    )
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(plain.half_maps.first.data, sharp.half_maps.first.data)
    assert not np.array_equal(plain.mean.data, sharp.mean.data)


def test_degrade_when_repeated_gives_the_same_maps_and_with_another_seed_others() -> None:
    first, again, other = (
        degrade(MAP, Degradation(resolution=RESOLUTION, coarsest=7.0, seed=s)) for s in (4, 4, 5)
    )
    for a, b in ((first, again), (first, other)):
        same = a is first and b is again
        assert np.array_equal(a.half_maps.first.data, b.half_maps.first.data) is same
        assert np.array_equal(a.local_resolution.data, b.local_resolution.data) is same


def test_half_maps_lie_in_the_place_of_the_map_and_keep_its_mean() -> None:
    offset = MAP.with_data(MAP.data + np.float32(3.0))
    made = degrade(offset, Degradation(resolution=RESOLUTION))
    for volume in (made.half_maps.first, made.mean, made.signal, made.local_resolution):
        assert volume.grid.matches(MAP.grid)
    assert float(made.mean.data.mean()) == pytest.approx(float(offset.data.mean()), rel=1e-5)
    halves = 0.5 * (made.half_maps.first.data + made.half_maps.second.data)
    np.testing.assert_allclose(made.mean.data, halves, atol=1e-5)


def test_signal_without_a_b_factor_keeps_the_amplitudes_of_the_map_up_to_the_resolution() -> None:
    made = degrade(MAP, Degradation(resolution=RESOLUTION, b_factor=0.0))
    frequency, before, _ = shell_powers(np.asarray(MAP.data), MAP)
    _, after, _ = shell_powers(np.asarray(made.signal.data), MAP)
    kept = (frequency > 0) & (frequency < 0.97 / RESOLUTION)
    np.testing.assert_allclose(after[kept], before[kept], rtol=1e-4)


def test_b_factor_when_automatic_makes_the_noise_about_white() -> None:
    made = degrade(MAP, Degradation(resolution=RESOLUTION))
    assert made.best.b_factor > 50
    noise = made.half_maps.first.data - made.signal.data
    frequency, power, count = shell_powers(noise, MAP)
    used = (count > COUNTED) & (frequency < 1 / RESOLUTION)
    slope = np.polyfit(frequency[used] ** 2, np.log(power[used]), 1)[0]
    assert abs(2 * slope) < 0.2 * made.best.b_factor


def test_mean_when_sharpened_is_nearer_to_the_map_than_the_raw_mean() -> None:
    raw, sharp = (
        degrade(MAP, Degradation(resolution=RESOLUTION, is_sharpened=s)) for s in (False, True)
    )
    near = [float(np.corrcoef(m.mean.data.ravel(), MAP.data.ravel())[0, 1]) for m in (raw, sharp)]
    assert near[1] > near[0] + 0.05
    frequency, before, _ = shell_powers(np.asarray(MAP.data), MAP)
    _, after, _ = shell_powers(np.asarray(sharp.mean.data), MAP)
    good = (frequency > 0) & (frequency < 1 / 5.5)
    np.testing.assert_allclose(after[good] / before[good], 1.0, atol=0.05)
    assert after[frequency > 1 / 3.5].max() < 0.01 * before[frequency > 1 / 3.5].min()


def test_anisotropy_weakens_the_signal_along_its_axis_only() -> None:
    how = Degradation(resolution=RESOLUTION, b_factor=0.0, anisotropy=80.0, axis=(0.0, 2.0, 0.0))
    made = degrade(MAP, how)
    ratio = np.abs(np.fft.fftn(made.signal.data) / np.fft.fftn(MAP.data))
    along = ratio[0, 1:10, 0]
    frequency = np.fft.fftfreq(MAP.shape[1], MAP.voxel_size[1])[1:10]
    np.testing.assert_allclose(along, np.exp(-20.0 * frequency**2), rtol=0.01)
    np.testing.assert_allclose(ratio[1:8, 0, 0], 1.0, rtol=0.01)
    wanted = asked(made.frequency)
    assert largest_deviation(made, wanted / (1 + wanted)) < 0.01


@pytest.mark.parametrize("pattern", ["patches", "outwards"])
def test_local_resolution_covers_the_asked_range_evenly_inside_the_mask(pattern: Any) -> None:
    mask = ball(MAP, 14.0)
    how = Degradation(resolution=4.0, coarsest=8.0, pattern=pattern)
    made = degrade(MAP, how, mask=mask)
    values = made.local_resolution.data[mask.data >= 0.5]
    np.testing.assert_allclose(np.quantile(values, [0, 0.5, 1]), [4.0, 6.0, 8.0], atol=0.1)
    if pattern == "outwards":
        middle = tuple(n // 2 for n in MAP.shape)
        assert made.local_resolution.data[middle] < 4.6


def test_planted_resolution_is_recovered_from_noise_free_truth() -> None:
    volume = atoms((64, 64, 64), number=1500, share=0.95)
    made = degrade(volume, Degradation(resolution=4.0, coarsest=8.0, feature_size=40.0))
    field, window, levelled = made.local_resolution, 28.0, made.levelled()
    index = np.argwhere(np.ones((5, 5, 5))) * 9 + 13
    truth, found = [], []
    for z, y, x in index:
        around = field.data[z - 8 : z + 9, y - 8 : y + 9, x - 8 : x + 9]
        if around.std() < 0.08 * around.mean():
            place = volume.grid.world_from_index((z, y, x))
            truth.append(float(field.data[z, y, x]))
            value = recovered_resolution(*levelled, made.best, place, window)
            found.append(np.nan if value is None else value)
    assert len(truth) > 30
    assert max(truth) > 6.5
    assert min(truth) < 4.7
    error = np.abs(np.array(found) / truth - 1)
    assert np.median(error) < 0.05
    assert error.max() < 0.15
    assert np.corrcoef(truth, found)[0, 1] > 0.97


def test_planted_resolution_where_it_is_even_is_that_of_the_curve() -> None:
    made = degrade(MAP, Degradation(resolution=5.0))
    np.testing.assert_allclose(made.local_resolution.data, 5.0, rtol=1e-3)
    place = MAP.grid.world_from_index([n // 2 for n in MAP.shape])
    found = recovered_resolution(*made.levelled(), made.best, place, 28.0)
    assert found == pytest.approx(5.0, rel=0.02)


def test_mask_makes_the_resolution_hold_inside_it() -> None:
    mask = ball(MAP, 14.0)
    curves = []
    for seed in range(6):
        how = Degradation(resolution=RESOLUTION, b_factor=0.0, seed=seed)
        curves.append(fourier_shell_correlation(degrade(MAP, how, mask=mask).half_maps, mask))
    ratio = asked(curves[0].frequency)
    used = (curves[0].count > COUNTED) & (curves[0].frequency < 1 / 3.5)
    masked = np.mean([c.masked for c in curves if c.masked is not None], axis=0)
    unmasked = np.mean([c.unmasked for c in curves], axis=0)
    wanted = ratio / (1 + ratio)
    assert np.abs(masked - wanted)[used].max() < 0.1
    assert (unmasked - wanted)[used].min() < -0.1


def test_solvent_noise_is_as_much_weaker_as_asked() -> None:
    mask = ball(MAP, 14.0)
    made = degrade(MAP, Degradation(resolution=RESOLUTION, solvent_noise=0.25), mask=mask)
    noise = made.half_maps.first.data - made.signal.data
    inside, outside = noise[mask.data == 1].std(), noise[mask.data == 0].std()
    assert outside / inside == pytest.approx(0.25, rel=0.1)
    assert largest_deviation(made, made.wanted) < 0.001


def test_masked_maps_are_the_others_times_the_mask() -> None:
    mask = ball(MAP, 14.0)
    bare, masked = (
        degrade(MAP, Degradation(resolution=RESOLUTION, is_masked=m), mask=mask)
        for m in (False, True)
    )
    np.testing.assert_allclose(
        masked.half_maps.first.data, bare.half_maps.first.data * mask.data, atol=1e-6
    )
    np.testing.assert_allclose(masked.mean.data, bare.mean.data * mask.data, atol=1e-6)
    np.testing.assert_array_equal(masked.wanted, bare.wanted)


def test_box_when_moved_keeps_the_molecule_in_place() -> None:
    shift = (6.0, -3.6, 0.0)
    made = degrade(MAP, Degradation(resolution=RESOLUTION, b_factor=0.0, shift=shift))
    assert made.signal.origin == pytest.approx(
        [o + s for o, s in zip(MAP.origin, shift, strict=True)]
    )
    assert made.signal.shape == MAP.shape
    np.testing.assert_array_equal(made.original.data[:-5, 3:, :], MAP.data[5:, :-3, :])
    ratio = asked(made.frequency)
    assert largest_deviation(made, ratio / (1 + ratio)) < 0.01


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"resolution": 2.0}, InputError, "Nyquist"),
        ({"resolution": 30.0}, InputError, "too small"),
        ({"coarsest": 3.0}, InputError, "larger number"),
        ({"coarsest": 25.0}, InputError, "too small for a local resolution"),
        ({"is_masked": True}, InputError, "need a mask"),
        ({"solvent_noise": 0.5}, InputError, "need a mask"),
        ({"shift": (100.0, 0.0, 0.0)}, InputError, "leaves nothing"),
        ({"signal_to_noise": 0.1}, InputError, "signal-to-noise"),
    ],
)
def test_degrade_when_a_parameter_does_not_fit_says_so(
    change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        degrade(MAP, Degradation(**{"resolution": RESOLUTION} | change))


def test_degradation_when_a_number_is_out_of_range_says_so() -> None:
    with pytest.raises(InputError, match="at least 0"):
        Degradation(anisotropy=-1.0)
    with pytest.raises(InputError, match="length"):
        Degradation(axis=(0.0, 0.0, 0.0))


def test_degrade_when_the_map_is_constant_or_has_no_such_detail_says_so() -> None:
    with pytest.raises(DataError, match="constant"):
        degrade(MAP.with_data(np.full(MAP.shape, 2.5, np.float32)), Degradation())
    waves = [np.fft.fftfreq(n, d) for n, d in zip(MAP.shape, MAP.voxel_size, strict=True)]
    z, y, x = np.meshgrid(*waves, indexing="ij")
    ft = np.fft.fftn(MAP.data) * (z**2 + y**2 + x**2 < 1 / 6.0**2)
    coarse = MAP.with_data(np.fft.ifftn(ft).real.astype(np.float32))
    with pytest.raises(DataError, match="no detail finer than"):
        degrade(coarse, Degradation(resolution=4.0))
    assert degrade(coarse, Degradation(resolution=6.5)).noise_level > 0


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"frequency": [0.0, 0.1, 0.2], "other": [1.0, 0.5, 0.1]}, "columns"),
        ({"frequency": [0.0, 0.2, 0.1], "correlation": [1.0, 0.5, 0.1]}, "rising"),
        ({"frequency": [0.0, 0.1, 0.2], "correlation": [1.0, np.nan, 0.1]}, "finite"),
        ({"frequency": [0.0, 0.1, 0.2], "correlation": [100.0, 50.0, 10.0]}, "between -1 and 1"),
        ({"frequency": [0.0, 0.1, 0.2], "correlation": [0.1, 0.1, 0.1]}, "above"),
        ({"frequency": [0.0, 0.1], "correlation": ["a", "b"]}, "text"),
    ],
)
def test_degrade_when_the_curve_is_no_correlation_says_so(columns: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        degrade(MAP, Degradation(), curve=Table({k: np.array(v) for k, v in columns.items()}))


def test_degrade_when_the_mask_is_empty_or_lies_elsewhere_says_so() -> None:
    with pytest.raises(DataError, match="mask is 0"):
        degrade(MAP, Degradation(), mask=MAP.with_data(np.zeros(MAP.shape, np.float32)))
    with pytest.raises(GridError, match="mask"):
        degrade(MAP, Degradation(), mask=Volume(MAP.data, MAP.voxel_size))


def stop_at(call: int) -> Progress:
    """A progress that cancels at its n-th call."""
    calls = iter(range(1, call + 1))

    def progress(done: int, total: int, message: str = "") -> None:
        if next(calls) == call:
            raise Cancelled("stopped by the test")

    return progress


@pytest.mark.parametrize("call", [1, 40, 200])
def test_degrade_when_cancelled_stops(call: int) -> None:
    with pytest.raises(Cancelled):
        degrade(MAP, Degradation(coarsest=8.0), progress=stop_at(call))


def test_dark_map_gives_the_same_maps_with_the_opposite_signal() -> None:
    dark = Volume(-MAP.data, MAP.voxel_size, MAP.origin, contrast=-1)
    how = Degradation(resolution=4.0, coarsest=8.0, pattern="outwards")
    bright, made = degrade(MAP, how), degrade(dark, how)
    assert made.mean.contrast == -1
    np.testing.assert_allclose(made.signal.data, -bright.signal.data, atol=1e-6)
    np.testing.assert_array_equal(made.local_resolution.data, bright.local_resolution.data)


def test_drawn_degradation_repeats_for_a_seed_and_stays_in_its_ranges() -> None:
    ranges = DegradationRanges(resolution=(3.0, 5.0), planted=1.0, spread=(1.5, 1.6))
    drawn = [drawn_degradation(seed, ranges, has_mask=True) for seed in range(40)]
    assert drawn == [drawn_degradation(seed, ranges, has_mask=True) for seed in range(40)]
    assert len({d.resolution for d in drawn}) == 40
    for one in drawn:
        assert 3.0 <= one.resolution <= 5.0
        assert one.coarsest is not None
        assert 1.5 <= one.coarsest / one.resolution <= 1.6
        assert 20.0 <= one.signal_to_noise <= 1000.0
        assert np.linalg.norm(one.shift) <= 10.0
    assert {d.pattern for d in drawn} == {"patches", "outwards"}
    assert {d.is_sharpened for d in drawn} == {True, False}


def test_drawn_degradation_without_a_mask_needs_none_and_is_otherwise_the_same() -> None:
    ranges = DegradationRanges(masked=1.0)
    bare, masked = (drawn_degradation(7, ranges, has_mask=m) for m in (False, True))
    assert (bare.is_masked, bare.solvent_noise) == (False, 1.0)
    assert masked.is_masked
    assert (bare.resolution, bare.shift) == (masked.resolution, masked.shift)
