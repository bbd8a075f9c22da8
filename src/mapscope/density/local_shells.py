"""Fourier shell correlation in one place of a map."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import ShellCurves, correlate_shells
from mapscope.errors import InputError
from mapscope.volume import Array, Grid, HalfMaps


def local_shell_correlation(
    half_maps: HalfMaps, position: npt.ArrayLike, window: float
) -> ShellCurves:
    """FSC of two half maps in a soft ball around a point, for a look at local quality.

    Parameters
    ----------
    half_maps : HalfMaps
        The half maps.
    position : array (3,)
        Å, z, y, x, inside the map.
    window : float
        Diameter in Å of the ball, at least eight voxels; its outer third is a raised-cosine
        edge. Shells are ``1 / window`` wide, roughly.

    Raises
    ------
    InputError
        If the position lies outside the map or the window is smaller than eight voxels.

    References
    ----------
    Cardone, Heymann & Steven (2013) J. Struct. Biol. 184, 226.
    """
    first, second, shells = local_transforms(half_maps, position, window)
    return correlate_shells(first, second, shells)


def local_transforms(
    maps: HalfMaps, position: npt.ArrayLike, window: float
) -> tuple[npt.NDArray[np.complex64], npt.NDArray[np.complex64], Shells]:
    """Transforms of two maps in a soft ball around a point, and the shells of its box.

    Parameters and errors as in :func:`local_shell_correlation`.
    """
    grid = maps.grid
    if not grid.contains(position):
        raise InputError(f"the position {position!r} Å (z, y, x) lies outside the map")
    if window < 8 * max(grid.voxel_size):
        raise InputError(f"a window needs at least eight voxels, got {window} Å")
    centre = np.round(grid.index_from_world(position)).astype(int)
    half = np.round(0.5 * window / np.asarray(grid.voxel_size)).astype(int)
    box = Grid(tuple(2 * half), grid.voxel_size)
    ball = _soft_ball(box, window)
    first, second = (
        transform(_windowed(volume.data, centre - half, ball))
        for volume in (maps.first, maps.second)
    )
    return first, second, Shells(box)


def _soft_ball(box: Grid, diameter: float) -> npt.NDArray[np.float32]:
    """1 within two thirds of the radius, falling to 0 at the radius, about voxel n // 2."""
    axes = [
        ((np.arange(n) - n // 2) * d) ** 2 for n, d in zip(box.shape, box.voxel_size, strict=True)
    ]
    distance = np.sqrt(axes[0][:, None, None] + axes[1][:, None] + axes[2])
    along = np.clip(3 * (2 * distance / diameter) - 2, 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * along), dtype=np.float32)


def _windowed(
    data: Array, corner: npt.NDArray[np.int_], ball: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """The box at `corner` less its mean under the ball, times the ball; 0 outside the map."""
    lower = np.maximum(corner, 0)
    upper = np.minimum(corner + ball.shape, data.shape)
    inside = tuple(slice(a, b) for a, b in zip(lower - corner, upper - corner, strict=True))
    source = data[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))]
    part_of_ball = ball[inside]
    mean = float((source * part_of_ball).sum(dtype=np.float64) / part_of_ball.sum())
    result = np.zeros(ball.shape, dtype=np.float32)
    result[inside] = (source - np.float32(mean)) * part_of_ball
    return result
