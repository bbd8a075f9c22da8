"""What a file format has to offer: the contracts of readers and writers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Protocol, TypeAlias

from mapscope.structure import Structure
from mapscope.volume import Grid, Triple

Cover: TypeAlias = Structure | Grid | tuple[Triple, Triple]
"""What a map that repeats in space shall cover: a model (with 5 Å around it), the box of a
grid, or the lower and upper corner of a box in Å (z, y, x)."""


@dataclass(frozen=True)
class Choice:
    """One thing that can be chosen when a file is read.

    Parameters
    ----------
    name : str
        Keyword of :func:`mapscope.files.read`.
    label : str
        What it is called for a person.
    values : tuple of str, int or None
        What it can be; None leaves the keyword out.
    current : str, int or None
        What it is, or what it would be by itself. None, where `values` do not have it, stands
        for a choice that must be made.
    texts : mapping of value to str
        How values are shown that do not speak for themselves.
    help : str
        What it means.
    reason : str
        Why there is nothing to choose; empty where there is.
    """

    name: str
    label: str
    values: tuple[str | int | None, ...]
    current: str | int | None = None
    texts: Mapping[str | int | None, str] = field(default_factory=dict)
    help: str = ""
    reason: str = ""

    @property
    def must_be_made(self) -> bool:
        """Whether the file cannot be read without it."""
        return self.current is None and None not in self.values

    def text_of(self, value: str | int | None) -> str:
        """How a value is shown."""
        return self.texts.get(value, str(value))


class Reader(Protocol):
    """Reads one file format.

    A reader

    * gets a path whose suffix is one of `suffixes` (lower case, with the dot, without
      ``.gz`` and ``.bz2``, which it looks through by :func:`mapscope.files.stream.open_input`);
    * gets the folder where the format is a folder of files (`.zarr`);
    * returns exactly one noun, of type `noun`, with lengths in Å and axes z, y, x;
    * checks every number read from the file before that number sizes an array;
    * raises :class:`mapscope.errors.MapFormatError` for whatever it cannot read safely,
      saying what was expected and what came, and ``FileNotFoundError`` for a missing file;
    * with ``permissive=True`` repairs what it can, with a
      :class:`mapscope.files.findings.FileWarning` for each repair;
    * drops nothing that the noun has room for, and never runs or unpickles what it reads;
    * may ignore `cover` where the format knows no crystals;
    * may share suffixes with others if it has ``claims(head)``, which says from a file's first
      64 KiB, uncompressed, whether the file is its own; one without it gets what nobody claims;
    * may take more keywords of :func:`mapscope.files.read` (`columns`, `index`, `assembly`),
      each ``None`` by default; it is never called with one that it does not take. What they can
      be in a file says ``choices(path) -> tuple[Choice, ...]``, which it then has as well;
    * may have ``crystal_cell(path)``, the unit cell (a, b, c, alpha, beta, gamma) over which a
      file's map repeats, or None.
    """

    suffixes: ClassVar[tuple[str, ...]]
    noun: ClassVar[type]

    def read(self, path: Path, *, permissive: bool = False, cover: Cover | None = None) -> Any:
        """The noun that the file holds."""
        ...


class Writer(Protocol):
    """Writes nouns in one file format.

    A writer

    * gets a noun of one of the types `nouns` and a binary stream, not the file itself:
      :func:`mapscope.files.write` compresses, and puts the finished file in its place;
    * writes the same bytes for the same noun, always: no times, no random names;
    * writes only forward, without seeking, so that the stream may compress;
    * writes what its own reader reads back as an equal noun, or raises
      :class:`mapscope.errors.MapscopeError` where the format has no room for it; of particles it
      keeps places and, where it has room for them, orientations, and what else it loses is told;
    * gets `suffix` as in `suffixes`, where one writer knows several.
    """

    suffixes: ClassVar[tuple[str, ...]]
    nouns: ClassVar[tuple[type, ...]]

    def write(self, noun: Any, stream: BinaryIO, suffix: str) -> None:
        """Write `noun` to `stream`."""
        ...


class FolderWriter(Protocol):
    """Writes nouns as a folder of files, for formats that are one.

    As a :class:`Writer`, but it gets an empty folder, which takes the place of the one asked
    for once it is complete, and is never compressed as a whole.
    """

    suffixes: ClassVar[tuple[str, ...]]
    nouns: ClassVar[tuple[type, ...]]

    def write_folder(self, noun: Any, folder: Path, suffix: str) -> None:
        """Write `noun` into `folder`."""
        ...
