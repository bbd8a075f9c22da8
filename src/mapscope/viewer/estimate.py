"""How long and how much memory a job will take, from what it took before on this machine."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.grid import Grid
from mapscope.job import Job
from mapscope.preferences import cache_folder, memory_limit


def _file() -> Path:
    return cache_folder() / "seconds_per_megavoxel.json"


def _rates() -> dict[str, float]:
    """Seconds per million voxels by job, as measured so far."""
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(k): float(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _voxels(layers: list[Any], grid: Grid | None) -> int:
    """Voxels of all image layers among the inputs, or of the map that comes out."""
    if grid is not None:
        return math.prod(grid.shape)
    return sum(int(np.prod(la.data.shape)) for la in layers if type(la).__name__ == "Image")


def estimate_text(
    job: Job, layers: list[Any], grid: Grid | None = None, *, variant: str = ""
) -> str:
    """Memory that a job will need for these layers and, once it has run here, its time.

    Parameters
    ----------
    job : Job
        The job.
    layers : list of Layer
        Its inputs.
    grid : Grid, optional
        Of the map that comes out, for a job that makes it from something else than maps.
    variant : str
        What its time depends on beside the layers, such as a model.
    """
    voxels = _voxels(layers, grid)
    if not voxels:
        return ""
    made = "" if grid is None else f"Makes {_size_text(grid)}. "
    megabytes = max(1, round(job.memory * voxels * 4 / 2**20))
    memory = f"{megabytes} MB" if megabytes < 1000 else f"{megabytes / 1024:.1f} GB"
    limit = memory_limit()
    if limit is not None and not job.by_parts and job.memory * voxels * 4 > limit:
        return f"{made}Needs about {memory} of memory; the preferences allow {limit / 1e9:g} GB."
    rate = _rates().get(_key(job, variant))
    is_by_model = job.by_parts and variant  # the tiles of a model, and not the map, need memory
    if rate is None and is_by_model:
        return "How long it takes, and how much memory, it says as soon as it has begun."
    if rate is None:
        return f"{made}Needs about {memory} of memory."
    seconds = rate * voxels / 1e6
    time = f"about {seconds:.0f} s" if seconds >= 1 else "less than a second"
    if is_by_model:
        return f"Takes {time}."
    return f"{made}Takes {time} and about {memory} of memory."


def _size_text(grid: Grid) -> str:
    """Size of a grid in words, x first as people say it.

    Examples
    --------
    >>> _size_text(Grid((60, 50, 40), 1.5))
    '40 × 50 × 60 voxels of 1.5 Å'
    """
    sizes = sorted(set(grid.voxel_size))
    spacing = f"{sizes[0]:.3g}" if sizes[-1] - sizes[0] < 1e-3 else _joined(grid.voxel_size)
    return f"{_joined(grid.shape)} voxels of {spacing} Å"


def _joined(numbers: tuple[float, ...]) -> str:
    return " × ".join(f"{n:.3g}" if isinstance(n, float) else str(n) for n in reversed(numbers))


def _key(job: Job, variant: str) -> str:
    """What the time of a job is known by."""
    return f"{job.name} {variant}".rstrip()


def note_duration(
    job: Job, layers: list[Any], seconds: float, grid: Grid | None = None, *, variant: str = ""
) -> None:
    """Remember how long a job took, for the next estimate; parameters as of `estimate_text`."""
    voxels = _voxels(layers, grid)
    if voxels < 1e5:
        return
    rates = _rates()
    rates[_key(job, variant)] = seconds / (voxels / 1e6)
    path = _file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rates, indent=1), encoding="utf-8")
