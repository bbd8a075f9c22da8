"""What a network in training says of a sample."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
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

_OUTPUT, _TRUTH = "class", "_truth"
_CONSTANT = 1e-6
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
    said_map : Volume, optional
        The map that it makes of what it saw, where it says maps.
    true_map : Volume, optional
        The map that it should make.
    correlation : float, optional
        Of the map that it makes with the true one; None also where that is constant.
    input_correlation : float, optional
        Of what it saw with the true one.
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
    said_map: Volume | None = None
    true_map: Volume | None = None
    correlation: float | None = None
    input_correlation: float | None = None


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
        The map; for a network that speaks of voxels two label maps or two maps, for one that
        speaks of whole maps the classes.

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
    shown = ShownSample(
        map=_volume(content["maps"][sample - 1].astype(np.float32).mean(axis=0), size),
        said=None,
        truth=None,
        step=step,
        samples=count,
        true_class="",
        said_class="",
        probability=None,
        accuracy=None,
    )
    if any(name.endswith(_TRUTH) for name in content):
        return _with_voxels(shown, content, sample - 1, size)
    return _with_class(shown, rows[sample - 1], content["classes"])


def _with_class(shown: ShownSample, row: dict[str, Any], classes: list[str]) -> ShownSample:
    """A sample with the class that the whole map has and is given."""
    answer = row.get(_OUTPUT)
    if answer is None:
        return shown
    return replace(
        shown,
        true_class=classes[answer["truth"]],
        said_class=classes[int(np.argmax(answer["probabilities"]))],
        probability=max(answer["probabilities"]),
    )


def _with_voxels(
    shown: ShownSample, content: dict[str, Any], place: int, size: float
) -> ShownSample:
    """A sample with what every voxel is and is said to be: a class, or the density of a map."""
    name = next(n for n in content if f"{n}{_TRUTH}" in content)
    numbers, wanted = content[name][place], content[f"{name}{_TRUTH}"][place]
    if np.issubdtype(wanted.dtype, np.floating):
        maps = [values.astype(np.float32) for values in (numbers, wanted)]
        return replace(
            shown,
            said_map=_volume(maps[0], size),
            true_map=_volume(maps[1], size),
            correlation=_correlation(*maps),
            input_correlation=_correlation(shown.map.data, maps[1]),
        )
    scored = wanted >= 0
    said, truth = (_labels(values, size, content["classes"]) for values in (numbers, wanted))
    accuracy = float((numbers == wanted)[scored].mean()) if scored.any() else None
    return replace(shown, said=said, truth=truth, accuracy=accuracy)


def _volume(density: Any, size: float) -> Volume:
    """A map at the recipe's voxel size."""
    return Volume(density, (size,) * 3)


def _correlation(first: Any, second: Any) -> float | None:
    """Pearson's, or None where one is constant."""
    if not min(first.std(), second.std()) > _CONSTANT:
        return None
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


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
