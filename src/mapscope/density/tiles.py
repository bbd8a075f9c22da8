"""Filtering maps that are larger than memory, tile by tile, into a file of their own."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid, Volume

LARGEST_BYTES = 2**30
"""Maps of more float32 bytes than this are filtered by tiles: whole, they need five times that."""

CORE = 192
MARGIN = 48
"""Voxels of a tile that are kept along each edge, and voxels computed around them."""


@dataclass(frozen=True)
class Tile:
    """One stretch of an axis.

    Parameters
    ----------
    start, stop : int
        What is kept.
    lower, upper : int
        What is read: the kept stretch and the margin around it, within the axis.
    """

    start: int
    stop: int
    lower: int
    upper: int


def tiles_of_axis(size: int, core: int = CORE, margin: int = MARGIN) -> Iterator[Tile]:
    """Tiles that cover an axis of `size` voxels exactly once.

    Examples
    --------
    >>> [(t.lower, t.start, t.stop, t.upper) for t in tiles_of_axis(10, 4, 1)]
    [(0, 0, 4, 5), (3, 4, 8, 9), (7, 8, 10, 10)]
    """
    for start in range(0, size, core):
        stop = min(start + core, size)
        yield Tile(start, stop, max(0, start - margin), min(size, stop + margin))


def is_large(volume: Volume) -> bool:
    """Whether a map is to be filtered by tiles."""
    return 4 * math.prod(volume.shape) > LARGEST_BYTES


def narrowest_edge(grid: Grid) -> float:
    """Width in 1/Å of the narrowest filter edge whose ringing stays within a tile's margin."""
    return 3.0 / (MARGIN * min(grid.voxel_size))


def filter_by_tiles(
    volume: Volume,
    apply: Callable[[Volume], Volume],
    *,
    progress: Progress = silent,
) -> Volume:
    """A map with `apply` done to tiles of it; memory stays at a few tiles.

    A tile reaches `MARGIN` voxels beyond what is kept of it; at the sides of the map it is
    continued by its mirror image. The result lies in a temporary file that vanishes with it.

    Parameters
    ----------
    volume : Volume
        The map; may be a memory map.
    apply : callable
        Filters one tile; must not change its shape.
    progress : callable
        Called once per tile.
    """
    axes = [list(tiles_of_axis(n)) for n in volume.shape]
    result = scratch_array(volume.shape)
    total = math.prod(len(axis) for axis in axes)
    for done, tiles in enumerate(itertools.product(*axes)):
        progress(done, total, "filtering by tiles")
        padded, inner = _padded(volume.data, tiles)
        filtered = apply(Volume(padded, volume.voxel_size)).data
        result[tuple(slice(t.start, t.stop) for t in tiles)] = filtered[inner]
    result.flush()
    return volume.with_data(result)


def _padded(
    data: Array, tiles: tuple[Tile, ...]
) -> tuple[npt.NDArray[np.float32], tuple[slice, ...]]:
    """A tile with its full margin, mirrored where the map ends, and where its core lies in it."""
    cut = np.asarray(data[tuple(slice(t.lower, t.upper) for t in tiles)], dtype=np.float32)
    missing = [(MARGIN - (t.start - t.lower), MARGIN - (t.upper - t.stop)) for t in tiles]
    padded = np.pad(cut, missing, mode="symmetric")
    return padded, tuple(slice(MARGIN, MARGIN + t.stop - t.start) for t in tiles)


def scratch_array(
    shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32
) -> np.memmap[tuple[int, ...], np.dtype[Any]]:
    """An array of zeros in a temporary file, which is deleted when the array is."""
    # The map holds its file by itself; nothing is left of it once both are gone.
    with tempfile.TemporaryFile(prefix="mapscope-") as file:
        file.truncate(math.prod(shape) * np.dtype(dtype).itemsize)
        return np.memmap(file, dtype, "r+", shape=shape)
