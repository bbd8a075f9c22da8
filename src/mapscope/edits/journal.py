"""The file of a log: lines of JSON that are only ever appended, by a thread of its own."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from itertools import accumulate
from pathlib import Path
from time import time
from typing import Any
from weakref import WeakSet

from mapscope import preferences
from mapscope.errors import InputError, MapFormatError

Line = Callable[[], dict[str, Any]]


@dataclass(frozen=True)
class Content:
    """What a log's file holds.

    Parameters
    ----------
    lines : list of dict
        Every line up to the first damaged one, the header first.
    ends : list of int
        Position in the file behind each of them.
    is_torn : bool
        Whether the last line lacks its end, as after a power failure.
    is_damaged : bool
        Whether a whole line cannot be read.
    """

    lines: list[dict[str, Any]]
    ends: list[int]
    is_torn: bool
    is_damaged: bool


def read_lines(path: Path) -> Content:
    """The lines of a log up to the first damaged one."""
    pieces = path.read_bytes().split(b"\n")
    tail = pieces.pop()
    lines = _parsed(pieces)
    ends = list(accumulate(len(piece) + 1 for piece in pieces[: len(lines)]))
    return Content(lines, ends, bool(tail), len(lines) < len(pieces))


def _parsed(pieces: list[bytes]) -> list[dict[str, Any]]:
    """JSON objects, up to the first that is none; all at once where all is well."""
    with suppress(ValueError, RecursionError):
        lines = json.loads(b"[" + b",".join(pieces) + b"]")
        if len(lines) == len(pieces) and all(type(line) is dict for line in lines):
            return list(lines)
    lines = []
    for piece in pieces:
        try:
            line = json.loads(piece)
        except (ValueError, RecursionError):
            break
        if not isinstance(line, dict):
            break
        lines.append(line)
    return lines


class Journal:
    """Appends lines to a log's file.

    Lines are made, written and flushed to the disk by a thread, at most the preference
    ``autosave_seconds`` after they were given; a line that cannot be written is kept and tried
    again.

    Parameters
    ----------
    path : Path
        The file, which is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self.saved_at = time()
        self._file: FileIO | None = path.open("r+b", buffering=0)
        self.is_locked = _lock(self._file)
        self._end = self._file.seek(0, os.SEEK_END)
        self._waiting: list[Line] = []
        self._writing = threading.Lock()
        self._ready = threading.Condition()
        self._is_closed = False
        self._thread: threading.Thread | None = None
        _journals.add(self)

    @property
    def waiting(self) -> int:
        """Number of lines that are not on the disk yet."""
        return len(self._waiting)

    def append(self, line: Line) -> None:
        """Give a line to be written soon; it is made in the writing thread."""
        with self._ready:
            self._waiting.append(line)
            if len(self._waiting) > 1:
                return  # the thread knows
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name=f"edits {self.path.name}", daemon=True
                )
                self._thread.start()
            self._ready.notify()

    def flush(self) -> None:
        """Write what waits, now."""
        with self._writing:
            lines = list(self._waiting)
            if not lines or self._file is None:
                return
            try:
                self._write(b"".join(_as_bytes(line()) for line in lines))
            except OSError as error:
                self.problem = f"edits cannot be written to {self.path}: {error.strerror or error}"
                return
            with self._ready:
                del self._waiting[: len(lines)]
            self.problem, self.saved_at = "", time()

    def truncate(self, size: int) -> None:
        """Cut the file behind `size` bytes."""
        assert self._file is not None
        self._file.truncate(size)
        self._end = self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Write what waits, and let go of the file."""
        with self._ready:
            self._is_closed = True
            self._ready.notify()
        if self._thread is not None:
            self._thread.join(timeout=60)
        self.flush()
        with self._writing:
            if self._file is not None:
                self._file.close()  # which also gives the lock back
                self._file = None
        _journals.discard(self)

    def _work(self) -> None:
        """In the thread: write what came, and wait a little so that lines gather."""
        while True:
            with self._ready:
                self._ready.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                patience = preferences.number("autosave_seconds")
                self._ready.wait_for(lambda: self._is_closed, timeout=patience)
            self.flush()

    def _write(self, data: bytes) -> None:
        """Append bytes and see them to the disk; nothing of them stays where that fails."""
        assert self._file is not None
        try:
            self._file.seek(self._end)
            rest = memoryview(data)
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
            os.fsync(self._file.fileno())
        except OSError:
            with suppress(OSError):
                self._file.truncate(self._end)
            raise
        self._end += len(data)


_journals: WeakSet[Journal] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Write what waits when the program ends."""
    for journal in list(_journals):
        journal.close()


def _as_bytes(line: dict[str, Any]) -> bytes:
    """A line of the file."""
    text = json.dumps(line, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode() + b"\n"


def create_file(paths: Iterable[Path]) -> Path:
    """The first of these paths at which a new file can be made."""
    trouble: OSError | None = None
    for path in paths:
        try:
            with path.open("xb"):
                return path
        except FileExistsError:
            continue
        except OSError as error:
            trouble = error
    raise InputError(f"no file for the edits can be made: {trouble or 'every name is taken'}")


def set_aside(path: Path) -> Path:
    """Copy a damaged log to ``<log>.damaged``, or a numbered name; gives the copy's path."""
    for number in range(1, 1000):
        copy = path.with_name(f"{path.name}.damaged" + (f".{number}" if number > 1 else ""))
        if not copy.exists():
            shutil.copyfile(path, copy)
            return copy
    raise MapFormatError(f"{path.name} is damaged and has no room for another copy beside it")


def _lock(file: FileIO) -> bool:
    """Whether this process alone may write the file, until it closes the file or dies.

    The system's own lock is used: it ends with the process, so that none can be left behind.
    """
    try:
        _system_lock(file)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks
    return True


try:
    import fcntl

    def _system_lock(file: FileIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

except ImportError:  # Windows
    import msvcrt

    FAR = 2**40
    """Windows keeps others from reading what is locked: a byte that no log reaches."""

    def _system_lock(file: FileIO) -> None:
        place = file.tell()
        file.seek(FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        finally:
            file.seek(place)


def is_in_use(path: Path) -> bool:
    """Whether a log is open somewhere."""
    try:
        with path.open("r+b", buffering=0) as file:
            return not _lock(file)
    except OSError:
        return False
