"""How far a score would move with other tomograms of the same kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DRAWS = 1000
INTERVAL = (2.5, 97.5)


def bootstrap(
    counts: npt.ArrayLike,
    score: Callable[[Floats], Floats],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[Floats, Floats] | None:
    """Lower and upper end of the 95 % interval of a score, each of the score's shape.

    Tomograms are drawn with replacement, as many as there are; their counts are added up and
    the score is taken of the sum.

    Parameters
    ----------
    counts : array (t, ...)
        What is counted, for each tomogram.
    score : callable (counts (draws, ...)) -> array (draws, ...)
        The score of each sum.
    draws : int
        How often.
    seed : int
        Seed of the draws.

    Returns
    -------
    tuple of float64 arrays, or None
        None with fewer than two tomograms, from which nothing can be said.

    References
    ----------
    Efron (1979) Ann. Stat. 7, 1.
    """
    values = np.asarray(counts, dtype=np.float64)
    tomograms = len(values)
    if tomograms < 2:
        return None
    random = np.random.default_rng(seed)
    times = random.multinomial(tomograms, np.full(tomograms, 1 / tomograms), size=draws)
    drawn = score(np.tensordot(times.astype(np.float64), values, axes=1))
    low, high = np.percentile(drawn, INTERVAL, axis=0)
    return np.asarray(low), np.asarray(high)
