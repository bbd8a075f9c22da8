"""What a network has said of a volume, all of it or as far as it came."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from mapscope.arrays import Array
from mapscope.density.tiles import LARGEST_BYTES, scratch_array
from mapscope.errors import Cancelled
from mapscope.grid import Grid
from mapscope.inference.tiling import Box


@dataclass
class Prediction:
    """Outputs of a network for a volume, or for a region of it.

    Parameters
    ----------
    outputs : mapping of str to array (features, z, y, x)
        By name; where nothing was computed they are 0. Large ones lie in a temporary file that
        vanishes with them.
    region : tuple of slice
        Which voxels of the volume they are.
    finished : list of tuple of slice
        Boxes of the volume that are done.
    tiles : int
        How many boxes there are in all.
    tile, margin, batch : int
        Voxels along a tile's edge and around what is kept of it, and tiles at once in the end.
    device, precision : str
        What computed, and in which numbers.
    """

    outputs: Mapping[str, Array]
    region: Box
    tiles: int
    tile: int
    margin: int
    device: str
    precision: str
    batch: int = 1
    finished: list[Box] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether every voxel of the region is done."""
        return len(self.finished) == self.tiles

    @property
    def share(self) -> float:
        """Part of the region's voxels that is done, 0 to 1."""
        return sum(map(_voxels, self.finished)) / _voxels(self.region)

    def done(self) -> Array:
        """Which voxels of the region are done, bool (z, y, x)."""
        mask = np.zeros(tuple(s.stop - s.start for s in self.region), dtype=bool)
        for box in self.finished:
            mask[within(box, self.region)] = True
        return mask


class Stopped(Cancelled):
    """The user asked to stop, and what was finished until then is here.

    Parameters
    ----------
    prediction : Prediction
        Its `finished` says which part of it is done.
    grid : Grid, optional
        Where the voxels lie, as far as who stopped knew.
    """

    def __init__(self, prediction: Prediction, grid: Grid | None = None) -> None:
        done = len(prediction.finished)
        super().__init__(f"stopped after {done} of {prediction.tiles} tiles")
        self.prediction, self.grid = prediction, grid


def within(box: Box, region: Box) -> Box:
    """The same box, counted from where a region begins."""
    pairs = zip(box, region, strict=True)
    z, y, x = (slice(b.start - r.start, b.stop - r.start) for b, r in pairs)
    return z, y, x


def output_array(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    """Zeros to write into: in memory, or in a temporary file where they are over 1 GiB."""
    is_small = math.prod(shape) * dtype.itemsize <= LARGEST_BYTES
    return np.zeros(shape, dtype) if is_small else scratch_array(shape, dtype)


def _voxels(box: Box) -> int:
    return math.prod(s.stop - s.start for s in box)
