"""How far from the edge of a tile a trained network feels what lies beyond."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import torch

from mapscope.training.samples import Sample

if TYPE_CHECKING:
    from mapscope.networks.network import Network

TOLERANCE = 1e-3
"""Change over all that is kept of a tile, relative to the output's root mean square."""

_FACES = 6


def felt_margin(network: Network, samples: Iterable[Sample], kept: int) -> int:
    """Voxels from the edge of a tile in which its output depends on what lies beyond.

    A network can see as far as its `margin` says, but what it has learned to do with what is that
    far away is next to nothing. Here each sample is continued by its mirror image, and
    compared is what the network says of it with and without that.

    Parameters
    ----------
    network : Network
        Trained, on the CPU; in evaluation mode afterwards.
    samples : iterable of Sample
        What it learned from, cubes of voxels, all of one size.
    kept : int
        Voxels along the edge of what is kept of a tile.

    Returns
    -------
    int
        A number of the network's `multiple`, at most its `margin`.
    """
    network.eval()
    changes = [change for one in samples for change in _changes(network, one)]
    if not changes:
        return network.margin
    square = torch.stack(changes).mean(0)
    for margin in range(0, min(network.margin, len(square)), network.multiple):
        beyond = square[margin : margin + kept].sum() * _FACES / kept
        if float(beyond) <= TOLERANCE**2:
            return margin
    return network.margin


def _changes(network: Network, sample: Sample) -> Iterator[torch.Tensor]:
    """Relative squared change of each output by the plane's distance from the edge, (planes,)."""
    planes = sample.maps.shape[1] // network.multiple * network.multiple
    alone = sample.maps[None, :, :planes]
    told = [] if sample.conditions is None else [sample.conditions[None]]
    with torch.inference_mode():
        # The mirror image comes first, so that the sample begins at a multiple.
        both = network(torch.cat([alone.flip(2), alone], dim=2), *told)
        tile = network(alone, *told)
    for name, values in tile.items():
        if values.dim() == 5:
            change = (both[name][:, :, planes:] - values).square().mean((0, 1, 3, 4))
            yield change / values.square().mean().clamp(min=1e-24)
