"""The only place that knows threads: run a job beside the window and hear of it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from queue import SimpleQueue
from threading import Event
from time import monotonic
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from mapscope.errors import Cancelled

PROGRESS_INTERVAL = 0.05
"""Seconds between two messages of progress, so that a fast loop cannot flood the window."""


JOBS, BACKGROUND = "jobs", "background"

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


_unfinished: set[Run] = set()


class Run(QObject):
    """One call that runs in the worker thread.

    Its signals are emitted in the window's thread, whichever slots are connected: what
    happens in the worker is put into a queue, and a queued poke makes this object empty it.

    Parameters
    ----------
    call : callable (progress) -> object
        What to do; it calls ``progress(done, total, message)`` often.
    """

    progressed = Signal(float, str)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    ended = Signal()
    _poked = Signal()

    def __init__(self, call: Callable[..., Any]) -> None:
        super().__init__()
        self._call = call
        self._stop = Event()
        self._happened: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._last = 0.0
        self.is_over = False
        self._poked.connect(self._empty, Qt.ConnectionType.QueuedConnection)

    def start(self, queue: str = JOBS) -> Run:
        """Put the call into a worker's queue; this object lives until the call is over."""
        _unfinished.add(self)
        _worker(queue).submit(self._work)
        return self

    def cancel(self) -> None:
        """Ask the call to stop at its next sign of progress; at once where it did not begin."""
        self._stop.set()

    @property
    def is_cancelling(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def _work(self) -> None:
        """In the worker thread: do it, and tell how it went."""
        try:
            self._progress(0, 1, "")
            self._tell("succeeded", self._call(progress=self._progress))
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
            self.is_over = True
            _unfinished.discard(self)
            if what == "cancelled" or (what == "succeeded" and self.is_cancelling):
                self.cancelled.emit()
            else:
                getattr(self, what).emit(content)
            self.ended.emit()
