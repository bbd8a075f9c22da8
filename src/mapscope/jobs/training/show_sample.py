"""What a network in training says of a sample."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from mapscope.depiction.palette import class_colors
from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.labels import Labels
from mapscope.progress import Progress, silent
from mapscope.volume import Volume

if TYPE_CHECKING:
    from mapscope.training.run_folder import RunFolder

_OUTPUT = "class"
_ATTEMPTS = 3


@dataclass(frozen=True)
class ShownSample:
    """A validation sample, and what the network says of it.

    Parameters
    ----------
    map : Volume
        What the network saw.
    said : Labels, optional
        The class that it gives each voxel, where it speaks of voxels.
    truth : Labels, optional
        The class that each voxel has.
    step : int
        At which the network was asked.
    samples : int
        How many can be shown.
    true_class : str
        The map's class, where the network speaks of maps.
    said_class : str
        What it is taken for.
    probability : float, optional
        How sure the network is of that.
    accuracy : float, optional
        Share of voxels that are called what they are.
    """

    map: Volume
    said: Labels | None
    truth: Labels | None
    step: int
    samples: int
    true_class: str
    said_class: str
    probability: float | None
    accuracy: float | None


@job()
def show_sample(
    *,
    run_folder: Annotated[Path, Show(browse="folder")],
    sample: Annotated[int, Field(ge=1)] = 1,
    progress: Progress = silent,  # noqa: ARG001  every job has one
) -> ShownSample:
    """A validation sample of a training, and what the network last said of it.

    Parameters
    ----------
    run_folder : Path
        Folder of the training.
    sample : int
        Which of the samples that are kept to be looked at.
    progress : Progress
        Not called.

    Returns
    -------
    ShownSample
        The map; for a network that speaks of voxels two label maps, for one that speaks of maps
        the classes.

    Raises
    ------
    InputError
        If there is no such sample yet.
    """
    from mapscope.training.run_folder import RunFolder

    content, rows, step = _last_samples(RunFolder(run_folder))
    count = len(content["maps"])
    if sample > count:
        raise InputError(f"there are {count} samples to look at, not {sample}")
    size = content["voxel_size"] or 1.0
    classes, place = content["classes"], sample - 1
    said = truth = None
    answer = rows[place].get(_OUTPUT)
    accuracy = None
    if _OUTPUT in content:
        numbers = content[_OUTPUT][place]
        wanted = content[f"{_OUTPUT}_truth"][place]
        said, truth = (_labels(values, size, classes) for values in (numbers, wanted))
        scored = wanted >= 0
        accuracy = float((numbers == wanted)[scored].mean()) if scored.any() else None
    return ShownSample(
        map=Volume(content["maps"][place, 0].astype(np.float32), (size,) * 3),
        said=said,
        truth=truth,
        step=step,
        samples=count,
        true_class="" if answer is None else classes[answer["truth"]],
        said_class="" if answer is None else classes[int(np.argmax(answer["probabilities"]))],
        probability=None if answer is None else max(answer["probabilities"]),
        accuracy=accuracy,
    )


def _last_samples(run: RunFolder) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """Maps, rows and step of the last validation.

    Raises
    ------
    InputError
        If there was none yet.
    """
    from mapscope.training.checkpoint import read_state

    run.recipe()
    for _ in range(_ATTEMPTS):
        # The maps of a new validation come before those of the last one go.
        for path in sorted(run.samples.glob("step_*.safetensors"), reverse=True):
            beside = path.with_suffix(".json")
            with suppress(FileNotFoundError):  # gone since it was listed, because of a newer one
                rows: list[dict[str, Any]] = json.loads(beside.read_text(encoding="utf-8"))
                return read_state(path, "np"), rows, int(path.stem.rpartition("_")[2])
    raise InputError("there is nothing to look at before the first validation: wait a little")


def _labels(numbers: Any, size: float, classes: list[str]) -> Labels:
    """Classes of voxels with their names and colours; the first class is background."""
    names = dict(enumerate(classes))
    colors = class_colors(range(1, len(classes)))
    return Labels(numbers, (size,) * 3, (0.0,) * 3, names, colors)
