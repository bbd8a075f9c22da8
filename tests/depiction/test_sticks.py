"""The bonds of amino acids are the known ones; sticks are closed and belong to their atoms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gemmi
import numpy as np
import pytest
from tests.depiction.conftest import atom, enclosed, is_closed, structure_of

from mapscope.depiction.bonds import bonds
from mapscope.depiction.residues import residues_of
from mapscope.depiction.sticks import sticks
from mapscope.files import read
from mapscope.structure import Structure

BACKBONE = "N-CA CA-C C-O"
SIDE_CHAINS = {
    "GLY": "",
    "ALA": "CA-CB",
    "SER": "CA-CB CB-OG",
    "CYS": "CA-CB CB-SG",
    "VAL": "CA-CB CB-CG1 CB-CG2",
    "THR": "CA-CB CB-OG1 CB-CG2",
    "ILE": "CA-CB CB-CG1 CB-CG2 CG1-CD1",
    "LEU": "CA-CB CB-CG CG-CD1 CG-CD2",
    "ASP": "CA-CB CB-CG CG-OD1 CG-OD2",
    "ASN": "CA-CB CB-CG CG-OD1 CG-ND2",
    "GLU": "CA-CB CB-CG CG-CD CD-OE1 CD-OE2",
    "GLN": "CA-CB CB-CG CG-CD CD-OE1 CD-NE2",
    "MET": "CA-CB CB-CG CG-SD SD-CE",
    "LYS": "CA-CB CB-CG CG-CD CD-CE CE-NZ",
    "ARG": "CA-CB CB-CG CG-CD CD-NE NE-CZ CZ-NH1 CZ-NH2",
    "PRO": "CA-CB CB-CG CG-CD CD-N",
    "HIS": "CA-CB CB-CG CG-ND1 CG-CD2 ND1-CE1 CD2-NE2 CE1-NE2",
    "PHE": "CA-CB CB-CG CG-CD1 CG-CD2 CD1-CE1 CD2-CE2 CE1-CZ CE2-CZ",
    "TYR": "CA-CB CB-CG CG-CD1 CG-CD2 CD1-CE1 CD2-CE2 CE1-CZ CE2-CZ CZ-OH",
    "TRP": (
        "CA-CB CB-CG CG-CD1 CG-CD2 CD1-NE1 NE1-CE2 CD2-CE2 CD2-CE3 CE2-CZ2 CE3-CZ3 CZ2-CH2 CZ3-CH2"
    ),
}


def _named(structure: Structure, residue: int) -> set[frozenset[str]]:
    """The bonds within a residue, by the names of their atoms."""
    mask = residues_of(structure).of_atoms == residue
    return {frozenset(structure.atom_names[pair].tolist()) for pair in bonds(structure, mask)}


@pytest.mark.real_data
def test_bonds_when_of_the_twenty_amino_acids_are_the_known_ones(data_folder: Path) -> None:
    structure = read(data_folder / "maps" / "xray_3ek3" / "model.cif.gz")
    other = read(data_folder / "structures" / "1a8d.pdb.gz")
    seen = set()
    for whole in (structure, other):
        assert isinstance(whole, Structure)
        residues = residues_of(whole)
        for name, side in SIDE_CHAINS.items():
            known = {frozenset(pair.split("-")) for pair in f"{BACKBONE} {side}".split()}
            atoms = set().union(*known)
            for residue in np.flatnonzero(residues.names == name).tolist():
                there = whole.atom_names[residues.atoms(residue)].tolist()
                if sorted(there) == sorted(atoms):
                    assert _named(whole, residue) == known, residues.label(residue)
                    seen.add(name)
    assert seen == set(SIDE_CHAINS)


def test_bonds_when_between_residues_are_peptides_only(helix: Structure) -> None:
    owners = residues_of(helix).of_atoms
    pairs = bonds(helix)
    between = pairs[owners[pairs[:, 0]] != owners[pairs[:, 1]]]
    assert len(between) == 17
    assert {frozenset(helix.atom_names[p].tolist()) for p in between} == {frozenset({"C", "N"})}


def test_bonds_when_atoms_are_alternatives_are_not_across_them() -> None:
    chain, residue = gemmi.Chain("A"), gemmi.Residue()
    residue.name, residue.seqid = "SER", gemmi.SeqId(1, " ")
    residue.add_atom(atom("CB", "C", (0, 0, 0)))
    residue.add_atom(atom("OG", "O", (1.4, 0, 0), "A"))
    residue.add_atom(atom("OG", "O", (0.9, 1.1, 0), "B"))
    chain.add_residue(residue)
    assert bonds(structure_of(chain)).tolist() == [[0, 1], [0, 2]]


def test_bonds_when_hydrogens_crowd_join_none_of_them(
    from_pdb: Callable[[str], Structure],
) -> None:
    lines = [
        f"ATOM  {n:5d} {name:<4s} HOH A   1    {x:8.3f}   0.000   0.000"
        f"  1.00 10.00          {el:>2s}"
        for n, name, x, el in ((1, " O", 0.0, "O"), (2, " H1", 0.96, "H"), (3, " H2", 1.7, "H"))
    ]
    assert bonds(from_pdb("\n".join(lines) + "\nEND\n")).tolist() == [[0, 1]]


def test_sticks_when_drawn_are_closed_outward_and_half_of_each_bond_is_of_its_atom(
    helix: Structure,
) -> None:
    mask = residues_of(helix).of_atoms == 4
    picture = sticks(helix, mask, radius=0.2)
    assert is_closed(picture.mesh)
    assert enclosed(picture.mesh) > 0
    assert picture.atoms is not None
    assert set(picture.atoms.tolist()) == set(np.flatnonzero(mask).tolist())
    assert set(picture.residues.tolist()) == {4}
    own = helix.positions[picture.atoms]
    assert np.linalg.norm(picture.mesh.vertices - own, axis=1).max() < 1.53 / 2 + 0.2


def test_sticks_when_nothing_is_selected_are_empty(helix: Structure) -> None:
    assert sticks(helix, np.zeros(len(helix), dtype=bool)).is_empty


def test_sticks_when_an_atom_has_no_bond_show_it_as_a_ball(helix: Structure) -> None:
    mask = np.zeros(len(helix), dtype=bool)
    mask[1] = True
    away = sticks(helix, mask, radius=0.2).mesh.vertices - helix.positions[1]
    assert np.allclose(np.linalg.norm(away, axis=1), 0.6, atol=1e-5)
