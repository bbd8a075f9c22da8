"""A training's model learns what its variance means, and says so in its card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.tiny_recipes import SAYS_VARIANCE, recipe_of_an_enhancer

from mapscope import cli, read
from mapscope.errors import InputError
from mapscope.inference import load
from mapscope.jobs import calibrate_confidence, enhance
from mapscope.structure import Structure
from mapscope.training import loop
from mapscope.training.corpus import PackedEntry, write_corpus
from mapscope.training.entry import entry_from_structure
from mapscope.training.judged_voxels import judged_voxels
from mapscope.training.run_folder import RunFolder
from mapscope.training.split import read_split
from mapscope.volume import HalfMaps, Volume

pytest.importorskip("lightning")


def trained(folder: Path, sample_folder: Path, more: str) -> RunFolder:
    """A training of seconds on the sample's helices."""
    structure = read(sample_folder / "four_helix_bundle.cif")
    assert isinstance(structure, Structure)
    entry, split = entry_from_structure(structure, "bundle"), read_split()
    names = [split.entries(part)[0] for part in ("training", "validation", "test")]
    corpus = folder / "corpus.safetensors"
    write_corpus(corpus, [PackedEntry(replace(entry, name=name)) for name in names])
    loop.start(
        recipe_of_an_enhancer(more, steps=8, samples=3), corpus, folder / "run", device="cpu"
    )
    return RunFolder(folder / "run")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, sample_folder: Path) -> RunFolder:
    """A training whose network says a variance."""
    return trained(tmp_path_factory.mktemp("confidence"), sample_folder, SAYS_VARIANCE)


def test_card_gets_a_table_and_scores_with_the_command_that_gives_them(run: RunFolder) -> None:
    before = load(run.model).card
    assert (before.confidence, before.scaled_together, before.conditions) == (
        (), True, ("resolution",),
    )  # fmt: skip
    found = calibrate_confidence(run_folder=run.path, samples=6)
    card = load(run.model).card
    np.testing.assert_array_equal(np.array(card.confidence)[:, 0], found.confidence["variance"])
    np.testing.assert_array_equal(np.array(card.confidence)[:, 1], found.confidence["chance"])
    assert card.training.scores["calibration_error"] == pytest.approx(
        found.calibration_error, abs=1e-5
    )
    assert card.training.scores.keys() > before.training.scores.keys()
    command = card.training.commands["detection_inside"]
    assert command == "mapscope calibrate-confidence --run-folder RUN_FOLDER --samples 6"
    assert card.model_copy(update={"confidence": (), "training": before.training}) == before


def test_command_gives_the_same_scores_again(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    found = calibrate_confidence(run_folder=run.path, samples=4)
    cli.main(["calibrate-confidence", "--run-folder", str(run.path), "--samples", "4", "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["calibration_error_inside"] == pytest.approx(found.calibration_error_inside)
    assert said["detection"] == pytest.approx(found.detection)
    assert len(said["confidence"]) == len(found.confidence["chance"])


def test_voxels_are_right_where_the_map_is_near_the_truth(run: RunFolder) -> None:
    judged = list(judged_voxels(run, "validation", 6))
    assert 0 < len(judged) <= 6
    for one in judged:
        assert one.variance.shape == one.is_right.shape == one.inside.shape == (16, 16, 16)
        assert (one.variance > 0).all()
        assert 0 < one.inside.mean() < 1
    everything = np.concatenate([one.is_right.ravel() for one in judged])
    assert 0.05 < everything.mean() < 1


def test_confidence_of_an_enhanced_map_is_that_of_the_table(run: RunFolder) -> None:
    calibrate_confidence(run_folder=run.path, samples=4)
    random = np.random.default_rng(0)
    signal = np.zeros((24, 24, 24), np.float32)
    signal[8:16, 8:16, 8:16] = random.random((8, 8, 8)) * 5
    halves = [signal + random.normal(0, 0.3, signal.shape).astype(np.float32) for _ in range(2)]
    made = enhance(
        HalfMaps(*map(Volume, halves)), model=str(run.model), device="cpu", resolution=4.0
    )
    chances = np.array(load(run.model).card.confidence)[:, 1]
    assert made.confidence is not None
    assert chances.min() - 1e-6 <= made.confidence.data.min()
    assert made.confidence.data.max() <= chances.max() + 1e-6


def test_training_without_a_variance_or_a_model_is_refused(
    tmp_path: Path, sample_folder: Path
) -> None:
    run = trained(tmp_path, sample_folder, "shells = 0.5")
    with pytest.raises(InputError, match="says a map and its variance"):
        calibrate_confidence(run_folder=run.path, samples=2)
    run.model.unlink()
    with pytest.raises(InputError, match="has no model yet"):
        calibrate_confidence(run_folder=run.path, samples=2)
    with pytest.raises(InputError, match="holds no training"):
        calibrate_confidence(run_folder=tmp_path, samples=2)
