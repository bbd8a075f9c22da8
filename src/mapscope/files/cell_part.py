"""The density of a unit cell that is known in parts, between its grid points.

Where all grid points around are known, a windowed sinc is as good as the Fourier series of the
whole cell; closer to where knowledge ends, ever shorter kernels must do.
"""

from __future__ import annotations

from collections.abc import Iterator

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.volume import Array, Shape, Triple

_TAPS = (8, 12, 16, 24)
_STEPS = 2**15


def values_where_known(
    density: npt.NDArray[np.float32],
    cell: gemmi.UnitCell,
    corner: Triple,
    voxel: float,
    shape: Shape,
) -> npt.NDArray[np.float32]:
    """Values of a partly known cell on a grid of cubic voxels, NaN beyond what is known.

    A voxel whose 24³ grid points around are known gets a sinc in a Kaiser window of them, right
    to 1e-4 σ where the grid has three points per resolution; else of 12³ or 8³ (1e-3, 1e-2 σ);
    else of 4³ the cubic or of 2³ the linear interpolation. All other voxels are unknown.

    Parameters
    ----------
    density : float32 array (u, v, w)
        The cell along its edges a, b, c; NaN where it is unknown.
    cell : gemmi.UnitCell
        The cell, in the usual frame (a along x, b in the plane of x and y).
    corner : tuple of float
        Position in Å (z, y, x) of the first voxel, from the cell's corner.
    voxel : float
        Voxel size in Å.
    shape : tuple of int
        Number of voxels, z, y, x.

    Returns
    -------
    values : float32 array (z, y, x)
        The density, NaN where it is unknown.
    """
    grid = gemmi.FloatGrid(density, cell, gemmi.SpaceGroup("P 1"))
    frame = gemmi.Transform(gemmi.Mat33((np.eye(3) * voxel).tolist()), gemmi.Vec3(*corner[::-1]))
    values = np.full(shape, np.nan, dtype=np.float32)
    for order in (1, 3):
        found = np.empty(shape[::-1], dtype=np.float32)
        grid.interpolate_values(found, frame, order)
        _put_known(values, found.transpose(2, 1, 0))
    planes = np.ascontiguousarray(density.transpose(2, 1, 0))
    for taps in _TAPS:
        for k, section in enumerate(_sections(planes, cell, corner, voxel, shape, _table(taps))):
            _put_known(values[k], section)
    return values


def _put_known(values: Array, better: Array) -> None:
    """Put the numbers of another array that are known in place of those of the first."""
    np.copyto(values, better, where=~np.isnan(better))


def _table(taps: int) -> npt.NDArray[np.float32]:
    """Weights (steps, taps) of the points around a place, by the fraction it is past one."""
    sharpness = min(taps / 2, 9.0)
    fraction = np.arange(_STEPS + 1)[:, None] / _STEPS
    distance = fraction + taps // 2 - 1 - np.arange(taps)
    inside = np.clip(1 - (2 * distance / taps) ** 2, 0, None)
    weights = np.sinc(distance) * np.i0(sharpness * np.sqrt(inside))
    scaled: npt.NDArray[np.float32] = weights / weights.sum(axis=1, keepdims=True)
    return scaled.astype(np.float32)


def _around(places: Array, count: int, table: Array) -> tuple[Array, Array]:
    """Indices and weights (..., taps) of the points of a period around places counted in points."""
    taps = table.shape[1]
    first = np.floor(places)
    row = np.rint((places - first) * _STEPS).astype(np.intp)
    steps = np.arange(1 - taps // 2, 1 + taps // 2)
    index = (first.astype(np.intp)[..., None] + steps) % count
    return index, table[row]


def _sections(
    planes: npt.NDArray[np.float32],
    cell: gemmi.UnitCell,
    corner: Triple,
    voxel: float,
    shape: Shape,
    table: Array,
) -> Iterator[Array]:
    """Sections (y, x) of the values, NaN where a point around is unknown.

    As the cell's edges form an upper triangular matrix, one axis follows after the other.
    """
    edges = np.array(cell.orth.mat.tolist())
    z, y, x = (c + voxel * np.arange(n) for c, n in zip(corner, shape, strict=True))
    count_w, count_v, count_u = planes.shape
    for height in z:
        w = height / edges[2, 2]
        index, weights = _around(np.array(w * count_w), count_w, table)
        plane = np.tensordot(weights, planes[index], axes=1)
        v = (y - edges[1, 2] * w) / edges[1, 1]
        index, weights = _around(v * count_v, count_v, table)
        rows = (weights[:, None, :] @ plane[index])[:, 0]
        u = (x - edges[0, 1] * v[:, None] - edges[0, 2] * w) / edges[0, 0]
        index, weights = _around(u * count_u, count_u, table)
        index += count_u * np.arange(len(y))[:, None, None]
        yield np.einsum("yxt,yxt->yx", rows.ravel()[index], weights)
