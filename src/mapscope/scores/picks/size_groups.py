"""Small, medium and large particles, as the SHREC benchmark sorts them by molecular weight."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mapscope.particles import Particles

WEIGHT = "weight_kda"
"""Column of a list of particles: molecular weight of each in kDa."""

SHREC_2020_WEIGHTS = {
    "1s3x": 42.75,
    "3qm1": 62.62,
    "3gl1": 84.61,
    "3h84": 158.08,
    "2cg9": 188.73,
    "3d2f": 236.11,
    "1u6g": 238.82,
    "3cf3": 541.74,
    "1bxn": 559.96,
    "1qvr": 593.36,
    "4cr2": 1309.28,
    "4d8q": 1952.74,
}
"""kDa of the species of SHREC'20: Gubins et al. (2020) Comput. Graph. 91, 279, Table 1."""

GROUPS = ("small", "medium", "large")
_BOUNDS = (200.0, 600.0)


def size_group(weight: float) -> str:
    """Group of a molecular weight in kDa: small below 200, medium below 600, else large.

    References
    ----------
    Gubins et al. (2020) Comput. Graph. 91, 279, Table 5.
    """
    return GROUPS[int(np.searchsorted(_BOUNDS, weight, side="right"))]


def weights_of(truth: Particles) -> dict[str, float]:
    """Weight of each species in kDa: the column `weight_kda`, else that of SHREC'20.

    A species whose weight is not known is left out.
    """
    names = np.asarray(truth.species if truth.species is not None else (), dtype=str)
    column = truth.columns.get(WEIGHT)
    if column is None or not names.size:
        return {n: w for n in sorted(set(names.tolist())) if (w := _usual(n)) is not None}
    weight = np.asarray(column, dtype=np.float64)
    found = {name: float(np.median(weight[names == name])) for name in sorted(set(names.tolist()))}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def _usual(name: str) -> float | None:
    """Weight of a species of SHREC'20."""
    return SHREC_2020_WEIGHTS.get(name.lower())


def group_means(scores: Mapping[str, float], weights: Mapping[str, float]) -> dict[str, float]:
    """Mean score of each size group that has species.

    Parameters
    ----------
    scores : mapping of str to float
        By species.
    weights : mapping of str to float
        kDa by species; one without a weight is in no group.
    """
    members: dict[str, list[float]] = {group: [] for group in GROUPS}
    for name, score in scores.items():
        if name in weights:
            members[size_group(weights[name])].append(score)
    return {group: float(np.mean(values)) for group, values in members.items() if values}
