"""A part of a structure that can be left out, to see whether a method draws it nevertheless."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import residues_of
from mapscope.errors import InputError
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.structure import Structure
from mapscope.volume import Grid

_LIGAND_ATOMS = 8
_CHAIN_SHARES = (0.03, 0.5)
_STRETCH_SHARE = 0.08


@dataclass(frozen=True, eq=False)
class WithoutPart:
    """A structure in two.

    Parameters
    ----------
    kept, removed : Atoms
        What is left, and what is gone.
    what : str
        What is gone, in words.
    """

    kept: Atoms
    removed: Atoms
    what: str


def without_part(structure: Structure, grid: Grid) -> WithoutPart:
    """A structure without its largest ligand in a box; or a chain; or a stretch of its only one.

    Parameters
    ----------
    structure : Structure
        The whole. Water and hydrogens are left out.
    grid : Grid
        The box; atoms outside stay where they are.

    Raises
    ------
    InputError
        If too little of it lies in the box.
    """
    inside = grid.contains(structure.positions)
    chosen, what = (
        _ligand(structure, inside) or _chain(structure, inside) or _end(structure, inside)
    )
    atoms = atoms_of(structure, hydrogens=False)
    is_gone = _same_places(atoms.positions, structure.positions[chosen])
    if not is_gone.any() or is_gone.all():
        raise InputError("nothing of the structure can be left out in this box: take a larger one")
    return WithoutPart(atoms.chosen(~is_gone), atoms.chosen(is_gone), what)


_Mask = npt.NDArray[np.bool_]


def _ligand(structure: Structure, inside: _Mask) -> tuple[_Mask, str] | None:
    """Atoms of the largest residue that is no polymer and no water, if it has enough atoms."""
    residues = residues_of(structure)
    counts = np.bincount(residues.of_atoms[inside], minlength=len(residues))
    counts[(residues.kinds != "other") | (counts < np.diff(residues.first_atoms))] = 0
    largest = int(counts.argmax())
    if counts[largest] < _LIGAND_ATOMS:
        return None
    return residues.of_atoms == largest, f"ligand {residues.label(largest)}"


def _chain(structure: Structure, inside: _Mask) -> tuple[_Mask, str] | None:
    """Atoms of the smallest chain with a share of the atoms that is neither tiny nor most."""
    names, counts = np.unique(structure.chains[inside], return_counts=True)
    shares = counts / max(int(inside.sum()), 1)
    fits = np.flatnonzero((shares >= _CHAIN_SHARES[0]) & (shares <= _CHAIN_SHARES[1]))
    if not len(fits):
        return None
    name = names[fits[counts[fits].argmin()]]
    return structure.chains == name, f"chain {name}"


def _end(structure: Structure, inside: _Mask) -> tuple[_Mask, str]:
    """The last atoms in the box."""
    places = np.flatnonzero(inside)
    last = places[int(len(places) * (1 - _STRETCH_SHARE)) :]
    chosen = np.zeros(len(structure.positions), dtype=np.bool_)
    chosen[last] = True
    return chosen, f"the last {len(last)} atoms"


def _same_places(positions: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> _Mask:
    """Whether each position is one of some others, (n,)."""
    from scipy.spatial import KDTree

    distance, _ = KDTree(others).query(positions)
    return np.asarray(distance < 1e-6)
