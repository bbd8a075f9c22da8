"""Whether an enhanced map shows what went in, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError, InputError
from mapscope.scores.molecule import within_radius
from mapscope.volume import Array, Grid, Volume, require_same_grid


@dataclass(frozen=True)
class Rise:
    """How strong a map is against what it was made of; of noise, at most 1 is honest.

    Parameters
    ----------
    deviation : float
        Standard deviation over that of the other map.
    highest : float
        Highest value above the mean over that of the other map.
    """

    deviation: float
    highest: float

    @property
    def most(self) -> float:
        """The larger of the two."""
        return max(self.deviation, self.highest)


def rise(made: Volume, given: Volume) -> Rise:
    """How much higher than what was given a map is.

    Parameters
    ----------
    made, given : Volume
        What a method made, and what it was given, on one grid.

    Raises
    ------
    GridError
        If the grids differ.
    DataError
        If what was given is constant.
    """
    require_same_grid(given, made, "what was given", "what was made")
    after, before = (_strength(v) for v in (made, given))
    if not before[0] > 0:
        raise DataError("what was given is constant: nothing can be measured against it")
    return Rise(after[0] / before[0], after[1] / before[1])


def _strength(volume: Volume) -> tuple[float, float]:
    """Standard deviation, and the highest value above the mean."""
    data = np.asarray(volume.data, dtype=np.float64)
    return float(data.std()), float(data.max() - data.mean())


def level_enclosing(volume: Volume, voxels: int) -> float:
    """The density that so many voxels reach: where a contour encloses their volume.

    Parameters
    ----------
    volume : Volume
        The map.
    voxels : int
        From 1 to as many as it has.

    Raises
    ------
    InputError
        If there are fewer.
    """
    data = np.asarray(volume.data).ravel()
    if not 1 <= voxels <= data.size:
        raise InputError(f"a contour encloses 1 to {data.size} voxels of this map, not {voxels}")
    return float(np.partition(data, data.size - voxels)[data.size - voxels])


def place_of(
    positions: npt.NDArray[np.float64],
    grid: Grid,
    *,
    others: npt.NDArray[np.float64] | None = None,
    radius: float = 1.5,
    apart: float = 3.0,
) -> npt.NDArray[np.bool_]:
    """Voxels near some atoms and away from all others, true, (z, y, x).

    Parameters
    ----------
    positions : float64 array (n, 3)
        Å, z, y, x: of a ligand, a chain or a blob.
    grid : Grid
        The voxels.
    others : float64 array (m, 3), optional
        Atoms of what else is there.
    radius, apart : float
        Å: within so much of the atoms, and farther than so much from the others.
    """
    near = within_radius(positions, np.full(len(positions), radius), grid)
    if others is None:
        return near
    return near & ~within_radius(others, np.full(len(others), apart), grid)


def share_above(volume: Volume, level: float, where: Array) -> float:
    """Share of some voxels that reach a level; NaN of none.

    Parameters
    ----------
    volume : Volume
        The map.
    level : float
        Density.
    where : bool array (z, y, x)
        The voxels.
    """
    values = np.asarray(volume.data)[where]
    return float((values >= level).mean()) if values.size else float("nan")


def recall(given: Volume, made: Volume, where: Array, voxels: int) -> float:
    """How much of what a map showed at a place is still shown; NaN where it showed nothing.

    Both maps are contoured so that they enclose the same volume. Of the voxels of the place that
    the map given shows inside its contour, it is the share that the map made shows inside its own.

    Parameters
    ----------
    given, made : Volume
        Before and after, on one grid.
    where : bool array (z, y, x)
        The place, such as a ligand's.
    voxels : int
        How many the contours enclose: about those of the molecule.
    """
    require_same_grid(given, made, "the map given", "the map made")
    shown = np.asarray(where) & (np.asarray(given.data) >= level_enclosing(given, voxels))
    return share_above(made, level_enclosing(made, voxels), shown)


def added(given: Volume, made: Volume, where: Array, voxels: int) -> float:
    """How much more of a place a map shows than it did: 0 or less where nothing was invented.

    Parameters
    ----------
    given, made : Volume
        Before and after, on one grid.
    where : bool array (z, y, x)
        A place where nothing is.
    voxels : int
        How many voxels the contours enclose.
    """
    require_same_grid(given, made, "the map given", "the map made")
    before, after = (share_above(v, level_enclosing(v, voxels), where) for v in (given, made))
    return after - before
