"""How strong proteins scatter at each frequency: the reference that maps are sharpened to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError

FIRST, STEP, HIGHEST = 0.06, 0.01, 0.77
"""Frequencies in 1/Å of the table: the first, the step and the last."""

B_FACTOR = 40.0
"""Å², the standard B-factor that a sharpened map has on top of the atoms' form factors."""

MATCHED = 0.1
"""1/Å where a map's own amplitudes and the profile meet: shape rules below, atoms rule above."""

_BEGIN, _END = 1 / 12.0, 1 / 8.0
_MATCH_FROM, _MATCH_TO = 1 / 14.0, 1 / 7.0
_FEWEST = 2
_TINY = 1e-30

# fmt: off
_LOG_AMPLITUDE = np.array([
    0.472, 0.330, 0.223, 0.120, 0.000, -0.130, -0.237, -0.317,
    -0.368, -0.400, -0.401, -0.379, -0.329, -0.265, -0.208, -0.174,
    -0.180, -0.223, -0.287, -0.354, -0.410, -0.463, -0.516, -0.572,
    -0.631, -0.691, -0.746, -0.792, -0.832, -0.863, -0.890, -0.913,
    -0.929, -0.941, -0.946, -0.948, -0.949, -0.951, -0.955, -0.964,
    -0.978, -0.995, -1.013, -1.037, -1.065, -1.096, -1.128, -1.162,
    -1.196, -1.228, -1.259, -1.289, -1.316, -1.342, -1.365, -1.385,
    -1.403, -1.420, -1.437, -1.454, -1.471, -1.487, -1.504, -1.518,
    -1.529, -1.537, -1.543, -1.547, -1.551, -1.554, -1.558, -1.561,
])
# fmt: on
"""ln of the mean amplitude of 120 structures without B-factor, 0 at 1/10 Å; one structure differs
by 0.08. ``scripts/protein_profile.py`` makes it, from structures that train."""


def reference_amplitude(
    frequency: npt.ArrayLike, b_factor: float = B_FACTOR
) -> npt.NDArray[np.float64]:
    """Amplitude of a protein's density for electrons, 1 at 1/10 Å.

    Parameters
    ----------
    frequency : array
        1/Å; below 0.06 1/Å the value there, beyond 0.77 1/Å its own slope goes on.
    b_factor : float
        Å² of all atoms, on top of their form factors.

    Returns
    -------
    float64 array of the same shape

    References
    ----------
    Wilson (1942) Nature 150, 152; Singer (2021) Acta Cryst. A77, 472 (maps of proteins); Jakobi,
    Wilmanns & Sachse (2017) eLife 6, e27131 (as a target of sharpening).

    Examples
    --------
    >>> reference_amplitude([0.1, 0.25], b_factor=0.0).round(3)
    array([1.   , 0.702])
    """
    wanted = np.asarray(frequency, dtype=np.float64)
    known = FIRST + STEP * np.arange(_LOG_AMPLITUDE.size)
    slope = (_LOG_AMPLITUDE[-1] - _LOG_AMPLITUDE[-8]) / (7 * STEP)
    logarithm = np.interp(wanted, known, _LOG_AMPLITUDE)
    logarithm += slope * np.maximum(wanted - known[-1], 0.0)
    square = np.maximum(wanted, FIRST) ** 2 - MATCHED**2
    return np.asarray(np.exp(logarithm - 0.25 * b_factor * square))


def target_amplitude(
    frequency: npt.ArrayLike, amplitude: npt.ArrayLike, b_factor: float = B_FACTOR
) -> npt.NDArray[np.float64]:
    """Amplitudes that a sharpened map shall have: its own at low frequency, then the profile.

    Between 1/12 and 1/8 Å one passes into the other. The profile takes its scale from the map's
    amplitudes between 14 and 7 Å.

    Parameters
    ----------
    frequency : array (shells,)
        1/Å, rising from 0.
    amplitude : array (shells,)
        Amplitude of the map's signal in each shell, without the noise; 0 where there is none.
    b_factor : float
        Å², see :func:`reference_amplitude`.

    Returns
    -------
    float64 array (shells,)
        In the units of `amplitude`; also where the map has no signal left.

    Raises
    ------
    DataError
        If the map has no signal at any frequency.
    """
    f = np.asarray(frequency, dtype=np.float64)
    own = np.asarray(amplitude, dtype=np.float64)
    reference = reference_amplitude(f, b_factor)
    used = (own > _TINY) & (f > 0)
    if not used.any():
        raise DataError("the map has no signal at any frequency: there is nothing to sharpen")
    chosen = used & (f >= _MATCH_FROM) & (f <= _MATCH_TO)
    if chosen.sum() < _FEWEST:
        nearest = np.argsort(np.where(used, np.abs(f - MATCHED), np.inf))[:_FEWEST]
        chosen = np.isin(np.arange(f.size), nearest) & used
    scale = float(np.log(own[chosen] / reference[chosen]).mean())
    atoms = np.clip((f - _BEGIN) / (_END - _BEGIN), 0.0, 1.0)
    matched = np.log(reference) + scale
    logarithm = np.where(own > _TINY, np.log(np.maximum(own, _TINY)), matched)
    return np.asarray(np.exp((1 - atoms) * logarithm + atoms * matched))
