"""What a writer needs of particles: places from the tomogram's first voxel, names, sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mapscope.errors import InputError
from mapscope.files.particles.angles import swapped
from mapscope.particles import (
    TOMOGRAM,
    TOMOGRAM_ORIGIN,
    TOMOGRAM_SHAPE,
    VOXEL_SIZE,
    Particles,
)
from mapscope.volume import Array

_MOST_TOLD = 6


class Layout:
    """Particles as files count them, x, y, z.

    Parameters
    ----------
    particles : Particles
        The list. What a particle added by hand does not say of its tomogram, the others of the
        same tomogram say, or else those that agree.

    Raises
    ------
    InputError
        If one may lie in several tomograms that begin in different places.
    """

    def __init__(self, particles: Particles) -> None:
        self.particles = particles
        self.names = _completed(tuple(map(str, self._column(TOMOGRAM, ()))))
        self.species = _completed(particles.species or ())
        self.origin: Array = self._origin()[:, ::-1]
        self.positions: Array = particles.positions[:, ::-1] - self.origin
        rotations = particles.rotations
        self.rotations: Array | None = None if rotations is None else swapped(rotations)

    def __len__(self) -> int:
        return len(self.particles)

    def _column(self, name: str, default: Any) -> Any:
        """A further column, or the default."""
        return self.particles.columns.get(name, default)

    def _origin(self) -> Array:
        """Centre of the first voxel of each particle's tomogram in Å, z, y, x."""
        count = len(self.particles)
        if TOMOGRAM_ORIGIN not in self.particles.columns:
            return np.zeros((count, 3))
        origin = np.asarray(self.particles.columns[TOMOGRAM_ORIGIN], np.float64).reshape(-1, 3)
        is_known = np.asarray(np.isfinite(origin).all(axis=1))
        filled = self.filled(origin, is_known) if is_known.any() else np.zeros((count, 3))
        if filled is None:
            missing = int(np.flatnonzero(~is_known)[0]) + 1
            raise InputError(
                f"particle {missing} does not say which tomogram it lies in, and those of the "
                f"others begin in different places: give it one in the column {TOMOGRAM!r}"
            )
        return filled

    @property
    def voxel_size(self) -> Array | None:
        """Edge in Å of the tomogram's voxels for each particle, or None where nobody knows it."""
        if VOXEL_SIZE not in self.particles.columns:
            return None
        sizes = np.asarray(self.particles.columns[VOXEL_SIZE], np.float64)
        return self.filled(sizes, np.greater(sizes, 0))

    @property
    def shape(self) -> Array | None:
        """Size of each particle's tomogram in voxels, x, y, z, or None where one is unknown."""
        if TOMOGRAM_SHAPE not in self.particles.columns:
            return None
        shapes = np.asarray(self.particles.columns[TOMOGRAM_SHAPE], np.int64).reshape(-1, 3)
        filled = self.filled(shapes, np.asarray((shapes > 0).all(axis=1)))
        return None if filled is None else filled[:, ::-1]

    def filled(self, values: Array, is_known: Array) -> Array | None:
        """A column in which what is not known is taken from the same tomogram, or from all.

        None where it stays unknown: nobody knows it, or tomograms differ.
        """
        if is_known.all():
            return values
        if not is_known.any():
            return None
        result = np.array(values)
        names = np.array(self.names or [""] * len(self), np.str_)
        for name in np.unique(names[~is_known]):
            here = names == name
            source = here & is_known if (here & is_known).any() else is_known
            known = values[source]
            if (known != known[0]).any():
                return None
            result[here & ~is_known] = known[0]
        return result

    def voxels(self, title: str, *, single: bool = False) -> Array:
        """Places in voxels from the centre of the tomogram's first one.

        Parameters
        ----------
        title : str
            The format's name, for messages.
        single : bool
            Whether the file has room for one voxel size at most.

        Raises
        ------
        InputError
            If the voxel size is unknown, or `single` and there are several.
        """
        if not len(self):
            return self.positions
        sizes = self.edges(title)
        if single and len(np.unique(sizes)) > 1:
            raise InputError(
                f"{title} counts in voxels of one size, and these particles lie in tomograms with "
                f"voxels of {np.unique(sizes).tolist()} Å: write each tomogram apart, or as .csv"
            )
        return self.positions / sizes[:, None]

    def edges(self, title: str) -> Array:
        """Edge in Å of the tomogram's voxels for each particle.

        Raises
        ------
        InputError
            If it is unknown.
        """
        sizes = self.voxel_size
        if sizes is None and len(self):
            raise InputError(
                f"{title} counts in voxels, and these particles do not know how large those of "
                "their tomogram are: mapscope.particles.in_tomogram tells them, or write .csv, "
                "which counts in Å"
            )
        return np.empty(0) if sizes is None else sizes

    def tomograms(self, default: str = "") -> tuple[str, ...]:
        """Name of each particle's tomogram; `default` where there is none."""
        return tuple(name or default for name in self.names or [""] * len(self))

    def named_tomograms(self, default: str) -> tuple[str, ...]:
        """Name of each particle's tomogram; `default` where none has one.

        Raises
        ------
        InputError
            If some have none and the others lie in several.
        """
        if any(self.names) and not all(self.names):
            raise InputError(
                f"particle {self.names.index('') + 1} does not say which of several tomograms it "
                f"lies in: give it one in the column {TOMOGRAM!r}"
            )
        return self.tomograms(default)

    def one_tomogram(self, title: str) -> str:
        """Name of the only tomogram, possibly empty.

        Raises
        ------
        InputError
            If there are several.
        """
        return _only(title, "tomogram", sorted(set(self.names) - {""}))

    def one_species(self, title: str) -> str:
        """Name of the only species, possibly empty.

        Raises
        ------
        InputError
            If there are several.
        """
        return _only(title, "species", sorted(set(self.species) - {""}))

    def tomogram_numbers(self) -> Array:
        """A whole number for each tomogram: its name where all are numbers, else counted from 1."""
        return numbered(self.names, len(self))

    def class_numbers(self) -> Array:
        """A whole number for each species: its name where all are numbers, else counted from 1."""
        return numbered(self.species, len(self))

    def numbering(self) -> str:
        """Which number stands for which tomogram and species, where a file holds numbers only."""
        told = (_numbering("tomogram", self.names), _numbering("species", self.species))
        return "; ".join(filter(None, told))

    def scores(self, unknown: float = 0.0) -> Array:
        """Scores; `unknown` for what has none."""
        score = self.particles.score
        if score is None:
            return np.full(len(self), unknown)
        return np.where(np.isnan(score), unknown, score)

    def extras(self, prefix: str) -> dict[str, Array]:
        """The further columns whose names begin with a prefix, without it; one value in a row."""
        columns = self.particles.columns
        return {
            name.removeprefix(prefix): self.whole(values)
            for name, values in columns.items()
            if name.startswith(prefix) and values.ndim == 1
        }

    def whole(self, values: Array) -> Array:
        """A column in which text that is missing is taken from the same tomogram, or from all."""
        if values.dtype.kind not in "OU":
            return values
        text = values.astype(np.str_)
        filled = self.filled(text, np.asarray(text != ""))
        return text if filled is None else filled

    def serial(self, name: str) -> Array:
        """A number for each particle: its own from a column, or else the next that is free."""
        numbers = self.extra(name, 0.0)
        lacks = numbers == 0
        if lacks.all() and name in self.particles.columns:
            return numbers
        first = max(numbers.max(initial=0.0), 0.0) + 1
        numbers[lacks] = np.arange(first, first + np.count_nonzero(lacks))
        return numbers

    def extra(self, name: str, default: float) -> Array:
        """A numeric column of the format's own, or the default for each particle."""
        values = self._column(name, None)
        if values is None or values.dtype.kind not in "iufb":
            return np.full(len(self), default)
        return np.where(np.isfinite(values), values, default)


def numbered(names: Sequence[str], count: int) -> Array:
    """A whole number for each name: itself where all are numbers, else counted from 1; 0 for none.

    Examples
    --------
    >>> numbered(("7", "", "12"), 3), numbered(("a", "b", "a"), 3)
    (array([ 7,  0, 12]), array([1, 2, 1]))
    """
    known = list(filter(None, dict.fromkeys(names)))
    if not known:
        return np.ones(count, np.int64)
    order = {name: n for n, name in enumerate(known, start=1)} | {"": 0}
    if all(name.isascii() and name.isdigit() and len(name) < 10 for name in known):
        order |= {name: int(name) for name in known}
    return np.array([order[name] for name in names], np.int64)


def _numbering(what: str, names: Sequence[str]) -> str:
    """The number of each name in words, the first ones and the last; nothing of whole numbers."""
    known = list(filter(None, dict.fromkeys(names)))
    numbers = map(str, numbered(known, len(known)).tolist())
    told = [f"{n} is {name}" for n, name in zip(numbers, known, strict=True) if n != name]
    if len(told) > _MOST_TOLD:
        told = [*told[: _MOST_TOLD - 1], "…", told[-1]]
    return f"{what} {', '.join(told)}" if told else ""


def _completed(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names, in which those that are missing are the only one that there is."""
    known = set(filter(None, names))
    return tuple(name or next(iter(known)) for name in names) if len(known) == 1 else names


def _only(title: str, what: str, names: list[str]) -> str:
    """The only name in a list."""
    if len(names) > 1:
        raise InputError(
            f"{title} holds one {what}, and these particles have {len(names)} "
            f"({', '.join(names[:4])}…): write each apart, or as .csv or .star"
        )
    return names[0] if names else ""
