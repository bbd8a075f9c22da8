"""The order in which picks are looked at: the first that hits a particle counts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles

Order: TypeAlias = Literal["score", "list"]


def looked_at(picks: Particles, order: Order = "score") -> npt.NDArray[np.int64]:
    """Rows of picks in the order in which they are looked at, (n,).

    Parameters
    ----------
    picks : Particles
        The picks.
    order : str
        ``"score"``: the highest first, those without a score (set by hand) before all, and of
        equals the one that is listed first. ``"list"``: as they are listed, as SHREC's own
        script does; so is a list without scores in any case.
    """
    if order == "list" or picks.score is None:
        return np.arange(len(picks), dtype=np.int64)
    score = np.nan_to_num(picks.score, nan=np.inf, posinf=np.inf, neginf=-np.inf)
    return np.argsort(-score, kind="stable").astype(np.int64)
