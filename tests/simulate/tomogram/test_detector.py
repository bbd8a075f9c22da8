from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate.tomogram.detector import Curve, Detector
from mapscope.simulate.tomogram.exposure import Exposure, Noise
from mapscope.simulate.tomogram.image_noise import counted, drawn
from mapscope.simulate.tomogram.projection import Frame


def falling() -> Detector:
    """A detector whose curves fall linearly, with a Nyquist frequency of 0.1/Å."""
    share = np.linspace(0, 1, 11)
    return Detector(Curve(share, 1 - 0.6 * share), Curve(share, 0.8 - 0.5 * share), 5.0)


def power(images: list[np.ndarray]) -> np.ndarray:
    """Mean power spectrum of images, per pixel."""
    spectra = [np.abs(np.fft.fft2(i - i.mean())) ** 2 / i.size for i in images]
    return np.asarray(np.mean(spectra, axis=0))


def test_curve_when_read_is_the_line_through_its_points(tmp_path: Path) -> None:
    path = tmp_path / "mtf.csv"
    path.write_text("# share, value\n0.2, 0.9\n0.6, 0.5\n\n1.0 0.3\n")
    curve = Curve.read(path)
    np.testing.assert_allclose(curve.at([0.2, 0.4, 0.8, 1.0, 1.4]), [0.9, 0.7, 0.4, 0.3, 0.3])
    np.testing.assert_allclose(curve.at([0.15, 0.0]), [0.95, 1.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0.1, 0.9\n0.2, high\n", "line 2: expected two numbers"),
        ("0.1, 0.9\n0.1, 0.8\n", "rise from 0"),
        ("0.1, 0.9\n0.2, 1.8\n", "between 0 and 1"),
        ("", "at least two"),
    ],
)
def test_curve_when_the_file_is_none_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mtf.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        Curve.read(path)


def test_counted_images_when_nothing_is_there_have_the_noise_of_mtf_and_dqe() -> None:
    """Noise power is MTF² / DQE / dose: the definition of the DQE, turned round."""
    frame = Frame(64, 64, 10.0)
    detector = falling()
    exposure = Exposure(np.zeros(1), noise=Noise(signal_to_noise=None, dose=4.0), detector=detector)
    random = np.random.default_rng(0)
    empty = np.zeros((64, 64), dtype=np.float32)
    images = [counted(empty, exposure, frame, 2, random) for _ in range(150)]
    intensity = [2 * exposure.microscope.interaction * i for i in images]
    # Nyquist of 5 Å pixels is 0.1/Å: the curves of falling() at the frequency's share of it.
    share = frame.frequency / 0.1
    expected = (1 - 0.6 * share) ** 2 / (0.8 - 0.5 * share) / (2.0 * 10.0**2)
    ratio = power(intensity) / expected
    for low, high in ((0.005, 0.02), (0.02, 0.035), (0.035, 0.05)):
        ring = (frame.frequency > low) & (frame.frequency < high)
        assert ratio[ring].mean() == pytest.approx(1.0, abs=0.02)


def test_counted_images_when_something_is_there_show_its_contrast_on_average() -> None:
    frame = Frame(48, 48, 10.0)
    exposure = Exposure(np.zeros(1), noise=Noise(signal_to_noise=None, dose=50.0))
    column = np.arange(48)
    image = (100 * np.cos(2 * np.pi * 4 * column / 48) * np.ones((48, 1))).astype(np.float32)
    random = np.random.default_rng(1)
    mean = np.mean([counted(image, exposure, frame, 1, random) for _ in range(60)], axis=0)
    share = (mean * image).sum() / (image**2).sum()
    assert share == pytest.approx(1.0, abs=0.02)


def test_counted_images_when_electrons_are_lost_have_no_offset() -> None:
    """A DQE of 0.8 at frequency 0 makes counts grainier, and the empty beam no darker."""
    frame = Frame(64, 64, 10.0)
    exposure = Exposure(
        np.zeros(1), noise=Noise(signal_to_noise=None, dose=50.0), detector=falling()
    )
    random = np.random.default_rng(6)
    empty = np.zeros((64, 64), dtype=np.float32)
    images = [counted(empty, exposure, frame, 1, random) for _ in range(40)]
    # The mean of so many counts is known to one part in 28,000 of the beam.
    error = 1 / np.sqrt(40 * 64 * 64 * 50.0 * 10.0**2 * 0.8) / (2 * exposure.microscope.interaction)
    assert np.mean(images) == pytest.approx(0.0, abs=4 * error)


def test_counted_images_when_the_detector_passes_nothing_at_nyquist_stay_finite() -> None:
    frame = Frame(32, 32, 10.0)
    share = np.array([0.0, 0.5, 1.0])
    blind = Detector(Curve(share, np.array([1.0, 0.4, 0.0])), Curve(share, 0.8 - 0.8 * share), 10.0)
    exposure = Exposure(np.zeros(1), noise=Noise(signal_to_noise=None, dose=9.0), detector=blind)
    random = np.random.default_rng(7)
    sharp = np.fft.fft2(random.standard_normal((32, 32)))
    image = np.fft.ifft2(sharp * blind.signal_gain(frame.frequency)).real.astype(np.float32)
    found = counted(image, exposure, frame, 1, random)
    assert np.isfinite(found).all()
    spectrum = np.abs(np.fft.fft2(found))
    assert spectrum[16, 16] < 1e-3 * spectrum[0, 1:8].mean()


def test_drawn_noise_when_only_the_detector_shapes_it_has_its_spectrum_and_variance() -> None:
    frame = Frame(64, 64, 10.0)
    detector = falling()
    exposure = Exposure(np.zeros(1), noise=Noise(through_lens=0.0), detector=detector)
    random = np.random.default_rng(2)
    images = [drawn(25.0, exposure, 30000.0, frame, random) for _ in range(120)]
    assert np.mean([i.var() for i in images]) == pytest.approx(25.0, rel=0.01)
    share = frame.frequency / 0.1
    shape = (1 - 0.6 * share) ** 2 / (0.8 - 0.5 * share)
    ratio = power(images) / (25.0 * shape / shape.mean())
    assert ratio[1:, 1:].mean() == pytest.approx(1.0, abs=0.02)
    corner = frame.frequency > 0.05
    assert ratio[corner].mean() == pytest.approx(1.0, abs=0.03)


def test_drawn_noise_when_the_lens_shapes_it_has_the_zeros_of_the_ctf() -> None:
    frame = Frame(128, 128, 10.0)
    exposure = Exposure(np.zeros(1), noise=Noise(through_lens=1.0))
    random = np.random.default_rng(3)
    images = [drawn(1.0, exposure, 60000.0, frame, random) for _ in range(30)]
    expected = exposure.microscope.ctf(frame.frequency, 60000.0) ** 2
    expected /= expected.mean()
    measured = power(images)
    assert np.corrcoef(measured.ravel(), expected.ravel())[0, 1] > 0.95
    assert measured[expected < 1e-3].mean() < 0.01


@pytest.mark.real_data
@pytest.mark.parametrize("voltage", [200, 300])
def test_curves_of_the_k2_when_read_are_those_of_the_files(data_folder: Path, voltage: int) -> None:
    folder = data_folder / "tomography" / "simulation" / "detectors"
    curves = []
    for kind in ("MTF", "DQE"):
        path = folder / f"K2SUMMIT_{kind}_{voltage}kV.csv"
        table = np.loadtxt(path, delimiter=",")
        curve = Curve.read(path)
        np.testing.assert_allclose(curve.at(table[:, 0]), table[:, 1], atol=1e-12)
        curves.append(curve)
    detector = Detector(curves[0], curves[1], pixel_size=2.5)
    # Nyquist of 2.5 Å pixels is 0.2/Å; tomograms of 10 Å see its first quarter.
    half = detector.signal_gain(0.1)
    assert half == pytest.approx(float(curves[0].at(0.5)))
    noise = detector.noise_gain(np.linspace(0.0, 0.2, 50))
    mtf, dqe = (c.at(np.linspace(0.0, 1.0, 50)) for c in curves)
    np.testing.assert_allclose(noise**2 * dqe, mtf**2)
    # And so has the noise of counted images.
    frame = Frame(64, 64, 2.5)
    exposure = Exposure(np.zeros(1), noise=Noise(signal_to_noise=None, dose=9.0), detector=detector)
    random, empty = np.random.default_rng(8), np.zeros((64, 64), dtype=np.float32)
    images = [counted(empty, exposure, frame, 1, random) for _ in range(100)]
    measured = power([2 * exposure.microscope.interaction * i for i in images])
    for share in (0.25, 0.5, 0.75, 1.0):
        ring = np.abs(frame.frequency - share * 0.2) < 0.006
        blur, efficiency = (float(c.at(share)) for c in curves)
        expected = blur**2 / efficiency / (9.0 * 2.5**2)
        assert measured[ring].mean() == pytest.approx(expected, rel=0.06)
