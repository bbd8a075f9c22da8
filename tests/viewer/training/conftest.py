"""Folders for trainings and models, and trainings of a second in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.path_settings import path_settings

from mapscope.preferences import trainings_folder


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings, models and measured times of each test apart."""
    monkeypatch.setenv("MAPSCOPE_TRAININGS_FOLDER", str(tmp_path / "trainings"))
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("MAPSCOPE_CACHE_FOLDER", str(tmp_path / "cached"))


@pytest.fixture
def tiny() -> dict[str, Any]:
    """Recipe and corpus of a training that takes a second."""
    pytest.importorskip("lightning")
    return path_settings("train")


@pytest.fixture
def trained(tiny: dict[str, Any]) -> Callable[[str], Path]:
    """Puts a copy of a training that has ended into the folder of trainings, under a name."""

    def make(name: str) -> Path:
        folder = trainings_folder() / name
        shutil.copytree(tiny["run_folder"], folder)
        return folder

    return make
