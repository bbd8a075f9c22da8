"""In which order picks are gone through."""

from __future__ import annotations

import numpy as np

from mapscope.viewer.picks.choice import Fate
from mapscope.viewer.picks.known import Ids, Picks
from mapscope.viewer.tables.rows import sorted_rows
from mapscope.volume import Array

BEST, WORST, DOUBTFUL, AS_LISTED = "best", "worst", "doubtful", "listed"
ORDERS = {
    BEST: "Best score first",
    WORST: "Worst score first",
    DOUBTFUL: "Most doubtful first",
    AS_LISTED: "As in the list",
}
UNSURE = ("uncertainty", "doubt", "entropy")
"""Columns of numbers that say how unsure a picker was."""


def ordered(picks: Picks, is_chosen: Array, order: str, threshold: float | None) -> Ids:
    """Ids of some picks in the order in which they are gone through.

    Parameters
    ----------
    picks : Picks
        All of a list.
    is_chosen : bool array (n,)
        Which.
    order : str
        One of `ORDERS`. Most doubtful are those of the highest uncertainty, where a column
        `UNSURE` says it; else those whose score is nearest to the threshold, or to the median
        score where there is none.
    threshold : float, optional
        The threshold.
    """
    rows = np.flatnonzero(is_chosen)
    if order == AS_LISTED or not len(rows):
        return picks.ids[rows]
    if order == DOUBTFUL:
        by = -_doubt(picks, threshold)[rows]
        return picks.ids[rows[sorted_rows(by)]]
    return picks.ids[rows[sorted_rows(picks.score[rows], is_falling=order == BEST)]]


def continued(before: Ids, fresh: Ids, picks: Picks, fate: Fate) -> Ids:
    """The order to go on with after an edit: the one of before while nothing new came.

    So a pick that was just rejected stays where it is until the picks are sorted anew.
    """
    if len(np.setdiff1d(fresh, before, assume_unique=True)):
        return fresh
    stays = picks.ids[fate.is_kept | fate.is_rejected]
    return before[np.isin(before, stays)]


def _doubt(picks: Picks, threshold: float | None) -> Array:
    """How doubtful each pick is; NaN for those that nobody scored."""
    told = next((picks.numbers[name] for name in UNSURE if name in picks.numbers), None)
    if told is not None:
        return np.asarray(told, dtype=np.float64)
    scored = np.isfinite(picks.score)
    if not scored.any():
        return np.full(len(picks), np.nan)
    middle = float(np.median(picks.score[scored])) if threshold is None else threshold
    return np.asarray(-np.abs(picks.score - middle))
