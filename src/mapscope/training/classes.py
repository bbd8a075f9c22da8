"""Which class a residue is of, for sequences, counts and labels of voxels."""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import gemmi

Kind: TypeAlias = Literal["protein", "nucleic", "other"]

AMINO_ACIDS = (
    *("ALA", "ARG", "ASN", "ASP", "CYS", "GLN", "GLU", "GLY", "HIS", "ILE"),
    *("LEU", "LYS", "MET", "PHE", "PRO", "SER", "THR", "TRP", "TYR", "VAL"),
)
NUCLEOTIDES = ("A", "C", "G", "U")
CLASSES = ("background", *AMINO_ACIDS, *NUCLEOTIDES)
"""Name of each class by its number: 0 background, 1 to 20 amino acids, 21 to 24 nucleotides."""

IGNORE = -1
"""Class of what has density and is none of these: unknown residues, ligands, sugars, water."""

_HEAVY_ATOMS = dict(
    zip(
        AMINO_ACIDS,
        (5, 11, 8, 8, 6, 9, 9, 4, 10, 8, 8, 9, 8, 11, 7, 6, 7, 14, 12, 7),
        strict=True,
    )
)
_LETTERS = dict(zip("ARNDCQEGHILKMFPSTWYV", range(1, 21), strict=True))
_BASES = {letter: 21 + n for n, letter in enumerate("ACGU")} | {"T": 24}
_DUMMIES = ("DUM",)


@cache
def class_of(name: str) -> int:
    """Class of a residue by its name; a modified one is of its parent's class.

    Returns
    -------
    int
        Index into `CLASSES`, or `IGNORE`.

    Examples
    --------
    >>> [class_of(name) for name in ("ALA", "MSE", "DT", "UNK", "HOH")]
    [1, 13, 24, -1, -1]
    """
    letters = _LETTERS if kind_of(name) == "protein" else _BASES
    known = kind_of(name) != "other"
    return letters.get(letter_of(name), IGNORE) if known else IGNORE


@cache
def kind_of(name: str) -> Kind:
    """Whether a residue is part of a protein or of a nucleic acid; water and ligands are other."""
    found = gemmi.find_tabulated_residue(name)
    if found.is_amino_acid():
        return "protein"
    return "nucleic" if found.is_nucleic_acid() else "other"


@cache
def letter_of(name: str) -> str:
    """One-letter code of a residue, of a modified one its parent's; X where none is known."""
    return str(gemmi.find_tabulated_residue(name).one_letter_code).strip().upper() or "X"


def is_unknown(name: str) -> bool:
    """Whether a residue of a chain is of no known class, such as UNK or N."""
    return kind_of(name) != "other" and class_of(name) == IGNORE


def is_dummy(name: str) -> bool:
    """Whether a residue stands for no atoms at all, such as the planes of a membrane."""
    return name in _DUMMIES


def heavy_atoms(name: str) -> int | None:
    """Number of heavy atoms of a complete amino acid inside a chain; None for anything else."""
    return _HEAVY_ATOMS.get(name)
