"""Density at many points, linear between voxels, in as few passes as it takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.volume import Region, Volume

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def part_around(
    volume: Volume, index: Floats, reach: npt.ArrayLike = 1
) -> tuple[npt.NDArray[np.float32], Indices]:
    """The box of density around voxel indices, and its first voxel.

    Parameters
    ----------
    volume : Volume
        The map; may be a memory map.
    index : float64 array (n, 3)
        Voxel indices inside the map, at least one.
    reach : int or array (3,)
        Voxels more to every side.

    Returns
    -------
    density : float32 array (z, y, x)
        At most the whole map; positive where there is matter.
    lower : int64 array (3,)
        Index of its first voxel in the map.
    """
    wide = np.broadcast_to(np.asarray(reach, dtype=np.int64), (3,))
    lower = np.floor(index.min(axis=0)).astype(np.int64) - wide
    upper = np.ceil(index.max(axis=0)).astype(np.int64) + wide + 1
    region = Region(tuple(lower), tuple(upper)).clipped(volume.shape)
    density = np.ascontiguousarray(volume.data[region.slices], dtype=np.float32)
    if volume.contrast < 0:
        density = -density
    return density, np.asarray(region.lower, dtype=np.int64)


def linear(
    density: npt.NDArray[np.float32],
    voxels: npt.NDArray[np.integer[Any]],
    fractions: npt.NDArray[Any],
) -> npt.NDArray[Any]:
    """Density between voxels, in the precision of `fractions`.

    Parameters
    ----------
    density : float32 array (z, y, x)
        At least two voxels along each axis.
    voxels : int array (3, n)
        The voxel before each point, along z, y and x, at most the last but one.
    fractions : float array (3, n)
        How far beyond it each point lies, 0 to 1 voxels.

    Returns
    -------
    float array (n,)
    """
    _, rows, columns = density.shape
    first = (voxels[0] * rows + voxels[1]) * columns + voxels[2]
    flat = density.reshape(-1)
    z, y, x = fractions

    def line(start: int) -> npt.NDArray[Any]:
        near, far = (flat.take(first + n).astype(x.dtype, copy=False) for n in (start, start + 1))
        far -= near
        far *= x
        far += near
        return np.asarray(far)

    def plane(start: int) -> npt.NDArray[Any]:
        near, far = line(start), line(start + columns)
        far -= near
        far *= y
        far += near
        return np.asarray(far)

    top, bottom = plane(0), plane(rows * columns)
    return np.asarray(top + z * (bottom - top))


def density_at(volume: Volume, positions: Floats) -> Floats:
    """Density at positions in double precision, NaN beyond the outermost voxel centres.

    Parameters
    ----------
    volume : Volume
        The map, of at least two voxels along each axis.
    positions : float64 array (n, 3)
        Å, z, y, x.

    Returns
    -------
    float64 array (n,)
    """
    values = np.full(len(positions), np.nan)
    inside = volume.grid.contains(positions)
    if not inside.any() or min(volume.shape) < 2:
        return values
    index = volume.grid.index_from_world(positions[inside])
    density, lower = part_around(volume, index)
    local = (index - lower).T
    last = np.asarray(density.shape)[:, None] - 2
    voxels = np.minimum(local.astype(np.int64), last)
    values[inside] = linear(density, voxels, local - voxels)
    return values
