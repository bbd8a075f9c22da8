"""The density of a whole unit cell between its grid points, exactly: its Fourier series.

A crystal's map is a finite Fourier series, which a grid of three points per resolution holds
completely. Cubic interpolation of such a grid errs by up to 0.3 σ; the series does not err.
"""

from __future__ import annotations

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.volume import Array, Shape, Triple

_BLOCK_BYTES = 64 * 2**20
_NEGLIGIBLE = 1e-4
_VOXEL_PER_WAVE = 0.45
_BINS = 2000


def voxel_for_waves(density: npt.NDArray[np.float32], cell: gemmi.UnitCell) -> float:
    """Largest edge in Å of cubic voxels that hold all waves of a cell that matter.

    A skewed cell's grid holds waves that cubic voxels of its spacing do not: those towards the
    corners of its reciprocal cell. Where a map was computed from reflections they are empty;
    where it was rounded to bytes they carry their part of the rounding, which is white.

    Parameters
    ----------
    density : float32 array (u, v, w)
        The whole cell along its edges a, b, c.
    cell : gemmi.UnitCell
        The cell.

    Returns
    -------
    voxel : float
        Voxels of which the waves beyond 0.9 of their Nyquist frequency, along x, y or z, have an
        amplitude (rms) below 1e-4 σ; infinite where nothing varies.
    """
    series = np.fft.rfftn(density)
    k = np.fft.fftfreq(density.shape[1], 1 / density.shape[1])
    last = np.arange(series.shape[2])
    counts = np.full(len(last), 2.0)
    counts[0] = 1.0
    if density.shape[2] % 2 == 0:
        counts[-1] = 1.0
    fractions = np.array(cell.frac.mat.tolist())
    farthest = np.abs(fractions).T @ (np.array(density.shape) / 2)
    width = float(farthest.max()) / _BINS
    power = np.zeros(_BINS + 1)
    for h, plane in zip(np.fft.fftfreq(len(series), 1 / len(series)), series, strict=True):
        along_y = np.abs(h * fractions[0, 1] + k * fractions[1, 1])[:, None]
        along_z = np.abs(
            h * fractions[0, 2] + k[:, None] * fractions[1, 2] + last * fractions[2, 2]
        )
        frequency = np.maximum(abs(h * fractions[0, 0]), np.maximum(along_y, along_z))
        bins = (frequency / width).astype(np.intp)
        strength = np.abs(plane).astype(np.float64) ** 2 * counts
        power += np.bincount(bins.ravel(), strength.ravel(), _BINS + 1)
    power[0] -= float(np.abs(series[0, 0, 0])) ** 2
    beyond = np.cumsum(power[::-1])[::-1]
    matters = np.flatnonzero(beyond > _NEGLIGIBLE**2 * beyond[0])
    return _VOXEL_PER_WAVE / (width * (matters[-1] + 1)) if len(matters) else np.inf


def values_on_orthogonal_grid(
    density: npt.NDArray[np.float32],
    cell: gemmi.UnitCell,
    corner: Triple,
    voxel: float,
    shape: Shape,
) -> npt.NDArray[np.float32]:
    """Values of a cell's Fourier series on a grid of cubic voxels.

    The cell's edges form an upper triangular matrix: z depends on w alone, y on v and w, x on
    all. So the series is summed along one axis after the other.

    Parameters
    ----------
    density : float32 array (u, v, w)
        The whole cell along its edges a, b, c.
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
        Exact for every wave that the grid can hold.
    """
    edges = np.array(cell.orth.mat.tolist())
    z, y, x = (c + voxel * np.arange(n) for c, n in zip(corner, shape, strict=True))
    w = z / edges[2, 2]
    count = density.shape[0]
    waves = np.arange(count // 2 + 1)
    weight = np.full(len(waves), 2.0 / count)
    weight[0] = 1.0 / count
    if count % 2 == 0:
        weight[-1] = 1.0 / count
    along_x = np.exp(2j * np.pi * np.outer(waves, x / edges[0, 0])) * weight[:, None]
    along_x = along_x.astype(np.complex64)
    series = np.fft.rfft(density, axis=0).astype(np.complex64)
    out = np.empty(shape, dtype=np.float32)
    step = max(1, _BLOCK_BYTES // (series[..., 0].nbytes or 1))
    for first in range(0, len(w), step):
        part = slice(first, first + step)
        planes = series @ _periodic_weights(w[part], density.shape[2]).T
        for k, place in enumerate(w[part], start=first):
            v = (y - edges[1, 2] * place) / edges[1, 1]
            rows = _periodic_weights(v, density.shape[1]) @ planes[..., k - first].T
            u = (edges[0, 1] * v + edges[0, 2] * place) / edges[0, 0]
            rows *= np.exp(-2j * np.pi * np.outer(u, waves)).astype(np.complex64)
            out[k] = rows.real @ along_x.real - rows.imag @ along_x.imag
    return out


def _periodic_weights(places: Array, count: int) -> npt.NDArray[np.float32]:
    """Weights (places, count) of the samples of a period in its series at fractions of it."""
    distance = places[:, None] - np.arange(count) / count
    distance -= np.rint(distance)
    is_here = np.abs(distance) < 1e-12
    angle = np.pi * np.where(is_here, 0.25, distance)
    below = np.sin(angle) if count % 2 else np.tan(angle)
    weights = np.sin(count * angle) / (count * below)
    return np.where(is_here, 1.0, weights).astype(np.float32)
