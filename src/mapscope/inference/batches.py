"""Batches of tiles: as many as memory holds, through the network and back to main memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.arrays import Array
from mapscope.errors import InputError
from mapscope.inference.device import free_bytes, is_out_of_memory
from mapscope.inference.normalise import AS_IT_IS, Scaling
from mapscope.inference.prediction import Prediction
from mapscope.inference.ready import ReadyNetwork, finish
from mapscope.inference.tiling import Tile
from mapscope.inference.writing import Finished

if TYPE_CHECKING:
    import torch

_LARGEST_BATCH = 32
_ENOUGH_VOXELS = 64**3  # on a CPU more at once is no faster


@dataclass
class Runner:
    """A network that takes as many tiles at once as memory allows."""

    network: ReadyNetwork
    outputs: Mapping[str, str] | None
    _per_voxel: float = 0.0

    def working_bytes(self, channels: int, multiple: int, voxels: int) -> float:
        """Bytes that so many voxels need while they are computed; measured once, on few."""
        from mapscope.inference.footprint import bytes_per_voxel

        if not self._per_voxel:
            self._per_voxel = bytes_per_voxel(self.network, channels, multiple)
        return self._per_voxel * voxels

    def __call__(self, block: torch.Tensor, result: Prediction) -> dict[str, torch.Tensor]:
        """Finished outputs of a batch of tiles; smaller batches from now on if it is too much.

        Raises
        ------
        InputError
            If one tile alone is too much.
        """
        import torch

        if len(block) > result.batch:
            return self._in_parts(block, result)
        try:
            return self._finished(block)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(block) == 1:
                shape = " x ".join(map(str, block.shape[2:]))
                raise InputError(
                    f"the memory of {self.network.device} does not hold one tile of {shape} "
                    f"voxels: use smaller tiles, or close what else needs memory"
                ) from error
        if self.network.device == "cuda":
            torch.cuda.empty_cache()
        result.batch = max(1, len(block) // 2)
        return self._in_parts(block, result)

    def _in_parts(self, block: torch.Tensor, result: Prediction) -> dict[str, torch.Tensor]:
        """The same for parts of a batch, which may become smaller on the way."""
        import torch

        parts, done = [], 0
        while done < len(block):
            parts.append(self(block[done : done + result.batch], result))
            done += len(next(iter(parts[-1].values())))
        return {name: torch.cat([p[name] for p in parts]) for name in parts[0]}

    def _finished(self, block: torch.Tensor) -> dict[str, torch.Tensor]:
        found = {n: v for n, v in self.network(block).items() if v.ndim == 5}
        wanted = self.outputs or dict.fromkeys(found, "none")
        if missing := sorted(set(wanted) - set(found)):
            raise InputError(f"the network gives {sorted(found)}, and no {', '.join(missing)}")
        return {name: finish(found[name], activation) for name, activation in wanted.items()}


def batch_for_memory(run: Runner, channels: int, multiple: int, tile: Tile) -> int:
    """Tiles that fit into the memory that is free."""
    voxels = math.prod(tile.shape)
    enough = _LARGEST_BATCH
    if run.network.device == "cpu":
        enough = max(1, min(enough, _ENOUGH_VOXELS // voxels))
    if enough == 1:
        return 1
    each = run.working_bytes(channels, multiple, voxels)
    return max(1, min(enough, int(free_bytes(run.network.device) // each)))


def block_of(
    maps: Sequence[Array], scalings: Sequence[Scaling], tiles: Sequence[Tile], device: str
) -> torch.Tensor:
    """Maps of some tiles of one shape, normalised, 0 behind the volume: (n, channels, z, y, x)."""
    import torch

    shape = (len(tiles), len(maps), *tiles[0].shape)
    block = torch.zeros(shape, dtype=torch.float32, pin_memory=device == "cuda")
    values: npt.NDArray[np.float32] = block.numpy()
    for n, tile in enumerate(tiles):
        for channel, data in enumerate(maps):
            scaling = scalings[channel] if scalings else AS_IT_IS
            cut = np.asarray(data[tile.read], dtype=np.float32)
            z, y, x = cut.shape
            values[n, channel, :z, :y, :x] = scaling(cut)
    return block


def batches_of(tiles: Sequence[Tile], result: Prediction) -> Iterator[Sequence[Tile]]:
    """Tiles one after the other, as many of one shape together as may be at that moment."""
    done = 0
    while done < len(tiles):
        some = tiles[done : done + result.batch]
        alike = [t.shape == some[0].shape for t in some]
        some = some[: alike.index(False)] if False in alike else some
        done += len(some)
        yield some


def on_host(tiles: Sequence[Tile], found: Mapping[str, torch.Tensor], device: str) -> Finished:
    """Outputs on their way to main memory, and what says that they have arrived."""
    import torch

    if device != "cuda":
        return Finished(tiles, {n: v.cpu() for n, v in found.items()}, lambda: None)
    there = {}
    for name, value in found.items():
        there[name] = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
        there[name].copy_(value, non_blocking=True)
    arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
    arrived.record()
    return Finished(tiles, there, arrived.synchronize)
