"""What a trained network is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table


@dataclass(frozen=True)
class EvaluatedModel:
    """Scores of a network.

    Parameters
    ----------
    scores : Table
        One row for each class: samples, sensitivity, specificity, predictive values, and what it
        is taken for. Of a network that says maps one row for what goes in and one for what comes
        out: correlation with the truth over voxels, and mean of that over Fourier shells.
    accuracy : float, optional
        Share of samples or voxels that are called what they are; None where maps are said.
    balanced_accuracy : float, optional
        Mean sensitivity of the classes; None where maps are said.
    loss : float
        Mean loss, as in training.
    trivial_loss : float
        Cross entropy of who only knows how often each class comes; of maps the loss of what goes
        in, taken for the answer.
    correlation : float, optional
        Mean correlation with the truth of what comes out, over the samples whose truth is not
        constant; None where classes are said.
    input_correlation : float, optional
        The same of what goes in.
    """

    scores: Table
    accuracy: float | None
    balanced_accuracy: float | None
    loss: float
    trivial_loss: float
    correlation: float | None
    input_correlation: float | None


@job(process=True, memory=1.0)
def evaluate(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    role: Literal["test", "validation", "training"] = "test",
    samples: Annotated[int, Field(ge=1)] = 1000,
    progress: Progress = silent,
) -> EvaluatedModel:
    """Scores of a training's best weights on structures that it has never seen.

    Parameters
    ----------
    run_folder : Path
        Folder of the training.
    role : str
        Part of the split to take structures from.
    samples : int
        Most samples to judge.
    progress : Progress
        Called once per batch.

    Returns
    -------
    EvaluatedModel
        A table of the classes or maps, and scores.

    Raises
    ------
    InputError
        If the folder holds no training, or it has no weights yet.

    References
    ----------
    .. [1] Avramov et al. (2019) Molecules 24, 1181, table 5.
    """
    from mapscope.training import evaluation
    from mapscope.training.run_folder import RunFolder

    found = evaluation.evaluate(RunFolder(run_folder), role, count=samples, progress=progress)
    values = found.scores
    return EvaluatedModel(
        scores=_map_table(values) if found.confusion is None else found.confusion.table(),
        accuracy=values.get("accuracy"),
        balanced_accuracy=values.get("balanced_accuracy"),
        loss=found.loss,
        trivial_loss=found.trivial_loss,
        correlation=values.get("correlation"),
        input_correlation=values.get("input_correlation"),
    )


def _map_table(scores: Mapping[str, float]) -> Table:
    """Scores of what goes in and of what comes out."""
    names = ("correlation", "shell_correlation")
    columns = {name: np.array([scores[f"input_{name}"], scores[name]]) for name in names}
    return Table({"map": np.array(["input", "output"]), **columns})
