"""How good a structure is to learn from, as its own atoms tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.training.classes import heavy_atoms, is_unknown, kind_of
from mapscope.training.entry import CorpusEntry
from mapscope.volume import Array

CLASH = 1.9
"""Å: heavy atoms of residues that are not neighbours in the chain, other than two sulphurs,
come no closer."""

_HYDROGEN, _SULPHUR = 1, 16
_BACKBONE = ("CA", "P")


@dataclass(frozen=True)
class Quality:
    """What counts for or against a structure; None where there is nothing to measure.

    Parameters
    ----------
    residues, nucleotides : int
        Residues of proteins and of nucleic acids, unknown ones included.
    resolution : float or None
        Å.
    side_chains : float or None
        Share of the 20 amino acids' residues that have all their heavy atoms.
    unknown : float
        Share of residues and nucleotides whose type is unknown.
    b_spread : float
        Standard deviation of the B-factors of Cα and P atoms in Å²; 0 where all are equal.
    absent : float
        Share of heavy atoms of occupancy 0.
    clashes : float
        Share of residues and nucleotides with an atom where one of another is.
    """

    residues: int
    nucleotides: int
    resolution: float | None
    side_chains: float | None
    unknown: float
    b_spread: float
    absent: float
    clashes: float


@dataclass(frozen=True)
class Limits:
    """What a structure must keep to; fields as those of `Quality`, None where all may pass.

    Parameters
    ----------
    min_residues : int
        Fewest residues and nucleotides together.
    max_resolution : float or None
        Å; structures of unknown resolution pass.
    min_side_chains : float
        Least share of complete amino acids.
    max_unknown : float
        Highest share of unknown residues.
    min_b_spread : float
        Least standard deviation of B-factors, Å².
    max_absent : float
        Highest share of atoms with occupancy 0.
    max_clashes : float
        Highest share of clashing residues.
    """

    min_residues: int = 50
    max_resolution: float | None = None
    min_side_chains: float = 0.9
    max_unknown: float = 0.1
    min_b_spread: float = 0.1
    max_absent: float = 0.05
    max_clashes: float = 0.02

    def objection(self, quality: Quality) -> str:
        """Why a structure is left out; empty where it is kept."""
        size = quality.residues + quality.nucleotides
        resolution, side_chains = quality.resolution, quality.side_chains
        if size < self.min_residues:
            return f"{size} residues, fewer than {self.min_residues}"
        if resolution is not None and self.max_resolution and resolution > self.max_resolution:
            return f"resolution {resolution:g} Å, coarser than {self.max_resolution:g} Å"
        if side_chains is not None and side_chains < self.min_side_chains:
            return f"{side_chains:.0%} of the side chains are complete"
        if quality.unknown > self.max_unknown:
            return f"{quality.unknown:.0%} of the residues are unknown"
        if quality.b_spread < self.min_b_spread:
            return f"B-factors are all the same (spread {quality.b_spread:.2g} Å²)"
        if quality.absent > self.max_absent:
            return f"{quality.absent:.0%} of the atoms have occupancy 0"
        if quality.clashes > self.max_clashes:
            return f"{quality.clashes:.0%} of the residues clash with others"
        return ""


def quality_of(entry: CorpusEntry) -> Quality:
    """The quality of a structure, from its atoms alone."""
    kinds = _per_name(entry.residue_names, lambda name: kind_of(name))
    unknown = _per_name(entry.residue_names, is_unknown).astype(bool)
    is_polymer = kinds != "other"
    size = max(int(is_polymer.sum()), 1)
    heavy = entry.elements != _HYDROGEN
    is_backbone = np.isin(entry.atom_names, _BACKBONE) & is_polymer[entry.residue_of_atom]
    factors = entry.b_factors[is_backbone]
    return Quality(
        residues=int((kinds == "protein").sum()),
        nucleotides=int((kinds == "nucleic").sum()),
        resolution=entry.resolution,
        side_chains=_complete_side_chains(entry, heavy),
        unknown=float((unknown & is_polymer).sum()) / size,
        b_spread=float(factors.std()) if len(factors) else 0.0,
        absent=float((entry.occupancies[heavy] == 0).mean()) if heavy.any() else 1.0,
        clashes=len(_clashing(entry, heavy & is_polymer[entry.residue_of_atom])) / size,
    )


def _per_name(names: Array, value: Any) -> Array:
    """A value of each residue's name, looked up once for each name."""
    found, which = np.unique(names, return_inverse=True)
    return np.array([value(str(name)) for name in found])[which]


def _complete_side_chains(entry: CorpusEntry, heavy: npt.NDArray[np.bool_]) -> float | None:
    """Share of amino acids with all their heavy atoms; the end of a chain has one more."""
    needed = _per_name(entry.residue_names, lambda name: heavy_atoms(name) or 0)
    names, codes = np.unique(entry.atom_names, return_inverse=True)
    counted = heavy & ~np.isin(entry.atom_names, ("OXT", "OT1", "OT2"))
    atoms = np.unique(entry.residue_of_atom[counted] * np.int64(len(names)) + codes[counted])
    counts = np.bincount(atoms // len(names), minlength=len(needed))
    known = needed > 0
    return float((counts >= needed)[known].mean()) if known.any() else None


def _clashing(entry: CorpusEntry, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Residues with an atom closer than `CLASH` to one of another, not a neighbour."""
    from scipy.spatial import cKDTree

    first = np.isin(entry.alternates, (0, ord("A"), ord("1"))) & (entry.occupancies > 0)
    atoms = np.flatnonzero(chosen & first)
    pairs = cKDTree(entry.positions[atoms]).query_pairs(CLASH, output_type="ndarray")
    one, other = atoms[pairs[:, 0]], atoms[pairs[:, 1]]
    residues = entry.residue_of_atom[np.stack([one, other])]
    chains = entry.chain_of_residue[residues]
    is_neighbour = (np.abs(residues[0] - residues[1]) <= 1) & (chains[0] == chains[1])
    is_bridge = (entry.elements[one] == _SULPHUR) & (entry.elements[other] == _SULPHUR)
    return np.unique(residues[:, ~is_neighbour & ~is_bridge])
