"""Fourier shell correlation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.density.fourier import Counting, Shells, inverse, transform
from mapscope.density.local_shells import local_shell_correlation
from mapscope.density.shells import (
    correct_for_mask,
    correlate_shells,
    fourier_shell_correlation,
    randomise_phases,
    resolution_by_relion_rule,
    resolution_interpolated,
    shell_mean_amplitude,
)
from mapscope.errors import Cancelled, DataError, GridError, InputError
from mapscope.progress import Progress
from mapscope.volume import Grid, HalfMaps, Volume

GRIDS = [
    Grid((15, 15, 15), (1.1, 1.1, 1.1)),
    Grid((12, 16, 10), (1.0, 1.0, 1.0)),
    Grid((14, 9, 12), (0.7, 1.9, 1.2)),
]


def literal_fsc(
    a: npt.NDArray[np.float32], b: npt.NDArray[np.float32], grid: Grid, counting: Counting
) -> list[float]:
    """FSC written out, coefficient by coefficient."""
    fts = [np.fft.fftn(m.astype(np.float64)) for m in (a, b)]
    width = 1 / max(grid.extent)
    last = math.floor(0.5 / max(grid.voxel_size) / width + 1e-6)
    sums = np.zeros((last + 1, 3))
    for index in np.ndindex(*grid.shape):
        if counting == "half" and index[2] > grid.shape[2] // 2:
            continue
        wave = [k - n if k > n // 2 else k for k, n in zip(index, grid.shape, strict=True)]
        square = sum((k / e) ** 2 for k, e in zip(wave, grid.extent, strict=True))
        shell = math.floor(math.sqrt(square) / width + 0.5)
        if shell <= last:
            p, q = fts[0][index], fts[1][index]
            sums[shell] += [(p * q.conjugate()).real, abs(p) ** 2, abs(q) ** 2]
    return [float(c / math.sqrt(p * q)) for c, p, q in sums]


def half_maps(
    size: int = 32, noise: float = 0.1, seed: int = 0, background: float = 0.2
) -> tuple[HalfMaps, Volume]:
    """Two noisy maps of a soft-edged random blob, and a mask around it."""
    random = np.random.default_rng(seed)
    axis = np.arange(size) - size // 2
    radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    mask = np.clip(0.5 - (radius - 0.3 * size) / 4, 0, 1)
    wave = np.fft.fftfreq(size)
    square = wave[:, None, None] ** 2 + wave[:, None] ** 2 + wave**2
    texture = np.fft.ifftn(
        np.fft.fftn(random.standard_normal((size,) * 3)) * np.exp(-square * 40)
    ).real
    signal = mask * (texture / texture.std() + background)
    volumes = [
        Volume((signal + noise * random.standard_normal((size,) * 3)).astype(np.float32))
        for _ in range(2)
    ]
    return HalfMaps(*volumes), Volume(mask.astype(np.float32))


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("counting", ["half", "full"])
def test_correlate_shells_on_any_box_equals_a_literal_loop(grid: Grid, counting: Counting) -> None:
    random = np.random.default_rng(3)
    a = random.standard_normal(grid.shape).astype(np.float32) + 1
    b = (a + random.standard_normal(grid.shape)).astype(np.float32)
    curves = correlate_shells(transform(a), transform(b), Shells(grid, counting))
    assert curves.fsc.tolist() == pytest.approx(literal_fsc(a, b, grid, counting), abs=1e-5)


@pytest.mark.parametrize("grid", GRIDS)
def test_correlate_shells_when_maps_are_equal_or_opposite_is_one_or_minus_one(grid: Grid) -> None:
    ft = transform(np.random.default_rng(4).standard_normal(grid.shape))
    shells = Shells(grid)
    assert correlate_shells(ft, ft, shells).fsc == pytest.approx(1.0)
    assert correlate_shells(ft, -3 * ft, shells).fsc == pytest.approx(-1.0)


def test_correlate_shells_when_a_map_is_empty_is_zero() -> None:
    grid = GRIDS[0]
    ft = transform(np.random.default_rng(4).standard_normal(grid.shape))
    assert correlate_shells(ft, np.zeros_like(ft), Shells(grid)).fsc.tolist() == [0.0] * 8


@pytest.mark.parametrize("grid", GRIDS)
def test_randomise_phases_on_any_box_keeps_amplitudes_and_stays_real(grid: Grid) -> None:
    ft = transform(np.random.default_rng(5).standard_normal(grid.shape))
    random = randomise_phases(ft, grid, 3, seed=1)
    assert np.abs(random) == pytest.approx(np.abs(ft), rel=1e-5)
    # A real map has this transform: going there and back changes nothing.
    assert transform(inverse(random, grid.shape)) == pytest.approx(random, abs=1e-3)
    shells = Shells(grid)
    for plane in range(grid.shape[0]):
        low = shells.radius(plane) < 3
        assert random[plane][low] == pytest.approx(ft[plane][low])


def test_randomise_phases_when_seeds_are_equal_repeats_and_else_is_uncorrelated() -> None:
    grid = Grid((24, 24, 24))
    ft = transform(np.random.default_rng(6).standard_normal(grid.shape))
    first, again, other = (randomise_phases(ft, grid, 2, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    fsc = correlate_shells(first, other, Shells(grid)).fsc
    assert np.abs(fsc[5:]).max() < 0.25
    assert abs(fsc[5:].mean()) < 0.05


def test_shell_mean_amplitude_of_a_point_is_one_over_the_number_of_voxels() -> None:
    grid = GRIDS[1]
    data = np.zeros(grid.shape, np.float32)
    data[3, 4, 5] = 1
    mean = shell_mean_amplitude(transform(data), Shells(grid))
    assert mean == pytest.approx(1 / data.size, rel=1e-5)


def test_fourier_shell_correlation_without_mask_gives_one_curve() -> None:
    maps, _ = half_maps()
    curves = fourier_shell_correlation(HalfMaps(maps.first, maps.first))
    assert curves.unmasked == pytest.approx(1.0)
    assert curves.best is curves.unmasked
    assert (curves.masked, curves.corrected, curves.randomised_from) == (None, None, None)


def test_fourier_shell_correlation_with_mask_follows_the_rules_of_chen() -> None:
    maps, mask = half_maps(noise=0.3)
    curves = fourier_shell_correlation(maps, mask, seed=7)
    start = curves.randomised_from
    assert start is not None
    assert curves.masked is not None
    assert curves.phase_randomised is not None
    assert curves.corrected is not None
    assert curves.unmasked[start] < 0.8 <= curves.unmasked[1:start].min()
    assert curves.corrected[: start + 2] == pytest.approx(curves.masked[: start + 2])
    late = slice(start + 2, None)
    masked, random = curves.masked[late], curves.phase_randomised[late]
    assert curves.corrected[late] == pytest.approx((masked - random) / (1 - random))
    window = mask.data
    wanted = literal_fsc(maps.first.data * window, maps.second.data * window, maps.grid, "half")
    assert curves.masked.tolist() == pytest.approx(wanted, abs=1e-4)


def test_fourier_shell_correlation_when_halves_agree_everywhere_randomises_nothing() -> None:
    maps, mask = half_maps()
    curves = fourier_shell_correlation(HalfMaps(maps.first, maps.first), mask)
    assert curves.randomised_from is None
    assert curves.best == pytest.approx(1.0)


def test_fourier_shell_correlation_when_mask_invents_agreement_corrects_it_away() -> None:
    sharp = np.zeros((24,) * 3, np.float32)
    sharp[6:18, 6:18, 6:18] = 1
    masked, corrected = [], []
    for seed in range(12):
        random = np.random.default_rng(seed)
        noise = [random.standard_normal(sharp.shape).astype(np.float32) + 2 for _ in range(2)]
        maps = HalfMaps(Volume(noise[0]), Volume(noise[1]))
        curves = fourier_shell_correlation(maps, Volume(sharp), seed=seed)
        assert curves.masked is not None
        masked.append(curves.masked[4:].mean())
        corrected.append(curves.best[4:].mean())
    assert np.mean(masked) > 0.4
    assert abs(np.mean(corrected)) < 0.1


def test_fourier_shell_correlation_when_mask_does_not_fit_says_so() -> None:
    maps, mask = half_maps(16)
    with pytest.raises(GridError, match="fit grid"):
        fourier_shell_correlation(maps, Volume(np.ones((8, 8, 8), np.float32)))
    with pytest.raises(DataError, match="mask is 0"):
        fourier_shell_correlation(maps, mask.with_data(0 * mask.data))


@pytest.mark.parametrize("at", [3, 25, 40, 60, 80])
def test_fourier_shell_correlation_when_cancelled_stops(
    at: int, cancel: Callable[[int], Progress]
) -> None:
    maps, mask = half_maps(20, noise=0.4)
    with pytest.raises(Cancelled):
        fourier_shell_correlation(maps, mask, progress=cancel(at))


def test_correct_for_mask_when_randomised_is_one_stays_finite() -> None:
    ones = np.ones(6)
    assert np.isfinite(correct_for_mask(ones, ones, 1)).all()


def test_resolution_when_curve_dips_and_rises_takes_the_first_drop() -> None:
    frequency = np.arange(6) * 0.05
    fsc = np.array([1.0, 0.9, 0.5, 0.1, 0.6, 0.0])
    assert resolution_by_relion_rule(frequency, fsc) == pytest.approx(10.0)
    share = (0.5 - 0.143) / 0.4
    assert resolution_interpolated(frequency, fsc) == pytest.approx(1 / (0.1 + 0.05 * share))


def test_resolution_when_curve_never_drops_is_none_and_when_at_once_is_infinite() -> None:
    frequency = np.arange(4) * 0.1
    for rule in (resolution_by_relion_rule, resolution_interpolated):
        assert rule(frequency, np.ones(4)) is None
    assert resolution_by_relion_rule(frequency, np.array([1.0, 0.0, 0.0, 0.0])) == math.inf
    assert resolution_interpolated(frequency, np.array([0.0, 0.0, 0.0, 0.0])) == math.inf


def test_local_shell_correlation_when_half_the_map_is_noise_tells_the_halves_apart() -> None:
    maps, _ = half_maps(48, noise=0.01)
    spoilt = maps.second.data.copy()
    spoilt[:, :, 24:] = np.random.default_rng(9).standard_normal(spoilt[:, :, 24:].shape)
    local = HalfMaps(maps.first, maps.second.with_data(spoilt))
    good = local_shell_correlation(local, (24, 24, 13), 16.0)
    bad = local_shell_correlation(local, (24, 24, 33), 16.0)
    assert good.frequency[1] == pytest.approx(1 / 16)
    assert good.fsc[1:4].min() > 0.9
    assert np.abs(bad.fsc[1:4]).max() < 0.7


def test_local_shell_correlation_at_the_corner_is_one_for_equal_maps() -> None:
    maps, _ = half_maps(24)
    curves = local_shell_correlation(HalfMaps(maps.first, maps.first), (0, 0, 23), 10.0)
    assert curves.fsc[1:] == pytest.approx(1.0)


def test_local_shell_correlation_when_outside_or_too_small_says_so() -> None:
    maps, _ = half_maps(16)
    with pytest.raises(InputError, match="outside the map"):
        local_shell_correlation(maps, (40, 0, 0), 10.0)
    with pytest.raises(InputError, match="eight voxels"):
        local_shell_correlation(maps, (8, 8, 8), 3.0)
