"""What became of a model's scores when its map was changed, residue by residue and as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import residues_of
from mapscope.errors import DataError
from mapscope.parameter import Key
from mapscope.progress import Progress, part, silent
from mapscope.scores.chi1_scan import scan_chi1
from mapscope.scores.emringer import emringer_score
from mapscope.scores.q_score import q_scores
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.volume import Volume

WORSE = 0.05
"""Fall of a residue's Q-score from which on it counts as made worse."""

_OF_WORSE = ("chain", "number", "name", "kind", "q_change", "q_score", "q_score_before")


@dataclass(frozen=True)
class ModelScore:
    """How well a model fits one map.

    Parameters
    ----------
    q_score : float
        Mean over its heavy atoms inside the map.
    emringer : float or None
        None without side chains that can be scanned.
    """

    q_score: float
    emringer: float | None


@dataclass(frozen=True)
class ModelChange:
    """What became of a model's scores from one map to another.

    Parameters
    ----------
    q_score : float
        Mean Q-score in the map made.
    q_score_before : float
        Mean Q-score in the map that it was made of.
    emringer : float or None
        EMRinger score in the map made; None where the model has no side chains to scan.
    emringer_before : float or None
        EMRinger score in the map that it was made of.
    share_worse : float
        Share of residues whose Q-score fell by more than 0.05, from 0 to 1.
    share_better : float
        Share of residues whose Q-score rose by more than 0.05.
    residues : int
        Residues with a Q-score in both.

    References
    ----------
    .. [1] Pintilie et al. (2020) Nat. Methods 17, 328-334.
    .. [2] Barad et al. (2015) Nat. Methods 12, 943-946.
    """

    q_score: Annotated[float, Key("Q-score")]
    q_score_before: Annotated[float, Key("Q-score before")]
    emringer: Annotated[float | None, Key("EMRinger")]
    emringer_before: Annotated[float | None, Key("EMRinger before")]
    share_worse: Annotated[float, Key("made worse")]
    share_better: float
    residues: int


def model_score(
    structure: Structure, volume: Volume, *, progress: Progress = silent
) -> tuple[ModelScore, npt.NDArray[np.float64]]:
    """Scores of a model in a map, and the mean Q-score of each of its residues (residues,).

    Parameters
    ----------
    structure : Structure
        The model, in its place in the map.
    volume : Volume
        The map.
    progress : callable
        Called once per 512 atoms.

    Raises
    ------
    DataError
        If no atom lies in the map.
    """
    q = q_scores(structure, volume, progress=progress)
    known = np.isfinite(q)
    if not known.any():
        raise DataError(
            "no atom of the model lies in the map: the model belongs to another map, or has to "
            "be fitted into this one first"
        )
    ringer = emringer_score(scan_chi1(structure, volume).density)
    residues = residues_of(structure)
    owner, number = residues.of_atoms[known], len(residues)
    total, count = np.bincount(owner, q[known], number), np.bincount(owner, minlength=number)
    mean = np.divide(total, count, out=np.full(number, np.nan), where=count > 0)
    return ModelScore(float(q[known].mean()), None if ringer is None else ringer.score), mean


def model_change(
    structure: Structure, before: Volume, after: Volume, *, progress: Progress = silent
) -> tuple[ModelChange, Table]:
    """What became of a model's scores from one map to another, and the table of its residues.

    Parameters
    ----------
    structure : Structure
        The model, in its place in both maps.
    before, after : Volume
        The map that was changed, and what was made of it.
    progress : callable
        Called once per 512 atoms.

    Raises
    ------
    DataError
        If no atom lies in the maps.
    """
    old, q_before = model_score(structure, before, progress=part(progress, 0, 1, 2))
    new, q_after = model_score(structure, after, progress=part(progress, 1, 2, 2))
    change = (q_after - q_before)[np.isfinite(q_after - q_before)]
    number = max(len(change), 1)
    found = ModelChange(
        q_score=new.q_score,
        q_score_before=old.q_score,
        emringer=new.emringer,
        emringer_before=old.emringer,
        share_worse=float((change < -WORSE).sum() / number),
        share_better=float((change > WORSE).sum() / number),
        residues=len(change),
    )
    return found, _residue_table(structure, q_before, q_after)


def _residue_table(
    structure: Structure, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]
) -> Table:
    """One row for each residue that is in both maps."""
    residues = residues_of(structure)
    change = after - before
    rows = np.flatnonzero(np.isfinite(change))
    columns = {
        "position": rows + 1,
        "chain": residues.chains[rows],
        "number": residues.numbers[rows],
        "name": residues.names[rows],
        "kind": residues.kinds[rows],
        "q_change": change[rows],
        "q_score": after[rows],
        "q_score_before": before[rows],
        "is_worse": (change[rows] < -WORSE).astype(np.int64),
    }
    worse = int(columns["is_worse"].sum())
    plot = Plot(
        x="position",
        y=("q_change",),
        x_label="residue, counted through the model",
        y_label="change of the Q-score",
        title="What became of the residues",
        levels={"unchanged": 0.0, "made worse": -WORSE},
        headline=f"{worse:,} of {len(rows):,} residues were made worse by more than {WORSE:g}",
    )
    return Table(columns, {}, plot)


def worst_first(residues: Table | None) -> Table:
    """The residues of a table that were made worse, the worst first.

    Parameters
    ----------
    residues : Table, optional
        Of :func:`model_change`; of None there is no row.
    """
    if residues is None:
        return Table({name: np.zeros(0) for name in _OF_WORSE})
    rows = np.flatnonzero(residues["is_worse"])
    order = rows[np.argsort(np.asarray(residues["q_change"])[rows], kind="stable")]
    return Table({name: residues[name][order] for name in _OF_WORSE})
