"""One document under edit: its state, every change of it, and the file that keeps them."""

from __future__ import annotations

import atexit
import gc
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import time
from typing import Any
from weakref import WeakSet

from mapscope.edits.folders import candidates, note_closed, note_open
from mapscope.edits.header import base_line, begun, checked_header, new_header, state_from
from mapscope.edits.journal import Content, Journal, create_file, read_lines, set_aside
from mapscope.edits.labels import LabelsState
from mapscope.edits.player import DAMAGE, Change, Edit, Noun, Player, State
from mapscope.edits.points import PointsChange, PointsState
from mapscope.errors import InputError, MapFormatError
from mapscope.record import Source, remember


class EditLog:
    """A document under edit; made by :meth:`create` or :meth:`open`.

    Parameters
    ----------
    path : Path
        Its file.
    header : mapping
        The file's first line.
    journal : Journal, optional
        What writes the file; None where another program does.
    """

    def __init__(self, path: Path, header: Mapping[str, Any], journal: Journal | None) -> None:
        self.path = path
        self.header = dict(header)
        self.state: State = state_from(header)
        self.notes: tuple[str, ...] = ()
        self.sequence = 0
        self._journal = journal
        self._done: list[Edit] = []
        self._undone: list[Edit] = []
        self._snapshot: tuple[int, Noun] | None = None
        _logs.add(self)

    @classmethod
    def create(cls, noun: Noun, *, name: str, data: Path | None = None) -> EditLog:
        """A new log that starts from a noun, which its file then also holds.

        Parameters
        ----------
        noun : Particles or Labels
            What is to be edited.
        name : str
            What the layer is called.
        data : Path, optional
            The file that it belongs to; the log comes to lie beside it where that is
            possible, else in the user's folder.

        Raises
        ------
        InputError
            If no file can be made, or the noun is none that can be edited.
        """
        header = new_header(noun, name, data)
        path = create_file(candidates(data, name))
        log = cls(path, header, Journal(path))
        log._append(lambda: dict(header))
        log.flush()
        begun(log.state, noun)
        log._append(lambda: base_line(state_from(header), noun))
        note_open(path)
        return log

    @classmethod
    def open(cls, path: Path) -> EditLog:
        """The log in a file, in the state in which it was left.

        A last line that was cut off is dropped. Where a line in the middle is damaged, the
        log is read up to it and the whole file kept beside it; :attr:`notes` say so.

        Raises
        ------
        MapFormatError
            If the file is no log of edits, or one of a later version.
        FileNotFoundError
            If there is none.
        """
        journal = _journal(path)
        try:
            with _uncollected():
                content = read_lines(path)
                log = cls(path, checked_header(content, path), journal)
                log._restore(content)
        except BaseException:
            if journal is not None:
                journal.close()
            raise
        if log.is_read_only:
            note = "these edits are open in another window or program: they can be looked at only"
            log.notes = (*log.notes, note)
        else:
            note_open(path)
        return log

    @property
    def points(self) -> PointsState:
        """The points as they are now; InputError where the document is no points."""
        if not isinstance(self.state, PointsState):
            raise InputError(f"{self.name} is labels, not points")
        return self.state

    @property
    def labels(self) -> LabelsState:
        """The labels as they are now; InputError where the document is no labels."""
        if not isinstance(self.state, LabelsState):
            raise InputError(f"{self.name} is points, not labels")
        return self.state

    @property
    def name(self) -> str:
        """What the document is called."""
        return str(self.header["name"])

    @property
    def data_path(self) -> Path | None:
        """The data file that it belongs to."""
        path = self.header.get("data")
        return Path(path) if isinstance(path, str) else None

    @property
    def is_read_only(self) -> bool:
        """Whether nothing can be edited, since another program does."""
        return self._journal is None

    @property
    def done(self) -> Sequence[Edit]:
        """The edits that the state holds, the first one first."""
        return self._done

    @property
    def undone(self) -> Sequence[Edit]:
        """The edits that can be redone; the last one comes first."""
        return self._undone

    @property
    def problem(self) -> str:
        """Why edits cannot be written at present, or an empty text."""
        return "" if self._journal is None else self._journal.problem

    @property
    def is_saved(self) -> bool:
        """Whether everything is on the disk."""
        return self._journal is None or not self._journal.waiting

    @property
    def saved_at(self) -> float:
        """When edits were last written, in seconds since 1970."""
        return 0.0 if self._journal is None else self._journal.saved_at

    def do(self, change: Change, group: str = "", when: float | None = None) -> None:
        """Make a change and write it down; what was undone cannot be redone after it.

        Parameters
        ----------
        change : Change
            What to do, as the state's methods or :mod:`mapscope.edits.regions` give it.
        group : str
            Changes of one group are undone together; a group of its own where empty.
        when : float, optional
            Seconds since 1970; now where None.

        Raises
        ------
        InputError
            If the log is read-only.
        """
        self._require_writable()
        if isinstance(change, PointsChange) != isinstance(self.state, PointsState):
            raise InputError(f"{self.name} takes no {type(change).__name__}")
        edit = Edit(group or new_group(), time() if when is None else when, change)
        self.state.apply(change)
        self._undone.clear()
        self._done.append(edit)
        self._write(edit.time, {"g": edit.group}, change)

    def undo(self) -> list[Change]:
        """Take back the last group; gives the changes that did so."""
        self._require_writable()
        changes = self._move(self._done, self._undone, is_undo=True)
        if changes:
            self._write(time(), {"op": "undo"})
        return changes

    def redo(self) -> list[Change]:
        """Do again the group that was undone last; gives the changes that did so."""
        self._require_writable()
        changes = self._move(self._undone, self._done, is_undo=False)
        if changes:
            self._write(time(), {"op": "redo"})
        return changes

    def discard_redo(self) -> None:
        """Forget what was undone: something else was edited after it."""
        if self._undone and not self.is_read_only:
            self._undone.clear()
            self._write(time(), {"op": "discard"})

    def snapshot(self) -> Noun:
        """The document as it is now: a noun that later edits do not touch.

        Its source names this log and the last edit in it.
        """
        if self._snapshot is None or self._snapshot[0] != self.sequence:
            noun = self.state.noun()
            remember(noun, Source(edits=str(self.path), sequence=self.sequence))
            self._snapshot = (self.sequence, noun)
        return self._snapshot[1]

    def flush(self) -> None:
        """Write everything to the disk, now."""
        if self._journal is not None:
            self._journal.flush()

    def close(self) -> None:
        """Write everything, and let go of the file; one without any edit is removed."""
        if self._journal is None:
            return
        self._journal.close()
        self._journal = None
        note_closed(self.path)
        if self.sequence == 0:
            with suppress(OSError):
                self.path.unlink()

    def _move(self, source: list[Edit], target: list[Edit], *, is_undo: bool) -> list[Change]:
        """Take the last group of one stack to the other, and apply it."""
        changes: list[Change] = []
        group = source[-1].group if source else ""
        while source and source[-1].group == group:
            edit = source.pop()
            change = edit.change(self.state)
            changes.append(change.inverse() if is_undo else change)
            self.state.apply(changes[-1])
            target.append(edit)
        return changes

    def _write(self, when: float, words: dict[str, Any], change: Change | None = None) -> None:
        """Number an entry and give it to the journal."""
        self.sequence += 1
        start = {"n": self.sequence, "t": round(when, 6), **words}
        self._append(lambda: start if change is None else start | change.to_json())

    def _append(self, line: Any) -> None:
        assert self._journal is not None
        self._journal.append(line)

    def _require_writable(self) -> None:
        if self.is_read_only:
            raise InputError(
                f"the edits of {self.name} are open in another window or program: close them there"
            )

    def _restore(self, content: Content) -> None:
        """Replay the lines of a file, and cut off what is damaged."""
        count = self._replay(content.lines[1:])
        good = count + 1
        is_damaged = content.is_damaged or good < len(content.lines)
        if is_damaged and self._journal is not None:
            copy = set_aside(self.path)
            note = f"edit {count} in {self.path.name} is damaged: everything before it is here"
            self.notes += (f"{note}, the whole file is kept as {copy.name}",)
        elif is_damaged:
            self.notes += (
                f"edit {count} in {self.path.name} is damaged: what follows is left out",
            )
        elif content.is_torn:
            self.notes += ("the last edit was cut off while it was written, and is left out",)
        if (is_damaged or content.is_torn) and self._journal is not None:
            self._journal.truncate(content.ends[count])

    def _replay(self, lines: Sequence[Mapping[str, Any]]) -> int:
        """Bring the state to where the lines lead; gives how many of them are sound."""
        with suppress(*DAMAGE):
            player = Player(state_from(self.header), is_stepwise=False)
            for line in lines:
                player.step(line)
            player.state.replay([edit.content for edit in player.done])
            player.state.check()
            return self._take(player, len(lines))
        player = Player(state_from(self.header), is_stepwise=True)
        for count, line in enumerate(lines):
            try:
                player.step(line)
            except DAMAGE:
                return self._take(player, count)
        return self._take(player, len(lines))

    def _take(self, player: Player, count: int) -> int:
        """Take over what was replayed."""
        if count == 0:
            raise MapFormatError(f"{self.path.name} ends before its first edit: nothing is in it")
        self.state, self._done, self._undone = player.state, player.done, player.undone
        self.sequence = count - 1
        return count


_logs: WeakSet[EditLog] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Close what is open when the program ends."""
    for log in list(_logs):
        log.close()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which looks again and again at all that is being read."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def new_group() -> str:
    """A name for a group of edits that no other has."""
    return uuid.uuid4().hex[:12]


def _journal(path: Path) -> Journal | None:
    """What writes a log; None where another program does, or the file cannot be written."""
    try:
        journal = Journal(path)
    except PermissionError:
        return None
    if journal.is_locked:
        return journal
    journal.close()
    return None
