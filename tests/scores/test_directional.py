"""FSC by direction finds a cone that was left out, and none where there is only noise."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.fourier import Shells, frequencies, inverse, transform
from mapscope.density.shells import correlate_shells
from mapscope.errors import DataError, GridError, InputError
from mapscope.scores.directional import (
    _Pixels,
    directional_correlation,
    directions_on_half_sphere,
)
from mapscope.testing import example_noun
from mapscope.volume import Grid, Volume


def halves(
    axis: tuple[float, float, float] = (1.0, 0.0, 0.0),
    half_angle: float = 0.0,
    noise: float = 0.5,
    shape: tuple[int, int, int] = (60, 72, 64),
) -> tuple[Volume, Volume]:
    """Two noisy maps of random points that lack all coefficients in a cone about an axis."""
    random = np.random.default_rng(7)
    grid = Grid(shape, (1.5, 1.5, 1.5))
    points = random.normal(size=(400, 3)) * np.array(shape) * 0.12 + np.array(shape) / 2
    data = np.zeros(shape, dtype=np.float32)
    np.add.at(data, tuple(np.rint(points).astype(int).T), 1)
    z, y, x = frequencies(grid)
    s = np.sqrt(z**2 + y**2 + x**2)
    unit = np.asarray(axis) / np.linalg.norm(axis)
    cosine = np.abs(z * unit[0] + y * unit[1] + x * unit[2]) / np.where(s > 0, s, 1)
    ft = transform(data) * np.exp(-15 * s**2)
    ft = np.where((cosine > np.cos(np.radians(half_angle))) & (s > 0), 0, ft)
    signal = inverse(ft.astype(np.complex64), shape)
    spread = noise * float(signal.std())
    first, second = (
        Volume(signal + spread * random.standard_normal(shape, dtype=np.float32), 1.5)  # type: ignore[arg-type]
        for _ in range(2)
    )
    return first, second


@pytest.mark.parametrize("half_angle", [20.0, 30.0, 45.0])
@pytest.mark.parametrize("noise", [0.5, 2.0])
@pytest.mark.parametrize("axis", [(1.0, 0, 0), (0, 0, 1.0), (0.3, -0.8, 0.5), (-0.6, -0.1, 0.7)])
def test_worst_axis_when_a_cone_is_missing_lies_within_five_degrees_of_its_axis(
    axis: tuple[float, float, float], noise: float, half_angle: float
) -> None:
    cones = directional_correlation(*halves(axis, half_angle, noise))
    cosine = abs(np.dot(cones.worst_axis, axis)) / np.linalg.norm(axis)
    assert np.degrees(np.arccos(min(1.0, cosine))) < 5
    assert np.linalg.norm(cones.worst_axis) == pytest.approx(1)
    if half_angle >= 30:
        assert cones.is_preferred
        assert cones.anisotropy < 0.1


def test_cones_that_differ_by_noise_alone_are_not_called_preferred() -> None:
    volume, other = example_noun(Volume, 1), example_noun(Volume, 2)
    cones = directional_correlation(volume, other)
    assert cones.anisotropy < 0.5
    assert cones.repeatability < 0.5
    assert not cones.is_preferred


@pytest.mark.parametrize("noise", [0.2, 1.0, 2.0])
def test_maps_without_a_missing_cone_are_not_called_preferred(noise: float) -> None:
    cones = directional_correlation(*halves(noise=noise))
    assert not cones.is_preferred
    assert cones.anisotropy > 0.5


def test_whole_curve_is_the_fourier_shell_correlation() -> None:
    first, second = halves(noise=1.0)
    cones = directional_correlation(first, second)
    shells = Shells(first.grid, "full")
    plain = correlate_shells(transform(first.data), transform(second.data), shells)
    np.testing.assert_allclose(cones.whole, plain.fsc, atol=1e-5)


def test_cone_about_the_missing_axis_has_a_worse_resolution_than_others() -> None:
    cones = directional_correlation(*halves((0, 1.0, 0), 30))
    resolution = cones.resolution()
    lost, kept = cones.nearest((0, 1, 0)), cones.nearest((1, 0, 0))
    assert resolution[lost] > 10
    assert np.isnan(resolution[kept]), "agrees to Nyquist"
    assert cones.area[lost] < 0.1 < 0.5 < cones.area[kept]


def test_resolution_when_the_smallest_shells_hold_too_few_coefficients_ignores_them() -> None:
    cones = directional_correlation(*halves(noise=5.0))
    assert np.isnan(cones.fsc[:, 1]).all()
    assert not cones.used[1]
    found = cones.resolution()
    assert np.isfinite(found).all()
    assert np.median(found) < 20


def test_pixels_of_the_half_sphere_find_their_own_centres() -> None:
    pixels = _Pixels(3.0)
    index = pixels.index(*pixels.centres.T)
    np.testing.assert_array_equal(index, np.arange(len(pixels)))
    assert pixels.centres[:, 2].min() > 0


def test_directions_are_even_and_on_half_a_sphere() -> None:
    directions = directions_on_half_sphere(400)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert (directions[:, 2] > 0).all()
    nearest = np.sort(directions @ directions.T, axis=1)[:, -2]
    assert np.degrees(np.arccos(nearest)).max() < 9


def test_a_round_mask_keeps_the_axis() -> None:
    first, second = halves((0.3, -0.8, 0.5), 30, 1.0)
    index = np.stack(np.meshgrid(*map(np.arange, first.shape), indexing="ij"), axis=-1)
    distance = np.linalg.norm(index - np.array(first.shape) / 2, axis=-1)
    mask = Volume(np.clip((34 - distance) / 6, 0, 1).astype(np.float32), first.voxel_size)
    axis = directional_correlation(first, second, mask).worst_axis
    cosine = abs(np.dot(axis, (0.3, -0.8, 0.5))) / np.linalg.norm((0.3, -0.8, 0.5))
    assert np.degrees(np.arccos(min(1.0, cosine))) < 5


def test_directional_correlation_when_it_cannot_tell_says_so() -> None:
    first, second = halves()
    with pytest.raises(InputError, match="5 to 60"):
        directional_correlation(first, second, half_angle=80)
    with pytest.raises(GridError, match="different grids"):
        directional_correlation(first, Volume(second.data, 2.0))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="mask is 0"):
        directional_correlation(first, second, first.with_data(np.zeros(first.shape)))
    noise = np.random.default_rng(0).standard_normal(first.shape)
    with pytest.raises(DataError, match="too few to compare directions"):
        directional_correlation(first, first.with_data(noise))
