"""How far from the edge of a tile a trained network feels what lies beyond."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from mapscope.training.samples import Sample

if TYPE_CHECKING:
    from mapscope.networks.network import Network

TOLERANCE = 3e-4
"""Change, relative to the output's root mean square, that is none."""


def felt_margin(network: Network, samples: Iterable[Sample]) -> int:
    """Voxels from the edge of a tile in which its output depends on what lies beyond.

    A network can see as far as its `margin` says, but what it has learned to do with what is that
    far away is next to nothing. Here each sample is continued by its mirror image, and
    compared is what the network says of it with and without that.

    Parameters
    ----------
    network : Network
        Trained, on the CPU; in evaluation mode afterwards.
    samples : iterable of Sample
        What it learned from, cubes of voxels.

    Returns
    -------
    int
        A number of the network's `multiple`, at most its `margin`.
    """
    network.eval()
    return max((_felt(network, one) for one in samples), default=network.margin)


def _felt(network: Network, sample: Sample) -> int:
    """Voxels in which one sample feels its mirror image."""
    planes = sample.maps.shape[1] // network.multiple * network.multiple
    alone = sample.maps[None, :, :planes]
    told = [] if sample.conditions is None else [sample.conditions[None]]
    with torch.inference_mode():
        # The mirror image comes first, so that the sample begins at a multiple.
        both = network(torch.cat([alone.flip(2), alone], dim=2), *told)
        tile = network(alone, *told)
    return max(
        (
            _first_alike(both[name][:, :, planes:], values, network)
            for name, values in tile.items()
            if values.dim() == 5
        ),
        default=0,
    )


def _first_alike(beside: torch.Tensor, alone: torch.Tensor, network: Network) -> int:
    """Voxels from the edge from which on two outputs (1, features, z, y, x) are the same."""
    strength = alone.square().mean().sqrt().clamp(min=1e-12)
    change = (beside - alone).square().mean((0, 1, 3, 4)).sqrt() / strength
    for margin in range(0, min(network.margin, len(change)), network.multiple):
        if float(change[margin:].max()) <= TOLERANCE:
            return margin
    return network.margin
