"""What is known of points that are edited: the columns of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mapscope.edits.arrays import DamagedEditError, dtype_from, dtype_name
from mapscope.errors import InputError
from mapscope.particles import Particles
from mapscope.volume import Array

POSITION, ROTATION, SPECIES, SCORE = "position", "rotation", "species", "score"
MOST_WIDE = 1024


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Parameters
    ----------
    dtype : dtype
        Type of its numbers; object for text.
    shape : tuple of int
        Shape of one row: empty for one number.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...] = ()

    @property
    def blank(self) -> Any:
        """What a row has that was never given a value: unknown, none, nothing."""
        if self.shape == (3, 3):
            return np.eye(3)
        if self.dtype.kind == "O":
            return ""
        return np.nan if self.dtype.kind == "f" and not self.shape else self.dtype.type(0)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        return {"dtype": dtype_name(self.dtype), "shape": list(self.shape)}

    @staticmethod
    def from_json(content: Any) -> Column:
        """A column from a log, checked."""
        shape = content.get("shape") if isinstance(content, dict) else None
        sizes_fit = isinstance(shape, list) and all(
            type(n) is int and 0 < n <= MOST_WIDE for n in shape
        )
        if not isinstance(shape, list) or not sizes_fit or len(shape) > 2:
            raise DamagedEditError(f"a column of impossible shape {shape}")
        return Column(dtype_from(content.get("dtype")), tuple(shape))


FIXED = {
    POSITION: Column(np.dtype(np.float64), (3,)),
    ROTATION: Column(np.dtype(np.float64), (3, 3)),
    SPECIES: Column(np.dtype(object)),
    SCORE: Column(np.dtype(np.float64)),
}


def blank_rows(column: Column, count: int) -> Array:
    """Rows that were never given a value."""
    rows = np.empty((count, *column.shape), dtype=column.dtype)
    rows[...] = column.blank
    return rows


def columns_from(entry: Mapping[str, Any]) -> dict[str, Column]:
    """Columns that an entry adds."""
    content = entry.get("columns")
    if not isinstance(content, dict):
        raise DamagedEditError("an edit lacks its columns")
    return {str(name): Column.from_json(column) for name, column in content.items()}


def columns_of(points: Particles) -> dict[str, Column]:
    """The columns that hold everything known of particles."""
    columns = {POSITION: FIXED[POSITION]}
    for name, values in ((ROTATION, points.rotations), (SPECIES, points.species)):
        if values is not None:
            columns[name] = FIXED[name]
    if points.score is not None:
        columns[SCORE] = FIXED[SCORE]
    for name, array in points.columns.items():
        if name in FIXED:
            raise InputError(f"a further column cannot be called {name!r}")
        columns[name] = Column(dtype_from(dtype_name(array.dtype)), array.shape[1:])
    return columns


def values_of(points: Particles) -> dict[str, Array]:
    """The values of particles by column."""
    known = {
        POSITION: points.positions,
        ROTATION: points.rotations,
        SPECIES: points.species,
        SCORE: points.score,
        **points.columns,
    }
    return {name: np.asarray(values) for name, values in known.items() if values is not None}
