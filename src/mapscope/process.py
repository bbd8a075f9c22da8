"""Which process it is: its number, and when it began, because numbers are used again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

_SAME = 3.0
"""Seconds by which two readings of one process's beginning may differ: on Linux it is counted from
when the machine was started, which changes by seconds when its clock is set."""


def this_process() -> dict[str, Any]:
    """Number and beginning (seconds since 1970) of this process, as JSON can hold them."""
    import psutil

    return {"pid": os.getpid(), "started": psutil.Process().create_time()}


def living_process(noted: object) -> psutil.Process | None:
    """The process that was noted by `this_process`, or None where it is over.

    Parameters
    ----------
    noted : object
        What was noted, perhaps by a program of another version: anything else is no process.
    """
    import psutil

    if not isinstance(noted, Mapping):
        return None
    try:
        found = psutil.Process(int(noted["pid"]))
        is_same = abs(found.create_time() - float(noted["started"])) < _SAME
        is_over = found.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except (psutil.Error, KeyError, TypeError, ValueError, OverflowError):
        return None
    return found if is_same and not is_over else None
