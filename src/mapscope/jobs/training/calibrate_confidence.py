"""A training's model taught what its variance means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.progress import Progress, part, silent
from mapscope.table import Plot, Table

_FINEST = 5
"""Digits behind the point of scores in a card."""


@dataclass(frozen=True)
class CalibratedConfidence:
    """What a model's variance means, and how far that can be believed.

    Parameters
    ----------
    reliability : Table
        Share of right voxels by confidence, of test samples.
    confidence : Table
        Rows of the card: variance, and the chance that the map is right there.
    calibration_error : float
        Expected calibration error of all voxels of test samples, 0 to 1.
    calibration_error_inside : float
        The same of voxels within molecules.
    detection : float
        AUROC of "this voxel is wrong", of all voxels.
    detection_inside : float
        The same of voxels within molecules.
    """

    reliability: Table
    confidence: Table
    calibration_error: float
    calibration_error_inside: float
    detection: float
    detection_inside: float


@job(process=True, memory=1.0)
def calibrate_confidence(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    samples: Annotated[int, Field(ge=1)] = 200,
    progress: Progress = silent,
) -> CalibratedConfidence:
    """Have a training's model say how far to believe its maps, voxel by voxel.

    The chance that a map is right, which means within half the standard deviation of the truth in
    the molecule, is learned as a function of the variance that the network says, from validation
    samples. It is judged on test samples, and goes into the model in the training's folder
    with its scores.

    Parameters
    ----------
    run_folder : Path
        Folder of a training whose network says a map and its variance.
    samples : int
        How many validation samples to learn from, and how many test samples to judge with.
    progress : Progress
        Called once per sample.

    Returns
    -------
    CalibratedConfidence
        The reliability diagram, the table, and scores.

    Raises
    ------
    InputError
        If the folder holds no training, or it has no model yet, or one without a variance.

    References
    ----------
    .. [1] Zadrozny & Elkan (2002) KDD, 694 (isotonic regression).
    .. [2] Guo et al. (2017) PMLR 70, 1321, equation 3 (expected calibration error).
    """
    from mapscope.training.judged_voxels import confidence_of, reliability_of
    from mapscope.training.run_folder import RunFolder

    run = RunFolder(run_folder)
    run.recipe()
    if not run.model.is_file():
        raise InputError(
            f"{run.path.name} has no model yet: one is written when a training that was validated "
            "at least once ends or is stopped"
        )
    rows = confidence_of(run, samples, part(progress, 0, 1, 2))
    found = reliability_of(run, rows, "test", samples, part(progress, 1, 2, 2))
    result = CalibratedConfidence(
        reliability=found.everywhere.table(),
        confidence=_table(rows),
        calibration_error=found.everywhere.calibration_error(),
        calibration_error_inside=found.inside.calibration_error(),
        detection=found.everywhere.detection(),
        detection_inside=found.inside.detection(),
    )
    _write(run.model, rows, result, samples)
    return result


def _table(rows: tuple[tuple[float, float], ...]) -> Table:
    """The rows of a card as a table with its plot."""
    variance, chance = np.array(rows, dtype=np.float64).T
    return Table(
        {"variance": variance, "chance": chance},
        plot=Plot(x="variance", y=("chance",), title="What the variance means"),
    )


def _write(
    path: Path, rows: tuple[tuple[float, float], ...], result: CalibratedConfidence, samples: int
) -> None:
    """Write the model anew, with rows and scores in its card."""
    from mapscope.inference.card import Card
    from mapscope.inference.model_file import read_model, write_model

    file = read_model(path)
    names = ("calibration_error", "calibration_error_inside", "detection", "detection_inside")
    scores = {name: round(float(getattr(result, name)), _FINEST) for name in names}
    command = f"mapscope calibrate-confidence --run-folder RUN_FOLDER --samples {samples}"
    training = file.card.training
    training = training.model_copy(
        update={
            "scores": training.scores | scores,
            "commands": training.commands | dict.fromkeys(scores, command),
        }
    )
    new = file.card.model_copy(update={"confidence": rows, "training": training})
    write_model(path, Card.from_json(new.to_json()), file.state)
