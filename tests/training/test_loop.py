"""A training that was stopped goes on as if it never was, and equal seeds give equal weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mapscope import cli
from mapscope.errors import Cancelled, InputError, TrainingError
from mapscope.inference import load
from mapscope.training import loop
from mapscope.training.checkpoint import read_state
from mapscope.training.class_maps import ClassMapSamples
from mapscope.training.corpus import PackedEntry, write_corpus
from mapscope.training.entry import CorpusEntry
from mapscope.training.evaluation import best_network, class_table, evaluate, samples_of_run
from mapscope.training.run_folder import RunFolder
from mapscope.training.split import read_split

pytest.importorskip("lightning")

RECIPE = """
name = "tiny"
about = "A recipe for tests."
seed = {seed}

[network]
name = "cnn_2019"
config = {{ size = 16, width = 0.06 }}

[data]
kind = "class_maps"
size = 16
voxel_size = 3.0
orientations = 1
min_residues = 5

[optimiser]
name = "adamw"
rate = 3e-3
decay = "cosine"
largest_gradient = 1.0

[schedule]
steps = {steps}
batch = 6
validate_every = 8
validation_samples = 6
save_every = 3
average = 0.9
workers = {workers}
"""


def recipe(*, seed: int = 5, steps: int = 20, workers: int = 0) -> str:
    """The text of a recipe that takes a second."""
    return RECIPE.format(seed=seed, steps=steps, workers=workers)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, bundle_entry: CorpusEntry) -> Path:
    """The sample's helices under the names of two entries of each part."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.safetensors"
    split = read_split()
    names = [n for part in ("training", "validation", "test") for n in split.entries(part)[:2]]
    random = np.random.default_rng(0)
    entries = []
    for name in names:
        moved = bundle_entry.positions * random.uniform(0.8, 1.2, 3)
        entries.append(PackedEntry(replace(bundle_entry, name=name, positions=moved)))
    write_corpus(path, entries)
    return path


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, corpus: Path, cache: Path) -> RunFolder:
    """A run from the first step to the last."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    loop.start(recipe(), corpus, folder, cache=cache, device="cpu")
    return RunFolder(folder)


def weights(run: RunFolder) -> dict[str, Any]:
    """The last weights and their average."""
    state = read_state(run.last)
    return {**state["current_model_state"], **{f"{k}*": v for k, v in state["state_dict"].items()}}


def stop_at(step: int) -> Callable[[int, int, str], None]:
    """A progress whose user stops after so many steps."""
    seen = []

    def tell(done: int, total: int, message: str = "") -> None:
        seen.append(message)
        if seen.count("training") == step:
            raise Cancelled

    return tell


@pytest.mark.parametrize("step", [2, 7, 8, 17])
def test_a_run_stopped_at_any_step_and_resumed_ends_with_the_unbroken_runs_weights(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder, step: int
) -> None:
    with pytest.raises(Cancelled):
        loop.start(
            recipe(), corpus, tmp_path / "run", cache=cache, device="cpu", progress=stop_at(step)
        )
    done = loop.resume(tmp_path / "run")
    assert done.steps == 20
    torch.testing.assert_close(
        weights(RunFolder(tmp_path / "run")), weights(unbroken), rtol=0, atol=0
    )
    expected = [r for r in unbroken.rows() if "validation_loss" in r]
    found = [r for r in RunFolder(tmp_path / "run").rows() if "validation_loss" in r]
    assert [r["step"] for r in found] == [r["step"] for r in expected]
    assert found[-1]["validation_loss"] == pytest.approx(expected[-1]["validation_loss"], abs=1e-6)


def test_another_seed_gives_other_weights(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder
) -> None:
    loop.start(recipe(seed=6, steps=8), corpus, tmp_path / "run", cache=cache, device="cpu")
    ours, theirs = weights(RunFolder(tmp_path / "run")), weights(unbroken)
    assert any(not torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_training_lowers_the_loss_and_keeps_what_one_wants_to_see(unbroken: RunFolder) -> None:
    curves = unbroken.curves()
    scores = [row for row in unbroken.rows() if "validation_loss" in row]
    assert scores[-1]["validation_loss"] < scores[-1]["trivial_loss"]
    assert scores[-1]["trivial_loss"] == pytest.approx(np.log(3), abs=1e-6)
    assert curves["step"].tolist() == [8, 10, 16, 20]
    assert unbroken.best.is_file()
    assert list((unbroken.path / "tensorboard").glob("events*"))
    shown = json.loads((unbroken.samples / "step_000016.json").read_text())
    assert shown[0]["drawn"]["label"] == shown[0]["class"]["truth"]
    assert sum(shown[0]["class"]["probabilities"]) == pytest.approx(1, abs=1e-3)


def test_a_second_training_in_the_folder_is_refused(unbroken: RunFolder, corpus: Path) -> None:
    with pytest.raises(InputError, match="holds another training already"):
        loop.start(recipe(seed=99), corpus, unbroken.path)


def test_the_same_call_goes_on_with_what_was_begun(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder
) -> None:
    folder = tmp_path / "run"
    with pytest.raises(Cancelled):
        loop.start(recipe(), corpus, folder, cache=cache, device="cpu", progress=stop_at(5))
    loop.start(recipe(), corpus, folder, minutes=3.0)
    torch.testing.assert_close(weights(RunFolder(folder)), weights(unbroken), rtol=0, atol=0)
    assert RunFolder(folder).facts()["minutes"] == 3.0
    assert RunFolder(folder).facts()["cache"] == str(cache.resolve())


def test_the_model_of_a_training_predicts_what_its_best_network_does(unbroken: RunFolder) -> None:
    model = load(str(unbroken.model))
    maps = torch.rand(2, 1, 16, 16, 16)
    with torch.inference_mode():
        ours, theirs = (n.eval()(maps)["class"] for n in (model.network, best_network(unbroken)))
    torch.testing.assert_close(ours, theirs, rtol=1e-2, atol=1e-2)
    assert model.card.classes == ("high", "medium", "low")
    assert model.card.voxel_size == 3.0
    assert model.card.normalisation == "min_max"
    assert model.card.training.scores["validation_loss"] < np.log(3)
    assert model.card.training.command == (
        "mapscope train --recipe RECIPE.toml --corpus CORPUS --run-folder RUN_FOLDER"
    )


def test_the_scores_of_a_card_are_given_again_by_their_command(
    unbroken: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    training = load(str(unbroken.model)).card.training
    command = training.commands["validation_loss"].replace("RUN_FOLDER", str(unbroken.path))
    assert cli.main([*command.split()[1:], "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["loss"] == pytest.approx(training.scores["validation_loss"], abs=1e-4)
    assert found["accuracy"] == pytest.approx(training.scores["accuracy"], abs=1e-4)


def test_evaluation_judges_every_test_map_once(unbroken: RunFolder) -> None:
    found = evaluate(unbroken, "test")
    assert found.confusion is not None
    assert found.confusion.counts.sum(axis=1).tolist() == [2, 2, 2]
    assert found.trivial_loss == pytest.approx(np.log(3), abs=1e-6)
    network, samples = best_network(unbroken), samples_of_run(unbroken)
    assert isinstance(samples, ClassMapSamples)

    def classify(maps: torch.Tensor) -> list[int]:
        return list(map(int, network(maps[:, None])["class"].argmax(dim=1)))

    table = class_table(classify, samples.classes, samples, resolutions=(2.5, 12.5), chains=2)
    assert table["resolution"].tolist() == [2.5, 12.5]
    assert set(table["first_chain"]) <= {"high", "medium", "low"}


def test_minutes_end_a_training_in_time_with_a_last_validation(
    tmp_path: Path, corpus: Path, cache: Path
) -> None:
    began = time.monotonic()
    text = recipe(steps=100_000).replace("validate_every = 8", "validate_every = 100000")
    run = loop.start(text, corpus, tmp_path / "run", cache=cache, minutes=0.1, device="cpu")
    assert 0 < run.steps < 100_000
    assert time.monotonic() - began < 60
    assert [row["step"] for row in run.folder.rows() if "validation_loss" in row] == [run.steps]


def test_folder_whose_making_is_broken_off_is_no_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("the disk is full")

    run = RunFolder(tmp_path / "run")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_facts", fail)
        with pytest.raises(OSError, match="full"):
            run.create(recipe(), {"corpus": "a"})
    assert not run.recipe_file.exists()
    run.create(recipe(), {"corpus": "b"})
    assert run.facts()["corpus"] == "b"


def test_resuming_where_there_is_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no training"):
        loop.resume(tmp_path)


def test_resuming_a_finished_run_changes_nothing(unbroken: RunFolder) -> None:
    before = weights(unbroken)
    done = loop.resume(unbroken.path)
    assert done.steps == 20
    torch.testing.assert_close(weights(unbroken), before, rtol=0, atol=0)


def test_a_full_disk_ends_with_what_to_do_and_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors import torch as files

    save, calls = files.save_file, []

    def fail(tensors: Any, path: Path, metadata: Any = None) -> None:
        calls.append(path)
        if len(calls) == 3:
            Path(path).write_bytes(b"half of it")
            raise OSError(28, "No space left on device")
        save(tensors, path, metadata)

    monkeypatch.setattr(files, "save_file", fail)
    with pytest.raises(OSError, match="make room, then resume"):
        loop.start(recipe(), corpus, tmp_path / "run", cache=cache, device="cpu")
    monkeypatch.undo()
    assert sorted(p.name for p in (tmp_path / "run" / "state").iterdir()) == ["last.safetensors"]
    loop.resume(tmp_path / "run")
    torch.testing.assert_close(
        weights(RunFolder(tmp_path / "run")), weights(unbroken), rtol=0, atol=0
    )


def test_a_run_that_ends_before_its_best_weights_are_written_finds_them_again(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mapscope.training.callbacks import Saver

    keep = Saver._keep_best

    def die(saver: Saver, step: int, scores: dict[str, float]) -> None:
        if step == 16:
            raise RuntimeError("killed")
        keep(saver, step, scores)

    monkeypatch.setattr(Saver, "_keep_best", die)
    with pytest.raises(RuntimeError, match="killed"):
        loop.start(recipe(), corpus, tmp_path / "run", cache=cache, device="cpu")
    monkeypatch.undo()
    run = RunFolder(tmp_path / "run")
    assert read_state(run.best)["step"] == 8
    assert (
        loop.resume(run.path).validation_loss == read_state(run.best)["scores"]["validation_loss"]
    )
    best, expected = read_state(run.best), read_state(unbroken.best)
    assert best["step"] == expected["step"] > 8
    torch.testing.assert_close(best["weights"], expected["weights"], rtol=0, atol=0)


def test_a_worker_that_dies_ends_with_what_to_do(
    tmp_path: Path, corpus: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mapscope.training.class_maps import ClassMapSamples

    make, parent = ClassMapSamples.make, os.getpid()

    def die(self: ClassMapSamples, drawn: Any) -> Any:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return make(self, drawn)

    monkeypatch.setattr(ClassMapSamples, "make", die)
    with pytest.raises(TrainingError, match="resume the training from its folder"):
        loop.start(recipe(workers=1), corpus, tmp_path / "run", cache=cache, device="cpu")


@pytest.mark.slow
def test_a_run_killed_and_resumed_ends_with_the_unbroken_runs_weights(
    tmp_path: Path, corpus: Path, cache: Path, unbroken: RunFolder
) -> None:
    folder = tmp_path / "run"
    (tmp_path / "recipe.toml").write_text(recipe())
    code = (
        "import time; from pathlib import Path; from mapscope.training import loop\n"
        "def slowly(done, total, message): time.sleep(0.3)\n"
        f"loop.start(Path({str(tmp_path / 'recipe.toml')!r}).read_text(), Path({str(corpus)!r}), "
        f"Path({str(folder)!r}), cache=Path({str(cache)!r}), device='cpu', progress=slowly)"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    while not RunFolder(folder).last.is_file():
        assert child.poll() is None
        time.sleep(0.05)
    time.sleep(1.0)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    loop.resume(folder)
    torch.testing.assert_close(weights(RunFolder(folder)), weights(unbroken), rtol=0, atol=0)
