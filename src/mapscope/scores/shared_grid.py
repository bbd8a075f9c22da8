"""Two maps brought onto one grid, so that they can be compared voxel by voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mapscope.density.frame import crop
from mapscope.density.resample import onto_grid
from mapscope.errors import GridError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Grid, Region, Volume


@dataclass(frozen=True, eq=False)
class SharedGrid:
    """Two maps, and a mask where there is one, on one grid.

    Parameters
    ----------
    first, second : Volume
        The maps.
    mask : Volume or None
        The mask.
    note : str
        What was done to bring them there; empty where they lay there already.
    """

    first: Volume
    second: Volume
    mask: Volume | None
    note: str


def on_shared_grid(
    first: Volume, second: Volume, mask: Volume | None = None, *, progress: Progress = silent
) -> SharedGrid:
    """Both maps on the grid of the first, cut to the box in which the second has density.

    Nothing moves: the second map is interpolated by cubic splines where its voxels lie elsewhere.
    A mask on another grid is interpolated linearly, 0 beyond its box.

    Parameters
    ----------
    first, second : Volume
        The maps.
    mask : Volume, optional
        On any grid.
    progress : callable
        Called once per slab.

    Raises
    ------
    GridError
        If the boxes do not overlap.
    """
    notes = []
    if not first.grid.matches(second.grid):
        region = _shared_region(first.grid, second.grid)
        if region.shape != first.shape:
            first = crop(first, region)
            notes.append(
                f"compared in the {_times(region.shape)} voxels (z, y, x) that both maps cover"
            )
        second = onto_grid(second, first.grid, progress=part(progress, 0, 1, 2))
        notes.append("the second map was resampled onto the grid of the first")
    if mask is not None and not first.grid.matches(mask.grid):
        mask = onto_grid(mask, first.grid, order=1, progress=part(progress, 1, 2, 2))
        notes.append("the mask was resampled onto it")
    progress(1, 1, "maps on one grid")
    return SharedGrid(first, second, mask, "; ".join(notes))


def _shared_region(grid: Grid, other: Grid) -> Region:
    """The voxels of a grid that lie between the outermost voxel centres of another.

    Raises
    ------
    GridError
        If there are none, saying where both lie.
    """
    end = other.world_from_index(np.asarray(other.shape) - 1.0)
    lower = np.clip(np.ceil(grid.index_from_world(other.origin) - 1e-3), 0, grid.shape)
    upper = np.clip(np.floor(grid.index_from_world(end) + 1e-3) + 1, 0, grid.shape)
    if (upper <= lower).any():
        raise GridError(
            f"the maps do not overlap: one begins at {_place(grid)}, the other at {_place(other)} "
            "Å (z, y, x); fit one into the other first"
        )
    return Region(tuple(lower.astype(int)), tuple(upper.astype(int)))


def _times(shape: tuple[int, ...]) -> str:
    """A size in words."""
    return " × ".join(str(n) for n in shape)


def _place(grid: Grid) -> str:
    """An origin short enough for a message."""
    return "(" + ", ".join(f"{o:.1f}" for o in grid.origin) + ")"
