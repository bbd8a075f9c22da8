"""What found particles were taken for: the confusion matrix and F1 of each species."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles
from mapscope.scores.picks.groups import Groups, species_of
from mapscope.scores.picks.localisation import f_scores
from mapscope.scores.picks.matches import NONE, Matches, first_hits
from mapscope.scores.picks.order import Order, looked_at

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Confusion:
    """How many particles of each species were taken for which.

    Parameters
    ----------
    species : tuple of str
        All species of particles and of picks.
    counts : int64 array (..., k, k + 1)
        Particles of the species of a row whose hit that counts is of the species of a column;
        in the last column those that were not found.
    reported : int64 array (..., k)
        Picks of each species.
    """

    species: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    reported: npt.NDArray[np.int64]

    @property
    def right(self) -> npt.NDArray[np.int64]:
        """Particles of each species that were taken for it, (..., k)."""
        return np.diagonal(self.counts, axis1=-2, axis2=-1).copy()

    @property
    def particles(self) -> npt.NDArray[np.int64]:
        """Particles of each species, (..., k)."""
        return np.asarray(self.counts.sum(axis=-1))

    @property
    def f1(self) -> Floats:
        """F1 of each species by SHREC's rule, (..., k).

        Only particles are looked at: a pick that hits nothing, or a particle that another pick
        has hit before, is not in the table and costs no precision here.
        """
        taken = self.counts[..., :-1].sum(axis=-2)
        return f_scores(self.right, taken - self.right, self.particles - self.right)

    @property
    def strict_precision(self) -> Floats:
        """Right particles over all picks of each species, (..., k)."""
        return _shares(self.right, self.reported)

    @property
    def strict_recall(self) -> Floats:
        """Right particles over all particles of each species, (..., k)."""
        return _shares(self.right, self.particles)

    @property
    def strict_f1(self) -> Floats:
        """F1 of each species in which every pick that is not right counts as false, (..., k)."""
        return f_scores(self.right, self.reported - self.right, self.particles - self.right)

    def mean(self, values: Floats) -> Floats:
        """Mean of a score over the species that there are particles of, (...); 0 without any."""
        known = self.particles > 0
        return _shares((values * known).sum(axis=-1), known.sum(axis=-1))


def confusion(
    matches: Matches, picks: Particles, truth: Particles, groups: Groups | None = None
) -> Confusion:
    """How many particles of each species were taken for which.

    Parameters
    ----------
    matches : Matches
        Which pick hit which particle.
    picks, truth : Particles
        The picks and the particles.
    groups : Groups, optional
        Tomograms: the confusion then has one matrix for each of them, (g, k, k + 1).

    References
    ----------
    Gubins et al. (2020) Comput. Graph. 91, 279, Table 4 and Figure 12.
    """
    species = species_of(picks, truth)
    k = len(species.names)
    taken = np.full(len(truth), k, dtype=np.int64)
    taken[matches.is_found] = species.picks[matches.first[matches.is_found]]
    tomograms = 1 if groups is None else len(groups.names)
    of_truth, of_picks = (0, 0) if groups is None else (groups.truth, groups.picks)
    cells = (of_truth * k + species.truth) * (k + 1) + taken
    counts = np.bincount(cells, minlength=tomograms * k * (k + 1)).reshape(tomograms, k, k + 1)
    reported = np.bincount(of_picks * k + species.picks, minlength=tomograms * k)
    reported = reported.reshape(tomograms, k)
    if groups is None:
        counts, reported = counts[0], reported[0]
    return Confusion(species.names, counts, reported)


def right_of_species(matches: Matches, picks: Particles, truth: Particles) -> npt.NDArray[np.bool_]:
    """Whether each pick counts and is of the species of the particle that it hit, (p,)."""
    species = species_of(picks, truth)
    right = matches.counts.copy()
    rows = np.flatnonzero(right)
    right[rows] = species.picks[rows] == species.truth[matches.particle[rows]]
    return right


def within_species(
    matches: Matches, picks: Particles, truth: Particles, order: Order = "score"
) -> Matches:
    """The same without the hits of picks on particles of another species.

    Parameters
    ----------
    matches : Matches
        Which pick hit which particle.
    picks, truth : Particles
        The picks and the particles.
    order : str
        Which of several picks on one particle counts: see `looked_at`.
    """
    species = species_of(picks, truth)
    hit = matches.particle.copy()
    rows = np.flatnonzero(matches.is_hit)
    hit[rows[species.picks[rows] != species.truth[hit[rows]]]] = NONE
    away = np.where(hit == NONE, np.nan, matches.distance)
    first = first_hits(hit, looked_at(picks, order), len(truth))
    return Matches(hit, first, away, matches.is_outside)


def _shares(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """Shares of counts, 0 of nothing."""
    a, b = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
