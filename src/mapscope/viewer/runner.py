"""The only place that knows threads and processes: run a job beside the window, hear of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from mapscope.errors import Cancelled, InputError, MapscopeError, Partial
from mapscope.process import living_process
from mapscope.progress import VARIABLE, Progress, parse_line
from mapscope.viewer.child import ANSWER, PROGRESS

PROGRESS_INTERVAL = 0.05
"""Seconds between two messages of progress, so that a fast loop cannot flood the window."""

SHOW_INTERVAL = 0.5
"""Seconds between two looks at a result in the making."""

SHOW_SHARE = 0.1
"""Most of a call's time that making ready what is looked at may take."""

JOBS, BACKGROUND = "jobs", "background"

GLANCE = 0.2
"""Seconds between two looks at what a child process tells."""

PATIENCE = 10.0
"""Seconds that a child process has to stop when it is asked; then it is told to."""

_CODES = {2: InputError}

NICENESS = 5
"""How far the workers stand back: enough for the window to be served first on a full machine."""


@cache
def _worker(queue: str) -> ThreadPoolExecutor:
    """The worker thread of a queue: jobs wait for each other, and so does housekeeping."""
    name = f"mapscope-{queue}"
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=name, initializer=_stand_back)


def _stand_back() -> None:
    """Give the window's thread the right of way over this thread and those that it starts.

    Niceness belongs to a thread on Linux only; elsewhere it would slow the window too.
    """
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


_unfinished: set[QObject] = set()


class Run(QObject):
    """One call that runs in the worker thread.

    Its signals are emitted in the window's thread, whichever slots are connected: what
    happens in the worker is put into a queue, and a queued poke makes this object empty it.

    Parameters
    ----------
    call : callable (progress) -> object
        What to do; it calls ``progress(done, total, message)`` often, and may hand over what
        there is so far by ``progress.show(make)``. Where it is told to stop, it may raise
        `Partial` with what is done, which is then in `kept`.
    """

    progressed = Signal(float, str)
    shown = Signal(object)
    """What there is so far."""
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    _poked = Signal()

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__()
        self._call: Callable[..., Any] | None = call
        self._stop = Event()
        self._happened: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._last = 0.0
        self._next_look = 0.0
        self._is_seen = Event()
        self._is_seen.set()
        self.is_over = False
        self.kept: Any = None
        """What a call that was cancelled has finished; None where that is nothing."""
        self._poked.connect(self._empty, Qt.ConnectionType.QueuedConnection)

    def start(self, queue: str = JOBS) -> Run:
        """Put the call into a worker's queue; this object lives until the call is over."""
        _unfinished.add(self)
        _worker(queue).submit(self._work)
        return self

    def leave(self) -> None:
        """Stop, because nobody is there to see it any more."""
        self.cancel()

    def cancel(self) -> None:
        """Ask the call to stop at its next sign of progress; at once where it did not begin."""
        self._stop.set()

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def _work(self) -> None:
        """In the worker thread: do it, and tell how it went."""
        assert self._call is not None
        try:
            self._progress(0, 1, "")
            self._tell("succeeded", self._call(progress=_Watched(self._progress, self._show)))
        except Partial as stop:
            self._tell("cancelled", stop.result)
        except Cancelled:
            self._tell("cancelled", None)
        except BaseException as error:  # noqa: BLE001  handed to the window, which shows it
            self._tell("failed", error)

    def _progress(self, done: int, total: int, message: str = "") -> None:
        """In the worker thread: the progress given to the call."""
        if self._stop.is_set():
            raise Cancelled
        now = monotonic()
        if now - self._last >= PROGRESS_INTERVAL:
            self._last = now
            self._tell("progressed", (done / total if total else 1.0, message))

    def _show(self, make: Callable[[], Any]) -> None:
        """In the worker thread: pass on what there is so far, if it is time for that.

        Not before the window has shown what it got last, so that a slow one is not flooded.
        """
        began = monotonic()
        if began < self._next_look or not self._is_seen.is_set():
            return
        self._is_seen.clear()
        self._tell("shown", make())
        ended = monotonic()
        self._next_look = max(began + SHOW_INTERVAL, ended + (ended - began) / SHOW_SHARE)

    def _tell(self, what: str, content: Any) -> None:
        """In the worker thread: leave a message for the window's thread."""
        self._happened.put((what, content))
        try:
            self._poked.emit()
        except RuntimeError:
            self._stop.set()  # the window was closed and this object with it

    def _empty(self) -> None:
        """In the window's thread: pass on what happened."""
        while not self._happened.empty():
            what, content = self._happened.get()
            if what == "progressed":
                self.progressed.emit(*content)
                continue
            if what == "shown":
                self.shown.emit(content)
                self._is_seen.set()
                continue
            self.is_over = True
            self._call = None  # it holds what went in, however large, as long as this object is
            _unfinished.discard(self)
            if what == "cancelled" or (what == "succeeded" and self.is_cancelling):
                # One that shows what it has keeps it, also if it was over before it was stopped.
                has_shown = self._next_look > 0
                self.kept = content if what == "cancelled" or has_shown else None
                self.cancelled.emit()
            else:
                getattr(self, what).emit(content)
            self.ended.emit()


def cancel_all(runs: list[Run], *_: Any) -> None:
    """Stop runs and forget them: what they still tell goes to nobody.

    A widget that asks ``run in runs`` before it shows anything connects it to its `destroyed`.
    """
    while runs:
        runs.pop().cancel()


class _Watched:
    """The progress of a call, which a window watches."""

    def __init__(self, progress: Progress, show: Callable[[Callable[[], Any]], None]) -> None:
        self._progress, self.show = progress, show

    def __call__(self, done: int, total: int, message: str = "") -> None:
        self._progress(done, total, message)


class ProcessRun(QObject):
    """One job that runs in a process of its own, and goes on when the window is closed.

    What it tells lies in a file of its folder, so that any window can follow it from there.

    Parameters
    ----------
    folder : Path
        The process's own folder.
    collect : callable () -> object
        What came out, from the folder; called in a worker thread once the process has ended well.
    is_lasting : bool
        Whether the process goes on when the window is closed.
    """

    progressed = Signal(float, str)
    previewed = Signal(str)
    said = Signal(str)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()

    def __init__(
        self, folder: Path, collect: Callable[[], Any], *, is_lasting: bool = False
    ) -> None:
        super().__init__()
        self.folder, self._is_lasting = folder, is_lasting
        self._collect: Callable[[], Any] | None = collect
        self._child: subprocess.Popen[bytes] | None = None
        self._noted: dict[str, Any] | None = None
        self._read, self._rest, self._last_words = 0, b"", ""
        self._code: int | None = None
        self._asked = 0.0
        self.is_over = False
        self.kept: Any = None
        self._timer = QTimer(self)
        self._timer.setInterval(round(1000 * GLANCE))
        self._timer.timeout.connect(self._look)

    def start(self, words: Sequence[str]) -> ProcessRun:
        """Start the process; this object lives until it is over or left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ANSWER).unlink(missing_ok=True)
        detached: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        environment = os.environ | {VARIABLE: "json"}
        with (self.folder / ANSWER).open("wb") as out, (self.folder / PROGRESS).open("wb") as told:
            self._child = subprocess.Popen(
                list(words), stdin=subprocess.DEVNULL, stdout=out, stderr=told, env=environment,
                **detached,
            )  # fmt: skip
        if sys.platform == "linux":
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self._child.pid, NICENESS)
        return self._follow()

    def attach(self) -> ProcessRun:
        """Follow the process that was started in the folder, perhaps by another window.

        Raises
        ------
        InputError
            If none runs there.
        """
        told = self.folder / PROGRESS
        lines = told.read_bytes().splitlines() if told.is_file() else []
        # Warnings of what it imports may stand before its first line.
        parsed = (parse_line(line.decode("utf-8", "replace")) for line in lines)
        self._noted = next((line for line in parsed if line and line["kind"] == "start"), None)
        if living_process(self._noted) is None:
            raise InputError(f"no process runs in {self.folder}")
        return self._follow()

    def _follow(self) -> ProcessRun:
        _unfinished.add(self)
        self._timer.start()
        return self

    def cancel(self) -> None:
        """Ask the process to stop; it is told to when it has not within `PATIENCE`."""
        if not self._asked and not self.is_over:
            self._asked = monotonic()
            self._send(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))  # the former on Windows

    def leave(self) -> None:
        """Follow it no more; one that is not lasting is asked to stop."""
        if not self._is_lasting:
            self.cancel()
        with suppress(RuntimeError):  # the window took the timer with it
            self._timer.stop()
        _unfinished.discard(self)
        if self._child is not None and self._child.poll() is None:
            self._child.returncode = 0  # else Python warns of a process that nobody waits for

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop."""
        return bool(self._asked)

    def _send(self, number: int) -> None:
        """Send a signal to the process, where it is still there."""
        with suppress(OSError, ValueError):
            if self._child is not None:
                self._child.send_signal(number)
            elif (found := living_process(self._noted)) is not None:
                os.kill(found.pid, number)

    def _is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return living_process(self._noted) is not None

    def _look(self) -> None:
        """Pass on what was told since the last look, and notice the end."""
        is_alive = self._is_alive()  # before reading, so that the last lines are not missed
        self._hear()
        if not is_alive:
            self._timer.stop()
            self._finish()
        elif self._asked and monotonic() - self._asked > PATIENCE:
            self._asked = monotonic()
            self._send(signal.SIGTERM)

    def _hear(self) -> None:
        """Read the lines that are new."""
        try:
            with (self.folder / PROGRESS).open("rb") as told:
                told.seek(self._read)
                new = told.read()
        except FileNotFoundError:  # somebody deleted the folder
            return
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        share = None
        for text in lines:
            line = parse_line(text.decode("utf-8", "replace")) or {"kind": ""}
            if line["kind"] == "progress":
                share = line  # many came since the last look: the newest is enough
            elif line["kind"] == "preview":
                self.previewed.emit(str(line["path"]))
            elif line["kind"] == "message":
                self._last_words = str(line["text"])
                self.said.emit(self._last_words)
            elif line["kind"] == "end":
                self._code = int(line["code"])
        if share is not None:
            self.progressed.emit(float(share["share"]), str(share["message"]))

    def _finish(self) -> None:
        """Say how it ended; what came out is read beside the window."""
        if self._code == 0:
            collect = self._collect
            assert collect is not None
            reading = Run(lambda progress: collect())  # noqa: ARG005
            reading.succeeded.connect(lambda found: self._end("succeeded", found))
            reading.failed.connect(lambda error: self._end("failed", error))
            reading.start(BACKGROUND)
        elif self._code == 130 or (self._code is None and self._asked):
            self._end("cancelled")
        elif self._code is None:
            self._end("failed", MapscopeError("the process ended without a word: was it killed?"))
        else:
            error = _CODES.get(self._code, MapscopeError)
            self._end("failed", error(self._last_words))

    def _end(self, how: str, content: Any = None) -> None:
        self.is_over = True
        self._collect = None  # like the call of a `Run`
        _unfinished.discard(self)
        if how == "cancelled":
            self.cancelled.emit()
        else:
            getattr(self, how).emit(content)
        self.ended.emit()
