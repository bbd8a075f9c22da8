"""The U-Net of paper 000: its parameters, its range, and that it does not move a map."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from mapscope.errors import InputError
from mapscope.networks.mullick_unet import Middle, MullickUnet, _doubled

SMALL = (4, 6, 8)


def test_the_papers_network_has_137_900_033_parameters() -> None:
    with torch.device("meta"):
        network = MullickUnet()
    assert network.parameters_learned == 137_900_033
    # Where they are: down, bottleneck, up, and the last convolution with its bias.
    parts = (network.down, network.middle, network.up, network.last)
    counts = [sum(p.numel() for p in part.parameters()) for part in parts]
    assert counts == [11_014_144, 117_440_512, 9_437_184, 8_193]


def test_the_paper_leaves_out_a_fifth_of_the_bottleneck_and_normalises_all_but_the_first() -> None:
    with torch.device("meta"):
        network = MullickUnet()
    kinds = list(network.modules())
    assert [m.p for m in kinds if isinstance(m, nn.Dropout)] == [0.2] * 4
    assert sum(isinstance(m, nn.InstanceNorm3d) for m in kinds) == 10
    convolutions = [m for m in kinds if isinstance(m, (nn.Conv3d, nn.ConvTranspose3d))]
    assert {m.kernel_size for m in convolutions} == {(4, 4, 4)}
    assert [m.stride[0] for m in convolutions] == [2] * 4 + [1] * 4 + [2] * 3 + [1]


@pytest.mark.parametrize("size", [16, 24, 13])
def test_maps_of_any_size_keep_it_and_lie_between_0_and_1(size: int) -> None:
    torch.manual_seed(0)
    network = MullickUnet(SMALL).eval()
    maps = 100 * torch.randn(2, 1, size, size + 3, size)
    found = network(maps)["map"].detach()
    assert found.shape == maps.shape
    assert 0 <= float(found.min()) < float(found.max()) <= 1


@pytest.mark.parametrize("factor", [1, 3])
def test_the_output_layer_of_another_factor_gives_the_same_size(factor: int) -> None:
    torch.manual_seed(0)
    maps = torch.randn(1, 1, 16, 16, 16)
    found = MullickUnet(SMALL, up_factor=factor).eval()(maps)["map"].detach()
    assert found.shape == maps.shape
    assert float(found.std()) > 0


def test_doubling_by_eight_kernels_is_doubling_and_then_the_convolution() -> None:
    torch.manual_seed(1)
    conv, features = nn.Conv3d(5, 1, 4), torch.randn(2, 5, 4, 6, 3)
    doubled = functional.interpolate(features, scale_factor=2.0)
    expected = conv(functional.pad(doubled, (1, 2) * 3))
    torch.testing.assert_close(_doubled(features, conv), expected, rtol=1e-5, atol=1e-5)


def test_the_bottleneck_does_not_move_what_it_sees_though_its_kernels_are_even() -> None:
    torch.manual_seed(2)
    network = MullickUnet(SMALL)
    voxel = torch.zeros(1, 8, 17, 17, 17)
    voxel[..., 8, 8, 8] = 1.0
    moved = []
    features = voxel
    for block in network.middle:
        assert isinstance(block, Middle)
        ones = torch.ones_like(block.conv.weight)
        features = functional.conv3d(
            functional.pad(torch.cat([features] * 2, dim=1), block.pad), ones
        )
        moved.append(centre(features) - 8.0)
    # Half a voxel to one side, and back.
    torch.testing.assert_close(
        torch.stack(moved)[:, 0], torch.tensor([-0.5, 0.0, -0.5, 0.0]).abs() * moved[0][0].sign()
    )
    assert float(torch.stack(moved)[[1, 3]].abs().max()) < 1e-4


def centre(features: torch.Tensor) -> torch.Tensor:
    """Where the middle of positive features lies, (3,)."""
    density = features.sum(dim=(0, 1))
    places = torch.arange(density.shape[0], dtype=density.dtype)
    sums = [(density.sum(dim=[d for d in range(3) if d != a]) * places).sum() for a in range(3)]
    return torch.stack(sums) / density.sum()


def test_a_network_that_learns_lays_its_map_where_the_input_lies() -> None:
    torch.manual_seed(3)
    network = MullickUnet((8, 8, 8), dropout=0.0)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3, betas=(0.5, 0.999))
    truth = blobs(4)
    given = functional.avg_pool3d(truth, 3, 1, 1)
    for _ in range(60):
        optimiser.zero_grad()
        found = network(given)["map"]
        loss = (found - truth).square().mean()
        loss.backward()
        optimiser.step()
    shift = offset(network.eval()(given)["map"].detach(), truth)
    assert float(shift.abs().max()) < 0.15
    assert float(offset(given.roll(1, 2), truth).abs().max()) > 0.5


def blobs(count: int) -> torch.Tensor:
    """Small blobs on a cube of 16 voxels, (count, 1, 16, 16, 16)."""
    points = torch.zeros(count, 1, 16, 16, 16)
    places = torch.randint(3, 13, (count, 6, 3))
    for maps, some in zip(points, places, strict=True):
        for z, y, x in some.tolist():
            maps[0, z, y, x] = 1.0
    return functional.avg_pool3d(points, 3, 1, 1) * 27 / 4


def offset(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Voxels (3,) that the first maps lie off the second: the top of a parabola through errors."""
    found = []
    for axis in (2, 3, 4):
        low, here, high = (
            float((first.roll(step, axis) - second).square().mean()) for step in (1, 0, -1)
        )
        found.append(0.5 * (low - high) / (low - 2 * here + high))
    return torch.tensor(found)


@pytest.mark.parametrize(
    "config", [{"widths": [4]}, {"widths": [4, 0]}, {"dropout": 1.0}, {"up_factor": 0}]
)
def test_numbers_out_of_range_are_refused(config: dict[str, float]) -> None:
    with pytest.raises(InputError):
        MullickUnet(**config)  # type: ignore[arg-type]
