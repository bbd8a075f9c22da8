"""What a command says on standard error, its exit codes, and Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading

from mapscope.errors import Cancelled
from mapscope.progress import JsonLines, Progress, wants_lines

DONE, FAILED, WRONG_INPUT, CANCELLED = 0, 1, 2, 130
_interrupted = threading.Event()


def heed_interrupts() -> None:
    """Remember that Ctrl-C was pressed: an import that it hits may make any other error of it."""
    _interrupted.clear()
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGBREAK"):  # the latter is how Windows asks a child to stop
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _interrupt)


def _interrupt(_signal: int, _frame: object) -> None:
    _interrupted.set()
    raise KeyboardInterrupt


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed since `heed_interrupts`."""
    return _interrupted.is_set()


def progress_here() -> Progress:
    """Progress on standard error: a bar on a terminal, else a line per new message, or JSON."""
    if wants_lines():
        return JsonLines(sys.stderr, _stop_if_interrupted)
    if sys.stderr.isatty():
        from tqdm import tqdm

        bar = tqdm(total=1.0, bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}", leave=False)

        def draw(done: int, total: int, message: str = "") -> None:
            _stop_if_interrupted()
            bar.set_description_str(message, refresh=False)
            bar.n = done / total if total else 1.0
            bar.refresh()

        return draw
    said: list[str] = []

    def say(done: int, total: int, message: str = "") -> None:  # noqa: ARG001
        _stop_if_interrupted()
        if message and said[-1:] != [message]:
            said.append(message)
            sys.stderr.write(f"{message}\n")

    return say


def _stop_if_interrupted() -> None:
    if _interrupted.is_set():
        raise Cancelled


def complain(message: str, code: int) -> int:
    """One line on standard error; gives the exit code back."""
    if wants_lines():
        JsonLines(sys.stderr).say(message, "error")
    else:
        sys.stderr.write(f"mapscope: {message}\n")
    return code


def note(text: str) -> None:
    """A line on standard error that is no error."""
    if wants_lines():
        JsonLines(sys.stderr).say(text)
    else:
        sys.stderr.write(f"{text}\n")


def one_line(error: BaseException) -> str:
    """An error's message on one line."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return on_one_line(str(error))


def on_one_line(text: str) -> str:
    """Text without its line breaks."""
    return " ".join(text.split())
