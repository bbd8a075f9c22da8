"""How much memory a network takes for each voxel that goes in, found by running it on few."""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

_SLACK = 1.2  # what the convolution library needs beside its input and output


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of tensors made while it is on, and their most at one time."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.most = 0
        self._known: set[int] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: that would import PyTorch's compiler, for seconds."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_iter(result):
            if isinstance(value, torch.Tensor) and not value.is_mkldnn:
                self._count(value.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        """Note a piece of memory until it is given back."""
        place, size = storage.data_ptr(), storage.nbytes()
        if place in self._known or not size:
            return
        self._known.add(place)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._forget, place, size)

    def _forget(self, place: int, size: int) -> None:
        self._known.discard(place)
        self.now -= size


def bytes_per_voxel(run: Any, channels: int, multiple: int) -> float:
    """Bytes at work at most for each voxel of a tile, its input and output with them.

    Parameters
    ----------
    run : callable
        Takes float32 maps (n, channels, z, y, x).
    channels, multiple : int
        Maps that go in, and what the network halves its input by.
    """
    edge = multiple * max(1, -(-32 // multiple))
    maps = torch.zeros(1, channels, edge, edge, edge)
    run(maps)  # the first run packs weights, which later ones have
    counter = _LiveBytes()
    with counter:
        run(maps)
    return _SLACK * (counter.most + 4 * maps.numel()) / edge**3
