"""A training taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from mapscope.job import Show, job
from mapscope.jobs.training.train import TrainedModel, trained_model
from mapscope.progress import Progress, silent


@job(process=True, home="run_folder", memory=1.0)
def resume_training(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    minutes: Annotated[float | None, Field(gt=0), Show(unit="min")] = None,
    progress: Progress = silent,
) -> TrainedModel:
    """Go on with a training that was stopped, as if it had never been.

    Parameters
    ----------
    run_folder : Path
        Folder of the training.
    minutes : float, optional
        How long it may take since its beginning. Auto is as it was.
    progress : Progress
        Called once per step.

    Returns
    -------
    TrainedModel
        The curves, and how it ended.

    Raises
    ------
    InputError
        If the folder holds no training.
    """
    from mapscope.training.loop import resume

    return trained_model(resume(run_folder, minutes=minutes, progress=progress))
