"""Exact distances to a set of voxels, up to a limit, in steps that can be cancelled."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Region, Triple


def distance_within(
    binary: Array, voxel_size: Triple, radius: float, *, progress: Progress = silent
) -> npt.NDArray[np.float32]:
    """Distance in Å from each voxel to the nearest True one, at most `radius`.

    Equal to a Euclidean distance transform capped at `radius`, but done along one axis at a
    time over no more than the radius, within the box that it can reach.

    Parameters
    ----------
    binary : bool array (z, y, x)
        The voxels at distance 0.
    voxel_size : tuple of float
        Spacing in Å along z, y, x.
    radius : float
        Limit in Å, 0 or more.
    progress : callable
        Called once per plane and axis.

    Returns
    -------
    float32 array (z, y, x)
        `radius` where no True voxel is nearer, so everywhere if there is none.

    Raises
    ------
    InputError
        If the radius is negative.

    References
    ----------
    Felzenszwalb & Huttenlocher (2012) Theory of Computing 8, 415, section 2: the squared
    distance as successive one-dimensional minima.
    """
    if radius < 0:
        raise InputError(f"a distance limit must be at least 0 Å, got {radius}")
    limit = np.float32(radius) ** 2
    distance = np.full(binary.shape, radius, dtype=np.float32)
    region = _reach(binary, voxel_size, radius)
    if region is None:
        return distance
    # The last axis that work runs along is moved to the end, so that slabs stay small.
    near = np.where(binary[region.slices], np.float32(0), limit)
    for axis in range(3):
        planes = near.swapaxes(0, 1) if axis == 0 else near
        along = 1 if axis == 0 else axis
        for number, plane in enumerate(planes):
            progress(axis * len(planes) + number, 3 * len(planes), "distances")
            _spread(plane, along - 1, voxel_size[axis], radius)
    progress(1, 1, "distances")
    np.sqrt(near, out=near)
    distance[region.slices] = np.minimum(near, np.float32(radius))
    return distance


def _reach(binary: Array, voxel_size: Triple, radius: float) -> Region | None:
    """Box of the True voxels grown by the radius and clipped; `None` if there are none."""
    lower, upper = [], []
    for axis in range(3):
        others = tuple(a for a in range(3) if a != axis)
        occupied = np.flatnonzero(binary.any(axis=others))
        if occupied.size == 0:
            return None
        grown = math.ceil(radius / voxel_size[axis])
        lower.append(max(int(occupied[0]) - grown, 0))
        upper.append(min(int(occupied[-1]) + 1 + grown, binary.shape[axis]))
    return Region(tuple(lower), tuple(upper))  # type: ignore[arg-type]


def _spread(plane: Array, axis: int, spacing: float, radius: float) -> None:
    """Replace squared distances in a plane by their minimum over offsets along one axis."""
    before = plane.copy() if axis == 0 else plane.T.copy()
    after = plane if axis == 0 else plane.T
    for step in range(1, min(int(radius / spacing), len(before) - 1) + 1):
        square = np.float32((step * spacing) ** 2)
        shifted = before + square
        np.minimum(after[step:], shifted[:-step], out=after[step:])
        np.minimum(after[:-step], shifted[step:], out=after[:-step])
