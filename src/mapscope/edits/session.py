"""One undo and redo across several logs, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import time

from mapscope.edits.log import EditLog, new_group
from mapscope.edits.player import Change, Noun


@dataclass(frozen=True, eq=False)
class Step:
    """A change that was made in one of the logs.

    Parameters
    ----------
    log : EditLog
        Where.
    change : Change
        What.
    """

    log: EditLog
    change: Change


class EditSession:
    """The logs that are edited together; undo takes back the last edit in any of them."""

    def __init__(self) -> None:
        self.logs: list[EditLog] = []
        self._done: list[str] = []
        self._undone: list[str] = []
        self._group = ""
        self._last = 0.0

    def add(self, log: EditLog) -> None:
        """Take a log in; its edits take their place in the order of time."""
        self.logs.append(log)
        self._order()

    def remove(self, log: EditLog) -> None:
        """Let go of a log, which stays as it is; undo passes it over from now on."""
        self.logs.remove(log)
        self._order()

    @contextmanager
    def group(self) -> Iterator[None]:
        """Edits within are undone together, whichever logs they are in."""
        if self._group:
            yield
            return
        self._group = new_group()
        try:
            yield
        finally:
            self._group = ""

    def do(self, log: EditLog, change: Change) -> None:
        """Make a change in a log; what was undone in any of them cannot be redone after it."""
        group = self._group or new_group()
        self._last = max(time(), self._last + 1e-6)
        log.do(change, group, self._last)
        for other in self.logs:
            if other is not log:
                other.discard_redo()
        self._undone.clear()
        if not self._done or self._done[-1] != group:
            self._done.append(group)

    def undo(self) -> list[Step]:
        """Take back the last group; gives the changes that did so, or nothing."""
        return self._move(self._done, self._undone, is_undo=True)

    def redo(self) -> list[Step]:
        """Do again what was undone last; gives the changes that did so, or nothing."""
        return self._move(self._undone, self._done, is_undo=False)

    @property
    def undo_text(self) -> str:
        """What :meth:`undo` would take back, in a word; empty where there is nothing."""
        return self._op(self._done, is_undo=True)

    @property
    def redo_text(self) -> str:
        """What :meth:`redo` would do again, in a word; empty where there is nothing."""
        return self._op(self._undone, is_undo=False)

    def snapshot(self, log: EditLog) -> Noun:
        """The document of a log as it is now."""
        return log.snapshot()

    def flush(self) -> None:
        """Write everything to the disk, now."""
        for log in self.logs:
            log.flush()

    def close(self) -> None:
        """Write everything and close every log."""
        for log in self.logs:
            log.close()
        self.logs.clear()
        self._order()

    def _move(self, source: list[str], target: list[str], *, is_undo: bool) -> list[Step]:
        """Undo or redo the last group of a stack in every log that has it on top."""
        if not source:
            return []
        group = source.pop()
        steps = []
        for log in self._writable():
            edits = log.done if is_undo else log.undone
            if edits and edits[-1].group == group:
                changes = log.undo() if is_undo else log.redo()
                steps += [Step(log, change) for change in changes]
        target.append(group)
        return steps

    def _op(self, stack: list[str], *, is_undo: bool) -> str:
        """The kind of edit that lies on top of a stack."""
        for log in self._writable() if stack else ():
            edits = log.done if is_undo else log.undone
            if edits and edits[-1].group == stack[-1]:
                return edits[-1].op
        return ""

    def _writable(self) -> list[EditLog]:
        return [log for log in self.logs if not log.is_read_only]

    def _order(self) -> None:
        """Put the groups of all logs into the order of time."""
        logs = self._writable()
        done = {e.group: e.time for log in logs for e in log.done}
        undone = {e.group: e.time for log in logs for e in log.undone}
        self._done = sorted(done, key=done.__getitem__)
        self._undone = sorted(undone, key=undone.__getitem__, reverse=True)
        self._last = max([self._last, *done.values(), *undone.values()])
