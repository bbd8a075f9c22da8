"""What colour each residue and each atom of a picture has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.depiction.palette import (
    CHAIN_COLORS,
    ELEMENT_COLORS,
    LOW_TO_HIGH,
    NO_VALUE,
    OTHER_ELEMENT,
    OTHER_GROUP,
    RESIDUE_GROUPS,
    SECONDARY_COLORS,
    SECONDARY_NUCLEIC,
    rgba,
)
from mapscope.depiction.residues import residues_of
from mapscope.depiction.secondary import secondary_structure
from mapscope.depiction.sweep import Depiction
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Array

Category: TypeAlias = Literal["chain", "element", "residue type", "secondary structure"]
Quantity: TypeAlias = Literal["B-factor", "occupancy"]
Colors: TypeAlias = npt.NDArray[np.float32]

CATEGORIES: tuple[Category, ...] = get_args(Category)
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
UNITS: dict[str, str] = {"B-factor": "Å²", "occupancy": ""}

QUANTILES = (0.02, 0.98)
"""Between which a ramp runs where no limits are given."""


@dataclass(frozen=True, eq=False)
class Coloring:
    """Colours of all atoms and of all residues.

    Parameters
    ----------
    atoms : float32 array (atoms, 4)
        Red, green, blue, alpha from 0 to 1.
    residues : float32 array (residues, 4)
        The same for pictures that show no atoms.
    legend : tuple of (name, colour)
        What colours stand for, each as ``"#rrggbb"``; empty for numbers.
    """

    atoms: Colors
    residues: Colors
    legend: tuple[tuple[str, str], ...] = ()

    def of(self, picture: Depiction) -> Colors:
        """The colour of each vertex of a picture (vertices, 4)."""
        if picture.atoms is not None:
            return np.asarray(self.atoms[picture.atoms])
        return np.asarray(self.residues[picture.residues])


def coloring_by(structure: Structure, category: Category) -> Coloring:
    """Colours by what atoms and residues are.

    Parameters
    ----------
    structure : Structure
        The model.
    category : str
        ``"chain"``, ``"element"``, ``"residue type"`` or ``"secondary structure"``.

    Raises
    ------
    InputError
        If there is no such way to colour.
    """
    residues = residues_of(structure)
    if category == "element":
        return _by_element(structure)
    if category == "chain":
        names = list(dict.fromkeys(residues.chains.tolist()))
        palette = {n: CHAIN_COLORS[k % len(CHAIN_COLORS)] for k, n in enumerate(names)}
        return _of_residues(structure, residues.chains.tolist(), palette)
    if category == "residue type":
        group = {name: g for g, (_, names) in RESIDUE_GROUPS.items() for name in names}
        groups = [group.get(name, "other") for name in residues.names.tolist()]
        palette = {g: color for g, (color, _) in RESIDUE_GROUPS.items()}
        return _of_residues(structure, groups, {**palette, "other": OTHER_GROUP})
    if category == "secondary structure":
        named = np.where(
            residues.kinds == "nucleic",
            "nucleic",
            np.where(residues.kinds == "protein", secondary_structure(structure), "other"),
        )
        palette = {**SECONDARY_COLORS, "nucleic": SECONDARY_NUCLEIC, "other": OTHER_GROUP}
        return _of_residues(structure, named.tolist(), palette)
    raise InputError(f"no colours by {category!r}: choose one of {', '.join(CATEGORIES)}")


def _of_residues(structure: Structure, names: list[str], palette: dict[str, str]) -> Coloring:
    """Colours of residues by a name of each; carbons take them, other atoms their element's."""
    present = dict.fromkeys(names)
    table = {name: rgba(palette[name]) for name in present}
    residues = np.array([table[name] for name in names])
    legend = tuple((name, color) for name, color in palette.items() if name in present)
    return Coloring(_by_hetero(structure, residues), residues, legend)


def _by_hetero(structure: Structure, residues: Colors) -> Colors:
    """Atoms in their residue's colour, but what is no carbon in its element's."""
    atoms = residues[residues_of(structure).of_atoms]
    other = structure.elements != "C"
    atoms[other] = _element_colors(structure.elements[other].tolist())
    return np.asarray(atoms)


def _element_colors(elements: Iterable[str]) -> Colors:
    """Colour of each element (n, 4)."""
    names = list(elements)
    table = {name: rgba(ELEMENT_COLORS.get(name, OTHER_ELEMENT)) for name in set(names)}
    return np.array([table[name] for name in names], dtype=np.float32).reshape(-1, 4)


def _by_element(structure: Structure) -> Coloring:
    """Colours of elements; a residue has that of carbon."""
    atoms = _element_colors(structure.elements.tolist())
    present = dict.fromkeys(structure.elements.tolist())
    legend = [(name, color) for name, color in ELEMENT_COLORS.items() if name in present]
    if set(present) - set(ELEMENT_COLORS):
        legend.append(("other", OTHER_ELEMENT))
    count = len(residues_of(structure))
    return Coloring(atoms, np.tile(rgba(ELEMENT_COLORS["C"]), (count, 1)), tuple(legend))


def values_of(structure: Structure, quantity: Quantity) -> npt.NDArray[np.float64]:
    """B-factor in Å² or occupancy of each atom (atoms,).

    Raises
    ------
    InputError
        If there is no such quantity.
    """
    if quantity not in QUANTITIES:
        raise InputError(f"no quantity {quantity!r}: choose one of {', '.join(QUANTITIES)}")
    values = structure.b_factors if quantity == "B-factor" else structure.occupancies
    return values.astype(np.float64)


def coloring_by_values(
    structure: Structure,
    values: Array,
    *,
    limits: tuple[float, float] | None = None,
    ramp: Array = LOW_TO_HIGH,
) -> Coloring:
    """Colours by a number of each atom or of each residue.

    Parameters
    ----------
    structure : Structure
        The model.
    values : float array (atoms,) or (residues,)
        NaN where there is no number: grey. A residue takes the mean of its atoms.
    limits : tuple of float, optional
        Values at the ends of the ramp; 2 to 98 % of the values where not given.
    ramp : float array (n, 3) or (n, 4)
        Two or more colours at equal distances from the lower limit to the upper.

    Raises
    ------
    InputError
        If there is a number neither for each atom nor for each residue, or for none at all.
    """
    residues = residues_of(structure)
    values = np.asarray(values, dtype=np.float64)
    if len(values) == len(structure) and len(values) != len(residues):
        of_atoms, of_residues = values, residues.mean(values)
    elif len(values) == len(residues):
        of_atoms, of_residues = values[residues.of_atoms], values
    else:
        raise InputError(
            f"expected a value for each of {len(structure)} atoms or {len(residues)} residues, "
            f"got {len(values)}"
        )
    ends = limits or limits_of(values)
    return Coloring(colors_of(of_atoms, ends, ramp), colors_of(of_residues, ends, ramp))


def limits_of(values: Array) -> tuple[float, float]:
    """Values between which a ramp runs at first: 2 to 98 %.

    Raises
    ------
    InputError
        If no value is a finite number.
    """
    finite = np.asarray(values)[np.isfinite(values)]
    if finite.size == 0:
        raise InputError("there is no number to colour by: all values are missing")
    low, high = (float(v) for v in np.quantile(finite, QUANTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def colors_of(values: Array, limits: tuple[float, float], ramp: Array = LOW_TO_HIGH) -> Colors:
    """Colours (n, 4) of numbers along a ramp; grey where a number is missing."""
    low, high = limits
    place = (np.asarray(values, dtype=np.float64) - low) / ((high - low) or 1.0)
    missing = ~np.isfinite(place)
    place = np.clip(np.where(missing, 0, place), 0, 1)
    stops = np.linspace(0, 1, len(ramp))
    colors = np.ones((len(place), 4), dtype=np.float32)
    for n in range(np.asarray(ramp).shape[1]):
        colors[:, n] = np.interp(place, stops, np.asarray(ramp)[:, n])
    colors[missing] = rgba(NO_VALUE)
    return colors


def scores_of(
    structure: Structure, table: Table, column: str | None = None
) -> npt.NDArray[np.float64]:
    """A number of each residue from a table of residues, NaN where the table has none.

    Parameters
    ----------
    structure : Structure
        The model.
    table : Table
        With columns ``chain`` and ``number``, and ``insertion_code`` where residues need it.
    column : str, optional
        Which column holds the numbers; None takes the first of numbers that is left.

    Raises
    ------
    InputError
        If a column is missing or no row names a residue of the structure.
    """
    missing = [name for name in ("chain", "number") if name not in table.columns]
    if missing:
        raise InputError(
            f"a table of residues needs columns chain and number, this one has "
            f"{', '.join(table.columns)}"
        )
    column = column or _first_score(table)
    if column not in table.columns or table[column].dtype.kind not in "fiu":
        raise InputError(f"the table has no column of numbers named {column!r}")
    residues = residues_of(structure)
    codes = table.columns.get("insertion_code", np.full(len(table), ""))
    rows = zip(table["chain"], table["number"], codes, table[column], strict=True)
    scores = {(str(c), int(n), str(i).strip()): float(v) for c, n, i, v in rows}
    names = zip(residues.chains, residues.numbers, residues.insertion_codes, strict=True)
    found = np.array([scores.get((str(c), int(n), str(i)), np.nan) for c, n, i in names])
    if not np.isfinite(found).any():
        raise InputError("no row of the table names a residue of this structure")
    return found


def _first_score(table: Table) -> str:
    """The first column of numbers that does not say which residue it is.

    Raises
    ------
    InputError
        If there is none.
    """
    taken = ("chain", "number", "insertion_code")
    names = [n for n, v in table.columns.items() if n not in taken and v.dtype.kind in "fiu"]
    if not names:
        raise InputError("the table has no column of numbers to colour by")
    return names[0]
