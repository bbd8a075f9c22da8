from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from mapscope.errors import InputError
from mapscope.simulate.tomogram.back_projection import back_projected

WIDTH = 2.0


def images_of_a_ball(tilts: np.ndarray, place: tuple[int, int, int], columns: int) -> np.ndarray:
    """Projections of a Gaussian ball, by their formula; rows are y."""
    z, y, x = place
    column = np.arange(columns) - columns // 2
    row = np.arange(24) - 12
    u = x * np.cos(np.deg2rad(tilts)) + z * np.sin(np.deg2rad(tilts))
    across = np.exp(-((column - u[:, None]) ** 2) / (2 * WIDTH**2))
    along = np.exp(-((row - y) ** 2) / (2 * WIDTH**2))
    peak = WIDTH * np.sqrt(2 * np.pi)
    return np.asarray(peak * across[:, None, :] * along[:, None], dtype=np.float32)


@pytest.mark.parametrize("shape", [(40, 24, 48), (41, 24, 47)])
def test_back_projection_of_a_point_when_tilts_end_is_the_integral_of_its_filtered_beams(
    shape: tuple[int, int, int],
) -> None:
    tilts = np.linspace(-60, 60, 121)
    place = (5, -3, -7)
    found = back_projected(images_of_a_ball(tilts, place, 96), tilts.tolist(), shape)

    def filtered(u: float) -> float:
        """Ramp-filtered profile of a Gaussian at a distance from its middle."""
        spectrum = lambda k: k * np.exp(-2 * (np.pi * k * WIDTH) ** 2) * np.cos(2 * np.pi * k * u)  # noqa: E731
        return float(4 * np.pi * WIDTH**2 * quad(spectrum, 0, 0.5, limit=200)[0])

    weights = np.deg2rad(np.gradient(tilts))
    for dz, dx in [(0, 0), (3, 0), (0, 3), (6, -2), (-4, -5)]:
        beams = dx * np.cos(np.deg2rad(tilts)) + dz * np.sin(np.deg2rad(tilts))
        expected = sum(w * filtered(u) for w, u in zip(weights, beams, strict=True))
        voxel = found[shape[0] // 2 + 5 + dz, 12 - 3, shape[2] // 2 - 7 + dx]
        assert voxel == pytest.approx(expected, abs=0.006)


def test_back_projection_of_a_point_when_all_directions_are_there_is_the_point() -> None:
    tilts = np.linspace(-89, 90, 180)
    found = back_projected(images_of_a_ball(tilts, (4, 0, 6), 128), tilts.tolist(), (40, 24, 48))
    z, y, x = np.indices(found.shape) - np.array([20 + 4, 12, 24 + 6])[:, None, None, None]
    ball = np.exp(-(z**2 + y**2 + x**2) / (2 * WIDTH**2))
    assert np.abs(found - ball).max() < 0.02
    assert found.argmax() == np.ravel_multi_index((24, 12, 30), found.shape)


def test_back_projection_of_noise_when_tilts_end_at_60_degrees_has_a_third_missing() -> None:
    """Power lies where |k_z| <= |k_x| tan 60°, and none in the third around the beam."""
    random = np.random.default_rng(1)
    tilts = np.linspace(-60, 60, 241)
    images = random.standard_normal((241, 8, 192), dtype=np.float32)
    found = back_projected(images, tilts.tolist(), (96, 8, 96))
    window = np.outer(np.hanning(96), np.hanning(96))[:, None, :]
    power = (np.abs(np.fft.fftn(found * window)) ** 2).sum(axis=1)
    k = np.fft.fftfreq(96)
    k_z, k_x = np.abs(k)[:, None], np.abs(k)
    ring = (np.hypot(k_z, k_x) > 0.12) & (np.hypot(k_z, k_x) < 0.4)
    angle = np.degrees(np.arctan2(k_z, k_x))
    missing = ring & (angle > 64)
    measured = ring & (angle < 56)
    assert power[missing].mean() < 1e-3 * power[measured].mean()
    share = (power > 0.1 * power[measured].mean())[ring].mean()
    assert 1 - share == pytest.approx(1 / 3, abs=0.06)


def test_back_projection_when_tilts_do_not_rise_is_refused() -> None:
    images = np.zeros((3, 8, 16), dtype=np.float32)
    for tilts in ([0.0, 2.0], [0.0, 2.0, 1.0]):
        with pytest.raises(InputError, match="tilts that rise"):
            back_projected(images, tilts, (8, 8, 8))
