"""Precision against recall as the threshold falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """Precision and recall at each threshold.

    Parameters
    ----------
    threshold : float64 array (n,)
        Scores that occur, falling; infinite for picks set by hand.
    precision, recall : float64 arrays (n,)
        Of all picks that score at least that.
    """

    threshold: Floats
    precision: Floats
    recall: Floats

    @property
    def average_precision(self) -> float:
        """Area under the steps of the curve: precision, weighted by what recall it adds.

        References
        ----------
        Zhu (2004) Recall, precision and average precision, University of Waterloo.
        """
        gained = np.diff(self.recall, prepend=0.0)
        return float((gained * self.precision).sum())

    @property
    def best(self) -> tuple[float, float]:
        """Threshold with the highest F1, and that F1; NaN and 0 without a curve."""
        if not self.threshold.size:
            return float("nan"), 0.0
        total = self.precision + self.recall
        f1 = np.divide(
            2 * self.precision * self.recall, total, out=np.zeros_like(total), where=total > 0
        )
        at = int(f1.argmax())
        return float(self.threshold[at]), float(f1[at])

    def at(self, recall: npt.ArrayLike) -> Floats:
        """Highest precision at which at least this recall is reached; NaN where it never is."""
        wanted = np.asarray(recall, dtype=np.float64)
        envelope = np.append(np.maximum.accumulate(self.precision[::-1])[::-1], np.nan)
        # A recall of k in n, computed in another way, must not miss its own step.
        return np.asarray(envelope[np.searchsorted(self.recall, wanted - 1e-12)])


def precision_recall(
    score: npt.ArrayLike, is_right: npt.ArrayLike, particles: int
) -> PrecisionRecall:
    """Precision and recall at each threshold; equal scores come in together.

    Parameters
    ----------
    score : float array (n,)
        Of the picks; NaN, set by hand, is above every threshold.
    is_right : bool array (n,)
        Whether each pick is one that counts.
    particles : int
        How many there are to find.
    """
    values = np.nan_to_num(np.asarray(score, np.float64), nan=np.inf, posinf=np.inf, neginf=-np.inf)
    order = np.argsort(-values, kind="stable")
    values = values[order]
    last = np.append(values[1:] != values[:-1], True)[: len(values)]
    right = np.cumsum(np.asarray(is_right, dtype=np.bool_)[order])[last]
    taken = np.flatnonzero(last) + 1
    recall = right / particles if particles else np.zeros(len(right))
    return PrecisionRecall(values[last], right / taken, recall)
