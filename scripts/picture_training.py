"""A training begun, watched and stopped in the Train dock, for the pictures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtTest import QTest

from mapscope.inference import list_models
from mapscope.jobs import build_corpus
from mapscope.training.recipe import recipe_text
from mapscope.training.run_folder import RunFolder

EVERY = "validate_every = 200", "validate_every = 50"
MINUTES, PATIENCE, VALIDATIONS = 20.0, 900.0, 3


def watched_training(viewer: Any, docks: dict[str, Any], structures: Path, folder: Path) -> None:
    """Train a small network of voxels until there are samples to look at, and open one.

    Its recipe is that which the dock offers first, with more validations, so that there is more
    to see after a few minutes.

    Parameters
    ----------
    viewer, docks
        The window and its docks.
    structures : Path
        Folder of models.
    folder : Path
        Where trainings and models go.
    """
    os.environ["MAPSCOPE_TRAININGS_FOLDER"] = str(folder / "trainings")
    os.environ["MAPSCOPE_MODELS"] = str(folder / "models")
    corpus = folder / "corpus.safetensors"
    build_corpus(folder=structures, output=corpus)
    dock = docks["Train"]
    recipe = folder / "voxel_kind.toml"
    recipe.write_text(recipe_text("voxel_kind").replace(*EVERY), encoding="utf-8")
    dock.wake()
    panel = dock.new_panel
    _until(lambda: panel.recipe == "voxel_kind")
    panel.add_recipe(recipe)
    panel.corpus_edit.setText(str(corpus))
    panel.minutes_box.setValue(MINUTES)
    panel.start_button.click()
    _until(lambda: bool(dock.panel.samples.buttons))
    _until(lambda: dock.panel.samples.buttons and _validations(dock) >= VALIDATIONS)
    dock.panel.samples.buttons[0].click()
    _until(lambda: len(viewer.layers) > 0)


def stop_training(docks: dict[str, Any]) -> None:
    """Stop it; its best weights are then a model in every list."""
    dock = docks["Train"]
    dock.panel.stop_button.click()
    _until(lambda: "is among your models" in dock.message.text())
    if "voxel_kind_1" not in [model.name for model in list_models()]:
        raise RuntimeError("the model of the training is in no list")


def _validations(dock: Any) -> int:
    """How often the training that is shown was validated."""
    return sum("validation_loss" in row for row in RunFolder(dock.panel.folder).rows())


def _until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > PATIENCE:
            raise RuntimeError("the training does not come on")
        QTest.qWait(100)
