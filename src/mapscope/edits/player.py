"""Replaying the lines of a log: what was done, what was undone, and where a line is damaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from mapscope.edits import labels as label_edits
from mapscope.edits import points as point_edits
from mapscope.edits.arrays import DamagedEditError
from mapscope.edits.labels import LabelsChange
from mapscope.edits.points import PointsChange, PointsState
from mapscope.errors import MapscopeError
from mapscope.labels import Labels
from mapscope.particles import Particles

DAMAGE = (MapscopeError, ValueError, TypeError, LookupError, OverflowError, AttributeError)
"""What a damaged line can lead to."""

Noun: TypeAlias = Particles | Labels
Change: TypeAlias = PointsChange | LabelsChange


class State(Protocol):
    """A document as it is now: applies changes, and reads them from a log's entries."""

    def apply(self, change: Any) -> None:
        """Make a change."""

    def noun(self) -> Noun:
        """The document as it is now; later changes do not touch it."""

    def change_from(self, entry: Mapping[str, Any]) -> Change:
        """The change that a log's entry describes; DamagedEditError where it cannot be."""

    def claim(self, entry: Mapping[str, Any]) -> None:
        """Count the ids that an entry gave out; DamagedEditError where they are not the next."""

    def replay(self, entries: Sequence[Any]) -> None:
        """Make the changes of many entries; raises where one is damaged."""

    def check(self) -> None:
        """Raise where the document cannot be what was edited."""


@dataclass(eq=False, slots=True)
class Edit:
    """One change in a log.

    Parameters
    ----------
    group : str
        What is undone together.
    time : float
        When, in seconds since 1970.
    content : Change or dict
        The change, or the log's entry that it is made from when it is needed.
    """

    group: str
    time: float
    content: Change | Mapping[str, Any]

    @property
    def op(self) -> str:
        """What kind of change it is."""
        return str(self.content["op"]) if isinstance(self.content, Mapping) else self.content.op

    def change(self, state: State) -> Change:
        """The change itself."""
        if not isinstance(self.content, PointsChange | LabelsChange):
            self.content = state.change_from(self.content)
        return self.content


class Player:
    """Replays the lines of a log.

    Parameters
    ----------
    state : State
        The empty state, which the lines are applied to.
    is_stepwise : bool
        Whether each is applied at once, to find a damaged one, instead of all that were not
        undone at the end.
    """

    def __init__(self, state: State, *, is_stepwise: bool) -> None:
        self.state = state
        self.ops = point_edits.OPS if isinstance(state, PointsState) else label_edits.OPS
        self.is_stepwise = is_stepwise
        self.done: list[Edit] = []
        self.undone: list[Edit] = []
        self.count = 0

    def step(self, line: Mapping[str, Any]) -> None:
        """Replay one line.

        Raises
        ------
        MapscopeError, ValueError, TypeError, LookupError, OverflowError, AttributeError
            If it is damaged.
        """
        op = line["op"]
        if line["n"] != self.count:
            raise DamagedEditError(f"edit {line['n']} follows edit {self.count - 1}")
        if (op == "base") != (self.count == 0):
            raise DamagedEditError("the base of a log is its first line")
        if op == "undo":
            self._move(self.done, self.undone, is_undo=True)
        elif op == "redo":
            self._move(self.undone, self.done, is_undo=False)
        elif op == "discard":
            self.undone.clear()
        elif op == "base":
            self._apply_base(line)
        else:
            self._do(op, line)
        self.count += 1

    def _do(self, op: str, line: Mapping[str, Any]) -> None:
        """Take in a change."""
        if op not in self.ops:
            raise DamagedEditError(f"an unknown edit {op!r}")
        if op == "add":
            self.state.claim(line)
        edit = Edit(str(line["g"]), float(line["t"]), line)
        if self.is_stepwise:
            self.state.apply(edit.change(self.state))
        self.undone.clear()
        self.done.append(edit)

    def _apply_base(self, line: Mapping[str, Any]) -> None:
        """Begin with what the log holds of the noun that was edited."""
        is_points = isinstance(self.state, PointsState)
        entry = {**line, "op": "add" if is_points else "paint"}
        self.state.claim(entry)
        self.state.apply(self.state.change_from(entry))

    def _move(self, source: list[Edit], target: list[Edit], *, is_undo: bool) -> None:
        """Undo or redo a group."""
        group = source[-1].group
        while source and source[-1].group == group:
            edit = source.pop()
            if self.is_stepwise:
                change = edit.change(self.state)
                self.state.apply(change.inverse() if is_undo else change)
            target.append(edit)
