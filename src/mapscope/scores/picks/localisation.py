"""How many particles were found, whatever they were taken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.scores.picks.matches import Matches


@dataclass(frozen=True)
class Localisation:
    """How many particles were found, whatever they were taken for.

    Parameters
    ----------
    reported : int
        Picks.
    particles : int
        Particles that there are.
    found : int
        Particles with a hit.
    false_picks : int
        Picks that hit nothing.
    multiple : int
        Particles with more than one hit.
    outside : int
        Picks outside the tomogram.
    distance : float or None
        Mean Å from the pick that counts to the centre, over the particles found.
    precision : float
        Found particles over picks: a second hit on one particle counts against it.
    recall : float
        Found particles over particles.
    miss_rate : float
        1 less the recall.
    f1 : float
        Harmonic mean of precision and recall; 0 where nothing was found.
    """

    reported: int
    particles: int
    found: int
    false_picks: int
    multiple: int
    outside: int
    distance: float | None
    precision: float
    recall: float
    miss_rate: float
    f1: float


def localisation(matches: Matches) -> Localisation:
    """How many particles were found.

    Parameters
    ----------
    matches : Matches
        Which pick hit which particle.

    References
    ----------
    Gubins et al. (2020) Comput. Graph. 91, 279, equations 3 to 6 and Table 3.
    """
    hits = np.bincount(matches.particle[matches.is_hit], minlength=len(matches.first))
    reported, particles = len(matches.particle), len(matches.first)
    found = int(matches.is_found.sum())
    away = matches.distance[matches.counts]
    recall = ratio(found, particles)
    return Localisation(
        reported=reported,
        particles=particles,
        found=found,
        false_picks=int((~matches.is_hit).sum()),
        multiple=int((hits > 1).sum()),
        outside=int(matches.is_outside.sum()),
        distance=float(away.mean()) if away.size else None,
        precision=ratio(found, reported),
        recall=recall,
        miss_rate=1 - recall,
        f1=ratio(2 * found, reported + particles),
    )


def ratio(part: float, whole: float) -> float:
    """A share, 0 of nothing."""
    return float(part / whole) if whole else 0.0


def f_scores(
    right: npt.ArrayLike, false: npt.ArrayLike, missed: npt.ArrayLike, beta: float = 1.0
) -> npt.NDArray[np.float64]:
    """F-scores from counts of any one shape; 0 where nothing was right.

    Parameters
    ----------
    right, false, missed : array
        True positives, false positives and false negatives.
    beta : float
        How many times as much recall counts as precision.

    References
    ----------
    van Rijsbergen (1979) Information Retrieval, chapter 7.
    """
    hits, wrong, lost = (np.asarray(v, dtype=np.float64) for v in (right, false, missed))
    squared = beta**2
    whole = (1 + squared) * hits + squared * lost + wrong
    return np.divide((1 + squared) * hits, whole, out=np.zeros_like(whole), where=hits > 0)
