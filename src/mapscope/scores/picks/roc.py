"""How well a score tells two groups apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def roc(right: npt.ArrayLike, wrong: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Share of wrong ones and of right ones at or above each threshold, both from 0 to 1.

    Parameters
    ----------
    right, wrong : float arrays (n,), (m,)
        Scores of what should and of what should not score high; at least one of each.

    Returns
    -------
    false_rate, true_rate : float64 arrays (k,)
        Both rise; equal scores come in together.

    References
    ----------
    Fawcett (2006) Pattern Recognit. Lett. 27, 861, section 5.
    """
    high, low = (np.sort(np.asarray(v, dtype=np.float64)) for v in (right, wrong))
    thresholds = np.unique(np.concatenate([high, low]))[::-1]
    rates = [1 - np.searchsorted(v, thresholds, side="left") / len(v) for v in (low, high)]
    false_rate, true_rate = (np.concatenate([[0.0], rate]) for rate in rates)
    return false_rate, true_rate


def auroc(right: npt.ArrayLike, wrong: npt.ArrayLike) -> float:
    """Chance that a right one scores higher than a wrong one; equal scores count half.

    NaN without any of one kind.

    Parameters
    ----------
    right, wrong : float arrays (n,), (m,)
        Scores of what should and of what should not score high.

    References
    ----------
    Fawcett (2006) Pattern Recognit. Lett. 27, 861, section 7.
    """
    high, low = np.asarray(right, np.float64), np.sort(np.asarray(wrong, np.float64))
    if not high.size or not low.size:
        return float("nan")
    below = np.searchsorted(low, high, side="left")
    level = np.searchsorted(low, high, side="right") - below
    return float((below + 0.5 * level).mean() / len(low))
