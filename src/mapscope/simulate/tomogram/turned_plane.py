"""Cubic splines in the plane across the tilt axis, as sparse matrices.

Tilting turns every plane across the axis in the same way: a volume is a matrix of z·x rows and y
columns, and projecting or back-projecting it is one product.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_TAPS = np.arange(-1, 3)


def spline_coefficients(data: npt.ArrayLike, axes: tuple[int, ...]) -> Singles:
    """Coefficients of the cubic spline that passes through the samples, of the same shape.

    Parameters
    ----------
    data : array
        Samples.
    axes : tuple of int
        Along which to interpolate.
    """
    from scipy.ndimage import spline_filter1d

    result = np.asarray(data, dtype=np.float32)
    for axis in axes:
        result = spline_filter1d(result, order=3, axis=axis, output=np.float32)
    return np.asarray(result)


def spline_weights(place: Floats) -> tuple[Integers, Singles]:
    """Which four coefficients count at each place (n,), and how much, both (n, 4)."""
    first = np.floor(place)
    t = (place - first).astype(np.float32)
    rest = 1 - t
    weights = np.stack(
        [
            rest**3,
            4 - 6 * t**2 + 3 * t**3,
            4 - 6 * rest**2 + 3 * rest**3,
            t**3,
        ],
        axis=1,
    )
    taps = np.asarray(first.astype(np.int64)[:, None] + _TAPS)
    return taps, np.asarray(weights / np.float32(6), dtype=np.float32)


@dataclass(frozen=True)
class TiltedPlane:
    """A plane z, x seen at a tilt: columns of an image, and heights along the beam.

    A voxel at z, x, counted from voxel ``n // 2``, lies in column ``x cos θ + z sin θ`` at the
    height ``z cos θ - x sin θ``; electrons fly towards greater heights.

    Parameters
    ----------
    shape : (int, int)
        Voxels along z and x.
    tilt : float
        Degrees.
    columns : int
        Pixels across the tilt axis; the axis lies in pixel ``columns // 2``.
    """

    shape: tuple[int, int]
    tilt: float
    columns: int

    def slabs(self, thickness: int | None) -> tuple[Any, Floats]:
        """What each slab across the beam adds up, and the height of its middle in voxels.

        Parameters
        ----------
        thickness : int, optional
            Voxels. None: one slab of everything.

        Returns
        -------
        scipy sparse array (slabs · columns, z · x)
            Acts on spline coefficients.
        float64 array (slabs,)
            Heights; slabs that hold nothing are left out.
        """
        reach = self._reach()
        step = thickness or 2 * reach + 1
        number = -(-(2 * reach + 1) // step)
        lowest = -(number * step // 2)
        height = lowest + np.arange(number * step, dtype=np.int64)
        column = np.arange(self.columns, dtype=np.int64) - self.columns // 2
        h, u = (a.ravel() for a in np.meshgrid(height, column, indexing="ij"))
        matrix = self._sampling(h, u, (h - lowest) // step, number)
        middles = lowest + step * np.arange(number, dtype=np.float64) + (step - 1) / 2
        return matrix, np.asarray(middles)

    def _reach(self) -> int:
        """Greatest height of a voxel, rounded up."""
        angle = np.deg2rad(self.tilt)
        z, x = (n // 2 + 1 for n in self.shape)
        return int(np.ceil(z * abs(np.cos(angle)) + x * abs(np.sin(angle))))

    def _sampling(self, h: Integers, u: Integers, slab: Integers, number: int) -> Any:
        """Splines at heights and columns, added up over each slab."""
        from scipy.sparse import csr_array

        angle = np.deg2rad(self.tilt)
        nz, nx = self.shape
        z = u * np.sin(angle) + h * np.cos(angle) + nz // 2
        x = u * np.cos(angle) - h * np.sin(angle) + nx // 2
        near = (z > -2) & (z < nz + 1) & (x > -2) & (x < nx + 1)
        row = slab * self.columns + (u + self.columns // 2)
        of_z, weight_z = spline_weights(z[near])
        of_x, weight_x = spline_weights(x[near])
        weights = weight_z[:, :, None] * weight_x[:, None, :]
        index_z, index_x = np.broadcast_arrays(of_z[:, :, None], of_x[:, None, :])
        rows = np.broadcast_to(row[near, None, None], weights.shape)
        inside = (index_z >= 0) & (index_z < nz) & (index_x >= 0) & (index_x < nx)
        places = (rows[inside], (index_z * nx + index_x)[inside])
        return csr_array((weights[inside], places), shape=(number * self.columns, nz * nx))

    def smearing(self) -> Any:
        """What an image gives back to each voxel.

        Returns
        -------
        scipy sparse array (z · x, columns)
            Acts on spline coefficients of the image's columns.
        """
        from scipy.sparse import csr_array

        angle = np.deg2rad(self.tilt)
        z, x = (np.arange(n) - n // 2 for n in self.shape)
        column = (z[:, None] * np.sin(angle) + x * np.cos(angle)).ravel() + self.columns // 2
        index, weights = spline_weights(column)
        inside = (index >= 0) & (index < self.columns)
        rows = np.broadcast_to(np.arange(len(column))[:, None], index.shape)
        places = (rows[inside], index[inside])
        return csr_array((weights[inside], places), shape=(len(column), self.columns))


def product(matrix: Any, dense: torch.Tensor) -> torch.Tensor:
    """A scipy sparse matrix (m, n) times a float32 tensor (n, k), where the tensor is."""
    import torch

    if dense.device.type != "cuda":
        return torch.from_numpy(matrix @ dense.cpu().numpy()).to(dense.device)
    pointers, indices, values = (
        torch.as_tensor(part).to(dense.device)
        for part in (matrix.indptr, matrix.indices, matrix.data)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows in order are "beta" in torch
        there = torch.sparse_csr_tensor(pointers, indices, values, size=matrix.shape)
        return there @ dense
