"""Cubes of a map for models of whole maps: few of them, where the molecule is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mapscope.density.frame import face_mean
from mapscope.volume import Array, Volume

_STEPS = 12
"""Places along a cube's edge at which its middle is tried."""

_LEAST_SHARE = 1 / 3


def cubes_of(
    volume: Volume, inside: Array, edge: int, most: int
) -> tuple[npt.NDArray[np.float32], ...]:
    """Cubes of a map that hold most of its molecule, the fullest first.

    Each next one holds most of what is left; the last of them at least a third of what the first
    does. Where the map is smaller than a cube it is in the cube's middle, and the mean of its
    faces around it. Dark density becomes bright.

    Parameters
    ----------
    volume : Volume
        The map.
    inside : bool array (z, y, x)
        Where the molecule is: at least one voxel.
    edge : int
        Voxels along a cube's edge.
    most : int
        Most cubes.

    Returns
    -------
    tuple of float32 array (edge, edge, edge)
        Density, not scaled.
    """
    data = volume.float32() * np.float32(volume.contrast)
    fill = face_mean(data)
    return tuple(_cube(data, middle, edge, fill) for middle in _middles(inside, edge, most))


def _middles(inside: Array, edge: int, most: int) -> Iterator[npt.NDArray[np.int64]]:
    """Middle voxels of the cubes, z, y, x."""
    from scipy.ndimage import uniform_filter

    step = max(1, edge // _STEPS)
    left = inside[::step, ::step, ::step].astype(np.float32)
    if not left.any():  # a molecule so thin that every step misses it
        step, left = 1, inside.astype(np.float32)
    reach = max(1, edge // step)
    first = 0.0
    for _ in range(most):
        share = uniform_filter(left, reach, mode="constant")
        best = np.array(np.unravel_index(int(share.argmax()), share.shape))
        if not left.any() or share[tuple(best)] < _LEAST_SHARE * first:
            return
        first = first or float(share[tuple(best)])
        lower = np.maximum(best - reach // 2, 0)
        box = tuple(slice(a, a + reach) for a in lower)
        # A molecule that is smaller than the cube comes into its middle.
        yield (np.argwhere(left[box]).mean(axis=0) + lower).round().astype(np.int64) * step
        left[box] = 0


def _cube(
    data: npt.NDArray[np.float32], middle: npt.NDArray[np.int64], edge: int, fill: float
) -> npt.NDArray[np.float32]:
    """A cube around a voxel, moved into the map as far as the map is large enough."""
    sizes = np.array(data.shape)
    corner = np.clip(middle - edge // 2, 0, np.maximum(sizes - edge, 0))
    corner = np.where(sizes < edge, -((edge - sizes) // 2), corner)
    cube = np.full((edge,) * 3, fill, dtype=np.float32)
    begin, end = np.maximum(corner, 0), np.minimum(corner + edge, sizes)
    there = tuple(slice(a, b) for a, b in zip(begin - corner, end - corner, strict=True))
    cube[there] = data[tuple(slice(a, b) for a, b in zip(begin, end, strict=True))]
    return cube
