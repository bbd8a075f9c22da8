import numpy as np
import pytest

from mapscope.density.ctf import aberration, ctf, first_zero, wavelength
from mapscope.errors import InputError


@pytest.mark.parametrize(
    ("voltage", "expected"), [(100.0, 0.037014), (200.0, 0.025079), (300.0, 0.019687)]
)
def test_the_wavelength_is_that_of_the_tables(voltage: float, expected: float) -> None:
    assert wavelength(voltage) == pytest.approx(expected, rel=1e-4)


def test_zeros_without_aberration_are_where_the_formula_has_them() -> None:
    """Without Cs and amplitude contrast they lie at sqrt(n / (λ Δf))."""
    number = np.arange(1, 6)
    zeros = np.sqrt(number / (wavelength(300.0) * 20000.0))

    values = ctf(zeros, 20000.0, cs=0.0, amplitude_contrast=0.0)

    np.testing.assert_allclose(values, 0.0, atol=1e-10)
    assert first_zero(20000.0, cs=0.0, amplitude_contrast=0.0) == pytest.approx(zeros[0])


@pytest.mark.parametrize("defocus", [-30000.0, -500.0, 200.0, 5000.0, 30000.0])
@pytest.mark.parametrize("phase_shift", [0.0, 90.0])
def test_the_first_zero_is_where_the_sign_first_changes(defocus: float, phase_shift: float) -> None:
    k = np.linspace(0.0, 0.6, 600_001)
    values = ctf(k, defocus, phase_shift=phase_shift)
    crossing = k[1:][np.diff(np.sign(values)) != 0][0]

    assert first_zero(defocus, phase_shift=phase_shift) == pytest.approx(crossing, abs=2e-6)


def test_a_contrast_of_one_in_focus_without_aberration_has_no_zero() -> None:
    assert first_zero(0.0, cs=0.0, amplitude_contrast=1.0) == np.inf


def test_dense_stays_dense_in_underfocus_and_turns_in_overfocus() -> None:
    assert ctf(0.0, 30000.0) == pytest.approx(0.08)
    assert ctf(0.02, 30000.0) > 0.5
    assert ctf(0.02, -30000.0) < -0.5


def test_the_extremum_before_the_first_zero_is_one() -> None:
    k = np.linspace(0.0, first_zero(30000.0), 20001)

    assert ctf(k, 30000.0).max() == pytest.approx(1.0, abs=1e-6)


def test_a_phase_plate_of_90_degrees_passes_low_frequencies() -> None:
    assert ctf(0.0, 0.0, amplitude_contrast=0.0, phase_shift=90.0) == pytest.approx(1.0)


def test_the_decay_is_a_gaussian_of_that_standard_deviation() -> None:
    k = np.array([0.0, 0.01, 0.03])

    ratio = ctf(k, 30000.0, decay=0.02) / ctf(k, 30000.0)

    np.testing.assert_allclose(ratio, np.exp(-(k**2) / (2 * 0.02**2)))


def test_many_defoci_at_once_equal_one_at_a_time() -> None:
    k, defoci = np.linspace(0, 0.05, 11), np.array([1e4, 2e4, 5e4])

    together = ctf(k, defoci[:, None])

    np.testing.assert_array_equal(together, [ctf(k, d) for d in defoci])


def test_aberration_at_scherzer_focus_peaks_where_its_derivative_is_zero() -> None:
    """d/dk (λ Δf k² / 1 - Cs λ³ k⁴ / 2) = 0 at k = sqrt(Δf / Cs) / λ."""
    cs, defocus = 2.7, 1000.0
    peak = np.sqrt(defocus / (cs * 1e7)) / wavelength(300.0)
    k = np.linspace(0.5, 1.5, 1001) * peak

    assert k[np.argmax(aberration(k, defocus, cs=cs))] == pytest.approx(peak, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"voltage": 0.0}, {"amplitude_contrast": 1.5}, {"decay": 0.0}])
def test_what_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=r"above 0|between 0 and 1"):
        ctf(0.01, 1e4, **wrong)
