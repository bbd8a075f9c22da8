"""The residues of a structure: their names, and which atoms are theirs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from mapscope.structure import Structure
from mapscope.volume import Array

if TYPE_CHECKING:
    import gemmi

Kind: TypeAlias = Literal["protein", "nucleic", "water", "other"]


@dataclass(frozen=True, eq=False)
class ResidueList:
    """One entry for each residue of a structure, in the order of its file.

    Parameters
    ----------
    first_atoms : int array (n + 1,)
        Index of each residue's first atom, and the number of atoms.
    chains, names, insertion_codes : str arrays (n,)
        An insertion code is empty where there is none.
    numbers : int32 array (n,)
        Author's residue numbers.
    kinds : str array (n,)
        ``"protein"``, ``"nucleic"``, ``"water"`` or ``"other"``.
    alternatives : str array (atoms,)
        Alternative location of each atom, empty where there is one place only.
    """

    first_atoms: npt.NDArray[np.int64]
    chains: Array
    names: Array
    insertion_codes: Array
    numbers: Array
    kinds: Array
    alternatives: Array

    def __len__(self) -> int:
        return len(self.numbers)

    def atoms(self, residue: int) -> slice:
        """The atoms of a residue, as a slice of the structure's arrays."""
        return slice(int(self.first_atoms[residue]), int(self.first_atoms[residue + 1]))

    def label(self, residue: int) -> str:
        """What a residue is called, such as ``"LYS A/127"``."""
        return f"{self.names[residue]} {self.address(residue)}"

    def address(self, residue: int) -> str:
        """What selects a residue, such as ``"A/127"`` or ``"A/52A"``."""
        code = self.insertion_codes[residue]
        return f"{self.chains[residue]}/{self.numbers[residue]}{code}"

    @cached_property
    def of_atoms(self) -> npt.NDArray[np.int64]:
        """Index of each atom's residue (atoms,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.first_atoms))

    @cached_property
    def is_repeated(self) -> npt.NDArray[np.bool_]:
        """True where a residue is another kind of the one before, at the same place (n,)."""
        same = np.zeros(len(self), dtype=np.bool_)
        same[1:] = (
            (self.chains[1:] == self.chains[:-1])
            & (self.numbers[1:] == self.numbers[:-1])
            & (self.insertion_codes[1:] == self.insertion_codes[:-1])
            & (self.kinds[1:] == self.kinds[:-1])
        )
        return same

    def center(self, structure: Structure, residue: int) -> tuple[float, float, float]:
        """Mean position of a residue's atoms in Å, z, y, x."""
        z, y, x = structure.positions[self.atoms(residue)].mean(axis=0)
        return float(z), float(y), float(x)

    def mean(self, values: Array) -> npt.NDArray[np.float64]:
        """Mean over each residue of a value of each atom (n,)."""
        counts = np.diff(self.first_atoms)
        total = np.add.reduceat(np.asarray(values, dtype=np.float64), self.first_atoms[:-1])
        return np.asarray(total / counts)


_known: WeakKeyDictionary[Structure, ResidueList] = WeakKeyDictionary()


def residues_of(structure: Structure) -> ResidueList:
    """The residues of a structure, listed once and then remembered."""
    if structure not in _known:
        _known[structure] = _list_residues(structure)
    return _known[structure]


def _list_residues(structure: Structure) -> ResidueList:
    """Names and atoms of every residue."""
    starts = np.flatnonzero(np.diff(structure.residue_index, prepend=-1))
    residues = [r for chain in structure.model[0] for r in chain if len(r)]
    names = structure.residue_names[starts]
    kind_of = {name: _kind_of_name(str(name)) for name in set(names.tolist())}
    kinds = [
        kind_of[name] or _kind_of_atoms(residue)
        for name, residue in zip(names.tolist(), residues, strict=True)
    ]
    codes = [residue.seqid.icode.strip() for residue in residues]
    alternatives = [atom.altloc.strip("\0 ") for residue in residues for atom in residue]
    return ResidueList(
        first_atoms=np.append(starts, len(structure)).astype(np.int64),
        chains=structure.chains[starts],
        names=names,
        insertion_codes=np.array(codes),
        numbers=structure.residue_numbers[starts],
        kinds=np.array(kinds),
        alternatives=np.array(alternatives),
    )


def _kind_of_name(name: str) -> Kind | None:
    """What a residue of this name is, or None where the name alone does not tell."""
    import gemmi

    found = gemmi.find_tabulated_residue(name)
    if found.is_amino_acid():
        return "protein"
    if found.is_nucleic_acid():
        return "nucleic"
    return "water" if found.is_water() else None


def _kind_of_atoms(residue: gemmi.Residue) -> Kind:
    """What a residue of an unknown name is, by the atoms that make a polymer."""
    names: set[Any] = {atom.name for atom in residue}
    if {"N", "CA", "C"} <= names:
        return "protein"
    return "nucleic" if {"C4'", "C3'", "O3'"} <= names else "other"
