"""Which candidates of all templates are picked: as in the SHREC'20 paper in two ways, and ours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles
from mapscope.picking.filtering import rows_of
from mapscope.picking.peaks import best_apart
from mapscope.scores.picks.size_groups import SHREC_2020_WEIGHTS

WAYS = ("TM-T", "TM-F", "ours")
CORRELATION = "ccc"
"""Column of the candidates: correlation with the template; their score is in σ."""
RADIUS = "radius"
"""Column: radius of the template in Å."""
Floats = npt.NDArray[np.float64]


def chosen(candidates: Particles, way: str, number: int) -> Particles:
    """The picks that one of the ways takes of the candidates, in the order of their list.

    Parameters
    ----------
    candidates : Particles
        Of all templates, with the columns `CORRELATION` and `RADIUS`.
    way : str
        One of `WAYS`.
    number : int
        Picks of each template; ours takes as many in all.
    """
    if way == "ours":
        return _best_of_all(candidates, number * len(set(candidates.species or ())))
    return _heaviest_first(candidates, number, is_apart=way == "TM-F")


def _heaviest_first(candidates: Particles, number: int, *, is_apart: bool) -> Particles:
    """The picks with the highest correlation of each template, the heaviest species first.

    Parameters
    ----------
    candidates : Particles
        Of all templates.
    number : int
        Picks of each template.
    is_apart : bool
        Whether picks are left out that overlap with one taken before.
    """
    names = np.asarray(candidates.species, dtype=str)
    order = np.argsort(-np.asarray(candidates.columns[CORRELATION], dtype=float), kind="stable")
    radius = np.asarray(candidates.columns[RADIUS], dtype=float)
    taken: list[int] = []
    for name in sorted(set(names.tolist()), key=weight_of, reverse=True):
        before = len(taken)
        for row in order[names[order] == name].tolist():
            if len(taken) - before == number:
                break
            offset = candidates.positions[taken] - candidates.positions[row]
            room = radius[taken] + radius[row]
            if not is_apart or (np.linalg.norm(offset, axis=1) >= room).all():
                taken.append(row)
    return rows_of(candidates, np.array(taken, dtype=np.int64))


def _best_of_all(candidates: Particles, number: int) -> Particles:
    """The picks of which each is the best by σ within its radius, whatever the template."""
    assert candidates.score is not None
    room = np.asarray(candidates.columns[RADIUS], dtype=float)
    kept = np.flatnonzero(best_apart(candidates.positions, candidates.score, room))
    order = np.argsort(-candidates.score[kept], kind="stable")
    return rows_of(candidates, kept[order][:number])


def weight_of(species: str) -> float:
    """Molecular weight of a species in kDa."""
    return SHREC_2020_WEIGHTS[species]
