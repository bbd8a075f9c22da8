"""Boxes cut out of a tomogram; of a memory map or a lazy array nothing else is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.volume import Array, Shape

Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Box:
    """What there is of a box that may reach beyond the tomogram.

    Parameters
    ----------
    data : float32 array (z, y, x)
        The voxels; those beyond the tomogram have the mean of the others.
    is_whole : bool
        Whether all of it lies inside.
    is_empty : bool
        Whether none of it does; the data are 0 then.
    """

    data: Singles
    is_whole: bool
    is_empty: bool


def cut_box(data: Array, lower: npt.ArrayLike, shape: Shape) -> Box:
    """A box of an array, filled up with its mean where it reaches beyond.

    Parameters
    ----------
    data : array (z, y, x)
        The tomogram; may be a memory map or a lazy array.
    lower : three ints
        First voxel of the box; may be negative.
    shape : tuple of int
        Its size.
    """
    start = np.asarray(lower, dtype=np.int64)
    first = np.clip(start, 0, data.shape)
    last = np.clip(start + shape, 0, data.shape)
    if (last <= first).any():
        return Box(np.zeros(shape, np.float32), is_whole=False, is_empty=True)
    inner = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    found = np.asarray(data[inner], dtype=np.float32)
    if found.shape == tuple(shape):
        return Box(found, is_whole=True, is_empty=False)
    filled = np.full(shape, found.mean(dtype=np.float64), dtype=np.float32)
    place = tuple(
        slice(int(a), int(a) + n) for a, n in zip(first - start, found.shape, strict=True)
    )
    filled[place] = found
    return Box(filled, is_whole=False, is_empty=False)
