"""Huge maps in the viewer: a coarse copy at once, a pyramid in the cache folder soon after."""

from __future__ import annotations

import hashlib
from pathlib import Path

import napari
import numpy as np

from mapscope import preferences
from mapscope.density.pyramid import write_halved
from mapscope.progress import Progress, part
from mapscope.record import source_of
from mapscope.viewer.layers import tag_of
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.volume import Array, Volume

LONGEST_TOP = 256
"""Longest edge in voxels of the coarsest level, which 3D views show."""


def build_pyramid(volume: Volume) -> Run | None:
    """Build the levels of a map from a file beside the jobs, and give them to its layers.

    None, and nothing is done, for a map in memory only.
    """
    source = source_of(volume)
    if source.path is None:
        return None
    path, how = Path(source.path), str(dict(source.options)) if source.options else ""
    run = Run(lambda progress: pyramid_levels(volume.data, path, how, progress=progress))

    def show(levels: list[Array]) -> None:
        viewer = napari.current_viewer()
        for layer in viewer.layers if viewer is not None else ():
            tag = tag_of(layer)
            if tag is not None and tag.noun is volume and layer.multiscale:
                layer.data = levels

    run.succeeded.connect(show)
    return run.start(BACKGROUND)


def pyramid_levels(data: Array, source: Path, how: str = "", *, progress: Progress) -> list[Array]:
    """All levels of a map, from full size to `LONGEST_TOP`, built or found in the cache folder.

    Parameters
    ----------
    data : array (z, y, x)
        The map.
    source : Path
        Its file: a pyramid is used again while the file has the same size and time.
    how : str
        How the file was read, such as which volume of a stack.
    progress : callable
        Called once per slab.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stat = source.stat()
    text = f"{source} {stat.st_size} {stat.st_mtime_ns} {data.shape}{how}"
    key = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    levels = [data]
    while max(levels[-1].shape) > LONGEST_TOP:
        number = len(levels)
        step = part(progress, number - 1, number, number + 1)
        levels.append(_level(levels[-1], folder / f"{key}_{number}.npy", step))
    make_room(folder, keep=key)
    return levels


def _level(finer: Array, path: Path, progress: Progress) -> Array:
    """One level from the cache folder, built first where it is not there."""
    if path.exists():
        path.touch()
        mapped: Array = np.load(path, mmap_mode="r")
        return mapped
    return write_halved(finer, path, progress=progress)


def cache_folder() -> Path:
    """Where pyramids are kept."""
    return preferences.cache_folder() / "pyramids"


def make_room(folder: Path, keep: str) -> None:
    """Delete the pyramids that were not used for longest until the folder is within its budget.

    The preference ``pyramids_gb`` sets the budget.
    """
    budget = preferences.number("pyramids_gb") * 1e9
    files = sorted(folder.glob("*.npy"), key=_last_used, reverse=True)
    total = 0
    for file in files:
        total += file.stat().st_size
        if total > budget and not file.name.startswith(keep):
            file.unlink(missing_ok=True)


def _last_used(file: Path) -> float:
    return file.stat().st_mtime
