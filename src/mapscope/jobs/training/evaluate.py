"""What a trained network is worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table


@dataclass(frozen=True)
class EvaluatedModel:
    """Scores of a network.

    Parameters
    ----------
    classes : Table
        One row for each class: samples, sensitivity, specificity, predictive values, and what it
        is taken for.
    accuracy : float
        Share of samples or voxels that are called what they are.
    balanced_accuracy : float
        Mean sensitivity of the classes.
    loss : float
        Mean loss, as in training.
    trivial_loss : float
        Cross entropy of who only knows how often each class comes.
    """

    classes: Table
    accuracy: float
    balanced_accuracy: float
    loss: float
    trivial_loss: float


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
        A table of the classes, and scores.

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
    return EvaluatedModel(
        classes=found.confusion.table(),
        accuracy=found.confusion.accuracy,
        balanced_accuracy=found.confusion.balanced_accuracy,
        loss=found.loss,
        trivial_loss=found.trivial_loss,
    )
