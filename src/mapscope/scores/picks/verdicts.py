"""What became of each pick and of each particle, to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles
from mapscope.scores.picks.classification import right_of_species
from mapscope.scores.picks.matches import Matches

VERDICT = "verdict"
"""Column: right, wrong species, duplicate or false."""
AWAY = "distance_to_truth"
"""Column: Å from a pick to the particle that it hit."""

RIGHT, WRONG, DUPLICATE, FALSE = VERDICTS = ("right", "wrong species", "duplicate", "false")


def verdicts(matches: Matches, picks: Particles, truth: Particles) -> npt.NDArray[np.str_]:
    """What became of each pick, (p,): one of `VERDICTS`."""
    is_right = right_of_species(matches, picks, truth)
    cases = [is_right, matches.counts, matches.is_hit]
    return np.asarray(np.select(cases, VERDICTS[:3], FALSE), dtype=str)


def judged(matches: Matches, picks: Particles, truth: Particles) -> Particles:
    """The picks with what became of them in the columns `VERDICT` and `AWAY`."""
    columns = {VERDICT: verdicts(matches, picks, truth), AWAY: matches.distance}
    return replace(picks, columns={**picks.columns, **columns})
