"""How a long computation tells how far it is, and hears that it should stop."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Literal, TextIO, TypeAlias

from mapscope.process import this_process

VARIABLE = "MAPSCOPE_PROGRESS"
"""Environment variable that, with the value ``json``, has commands tell of themselves by lines."""

FORMAT_VERSION = 1
_INTERVAL = 0.1

Progress: TypeAlias = Callable[[int, int, str], None]
"""``progress(done, total, message)``: called once per tile, batch or slab.

It raises :class:`mapscope.errors.Cancelled` when the user asked to stop; nobody between the
caller and the user's button may catch that.
"""


def silent(done: int, total: int, message: str = "") -> None:
    """A progress that goes nowhere and never cancels."""


def part(progress: Progress, first: int, last: int, total: int) -> Progress:
    """A progress for one part of a job: its own 0 to 100 % fills `first` to `last` of `total`.

    Examples
    --------
    >>> seen = []
    >>> half = part(lambda done, total, message: seen.append(done / total), 0, 1, 2)
    >>> half(1, 2, "first half, half done")
    >>> seen
    [0.25]
    """

    def inner(done: int, whole: int, message: str = "") -> None:
        share = done / whole if whole else 1.0
        progress(round(1000 * (first + share * (last - first))), 1000 * total, message)

    for name in ("preview", "show"):
        if hasattr(progress, name):
            setattr(inner, name, getattr(progress, name))
    return inner


def show_so_far(progress: Progress, make: Callable[[], Any]) -> None:
    """Hand over what there is of a result that is still in the making, to whoever watches.

    Who watches has a method ``show(make)``, and calls `make` at once or, where it looked only a
    moment ago, not at all; a progress without one only counts. A job that was told to stop hands
    over what it has by raising :class:`mapscope.errors.Partial`.

    Parameters
    ----------
    progress : callable
        The progress that the job was given.
    make : callable () -> noun or dataclass of nouns and numbers
        Gives what the job would return, as far as it is done. Its arrays may be those that the
        job goes on writing to.
    """
    show = getattr(progress, "show", None)
    if show is not None:
        show(make)


def send_preview(progress: Progress, path: Path) -> None:
    """Tell who watches that there is a file to look at.

    Who watches has a method ``preview(path)``; a progress without one only counts, and hears
    nothing.
    """
    show = getattr(progress, "preview", None)
    if show is not None:
        show(path)


class JsonLines:
    """A progress that writes one JSON object a line; see ``docs/formats.md``.

    Parameters
    ----------
    stream : text stream
        Where to, such as standard error.
    stop : callable () -> None
        Raises :class:`mapscope.errors.Cancelled` when the user asked to stop.
    """

    def __init__(self, stream: TextIO, stop: Callable[[], None] = lambda: None) -> None:
        self._stream, self._stop = stream, stop
        self._message, self._told = "", -_INTERVAL

    def begin(self, job: str) -> None:
        """Say which process it is."""
        self._write({"kind": "start", "format_version": FORMAT_VERSION, "job": job})

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Say how far it is: each new message, each end, and else ten times a second."""
        self._stop()
        now = monotonic()
        if message != self._message or done >= total or now - self._told >= _INTERVAL:
            self._message, self._told = message, now
            share = round(done / total, 4) if total else 1.0
            self._write({"kind": "progress", "share": share, "message": message})

    def preview(self, path: Path) -> None:
        """Say that there is a file to look at."""
        self._write({"kind": "preview", "path": str(path.resolve())})

    def say(self, text: str, level: Literal["note", "error"] = "note") -> None:
        """Say something in words; an error ends it."""
        self._write({"kind": "message", "level": level, "text": text})

    def end(self, code: int) -> None:
        """Say that it is over, and how: the command's exit code."""
        self._write({"kind": "end", "code": code})

    def _write(self, line: dict[str, Any]) -> None:
        if line["kind"] == "start":
            line |= this_process()
        self._stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._stream.flush()


def wants_lines() -> bool:
    """Whether who started this process reads JSON lines."""
    return os.environ.get(VARIABLE) == "json"


def parse_line(text: str) -> dict[str, Any] | None:
    """The object of a line that `JsonLines` wrote, or None for anything else."""
    try:
        line = json.loads(text)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("kind"), str) else None
