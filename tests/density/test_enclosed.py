"""What a contour encloses is what the body measures, and levels are found back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mapscope.density import enclosed as module
from mapscope.density.contour import isosurface
from mapscope.density.enclosed import (
    EnclosedVolume,
    level_from_sigma,
    moments,
    sigma_from_level,
)
from mapscope.density.surface import enclosed
from mapscope.volume import Volume

Array = np.ndarray[Any, Any]
CENTRES = [(20.0, 20.0, 20.0), (20.31, 19.77, 20.5), (19.5, 20.5, 20.0)]


def distance(centre: tuple[float, float, float], size: int = 41, voxel: Any = 1.0) -> Array:
    """Distance in Å from a place given in voxels."""
    index = np.indices((size,) * 3, dtype=np.float64) - np.reshape(centre, (3, 1, 1, 1))
    return np.asarray(np.sqrt(((index * np.reshape(voxel, (-1, 1, 1, 1))) ** 2).sum(axis=0)))


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius", [5.0, 6.4, 8.0, 12.0, 16.0])
def test_volume_at_when_the_body_is_a_ball_is_right_to_one_per_cent(
    centre: tuple[float, float, float], radius: float
) -> None:
    volume = Volume((20 - distance(centre)).astype(np.float32), (1.3,) * 3)
    found = EnclosedVolume(volume).volume_at(20 - radius)
    assert found == pytest.approx(4 / 3 * np.pi * (1.3 * radius) ** 3, rel=0.01)


@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("radius", [5.0, 7.0, 10.0, 15.0])
def test_volume_at_when_the_body_is_a_gaussian_is_right_to_one_per_cent(
    centre: tuple[float, float, float], radius: float
) -> None:
    data = np.exp(-0.5 * (distance(centre) / 5.0) ** 2).astype(np.float32)
    found = EnclosedVolume(Volume(data)).volume_at(float(np.exp(-0.5 * (radius / 5.0) ** 2)))
    assert found == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)


@pytest.mark.parametrize("centre", CENTRES)
def test_volume_at_when_the_body_is_a_shell_is_right_to_one_per_cent(
    centre: tuple[float, float, float],
) -> None:
    data = -np.abs(distance(centre) - 12.0).astype(np.float32)
    for half in (1.5, 3.0):
        found = EnclosedVolume(Volume(data)).volume_at(-half)
        expected = 4 / 3 * np.pi * ((12 + half) ** 3 - (12 - half) ** 3)
        assert found == pytest.approx(expected, rel=0.01)


def test_volume_at_when_the_body_is_a_box_of_voxels_is_theirs_at_every_level_between() -> None:
    data = np.zeros((30, 40, 50), np.uint8)
    data[5:17, 8:30, 10:35] = 7
    curve = EnclosedVolume(Volume(data, (1.0, 1.5, 2.0)))
    for level in (2.5, 3.5, 4.5):
        assert curve.volume_at(level) == pytest.approx(12 * 22 * 25 * 3.0, rel=0.01)
    large = np.zeros((70, 70, 70), np.float32)
    large[5:65, 5:65, 5:65] = 1
    for level in (0.01, 0.5, 0.99):
        assert EnclosedVolume(Volume(large)).volume_at(level) == pytest.approx(60**3, rel=1e-6)


def test_volume_at_when_voxels_are_anisotropic_is_right_to_one_per_cent() -> None:
    voxel = (1.0, 1.4, 0.8)
    data = (20 - distance((20.2, 20.4, 19.9), voxel=voxel)).astype(np.float16)
    found = EnclosedVolume(Volume(data, voxel)).volume_at(12.0)
    assert found == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.01)


def test_volume_at_agrees_with_the_volume_of_the_surface() -> None:
    volume = Volume((20 - distance(CENTRES[1])).astype(np.float32), (1.2,) * 3)
    curve = EnclosedVolume(volume)
    for radius in (10.0, 13.0, 16.0):
        mesh = isosurface(volume, 20 - radius)
        assert curve.volume_at(20 - radius) == pytest.approx(enclosed(mesh), rel=0.01)


@pytest.mark.parametrize("kind", ["noise", "spike", "masked", "integers"])
def test_level_for_when_asked_for_a_volume_gives_the_level_that_encloses_it(kind: str) -> None:
    random = np.random.default_rng(0)
    data: Array = random.standard_normal((50, 60, 40)).astype(np.float32)
    if kind == "spike":
        data[3, 4, 5] = 1e6
    if kind == "masked":
        data[:, :, :30] = 0
    if kind == "integers":
        data = np.rint(20 * data).astype(np.int16)
    curve = EnclosedVolume(Volume(data, (2.0,) * 3))
    levels = np.linspace(float(data.min()), min(float(data.max()), 100.0), 500)
    volumes = [curve.volume_at(level) for level in levels]
    assert (np.diff(volumes) <= 0).all()
    assert (np.diff(curve.levels) >= 0).all()
    assert (np.diff(curve.volumes) <= 0).all()
    wanted = np.geomspace(100.0, 0.99 * 8 * data.size, 300)
    found = [curve.volume_at(curve.level_for(volume)) for volume in wanted]
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    for share in (0.5, 0.7):
        level = float(np.quantile(data, share)) + (0.5 if kind == "integers" else 1e-4)
        assert curve.volume_at(level) == pytest.approx(8 * (data > level).sum(), rel=0.02)
    assert curve.volume_at(2e6) == 0
    assert curve.volume_at(-2e6) == pytest.approx(8 * data.size, rel=1e-3)


def test_level_for_when_nothing_encloses_so_much_gives_the_lowest_density() -> None:
    curve = EnclosedVolume(Volume((20 - distance(CENTRES[0])).astype(np.float32)))
    assert curve.level_for(1e9) == curve.levels[0]
    assert curve.level_for(-5.0) == curve.levels[-1] == 20.0


def test_volume_at_when_dark_is_dense_mirrors_that_of_the_bright_map() -> None:
    data = (20 - distance(CENTRES[1])).astype(np.float32)
    bright = EnclosedVolume(Volume(data))
    for dark in (
        EnclosedVolume(Volume(-data, contrast=-1)),
        EnclosedVolume(Volume(-data), "below"),
    ):
        assert (np.diff(dark.levels) >= 0).all()
        for level in (8.0, 10.0, 14.0):
            assert dark.volume_at(-level) == pytest.approx(bright.volume_at(level))
            volume = bright.volume_at(level)
            assert dark.level_for(volume) == pytest.approx(-bright.level_for(volume))
        assert dark.level_from_sigma(2) == pytest.approx(-bright.level_from_sigma(2))
        assert dark.histogram(10)[1].sum() == pytest.approx(bright.histogram(10)[1].sum())


def test_mass_is_the_volume_at_0_81_dalton_per_cubic_angstrom() -> None:
    curve = EnclosedVolume(Volume((20 - distance(CENTRES[0])).astype(np.float32)))
    mass = curve.mass_kda(10.0)
    assert mass == pytest.approx(4 / 3 * np.pi * 1000 * 0.81 / 1000, rel=0.01)
    assert curve.level_for_mass(mass) == pytest.approx(10.0, abs=1e-6)


def test_volume_at_when_a_map_is_huge_counts_some_voxels_and_stays_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    volume = Volume((20 - distance(CENTRES[1])).astype(np.float32))
    monkeypatch.setattr(module, "_MOST_VOXELS", 21**3)
    curve = EnclosedVolume(volume)
    assert curve.stride == 2
    assert curve.voxel_count == 41**3
    assert curve.volume_at(4.0) == pytest.approx(4 / 3 * np.pi * 16**3, rel=0.01)
    assert curve.histogram(20)[1].sum() == pytest.approx(41**3, rel=0.01)


def test_histogram_counts_the_voxels_between_its_edges() -> None:
    data = np.random.default_rng(1).standard_normal((40, 50, 60)).astype(np.float32)
    curve = EnclosedVolume(Volume(data))
    edges, counts = curve.histogram(50, (-2.0, 3.0))
    expected, _ = np.histogram(data, edges)
    np.testing.assert_allclose(counts, expected, rtol=0.05, atol=150)
    edges, counts = curve.histogram(64)
    assert (edges[0], edges[-1]) == (data.min(), data.max())
    assert counts.sum() == pytest.approx(data.size, rel=1e-3)
    assert (counts >= 0).all()


def test_enclosed_volume_when_a_map_is_constant_has_a_level_and_a_histogram_still() -> None:
    curve = EnclosedVolume(Volume(np.full((4, 4, 4), 3.0, np.float32)))
    assert curve.volume_at(2.0) == 64
    assert curve.volume_at(4.0) == 0
    assert curve.histogram(4)[1].sum() == 64
    assert curve.sigma_from_level(5.0) == 0.0
    single = EnclosedVolume(Volume(np.full((1, 1, 1), 3.0, np.float32)))
    assert np.isfinite([single.volume_at(2.0), single.level_for(0.5)]).all()


def test_sigma_is_counted_from_the_mean_of_all_voxels_towards_density() -> None:
    data = np.random.default_rng(2).normal(1e4, 0.5, (60, 50, 40)).astype(np.float32)
    mean, deviation = data.mean(dtype=np.float64), data.std(dtype=np.float64)
    assert moments(Volume(data)) == pytest.approx((mean, deviation), rel=1e-6)
    for contrast in (1, -1):
        volume = Volume(data, contrast=contrast)
        level = level_from_sigma(volume, 2.5)
        assert level == pytest.approx(mean + contrast * 2.5 * deviation)
        assert sigma_from_level(volume, level) == pytest.approx(2.5)
        curve = EnclosedVolume(volume)
        assert curve.level_from_sigma(2.5) == pytest.approx(level)
        assert curve.sigma_from_level(level) == pytest.approx(2.5)
    assert sigma_from_level(Volume(np.ones((2, 2, 2), np.float32)), 5.0) == 0.0
