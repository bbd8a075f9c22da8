"""A model is scored in a map, whatever the model is and wherever it lies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import cli
from mapscope.depiction.residues import residues_of
from mapscope.errors import DataError, GridError, InputError
from mapscope.files import read, write
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.volume import HalfMaps, Region, Volume

JOBS = all_jobs()
MAIN_CHAIN = ("N", "CA", "C", "O", "CB")


@pytest.fixture(scope="module")
def model(sample_folder: Path) -> Structure:
    structure: Structure = read(sample_folder / "four_helix_bundle.cif")
    return structure


@pytest.fixture(scope="module")
def volume(model: Structure) -> Volume:
    """The map that the model would give, with a little noise."""
    found: Volume = JOBS["simulate_map"](model, resolution=2.0, voxel_size=0.8, padding=4.0)
    random = np.random.default_rng(0)
    noise = random.normal(0, 0.05 * found.data.std(), found.shape)
    return found.with_data((found.data + noise).astype(np.float32))


@pytest.fixture(scope="module")
def scores(model: Structure, volume: Volume) -> Any:
    return JOBS["score_model_in_map"](model, volume, resolution=2.0)


def only(structure: Structure, names: tuple[str, ...]) -> Structure:
    """The structure with only those atoms."""
    whole = structure.model.clone()
    for chain in whole[0]:
        for residue in chain:
            for n in reversed(range(len(residue))):
                if residue[n].name not in names:
                    del residue[n]
    return Structure.from_gemmi(whole)


def test_score_of_a_model_in_its_own_map_is_high_everywhere(model: Structure, scores: Any) -> None:
    assert scores.emringer.score > 4
    assert scores.emringer.rotameric > 0.7
    assert scores.q_score.mean > 0.7
    assert scores.q_score.mean == scores.q_score.protein
    assert scores.q_score.nucleic is None
    assert scores.q_score.expected == pytest.approx(0.7642)
    assert scores.agreement.cc_mask > 0.95
    assert scores.agreement.d_fsc_half < 2.3
    assert scores.agreement.resolution == 2.0
    assert scores.atoms_outside == 0
    assert scores.gain is None


def test_tables_have_a_row_each_and_agree_with_the_whole(model: Structure, scores: Any) -> None:
    residues, atoms, chains = scores.residues, scores.atoms, scores.chains
    heavy = ~np.isin(model.elements, ("H", "D"))
    assert len(residues) == len(residues_of(model))
    assert len(atoms) == int(heavy.sum()) == residues["atoms"].sum()
    assert np.nanmean(atoms["q_score"]) == pytest.approx(scores.q_score.mean)
    weighted = np.nansum(residues["q_score"] * residues["atoms"]) / len(atoms)
    assert weighted == pytest.approx(scores.q_score.mean)
    assert chains["atoms"].sum() == len(atoms)
    assert chains["scanned"].sum() == scores.emringer.residues == len(scores.rolling)
    assert np.isfinite(residues["peak_chi1"]).sum() == scores.emringer.residues
    assert (residues["cc"] > 0.9).mean() > 0.95
    assert residues.plot.levels == {"usual at this resolution": scores.q_score.expected}
    names, scanned = residues["name"], np.isfinite(residues["chi1"])
    assert not np.isin(names[scanned], ("ALA", "GLY", "PRO", "THR", "VAL", "ILE")).any()


def test_resolution_when_none_is_given_is_where_map_and_model_last_agree(
    model: Structure, volume: Volume
) -> None:
    found = JOBS["score_model_in_map"](model, volume, selection="A/5-10").agreement
    assert 1.6 <= found.resolution <= 2.3


def test_score_of_a_selection_has_only_its_rows_and_the_same_values(
    model: Structure, volume: Volume, scores: Any
) -> None:
    some = JOBS["score_model_in_map"](model, volume, resolution=2.0, selection="A/5-10")
    whole = scores.residues
    rows = (whole["chain"] == "A") & (whole["number"] >= 5) & (whole["number"] <= 10)
    np.testing.assert_array_equal(some.residues["number"], whole["number"][rows])
    for name in ("q_score", "peak_density", "cc"):
        np.testing.assert_allclose(some.residues[name], whole[name][rows], atol=1e-6)
    with pytest.raises(InputError, match="no residue"):
        JOBS["score_model_in_map"](model, volume, selection="A/5000")


def test_score_in_half_maps_is_given_for_each_and_held_against_what_they_allow(
    model: Structure, volume: Volume
) -> None:
    random = np.random.default_rng(1)
    sigma = 0.4 * volume.data.std()
    noisy = [
        volume.with_data((volume.data + random.normal(0, sigma, volume.shape)).astype(np.float32))
        for _ in range(2)
    ]
    found = JOBS["score_model_in_map"](model, volume, HalfMaps(*noisy), resolution=2.0)
    for score in (found.q_score, found.emringer):
        assert score.first_half is not None
        assert score.second_half is not None
    assert found.q_score.first_half < found.q_score.mean > found.q_score.second_half
    assert {"q_first_half", "q_second_half"} < set(found.residues.columns)
    assert found.gain is not None
    assert found.agreement.prior_gain > -1
    elsewhere = Volume(volume.data, volume.voxel_size, (0.0, 0.0, 500.0))
    with pytest.raises(GridError, match="half maps"):
        JOBS["score_model_in_map"](model, volume, HalfMaps(elsewhere, elsewhere))


def test_model_without_side_chains_has_no_emringer_score_and_the_note_says_so(
    model: Structure, volume: Volume
) -> None:
    found = JOBS["score_model_in_map"](only(model, MAIN_CHAIN), volume, resolution=2.0)
    assert found.emringer is None
    assert "no EMRinger score: the model has no side chains" in found.note
    assert found.q_score.mean > 0.7
    assert len(found.thresholds) == len(found.rolling) == 0
    assert np.isnan(found.residues["peak_chi1"]).all()


def test_nucleic_acid_alone_has_q_scores_of_its_own_and_no_emringer_score() -> None:
    whole, one, chain = gemmi.Structure(), gemmi.Model(1), gemmi.Chain("R")
    random = np.random.default_rng(2)
    for number in range(6):
        residue = gemmi.Residue()
        residue.name, residue.seqid = "A", gemmi.SeqId(str(number + 1))
        for name in ("P", "O5'", "C5'", "C4'", "C3'", "O3'", "N9", "C8"):
            atom = gemmi.Atom()
            atom.name, atom.element, atom.b_iso = name, gemmi.Element(name[0]), 20.0
            atom.pos = gemmi.Position(*(random.uniform(0, 4, 3) + np.array([6.0 * number, 0, 0])))
            residue.add_atom(atom)
        chain.add_residue(residue)
    one.add_chain(chain)
    whole.add_model(one)
    structure = Structure.from_gemmi(whole)
    density = JOBS["simulate_map"](structure, resolution=2.0, voxel_size=0.8)
    found = JOBS["score_model_in_map"](structure, density, resolution=2.0)
    assert found.emringer is None
    assert found.note == "no EMRinger score: there is no protein"
    assert found.q_score.protein is None
    assert found.q_score.nucleic == found.q_score.mean > 0.3
    assert found.q_score.expected == pytest.approx(0.7219)
    assert np.isfinite(found.residues["q_main_chain"]).all()
    assert np.isfinite(found.residues["q_side_chain"]).all()


def test_file_with_several_models_is_scored_by_the_chosen_one(
    model: Structure, volume: Volume, scores: Any
) -> None:
    whole = model.model.clone()
    whole.add_model(whole[0])
    for site in whole[1].all():
        site.atom.pos += gemmi.Position(1.5, 0, 0)
    both = Structure.from_gemmi(whole)
    first, second = (
        JOBS["score_model_in_map"](both, volume, resolution=2.0, model=n) for n in (1, 2)
    )
    assert first.note == "model 1 of 2 was scored"
    assert first.q_score == scores.q_score
    assert second.q_score.mean < 0.5 * first.q_score.mean
    with pytest.raises(InputError, match="no model 3"):
        JOBS["score_model_in_map"](both, volume, model=3)


def test_model_half_outside_is_scored_where_it_is_inside_and_the_rest_counted(
    model: Structure, volume: Volume, scores: Any
) -> None:
    z, y, x = volume.shape
    region = Region((0, 0, 0), (z, y, x // 2))
    half = JOBS["crop_map"](volume, region=region)
    found = JOBS["score_model_in_map"](model, half, resolution=2.0)
    heavy = ~np.isin(model.elements, ("H", "D"))
    outside = int((heavy & ~half.grid.contains(model.positions)).sum())
    assert found.atoms_outside == outside > 100
    assert f"{outside:,} of {int(heavy.sum()):,} atoms lie outside the map" in found.note
    assert found.q_score.atoms == int(heavy.sum()) - outside
    assert found.q_score.mean == pytest.approx(scores.q_score.mean, abs=0.03)
    assert 0 < found.emringer.residues < scores.emringer.residues
    far = Volume(volume.data, volume.voxel_size, (900.0, 900.0, 900.0))
    with pytest.raises(DataError, match="none of the"):
        JOBS["score_model_in_map"](model, far)


def test_model_with_impossible_b_factors_has_scores_and_no_correlation(
    model: Structure, volume: Volume
) -> None:
    whole = model.model.clone()
    for site in whole[0].all():
        site.atom.b_iso = 900.0
    found = JOBS["score_model_in_map"](Structure.from_gemmi(whole), volume, resolution=2.0)
    assert found.agreement is None
    assert found.shells is None
    assert "B-factors" in found.note
    assert found.q_score.mean > 0.7
    assert "cc" not in found.residues.columns


def test_map_of_zeros_gives_scores_of_nothing_and_the_note_says_why(
    model: Structure, volume: Volume
) -> None:
    empty = volume.with_data(np.zeros(volume.shape, dtype=np.float32))
    found = JOBS["score_model_in_map"](model, empty)
    assert found.q_score.mean == 0
    assert found.q_score.expected is None
    assert found.emringer is None
    assert found.agreement.cc_mask is None
    assert "map and model agree at no resolution" in found.note
    assert np.isnan(found.residues["peak_chi1"]).all()
    assert np.isnan(found.residues["is_rotameric"]).all()


def test_chains_alike_but_for_case_and_insertion_codes_stay_apart(
    model: Structure, volume: Volume
) -> None:
    whole = model.model.clone()
    copy = whole[0][0].clone()
    copy.name = copy.name.lower()
    whole[0].add_chain(copy)
    for number, residue in enumerate(whole[0][0]):
        residue.seqid = gemmi.SeqId(7, chr(ord("A") + number))
    found = JOBS["score_model_in_map"](Structure.from_gemmi(whole), volume, resolution=2.0)
    assert found.chains["chain"].tolist() == ["A", "B", "C", "D", "a"]
    first, last = (found.residues["chain"] == name for name in "Aa")
    assert found.residues["insertion_code"][first].tolist()[:3] == ["A", "B", "C"]
    assert (found.residues["number"][first] == 7).all()
    assert found.residues["number"][last].tolist()[:3] == [1, 2, 3]
    np.testing.assert_allclose(found.residues["q_score"][first], found.residues["q_score"][last])


def test_usual_q_score_is_not_given_where_the_line_through_deposited_models_ends(
    model: Structure, volume: Volume
) -> None:
    assert JOBS["score_model_in_map"](model, volume, resolution=6.0).q_score.expected > 0
    assert JOBS["score_model_in_map"](model, volume, resolution=12.0).q_score.expected is None


def test_command_prints_scores_that_belong_together_as_one_object(
    model: Structure, volume: Volume, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(write(tmp_path / "m.cif", model)), str(write(tmp_path / "v.mrc", volume))]
    words = ["score-model-in-map", *paths, "--selection", "A/5-25", "--resolution", "2"]
    assert cli.main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer["emringer"]["score"], float)
    assert 0.7 < answer["q_score"]["mean"] < 1
    assert answer["record"]["answers"]["q_score"] == answer["q_score"]
    assert len(answer["residues"]) == 14
    assert cli.main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("q score mean: 0.") for line in lines)


def test_chi1_curve_of_a_clicked_residue_shows_its_peak_or_says_why_there_is_none(
    model: Structure, volume: Volume, scores: Any
) -> None:
    table = scores.residues
    row = int(np.flatnonzero(np.isfinite(table["peak_chi1"]))[3])
    residues = residues_of(model)
    position = residues.center(model, row)
    curve = JOBS["chi1_curve"](model, volume, position=position)
    assert curve.plot.headline.startswith(residues.label(row))
    assert curve.plot.marks["peak"] == table["peak_chi1"][row]
    assert curve["density"].max() == table["peak_density"][row]
    other = int(np.flatnonzero(table["name"] == "ALA")[0])
    nothing = JOBS["chi1_curve"](model, volume, position=residues.center(model, other))
    assert len(nothing) == 0
    assert nothing.plot.headline == f"{residues.label(other)} has no χ1 that EMRinger scans"
