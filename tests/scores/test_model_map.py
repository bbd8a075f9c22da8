"""Correlations of maps with models: literal masks, exact limits, cctbx's numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from scipy.spatial import cKDTree

from mapscope import read
from mapscope.errors import DataError, InputError
from mapscope.scores.model_map import (
    model_correlations,
    model_density,
    residue_correlations,
)
from mapscope.scores.molecule import (
    atom_radius,
    molecular_mask,
    van_der_waals_radii,
    within_radius,
)
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

GRID = Grid((34, 30, 32), (0.85, 1.0, 1.1), (3.0, -7.0, 11.0))
RESOLUTION = 3.0


def structure(shift: float = 0.0, moved: int | None = None) -> Structure:
    """Twelve residues of four atoms on a helix in the grid; one may be moved by 6 Å."""
    middle = GRID.world_from_index((np.asarray(GRID.shape) - 1) / 2) + np.array([0, 0, shift])
    chain = gemmi.Chain("A")
    for number in range(12):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(str(number + 1))
        for place, (name, element) in enumerate((("N", "N"), ("CA", "C"), ("C", "C"), ("O", "O"))):
            turn, height = np.radians(100 * number + 30 * place), 1.5 * (number - 5.5) + 0.4 * place
            z, y, x = middle + np.array([height, 3 * np.sin(turn), (3 + place) * np.cos(turn)])
            atom = gemmi.Atom()
            atom.name, atom.element, atom.b_iso = name, gemmi.Element(element), 30.0
            atom.pos = gemmi.Position(x, y + (6 if number == moved else 0), z)
            residue.add_atom(atom)
        chain.add_residue(residue)
    whole, model = gemmi.Structure(), gemmi.Model(1)
    model.add_chain(chain)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


def mapped(data: Any, contrast: int = 1) -> Volume:
    return Volume(data, GRID.voxel_size, GRID.origin, contrast=contrast)


def test_molecular_mask_equals_its_words_voxel_by_voxel() -> None:
    model = structure()
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    voxels = GRID.world_from_index(index).reshape(-1, 1, 3)
    distance = np.linalg.norm(voxels - model.positions, axis=-1)
    radii = van_der_waals_radii(model.elements)
    covered, in_atoms = (distance < radii + 1.1).any(axis=1), (distance < radii).any(axis=1)
    solvent = voxels[~covered, 0]
    expected = in_atoms.copy()
    path = covered & ~in_atoms
    expected[path] = cKDTree(solvent).query(voxels[path, 0])[0] >= 0.9
    found = molecular_mask(model.positions, model.elements, GRID)
    np.testing.assert_array_equal(found.ravel(), expected)


def test_within_radius_when_positions_lie_outside_counts_what_reaches_in() -> None:
    edge = np.asarray(GRID.origin) - [0.5, 0, 0]
    found = within_radius(np.array([edge, edge - 50]), np.array([1.0, 1.0]), GRID)
    assert found.sum() == 1
    assert found[0, 0, 0]


@pytest.mark.parametrize(
    ("resolution", "b", "expected"), [(2.0, 20, 3.0), (3.3, 90, 3.3), (12, 90, 10)]
)
def test_atom_radius_is_at_least_the_resolution_and_three_to_ten(
    resolution: float, b: float, expected: float
) -> None:
    assert atom_radius(resolution, b) == pytest.approx(expected)


def test_atom_radius_of_blurred_atoms_is_where_cctbx_has_it() -> None:
    # cctbx 2025.11: atom_curves("C", "electron").image(d_min=2, b_iso=300, radius_step=0.1)
    assert atom_radius(2.0, 300.0) == pytest.approx(3.9, abs=0.11)
    with pytest.raises(InputError, match="above 0"):
        atom_radius(0.0, 20.0)


def test_correlations_of_a_model_with_its_own_map_are_one() -> None:
    model = structure()
    data = model_density(model, GRID, RESOLUTION)
    for volume in (mapped(3 * data + 5), mapped(-data, contrast=-1)):
        found = model_correlations(volume, data, model)
        for value in (found.cc_mask, found.cc_box, found.cc_volume, found.cc_peaks):
            assert value == pytest.approx(1, abs=1e-6)
        local = residue_correlations(volume, data, model, 3.0)
        np.testing.assert_allclose(local, 1, atol=1e-5)


def test_correlations_equal_literal_ones_over_the_voxels_that_they_name() -> None:
    model = structure()
    data = model_density(model, GRID, RESOLUTION)
    noise = np.random.default_rng(0).standard_normal(GRID.shape).astype(np.float32)
    observed = data + data.std() * noise
    found = model_correlations(mapped(observed), data, model)
    inside = molecular_mask(model.positions, model.elements, GRID)
    number = int(inside.sum())

    def dense(values: Any) -> Any:
        return values >= np.sort(values, axis=None)[::-1][number]

    def literal(chosen: Any) -> float:
        return float(np.corrcoef(observed[chosen], data[chosen])[0, 1])

    assert found.voxels == number
    assert found.cc_mask == pytest.approx(literal(inside), abs=1e-6)
    assert found.cc_box == pytest.approx(literal(np.ones_like(inside)), abs=1e-6)
    assert found.cc_volume == pytest.approx(literal(dense(data)), abs=1e-6)
    assert found.cc_peaks == pytest.approx(literal(dense(data) | dense(observed)), abs=1e-6)


def test_residue_correlation_equals_the_literal_one_around_each_residue() -> None:
    model = structure()
    data = model_density(model, GRID, RESOLUTION)
    observed = data + data.std() * np.random.default_rng(1).standard_normal(GRID.shape)
    found = residue_correlations(mapped(observed), data, model, 2.5)
    index = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), axis=-1)
    voxels = GRID.world_from_index(index)
    for number in (0, 5, 11):
        atoms = model.positions[model.residue_index == number]
        near = (np.linalg.norm(voxels[..., None, :] - atoms, axis=-1) <= 2.5).any(axis=-1)
        literal = np.corrcoef(observed.astype(np.float32)[near], data[near])[0, 1]
        assert found[number] == pytest.approx(literal, abs=1e-6)


def test_residue_correlation_of_a_misplaced_residue_is_the_lowest() -> None:
    observed = model_density(structure(), GRID, RESOLUTION)
    wrong = structure(moved=4)
    found = residue_correlations(
        mapped(observed), model_density(wrong, GRID, RESOLUTION), wrong, 2.5
    )
    assert int(found.argmin()) == 4
    assert found[4] < 0.5


def test_correlations_when_the_model_lies_partly_or_wholly_outside_say_what_they_can() -> None:
    half = structure(shift=16.0)
    data = model_density(half, GRID, RESOLUTION)
    assert model_correlations(mapped(data), data, half).cc_mask == pytest.approx(1, abs=1e-6)
    local = residue_correlations(mapped(data), data, half, 2.5)
    assert 0 < np.isnan(local).sum() < len(local) or np.isfinite(local).all()
    far = structure(shift=200.0)
    with pytest.raises(DataError, match="no atom lies in the map"):
        model_correlations(mapped(data), data, far)
    assert np.isnan(residue_correlations(mapped(data), data, far, 2.5)).all()


def test_model_density_when_voxels_are_too_coarse_shows_what_they_can() -> None:
    coarse = Grid((16, 16, 16), (2.2, 2.2, 2.2), GRID.origin)
    finest = model_density(structure(), coarse, 4.4)
    np.testing.assert_array_equal(model_density(structure(), coarse, 1.0), finest)


def test_van_der_waals_radii_of_rare_elements_are_gemmis() -> None:
    radii = van_der_waals_radii(np.array(["C", "Xe", "C"]))
    np.testing.assert_allclose(radii, [1.775, gemmi.Element("Xe").vdw_r, 1.775])


@pytest.mark.real_data
def test_correlations_on_a_real_map_are_those_of_cctbx(data_folder: Path) -> None:
    entry = data_folder / "maps" / "emd5185_3j06"
    volume, model = read(entry / "map.mrc.gz"), read(entry / "model.pdb.gz")
    data = model_density(model, volume.grid, 3.3)
    found = model_correlations(replace(volume), data, model)
    # cctbx-base 2025.11: mmtbx.maps.correlation.five_cc at 3.3 Å, electron scattering.
    assert found.cc_mask == pytest.approx(0.7737, abs=2e-3)
    assert found.cc_box == pytest.approx(0.7724, abs=2e-3)
    assert found.cc_volume == pytest.approx(0.7551, abs=2e-3)
    assert found.cc_peaks == pytest.approx(0.7864, abs=2e-3)
