"""Which atoms scatter: selections, assemblies, occupancies, conformers."""

from __future__ import annotations

from collections.abc import Callable

import gemmi
import numpy as np
import pytest

from mapscope.errors import InputError
from mapscope.simulate.atoms import atoms_of
from mapscope.structure import Structure

MakeStructure = Callable[..., Structure]
LINES = [("C", 1.0, 2.0, 3.0, 20.0, 1.0), ("N", 2.0, 3.0, 4.0, 30.0, 0.4)]


def test_atoms_of_when_some_have_no_occupancy_leaves_them_out(structure_of: MakeStructure) -> None:
    structure = structure_of([*LINES, ("O", 5.0, 5.0, 5.0, 10.0, 0.0)])
    atoms = atoms_of(structure)
    assert atoms.elements.tolist() == ["C", "N"]
    np.testing.assert_allclose(atoms.occupancies, [1.0, 0.4], rtol=1e-6)
    np.testing.assert_allclose(atoms.positions[0], [3.0, 2.0, 1.0])


def test_atoms_of_when_none_has_any_occupancy_says_so(structure_of: MakeStructure) -> None:
    structure = structure_of([(*line[:5], 0.0) for line in LINES])
    with pytest.raises(InputError, match=r"all 2 atoms .* occupancy 0"):
        atoms_of(structure)


def test_atoms_of_when_there_are_conformers_has_each_with_its_share() -> None:
    text = (
        "ATOM      1  CB ASER A   1       1.000   2.000   3.000  0.60 20.00           C\n"
        "ATOM      2  CB BSER A   1       1.500   2.000   3.000  0.40 25.00           C\n"
    )
    atoms = atoms_of(Structure.from_gemmi(gemmi.read_pdb_string(text)))
    np.testing.assert_allclose(atoms.occupancies, [0.6, 0.4], rtol=1e-6)


def test_atoms_of_when_b_factors_cannot_be_says_what_to_do(structure_of: MakeStructure) -> None:
    for bad in (501.0, -1.0, float("nan")):
        structure = structure_of([(*LINES[0][:4], bad, 1.0), LINES[1]])
        with pytest.raises(InputError, match=r"0 to 500: give one for all atoms \(b_factor\)"):
            atoms_of(structure)
        assert atoms_of(structure, b_factor=40.0).b_factors.tolist() == [40.0, 40.0]
    fine = structure_of([(*LINES[0][:4], 0.0, 1.0), (*LINES[1][:4], 500.0, 1.0)])
    assert atoms_of(fine).b_factors.tolist() == [0.0, 500.0]


def test_atoms_of_when_hydrogens_are_left_out_has_none(structure_of: MakeStructure) -> None:
    structure = structure_of([*LINES, ("H", 1.0, 1.0, 1.0, 20.0, 1.0)])
    assert len(atoms_of(structure)) == 3
    assert not atoms_of(structure, hydrogens=False).is_hydrogen.any()
    with pytest.raises(InputError, match="nothing but hydrogens"):
        atoms_of(structure, "A/3", hydrogens=False)


def test_atoms_of_when_an_assembly_is_built_are_those_of_gemmi(
    structure_of: MakeStructure,
) -> None:
    structure = structure_of(LINES)
    model = structure.model
    model.setup_entities()
    generator = gemmi.Assembly.Gen()
    generator.chains = ["A"]
    for angle, shift in ((0.0, 0.0), (120.0, 5.0), (240.0, 10.0)):
        turn, move = np.deg2rad(angle), gemmi.Transform()
        cos, sin = np.cos(turn), np.sin(turn)
        move.mat.fromlist([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        move.vec.fromlist([0, 0, shift])
        operator = gemmi.Assembly.Operator()
        operator.transform = move
        generator.operators.append(operator)
    assembly = gemmi.Assembly("1")
    assembly.generators.append(generator)
    model.assemblies.append(assembly)
    ours = atoms_of(structure, assembly="1")
    how = gemmi.HowToNameCopiedChain.AddNumber
    theirs = Structure.from_gemmi(model_alone(gemmi.make_assembly(assembly, model[0], how)))
    assert len(ours) == 6
    np.testing.assert_allclose(
        ours.positions[np.lexsort(ours.positions.T)],
        theirs.positions[np.lexsort(theirs.positions.T)],
        atol=1e-9,
    )
    assert atoms_of(structure, "A/1", "1").elements.tolist() == ["C"] * 3
    with pytest.raises(InputError, match="assembly '2' is not in the file, which has: 1"):
        atoms_of(structure, assembly="2")


def model_alone(model: gemmi.Model) -> gemmi.Structure:
    """A structure of one model."""
    structure = gemmi.Structure()
    structure.add_model(model)
    return structure
