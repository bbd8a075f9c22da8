"""How far a training is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Plot, Table

if TYPE_CHECKING:
    from mapscope.training.run_folder import RunFolder


@dataclass(frozen=True)
class ShownTraining:
    """How far a training is.

    Parameters
    ----------
    curves : Table
        Loss by step, and loss and accuracy or correlation of each validation.
    state : str
        running, ended, stopped, interrupted (its process is gone without a word) or failed.
    recipe : str
        Name of its recipe.
    corpus : str
        File that it learns from.
    steps : int
        How many are done.
    minutes : float
        How long they took.
    most_minutes : float, optional
        How long it may take; None without limit.
    validation_loss : float, optional
        The lowest so far.
    trivial_loss : float, optional
        Loss of who only knows how often each class comes; of maps that of what goes in.
    accuracy : float, optional
        Of the last validation, where classes are said.
    correlation : float, optional
        With the truth, of what comes out, at the last validation, where maps are said.
    input_correlation : float, optional
        The same of what goes in.
    has_model : bool
        Whether there are weights to use.
    kept : str
        Name under which they are among your models; empty where they are not yet.
    said : str
        The last line of its log, or why it failed.
    """

    curves: Table
    state: str
    recipe: str
    corpus: str
    steps: int
    minutes: float
    most_minutes: float | None
    validation_loss: float | None
    trivial_loss: float | None
    accuracy: float | None
    correlation: float | None
    input_correlation: float | None
    has_model: bool
    kept: str
    said: str


@job()
def show_training(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    progress: Progress = silent,  # noqa: ARG001  every job has one
) -> ShownTraining:
    """How far a training is: its curves, and whether it runs, was stopped or has ended.

    Parameters
    ----------
    run_folder : Path
        Folder of the training.
    progress : Progress
        Not called.

    Returns
    -------
    ShownTraining
        The curves and numbers.

    Raises
    ------
    InputError
        If the folder holds no training.
    """
    from mapscope.training.occupancy import state_of
    from mapscope.training.run_folder import RunFolder

    run = RunFolder(run_folder)
    recipe, facts = run.recipe(), run.facts()
    rows = list(run.rows())
    judged = [row for row in rows if "validation_loss" in row]
    last: dict[str, Any] = judged[-1] if judged else {}
    return ShownTraining(
        curves=_with_levels(run.curves(), last),
        state=state_of(run),
        recipe=recipe.name,
        corpus=facts["corpus"],
        steps=max((row["step"] for row in rows), default=0),
        minutes=max((row["seconds"] for row in rows), default=0.0) / 60,
        most_minutes=facts.get("minutes"),
        validation_loss=min((row["validation_loss"] for row in judged), default=None),
        trivial_loss=last.get("trivial_loss"),
        accuracy=last.get("accuracy"),
        correlation=last.get("correlation"),
        input_correlation=last.get("input_correlation"),
        has_model=run.model.is_file(),
        kept=run.kept(),
        said=_last_words(run, facts),
    )


def _with_levels(curves: Table, last: dict[str, Any]) -> Table:
    """The curves with a line where a trivial predictor would be."""
    trivial = last.get("trivial_loss", math.nan)
    levels = {"trivial": trivial} if math.isfinite(trivial) else {}
    plot = curves.plot or Plot("step", ("loss", "validation_loss"))
    named = replace(plot, x_label="step", y_label="loss", title="Training", levels=levels)
    return Table(curves.columns, curves.units, named)


def _last_words(run: RunFolder, facts: dict[str, Any]) -> str:
    """Why a training failed, or the last line of its log."""
    if "failed" in facts:
        return str(facts["failed"])
    if not run.log_file.is_file():
        return ""
    lines = run.log_file.read_text(encoding="utf-8").splitlines()
    return lines[-1] if lines else ""
