"""An atomic model: arrays for computing, and gemmi's own model for writing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.volume import Array, checksum_of_arrays, read_only

if TYPE_CHECKING:
    import gemmi

BACKBONE_ATOM = {"protein": "CA", "nucleic": "P"}


@dataclass(frozen=True, eq=False)
class Structure:
    """The atoms of the first model of a file.

    Parameters
    ----------
    model : gemmi.Structure
        The structure itself, kept for writing; never changed.
    positions : float64 array (n, 3)
        Å, z, y, x.
    elements, atom_names, residue_names, chains : str arrays (n,)
        Element symbol, atom name, residue name and chain name of each atom.
    residue_numbers : int32 array (n,)
        Author's residue numbers.
    residue_index : int32 array (n,)
        Counts residues from 0 through the file.
    b_factors, occupancies : float32 arrays (n,)
        Å² and 0 to 1.

    Raises
    ------
    InputError
        If the arrays differ in length or hold no atom.
    """

    model: gemmi.Structure = field(repr=False)
    positions: npt.NDArray[np.float64]
    elements: Array
    atom_names: Array
    residue_names: Array
    chains: Array
    residue_numbers: Array
    residue_index: Array
    b_factors: Array
    occupancies: Array

    def __post_init__(self) -> None:
        names = [name for name in self.__dataclass_fields__ if name != "model"]
        for name in names:
            object.__setattr__(self, name, read_only(getattr(self, name)))
        if len({len(getattr(self, name)) for name in names}) != 1 or len(self.positions) == 0:
            raise InputError("a structure needs at least one atom and arrays of equal length")

    @classmethod
    def from_gemmi(cls, model: gemmi.Structure) -> Structure:
        """Arrays of the first model of a gemmi structure; the structure is kept, not copied.

        Raises
        ------
        InputError
            If it holds no atom.
        """
        if len(model) == 0 or model[0].count_atom_sites() == 0:
            raise InputError(f"the structure {model.name!r} holds no atoms")
        counts = [len(residue) for chain in model[0] for residue in chain]
        return cls(
            model=model,
            residue_index=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
            **(_flat_arrays(model) or _arrays_atom_by_atom(model)),
        )

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def name(self) -> str:
        """The entry's name as the file gives it, possibly empty."""
        return str(self.model.name)

    @cached_property
    def is_backbone(self) -> npt.NDArray[np.bool_]:
        """True for Cα atoms of amino acids and P atoms of nucleotides, shape (n,)."""
        carbon_alpha = (self.atom_names == BACKBONE_ATOM["protein"]) & (self.elements == "C")
        phosphorus = (self.atom_names == BACKBONE_ATOM["nucleic"]) & (self.elements == "P")
        return np.asarray(carbon_alpha | phosphorus)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest position in Å, z, y, x."""
        return self.positions.min(axis=0), self.positions.max(axis=0)

    def checksum(self) -> str:
        """Hash of positions, names, B-factors and occupancies, as written into records."""
        text = "\n".join(
            f"{c}/{n}/{r}/{a}"
            for c, n, r, a in zip(
                self.chains.tolist(),
                self.residue_numbers.tolist(),
                self.residue_names.tolist(),
                self.atom_names.tolist(),
                strict=True,
            )
        )
        return checksum_of_arrays(
            "structure", text, self.positions, self.b_factors, self.occupancies
        )


def _flat_arrays(model: gemmi.Structure) -> dict[str, Array] | None:
    """Arrays of the first model out of gemmi's table of atoms; None where it cannot make one.

    It holds names of up to 7 bytes and no residue without a number.
    """
    import gemmi

    count = model[0].count_atom_sites()
    try:
        flat = gemmi.FlatStructure(model)
        flat.strings_as_numbers = False
        numbers = flat.resnums[:count]
    except (RuntimeError, AttributeError):
        return None
    if (numbers == np.iinfo(np.int32).min).any():
        return None
    return {
        "positions": np.ascontiguousarray(flat.pos[:count, ::-1]),
        "elements": _texts(flat.element_names, count),
        "atom_names": _texts(flat.atom_names, count),
        "residue_names": _texts(flat.residue_names, count),
        "chains": _texts(flat.chain_ids, count),
        "residue_numbers": numbers.copy(),
        "b_factors": flat.b_iso[:count].copy(),
        "occupancies": flat.occ[:count].copy(),
    }


def _texts(names: Any, count: int) -> Array:
    """Text of the first of an array of bytes, as narrow as its longest; each decoded once."""
    wide = names[:count].astype("S8")
    found, which = np.unique(wide.view(np.uint64), return_inverse=True)
    decoded = [name.decode() for name in found.view("S8").tolist()]
    return np.asarray(np.array(decoded)[which])


def _arrays_atom_by_atom(model: gemmi.Structure) -> dict[str, Array]:
    """Arrays of the first model, whatever its names are."""
    sites = list(model[0].all())
    atoms = [site.atom for site in sites]
    return {
        "positions": np.array([(a.pos.z, a.pos.y, a.pos.x) for a in atoms], dtype=np.float64),
        "elements": np.array([a.element.name for a in atoms]),
        "atom_names": np.array([a.name for a in atoms]),
        "residue_names": np.array([s.residue.name for s in sites]),
        "chains": np.array([s.chain.name for s in sites]),
        "residue_numbers": np.array([s.residue.seqid.num for s in sites], dtype=np.int32),
        "b_factors": np.array([a.b_iso for a in atoms], dtype=np.float32),
        "occupancies": np.array([a.occ for a in atoms], dtype=np.float32),
    }
