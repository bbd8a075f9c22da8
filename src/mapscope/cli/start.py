"""What makes a command begin sooner."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Do not look for garbage meanwhile.

    Modules, classes and commands all stay, so that nothing is found among them, and looking
    takes an eighth of the time in which a command begins.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
