"""Structures are gemmi's models with their atoms as arrays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.testing import example_noun


def test_structure_arrays_cannot_be_written_to() -> None:
    structure = example_noun(Structure)
    for name in ("positions", "elements", "chains", "b_factors", "residue_index"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(structure, name)[0] = 0


def test_from_gemmi_turns_x_y_z_into_z_y_x_and_keeps_the_order_of_atoms() -> None:
    structure = example_noun(Structure)
    seen = [site.atom.pos for site in structure.model[0].all()]
    np.testing.assert_array_equal(structure.positions, [(p.z, p.y, p.x) for p in seen])
    assert structure.residue_numbers.tolist() == list(range(1, 15))
    assert structure.residue_index.tolist() == list(range(14))
    assert set(structure.b_factors.tolist()) == {20.0}


def test_from_gemmi_when_there_are_no_atoms_says_so() -> None:
    with pytest.raises(InputError, match="holds no atoms"):
        Structure.from_gemmi(gemmi.Structure())


@pytest.mark.parametrize(
    ("residue", "atom", "chain"),
    [("ALA", "CA", "A"), ("A1BCD", "HO5'1", "AAxp2"), ("LONGRESIDUE", "LONGATOM", "LONGCHAIN")],
)
def test_from_gemmi_whatever_the_length_of_names_is_what_gemmi_says_atom_by_atom(
    residue: str, atom: str, chain: str
) -> None:
    model = example_noun(Structure).model.clone()
    model[0][0].name, model[0][0][2].name, model[0][0][3][0].name = chain, residue, atom
    model[0][0][4][0].element = gemmi.Element("D")
    model.add_model(model[0].clone())
    found = Structure.from_gemmi(model)
    sites = list(model[0].all())
    assert len(found) == len(sites) == 14
    assert found.chains.tolist() == [site.chain.name for site in sites]
    assert found.residue_names.tolist() == [site.residue.name for site in sites]
    assert found.atom_names.tolist() == [site.atom.name for site in sites]
    assert found.elements.tolist() == [site.atom.element.name for site in sites]
    assert found.residue_names.dtype == np.array(found.residue_names.tolist()).dtype
    assert found.positions.dtype == np.float64
    assert found.b_factors.dtype == found.occupancies.dtype == np.float32


def test_structure_when_arrays_differ_in_length_is_refused() -> None:
    structure = example_noun(Structure)
    with pytest.raises(InputError, match="equal length"):
        replace(structure, chains=structure.chains[1:])


def test_is_backbone_takes_ca_of_carbon_and_not_of_calcium() -> None:
    structure = example_noun(Structure)
    assert structure.is_backbone.all()
    elements = structure.elements.astype("U2")
    elements[3] = "Ca"
    assert np.flatnonzero(~replace(structure, elements=elements).is_backbone).tolist() == [3]


def test_bounds_enclose_every_atom_tightly() -> None:
    structure = example_noun(Structure)
    low, high = structure.bounds
    assert (low == structure.positions.min(axis=0)).all()
    assert (high == structure.positions.max(axis=0)).all()


def test_checksum_changes_with_positions_names_and_factors_and_only_then() -> None:
    structure = example_noun(Structure)
    others = [
        replace(structure, positions=structure.positions + 0.001),
        replace(structure, chains=np.array(["B"] * 14)),
        replace(structure, b_factors=structure.b_factors + 1),
        replace(structure, occupancies=structure.occupancies / 2),
        replace(structure, residue_names=np.array(["GLY"] * 14)),
    ]
    assert len({structure.checksum(), *(other.checksum() for other in others)}) == 6
    assert example_noun(Structure).checksum() == structure.checksum()


@pytest.mark.parametrize("name", ["a.cif", "a.pdb.gz"])
def test_checksum_survives_a_file(tmp_path: Path, name: str) -> None:
    structure = example_noun(Structure)
    assert read(write(tmp_path / name, structure)).checksum() == structure.checksum()
