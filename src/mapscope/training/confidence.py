"""How far to believe a network's map: from the variance that it says to a chance of being right."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.volume import Array

_BINS = 2000
_LOWEST, _HIGHEST = -16.0, 8.0
"""Natural logarithm of the variances that are told apart."""

_ROWS = 33
_DIGITS = 5

Rows = tuple[tuple[float, float], ...]


@dataclass(frozen=True, eq=False)
class Counts:
    """How many voxels of each variance were right; counts of several samples can be added.

    Parameters
    ----------
    right, all : int64 arrays (bins,)
        Voxels by the logarithm of the variance that was said of them.
    """

    right: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    all: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.right + other.right, self.all + other.all)


def counted(variance: Array, is_right: Array) -> Counts:
    """How many voxels of each variance are right.

    Parameters
    ----------
    variance : float array
        Above 0, in units of the scaled map.
    is_right : bool array of that shape
        Whether the map is right there.

    Raises
    ------
    InputError
        If the shapes differ, or a variance is not above 0.
    """
    said = np.asarray(variance, dtype=np.float64).ravel()
    right = np.asarray(is_right, dtype=np.bool_).ravel()
    if said.shape != right.shape:
        raise InputError(f"{said.size} variances do not fit {right.size} answers")
    if not (np.isfinite(said).all() and (said > 0).all()):
        raise InputError("a variance lies above 0, and some do not")
    share = (np.log(said) - _LOWEST) / (_HIGHEST - _LOWEST)
    place = np.clip((share * _BINS).astype(np.int64), 0, _BINS - 1)
    return Counts(np.bincount(place[right], minlength=_BINS), np.bincount(place, minlength=_BINS))


def confidence_rows(counts: Counts) -> Rows:
    """Rows of variance, rising, and the chance that a map is right there, falling.

    The chances that fall and are nearest to the shares that were counted (isotonic regression), at
    variances that have equally many voxels between them.

    Parameters
    ----------
    counts : Counts
        Of samples whose truth is known.

    Raises
    ------
    InputError
        If nothing was counted.

    References
    ----------
    Zadrozny & Elkan (2002) KDD, 694 (isotonic regression as calibration).

    Examples
    --------
    >>> variance = np.repeat([0.01, 0.1, 1.0], 100)
    >>> is_right = np.arange(300) % 10 < np.repeat([9, 5, 2], 100)
    >>> [round(chance, 1) for _, chance in confidence_rows(counted(variance, is_right))]
    [0.9, 0.5, 0.2]
    """
    from scipy.optimize import isotonic_regression

    known = np.flatnonzero(counts.all)
    if not known.size:
        raise InputError("no voxel was judged: there is nothing to learn a confidence from")
    weights = counts.all[known].astype(np.float64)
    fitted = isotonic_regression(counts.right[known] / weights, weights=weights, increasing=False)
    middle = _LOWEST + (known + 0.5) * (_HIGHEST - _LOWEST) / _BINS
    below = (np.cumsum(weights) - 0.5 * weights) / weights.sum()
    wanted = np.linspace(0, 1, _ROWS)
    chosen = np.unique(np.abs(below[:, None] - wanted).argmin(axis=0))
    variances = [float(f"{v:.{_DIGITS}g}") for v in np.exp(middle[chosen])]
    chances = np.clip(np.round(fitted.x[chosen], _DIGITS), 0, 1)
    return tuple(zip(variances, chances.tolist(), strict=True))


def chances_of(rows: Rows, variance: Array) -> npt.NDArray[np.float64]:
    """Chance that a map is right for the variance that is said of it, linear between rows."""
    table = np.array(rows, dtype=np.float64)
    return np.asarray(np.interp(np.asarray(variance, dtype=np.float64), table[:, 0], table[:, 1]))
