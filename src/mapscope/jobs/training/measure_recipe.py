"""How long a recipe takes here."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from mapscope import __version__
from mapscope.job import Show, job
from mapscope.preferences import cache_folder, free_memory
from mapscope.progress import Progress, silent
from mapscope.table import Table

if TYPE_CHECKING:
    from mapscope.training.recipe import Recipe

_FILE = "recipes.json"
_MOST_KEPT = 100
_COPIES = 6
"""Weights, what they change by, what the optimiser keeps of each, and some room."""


@dataclass(frozen=True)
class MeasuredRecipe:
    """Size and speed of a recipe.

    Parameters
    ----------
    facts : Table
        Everything in words.
    parameters : int
        Numbers that the network learns.
    step_seconds : float, optional
        Of a step on this machine; None where the network is too large to be tried.
    minutes : float, optional
        As the recipe says.
    about : str
        What it is for.
    """

    facts: Table
    parameters: int
    step_seconds: float | None
    minutes: float | None
    about: str


@job(process=True)
def measure_recipe(
    *,
    recipe: str,
    device: Annotated[Literal["auto", "cpu", "cuda"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> MeasuredRecipe:
    """Size of a recipe's network, and how long one of its steps takes on this machine.

    A few steps are done on random maps; what is learned from is not needed. The answer is kept,
    and given again without measuring for the same recipe on the same number of threads.

    Parameters
    ----------
    recipe : str
        Name of a recipe that comes with Mapscope, or a recipe's file.
    device : str
        What computes.
    progress : Progress
        Called at the beginning and at the end.

    Returns
    -------
    MeasuredRecipe
        Its numbers.

    Raises
    ------
    InputError
        If there is no such recipe.
    """
    from mapscope.training.recipe import read_recipe

    found = read_recipe(recipe)
    numbers = known_numbers(recipe, device) or _measured(found, device, progress)
    if numbers["step_seconds"] is not None:
        _remember(_key(recipe, device), numbers)
    progress(1, 1, "measured")
    size, seconds, schedule = numbers["parameters"], numbers["step_seconds"], found.schedule
    facts = {
        "recipe": found.name,
        "network": found.network.name,
        "numbers learned": f"{size:,}",
        "samples a step": str(schedule.batch),
        "seconds a step": "not measured" if seconds is None else f"{seconds:.3g}",
        "minutes": "no limit" if schedule.minutes is None else f"{schedule.minutes:g}",
        "most steps": str(schedule.steps),
        "about": found.about,
    }
    table = Table({"fact": np.array(list(facts)), "value": np.array(list(facts.values()))})
    return MeasuredRecipe(table, size, seconds, schedule.minutes, found.about)


def known_numbers(recipe: str, device: str = "auto") -> dict[str, Any] | None:
    """What was measured of a recipe before, or None where it was not; nothing is measured.

    Parameters
    ----------
    recipe : str
        Name of a recipe that comes with Mapscope, or a recipe's file.
    device : str
        What computes.

    Raises
    ------
    InputError
        If there is no such recipe.
    """
    return _known().get(_key(recipe, device))


def _measured(recipe: Recipe, device: str, progress: Progress) -> dict[str, Any]:
    """Numbers that the network learns, and seconds of a step where there is memory for one."""
    from mapscope.training.speed import expected_step

    size = _numbers_learned(recipe)
    progress(1, 10, "measuring a step")
    free = free_memory()
    is_large = free is not None and _COPIES * 4 * size > free
    seconds = None if is_large else expected_step(recipe, device)
    minutes = recipe.schedule.minutes
    numbers = {"parameters": size, "step_seconds": seconds}
    return {**numbers, "minutes": minutes, "about": recipe.about}


def _known() -> dict[str, Any]:
    """What was measured so far."""
    try:
        content = json.loads((cache_folder() / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _remember(key: str, numbers: dict[str, Any]) -> None:
    """Keep what was measured, with the newest of what was measured before."""
    path = cache_folder() / _FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = dict([*_known().items()][-_MOST_KEPT:]) | {key: numbers}
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    draft.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    draft.replace(path)


def _key(recipe: str, device: str) -> str:
    """What a measurement holds for: this recipe, version, device and number of threads."""
    from mapscope.training.recipe import recipe_text

    threads = os.environ.get("OMP_NUM_THREADS", os.cpu_count())
    text = f"{recipe_text(recipe)}\n{__version__} {device} {threads}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _numbers_learned(recipe: Recipe) -> int:
    """How many numbers a recipe's network learns; no memory is taken for them."""
    import torch

    from mapscope.networks.registry import build

    with torch.device("meta"):
        return build(recipe.network.name, **recipe.network.config).parameters_learned
