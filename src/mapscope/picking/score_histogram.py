"""How many particles have which score."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mapscope.table import Plot, Table

_MOST_BINS = 100


def score_histogram(
    scores: Mapping[str, npt.ArrayLike], label: str, marks: Mapping[str, float], headline: str
) -> Table:
    """Counts of scores in equal bins, one column for each group.

    Parameters
    ----------
    scores : mapping of str to array (n,)
        Scores of each group; NaN (set by hand) counts nowhere.
    label : str
        What the scores are, with their unit.
    marks : mapping of str to float
        Scores to draw a line at, and their names.
    headline : str
        The result in one line.

    Returns
    -------
    Table
        The column ``score`` holds the middles of the bins. Without any score there is no row.
    """
    values = {name: np.asarray(group, dtype=np.float64) for name, group in scores.items()}
    finite = {name: group[np.isfinite(group)] for name, group in values.items()}
    everything = np.concatenate(list(finite.values()))
    columns: dict[str, npt.NDArray[np.generic]] = {"score": np.empty(0)}
    columns |= {name: np.empty(0, np.int64) for name in finite}
    if everything.size:
        number = int(np.clip(2 * np.sqrt(everything.size), 10, _MOST_BINS))
        edges = np.histogram_bin_edges(everything, number)
        columns["score"] = 0.5 * (edges[1:] + edges[:-1])
        columns |= {name: np.histogram(group, edges)[0] for name, group in finite.items()}
    plot = Plot("score", tuple(values), label, "particles", marks=dict(marks), headline=headline)
    return Table(columns, plot=plot)
