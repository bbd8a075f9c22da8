"""Picks held against the truth: all scores of one matching, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.scores.picks.bootstrap import bootstrap
from mapscope.scores.picks.classification import (
    Confusion,
    confusion,
    right_of_species,
    within_species,
)
from mapscope.scores.picks.czii import SpeciesCounts, czii_counts, czii_score
from mapscope.scores.picks.distance_rule import distance_matches
from mapscope.scores.picks.groups import Groups, species_of, tomograms_of
from mapscope.scores.picks.localisation import f_scores
from mapscope.scores.picks.matches import Matches
from mapscope.scores.picks.occupancy_rule import occupancy_matches
from mapscope.scores.picks.order import Order
from mapscope.scores.picks.precision_recall import PrecisionRecall, precision_recall

Floats = npt.NDArray[np.float64]

FINDING = "finding"
"""Name of the curve of what was found, whatever it was taken for."""


@dataclass(frozen=True)
class Interval:
    """Where a score would lie with other tomograms of the same kind, in 95 of 100 cases.

    Parameters
    ----------
    low : float
        Its lower end.
    high : float
        Its upper end.
    """

    low: float
    high: float


Score: TypeAlias = tuple[float, Interval | None]
"""A score, and its interval where there are several tomograms."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Picks held against the truth.

    Parameters
    ----------
    picks, truth : Particles
        The picks and the particles.
    matches : Matches
        Which pick hit which particle, whatever it was taken for.
    of_species : Matches
        The same among those of one species alone.
    """

    picks: Particles
    truth: Particles
    matches: Matches
    of_species: Matches

    @cached_property
    def tomograms(self) -> Groups:
        """The tomograms of picks and particles."""
        return tomograms_of(self.picks, self.truth)

    @cached_property
    def confusion(self) -> Confusion:
        """What the particles of each species were taken for."""
        return confusion(self.matches, self.picks, self.truth)

    @property
    def counts(self) -> Floats:
        """Particles found, picks and particles of each tomogram, (g, 3)."""
        groups = self.tomograms
        rows = (groups.truth[self.matches.is_found], groups.picks, groups.truth)
        number = len(groups.names)
        return np.stack([np.bincount(r, minlength=number) for r in rows], axis=1).astype(float)

    def f1(self, seed: int = 0) -> Score:
        """F1 of finding particles, whatever they were taken for."""
        return _with_interval(self.counts, _f1_of_finding, seed)

    def species_f1(self, seed: int = 0) -> Score:
        """Mean F1 of the species by SHREC's rule."""
        parts = confusion(self.matches, self.picks, self.truth, self.tomograms)

        def mean(counts: Floats) -> Floats:
            table = Confusion(parts.species, counts.astype(np.int64), parts.reported)
            return table.mean(table.f1)

        return _with_interval(parts.counts, mean, seed)

    def curves(self) -> dict[str, PrecisionRecall]:
        """Precision and recall of finding any, where there are several species, then of each.

        None without scores.
        """
        score = self.picks.score
        if score is None or not np.isfinite(score).any():
            return {}
        species = species_of(self.picks, self.truth)
        found = {}
        if len(species.names) > 1:
            found[FINDING] = precision_recall(score, self.matches.counts, len(self.truth))
        right = right_of_species(self.of_species, self.picks, self.truth)
        for code, name in enumerate(species.names):
            rows, there = species.picks == code, int((species.truth == code).sum())
            if there:
                found[name] = precision_recall(score[rows], right[rows], there)
        return found


def by_occupancy(
    picks: Particles,
    truth: Particles,
    occupancy: Labels,
    *,
    shift: int = 0,
    order: Order = "score",
) -> Evaluation:
    """Picks of one tomogram held against the truth by SHREC's rule: see `occupancy_matches`."""
    matches = occupancy_matches(picks, truth, occupancy, shift=shift, order=order)
    return Evaluation(picks, truth, matches, within_species(matches, picks, truth, order))


def by_distance(
    picks: Particles, truth: Particles, reach: npt.ArrayLike, *, order: Order = "score"
) -> Evaluation:
    """Picks held against the truth one to one by distance: see `distance_matches`."""
    matches = distance_matches(picks, truth, reach, order=order)
    alike = distance_matches(picks, truth, reach, within_species=True, order=order)
    return Evaluation(picks, truth, matches, alike)


def f_beta(
    picks: Particles,
    truth: Particles,
    radius: npt.ArrayLike,
    *,
    share: float,
    beta: float,
    seed: int = 0,
) -> tuple[SpeciesCounts, Score]:
    """Counts of each species as the CZII challenge has them, and its weighted score."""
    parts = czii_counts(picks, truth, radius, share=share, per_tomogram=True)
    each = np.stack([parts.right, parts.false, parts.missed], axis=1)

    def score(counts: Floats) -> Floats:
        right, false, missed = np.moveaxis(counts.astype(np.int64), -2, 0)
        return czii_score(SpeciesCounts(parts.species, right, false, missed), beta=beta)

    whole = SpeciesCounts(parts.species, *each.sum(axis=0))
    return whole, _with_interval(each.astype(np.float64), score, seed)


def _with_interval(counts: npt.ArrayLike, score: Callable[[Floats], Floats], seed: int) -> Score:
    """A score of the sum of all tomograms' counts (g, ...), with its interval."""
    each = np.asarray(counts, dtype=np.float64)
    ends = bootstrap(each, score, seed=seed)
    value = float(score(each.sum(axis=0)))
    return value, None if ends is None else Interval(float(ends[0]), float(ends[1]))


def _f1_of_finding(counts: Floats) -> Floats:
    """F1 from counts of what was found, picks and particles (..., 3)."""
    found, picks, particles = np.moveaxis(counts, -1, 0)
    return f_scores(found, picks - found, particles - found)
