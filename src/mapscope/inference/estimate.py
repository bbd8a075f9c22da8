"""What a prediction will take, told before it begins or from its first tiles."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mapscope.arrays import Array
from mapscope.density.tiles import LARGEST_BYTES
from mapscope.inference.batches import Runner, block_of
from mapscope.inference.normalise import Scaling
from mapscope.inference.prediction import Prediction
from mapscope.inference.tiling import Box, Tile


@dataclass(frozen=True)
class Estimate:
    """What a prediction will take.

    Parameters
    ----------
    tiles : int
        How many tiles there are.
    memory : float
        Bytes at one time: of the tiles at work, and of results that are kept in memory.
    seconds : float
        From one tile that was measured.
    """

    tiles: int
    memory: float
    seconds: float

    @property
    def in_words(self) -> str:
        """The same as a line."""
        return f"about {duration_text(self.seconds)} and {memory_text(self.memory)} of memory"


def estimate_of(
    run: Runner,
    maps: Sequence[Array],
    scalings: Sequence[Scaling],
    tiles: Sequence[Tile],
    region: Box,
    result: Prediction,
    multiple: int,
) -> Estimate:
    """What a prediction will take, from its first tile, which is computed for it.

    Parameters
    ----------
    run : Runner
        The network.
    maps, scalings : sequence
        As for `predict.predict`.
    tiles, region : sequence of Tile, tuple of slice
        What is to be predicted.
    result : Prediction
        Knows how many tiles go at once.
    multiple : int
        What the network halves its input by.
    """
    block = block_of(maps, scalings, tiles[:1], result.device)
    found = run(block, result)  # the first run packs weights
    started = time.perf_counter()
    found = {name: value.cpu() for name, value in run(block, result).items()}
    seconds = time.perf_counter() - started
    voxels = math.prod(s.stop - s.start for s in region)
    sizes = [v.shape[1] * v.element_size() * voxels for v in found.values()]
    kept = sum(size for size in sizes if size <= LARGEST_BYTES)
    at_work = result.batch * math.prod(tiles[0].shape)
    work = run.working_bytes(len(maps), multiple, at_work)
    return Estimate(len(tiles), work + kept, seconds * len(tiles))


@dataclass
class Clock:
    """Says what all tiles will take, from the first two of their batches.

    The first takes longer, because weights are packed in it.

    Parameters
    ----------
    tiles : int
        How many there are.
    memory : float
        Bytes that they need; not told where 0.
    """

    tiles: int
    memory: float = 0.0
    done: int = 0
    _last: float = field(default_factory=time.perf_counter)
    _batches: int = 0
    _text: str = ""

    def step(self, tiles: int) -> None:
        """Note that some more tiles are done."""
        now = time.perf_counter()
        self.done += tiles
        self._batches += 1
        if self._batches <= 2:
            seconds = (now - self._last) / tiles * self.tiles
            self._text = f"predicting, about {duration_text(seconds)} in all{self._of_memory}"
        self._last = now

    @property
    def _of_memory(self) -> str:
        return f", {memory_text(self.memory)} of memory" if self.memory else ""

    def message(self) -> str:
        """What is going on, in words that change at most twice."""
        if self._text:
            return self._text
        return f"predicting, {self.tiles} tile{'s' * (self.tiles > 1)}{self._of_memory}"


def duration_text(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> duration_text(0.2), duration_text(75), duration_text(600)
    ('1 s', '75 s', '10 min')
    """
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"


def memory_text(size: float) -> str:
    """Bytes in words.

    Examples
    --------
    >>> memory_text(3e5), memory_text(2.5e8), memory_text(4.21e9)
    ('1 MB', '250 MB', '4.2 GB')
    """
    return f"{max(1, round(size / 1e6))} MB" if size < 999.5e6 else f"{size / 1e9:.1f} GB"
