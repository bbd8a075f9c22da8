"""What is known of the picks of a list: one array for each thing, whatever columns there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mapscope.edits import PointsState
from mapscope.edits.points import POSITION, ROTATION, SCORE, SPECIES
from mapscope.particles import ACCEPTED, REJECTED, RESERVED_COLUMNS, TOMOGRAM, VERDICT
from mapscope.volume import Array

NO_CLASS = ""

Flags = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Words:
    """A column of text with few different words.

    Parameters
    ----------
    known : tuple of str
        The different words, in the order of the alphabet.
    number : int64 array (n,)
        Which of them each pick has.
    """

    known: tuple[str, ...]
    number: Ids

    def are(self, word: str) -> Flags:
        """Which picks have a word."""
        return self.are_in([word])

    def are_in(self, words: Iterable[str]) -> Flags:
        """Which picks have one of some words."""
        wanted = set(words)
        is_wanted = np.array([word in wanted for word in self.known], dtype=np.bool_)
        return is_wanted[self.number] if len(self.known) else np.zeros(0, dtype=np.bool_)

    def counts(self) -> dict[str, int]:
        """How many picks have each word."""
        found = np.bincount(self.number, minlength=len(self.known))
        return dict(zip(self.known, found.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Picks:
    """The picks of a list as they are now, in the order of their ids.

    Parameters
    ----------
    ids : int64 array (n,)
        Numbers that never mean another pick.
    positions : float64 array (n, 3)
        Å, z, y, x.
    score : float64 array (n,)
        NaN for a pick by hand.
    classes, verdicts, tomograms : Words
        Texts; empty where nothing is known.
    rotations : float64 array (n, 3, 3), optional
        As in `Particles`.
    numbers : dict of str to array (n,)
        Further columns of numbers.
    """

    ids: Ids
    positions: Array
    score: Array
    classes: Words
    verdicts: Words
    tomograms: Words
    rotations: Array | None
    numbers: dict[str, Array]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def is_exempt(self) -> Flags:
        """Which picks no threshold takes away: those by hand, and those that were accepted."""
        return np.asarray(np.isnan(self.score) | self.verdicts.are(ACCEPTED))

    @cached_property
    def is_rejected(self) -> Flags:
        """Which picks were rejected."""
        return self.verdicts.are(REJECTED)

    def row(self, pick: int) -> int | None:
        """Where a pick stands; None where it is not there."""
        place = int(np.searchsorted(self.ids, pick))
        return place if place < len(self.ids) and self.ids[place] == pick else None

    def rows(self, picks: Iterable[int]) -> Ids:
        """Where picks stand, of those that are there, rising."""
        wanted = np.fromiter(picks, dtype=np.int64)
        return np.flatnonzero(np.isin(self.ids, wanted))


def picks_of(state: PointsState) -> Picks:
    """Everything known of the picks under edit."""
    ids = state.ids
    texts = (SPECIES, VERDICT, TOMOGRAM)
    own = {n for n, c in state.columns.items() if not c.shape and c.dtype.kind in "iuf"}
    further = sorted(own - {SCORE, *RESERVED_COLUMNS})
    names = [POSITION, SCORE, ROTATION, *texts, *further]
    values = state.rows(ids, [name for name in names if name in state.columns])
    classes, verdicts, tomograms = (_words(values.get(name), len(ids)) for name in texts)
    return Picks(
        ids,
        values[POSITION],
        values.get(SCORE, np.full(len(ids), np.nan)),
        classes,
        verdicts,
        tomograms,
        values.get(ROTATION),
        {name: values[name] for name in further},
    )


def _words(texts: Array | None, count: int) -> Words:
    """A column of texts, empty ones where there is no such column."""
    if texts is None:
        return Words(("",) if count else (), np.zeros(count, dtype=np.int64))
    order = {word: n for n, word in enumerate(sorted(set(texts.tolist())))}
    numbers = np.fromiter((order[word] for word in texts.tolist()), np.int64, count)
    return Words(tuple(order), numbers)
