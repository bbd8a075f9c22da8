"""From which probability on a network's answers are to be believed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LEAST = "least_probability"
"""Name of that probability among the scores of a validation."""


def least_probability(
    probabilities: npt.NDArray[np.float64], is_right: npt.NDArray[np.bool_]
) -> float:
    """The probability from which on to answer, so that right answers outweigh wrong ones most.

    Parameters
    ----------
    probabilities : float array (n,)
        Of the likeliest class of each sample.
    is_right : bool array (n,)
        Whether it is the right one.

    Examples
    --------
    >>> least_probability(np.array([0.9, 0.4, 0.6, 0.5]), np.array([True, False, True, False]))
    0.6
    """
    order = np.argsort(-probabilities, kind="stable")
    gain = np.cumsum(np.where(is_right[order], 1, -1))
    if not len(gain) or gain.max() <= 0:
        return 1.0 if len(gain) else 0.0
    last = int(len(gain) - 1 - gain[::-1].argmax())  # of equal ones that which answers most
    if last == len(gain) - 1:
        return 0.0
    return float(probabilities[order[last]])
