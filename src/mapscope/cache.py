"""One in-memory store of intermediate results, with a limit in bytes.

Transforms, filtered maps and network inputs are kept here between jobs, keyed by function,
checksum of the noun and parameters, and the least recently used are dropped first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np

from mapscope.preferences import cache_bytes

T = TypeVar("T")


class Cache:
    """Least-recently-used store that never holds more than `budget` bytes.

    Parameters
    ----------
    budget : int or callable
        Largest sum of the sizes of everything kept, in bytes; a callable is asked for it
        whenever something is stored.
    """

    def __init__(self, budget: int | Callable[[], int]) -> None:
        self._budget = budget
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @property
    def budget(self) -> int:
        """Bytes that may be held."""
        return self._budget() if callable(self._budget) else self._budget

    @property
    def size(self) -> int:
        """Bytes held now."""
        return self._size

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is stored under `key`, made and stored first where it is not there yet.

        A value larger than the whole budget is returned and not kept. What `make` raises
        goes to the caller and nothing is stored.
        """
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                value: T = self._kept[key][0]
                return value
        value = make()
        self._store(key, value)
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    def _store(self, key: Hashable, value: Any) -> None:
        """Keep a value and drop the oldest until everything fits."""
        size, budget = size_in_bytes(value), self.budget
        if size > budget:
            return
        with self._lock:
            # Another thread may have made the same value in the meantime.
            self._size -= self._kept.pop(key, (None, 0))[1]
            while self._size + size > budget:
                self._size -= self._kept.popitem(last=False)[1][1]
            self._kept[key] = (value, size)
            self._size += size


def size_in_bytes(value: Any) -> int:
    """Bytes of all arrays inside a value: arrays, sequences, mappings and dataclasses."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, dict):
        return sum(size_in_bytes(v) for v in value.values())
    if isinstance(value, list | tuple):
        return sum(size_in_bytes(v) for v in value)
    if is_dataclass(value):
        return sum(size_in_bytes(getattr(value, f.name)) for f in fields(value))
    return 64


shared = Cache(cache_bytes)
"""The store that all jobs of this process use; its size is the preference ``cache_mb``."""
