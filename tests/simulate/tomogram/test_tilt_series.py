from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate.tomogram.exposure import Exposure, Noise
from mapscope.simulate.tomogram.projection import Microscope
from mapscope.simulate.tomogram.specimen import ICE
from mapscope.simulate.tomogram.tilt_series import TiltSeries, tilt_series

SHAPE = (32, 96, 96)
TILTS = np.linspace(-60, 60, 9)


@pytest.fixture(scope="module")
def content() -> np.ndarray:
    """Forty balls of 3 V."""
    random = np.random.default_rng(0)
    z, y, x = np.indices(SHAPE)
    data = np.zeros(SHAPE, dtype=np.float32)
    for centre in random.uniform([6, 6, 6], np.array(SHAPE) - 6, (40, 3)):
        data[(z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < 16] = 3.0
    return data


def series_of(content: np.ndarray, noise: Noise, seed: int = 0, **exposure: object) -> TiltSeries:
    taken = Exposure(TILTS, noise=noise, **exposure)  # type: ignore[arg-type]
    return tilt_series(content, np.zeros_like(content), 10.0, taken, seed=seed)


@pytest.mark.parametrize("ratio", [0.004, 0.02])
@pytest.mark.parametrize("sampling", [1.0, 10.0])
def test_signal_to_noise_is_what_was_asked_for_within_5_percent(
    content: np.ndarray, ratio: float, sampling: float
) -> None:
    noise = Noise(structural=0.0, signal_to_noise=ratio, sampling=sampling)
    series = series_of(content, noise)
    # Of a whole image, where the specimen of 96 voxels is all in sight at tilt 0.
    rows, columns = (slice(n // 2 - 48, n // 2 + 48) for n in series.clean.shape[1:])
    middle = len(TILTS) // 2
    assert TILTS[middle] == 0
    added = (series.images - series.clean)[:, rows, columns]
    assert added.mean() == pytest.approx(0.0, abs=0.05 * float(added.std()))
    wanted = ratio * (10.0 / sampling) ** 2
    assert series.signal.mean() / added.var(axis=(1, 2)).mean() == pytest.approx(wanted, rel=0.05)
    assert series.signal.mean() / series.noise.mean() == pytest.approx(wanted, rel=0.05)
    assert series.signal[middle] == pytest.approx(
        series.clean[middle, rows, columns].var(), rel=0.1
    )
    # The beam is as strong at every tilt.
    assert series.noise.std() < 0.1 * series.noise.mean()


def test_tilt_series_when_run_twice_is_the_same_and_with_another_seed_is_not(
    content: np.ndarray,
) -> None:
    first, again, other = (series_of(content, Noise(), seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.images, again.images)
    np.testing.assert_array_equal(first.clean, other.clean)
    difference = np.corrcoef(
        (first.images - first.clean).ravel(), (other.images - other.clean).ravel()
    )
    assert abs(difference[0, 1]) < 0.02


def test_structural_noise_when_projected_grows_with_the_root_of_the_thickness(
    content: np.ndarray,
) -> None:
    """One independent number for each voxel: sqrt(voxels along the beam) times the deviation."""
    noise = Noise(structural=0.2, signal_to_noise=1e9, sampling=10.0)
    in_focus = Microscope(method="projection", cs=0.0, amplitude_contrast=1.0, decay=None)
    series = series_of(content * 1e-3 + 0.0, noise, defocus=0.0, microscope=in_focus)
    added = series.images - series.clean
    middle = added[4, 20:90, 20:90]
    assert middle.std() == pytest.approx(0.2 * ICE * 10.0 * np.sqrt(32), rel=0.03)
    columns = added.shape[2]
    steep = added[-1, 20:90, columns // 2 - 6 : columns // 2 + 6]
    assert steep.std() == pytest.approx(0.2 * ICE * 10.0 * np.sqrt(64), rel=0.08)
    assert (
        abs(np.corrcoef(added[4, 20:90, 30:80].ravel(), added[5, 20:90, 30:80].ravel())[0, 1])
        < 0.05
    )


def test_dose_when_given_blurs_what_comes_late(content: np.ndarray) -> None:
    """exp(-B k² / 4) with B of 4 Å² per electron and Å²; the lowest tilts come first."""
    plain = series_of(content, Noise(structural=0.0))
    dosed = series_of(content, Noise(structural=0.0, dose=90.0))
    assert list(np.argsort(dosed.doses)[:3]) in ([4, 3, 5], [4, 5, 3])
    assert dosed.doses[4] == pytest.approx(5.0)
    assert dosed.doses.max() == pytest.approx(85.0)
    rows, columns = plain.clean.shape[1:]
    square = np.fft.fftfreq(rows, 10.0)[:, None] ** 2 + np.fft.fftfreq(columns, 10.0) ** 2
    for k in (0, 4):
        a, b = (np.fft.fft2(s.clean[k]) for s in (plain, dosed))
        expected = a * np.exp(-dosed.doses[k] * square)
        np.testing.assert_allclose(b, expected, atol=1e-4 * np.abs(a).max())


def test_counted_electrons_when_there_is_no_ratio_have_the_noise_of_their_dose(
    content: np.ndarray,
) -> None:
    noise = Noise(structural=0.0, signal_to_noise=None, dose=90.0)
    series = series_of(content, noise)
    sigma = Microscope().interaction
    expected = 1 / (90.0 / 9 * 100.0) / (2 * sigma) ** 2
    assert series.noise.mean() == pytest.approx(expected, rel=0.05)


def test_defocus_when_it_spreads_differs_from_tilt_to_tilt(content: np.ndarray) -> None:
    many = replace(Exposure(np.linspace(-60, 60, 9)), defocus=20000.0, defocus_spread=1000.0)
    series = tilt_series(content, np.zeros_like(content), 10.0, many, seed=1)
    assert series.defoci.std() == pytest.approx(1000.0, rel=0.5)
    assert series.defoci.mean() == pytest.approx(20000.0, abs=1200.0)


def test_fringes_of_a_point_at_one_face_do_not_come_back_at_the_other() -> None:
    """In pixels of 2.5 Å defocus of 3 µm moves detail by 118 Å, 47 pixels."""
    point = np.zeros((4, 64, 8), dtype=np.float32)
    point[2, 0, 4] = 3.0
    exposure = Exposure(np.array([-1.0, 1.0]), microscope=Microscope(decay=None))
    series = tilt_series(point, np.zeros_like(point), 2.5, exposure)
    rows, columns = series.clean.shape[1:]
    first = rows // 2 - 32
    profile = np.abs(series.clean[0][:, columns // 2])
    assert profile.argmax() < first + 40
    # Beyond their reach there is only the little that amplitude contrast has of all directions.
    assert profile[first + 48 : first + 64].max() < 0.12 * profile.max()


def test_tilt_series_when_nothing_is_there_or_no_noise_is_said_is_refused(
    content: np.ndarray,
) -> None:
    with pytest.raises(InputError, match="holds nothing"):
        series_of(np.zeros_like(content), Noise())
    with pytest.raises(InputError, match="dose above 0"):
        series_of(content, Noise(signal_to_noise=None))
    with pytest.raises(InputError, match="above 0"):
        series_of(content, Noise(signal_to_noise=-1.0))
