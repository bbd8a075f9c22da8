"""What makes of a map what a network has learned from: a shift and a factor for the whole map.

A tile and the whole are scaled alike. For a network that has learned from windows the numbers are
those of such windows of the map, each counted by its variance, so that empty space around a
molecule changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.arrays import Array
from mapscope.errors import DataError
from mapscope.progress import Progress, silent

Normalisation: TypeAlias = Literal["none", "min_max", "standard"]
"""Nothing; smallest voxel to 0 and largest to 1; mean to 0 and standard deviation to 1."""

_SLAB_VOXELS = 4_000_000


@dataclass(frozen=True)
class Scaling:
    """``(density - shift) * factor``."""

    shift: float = 0.0
    factor: float = 1.0

    def __call__(self, density: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The density scaled, float32, of the same shape."""
        return (density - np.float32(self.shift)) * np.float32(self.factor)


AS_IT_IS = Scaling()


def scaling_of(
    density: Array,
    normalisation: Normalisation,
    *,
    window: int = 0,
    progress: Progress = silent,
) -> Scaling:
    """The shift and factor that a normalisation means for a map.

    Parameters
    ----------
    density : array (z, y, x)
        All of the map; may be a memory map, and is read about once.
    normalisation : {"none", "min_max", "standard"}
        Which.
    window : int
        Voxels along the edge of the windows whose numbers count; 0 for those of the whole map.
    progress : callable
        Called once per slab.

    Raises
    ------
    DataError
        If all voxels are equal.
    """
    if normalisation == "none":
        return AS_IT_IS
    if window and window < max(density.shape):
        shift, spread = _of_windows(density, window, normalisation, progress)
    else:
        shift, spread = _SHIFT_AND_SPREAD[normalisation](_slabs(density, progress))
    if not spread > 0:
        raise DataError("every voxel of the map has the same value: there is nothing to look at")
    return Scaling(shift, 1 / spread)


def turned_over(scaling: Scaling, normalisation: Normalisation) -> Scaling:
    """The scaling of the negative map, for the map itself.

    Parameters
    ----------
    scaling : Scaling
        What `scaling_of` gives for the map.
    normalisation : {"none", "min_max", "standard"}
        Which it is.

    Examples
    --------
    >>> turned_over(Scaling(2.0, 0.25), "min_max")
    Scaling(shift=6.0, factor=-0.25)
    """
    end = 1 / scaling.factor if normalisation == "min_max" else 0.0
    return Scaling(scaling.shift + end, -scaling.factor)


def _slabs(density: Array, progress: Progress) -> Iterator[npt.NDArray[np.float64]]:
    """The map plane by plane, some at a time."""
    planes, rest = density.shape[0], int(np.prod(density.shape[1:]))
    step = max(1, _SLAB_VOXELS // max(1, rest))
    for start in range(0, planes, step):
        progress(start, planes, "measuring the map")
        yield np.asarray(density[start : start + step], dtype=np.float64)


def _of_windows(
    density: Array, window: int, normalisation: Normalisation, progress: Progress
) -> tuple[float, float]:
    """Shift and spread of the windows of a map: their means, weighted by their variances."""
    function = _SHIFT_AND_SPREAD[normalisation]
    found = np.array(
        [
            (part.var(), *function(iter([part])))
            for row in _rows(density, window, progress)
            for part in row
        ]
    )
    variances, shifts, spreads = found.T
    if not (spreads > 0).any():
        return float(shifts.mean()), 0.0
    shift = np.average(shifts, weights=variances)
    if normalisation == "standard":
        return float(shift), float(np.sqrt(np.average(spreads**2, weights=variances)))
    return float(shift), float(np.average(spreads, weights=variances))


def _rows(
    density: Array, window: int, progress: Progress
) -> Iterator[list[npt.NDArray[np.float64]]]:
    """Windows that cover a map, those along one row at a time."""
    starts_z, starts_y, starts_x = ([*_starts(size, window)] for size in density.shape)
    for number, z in enumerate(starts_z):
        progress(number, len(starts_z), "measuring the map")
        for y in starts_y:
            row = np.asarray(density[z : z + window, y : y + window], dtype=np.float64)
            yield [row[..., x : x + window] for x in starts_x]


def _starts(size: int, window: int) -> Iterator[int]:
    """Where windows begin along an axis; the last one ends where the map does."""
    yield from range(0, size - window, window)
    yield max(0, size - window)


def _min_max(slabs: Iterator[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Smallest value, and how far the largest is from it."""
    ends = [(float(slab.min()), float(slab.max())) for slab in slabs]
    lowest, highest = min(low for low, _ in ends), max(high for _, high in ends)
    return lowest, highest - lowest


def _standard(slabs: Iterator[npt.NDArray[np.float64]]) -> tuple[float, float]:
    """Mean and standard deviation, from those of each slab."""
    counts, means, squares = zip(
        *((slab.size, slab.mean(), slab.var() * slab.size) for slab in slabs), strict=True
    )
    mean = float(np.average(means, weights=counts))
    between = sum(n * (m - mean) ** 2 for n, m in zip(counts, means, strict=True))
    spread = ((sum(squares) + between) / sum(counts)) ** 0.5
    # Rounding leaves something of a constant: what is below it is none.
    return mean, float(spread) if spread > 1e-12 * max(1.0, abs(mean)) else 0.0


_SHIFT_AND_SPREAD: dict[str, Callable[[Iterator[npt.NDArray[np.float64]]], tuple[float, float]]] = {
    "min_max": _min_max,
    "standard": _standard,
}
