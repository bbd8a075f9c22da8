"""An array of which only part is there along one axis, read only when it is looked at."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt


class Masked:
    """An array with NaN, which napari draws as nothing, outside a range along one axis.

    Memory maps and zarr arrays stay where they are: only what is asked for is read. The range
    may be changed at any time, and the shape stays, so that nothing has to be laid out anew.

    Parameters
    ----------
    array : array-like
        Anything with a shape that can be indexed with integers and slices.
    axis : int
        Which axis is masked.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, array: Any, axis: int) -> None:
        self._array, self._axis = array, axis
        self.shape: tuple[int, ...] = tuple(array.shape)
        self.ndim, self.size = len(self.shape), prod(self.shape)
        self.range = (0, self.shape[axis])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> npt.NDArray[np.float32]:
        keys = list(key if isinstance(key, tuple) else (key,))
        keys += [slice(None)] * (self.ndim - len(keys))
        values = np.array(self._array[tuple(keys)], dtype=np.float32)
        start, stop = self.range
        taken = np.arange(self.shape[self._axis])[keys[self._axis]]
        is_hidden = (taken < start) | (taken >= stop)
        if is_hidden.ndim == 0:
            return np.full_like(values, np.nan) if is_hidden else values
        before = sum(isinstance(k, slice) for k in keys[: self._axis])
        values[(slice(None),) * before + (is_hidden,)] = np.nan
        return values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.asarray(self[()], dtype=dtype)
