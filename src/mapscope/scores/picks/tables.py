"""How well particles were found, as tables with the way to plot them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mapscope.scores.picks.classification import Confusion
from mapscope.scores.picks.czii import SpeciesCounts
from mapscope.scores.picks.localisation import f_scores
from mapscope.scores.picks.precision_recall import PrecisionRecall
from mapscope.scores.picks.size_groups import size_group
from mapscope.table import Plot, Table

Floats = npt.NDArray[np.float64]

_STEPS = 101


def species_table(
    table: Confusion,
    curves: Mapping[str, PrecisionRecall],
    weights: Mapping[str, float],
    *,
    f_beta: SpeciesCounts | None,
    beta: float,
) -> Table:
    """One row for each species, the lightest first, with F1 by SHREC's rule as bars.

    Parameters
    ----------
    table : Confusion
        Over all tomograms.
    curves : mapping of str to PrecisionRecall
        By species; empty without scores.
    weights : mapping of str to float
        kDa by species, where known.
    f_beta : SpeciesCounts, optional
        As the CZII challenge counts.
    beta : float
        Of the F-beta score.
    """
    weight = np.array([weights.get(name, np.nan) for name in table.species])
    order = np.lexsort((np.arange(len(weight)), weight))
    average = [curves[n].average_precision if n in curves else np.nan for n in table.species]
    columns: dict[str, npt.NDArray[np.generic]] = {
        "number": np.arange(1, len(order) + 1),
        "species": np.array(table.species, dtype=str)[order],
        "weight": weight[order],
        "particles": table.particles[order],
        "picks": table.reported[order],
        "right": table.right[order],
        "f1": table.f1[order],
        "strict_precision": table.strict_precision[order],
        "strict_recall": table.strict_recall[order],
        "strict_f1": table.strict_f1[order],
        "average_precision": np.array(average)[order],
    }
    if f_beta is not None:
        columns["f_beta"] = f_beta.f_beta(beta)[order]
    plot = Plot(
        x="number",
        y=("f1",),
        x_label="species, the lightest first" if np.isfinite(weight).any() else "species",
        y_label="F1",
        headline=f"mean F1 of the species {float(table.mean(table.f1)):.3f}",
        bars="species",
    )
    return Table(columns, {"weight": "kDa"}, plot)


def group_table(table: Confusion, weights: Mapping[str, float]) -> Table:
    """Mean F1 of small, medium and large species; no row where no weight is known."""
    known = [n for n, name in enumerate(table.species) if name in weights and table.particles[n]]
    group = np.array([size_group(weights[table.species[n]]) for n in known], dtype=str)
    rows = np.array(known, dtype=np.int64)
    names = [name for name in ("small", "medium", "large") if name in group]
    means = [
        [float(values[rows[group == name]].mean()) for name in names]
        for values in (table.f1, table.strict_f1)
    ]
    columns = {
        "number": np.arange(1, len(names) + 1),
        "group": np.array(names, dtype=str),
        "species": np.array([int((group == name).sum()) for name in names], dtype=np.int64),
        "f1": np.array(means[0]),
        "strict_f1": np.array(means[1]),
    }
    plot = Plot("number", ("f1",), "below 200, below 600, from 600 kDa", "mean F1", bars="group")
    return Table(columns, plot=plot if names else None)


def confusion_table(table: Confusion) -> Table:
    """One row for each species of particles, one column for what they were taken for."""
    columns: dict[str, npt.NDArray[np.generic]] = {
        "particle": np.array(table.species, dtype=str),
    }
    columns |= {f"as {name}": table.counts[:, n] for n, name in enumerate(table.species)}
    columns["missed"] = table.counts[:, -1]
    return Table(columns)


def curve_table(curves: Mapping[str, PrecisionRecall]) -> Table:
    """Precision at each recall from 0 to 1, one column for each curve; no row without one.

    A column ends (NaN) where its recall is never reached.
    """
    recall = np.linspace(0, 1, _STEPS) if curves else np.empty(0)
    columns = {"recall": recall} | {name: curve.at(recall) for name, curve in curves.items()}
    if not curves:
        return Table(columns)
    first = next(iter(curves.values()))
    threshold, f1 = first.best
    plot = Plot(
        x="recall",
        y=tuple(curves),
        x_label="recall",
        y_label="precision",
        headline=f"average precision {first.average_precision:.3f}, "
        f"best F1 {f1:.3f} at score {threshold:.3g}",
    )
    return Table(columns, plot=plot)


def tomogram_table(names: tuple[str, ...], counts: Floats) -> Table:
    """One row for each tomogram.

    Parameters
    ----------
    names : tuple of str
        Of the tomograms.
    counts : float64 array (g, 3)
        Particles found, picks and particles.
    """
    found, picks, particles = counts.T
    number = np.arange(1, len(names) + 1)
    columns = {
        "number": number,
        "tomogram": np.array(names, dtype=str),
        "particles": particles.astype(np.int64),
        "picks": picks.astype(np.int64),
        "found": found.astype(np.int64),
        "precision": np.divide(found, picks, out=np.zeros(len(names)), where=picks > 0),
        "recall": np.divide(found, particles, out=np.zeros(len(names)), where=particles > 0),
        "f1": f_scores(found, picks - found, particles - found),
    }
    return Table(columns, plot=Plot("number", ("f1",), "tomogram", "F1", bars="tomogram"))
