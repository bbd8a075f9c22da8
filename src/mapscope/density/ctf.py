"""The contrast transfer function of an electron microscope."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError

Floats = npt.NDArray[np.float64]

_PLANCK, _MASS, _CHARGE, _LIGHT = 6.62607015e-34, 9.1093837015e-31, 1.602176634e-19, 299792458.0
_ANGSTROM_PER_MM = 1e7


def wavelength(voltage: float) -> float:
    """Wavelength of an electron in Å, relativity included.

    Parameters
    ----------
    voltage : float
        kV, above 0.

    Raises
    ------
    InputError
        If the voltage is not positive.

    Examples
    --------
    >>> round(wavelength(300.0), 5)
    0.01969
    """
    if not voltage > 0:
        raise InputError(f"an electron's voltage is above 0 kV, got {voltage}")
    energy = voltage * 1e3 * _CHARGE
    rest = _MASS * _LIGHT**2
    return float(1e10 * _PLANCK * _LIGHT / np.sqrt(energy * (energy + 2 * rest)))


def aberration(
    frequency: npt.ArrayLike, defocus: npt.ArrayLike, *, voltage: float = 300.0, cs: float = 2.7
) -> Floats:
    """Phase in radians by which defocus and spherical aberration turn a wave.

    Parameters
    ----------
    frequency : array
        1/Å.
    defocus : array
        Å, positive for underfocus; broadcast against the frequencies.
    voltage : float
        kV.
    cs : float
        Spherical aberration in mm.

    Returns
    -------
    float64 array
        ``π λ Δf k² - π/2 Cs λ³ k⁴``, positive at low frequencies in underfocus.
    """
    square = np.square(np.asarray(frequency, dtype=np.float64))
    wave = wavelength(voltage)
    quartic = np.pi / 2 * cs * _ANGSTROM_PER_MM * wave**3
    return np.asarray(np.pi * wave * np.asarray(defocus) * square - quartic * square**2)


def ctf(
    frequency: npt.ArrayLike,
    defocus: npt.ArrayLike,
    *,
    voltage: float = 300.0,
    cs: float = 2.7,
    amplitude_contrast: float = 0.08,
    phase_shift: float = 0.0,
    decay: float | None = None,
) -> Floats:
    """What a microscope leaves of each frequency, -1 to 1, where dense is positive.

    In underfocus low frequencies are positive: a projection times this is still bright where
    the specimen is dense. In a micrograph as it is counted, dense is dark; RELION, CTFFIND
    and PyTom therefore have the other sign.

    Parameters
    ----------
    frequency : array
        1/Å.
    defocus : array
        Å, positive for underfocus; broadcast against the frequencies.
    voltage : float
        kV.
    cs : float
        Spherical aberration in mm.
    amplitude_contrast : float
        Share of the contrast that needs no defocus, 0 to 1; the value at frequency 0 without a
        phase plate.
    phase_shift : float
        Degrees that a phase plate adds.
    decay : float, optional
        1/Å, the standard deviation of a Gaussian envelope. None: no envelope.

    Returns
    -------
    float64 array
        ``sin(χ(k) + asin A + φ) exp(-k² / 2 decay²)``, with χ of :func:`aberration`.

    Raises
    ------
    InputError
        If the amplitude contrast is not between 0 and 1, or the decay or voltage not positive.

    References
    ----------
    .. [1] Rohou & Grigorieff (2015) J. Struct. Biol. 192, 216-221.

    Examples
    --------
    >>> ctf([0.0, 0.01], 30000.0).round(3)
    array([0.08 , 0.263])
    """
    chi = aberration(frequency, defocus, voltage=voltage, cs=cs)
    value = np.sin(chi + _offset(amplitude_contrast, phase_shift))
    if decay is None:
        return np.asarray(value)
    if not decay > 0:
        raise InputError(f"a CTF's decay is above 0 1/Å, got {decay}")
    return np.asarray(value * np.exp(-0.5 * np.square(np.asarray(frequency) / decay)))


def first_zero(
    defocus: float,
    *,
    voltage: float = 300.0,
    cs: float = 2.7,
    amplitude_contrast: float = 0.08,
    phase_shift: float = 0.0,
) -> float:
    """Lowest frequency above 0 in 1/Å at which the CTF is 0; infinite where it has none.

    Parameters
    ----------
    defocus, voltage, cs, amplitude_contrast, phase_shift
        As in :func:`ctf`; one defocus.

    Raises
    ------
    InputError
        As in :func:`ctf`.

    Examples
    --------
    >>> round(1 / first_zero(30000.0), 1)  # Å
    24.6
    """
    start = _offset(amplitude_contrast, phase_shift) % np.pi
    wave = wavelength(voltage)
    quartic = np.pi / 2 * cs * _ANGSTROM_PER_MM * wave**3
    # From its start between 0 and π the phase leaves by one of the two.
    roots = [
        np.roots([-quartic, np.pi * wave * defocus, start - target]) for target in (0.0, np.pi)
    ]
    squares = np.concatenate(roots)
    found = squares.real[(np.abs(squares.imag) < 1e-12) & (squares.real > 1e-12)]
    return float(np.sqrt(found.min())) if len(found) else float("inf")


def _offset(amplitude_contrast: float, phase_shift: float) -> float:
    """Phase in radians at frequency 0."""
    if not 0 <= amplitude_contrast <= 1:
        raise InputError(f"an amplitude contrast lies between 0 and 1, got {amplitude_contrast}")
    return float(np.arcsin(amplitude_contrast) + np.deg2rad(phase_shift))
