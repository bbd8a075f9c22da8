"""Reading, computing and writing at the same time: one thread before the network, one behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")
_WAITING = 2  # filled batches that may wait on either side of the network
_GLANCE = 0.1


class ReadAhead(Generic[T]):
    """Runs an iterator in a thread of its own, a few items ahead of who uses them.

    What the iterator raises is raised where its items are used. Leaving the ``with`` block
    stops it.
    """

    def __init__(self, items: Iterator[T]) -> None:
        self._items = items
        self._ready: queue.Queue[T | BaseException | None] = queue.Queue(_WAITING)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mapscope-read", daemon=True)

    def __enter__(self) -> ReadAhead[T]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while (item := self._ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except Exception as error:  # noqa: BLE001  raised again in the thread that reads on
            last = error
        if last is not None:
            self._put(last)
        self._put(None)

    def _put(self, item: T | BaseException | None) -> bool:
        """Hand an item on; False where nobody wants it any longer."""
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=_GLANCE)
            except queue.Full:
                continue
            return True
        return False


class WriteBehind(Generic[T]):
    """Calls a function with one item after the other, in a thread of its own.

    Leaving the ``with`` block waits for all of them, also after an error or a cancel, so that
    what was computed is kept. What the function raised is raised by `put` or at the end.
    """

    def __init__(self, write: Callable[[T], None]) -> None:
        self._write = write
        self._waiting: queue.Queue[T | None] = queue.Queue(_WAITING)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="mapscope-write", daemon=True)

    def __enter__(self) -> WriteBehind[T]:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    def put(self, item: T) -> None:
        """Have an item written; waits while too many are in line."""
        if self._error is not None:
            raise self._error
        self._waiting.put(item)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            if self._error is None:
                try:
                    self._write(item)
                except Exception as error:  # noqa: BLE001  raised again by `put` or at the end
                    self._error = error
