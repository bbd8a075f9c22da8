"""A map split into bands of frequency that add up to it, and their power from place to place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain, Shells, inverse
from mapscope.errors import InputError
from mapscope.volume import Array, Grid, Triple

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_LATTICE = 0.7
"""Steps between windows, as a share of their standard deviation."""


@dataclass(frozen=True)
class Bands:
    """Overlapping bands of frequency whose weights are cos² edges and add up to 1 everywhere.

    Parameters
    ----------
    first : float
        1/Å; up to here everything belongs to band 0.
    step : float
        1/Å between the centres of neighbouring bands.
    nyquist : float
        1/Å; what lies beyond belongs to the last band.

    Examples
    --------
    >>> Bands(0.1, 0.05, 0.2).centres.round(2)
    array([0.1 , 0.15, 0.2 ])
    """

    first: float
    step: float
    nyquist: float

    def __post_init__(self) -> None:
        if not (self.first > 0 and self.step > 0):
            raise InputError(
                f"bands begin and step above 0 1/Å, got {self.first:g} and {self.step:g}"
            )

    def __len__(self) -> int:
        return len(self.centres)

    @cached_property
    def centres(self) -> Floats:
        """Where each band weighs 1, 1/Å; for the first and the last, one end of that."""
        number = max(1, int(np.ceil((self.nyquist - self.first) / self.step - 1e-6)) + 1)
        return np.asarray(self.first + self.step * np.arange(number), dtype=np.float64)

    def weight(self, band: int, frequency: Array) -> Array:
        """Weight of a band, 0 to 1, at frequencies in 1/Å of any shape."""
        offset = frequency - self.centres[band]
        if band == 0:
            offset = np.maximum(offset, 0)
        if band == len(self) - 1:
            offset = np.minimum(offset, 0)
        along = np.minimum(np.abs(offset) / self.step, 1)
        return np.asarray(np.cos(np.pi / 2 * along) ** 2)

    def weights(self, frequency: Array) -> Floats:
        """Weights of all bands, shape (bands, ...)."""
        return np.stack([self.weight(band, frequency) for band in range(len(self))])

    def modes(self, volume: float) -> Floats:
        """Independent waves of each band in so many Å³, shape (bands,)."""
        edges = np.append(self.centres - self.step / 2, self.centres[-1] + self.step / 2)
        edges[0] = 0.0
        return np.asarray(volume * 2 / 3 * np.pi * np.diff(edges**3))


def band_of(ft: Array, grid: Grid, bands: Bands, band: int, shape: Gain | None = None) -> Singles:
    """One band of maps, (..., z, y, x), from their coefficients.

    Parameters
    ----------
    ft : complex array (..., z, y, x // 2 + 1)
        As from :func:`~.fourier.transform`; not changed.
    grid : Grid
        Grid of the maps.
    bands : Bands
        The bands.
    band : int
        Which one.
    shape : callable, optional
        A further gain as a function of frequency in 1/Å.
    """
    shells = Shells(grid)
    fine = np.linspace(0, shells.nyquist * 2, 4096)
    gain = bands.weight(band, fine)
    if shape is not None:
        gain = gain * shape(fine)
    table, scale = gain.astype(np.float32), np.float32((len(fine) - 1) / fine[-1] * shells.width)
    part = np.zeros(ft.shape, dtype=np.complex64)
    for plane in range(grid.shape[0]):
        place = np.minimum(shells.radius(plane).astype(np.float32) * scale, len(fine) - 1)
        np.multiply(ft[..., plane, :, :], table[place.astype(np.intp)], out=part[..., plane, :, :])
    return inverse(part, grid.shape)


@dataclass(frozen=True)
class Windows:
    """Gaussian windows on a lattice that is coarser than the voxels and anchored in the map.

    Averages under the windows count only what lies in the box. A part of a map has the same
    windows as the whole.

    Parameters
    ----------
    shape : tuple of int
        Size of the box in voxels, z, y, x.
    voxel_size : tuple of float
        Å.
    deviation : float
        Å, standard deviation of a window.
    corner : tuple of int
        Index of the box's first voxel in the whole map.
    """

    shape: tuple[int, int, int]
    voxel_size: Triple
    deviation: float
    corner: tuple[int, int, int] = (0, 0, 0)

    @property
    def volume(self) -> float:
        """Å³ that a window averages over: that of a box with as many independent waves."""
        return float((2 * np.sqrt(np.pi) * self.deviation) ** 3)

    def averages(self, values: Array) -> Singles:
        """Means under each window, (..., z, y, x) of the lattice, of values (..., z, y, x)."""
        return _along_each_axis(values, [averaging for averaging, _ in self._matrices])

    def spread(self, values: Array) -> Singles:
        """Values of the lattice, (..., z, y, x), at every voxel, linear between."""
        return _along_each_axis(values, [spreading for _, spreading in self._matrices])

    @cached_property
    def _matrices(self) -> list[tuple[Singles, Singles]]:
        """For each axis: voxels to lattice, and lattice to voxels."""
        return [
            _matrices(n, d, self.deviation, first)
            for n, d, first in zip(self.shape, self.voxel_size, self.corner, strict=True)
        ]


def _matrices(size: int, step: float, deviation: float, first: int) -> tuple[Singles, Singles]:
    """Gaussian averages on the lattice, and linear interpolation back, along one axis."""
    every = max(1, round(_LATTICE * deviation / step))
    voxels = first + np.arange(size)
    nodes = every * np.arange(first // every, (first + size - 1) // every + 2)
    distance = nodes[:, None] - voxels
    averaging = np.exp(-0.5 * (distance * step / deviation) ** 2)
    averaging /= averaging.sum(axis=1, keepdims=True)
    spreading = np.maximum(0, 1 - np.abs(distance.T) / every)
    return averaging.astype(np.float32), spreading.astype(np.float32)


def _along_each_axis(values: Array, matrices: list[Singles]) -> Singles:
    """Values multiplied by one matrix along each of the last three axes."""
    result = np.asarray(values, dtype=np.float32)
    for axis, matrix in zip((-3, -2, -1), matrices, strict=True):
        result = np.moveaxis(np.tensordot(result, matrix, axes=(axis, 1)), -1, axis)
    return np.ascontiguousarray(result)
