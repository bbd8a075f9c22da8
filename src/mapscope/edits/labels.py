"""Labels that are edited: voxels and named regions, and the changes between two states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np

from mapscope.edits.arrays import DamagedEditError
from mapscope.edits.runs import MOST_COUNTED, MOST_NUMBER, Integers, Runs, write_runs
from mapscope.errors import InputError
from mapscope.labels import BACKGROUND, IGNORE, Labels
from mapscope.volume import Array, Grid, Triple

OPS = ("paint", "merge", "split", "relabel", "remove")


@dataclass(frozen=True)
class Region:
    """What is known of one number besides its voxels.

    Parameters
    ----------
    name : str
        What it is called.
    color : tuple of float, optional
        Red, green and blue from 0 to 1; None takes the one that the number has by itself.
    kind : str
        The class that it belongs to, such as ``"membrane"``.
    """

    name: str = ""
    color: Triple | None = None
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary of what is known."""
        known = {"name": self.name, "color": self.color, "class": self.kind}
        return {key: value for key, value in known.items() if value}

    @staticmethod
    def from_json(content: Any) -> Region:
        """A region from a log, checked."""
        if not isinstance(content, dict):
            raise DamagedEditError("a region of an edit is damaged")
        name, kind, color = (content.get(key) for key in ("name", "class", "color"))
        texts = [text or "" for text in (name, kind)]
        if not all(isinstance(text, str) for text in texts):
            raise DamagedEditError("a name in an edit is no text")
        return Region(texts[0], None if color is None else _color(color), texts[1])


def _color(content: Any) -> Triple:
    """Three numbers from 0 to 1."""
    numbers = content if isinstance(content, list | tuple) else []
    if len(numbers) != 3 or not all(isinstance(n, int | float) and 0 <= n <= 1 for n in numbers):
        raise DamagedEditError(f"a colour in an edit is not three numbers from 0 to 1: {content}")
    red, green, blue = (float(n) for n in numbers)
    return red, green, blue


Regions = Mapping[int, Region | None]


@dataclass(frozen=True, eq=False)
class LabelsChange:
    """One reversible change of labels.

    Parameters
    ----------
    op : str
        ``paint``, ``merge``, ``split``, ``relabel`` or ``remove``.
    ids : tuple of int
        The numbers that it is about.
    runs : Runs, optional
        Voxels that change.
    before, after : mapping of int to Region or None
        What is known of regions, where that changes; None where nothing is.
    """

    op: str
    ids: tuple[int, ...] = ()
    runs: Runs | None = None
    before: Regions = field(default_factory=dict)
    after: Regions = field(default_factory=dict)

    def inverse(self) -> LabelsChange:
        """The change that takes this one back."""
        runs = None if self.runs is None else self.runs.inverse()
        return LabelsChange(self.op, self.ids, runs, self.after, self.before)

    def to_json(self) -> dict[str, Any]:
        """What the log writes of it."""
        entry: dict[str, Any] = {"op": self.op, "ids": list(self.ids)}
        if self.runs is not None:
            entry["runs"] = self.runs.to_text()
        for name in ("before", "after"):
            regions: Regions = getattr(self, name)
            if regions:
                entry[name] = {
                    str(n): None if r is None else r.to_json() for n, r in regions.items()
                }
        return entry


class LabelsState:
    """All voxels and regions as they are now.

    Parameters
    ----------
    grid : Grid
        Where the voxels lie.
    dtype : dtype
        Signed integers that hold the numbers at first; wider ones are taken when needed.
    """

    def __init__(self, grid: Grid, dtype: np.dtype[Any] | type = np.int16) -> None:
        self.grid = grid
        self.data: Array = np.zeros(grid.shape, dtype=dtype)
        self.counts: dict[int, int] = {BACKGROUND: self.data.size}
        self.regions: dict[int, Region] = {}

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def numbers(self) -> list[int]:
        """Numbers of all regions that have voxels or a name, rising."""
        known = {n for n, count in self.counts.items() if count} | set(self.regions)
        return sorted(known - {BACKGROUND})

    def next_number(self) -> int:
        """A number that no region has."""
        return max([0, *self.numbers]) + 1

    def fill(self, data: Array, regions: Mapping[int, Region]) -> None:
        """Begin with these numbers in all voxels, and what is known of regions."""
        self.data = np.array(data, dtype=self.data.dtype, order="C")
        self.regions = dict(regions)
        counted: Counter[int] = Counter()
        for plane in self.data:
            if plane.max() < MOST_COUNTED:
                counts = np.bincount(plane.ravel() - np.int64(IGNORE))
                numbers = np.flatnonzero(counts)
                found = zip((numbers + IGNORE).tolist(), counts[numbers].tolist(), strict=True)
            else:
                pairs = np.unique(plane, return_counts=True)
                found = zip(*(part.tolist() for part in pairs), strict=True)
            for number, count in found:
                counted[number] += count
        self.counts = dict(counted)

    def apply(self, change: LabelsChange) -> None:
        """Make a change."""
        if change.runs is not None and len(change.runs):
            self._make_room(int(change.runs.after.max()))
            write_runs(self.data.reshape(-1), change.runs)
            for number, gain in change.runs.gains.items():
                self.counts[number] = self.counts.get(number, 0) + gain
        for number, region in change.after.items():
            if region is None:
                self.regions.pop(number, None)
            else:
                self.regions[number] = region

    def noun(self) -> Labels:
        """The labels as they are now."""
        names = {n: r.name for n, r in sorted(self.regions.items()) if r.name}
        colors = {n: r.color for n, r in sorted(self.regions.items()) if r.color is not None}
        data = self.data.copy()
        return Labels(data, self.grid.voxel_size, self.grid.origin, names, colors)

    def frozen(self, labels: Any) -> LabelsState:
        """The state as it is now, with the data of a snapshot: for another thread to look at."""
        frozen = copy(self)
        frozen.data = labels.data
        frozen.counts, frozen.regions = dict(self.counts), dict(self.regions)
        return frozen

    def check(self) -> None:
        """Labels are sound when every change was."""

    def change_from(self, entry: Mapping[str, Any]) -> LabelsChange:
        """The change that a log's entry describes, with every number checked.

        Raises
        ------
        DamagedEditError
            If it cannot be what was written.
        """
        ids = entry.get("ids")
        if not isinstance(ids, list) or not all(type(n) is int for n in ids):
            raise DamagedEditError("an edit has damaged region numbers")
        runs = None
        if "runs" in entry:
            runs = Runs.from_text(entry["runs"], self.data.size)
        before, after = (_regions_from(entry.get(name)) for name in ("before", "after"))
        return LabelsChange(str(entry.get("op")), tuple(ids), runs, before, after)

    def claim(self, entry: Mapping[str, Any]) -> None:
        """Labels give out no ids."""

    def replay(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Make many changes from a log; short runs are gathered, since that is much faster.

        Raises
        ------
        DamagedEditError, ValueError, TypeError, KeyError
            If one of them is damaged: which one, :meth:`change_from` finds.
        """
        gathered: list[Any] = []
        for entry in entries:
            runs = entry.get("runs")
            if isinstance(runs, list):
                gathered.append(runs)
                entry = {key: value for key, value in entry.items() if key != "runs"}
            elif runs is not None:
                self._apply_gathered(gathered)
                gathered = []
            if runs is None or "after" in entry or not isinstance(runs, list):
                self.apply(self.change_from(entry))
        self._apply_gathered(gathered)

    def _apply_gathered(self, texts: list[Any]) -> None:
        """Write the short runs of several edits at once."""
        if not texts:
            return
        rows = np.asarray(list(chain.from_iterable(texts)), dtype=np.int64)
        if not rows.size:
            return
        if rows.ndim != 2 or rows.shape[1] != 4:
            raise DamagedEditError("voxels of an edit are damaged")
        counts = np.array([len(text) for text in texts])
        start = _starts(rows[:, 0], counts)
        runs = Runs(start, rows[:, 1], rows[:, 2], rows[:, 3])
        if start.min() < 0 or runs.length.min() < 1 or (start + runs.length).max() > self.data.size:
            raise DamagedEditError("voxels of an edit lie outside the labels")
        if rows[:, 2:].min() < IGNORE or rows[:, 2:].max() > MOST_NUMBER:
            raise DamagedEditError("an edit holds impossible numbers")
        self.apply(LabelsChange("paint", (), runs))

    def _make_room(self, number: int) -> None:
        """Take wider integers where a number does not fit."""
        if number > np.iinfo(self.data.dtype).max:
            if number > MOST_NUMBER:
                raise InputError(f"region numbers end at {MOST_NUMBER}, got {number}")
            self.data = self.data.astype(np.int32)


def _starts(steps: Integers, counts: Integers) -> Integers:
    """First voxels of runs from their steps, which begin anew in each edit."""
    total = np.cumsum(steps)
    first = np.cumsum(counts) - counts
    before = np.where(first > 0, total[first - 1], 0)
    return np.asarray(total - np.repeat(before, counts))


def _regions_from(content: Any) -> Regions:
    """Regions by number from a log."""
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(_is_number(key) for key in content):
        raise DamagedEditError("regions of an edit are damaged")
    return {int(n): None if r is None else Region.from_json(r) for n, r in content.items()}


def _is_number(text: str) -> bool:
    """Whether a key is a region's number."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MOST_NUMBER


def dtype_for(labels: Labels) -> type:
    """Integers for labels to be edited: narrow where the numbers are small."""
    largest = int(labels.data.max()) if labels.data.size else 0
    if largest > MOST_NUMBER:
        raise InputError(f"region numbers end at {MOST_NUMBER}, these labels hold {largest}")
    return np.int16 if largest < np.iinfo(np.int16).max // 2 else np.int32
