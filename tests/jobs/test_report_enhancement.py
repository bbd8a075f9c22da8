"""The report of an enhancement says what is data, what became of the model, and of noise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests import tiny_models

from mapscope import cli
from mapscope.errors import GridError
from mapscope.files import read, write, write_report
from mapscope.jobs import all_jobs
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.known_pairs import KnownPair, box_around, known_pair
from mapscope.structure import Structure
from mapscope.volume import Volume

JOBS = all_jobs()


@pytest.fixture(scope="module")
def model(sample_folder: Path) -> Structure:
    structure: Structure = read(sample_folder / "four_helix_bundle.cif")
    return structure


@pytest.fixture(scope="module")
def pair(model: Structure) -> KnownPair:
    atoms = atoms_of(model, hydrogens=False)
    return known_pair(atoms, box_around(atoms, 48), seed=1, resolution=4.0)


@pytest.fixture(scope="module")
def lifting(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An enhancer that makes what is dense three times as dense."""
    folder = tmp_path_factory.mktemp("lifting")
    path = tiny_models.write_enhancer(folder / "lifting.safetensors", lift=2.0, cite=("Me (2026)",))
    return str(path)


@pytest.fixture(scope="module")
def enhanced(pair: KnownPair, lifting: str) -> Any:
    return JOBS["enhance"](pair.half_maps, mask=pair.mask, model=lifting, strength="strong")


@pytest.fixture(scope="module")
def report(pair: KnownPair, lifting: str, enhanced: Any, model: Structure) -> Any:
    return JOBS["report_enhancement"](
        *(enhanced.enhanced, enhanced.data, pair.half_maps, model, enhanced.confidence, pair.mask),
        model=lifting,
    )


def test_report_of_a_map_that_is_the_data_has_no_prior_and_nothing_made_worse(
    pair: KnownPair, model: Structure
) -> None:
    file = str(tiny_models.enhancer_file())
    made = JOBS["enhance"](pair.half_maps, mask=pair.mask, model=file, strength="strong")
    found = JOBS["report_enhancement"](
        made.enhanced, made.data, pair.half_maps, model, mask=pair.mask, model=file
    )
    assert found.prior == pytest.approx(0, abs=1e-3)
    assert found.agreement is None
    assert found.change.q_score == pytest.approx(found.change.q_score_before, abs=1e-3)
    assert found.change.share_worse == 0
    assert len(found.worse) == 0
    assert found.noise.deviation == pytest.approx(1, abs=1e-2)
    assert found.noise.highest == pytest.approx(found.noise.highest_given, rel=1e-2)
    assert found.confidence is None
    assert found.note == ""


def test_report_of_a_network_that_lifts_noise_says_so(report: Any) -> None:
    assert report.noise.deviation > 1.5
    assert report.noise.highest > 2 * report.noise.highest_given
    assert report.prior > 0.02
    assert report.cite.startswith("Me (2026); ")
    assert "Seitzer" in report.cite
    assert 0 < report.confidence < 1
    assert report.change.residues == len(report.residues)
    names = set(report.shells.columns)
    assert {"with_data", "with_input", "c_ref", "prior_gain"} < names


def test_report_page_holds_numbers_plots_residues_and_papers(report: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(path, report)
    text = path.read_text(encoding="utf-8")
    for word in ("EMRinger", "Prior gain", "Me (2026)", "What of the map is data", "noise"):
        assert word in text
    assert "Rosenthal" in text


def test_report_without_model_file_half_maps_or_structure_says_what_is_missing(
    enhanced: Any, pair: KnownPair, lifting: str
) -> None:
    run = JOBS["report_enhancement"]
    none = run(enhanced.enhanced, enhanced.data, pair.half_maps, model="no_such_model")
    assert none.noise is None
    assert "not asked about noise" in none.note
    alone = run(enhanced.enhanced, enhanced.data, model=lifting)
    assert alone.noise is None
    assert "give half maps" in alone.note
    assert alone.change is alone.residues is None
    assert len(alone.worse) == 0
    made_by_hand = enhanced.data.with_data(enhanced.data.data)
    silent = run(made_by_hand, enhanced.data, noise="left_out")
    assert silent.note == silent.cite == ""


def test_noise_of_a_map_without_half_maps_is_its_data_with_random_phases(
    enhanced: Any, lifting: str
) -> None:
    found = JOBS["report_enhancement"](
        enhanced.enhanced, enhanced.data, model=lifting, resolution=4.0
    )
    assert "random phases" in found.noise.kind
    assert found.noise.deviation > 1.5


def test_report_of_maps_that_do_not_belong_together_is_refused(enhanced: Any) -> None:
    moved = Volume(enhanced.data.data, enhanced.data.voxel_size, (900.0, 0.0, 0.0))
    with pytest.raises(GridError, match="the data"):
        JOBS["report_enhancement"](enhanced.enhanced, moved, noise="left_out")


def test_command_writes_the_report_as_a_page(
    enhanced: Any, model: Structure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = {}
    for name, noun in (("enhanced", enhanced.enhanced), ("data", enhanced.data)):
        write(tmp_path / f"{name}.mrc", noun)
        paths[name] = str(tmp_path / f"{name}.mrc")
    write(tmp_path / "model.cif", model)
    line = ["report-enhancement", paths["enhanced"], paths["data"]]
    line += ["--structure", str(tmp_path / "model.cif"), "--noise", "left_out", "--json"]
    assert cli.main([*line, "--out", str(tmp_path / "page.html")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["change"]["residues"] == 72
    assert np.isfinite(said["prior"])
    assert (tmp_path / "page.html").stat().st_size > 10_000
