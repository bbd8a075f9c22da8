"""The F-beta score of the CZII challenge: recall above all, species weighted by difficulty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles
from mapscope.scores.picks.groups import species_of, tomograms_of
from mapscope.scores.picks.localisation import f_scores

CZII_RADII = {
    "apo-ferritin": 60.0,
    "beta-amylase": 65.0,
    "beta-galactosidase": 90.0,
    "ribosome": 150.0,
    "thyroglobulin": 130.0,
    "virus-like-particle": 135.0,
}
"""Å by species of the challenge."""

CZII_WEIGHTS = {
    "apo-ferritin": 1.0,
    "beta-amylase": 0.0,
    "beta-galactosidase": 2.0,
    "ribosome": 1.0,
    "thyroglobulin": 2.0,
    "virus-like-particle": 1.0,
}

CZII_BETA = 4.0
CZII_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class SpeciesCounts:
    """Right, false and missed ones of each species, over all tomograms or for each.

    Parameters
    ----------
    species : tuple of str
        All species of particles and of picks.
    right, false, missed : int64 arrays (..., k)
        Particles hit; picks less particles hit; particles not hit.
    """

    species: tuple[str, ...]
    right: npt.NDArray[np.int64]
    false: npt.NDArray[np.int64]
    missed: npt.NDArray[np.int64]

    def f_beta(self, beta: float = CZII_BETA) -> npt.NDArray[np.float64]:
        """F-score of each species, (..., k); 0 where none is right."""
        return f_scores(self.right, self.false, self.missed, beta)

    def weights(self, weights: Mapping[str, float] = CZII_WEIGHTS) -> npt.NDArray[np.float64]:
        """Weight of each species, 1 where the mapping does not know it, (k,)."""
        return np.array([weights.get(name, 1.0) for name in self.species])


def czii_counts(
    picks: Particles,
    truth: Particles,
    radius: npt.ArrayLike,
    *,
    share: float = CZII_SHARE,
    per_tomogram: bool = False,
) -> SpeciesCounts:
    """Right, false and missed ones as the challenge counts them.

    A particle is right where a pick of its species lies within a share of its radius. What
    picks there are more than right particles are false: several picks on one particle cost
    precision, and one pick that is near two particles counts for both.

    Parameters
    ----------
    picks : Particles
        Of one or of several tomograms.
    truth : Particles
        The particles that are there.
    radius : float or float array (t,)
        Å.
    share : float
        Of the radius.
    per_tomogram : bool
        Whether to count for each tomogram by itself, (g, k).

    References
    ----------
    CZII - CryoET Object Identification (2024), kaggle.com: the evaluation metric.
    """
    from scipy.spatial import cKDTree

    species, tomograms = species_of(picks, truth), tomograms_of(picks, truth)
    reach = share * np.broadcast_to(np.asarray(radius, dtype=np.float64), (len(truth),))
    k = len(species.names)
    of_pick, of_truth = (
        tomogram * k + kind
        for tomogram, kind in ((tomograms.picks, species.picks), (tomograms.truth, species.truth))
    )
    is_hit = np.zeros(len(truth), dtype=np.bool_)
    for cell in set(of_pick.tolist()) & set(of_truth.tolist()):
        rows = np.flatnonzero(of_truth == cell)
        away, _ = cKDTree(picks.positions[of_pick == cell]).query(truth.positions[rows])
        is_hit[rows] = away <= reach[rows]
    cells = len(tomograms.names) * k
    reported, there, right = (
        np.bincount(c, minlength=cells).reshape(-1, k)
        for c in (of_pick, of_truth, of_truth[is_hit])
    )
    if not per_tomogram:
        reported, there, right = (c.sum(axis=0) for c in (reported, there, right))
    return SpeciesCounts(species.names, right, reported - right, there - right)


def czii_score(
    counts: SpeciesCounts,
    *,
    beta: float = CZII_BETA,
    weights: Mapping[str, float] = CZII_WEIGHTS,
) -> npt.NDArray[np.float64]:
    """Weighted mean of the species' F-scores, of shape (...); 0 where all weights are.

    Parameters
    ----------
    counts : SpeciesCounts
        Over all tomograms.
    beta : float
        How many times as much recall counts as precision.
    weights : mapping of str to float
        By species; 1 for one that is not named.
    """
    share = counts.weights(weights)
    total = float(share.sum())
    score = counts.f_beta(beta) @ share
    return np.asarray(score / total if total else np.zeros_like(score))
