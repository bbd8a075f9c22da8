"""What comes out of the network, put into its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mapscope.arrays import Array
from mapscope.errors import GridError
from mapscope.inference.prediction import Prediction, output_array, within
from mapscope.inference.tiling import Box, Span, Tile, boxes_meet, heights_of_axis

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Finished:
    """Outputs of some tiles in main memory, once `arrived` returns."""

    tiles: Sequence[Tile]
    outputs: Mapping[str, torch.Tensor]
    arrived: Callable[[], None]


class Writer:
    """Writes the kept voxels of each tile into a prediction's outputs.

    Parameters
    ----------
    prediction : Prediction
        Gets its outputs and its finished boxes from here.
    into : mapping of str to array, optional
        Outputs that are there already.
    """

    def __init__(self, prediction: Prediction, into: Mapping[str, Any] | None) -> None:
        self.prediction = prediction
        self.outputs: dict[str, Any] = dict(into or {})
        self.size = tuple(s.stop - s.start for s in prediction.region)
        prediction.outputs = self.outputs

    def write(self, finished: Finished) -> None:
        """Put some tiles into their place.

        Raises
        ------
        GridError
            If an array that was given is of another shape than its output.
        """
        finished.arrived()
        for n, tile in enumerate(finished.tiles):
            for name, values in finished.outputs.items():
                self.put(tile, name, values[n].numpy())
            self.prediction.finished.append(tile.kept)

    def put(self, tile: Tile, name: str, values: Array) -> None:
        """Put one output (features, z, y, x) of one tile into its place."""
        there = self.array(name, values)
        there[(slice(None), *within(tile.kept, self.prediction.region))] = values[
            (slice(None), *tile.inner)
        ]

    def array(self, name: str, values: Array) -> Any:
        """The whole output that `values` are a tile of."""
        shape = (len(values), *self.size)
        if name not in self.outputs:
            # Another dict, because who previews may be going over this one.
            self.outputs = {**self.outputs, name: output_array(shape, values.dtype)}
            self.prediction.outputs = self.outputs
        there = self.outputs[name]
        if tuple(there.shape) != shape:
            raise GridError(f"{name} is {shape}, but the array given for it is {there.shape}")
        return there

    def close(self) -> None:
        """Nothing more will come."""


class BlendedWriter(Writer):
    """Adds what overlapping tiles say up, with weights that sum to one.

    Parameters
    ----------
    prediction, into
        As for `Writer`.
    tiles : sequence of Tile
        What each tile answers for alone, as it is reported.
    blending : sequence of Tile
        The same with all that they read, in the same order.
    """

    def __init__(
        self,
        prediction: Prediction,
        into: Mapping[str, Any] | None,
        tiles: Sequence[Tile],
        blending: Sequence[Tile],
    ) -> None:
        super().__init__(prediction, into)
        self._tiles = list(zip(tiles, blending, strict=True))
        self._wide = dict(self._tiles)
        self._weights = [_weights_of_axis({t.spans[a] for t in blending}) for a in range(3)]
        self._written: set[Tile] = set()
        for values in self.outputs.values():
            values[...] = 0  # what was there before must not be added to

    def write(self, finished: Finished) -> None:
        """Add some tiles to what is there."""
        finished.arrived()
        for n, tile in enumerate(finished.tiles):
            for name, values in finished.outputs.items():
                self.put(self._wide[tile], name, values[n].numpy().astype(np.float32))
            self._written.add(tile)

    def put(self, tile: Tile, name: str, values: Array) -> None:
        """Add one output (features, z, y, x) of one tile."""
        there = self.array(name, values)
        box = (slice(None), *within(tile.kept, self.prediction.region))
        z, y, x = (w[s] for w, s in zip(self._weights, tile.spans, strict=True))
        weights = z[:, None, None] * y[:, None] * x
        there[box] = there[box] + values[(slice(None), *tile.inner)] * weights

    def close(self) -> None:
        """Keep what every tile has spoken of; where some are missing, nothing is said."""
        missing = [wide.kept for tile, wide in self._tiles if tile not in self._written]
        for tile, _ in self._tiles:
            if not any(boxes_meet(tile.kept, box) for box in missing):
                self.prediction.finished.append(tile.kept)
            else:
                self._erase(tile.kept)

    def _erase(self, box: Box) -> None:
        for values in self.outputs.values():
            values[(slice(None), *within(box, self.prediction.region))] = 0


def _weights_of_axis(spans: set[Span]) -> dict[Span, npt.NDArray[np.float32]]:
    """Weight of each kept voxel of each span; over all spans they sum to one."""
    ordered = sorted(spans, key=lambda s: (s.start, s.stop))
    heights = [np.array(h, dtype=np.float64) for h in heights_of_axis(ordered)]
    total = np.zeros(max(s.stop for s in ordered))
    for span, height in zip(ordered, heights, strict=True):
        total[span.start : span.stop] += height
    return {
        span: (height / total[span.start : span.stop]).astype(np.float32)
        for span, height in zip(ordered, heights, strict=True)
    }
