"""A tomogram with larger voxels, made while it is read."""

from __future__ import annotations

from typing import cast

import numpy as np

from mapscope.arrays import Array, LazyArray
from mapscope.volume import Volume

_READ_BYTES = 128 * 2**20


def block_means(volume: Volume, factor: int) -> Volume:
    """The means of cubes of voxels, as a lazy volume; nothing is read before it is asked for.

    At the far ends the mean is over the voxels that are there.

    Parameters
    ----------
    volume : Volume
        May be a memory map or lazy.
    factor : int
        Voxels along the edge of a cube, at least 1.
    """
    if factor == 1:
        return volume
    shape = tuple(-(-n // factor) for n in volume.shape)

    def load(box: tuple[slice, ...]) -> Array:
        found = np.empty([b.stop - b.start for b in box], dtype=np.float32)
        # A few planes at a time: a box of 200³ cubes of 5³ voxels would be 4 GB.
        planes = max(1, _READ_BYTES // (4 * factor**3 * max(1, found[:1].size)))
        for first in range(box[0].start, box[0].stop, planes):
            last = min(first + planes, box[0].stop)
            fine = tuple(
                slice(factor * b.start, min(factor * b.stop, n))
                for b, n in zip((slice(first, last), *box[1:]), volume.shape, strict=True)
            )
            part = np.asarray(volume.data[fine], dtype=np.float32)
            found[first - box[0].start : last - box[0].start] = _means(part, factor)
        return found

    z, y, x = (factor * size for size in volume.voxel_size)
    first = volume.grid.world_from_index([(factor - 1) / 2] * 3)
    data = cast("Array", LazyArray(shape, np.float32, load))
    return Volume(
        data, (z, y, x), (float(first[0]), float(first[1]), float(first[2])), None, volume.contrast
    )


def _means(data: Array, factor: int) -> Array:
    """Means over cubes of an array (z, y, x)."""
    for axis, count in enumerate(data.shape):
        starts = np.arange(0, count, factor)
        width = np.minimum(factor, count - starts).astype(np.float32)
        sums = np.add.reduceat(data, starts, axis=axis)
        data = sums / width.reshape([-1 if a == axis else 1 for a in range(3)])
    return data
