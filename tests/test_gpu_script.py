"""``scripts/gpu.py`` stops in time, goes on where it stopped, and does nothing twice."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.path_settings import path_settings

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The script as a module, with nothing held back for the end of a call."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    module = import_module("gpu")
    monkeypatch.setattr(module, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(module, "CLOSING_SECONDS", 0.0)
    return module


def call(gpu: Any, monkeypatch: pytest.MonkeyPatch, out: Path, *words: str) -> int:
    given = ["gpu.py", "--out", str(out), "--device", "cpu", *words]
    monkeypatch.setattr(sys, "argv", given)
    code: int = gpu.main()
    return code


def test_figure_is_measured_once_and_kept_with_its_device(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    only = ("--only", "matrix_peak")
    assert call(gpu, monkeypatch, tmp_path, *only, "--list") == gpu.AGAIN
    assert call(gpu, monkeypatch, tmp_path, *only) == gpu.DONE
    found = json.loads((tmp_path / "figures.json").read_text("utf-8"))["matrix_peak"]
    assert found["device"] == "cpu"
    assert found["fp32_tflops"] > 0
    capsys.readouterr()
    assert call(gpu, monkeypatch, tmp_path, *only) == gpu.DONE
    assert capsys.readouterr().out == "left: nothing\n"


def test_training_when_the_call_is_over_stops_and_the_next_call_ends_it_in_a_moved_folder(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = path_settings("train")
    text = Path(settings["recipe"]).read_text("utf-8").replace("steps = 2,", "steps = 16,")
    recipe = tmp_path / "small.toml"
    recipe.write_text(text.replace("validate_every = 2", "validate_every = 4, save_every = 2"))
    words = ("--only", str(recipe), "--corpus", settings["corpus"])
    steps = iter(range(1000))

    def stop_at_8(self: Any, *_: Any) -> None:
        if next(steps) == 8:
            raise gpu.Cancelled("the time of this call is over")

    first = tmp_path / "first"
    with monkeypatch.context() as patch:
        patch.setattr(gpu.Call, "progress", stop_at_8)
        assert call(gpu, patch, first, *words) == gpu.AGAIN
    told = capsys.readouterr().out
    assert "the time of this call is over" in told
    assert "left: small" in told
    moved = first.rename(tmp_path / "moved")
    assert call(gpu, monkeypatch, moved, *words) == gpu.DONE
    run = moved / "runs" / "small"
    rows = [json.loads(row) for row in (run / "curves.jsonl").read_text("utf-8").splitlines()]
    assert rows[-1]["step"] == 16
    assert (run / "best.safetensors").is_file()
    assert json.loads((run / "run.json").read_text("utf-8"))["cache"] == str(moved / "cache")


def test_training_whose_loss_is_no_number_fails_alone(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def diverge(_device: str) -> None:
        raise FloatingPointError("the loss is nan at step 3")

    monkeypatch.setitem(gpu.FIGURES, "matrix_peak", diverge)
    monkeypatch.setitem(gpu.FIGURES, "agreement", lambda _device: {"rms": 0.0})
    only = ("--only", "matrix_peak,agreement")
    assert call(gpu, monkeypatch, tmp_path, *only) == gpu.FAILED
    assert "FAILED: the loss is nan" in capsys.readouterr().out
    assert list(gpu.figures(gpu.Call(tmp_path, "cpu", 0.0))) == ["agreement"]


def test_name_that_is_none_is_refused(
    gpu: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(gpu, monkeypatch, tmp_path, "--only", "nothing") == gpu.USAGE
    assert "there is no nothing: choose from matrix_peak" in capsys.readouterr().out


def test_workers_of_a_recipe_are_exchanged(gpu: Any) -> None:
    text = "a = 1\n[schedule]\nworkers = 1\nsteps = 3\n"
    assert gpu.with_workers(text, 7) == "a = 1\n[schedule]\nworkers = 7\nsteps = 3\n"
    assert gpu.with_workers("[schedule]\nsteps = 3\n", 2) == "[schedule]\nworkers = 2\nsteps = 3\n"
