"""A network trained after a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table

if TYPE_CHECKING:
    from mapscope.training.loop import Run


@dataclass(frozen=True)
class TrainedModel:
    """How a training ended.

    Parameters
    ----------
    curves : Table
        Loss by step, and loss and accuracy or correlation of each validation.
    steps : int
        How many were done, those before a resumption included.
    minutes : float
        How long they took.
    validation_loss : float
        The lowest; its weights are kept.
    """

    curves: Table
    steps: int
    minutes: float
    validation_loss: float


@job(process=True, home="run_folder", memory=1.0)
def train(
    *,
    recipe: str,
    corpus: Path,
    run_folder: Annotated[Path, Show(browse="new file")],
    minutes: Annotated[float | None, Field(gt=0), Show(unit="min")] = None,
    cache: Annotated[Path | None, Show(browse="folder", more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> TrainedModel:
    """Train a network after a recipe; its folder holds all that is needed to go on or to use it.

    The folder gets the recipe, the curves, what the network says of a few samples, the last state
    and the best weights, these as a model too. Whatever stops a training, the same call goes on
    from there, and so does resume-training with the folder alone.

    Parameters
    ----------
    recipe : str
        Name of a recipe that comes with Mapscope, or a recipe's file.
    corpus : Path
        Structures to learn from, made by build-corpus.
    run_folder : Path
        Folder to make for the training, or that of the same one.
    minutes : float, optional
        How long it may take. Auto is as the recipe says.
    cache : Path, optional
        Folder for maps that are simulated once, which trainings may share. Auto is the training's.
    device : str
        What computes.
    progress : Progress
        Called once per step.

    Returns
    -------
    TrainedModel
        The curves, and how it ended.

    Raises
    ------
    InputError
        If there is no such recipe, or the folder holds another training.
    MapFormatError
        If the corpus is none.
    """
    from mapscope.training.corpus import Corpus
    from mapscope.training.loop import start
    from mapscope.training.recipe import recipe_text

    text = recipe_text(recipe)
    Corpus.open(corpus)  # what cannot be opened shall leave no folder behind
    run = start(
        text, corpus, run_folder, cache=cache, minutes=minutes, device=device, progress=progress
    )
    return trained_model(run)


def trained_model(run: Run) -> TrainedModel:
    """How a training ended, as the job gives it."""
    return TrainedModel(run.folder.curves(), run.steps, run.minutes, run.validation_loss)
