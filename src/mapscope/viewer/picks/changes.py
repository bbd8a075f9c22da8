"""Edits of picks, as the changes of a log that make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.edits import Column, PointsChange, PointsState
from mapscope.edits.columns import FIXED
from mapscope.edits.points import POSITION, ROTATION, SPECIES
from mapscope.particles import RESERVED_COLUMNS, VERDICT
from mapscope.picking import orientation
from mapscope.viewer.picks.known import Ids
from mapscope.volume import Array

Changes: TypeAlias = list[PointsChange | Callable[[], PointsChange]]
"""Changes that are made one after the other; one that needs the others first is a function."""

MANY = 3
"""From so many picks on, what they have in common is no chance."""

COLUMNS = {
    VERDICT: Column(np.dtype(object)),
    SPECIES: Column(np.dtype(object)),
    ROTATION: Column(np.dtype(np.float64), (3, 3)),
}


def judged(state: PointsState, ids: Ids, verdict: str) -> Changes:
    """Picks get a verdict."""
    return _set(state, ids, VERDICT, np.full(len(ids), verdict, dtype=object))


def classified(state: PointsState, ids: Ids, name: str) -> Changes:
    """Picks get a class."""
    return _set(state, ids, SPECIES, np.full(len(ids), name, dtype=object))


def turned(state: PointsState, ids: Ids, axis: int, degrees: float) -> Changes:
    """Picks are turned about an axis of their own.

    Parameters
    ----------
    state : PointsState
        The picks.
    ids : int64 array (n,)
        Which.
    axis : int
        0, 1, 2 for the particle's own z, y, x.
    degrees : float
        How far.
    """
    turn = np.zeros(3)
    turn[axis] = degrees
    held = np.tile(np.eye(3), (len(ids), 1, 1))
    if ROTATION in state.columns:
        held = state.rows(ids, [ROTATION])[ROTATION]
    return _set(state, ids, ROTATION, orientation.turned(held, turn, frame="particle"))


def removed(state: PointsState, ids: Ids) -> Changes:
    """Picks go."""
    return [state.removed(ids)]


def added(
    state: PointsState, position: npt.ArrayLike, defaults: Mapping[str, Any], name: str = ""
) -> Changes:
    """One more pick, by hand: without a score.

    Parameters
    ----------
    state : PointsState
        The picks.
    position : array-like (3,)
        Å, z, y, x.
    defaults : mapping of str to array (1, ...)
        What it has in other columns.
    name : str
        Its class.
    """
    values = {POSITION: np.reshape(np.asarray(position, dtype=np.float64), (1, 3)), **defaults}
    if name and SPECIES in state.columns:
        values[SPECIES] = np.array([name], dtype=object)
    return [state.added(values)]


def shared_values(state: PointsState, ids: Ids) -> dict[str, Any]:
    """What picks have in common in columns that say nothing of a single one.

    Those are, say, the name and size of their tomogram and the optics group.
    """
    shared: dict[str, Any] = {}
    names = set(state.columns) - {*FIXED, VERDICT}
    if len(ids) < MANY:
        names &= RESERVED_COLUMNS
    for name in names if len(ids) else ():
        values = state.rows(ids, [name])[name]
        if bool((values == values[:1]).all()):
            shared[name] = values[0]
    return shared


def _set(state: PointsState, ids: Ids, name: str, values: Array) -> Changes:
    """Picks get values in a column, which is added where it is not there."""
    changes: Changes = []
    if name not in state.columns:
        changes.append(state.with_columns({name: COLUMNS[name]}))
    return [*changes, lambda: state.changed(ids.tolist(), {name: values})]
