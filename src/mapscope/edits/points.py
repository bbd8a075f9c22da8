"""Points that are edited: rows with stable ids, and the changes that make one state of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mapscope.edits.arrays import TEXT, DamagedEditError, from_text, to_text
from mapscope.edits.columns import (
    FIXED,
    POSITION,
    ROTATION,
    SCORE,
    SPECIES,
    Column,
    blank_rows,
    columns_from,
    columns_of,
    values_of,
)
from mapscope.edits.runs import Integers
from mapscope.errors import InputError
from mapscope.particles import Particles
from mapscope.volume import Array

OPS = ("add", "remove", "set", "column")
FEW = 64
"""Up to so many points an edit is replayed together with its neighbours."""

Values = Mapping[str, Array]


@dataclass(frozen=True, eq=False)
class PointsChange:
    """One reversible change of points.

    Parameters
    ----------
    op : str
        ``add``, ``remove``, ``set`` values, or add a ``column``.
    ids : int64 array (n,)
        The points.
    before, after : mapping of str to array (n, ...)
        Values by column: none before an addition, none after a removal.
    columns : mapping of str to Column
        The columns that ``column`` adds; they are there after it only.
    is_undone : bool
        Whether this takes a change back.
    """

    op: str
    ids: Integers
    before: Values | None = None
    after: Values | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    is_undone: bool = False

    def inverse(self) -> PointsChange:
        """The change that takes this one back."""
        return PointsChange(
            self.op, self.ids, self.after, self.before, self.columns, not self.is_undone
        )

    def to_json(self) -> dict[str, Any]:
        """What the log writes of it."""
        entry: dict[str, Any] = {"op": self.op}
        if self.op == "column":
            columns = {name: column.to_json() for name, column in self.columns.items()}
            return entry | {"columns": columns}
        entry["ids"] = to_text(self.ids)
        for name in ("before", "after"):
            values = getattr(self, name)
            if values is not None:
                entry[name] = {column: to_text(array) for column, array in values.items()}
        return entry


class PointsState:
    """All points as they are now, each under an id that never means another point.

    Parameters
    ----------
    columns : mapping of str to Column
        What is known of each point; ``position`` is always there.
    """

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self.columns = {POSITION: FIXED[POSITION], **columns}
        self.next_id = 0
        self._is_alive = np.zeros(0, dtype=bool)
        self._values = {name: blank_rows(column, 0) for name, column in self.columns.items()}

    @property
    def ids(self) -> Integers:
        """Ids of the points that are there, rising."""
        return np.flatnonzero(self._is_alive[: self.next_id])

    def __len__(self) -> int:
        return int(self._is_alive.sum())

    def rows(self, ids: Integers, names: Iterable[str] = ()) -> dict[str, Array]:
        """Values of some points by column; of all columns where none are named."""
        return {name: self._values[name][ids] for name in names or self.columns}

    def added(self, values: Values) -> PointsChange:
        """The change that adds points; what is not given is unknown.

        Raises
        ------
        InputError
            If there are no positions, or a value cannot stand in its column.
        """
        if POSITION not in values:
            raise InputError("new points need positions in Å (z, y, x)")
        count = len(np.atleast_2d(values[POSITION]))
        self._reserve(self.next_id + count)
        after = {name: blank_rows(column, count) for name, column in self.columns.items()}
        after |= self._checked(values, count)
        return PointsChange("add", np.arange(self.next_id, self.next_id + count), None, after)

    def removed(self, ids: Iterable[int]) -> PointsChange:
        """The change that removes points."""
        chosen = self._known(ids)
        return PointsChange("remove", chosen, self.rows(chosen), None)

    def changed(self, ids: Iterable[int], values: Values) -> PointsChange:
        """The change that gives points other values in some columns."""
        chosen = self._known(ids)
        after = self._checked(values, len(chosen))
        return PointsChange("set", chosen, self.rows(chosen, after), after)

    def with_columns(self, columns: Mapping[str, Column]) -> PointsChange:
        """The change that adds columns, unknown for every point."""
        twice = [name for name in columns if name in self.columns]
        if twice:
            raise InputError(f"the points have a column {twice[0]!r} already")
        wrong = [name for name, column in columns.items() if FIXED.get(name, column) != column]
        if wrong:
            raise InputError(f"a column {wrong[0]!r} must hold what that name says")
        return PointsChange("column", np.empty(0, dtype=np.int64), columns=dict(columns))

    def apply(self, change: PointsChange) -> None:
        """Make a change."""
        if change.op == "column":
            for name, column in change.columns.items():
                if change.is_undone:
                    del self.columns[name], self._values[name]
                else:
                    self.columns[name] = column
                    self._values[name] = blank_rows(column, len(self._is_alive))
            return
        if change.after is None:
            self._is_alive[change.ids] = False
            return
        self.reserve_ids(int(change.ids.max(initial=-1)) + 1)
        if change.before is None:
            self._is_alive[change.ids] = True
        for name, values in change.after.items():
            self._values[name][change.ids] = values

    def noun(self) -> Particles:
        """The points as they are now, in the order of their ids."""
        values = self.rows(self.ids)
        species = values.pop(SPECIES, None)
        return Particles(
            values.pop(POSITION),
            values.pop(ROTATION, None),
            None if species is None else tuple(species.tolist()),
            values.pop(SCORE, None),
            {name: _text(array) for name, array in values.items()},
        )

    def check(self) -> None:
        """Raise where the points make no particles."""
        self.noun()

    def change_from(self, entry: Mapping[str, Any]) -> PointsChange:
        """The change that a log's entry describes, with every number checked.

        Raises
        ------
        DamagedEditError
            If it cannot be what was written.
        """
        op = str(entry.get("op"))
        if op == "column":
            return PointsChange(op, np.empty(0, dtype=np.int64), columns=columns_from(entry))
        ids = from_text(entry.get("ids"), np.dtype(np.int64), (-1,))
        if len(ids) and (ids.min() < 0 or ids.max() >= self.next_id):
            raise DamagedEditError("an edit names points that were never there")
        before, after = (self._values_from(entry.get(n), len(ids)) for n in ("before", "after"))
        is_whole = op != "add" or POSITION in (after or ())
        if (before is None, after is None) != (op == "add", op == "remove") or not is_whole:
            raise DamagedEditError(f"an edit {op!r} lacks its values")
        return PointsChange(op, ids, before, after)

    def _values_from(self, content: Any, count: int) -> Values | None:
        """Values by column from a log."""
        if content is None:
            return None
        unknown = set(content) - set(self.columns)
        if unknown:
            raise DamagedEditError(f"an edit names columns that are not there: {sorted(unknown)}")
        shapes = {name: (count, *self.columns[name].shape) for name in content}
        values = {n: from_text(t, self.columns[n].dtype, shapes[n]) for n, t in content.items()}
        return self._checked(values, count)

    def replay(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make many changes from a log; small ones are gathered, since that is much faster.

        Raises
        ------
        DamagedEditError, ValueError, TypeError, KeyError
            If one of them is damaged: which one, :meth:`change_from` finds.
        """
        self._reserve(self.next_id)
        gathered = _Gathered(self)
        for entry in entries:
            ids = entry.get("ids")
            if isinstance(ids, list) and len(ids) <= FEW:
                gathered.add(entry["op"], ids, entry.get("after"))
            else:
                gathered.write()
                self.apply(self.change_from(entry))
        gathered.write()

    def claim(self, entry: Mapping[str, Any]) -> None:
        """Count the ids that an added entry of a log gave out, also where it was undone.

        Raises
        ------
        DamagedEditError
            If they are not the next ones.
        """
        ids = entry.get("ids")
        if not isinstance(ids, list):
            ids = from_text(ids, np.dtype(np.int64), (-1,)).tolist()
        if ids != list(range(self.next_id, self.next_id + len(ids))):
            raise DamagedEditError("added points do not have the next ids")
        self.next_id += len(ids)

    def reserve_ids(self, count: int) -> None:
        """Make room for ids up to `count`, which are then never given again."""
        self._reserve(count)
        self.next_id = max(self.next_id, count)

    def _reserve(self, count: int) -> None:
        """Make the arrays at least so long, and longer than needed when they grow."""
        held = len(self._is_alive)
        if count <= held:
            return
        more = max(count, 2 * held, 256) - held
        self._is_alive = np.concatenate([self._is_alive, np.zeros(more, dtype=bool)])
        for name, column in self.columns.items():
            self._values[name] = np.concatenate([self._values[name], blank_rows(column, more)])

    def _known(self, ids: Iterable[int]) -> Integers:
        """Ids as an array, each of a point that is there."""
        chosen = np.fromiter(ids, dtype=np.int64)
        is_known = (chosen >= 0) & (chosen < self.next_id)
        if not is_known.all() or not self._is_alive[chosen].all():
            raise InputError("a point to be edited is not there any more")
        return chosen

    def _checked(self, values: Values, count: int) -> dict[str, Array]:
        """Values in the types and shapes of their columns, or an error that says what is wrong."""
        checked = {}
        for name, given in values.items():
            if name not in self.columns:
                raise InputError(f"the points have no column {name!r}")
            column = self.columns[name]
            array = np.array(given, dtype=column.dtype).reshape(count, *column.shape)
            if column.dtype.kind == "O":
                array = np.array([str(v) for v in array.ravel()], dtype=object).reshape(array.shape)
            checked[name] = array
        if POSITION in checked and not np.isfinite(checked[POSITION]).all():
            raise InputError("positions must be finite numbers in Å")
        if ROTATION in checked:
            Particles(np.zeros((count, 3)), checked[ROTATION])  # which refuses what turns nothing
        return checked


class _Gathered:
    """Small changes that are written together: of each value only the last."""

    def __init__(self, state: PointsState) -> None:
        self.state = state
        self.values: dict[str, dict[int, Any]] = {}
        self.is_alive: dict[int, bool] = {}

    def add(self, op: str, ids: list[int], after: Mapping[str, Any] | None) -> None:
        """Take in one change."""
        if (op == "remove") != (after is None) or (op == "add" and POSITION not in (after or ())):
            raise DamagedEditError(f"an edit {op!r} lacks its values")
        if op != "set":
            self.is_alive.update(dict.fromkeys(ids, op == "add"))
        for name, column in (after or {}).items():
            values = self.values.get(name)
            if values is None:
                values = self.values[name] = {}
            values.update(zip(ids, column, strict=True))

    def write(self) -> None:
        """Write what was gathered into the state."""
        state = self.state
        for name, values in self.values.items():
            ids = _ids(values, state.next_id)
            shape = (len(ids), *state.columns[name].shape)
            array = from_text(list(values.values()), state.columns[name].dtype, shape)
            state._values[name][ids] = array  # noqa: SLF001  two parts of one thing
        if self.is_alive:
            ids = _ids(self.is_alive, state.next_id)
            state._is_alive[ids] = list(self.is_alive.values())  # noqa: SLF001
        self.values, self.is_alive = {}, {}


def _ids(values: Mapping[int, Any], most: int) -> Integers:
    """Keys as ids that were given out."""
    ids = np.asarray(list(values))
    if ids.dtype.kind != "i" or ids.min() < 0 or ids.max() >= most:
        raise DamagedEditError("an edit names points that were never there")
    return ids


def _text(array: Array) -> Array:
    """Text as numpy has it; other values as they are."""
    return array.astype(str) if array.dtype.kind == "O" else array


__all__ = [
    "POSITION",
    "ROTATION",
    "SCORE",
    "SPECIES",
    "TEXT",
    "Column",
    "PointsChange",
    "PointsState",
    "columns_of",
    "values_of",
]
