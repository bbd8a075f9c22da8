"""Coarser copies of a map that is too large to be drawn or held whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mapscope.progress import Progress, silent
from mapscope.volume import Array, Shape

SLAB_BYTES = 32 * 2**20
"""Bytes of the finer level that are read at a time."""


def coarse_sample(data: Array, longest: int) -> Array:
    """Every n-th voxel along each axis, so that no edge has more than `longest` voxels.

    Voxels are taken from the middle of their blocks. Only the pages that hold them are read
    from a memory map, so that a first look at a huge map is there at once.

    Parameters
    ----------
    data : array (z, y, x)
        The map; may be a memory map.
    longest : int
        Longest edge of the result in voxels.

    Returns
    -------
    float32 array (z, y, x)
    """
    step = -(-max(data.shape) // longest)
    start = min(step // 2, min(data.shape) - 1)
    planes = data[start::step]
    coarse = np.empty((len(planes), *planes[0, start::step, start::step].shape), np.float32)
    for n, plane in enumerate(planes):
        coarse[n] = plane[start::step, start::step]
    return coarse


def halved_shape(shape: Shape) -> Shape:
    """Shape of the next coarser level: half of each edge, a last odd voxel standing alone."""
    z, y, x = (-(-n // 2) for n in shape)
    return (z, y, x)


def write_halved(data: Array, path: Path, *, progress: Progress = silent) -> Array:
    """Mean of each block of eight voxels, written slab by slab into a file and mapped back.

    Parameters
    ----------
    data : array (z, y, x)
        The finer level; may be a memory map.
    path : Path
        NumPy file (``.npy``) to write; an unfinished one is not left behind.
    progress : callable
        Called once per slab.

    Returns
    -------
    float32 memory map (z, y, x), read-only
    """
    unfinished = path.with_name(path.name + ".part")
    try:
        _fill_halved(data, unfinished, progress)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    mapped: Array = np.load(path, mmap_mode="r")
    return mapped


def _fill_halved(data: Array, path: Path, progress: Progress) -> None:
    """Write the means of blocks of eight voxels to `path`, never holding more than a slab."""
    shape = halved_shape(data.shape)
    planes = max(1, SLAB_BYTES // (2 * data[0].nbytes))
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for start in range(0, shape[0], planes):
        progress(start, shape[0], "building a smaller copy")
        slab = np.asarray(data[2 * start : 2 * (start + planes)], dtype=np.float32)
        for axis in range(3):
            slab = _pairwise_mean(slab, axis)
        out[start : start + planes] = slab
    out.flush()
    del out


def _pairwise_mean(data: Array, axis: int) -> Array:
    """Mean of neighbours along an axis; a last voxel without a neighbour is kept."""
    even, odd = (_every_second(data, axis, first) for first in (0, 1))
    result = even.astype(np.float32)
    paired = result[(slice(None),) * axis + (slice(0, odd.shape[axis]),)]
    paired += odd
    paired *= np.float32(0.5)
    return result


def _every_second(data: Array, axis: int, first: int) -> Array:
    """Every second element along an axis."""
    return data[(slice(None),) * axis + (slice(first, None, 2),)]
