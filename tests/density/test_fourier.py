"""Transforms, shells and filters."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from mapscope.density.fourier import (
    Counting,
    Edge,
    Shells,
    apply_radial,
    band_pass,
    frequencies,
    high_pass,
    inverse,
    low_pass,
    low_pass_gain,
    transform,
)
from mapscope.errors import Cancelled, InputError
from mapscope.progress import Progress
from mapscope.volume import Grid, MapHeader, Volume

SHAPES = [(12, 12, 12), (11, 13, 9), (8, 15, 10), (1, 6, 7)]


@pytest.mark.parametrize("shape", SHAPES)
def test_inverse_when_transformed_gives_the_map_again(shape: tuple[int, int, int]) -> None:
    data = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert inverse(transform(data), shape) == pytest.approx(data, abs=1e-5)


def test_transform_when_batched_equals_one_at_a_time() -> None:
    grid = Grid((8, 9, 10), (1.0, 1.5, 2.0))
    data = np.random.default_rng(1).standard_normal((3, *grid.shape)).astype(np.float32)
    gain = low_pass_gain(5.0, 0.05)
    batched = inverse(apply_radial(transform(data), grid, gain), grid.shape)
    single = [inverse(apply_radial(transform(m), grid, gain), grid.shape) for m in data]
    assert batched == pytest.approx(np.stack(single), abs=1e-6)


def test_frequencies_when_box_is_anisotropic_are_in_inverse_angstrom() -> None:
    z, y, x = frequencies(Grid((4, 6, 8), (1.0, 2.0, 0.5)))
    assert (z.shape, y.shape, x.shape) == ((4, 1, 1), (6, 1), (5,))
    assert z[1, 0, 0] == pytest.approx(1 / 4)
    assert y[1, 0] == pytest.approx(1 / 12)
    assert x[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("size", [16, 17])
def test_shells_when_box_is_cubic_are_rounded_radii(size: int) -> None:
    shells = Shells(Grid((size,) * 3, (1.3, 1.3, 1.3)))
    assert shells.number == size // 2 + 1
    assert shells.frequency[1] == pytest.approx(1 / (size * 1.3))
    for z in range(size):
        for y in range(size):
            for x in range(size // 2 + 1):
                wave = [k - size if k > size // 2 else k for k in (z, y, x)]
                wanted = math.floor(math.sqrt(sum(k * k for k in wave)) + 0.5)
                assert shells.index(z)[y, x] == min(wanted, shells.number)


def test_shells_when_voxels_are_anisotropic_end_at_the_lowest_nyquist() -> None:
    shells = Shells(Grid((10, 20, 16), (3.0, 1.0, 1.0)))
    assert shells.width == pytest.approx(1 / 30)
    assert shells.frequency[-1] == pytest.approx(1 / 6)


def test_counts_when_full_space_are_those_of_the_complex_transform() -> None:
    grid = Grid((9, 12, 10), (1.0, 0.8, 1.1))
    shells = Shells(grid, "full")
    waves = [np.fft.fftfreq(n, d) for n, d in zip(grid.shape, grid.voxel_size, strict=True)]
    radius = np.sqrt(sum(w**2 for w in np.meshgrid(*waves, indexing="ij"))) / shells.width
    rounded = np.floor(radius + 0.5).astype(int)
    wanted = [int((rounded == number).sum()) for number in range(shells.number)]
    assert shells.counts().tolist() == wanted


@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 4)])
@pytest.mark.parametrize("counting", ["half", "full"])
def test_sums_are_those_of_each_coefficient_by_itself(
    shape: tuple[int, int, int], counting: Counting
) -> None:
    shells = Shells(Grid(shape, (1.0, 1.3, 0.9)), counting)
    columns = shape[2] // 2 + 1
    terms = np.random.default_rng(2).random((2, *shape[:2], columns))
    often = np.ones(columns)
    if counting == "full":
        often[1 : (shape[2] + 1) // 2] = 2
    expected = np.zeros((2, shells.number + 1))
    for plane in range(shape[0]):
        for row, values in enumerate(terms):
            np.add.at(expected[row], shells.index(plane), often * values[plane])
    found = shells.sums(lambda plane: tuple(terms[:, plane]))
    np.testing.assert_allclose(found, expected[:, :-1], rtol=1e-12)


@pytest.mark.parametrize("shape", [*SHAPES, (2, 1, 4)])
def test_radial_gain_is_that_of_each_coefficients_own_frequency(
    shape: tuple[int, int, int],
) -> None:
    grid = Grid(shape, (1.0, 1.3, 0.9))
    ft = transform(np.random.default_rng(3).standard_normal(shape))
    gain = low_pass_gain(3.0, 0.2)
    z, y, x = frequencies(grid)
    expected = ft * gain(np.sqrt(z**2 + y**2 + x**2))
    np.testing.assert_allclose(apply_radial(ft, grid, gain), expected, atol=1e-4)


@pytest.mark.parametrize("edge", ["cosine", "gaussian"])
def test_filters_when_map_is_constant_leave_it(edge: Edge) -> None:
    volume = Volume(np.full((10, 12, 9), 3.5, np.float32), (1.0, 1.2, 0.9))
    for filtered in (
        low_pass(volume, 4.0, edge=edge),
        high_pass(volume, 6.0, edge=edge),
        band_pass(volume, 8.0, 4.0, edge=edge),
    ):
        assert filtered.data == pytest.approx(volume.data, abs=1e-5)
        assert filtered.data.dtype == np.float32


def test_low_pass_when_wave_is_above_or_below_the_edge_drops_or_keeps_it() -> None:
    z = np.arange(32)[:, None, None] * np.ones((32, 32, 32))
    slow, fast = np.cos(2 * np.pi * 3 * z / 32), np.cos(2 * np.pi * 11 * z / 32)
    volume = Volume((slow + fast).astype(np.float32), (1.0, 1.0, 1.0))
    assert low_pass(volume, 32 / 7).data == pytest.approx(slow, abs=1e-5)
    assert high_pass(volume, 32 / 7).data == pytest.approx(fast, abs=1e-5)
    assert band_pass(volume, 32 / 5, 32 / 8).data == pytest.approx(0 * slow, abs=1e-5)


@pytest.mark.parametrize("edge", ["cosine", "gaussian"])
def test_low_pass_gain_at_its_resolution_is_a_half(edge: Edge) -> None:
    gain = low_pass_gain(4.0, 0.02, edge)
    assert gain(np.array([0.0, 0.25])) == pytest.approx([1.0, 0.5])


def test_low_pass_when_header_is_given_keeps_it() -> None:
    header = MapHeader(labels=(b"kept",))
    volume = Volume(np.zeros((4, 4, 4), np.float32), (1.0,) * 3, (5.0, 6.0, 7.0), header)
    filtered = low_pass(volume, 4.0)
    assert (filtered.header, filtered.origin) == (header, (5.0, 6.0, 7.0))


def test_filters_when_resolution_makes_no_sense_say_so() -> None:
    volume = Volume(np.zeros((4, 4, 4), np.float32))
    with pytest.raises(InputError, match="above 0 Å"):
        low_pass(volume, 0.0)
    with pytest.raises(InputError, match="coarse end"):
        band_pass(volume, 4.0, 8.0)


def test_low_pass_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    volume = Volume(np.zeros((8, 8, 8), np.float32))
    with pytest.raises(Cancelled):
        low_pass(volume, 4.0, progress=cancel(5))
