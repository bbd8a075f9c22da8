"""How much of a map is data, and what it does to a model, where both are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapscope.density.fourier import low_pass
from mapscope.density.halves import mean_map
from mapscope.depiction.residues import residues_of
from mapscope.errors import DataError, GridError
from mapscope.files import read
from mapscope.scores.enhancement import (
    agreement_table,
    masked_correlation,
    noise_summary,
    share_of_prior,
)
from mapscope.scores.model_changes import WORSE, model_change, worst_first
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.known_pairs import box_around, density_of
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

HALVES: HalfMaps = example_noun(HalfMaps)
MEAN = mean_map(HALVES)


def noise(like: Volume, seed: int = 0) -> Volume:
    random = np.random.default_rng(seed)
    return like.with_data(random.standard_normal(like.shape, dtype=np.float32))


@pytest.fixture(scope="module")
def model(sample_folder: Path) -> Structure:
    structure: Structure = read(sample_folder / "four_helix_bundle.cif")
    return structure


@pytest.fixture(scope="module")
def truth(model: Structure) -> Volume:
    atoms = atoms_of(model, hydrogens=False)
    return density_of(atoms, box_around(atoms, 56))


def test_map_that_is_the_data_holds_no_prior() -> None:
    table = agreement_table(MEAN, MEAN, HALVES)
    np.testing.assert_allclose(np.asarray(table["with_data"], float), 1, atol=1e-5)
    np.testing.assert_allclose(np.asarray(table["with_input"], float), 1, atol=1e-5)
    assert share_of_prior(table) == pytest.approx(0, abs=1e-5)
    assert np.asarray(table["power"], float).sum() == pytest.approx(1)
    assert table.plot is not None
    assert "everywhere" in table.plot.headline


def test_map_that_has_nothing_of_the_data_is_all_prior() -> None:
    table = agreement_table(noise(MEAN), MEAN)
    assert share_of_prior(table) > 0.98
    assert "with_input" not in table.columns


def test_prior_is_told_in_the_shells_that_it_was_put_into() -> None:
    data = low_pass(MEAN, 8.0)
    extra = noise(MEAN)
    added = extra.with_data(extra.data - low_pass(extra, 8.0).data)
    made = data.with_data(data.data + 0.1 * added.data)
    table = agreement_table(made, data)
    gain, frequency = (np.asarray(table[n], float) for n in ("prior_gain", "frequency"))
    assert gain[(frequency > 0.01) & (frequency < 0.08)].max() < 0.05
    assert gain[frequency > 0.17].min() > 0.9


def test_c_ref_beside_the_agreement_is_that_of_the_half_maps() -> None:
    table = agreement_table(MEAN, MEAN, HALVES)
    c_ref = np.asarray(table["c_ref"], float)
    assert c_ref[1] > 0.9
    assert (np.diff(np.flatnonzero(c_ref == 0)) == 1).all()
    assert ((c_ref >= 0) & (c_ref <= 1)).all()


def test_maps_on_other_grids_are_refused() -> None:
    other = Volume(MEAN.data, MEAN.voxel_size, (100.0, 0.0, 0.0))
    with pytest.raises(GridError, match="the data"):
        agreement_table(other, MEAN)
    with pytest.raises(GridError, match="half maps"):
        agreement_table(other, other, HALVES)
    with pytest.raises(GridError, match="mask"):
        masked_correlation(MEAN, MEAN, other)


def test_noise_is_told_against_the_contour() -> None:
    given = noise(MEAN)
    peak = float(given.data.max() - given.data.mean())
    found = noise_summary(given.with_data(0.25 * given.data), given, 2.0, "noise")
    assert found.highest_given == pytest.approx(peak / 2, rel=1e-5)
    assert found.highest == pytest.approx(peak / 8, rel=1e-4)
    assert found.deviation == pytest.approx(0.25, rel=1e-4)


def test_model_in_a_map_that_did_not_change_is_made_neither_better_nor_worse(
    model: Structure, truth: Volume
) -> None:
    change, table = model_change(model, truth, truth)
    assert change.q_score == change.q_score_before > 0.7
    assert change.emringer == change.emringer_before
    assert change.share_worse == change.share_better == 0
    assert change.residues == len(table) == len(residues_of(model))
    assert len(worst_first(table)) == 0


def test_residues_whose_density_was_erased_are_the_ones_made_worse(
    model: Structure, truth: Volume
) -> None:
    residues = residues_of(model)
    gone = model.positions[residues.of_atoms == 20]
    grid = truth.grid
    places = grid.world_from_index(np.moveaxis(np.indices(grid.shape), 0, -1))
    near = np.zeros(grid.shape, dtype=bool)
    for atom in gone:
        near |= np.linalg.norm(places - atom, axis=-1) < 2.0
    erased = truth.with_data(np.where(near, 0, truth.data).astype(np.float32))
    change, table = model_change(model, truth, erased)
    worst = worst_first(table)
    assert worst["number"][0] == residues.numbers[20]
    assert 0 < change.share_worse < 0.3
    assert change.share_worse == pytest.approx(len(worst) / len(table))
    assert (np.asarray(worst["q_change"], float) < -WORSE).all()
    assert (np.diff(np.asarray(worst["q_change"], float)) >= 0).all()


def test_blurred_map_makes_a_model_worse_and_the_scores_say_so(
    model: Structure, truth: Volume
) -> None:
    change, _ = model_change(model, truth, low_pass(truth, 6.0))
    assert change.share_worse > 0.9
    assert change.q_score < change.q_score_before - 0.2


def test_model_of_another_map_is_refused(model: Structure, truth: Volume) -> None:
    far = Volume(truth.data, truth.voxel_size, (900.0, 900.0, 900.0))
    with pytest.raises(DataError, match="another map"):
        model_change(model, far, far)
