"""Scores of a model atom by atom, residue by residue and chain by chain, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.errors import InputError
from mapscope.scores.chi1_scan import Chi1Scan
from mapscope.scores.emringer import emringer_score, is_rotameric
from mapscope.structure import Structure
from mapscope.table import Plot, Table

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_PROTEIN_BACKBONE = ("N", "CA", "C", "O", "OXT")
_PHOSPHATE = ("P", "OP1", "OP2", "OP3", "O1P", "O2P", "O3P")


@dataclass(frozen=True, eq=False)
class AtomScores:
    """What is known of a structure's atoms, arrays of shape (atoms,).

    Parameters
    ----------
    structure : Structure
        The model.
    chosen : bool array
        The atoms that are scored.
    q : float64 array
        Q-scores, NaN where there is none.
    density : float64 array
        Density at the atoms, NaN outside the map.
    """

    structure: Structure
    chosen: Mask
    q: Floats
    density: Floats

    @property
    def residues(self) -> ResidueList:
        """The structure's residues."""
        return residues_of(self.structure)

    def by_residue(self, values: Floats, among: Mask | None = None) -> Floats:
        """Mean of the known values of each residue's chosen atoms (residues,), else NaN."""
        known = self.chosen & np.isfinite(values)
        known = known if among is None else known & among
        owner, number = self.residues.of_atoms[known], len(self.residues)
        total = np.bincount(owner, values[known], minlength=number)
        count = np.bincount(owner, minlength=number)
        mean = np.divide(total, count, out=np.full(number, np.nan), where=count > 0)
        return np.asarray(mean)

    def count(self, flags: Mask) -> npt.NDArray[np.int64]:
        """How many chosen atoms of each residue have a flag (residues,)."""
        owner = self.residues.of_atoms[flags & self.chosen]
        return np.bincount(owner, minlength=len(self.residues))


def model_of(structure: Structure, number: int) -> Structure:
    """The structure with only one of its models, counted from 1.

    Raises
    ------
    InputError
        If it has no such model.
    """
    models = len(structure.model)
    if not 1 <= number <= models:
        raise InputError(
            f"there is no model {number} in {structure.name or 'the structure'}, which has "
            f"{models}: choose 1{'' if models == 1 else f' to {models}'}"
        )
    if number == 1:
        return structure
    alone = gemmi.Structure()
    alone.name, alone.cell = structure.model.name, structure.model.cell
    alone.spacegroup_hm = structure.model.spacegroup_hm
    alone.add_model(structure.model[number - 1])
    alone.setup_entities()
    return Structure.from_gemmi(alone)


def is_main_chain(structure: Structure) -> Mask:
    """Whether atoms are of a protein's main chain or of sugar and phosphate (atoms,)."""
    residues = residues_of(structure)
    kinds = residues.kinds[residues.of_atoms]
    names = structure.atom_names
    protein = (kinds == "protein") & np.isin(names, _PROTEIN_BACKBONE)
    is_sugar = np.char.endswith(names.astype(str), "'") | np.isin(names, _PHOSPHATE)
    return np.asarray(protein | ((kinds == "nucleic") & is_sugar))


def residue_table(
    atoms: AtomScores,
    scan: Chi1Scan,
    correlation: Floats | None = None,
    halves: Sequence[Floats] = (),
    expected: float | None = None,
) -> Table:
    """One row for each residue with a scored atom; insertion codes only where there are any.

    Parameters
    ----------
    atoms : AtomScores
        What is known of the atoms.
    scan : Chi1Scan
        Scans of χ1; other residues have NaN there.
    correlation : float64 array (residues,), optional
        Correlation of map and model around each residue.
    halves : sequence of float64 arrays (atoms,)
        Q-scores in both half maps, or none.
    expected : float, optional
        Q-score usual at the map's resolution, drawn as a line.
    """
    residues = atoms.residues
    main = is_main_chain(atoms.structure)
    polymer = np.isin(residues.kinds, ("protein", "nucleic"))[residues.of_atoms]
    counts = atoms.count(atoms.chosen)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "position": np.arange(1, len(residues) + 1),
        "chain": residues.chains,
        "number": residues.numbers,
        "insertion_code": residues.insertion_codes,
        "name": residues.names,
        "kind": residues.kinds,
        "atoms": counts,
        "atoms_outside": atoms.count(~np.isfinite(atoms.density)),
        "q_score": atoms.by_residue(atoms.q),
        "q_main_chain": atoms.by_residue(atoms.q, main),
        "q_side_chain": atoms.by_residue(atoms.q, polymer & ~main),
    }
    names = ("q_first_half", "q_second_half")
    columns |= {n: atoms.by_residue(h) for n, h in zip(names, halves, strict=False)}
    if correlation is not None:
        columns["cc"] = correlation
    columns["density"] = atoms.by_residue(atoms.density)
    columns |= _scan_columns(scan, len(residues))
    if not (residues.insertion_codes != "").any():
        del columns["insertion_code"]
    rows = counts > 0
    q = np.asarray(columns["q_score"], dtype=np.float64)[rows]
    units = {"chi1": "°", "peak_chi1": "°"}
    plot = Plot(
        x="position",
        y=("q_score",),
        x_label="residue, counted through the model",
        y_label="Q-score",
        title="Q-scores of the residues",
        levels={} if expected is None else {"usual at this resolution": expected},
        headline=_residue_headline(q),
    )
    return Table({name: values[rows] for name, values in columns.items()}, units, plot)


def _residue_headline(q: Floats) -> str:
    """How many residues have a Q-score, and what it is in the middle."""
    known = q[np.isfinite(q)]
    if not len(known):
        return "no residue lies in the map"
    return f"Q-score {np.median(known):.2f} (median of {len(known):,} residues)"


def _scan_columns(scan: Chi1Scan, number: int) -> dict[str, npt.NDArray[np.generic]]:
    """χ1 of the model and of the peak, its density, and 1 or 0 for rotameric, NaN elsewhere."""
    peak = scan.peak_angles
    values = {
        "chi1": scan.angles,
        "peak_chi1": peak,
        "peak_density": scan.peaks,
        "is_rotameric": np.where(np.isfinite(peak), is_rotameric(peak), np.nan),
    }
    columns: dict[str, npt.NDArray[np.generic]] = {}
    for name, found in values.items():
        column = np.full(number, np.nan)
        column[scan.residues] = found
        columns[name] = column
    return columns


def chain_table(atoms: AtomScores, scan: Chi1Scan, correlation: Floats | None = None) -> Table:
    """One row for each chain with a scored atom; its EMRinger score is that of the chain alone.

    Parameters
    ----------
    atoms : AtomScores
        What is known of the atoms.
    scan : Chi1Scan
        Scans of χ1.
    correlation : float64 array (residues,), optional
        Correlation of map and model around each residue; its mean stands in the table.
    """
    residues = atoms.residues
    of_atoms = residues.chains[residues.of_atoms]
    names = list(dict.fromkeys(of_atoms[atoms.chosen].tolist()))
    rows = []
    for name in names:
        mine = atoms.chosen & (of_atoms == name)
        score = emringer_score(scan.density[residues.chains[scan.residues] == name])
        row = {
            "residues": len(np.unique(residues.of_atoms[mine])),
            "atoms": int(mine.sum()),
            "atoms_outside": int((mine & ~np.isfinite(atoms.density)).sum()),
            "q_score": _mean(atoms.q[mine]),
            "emringer": np.nan if score is None else score.score,
            "scanned": 0 if score is None else score.residues,
            "rotameric": np.nan if score is None else score.rotameric,
        }
        if correlation is not None:
            row["cc"] = _mean(correlation[np.unique(residues.of_atoms[mine])])
        rows.append(row)
    columns = {key: np.array([row[key] for row in rows]) for key in (rows[0] if rows else ())}
    return Table({"chain": np.array(names, dtype=str), **columns})


def atom_table(atoms: AtomScores) -> Table:
    """One row for each scored atom: which it is, density at it, and its Q-score.

    Insertion codes and alternative locations stand there only where there are any.
    """
    residues, chosen = atoms.residues, atoms.chosen
    owner = residues.of_atoms[chosen]
    columns = {
        "chain": residues.chains[owner],
        "number": residues.numbers[owner],
        "insertion_code": residues.insertion_codes[owner],
        "residue": residues.names[owner],
        "atom": atoms.structure.atom_names[chosen],
        "alternative": residues.alternatives[chosen],
        "density": atoms.density[chosen],
        "q_score": atoms.q[chosen],
    }
    optional = ("insertion_code", "alternative")
    return Table({n: v for n, v in columns.items() if n not in optional or (v != "").any()})


def _mean(values: Floats) -> float:
    """Mean of what is known, NaN where nothing is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
