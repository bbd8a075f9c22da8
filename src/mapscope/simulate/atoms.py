"""The atoms that scatter: a selection of a structure, or of one of its assemblies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.selection import select
from mapscope.errors import InputError
from mapscope.structure import Structure

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

HIGHEST_B = 500.0
"""Å²; above it an atom adds nothing that could be seen, and the grid would have to be huge."""

_HYDROGEN = ("H", "D")


@dataclass(frozen=True, eq=False)
class Atoms:
    """What of a structure scatters.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Å, z, y, x.
    elements : str array (n,)
        Element symbols.
    b_factors, occupancies : float64 arrays (n,)
        Å², and 0 (not among them) to 1.
    """

    positions: Floats
    elements: npt.NDArray[np.str_]
    b_factors: Floats
    occupancies: Floats

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def is_hydrogen(self) -> Mask:
        """True for hydrogen and deuterium, (n,)."""
        return np.isin(self.elements, _HYDROGEN)

    def chosen(self, mask: Mask) -> Atoms:
        """Those where a mask is true."""
        return Atoms(
            self.positions[mask],
            self.elements[mask],
            self.b_factors[mask],
            self.occupancies[mask],
        )


def atoms_of(
    structure: Structure,
    selection: str = "all",
    assembly: str = "",
    *,
    b_factor: float | None = None,
    hydrogens: bool = True,
) -> Atoms:
    """The selected atoms of a structure, copied as its biological assembly wants.

    Alternate conformers are all there, with their occupancies. Atoms of zero occupancy are not.

    Parameters
    ----------
    structure : Structure
        The model.
    selection : str
        Which atoms of the file, as in :func:`mapscope.depiction.selection.select`.
    assembly : str
        Name of an assembly in the file, such as 1. Empty: the atoms as they stand there.
    b_factor : float, optional
        Å², for all atoms. None: those of the file.
    hydrogens : bool
        Whether hydrogens are among them.

    Raises
    ------
    InputError
        If the selection or the assembly names nothing, nothing has any occupancy, or a B-factor
        or an occupancy cannot be.
    """
    mask = select(structure, selection)
    if not hydrogens:
        mask = mask & ~np.isin(structure.elements, _HYDROGEN)
        if not mask.any():
            raise InputError(f"nothing but hydrogens is in {selection!r}, and they are left out")
    occupancies = structure.occupancies.astype(np.float64)
    b_factors = structure.b_factors.astype(np.float64)
    if b_factor is not None:
        b_factors = np.full_like(b_factors, b_factor)
    _require_sense(b_factors[mask], occupancies[mask])
    if not occupancies[mask].any():
        raise InputError(
            f"all {int(mask.sum()):,} atoms in {selection!r} have the occupancy 0, so that there "
            "is nothing to simulate: set the occupancies in the file"
        )
    mask = mask & (occupancies > 0)
    atoms = Atoms(structure.positions, structure.elements, b_factors, occupancies)
    return _assembled(structure, atoms, mask, assembly) if assembly else atoms.chosen(mask)


def _require_sense(b_factors: Floats, occupancies: Floats) -> None:
    """Raise unless B-factors and occupancies can be.

    Raises
    ------
    InputError
        If one is not finite, negative or too large.
    """
    unknown = int((~np.isfinite(b_factors)).sum())
    if unknown:
        raise InputError(
            f"{unknown:,} of {len(b_factors):,} atoms have a B-factor that is no number, expected "
            f"0 to {HIGHEST_B:g}: give one for all atoms (b_factor), or correct the file"
        )
    if b_factors.min() < 0 or b_factors.max() > HIGHEST_B:
        low, high = float(b_factors.min()), float(b_factors.max())
        raise InputError(
            f"B-factors run from {low:g} to {high:g} Å², expected 0 to {HIGHEST_B:g}: give one "
            "for all atoms (b_factor), or correct the file (some hold confidences there)"
        )
    if not np.isfinite(occupancies).all() or occupancies.min() < 0:
        raise InputError(f"an occupancy is {occupancies.min():g}, expected at least 0")


def _assembled(structure: Structure, atoms: Atoms, mask: Mask, name: str) -> Atoms:
    """The copies of an assembly, one after the other.

    Raises
    ------
    InputError
        If the file knows no such assembly, or nothing selected is part of it.
    """
    found = {assembly.name: assembly for assembly in structure.model.assemblies}
    if name not in found:
        known = ", ".join(found) or "none"
        raise InputError(f"assembly {name!r} is not in the file, which has: {known}")
    copies = []
    for generator in found[name].generators:
        chosen = mask & _of_generator(structure, generator)
        part = atoms.chosen(chosen)
        for operator in generator.operators:
            # gemmi's matrices act on x, y, z.
            matrix = np.array(operator.transform.mat.tolist())[::-1, ::-1]
            shift = np.array(operator.transform.vec.tolist())[::-1]
            moved = part.positions @ matrix.T + shift
            copies.append(Atoms(moved, part.elements, part.b_factors, part.occupancies))
    fields = ("positions", "elements", "b_factors", "occupancies")
    whole = [[getattr(copy, field) for copy in copies] for field in fields]
    if not copies or not sum(len(copy) for copy in copies):
        raise InputError(f"no selected atom is part of assembly {name!r}")
    return Atoms(*(np.concatenate(arrays) for arrays in whole))


def _of_generator(structure: Structure, generator: object) -> Mask:
    """The atoms that one line of an assembly copies: by chain, or by part of a chain."""
    chains = set(getattr(generator, "chains", ()))
    parts = set(getattr(generator, "subchains", ()))
    flags = [
        residue.subchain in parts if parts else chain.name in chains
        for chain in structure.model[0]
        for residue in chain
    ]
    return np.asarray(np.array(flags, dtype=np.bool_)[structure.residue_index])
