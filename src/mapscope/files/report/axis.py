"""Where an axis has its ticks, and what stands at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from mapscope.files.report.words import MINUS
from mapscope.volume import Array

_STEPS = (1, 2, 5, 10)
_RESOLUTIONS = (
    (10.0, 5.0, 4.0, 3.0, 2.0, 1.5, 1.0),
    (20.0, 7.0, 6.0, 3.5, 2.5, 1.2, 0.8),
    (50.0, 30.0, 15.0, 8.0, 4.5, 2.2, 1.8, 0.9, 0.7, 0.6, 0.5),
)
"""Resolutions in Å that are named on an axis, the roundest first."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis and what stands there.

    Parameters
    ----------
    at : float
        In the axis's numbers.
    text : str
        Its label.
    """

    at: float
    text: str


@dataclass(frozen=True)
class Axis:
    """A stretch of numbers laid onto a stretch of the page.

    Parameters
    ----------
    low, high : float
        The numbers at its ends.
    start, end : float
        Where the ends lie on the page.
    """

    low: float
    high: float
    start: float
    end: float

    def place(self, values: Array | float) -> Array:
        """Where numbers lie on the page."""
        span = self.high - self.low or 1.0
        shares = (np.asarray(values, dtype=np.float64) - self.low) / span
        return np.asarray(self.start + shares * (self.end - self.start))

    def holds(self, value: float) -> bool:
        """Whether a number lies on it, but for rounding."""
        slack = 1e-9 * abs(self.high - self.low)
        return self.low - slack <= value <= self.high + slack


def round_ticks(low: float, high: float, most: int) -> list[Tick]:
    """Round numbers from `low` to `high`, at most `most`, all with equally many decimals.

    Examples
    --------
    >>> [t.text for t in round_ticks(-0.05, 1.05, 6)]
    ['0.0', '0.2', '0.4', '0.6', '0.8', '1.0']
    """
    step = _round_step((high - low) / most)
    while math.floor(high / step + 1e-9) - math.ceil(low / step - 1e-9) >= most:
        step = _round_step(1.01 * step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [Tick(n * step, _label(n * step, decimals)) for n in range(first, last + 1)]


def _round_step(at_least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is no smaller."""
    if not at_least > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(at_least))
    return next(s * power for s in (*_STEPS, 20) if s * power >= at_least * (1 - 1e-9))


def _label(value: float, decimals: int) -> str:
    """A tick's number; very large and very small ones by their power of ten."""
    if value and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}".replace("-", MINUS)
    return f"{value + 0.0:.{decimals}f}".replace("-", MINUS)


def resolution_ticks(axis: Axis, apart: float) -> list[Tick]:
    """Round resolutions in Å on an axis of spatial frequency in 1/Å.

    Parameters
    ----------
    axis : Axis
        The axis.
    apart : float
        Least distance between two labels on the page.
    """
    found: list[Tick] = []
    for resolutions in _RESOLUTIONS:
        for distance in resolutions:
            at = 1 / distance
            places = [float(axis.place(tick.at)) for tick in found]
            if axis.holds(at) and all(abs(float(axis.place(at)) - p) >= apart for p in places):
                found.append(Tick(at, f"{distance:g}"))
    return sorted(found, key=lambda tick: tick.at)


def counted_ticks(numbers: Sequence[int], most: int) -> list[Tick]:
    """Round residue numbers, each at the first row that reaches it; rows count from 0.

    Examples
    --------
    >>> [(t.at, t.text) for t in counted_ticks([8, 9, 10, 11, 14, 15, 16, 500], 2)]
    [(2, '10'), (7, '500')]
    """
    step = _round_step(max(len(numbers), 1) / most)
    ticks = _reached(numbers, step)
    while len(ticks) > most:
        step = _round_step(1.01 * step)
        ticks = _reached(numbers, step)
    return ticks


def _reached(numbers: Sequence[int], step: float) -> list[Tick]:
    """A tick at each row whose number is the first to reach a multiple of `step`."""
    ticks: list[Tick] = []
    for row, (before, number) in enumerate(pairwise(numbers), start=1):
        multiple = step * math.floor(number / step)
        if before < multiple <= number:
            ticks.append(Tick(row, f"{multiple:.10g}".replace("-", MINUS)))
    return ticks
