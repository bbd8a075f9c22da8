"""An array as it is looked at: slices of some depth, smoothed, read only when they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, prod, sqrt
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mapscope.arrays import LazyArray

Projection = Literal["mean", "max", "min"]
Floats = npt.NDArray[np.float32]
Box = tuple[slice, ...]

TRUNCATE = 3.0
"""Standard deviations at which a Gaussian ends."""

_CACHED = 2**19  # numbers that are worked on at once
_READ_BYTES = 8 * 2**20  # that are read at once of a lazy map, if it has planes so small


@dataclass
class Looking:
    """How maps are looked at; the arrays that show them share one and see its changes.

    Parameters
    ----------
    depth : float
        Å of depth that slices show; 0 is one plane.
    projection : str
        What of the depth is drawn: its mean, its highest or its lowest density.
    resolution : float, optional
        Å at which amplitudes are halved by a Gaussian low-pass filter; None does not filter.
    """

    depth: float = 0.0
    projection: Projection = "mean"
    resolution: float | None = None

    @property
    def is_plain(self) -> bool:
        """Whether maps are looked at as they are."""
        return self.depth <= 0 and self.resolution is None

    @property
    def deviation(self) -> float:
        """Standard deviation in Å of the Gaussian that halves amplitudes at the resolution."""
        return 0.0 if self.resolution is None else self.resolution * sqrt(log(2) / 2) / pi


class Seen:
    """A map as it is looked at; jobs get the array behind it.

    Indexed with one whole number, it gives a plane with depth; with slices only, a part of
    itself, which `numpy.asarray` reads and filters.

    Parameters
    ----------
    array : array-like (z, y, x)
        The map, which may lie in a file.
    step : sequence of float
        Å from voxel to voxel along z, y, x.
    looking : Looking
        How it is looked at, which may change at any time.
    box : tuple of slice, optional
        The part of the map that this is.
    """

    ndim = 3
    dtype = np.dtype(np.float32)

    def __init__(self, array: Any, step: Any, looking: Looking, box: Box | None = None) -> None:
        self.behind, self.step, self.looking = array, tuple(float(s) for s in step), looking
        self._box: Box = box or tuple(slice(0, n) for n in array.shape)
        self.shape = tuple(b.stop - b.start for b in self._box)
        self.size: int = prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> Any:
        keys = list(key if isinstance(key, tuple) else (key,))
        keys += [slice(None)] * (3 - len(keys))
        across = [n for n, k in enumerate(keys) if isinstance(k, int | np.integer)]
        steps = [k for k in keys if isinstance(k, slice)]
        if len(across) + len(steps) != 3 or len(across) > 1:
            return np.asarray(self)[key]
        if any(k.step not in (None, 1) for k in steps):
            coarse = tuple(slice(None, None, k.step) for k in steps)
            whole = tuple(slice(k.start, k.stop) if isinstance(k, slice) else k for k in keys)
            return np.asarray(self[whole])[coarse]
        box = tuple(_part(k, b) for k, b in zip(keys, self._box, strict=True))
        if across:
            return self._plane(across[0], box)
        return Seen(self.behind, self.step, self.looking, box)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        found = self._filtered(self._box)
        return found if dtype is None else found.astype(dtype, copy=False)

    def _plane(self, axis: int, box: Box) -> Floats:
        """What is seen of a plane across an axis."""
        index, count = box[axis].start, self.behind.shape[axis]
        reach = int(self.looking.depth / 2 / self.step[axis] + 1e-6)
        low, high = max(index - reach, 0), min(index + reach + 1, count)
        weights, (first, last) = self._weights(axis, low, high)
        if self.looking.projection == "mean":
            weights = weights.mean(axis=0, keepdims=True)
        wide, inner = self._widened(box, axis)
        planes = tuple(slice(first, last) if n == axis else b for n, b in enumerate(wide))
        if len(weights) < last - first:
            seen = self._weighted(weights, planes, axis)
        else:
            block = np.moveaxis(np.asarray(self.behind[planes]), axis, 0)
            if self.looking.resolution is None:
                return np.asarray(getattr(block, self.looking.projection)(axis=0), np.float32)
            seen = block.astype(np.float32)
        row, column = (n for n in range(3) if n != axis)
        for own, of_map in ((1, row), (2, column)):
            seen = self._smoothed(seen, own, of_map)
        seen = seen[(slice(None), *inner)]
        projected: Floats = getattr(seen, self.looking.projection)(axis=0)
        return projected

    def _weighted(self, weights: Floats, box: Box, axis: int) -> Floats:
        """Sums (m, rows, columns) of planes (n) of a part with weights (m, n).

        Of a lazy map a few planes are read at a time: new memory costs more than sums.
        """
        first, last = box[axis].start, box[axis].stop
        shape = [b.stop - b.start for n, b in enumerate(box) if n != axis]
        bytes_each = self.behind.dtype.itemsize * prod(shape)
        is_small = isinstance(self.behind, LazyArray) and bytes_each <= _READ_BYTES
        step = _READ_BYTES // max(bytes_each, 1) if is_small else last - first
        found = np.zeros((len(weights), *shape), np.float32)
        for low in range(first, last, step):
            part = slice(low, min(low + step, last))
            key = tuple(part if n == axis else b for n, b in enumerate(box))
            block = np.moveaxis(np.asarray(self.behind[key]), axis, 0)
            _add_weighted(found, weights[:, low - first : part.stop - first], block)
        return found

    def _weights(self, axis: int, low: int, high: int) -> tuple[Floats, tuple[int, int]]:
        """How much of which planes is in each plane of the depth once it is filtered."""
        count = self.behind.shape[axis]
        kernel = gaussian(self.looking.deviation / self.step[axis])
        margin = len(kernel) // 2
        first, last = max(low - margin, 0), min(high + margin, count)
        weights = np.zeros((high - low, last - first), np.float32)
        for row, plane in enumerate(range(low, high)):
            taken = np.clip(np.arange(plane - margin, plane + margin + 1), 0, count - 1) - first
            np.add.at(weights[row], taken, kernel)
        return weights, (first, last)

    def _widened(self, box: Box, axis: int | None = None) -> tuple[Box, Box]:
        """A part with what its filter needs around it, and where the part lies in that."""
        wide, inner = [], []
        for n, b in enumerate(box):
            margin = 0 if n == axis else len(gaussian(self.looking.deviation / self.step[n])) // 2
            start, stop = max(b.start - margin, 0), min(b.stop + margin, self.behind.shape[n])
            wide.append(slice(start, stop))
            if n != axis:
                inner.append(slice(b.start - start, b.stop - start))
        return tuple(wide), tuple(inner)

    def _filtered(self, box: Box) -> Floats:
        """A part in three dimensions."""
        wide, inner = self._widened(box)
        found = np.asarray(self.behind[wide], dtype=np.float32)
        for axis in range(3):
            found = self._smoothed(found, axis, axis)
        return found[inner]

    def _smoothed(self, data: Floats, axis: int, of_map: int) -> Floats:
        """Data filtered along one of their axes, which is one of the map's."""
        from scipy.ndimage import correlate1d

        kernel = gaussian(self.looking.deviation / self.step[of_map])
        if len(kernel) == 1:
            return data
        smoothed: Floats = correlate1d(data, kernel, axis=axis, mode="nearest")
        return smoothed


def _add_weighted(sums: Floats, weights: Floats, planes: npt.NDArray[Any]) -> None:
    """Add planes (n, y, x) with weights (m, n) to sums (m, y, x), by rows that fit the cache."""
    _, height, width = planes.shape
    rows = max(1, _CACHED // (len(planes) * width))
    for first in range(0, height, rows):
        part = np.asarray(planes[:, first : first + rows], dtype=np.float32)
        sums[:, first : first + rows] += np.tensordot(weights, part, axes=1)


def _part(key: Any, box: slice) -> slice:
    """What an index takes of a part, counted from the beginning of the map."""
    count = box.stop - box.start
    if isinstance(key, slice):
        start, stop, _ = key.indices(count)
        return slice(box.start + start, box.start + max(stop, start))
    place = range(count)[key]
    return slice(box.start + place, box.start + place + 1)


def gaussian(deviation: float) -> Floats:
    """A Gaussian of sum 1 on whole numbers around 0, of odd length; 1 alone where it is narrow.

    Parameters
    ----------
    deviation : float
        Standard deviation in voxels.
    """
    reach = int(TRUNCATE * deviation + 0.5)
    if reach == 0:
        return np.ones(1, np.float32)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return np.asarray(weights / weights.sum(), dtype=np.float32)
