"""Networks come by name, with the parameters that their papers state."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from mapscope.errors import InputError
from mapscope.networks.registry import ARCHITECTURES, build

SMALL: dict[str, dict[str, Any]] = {
    "dense_2019": {"size": 8, "width": 0.01},
    "cnn_2019": {"size": 8, "width": 0.05},
    "mullick_unet": {"widths": [4, 6]},
    "residual_unet": {"widths": [4, 8], "voxel_heads": {"map": 1}, "map_heads": {"class": 3}},
}


@pytest.mark.parametrize(("name", "count"), [("dense_2019", 262_245_403), ("cnn_2019", 68_404_163)])
def test_papers_networks_have_the_papers_parameters(name: str, count: int) -> None:
    with torch.device("meta"):
        assert build(name).parameters_learned == count


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_network_keeps_the_contract(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, **SMALL[name]).eval()
    size = network.size or 7
    maps = torch.randn(3, network.channels, size, size, size)
    together = network(maps)
    apart = [network(one[None]) for one in maps]
    for output, values in together.items():
        assert values.shape[0] == 3
        assert values.dim() == 2 or values.shape[2:] == maps.shape[2:]
        one_by_one = torch.cat([found[output] for found in apart])
        torch.testing.assert_close(values, one_by_one, rtol=1e-4, atol=1e-5)
    assert network.margin >= 0
    assert network.multiple >= 1


def test_an_unknown_network_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match="residual_unet"):
        build("transformer")


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("cnn_2019", {"depth": 3}),
        ("cnn_2019", {"size": 60}),
        ("dense_2019", {"width": 0.0}),
        ("residual_unet", {"widths": [4]}),
        ("residual_unet", {"widths": [], "map_heads": {"class": 3}}),
        ("residual_unet", {"map_heads": {"class": 3}, "local_deviation": 4}),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(name: str, config: dict[str, object]) -> None:
    with pytest.raises(InputError):
        build(name, **config)
