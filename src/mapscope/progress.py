"""How a long computation tells how far it is, and hears that it should stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

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

    return inner
