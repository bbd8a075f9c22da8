"""Unbroken stretches of a polymer and the points that its picture passes through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.structure import BACKBONE_ATOM, Structure

LINKS = {"protein": ("C", "N"), "nucleic": ("O3'", "P")}
"""The atoms that join a residue to the next."""

TRACED = {"protein": ("CA",), "nucleic": (BACKBONE_ATOM["nucleic"], "O5'", "C5'")}
"""Atoms that a picture may pass through, the wanted one first."""

LONGEST_BOND = 2.5
"""Å between linked atoms: 1.33 for a peptide and 1.6 for a phosphodiester, and poor geometry."""

LONGEST_STEP = {"protein": 4.5, "nucleic": 8.0}
"""Å between traced atoms where the linking atoms are not in the model; Cα to Cα is 3.8."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Residues that are joined one to the next.

    Parameters
    ----------
    kind : str
        ``"protein"`` or ``"nucleic"``.
    residues : int array (n,)
        Their indices.
    atoms : int array (n,)
        The traced atom of each: Cα or P; O5' or C5' where the first phosphate is missing.
    points : float64 array (n, 3)
        Their positions in Å, z, y, x.
    """

    kind: Literal["protein", "nucleic"]
    residues: npt.NDArray[np.int64]
    atoms: npt.NDArray[np.int64]
    points: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.residues)


def stretches(structure: Structure) -> list[Stretch]:
    """All stretches of two or more joined residues, in the order of the file.

    Of alternative locations the first in the file is traced, of residues that share a place
    the first.
    """
    residues = residues_of(structure)
    found: list[Stretch] = []
    kinds: tuple[Literal["protein", "nucleic"], ...] = ("protein", "nucleic")
    for kind in kinds:
        traced = _traced_atoms(structure, residues, kind)
        chosen = np.flatnonzero((traced >= 0) & ~residues.is_repeated)
        if len(chosen) == 0:
            continue
        joined = _are_joined(structure, residues, kind, chosen, traced)
        for piece in np.split(chosen, np.flatnonzero(~joined) + 1):
            if len(piece) > 1:
                atoms = traced[piece]
                found.append(Stretch(kind, piece, atoms, structure.positions[atoms]))
    return sorted(found, key=lambda stretch: int(stretch.residues[0]))


def named_atoms(structure: Structure, residues: ResidueList, name: str) -> npt.NDArray[np.int64]:
    """Index of the first atom of this name in each residue, -1 where there is none (n,)."""
    found = np.full(len(residues), -1, dtype=np.int64)
    atoms = np.flatnonzero(structure.atom_names == name)[::-1]
    owners = np.searchsorted(residues.first_atoms, atoms, side="right") - 1
    found[owners] = atoms  # from the last to the first: the first stays
    return found


def _traced_atoms(
    structure: Structure, residues: ResidueList, kind: Literal["protein", "nucleic"]
) -> npt.NDArray[np.int64]:
    """The atom of each residue of a kind that its picture passes through, -1 elsewhere."""
    traced = np.full(len(residues), -1, dtype=np.int64)
    for name in TRACED[kind]:
        atoms = named_atoms(structure, residues, name)
        free = (traced < 0) & (atoms >= 0) & (residues.kinds == kind)
        traced[free] = atoms[free]
    return traced


def _are_joined(
    structure: Structure,
    residues: ResidueList,
    kind: Literal["protein", "nucleic"],
    chosen: npt.NDArray[np.int64],
    traced: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Whether each chosen residue is joined to the next chosen one, (chosen - 1,)."""
    last, first = (named_atoms(structure, residues, name)[chosen] for name in LINKS[kind])
    last, first = last[:-1], first[1:]
    points = structure.positions
    bond = np.linalg.norm(points[last] - points[first], axis=1)
    step = np.linalg.norm(np.diff(points[traced[chosen]], axis=0), axis=1)
    has_bond = (last >= 0) & (first >= 0)
    near = np.where(has_bond, bond <= LONGEST_BOND, step <= LONGEST_STEP[kind])
    return np.asarray(near & (residues.chains[chosen[1:]] == residues.chains[chosen[:-1]]))
