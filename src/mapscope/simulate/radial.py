"""Scattering of many atoms as sums of a few functions of the frequency."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.simulate.form_factors import Forms

Floats: TypeAlias = npt.NDArray[np.float64]

_NODES = 32
_B_NODES = 12
_TABLE = 2048
_TOLERANCE = 1e-4
_ATOMS_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False)
class RadialBasis:
    """Functions of the frequency of which every atom's scattering is a weighted sum.

    Parameters
    ----------
    table : float64 array (channels, points)
        Their values at evenly spaced frequencies from 0 to `highest`.
    highest : float
        1/Å.
    weights : float32 array (atoms, channels)
        What of each function an atom has.
    """

    table: Floats
    highest: float
    weights: npt.NDArray[np.float32]


def radial_basis(
    forms: Forms, kinds: npt.NDArray[np.intp], b_factors: Floats, highest: float
) -> RadialBasis:
    """The few functions that make up ``f(s) exp(-B s²/4)`` of all atoms.

    They are the leading eigenfunctions of a sample of the atoms' own functions in the metric of
    Fourier space, ``s² ds`` up to the highest frequency; what they leave out is below 1e-4 of
    the strongest atom, in that metric.

    Parameters
    ----------
    forms : callable
        Scattering of each kind of atom (element) at rest at frequencies in 1/Å,
        (kinds, points).
    kinds : int array (atoms,)
        Which kind each atom is.
    b_factors : float64 array (atoms,)
        Å², of each atom.
    highest : float
        Highest frequency that counts, in 1/Å.
    """
    nodes, lengths = quadrature(_NODES)
    s = 0.5 * highest * (nodes + 1)
    metric = lengths * s**2
    sample_kinds, sample_b = _sample(b_factors, kinds)
    sample = forms(s)[sample_kinds] * _debye_waller(sample_b, s)
    mixing = _mixing(sample * np.sqrt(metric))
    points = np.linspace(0, highest, _TABLE)
    fine = forms(points)[sample_kinds] * _debye_waller(sample_b, points)
    project = (mixing.T @ sample) * metric
    weights = np.empty((len(kinds), len(project)), dtype=np.float32)
    for kind, form in enumerate(forms(s)):
        kernel = (project * form).T.astype(np.float32)
        of_kind = np.flatnonzero(kinds == kind)
        for rows in np.array_split(of_kind, len(of_kind) // _ATOMS_AT_ONCE + 1):
            weights[rows] = _debye_waller(b_factors[rows], s, np.float32) @ kernel
    return RadialBasis(mixing.T @ fine, highest, weights)


@cache
def quadrature(points: int) -> tuple[Floats, Floats]:
    """Nodes from -1 to 1 and weights of Gauss and Legendre's rule."""
    nodes, weights = np.polynomial.legendre.leggauss(points)
    return np.asarray(nodes), np.asarray(weights)


def _mixing(sample: Floats) -> Floats:
    """How functions (n, points) combine to the orthonormal ones that matter, (n, channels)."""
    values, vectors = np.linalg.eigh(sample @ sample.T)
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    strongest = (sample**2).sum(axis=1).max()
    # What each function loses without an eigenvector and all weaker ones.
    left = (vectors**2 * values)[:, ::-1].cumsum(axis=1)[:, ::-1].max(axis=0)
    channels = max(1, int((left > _TOLERANCE**2 * strongest).sum()))
    return np.asarray(vectors[:, :channels] / np.sqrt(values[:channels]))


def _sample(b_factors: Floats, kinds: npt.NDArray[np.intp]) -> tuple[npt.NDArray[np.intp], Floats]:
    """Kinds and B-factors that stand for all: some between the extremes of each kind."""
    which, values = [], []
    for kind in np.unique(kinds):
        own = b_factors[kinds == kind]
        low, high = float(own.min()), float(own.max())
        # Denser towards low B, where functions differ most.
        steps = np.linspace(0, 1, _B_NODES if high - low > 1e-6 else 1) ** 2
        values.append(low + (high - low) * steps)
        which.append(np.full(len(steps), kind))
    return np.concatenate(which), np.concatenate(values)


def _debye_waller(b_factors: Floats, s: Floats, dtype: type = np.float64) -> Floats:
    """``exp(-B s²/4)``, (atoms, points)."""
    exponent: Floats = b_factors[:, None].astype(dtype) * (s**2 / 4).astype(dtype)
    return np.asarray(np.exp(-exponent))
