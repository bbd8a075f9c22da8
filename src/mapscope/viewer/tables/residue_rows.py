"""Which rows of a table are about which residue of an open structure."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import ResidueList
from mapscope.table import Table
from mapscope.viewer.tables.cells import names_residues

NAMES = ("name", "residue")
"""Columns that may hold a residue's name, which tells kinds at the same place apart."""


class ResidueRows:
    """Rows of a table and residues of a structure, by chain, number, insertion code and name.

    Parameters
    ----------
    table : Table
        With columns ``chain`` and ``number``; of any other no row is about a residue.
    residues : ResidueList
        The structure's.
    """

    def __init__(self, table: Table, residues: ResidueList) -> None:
        self._of_rows = np.full(len(table), -1)
        if names_residues(table):
            self._of_rows = _residues_of_rows(table, residues)

    def residue(self, row: int) -> int | None:
        """The residue that a row is about."""
        found = int(self._of_rows[row])
        return None if found < 0 else found

    def row(self, residue: int) -> int | None:
        """The first row that is about a residue."""
        rows = np.flatnonzero(self._of_rows == residue)
        return int(rows[0]) if len(rows) else None


def _residues_of_rows(table: Table, residues: ResidueList) -> npt.NDArray[np.int64]:
    """Index of each row's residue, -1 where the structure has none such."""
    names = next((table[name] for name in NAMES if name in table.columns), None)
    codes = table.columns.get("insertion_code", np.full(len(table), ""))
    places = [table["chain"], table["number"], codes]
    known = [residues.chains, residues.numbers, residues.insertion_codes]
    if names is not None:
        places, known = [*places, names], [*known, residues.names]
    index: dict[tuple[str, ...], int] = {}
    for k, key in enumerate(_keys(known)):
        index.setdefault(key, k)
    return np.array([index.get(key, -1) for key in _keys(places)], dtype=np.int64)


def _keys(columns: Iterable[npt.NDArray[np.generic]]) -> list[tuple[str, ...]]:
    """The rows of some columns as texts."""
    return list(zip(*([str(v).strip() for v in c.tolist()] for c in columns), strict=True))
