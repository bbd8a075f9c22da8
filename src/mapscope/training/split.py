"""The one split: which entry trains, which validates, which tests, which may fine-tune."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias, get_args

import numpy as np

from mapscope.errors import InputError, MapFormatError
from mapscope.files import read
from mapscope.progress import Progress, silent
from mapscope.table import Table
from mapscope.training.clusters import cluster
from mapscope.training.sources import Member

Part: TypeAlias = Literal["training", "validation", "fine-tuning", "test"]
PARTS: tuple[Part, ...] = get_args(Part)
COLUMNS = ("source", "entry", "cluster", "part", "why")

_BUNDLED = "split.tsv"
_DIGITS = 12


@dataclass(frozen=True)
class Shares:
    """How much goes where.

    Parameters
    ----------
    validation : float
        Share of the clusters without real data that validate; the others train.
    test : float
        Share of the clusters with real data that test; the others may fine-tune.
    seed : int
        Another seed, another draw.
    """

    validation: float = 0.1
    test: float = 0.6
    seed: int = 0


def split_table(
    members: Iterable[Member],
    *,
    shares: Shares | None = None,
    shared: float = 0.25,
    similarity: float = 0.3,
    progress: Progress = silent,
) -> Table:
    """Every member with its cluster and part, one row each.

    A cluster with a real map, reflections or a species of tomograms tests or may fine-tune, with
    all its structures; any other one trains or validates. Which of the two follows from the seed
    and the lowest of its members' hashes, which are made of their sequences: it does not depend
    on order, and rarely changes when a member joins. What has no known sequence tests.

    Parameters
    ----------
    members : iterable of Member
        The entries of all sources.
    shares : Shares, optional
        How much goes where.
    shared, similarity : float
        When two chains are alike, see `mapscope.training.clusters.cluster`.
    progress : callable
        Called once per pair of proteins to align.

    Returns
    -------
    Table
        Columns `COLUMNS`, by source and entry.
    """
    shares = shares or Shares()
    listed = sorted(members, key=lambda m: (m.source, m.entry))
    numbers = cluster(
        {(m.source, m.entry): m.sequences for m in listed},
        shared=shared,
        similarity=similarity,
        progress=progress,
    )
    groups: dict[int, list[Member]] = {}
    for member in listed:
        groups.setdefault(numbers[member.source, member.entry], []).append(member)
    placed = {number: _place(group, shares) for number, group in groups.items()}
    rows = []
    for member in listed:
        name, part, why = placed[numbers[member.source, member.entry]]
        rows.append((member.source, member.entry, name, part, why(member)))
    return Table({c: np.array([row[n] for row in rows]) for n, c in enumerate(COLUMNS)})


def _place(group: list[Member], shares: Shares) -> tuple[str, Part, Callable[[Member], str]]:
    """Name and part of a cluster, and what says why for each of its members."""
    # The draw is a second hash of the lowest: the lowest itself is lower in larger clusters.
    lowest = min(_hash(_content(member)) for member in group)
    name, draw = f"c{lowest[:8]}", int(_hash(f"{shares.seed}\n{lowest}"), 16) / 16**_DIGITS
    real = [m for m in group if m.source != "structures"]
    if not real:
        part: Part = "validation" if draw < shares.validation else "training"
        return name, part, lambda _: "no real data in its cluster"
    if len(group) == 1 and real[0].note:
        return name, "test", lambda m: f"{m.note}: its sequence is not known"
    part = "test" if draw < shares.test else "fine-tuning"
    return name, part, lambda m: _reason(m, real)


def _reason(member: Member, real: list[Member]) -> str:
    """Why a member of a cluster with real data is where it is."""
    if member.source != "structures":
        return f"real data ({member.source})"
    return f"in one cluster with {real[0].source}/{real[0].entry}"


def _content(member: Member) -> str:
    """A member's sequences, or its name where they are not known."""
    letters = sorted({s.letters for s in member.sequences}) if not member.note else []
    return "\n".join(letters) or f"{member.source}/{member.entry}"


def _hash(text: str) -> str:
    """Hexadecimal digits that are as good as drawn at random for each text."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGITS // 2).hexdigest()


@dataclass(frozen=True, eq=False)
class Split:
    """Which part each entry is of.

    Parameters
    ----------
    table : Table
        Columns `COLUMNS`.

    Raises
    ------
    MapFormatError
        If a column is missing, a part is unknown, or a cluster is in two parts.
    """

    table: Table

    def __post_init__(self) -> None:
        missing = [name for name in COLUMNS if name not in self.table.columns]
        if missing:
            raise MapFormatError(f"a split needs the columns {COLUMNS}, {missing} are missing")
        unknown = sorted(set(self.table["part"].tolist()) - set(PARTS))
        if unknown:
            raise MapFormatError(f"a split has the parts {PARTS}, not {unknown}")
        parts: dict[str, str] = {}
        for row in self.table.records():
            if parts.setdefault(str(row["cluster"]), str(row["part"])) != row["part"]:
                raise MapFormatError(f"cluster {row['cluster']} of the split is in two parts")

    def part_of(self, source: str, entry: str) -> Part:
        """The part that an entry is of.

        Raises
        ------
        InputError
            If the split does not know it.
        """
        is_it = (self.table["source"] == source) & (self.table["entry"] == entry)
        if not is_it.any():
            raise InputError(f"the split knows no {source}/{entry}: make it again with make-split")
        part: Part = str(self.table["part"][is_it][0])  # type: ignore[assignment]
        return part

    def entries(self, part: Part, source: str = "structures") -> list[str]:
        """Names of the entries of a source that are of a part, sorted."""
        is_it = (self.table["source"] == source) & (self.table["part"] == part)
        return sorted(self.table["entry"][is_it].astype(str).tolist())

    def clusters(self, part: Part, source: str = "structures") -> dict[str, list[str]]:
        """Entries of a source that are of a part, by cluster, both sorted."""
        is_it = (self.table["source"] == source) & (self.table["part"] == part)
        found: dict[str, list[str]] = {}
        for name, entry in zip(
            self.table["cluster"][is_it].astype(str).tolist(),
            self.table["entry"][is_it].astype(str).tolist(),
            strict=True,
        ):
            found.setdefault(name, []).append(entry)
        return {name: sorted(found[name]) for name in sorted(found)}


@cache
def read_split() -> Split:
    """The split that comes with Mapscope, which every recipe and every score keeps to."""
    table = read(str(files("mapscope.training") / _BUNDLED))
    if not isinstance(table, Table):
        raise MapFormatError("the split is no table")
    return Split(table)
