"""Arrays that nouns hold: read-only, hashed the same everywhere, possibly still in their file."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Array: TypeAlias = npt.NDArray[Any]
_LARGE_PART_BYTES = 64 * 2**20
_BLOCK_BYTES = 2**20


class LazyArray(np.lib.mixins.NDArrayOperatorsMixin):
    """A read-only array whose numbers stay in their file until they are asked for.

    Indexing gives an ordinary array of that part only, and nothing of it is kept; a box of over
    64 MB stays lazy. Whatever needs all numbers (arithmetic, `numpy` functions, methods such as
    ``std``) reads the whole once; from then on it is an array in memory, for as long as the
    volume lives. So code written for arrays works, and code that shall work on volumes larger
    than memory goes through it section by section or region by region, as with a memory map.

    Parameters
    ----------
    shape : tuple of int
        Its size.
    dtype : numpy.dtype
        Type of its numbers.
    load : callable
        Takes a tuple of slices, one for each axis, and gives that part.
    block_shape : tuple of int, optional
        Size of the blocks in which the file holds them: none is read in part.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: npt.DTypeLike,
        load: Callable[[Any], Array],
        *,
        block_shape: tuple[int, ...] | None = None,
    ) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.ndim = len(shape)
        self.size = int(np.prod(shape, dtype=object))
        self.nbytes = self.size * self.dtype.itemsize
        self.block_shape = block_shape
        self._load = load
        self._whole: Array | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Array]:
        return (self[n] for n in range(len(self)))

    def __getitem__(self, index: Any) -> Array:
        parts = index if isinstance(index, tuple) else (index,)
        is_simple = all(isinstance(p, (int, np.integer, slice)) for p in parts)
        if self._whole is not None or not is_simple or len(parts) > self.ndim:
            chosen: Array = np.asarray(self)[index]
            return chosen
        boxes: list[slice] = []
        rest: list[slice | int] = []
        for part, count in zip(parts, self.shape, strict=False):
            if isinstance(part, slice):
                steps = range(*part.indices(count))
                low, high = (min(steps), max(steps) + 1) if steps else (0, 0)
                boxes.append(slice(low, high))
                rest.append(slice(None, None, part.step) if steps else slice(0, 0))
            else:
                place = range(count)[part]
                boxes.append(slice(place, place + 1))
                rest.append(0)
        boxes += [slice(0, n) for n in self.shape[len(parts) :]]
        if self._is_large(boxes) and all(p in (slice(None), slice(None, None, 1)) for p in rest):
            return cast("Array", self._part(tuple(boxes)))
        found: Array = self._load(tuple(boxes))[tuple(rest)]
        return found

    def _is_large(self, boxes: Sequence[slice]) -> bool:
        """Whether a part is so large that it had better stay in the file, too."""
        count = math.prod(b.stop - b.start for b in boxes)
        return bool(count * self.dtype.itemsize > _LARGE_PART_BYTES)

    def _part(self, boxes: tuple[slice, ...]) -> LazyArray:
        """A box of this array, lazy again: napari cuts out what is in view before it slices."""

        def load(box: tuple[slice, ...]) -> Array:
            pairs = zip(box, boxes, strict=True)
            return self._load(tuple(slice(b.start + o.start, b.stop + o.start) for b, o in pairs))

        return LazyArray(tuple(b.stop - b.start for b in boxes), self.dtype, load)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self._whole is None:
            self._whole = read_only(self._load(tuple(slice(0, n) for n in self.shape)))
        whole = self._whole if dtype is None else self._whole.astype(dtype, copy=False)
        return whole.copy() if copy else whole

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, LazyArray) else x for x in inputs]
        return getattr(ufunc, method)(*plain, **options)

    def __getattr__(self, name: str) -> Any:
        # Asked for what no array has ("chunks", by napari at every draw), nothing is read.
        if name.startswith("_") or not hasattr(np.ndarray, name):
            raise AttributeError(name)
        return getattr(np.asarray(self), name)


def read_only(array: npt.ArrayLike) -> Array:
    """View of `array` that cannot be written to; memory maps and lazy arrays stay what they are."""
    if isinstance(array, LazyArray):
        return cast("Array", array)
    view: Array = np.asanyarray(array).view()
    view.flags.writeable = False
    return view


def checksum_of_arrays(kind: str, text: str, *arrays: Array) -> str:
    """BLAKE2b hash, 32 hexadecimal digits, of a kind, a text and arrays in their order.

    Values are hashed as little-endian numbers in C order, a few planes at a time, so that a
    memory map larger than memory can be hashed and byte order does not matter.
    """
    digest = hashlib.blake2b(f"{kind}\n{text}\n".encode(), digest_size=16)
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype.kind}{array.dtype.itemsize}\n".encode())
        little = array.dtype.newbyteorder("<")
        for block in _blocks(array):
            digest.update(np.ascontiguousarray(block, dtype=little).data)
    return digest.hexdigest()


def _blocks(array: Array) -> Iterator[Array]:
    """An array by a few planes at a time."""
    if array.ndim == 0:
        yield array
        return
    planes = max(1, _BLOCK_BYTES * len(array) // max(1, array.nbytes))
    for start in range(0, len(array), planes):
        yield array[start : start + planes]
