"""One structure of the corpus: its atoms, residues and chains as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.training.classes import class_of, is_dummy
from mapscope.volume import Array, read_only

if TYPE_CHECKING:
    from collections.abc import Callable

_HYDROGEN = 1
_SYMBOLS = np.array([gemmi.Element(n).name for n in range(119)])


@dataclass(frozen=True, eq=False)
class CorpusEntry:
    """The first model of a structure, without hydrogens unless they were asked for.

    Parameters
    ----------
    name : str
        Name of the entry.
    positions : float64 array (atoms, 3)
        Å, z, y, x.
    elements : uint8 array (atoms,)
        Atomic numbers; 0 where the element is unknown.
    atom_names : str array (atoms,)
        Such as CA.
    b_factors, occupancies : float32 arrays (atoms,)
        Å², and 0 to 1.
    alternates : uint8 array (atoms,)
        Character code of the alternate conformer, 0 where there is none.
    residue_of_atom : int32 array (atoms,)
        Index of each atom's residue; grows by 0 or 1.
    residue_names : str array (residues,)
        Such as ALA.
    residue_numbers : int32 array (residues,)
        Author's numbers.
    insertion_codes : uint8 array (residues,)
        Character code behind the number, 32 where there is none.
    is_hetero : bool array (residues,)
        Whether the file calls its atoms HETATM.
    chain_of_residue : int32 array (residues,)
        Index of each residue's chain; grows by 0 or 1.
    chains : str array (chains,)
        Chain names.
    resolution : float or None
        Å, where the file or the table beside it says it.
    method : str
        Such as X-RAY DIFFRACTION, empty where nobody says it.
    """

    name: str
    positions: npt.NDArray[np.float64]
    elements: npt.NDArray[np.uint8]
    atom_names: Array
    b_factors: npt.NDArray[np.float32]
    occupancies: npt.NDArray[np.float32]
    alternates: npt.NDArray[np.uint8]
    residue_of_atom: npt.NDArray[np.int32]
    residue_names: Array
    residue_numbers: npt.NDArray[np.int32]
    insertion_codes: npt.NDArray[np.uint8]
    is_hetero: npt.NDArray[np.bool_]
    chain_of_residue: npt.NDArray[np.int32]
    chains: Array
    resolution: float | None = None
    method: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, name, read_only(value))

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def symbols(self) -> Array:
        """Element symbol of each atom, (atoms,)."""
        return np.asarray(_SYMBOLS[self.elements])

    @cached_property
    def residue_classes(self) -> npt.NDArray[np.int8]:
        """Class of each residue, (residues,): index into ``classes.CLASSES``, or -1."""
        names, which = np.unique(self.residue_names, return_inverse=True)
        return np.array([class_of(str(n)) for n in names], dtype=np.int8)[which]

    @cached_property
    def centres(self) -> npt.NDArray[np.float64]:
        """Mean position of each residue's atoms in Å, z, y, x, (residues, 3)."""
        counts = np.bincount(self.residue_of_atom, minlength=len(self.residue_names))
        sums = np.stack(
            [np.bincount(self.residue_of_atom, p, len(counts)) for p in self.positions.T], axis=-1
        )
        return np.asarray(sums / counts[:, None])

    def structure(self) -> Structure:
        """The entry as a structure that can be shown, simulated and written."""
        model = gemmi.Structure()
        model.name = self.name
        model.resolution = self.resolution or 0.0
        model.add_model(self._model())
        model.setup_entities()
        chains = self.chains[self.chain_of_residue]
        return Structure(
            model=model,
            positions=self.positions,
            elements=self.symbols,
            atom_names=self.atom_names,
            residue_names=self.residue_names[self.residue_of_atom],
            chains=chains[self.residue_of_atom],
            residue_numbers=self.residue_numbers[self.residue_of_atom],
            residue_index=self.residue_of_atom,
            b_factors=self.b_factors,
            occupancies=self.occupancies,
        )

    def _model(self) -> gemmi.Model:
        """The entry as gemmi's model."""
        model = gemmi.Model(1)
        ends = np.searchsorted(self.residue_of_atom, np.arange(len(self.residue_names) + 1))
        for number, name in enumerate(self.chains.tolist()):
            chain = gemmi.Chain(name)
            for r in np.flatnonzero(self.chain_of_residue == number).tolist():
                chain.add_residue(self._residue(r, range(int(ends[r]), int(ends[r + 1]))))
            model.add_chain(chain)
        return model

    def _residue(self, number: int, atoms: range) -> gemmi.Residue:
        """One residue as gemmi's."""
        residue = gemmi.Residue()
        residue.name = str(self.residue_names[number])
        code = chr(self.insertion_codes[number])
        residue.seqid = gemmi.SeqId(int(self.residue_numbers[number]), code)
        residue.het_flag = "H" if self.is_hetero[number] else "A"
        for i in atoms:
            atom = gemmi.Atom()
            atom.name = str(self.atom_names[i])
            atom.element = gemmi.Element(int(self.elements[i]))
            atom.pos = gemmi.Position(*self.positions[i, ::-1].tolist())
            atom.b_iso, atom.occ = float(self.b_factors[i]), float(self.occupancies[i])
            atom.altloc = chr(self.alternates[i])
            residue.add_atom(atom)
        return residue


def entry_from_structure(
    structure: Structure,
    name: str,
    *,
    hydrogens: bool = False,
    resolution: float | None = None,
    method: str = "",
) -> CorpusEntry:
    """A structure as an entry of the corpus; occupancies are brought into 0 to 1.

    Parameters
    ----------
    structure : Structure
        The structure.
    name : str
        Name of the entry.
    hydrogens : bool
        Whether hydrogens stay. Membrane planes drawn with dummy atoms never do.
    resolution, method : float, str
        What is known from elsewhere; the file's own word comes first.

    Raises
    ------
    InputError
        If no atom is left.
    """
    model = structure.model
    residues = [(n, r) for n, chain in enumerate(model[0]) for r in chain]
    dummies = np.array([is_dummy(r.name) for _, r in residues])
    numbers = _atomic_numbers(structure.elements)
    keep = ~dummies[structure.residue_index] & (hydrogens | (numbers != _HYDROGEN))
    if not keep.any():
        raise InputError(f"{name}: no atom is left without hydrogens and dummy atoms")
    which = np.unique(structure.residue_index[keep])
    chosen = [residues[n] for n in which.tolist()]
    chains = np.unique([n for n, _ in chosen])
    return CorpusEntry(
        name=name,
        positions=structure.positions[keep],
        elements=numbers[keep],
        atom_names=structure.atom_names[keep],
        b_factors=structure.b_factors[keep],
        occupancies=np.clip(structure.occupancies[keep], 0, 1),
        alternates=_alternates(model)[keep],
        residue_of_atom=np.searchsorted(which, structure.residue_index[keep]).astype(np.int32),
        residue_names=np.array([r.name for _, r in chosen]),
        residue_numbers=_per_residue(chosen, lambda r: r.seqid.num or 0, np.int32),
        insertion_codes=_per_residue(chosen, lambda r: ord(r.seqid.icode), np.uint8),
        is_hetero=_per_residue(chosen, lambda r: r.het_flag == "H", np.bool_),
        chain_of_residue=np.searchsorted(chains, [n for n, _ in chosen]).astype(np.int32),
        chains=np.array([model[0][int(n)].name for n in chains]),
        resolution=model.resolution or resolution,
        method=_method(model) or method,
    )


def _per_residue(
    residues: list[tuple[int, gemmi.Residue]],
    value: Callable[[gemmi.Residue], int | bool],
    dtype: npt.DTypeLike,
) -> Array:
    """One value of each residue as an array."""
    return np.array([value(residue) for _, residue in residues], dtype=dtype)


def _atomic_numbers(symbols: Array) -> npt.NDArray[np.uint8]:
    """Atomic number of each element; deuterium is 1, an unknown element 0."""
    names, which = np.unique(symbols, return_inverse=True)
    numbers = [gemmi.Element(str(name)).atomic_number for name in names]
    return np.array(numbers, dtype=np.uint8)[which]


def _alternates(model: gemmi.Structure) -> npt.NDArray[np.uint8]:
    """Character code of each atom's alternate conformer in the first model."""
    try:
        codes = gemmi.FlatStructure(model).altlocs[: model[0].count_atom_sites()]
        return np.array(codes.view(np.uint8))
    except (RuntimeError, AttributeError):
        return np.array([ord(site.atom.altloc) for site in model[0].all()], dtype=np.uint8)


def _method(model: gemmi.Structure) -> str:
    """The experiment as the file names it."""
    info = model.info
    return str(info["_exptl.method"]) if "_exptl.method" in info else ""
