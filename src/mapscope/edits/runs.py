"""Voxels that change, as runs: so many in a row from one number to another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.edits.arrays import DamagedEditError, from_text, to_text
from mapscope.labels import IGNORE
from mapscope.volume import Array

Integers = npt.NDArray[np.int64]

LONG_RUN = 48
"""Runs of this mean length are written one by one, shorter ones all at once."""

MOST_AT_ONCE = 2**24
"""Voxels whose places are held in memory at one time."""

SLAB = 2**18
"""Voxels that are compared at one time."""

MOST_NUMBER = 2**31 - 1
MOST_COUNTED = 2**20
"""Up to this number, numbers are counted without being sorted."""


@dataclass(frozen=True, eq=False)
class Runs:
    """Runs of voxels in C order, which do not overlap.

    Parameters
    ----------
    start, length : int64 array (n,)
        First voxel of each run in the flattened array, and how many follow each other.
    before, after : int64 array (n,)
        The number that those voxels have before and after the edit.
    """

    start: Integers
    length: Integers
    before: Integers
    after: Integers

    def __len__(self) -> int:
        return len(self.start)

    @property
    def voxels(self) -> int:
        """Number of voxels that change."""
        return int(self.length.sum())

    def inverse(self) -> Runs:
        """The runs that take these back."""
        return Runs(self.start, self.length, self.after, self.before)

    def places(self) -> Integers:
        """Every voxel that changes, as index into the flattened array."""
        return expand(self.start, self.length)

    @cached_property
    def gains(self) -> Mapping[int, int]:
        """How many voxels each number gains, or loses."""
        counted: Counter[int] = Counter()
        for numbers, sign in ((self.before, -1), (self.after, 1)):
            for number, count in _voxels_of(numbers, self.length).items():
                counted[number] += sign * count
        return dict(counted)

    def to_text(self) -> Any:
        """The runs as JSON holds them: each (start after the last one, length, before, after)."""
        steps = np.diff(self.start, prepend=0)
        return to_text(np.stack([steps, self.length, self.before, self.after], axis=1))

    @staticmethod
    def from_text(text: Any, size: int) -> Runs:
        """Runs from a log, checked to lie within `size` voxels.

        Raises
        ------
        DamagedEditError
            If they do not, overlap, or hold impossible numbers.
        """
        rows = from_text(text, np.dtype(np.int64), (-1, 4))
        if len(rows) and (np.abs(rows).max() > max(size, MOST_NUMBER) or len(rows) > size):
            raise DamagedEditError("voxels of an edit lie outside the labels")
        start, length = np.cumsum(rows[:, 0]), rows[:, 1]
        runs = Runs(start, length, rows[:, 2], rows[:, 3])
        problem = _problem(runs, size)
        if problem:
            raise DamagedEditError(problem)
        return runs


def _problem(runs: Runs, size: int) -> str:
    """Why runs from a file cannot be right, or an empty text."""
    if not len(runs):
        return ""
    end = runs.start + runs.length
    if runs.start[0] < 0 or runs.length.min() < 1 or end[-1] > size:
        return "voxels of an edit lie outside the labels"
    if (runs.start[1:] < end[:-1]).any():
        return "voxels of an edit overlap"
    numbers = np.concatenate([runs.before, runs.after])
    if numbers.min() < IGNORE or numbers.max() > MOST_NUMBER:
        return f"numbers of an edit lie outside {IGNORE} to {MOST_NUMBER}"
    return ""


def _voxels_of(numbers: Integers, length: Integers) -> dict[int, int]:
    """How many voxels in runs have each number."""
    if len(numbers) and numbers.max() < MOST_COUNTED:
        counts = np.bincount(numbers - IGNORE, weights=length)  # exact: far below 2**53
        known = np.flatnonzero(counts)
        return dict(zip((known + IGNORE).tolist(), counts[known].astype(int).tolist(), strict=True))
    known, where = np.unique(numbers, return_inverse=True)
    counts = np.zeros(len(known), dtype=np.int64)
    np.add.at(counts, where, length)
    return dict(zip(known.tolist(), counts.tolist(), strict=True))


def expand(start: Integers, length: Integers) -> Integers:
    """Every index in runs, one after another."""
    total = int(length.sum())
    first = np.cumsum(length) - length
    return np.repeat(start - first, length) + np.arange(total, dtype=np.int64)


def runs_between(before: Array, after: Array) -> Runs:
    """The runs that make one array out of another of the same shape; long ones are parted.

    Examples
    --------
    >>> runs = runs_between(np.array([[0, 0, 1]]), np.array([[2, 2, 1]]))
    >>> runs.start.tolist(), runs.length.tolist(), runs.after.tolist()
    ([0], [2], [2])
    """
    flat_before, flat_after = before.reshape(-1), after.reshape(-1)
    parts = []
    for first in range(0, max(1, len(flat_before)), SLAB):  # no step holds other threads up
        old, new = flat_before[first : first + SLAB], flat_after[first : first + SLAB]
        places = np.flatnonzero(old != new)
        parts.append(runs_from_places(places + first, old[places], new[places]))
    columns = ("start", "length", "before", "after")
    return Runs(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def runs_from_places(places: Integers, before: Array, after: Array) -> Runs:
    """Runs of single voxels whose indices rise, with their numbers before and after."""
    if not len(places):
        return Runs(*(np.empty(0, dtype=np.int64) for _ in range(4)))
    is_first = np.ones(len(places), dtype=bool)
    is_first[1:] = np.diff(places) != 1
    is_first[1:] |= (before[1:] != before[:-1]) | (after[1:] != after[:-1])
    first = np.flatnonzero(is_first)
    length = np.diff(first, append=len(places))
    return Runs(
        places[first].astype(np.int64),
        length.astype(np.int64),
        before[first].astype(np.int64),
        after[first].astype(np.int64),
    )


def write_runs(flat: Array, runs: Runs) -> None:
    """Give voxels of a flat array their numbers after the edit, the later run winning."""
    first = 0
    while first < len(runs):
        ends = np.cumsum(runs.length[first:])
        last = first + max(1, int(np.searchsorted(ends, MOST_AT_ONCE, side="right")))
        _write(flat, runs, slice(first, last))
        first = last


def _write(flat: Array, runs: Runs, part: slice) -> None:
    """Write a part of the runs: one by one where they are long."""
    start, length, after = runs.start[part], runs.length[part], runs.after[part]
    if length.sum() >= LONG_RUN * len(start):
        for a, b, value in zip(
            start.tolist(), (start + length).tolist(), after.tolist(), strict=True
        ):
            flat[a:b] = value
    else:
        flat[expand(start, length)] = np.repeat(after, length)
