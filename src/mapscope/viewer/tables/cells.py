"""What stands in a table that is shown: which columns first, their titles, and values in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from mapscope.job import in_words
from mapscope.table import Table
from mapscope.volume import Array

Write: TypeAlias = Callable[[Any], str]

WHICH = ("chain", "number", "insertion_code", "name", "residue", "atom")
"""Columns that say what a row is about; they stand first."""

NOTHING = "–"
"""For a number that is missing."""

DIGITS = 3
MOST_DECIMALS = 6


def names_residues(table: Table) -> bool:
    """Whether each row says which residue it is about."""
    return {"chain", "number"} <= set(table.columns)


def has_water(table: Table) -> bool:
    """Whether some rows, but not all, are about water."""
    is_water = table.columns.get("kind", np.zeros(0, dtype=str)) == "water"
    return bool(is_water.any()) and not bool(is_water.all())


def plotted_score(table: Table) -> str | None:
    """The score that a table of residues is about: the first column that it plots, or None."""
    if table.plot is None or not table.plot.y or not names_residues(table):
        return None
    name = table.plot.y[0]
    return name if table[name].dtype.kind in "fiu" else None


def columns_in_order(table: Table) -> list[str]:
    """The columns as they are shown: of residues which one, the score, the rest, its place."""
    if not names_residues(table):
        return list(table.columns)
    score = plotted_score(table)
    first = [name for name in WHICH if name in table.columns] + ([score] if score else [])
    last = [table.plot.x] if table.plot is not None and table.plot.x not in first else []
    return [*first, *(n for n in table.columns if n not in first and n not in last), *last]


def title_of(table: Table, name: str) -> str:
    """What stands above a column: its name in words, and its unit."""
    words = in_words(name.removeprefix("is_"))
    unit = table.units.get(name, "")
    return f"{words} ({unit})" if unit else words


def writer_of(name: str, values: Array) -> Write:
    """How the values of a column are written: as many decimals for all, a dash for none."""
    if values.dtype.kind == "b" or (name.startswith("is_") and _is_flag(values)):
        return _yes_or_no
    if values.dtype.kind in "iu":
        return lambda value: str(value).replace("-", "−")
    if values.dtype.kind == "f":
        decimals = _decimals(np.asarray(values, dtype=np.float64))
        kind = "f" if decimals <= MOST_DECIMALS else "e"
        pattern = f".{decimals if kind == 'f' else DIGITS - 1}{kind}"
        return lambda value: _number(float(value), pattern)
    return str


def _decimals(values: Array) -> int:
    """Decimals that leave three digits of the larger values; none where all are whole."""
    known = np.abs(values[np.isfinite(values)])
    if not known.size or (known == np.round(known)).all():
        return 0
    size = float(np.quantile(known, 0.9)) or float(known.max())
    return max(0, DIGITS - 1 - int(np.floor(np.log10(size))))


def _number(value: float, pattern: str) -> str:
    """A number with a true minus sign."""
    if not np.isfinite(value):
        return NOTHING
    text = format(value, pattern)
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def _is_flag(values: Array) -> bool:
    """Whether numbers are 1 for yes, 0 for no, or missing."""
    return values.dtype.kind == "f" and bool(np.isin(values[np.isfinite(values)], (0, 1)).all())


def _yes_or_no(value: Any) -> str:
    """A flag in words."""
    if value != value:
        return NOTHING
    return "yes" if value else "no"
