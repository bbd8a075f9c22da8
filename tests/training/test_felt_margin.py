"""Tiles overlap by what a trained network feels of its surroundings, and no less."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mapscope.networks.network import Network
from mapscope.networks.residual_unet import ResidualUnet
from mapscope.training.felt_margin import felt_margin
from mapscope.training.samples import Sample


class Blur(Network):
    """The mean of the voxels up to `reach` along z, times a weight, added to the map."""

    margin, multiple = 12, 2

    def __init__(self, reach: int, weight: float) -> None:
        super().__init__()
        self.pool, self.weight = nn.AvgPool3d((2 * reach + 1, 1, 1), 1, (reach, 0, 0)), weight

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        """The map with some of its mean."""
        return {"map": maps + self.weight * self.pool(maps)}


def sample(size: int = 24) -> Sample:
    """Noise."""
    maps = torch.randn(1, size, size, size, generator=torch.Generator().manual_seed(2))
    return Sample(maps, {})


@pytest.mark.parametrize(("reach", "felt"), [(0, 0), (1, 2), (3, 4), (4, 4), (5, 6)])
def test_margin_is_as_far_as_the_network_feels_in_whole_multiples(reach: int, felt: int) -> None:
    assert felt_margin(Blur(reach, 1.0), [sample()], 24) == felt


def test_what_is_too_weak_to_matter_is_not_felt() -> None:
    assert felt_margin(Blur(5, 1e-5), [sample()], 24) == 0
    assert felt_margin(Blur(5, 0.1), [sample()], 24) == 6


def test_margin_is_never_above_what_the_network_can_see() -> None:
    torch.manual_seed(1)
    network = ResidualUnet(widths=(4, 6), voxel_heads={"map": 1})
    assert felt_margin(network, [sample(16), sample(16)], 24) <= network.margin
    assert felt_margin(network, [], 24) == network.margin


def test_tiles_with_the_felt_margin_are_the_whole_map() -> None:
    torch.manual_seed(1)
    network = ResidualUnet(widths=(4, 6), voxel_heads={"map": 1}).eval()
    nn.init.normal_(network.down[0].blocks[0].second_norm.weight, std=0.5)  # type: ignore[union-attr,index]
    margin = felt_margin(network, [sample(24)], 24)
    assert 0 < margin < network.margin
    maps = torch.randn(1, 1, 48, 8, 8)
    with torch.inference_mode():
        whole, tile = network(maps)["map"], network(maps[:, :, 24:])["map"]
    change = (tile - whole[:, :, 24:])[:, :, margin:].square().mean().sqrt()
    assert float(change) <= 1e-3 * float(whole.square().mean().sqrt())
