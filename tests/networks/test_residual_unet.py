"""The backbone takes maps of any size, and a tile of a map gives what the map gives there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mapscope.errors import InputError
from mapscope.inference.predict import Plan, predict
from mapscope.inference.ready import ready_network
from mapscope.networks.normalisation import BatchRenorm
from mapscope.networks.residual_unet import ResidualUnet, local_deviation


def unet(**config: object) -> ResidualUnet:
    """A small network with statistics and conditions that do something."""
    torch.manual_seed(1)
    network = ResidualUnet(**{"widths": (4, 6, 8), "voxel_heads": {"map": 2}, **config})  # type: ignore[arg-type]
    for module in network.modules():
        if isinstance(module, BatchRenorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.2)
    return network.eval()


@pytest.mark.parametrize("shape", [(8, 8, 8), (7, 9, 11), (1, 5, 13), (1, 1, 1), (17, 3, 2)])
@pytest.mark.parametrize("deviation", [0, 5])
def test_output_has_the_inputs_size_whatever_that_is(
    shape: tuple[int, int, int], deviation: int
) -> None:
    out = unet(local_deviation=deviation)(torch.randn(2, 1, *shape))["map"]
    assert out.shape == (2, 2, *shape)
    assert bool(torch.isfinite(out).all())


@pytest.mark.parametrize("deviation", [0, 3])
def test_a_tile_with_its_margin_gives_what_the_whole_gives(deviation: int) -> None:
    network = unet(local_deviation=deviation, widths=(4, 6))
    size = 2 * network.margin + 8
    size += -size % network.multiple
    maps = torch.randn(1, 1, size + 8, 8, 8)
    start = network.multiple * 2
    whole = network(maps)["map"][:, :, start : start + size]
    tile = network(maps[:, :, start : start + size])["map"]
    inside = slice(network.margin, size - network.margin)
    torch.testing.assert_close(tile[:, :, inside], whole[:, :, inside], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        ({"widths": (4, 6)}, (50, 37, 44)),
        ({"widths": (4, 6, 8), "local_deviation": 3}, (90, 33, 9)),
    ],
)
def test_map_predicted_in_tiles_with_the_networks_margin_is_the_whole_map(
    config: dict[str, object], shape: tuple[int, int, int]
) -> None:
    network = unet(conditions=2, **config)
    density = np.random.default_rng(0).standard_normal(shape, dtype=np.float32)
    conditions = (1.3, 4.0)
    tile = 2 * network.margin + 4 * network.multiple
    plan = Plan(tile, network.margin, network.multiple, conditions=conditions)
    found = predict(network, [density], plan, device="cpu", precision="fp32")
    with torch.inference_mode():
        whole = network(torch.from_numpy(density)[None, None], torch.tensor([conditions]))["map"][0]
    assert found.tiles > 1
    error = np.sqrt(np.mean(np.square(np.asarray(found.outputs["map"]) - whole.numpy())))
    assert error <= 1e-4 * float(whole.square().mean().sqrt())


def test_network_when_ready_for_a_processor_is_convolutions_alone() -> None:
    network = unet(widths=(4, 6))
    ready = ready_network(network, channels=1, multiple=network.multiple).network
    kinds = [type(module).__name__ for module in ready.modules()]
    assert not {"BatchRenorm", "BatchNorm3d", "Conv3d"} & set(kinds)
    # What is left is the activation behind each block's sum.
    assert kinds.count("ReLU") == 3
    assert sum(type(module).__name__ == "ReLU" for module in network.modules()) == 7


def test_output_beyond_the_margin_does_not_depend_on_a_voxel() -> None:
    network = unet(widths=(4, 6))
    length = 2 * network.margin + 12
    maps = torch.zeros(1, 1, length, 4, 4)
    other = maps.clone()
    other[0, 0, 0] = 5.0
    change = (network(other)["map"] - network(maps)["map"]).detach().abs().amax(dim=(0, 1, 3, 4))
    assert float(change[: network.margin].max()) > 1e-4
    assert float(change[network.margin + 1 :].max()) < 1e-6


def test_conditions_left_out_mean_zeros_and_others_change_the_output() -> None:
    network = unet(conditions=2)
    maps = torch.randn(1, 1, 8, 8, 8)
    without, zeros = network(maps)["map"], network(maps, torch.zeros(1, 2))["map"]
    torch.testing.assert_close(without, zeros)
    assert float((network(maps, torch.ones(1, 2))["map"] - zeros).abs().max()) > 1e-3


def test_a_second_input_counts() -> None:
    network = unet(channels=2)
    maps = torch.randn(1, 2, 8, 8, 8)
    swapped = network(maps.flip(1))["map"]
    assert float((swapped - network(maps)["map"]).abs().max()) > 1e-3


def test_only_map_heads_leave_the_way_up_out() -> None:
    network = unet(voxel_heads=None, map_heads={"class": 3})
    assert len(network.up) == 0
    assert network(torch.randn(2, 1, 9, 8, 7))["class"].shape == (2, 3)


def test_all_heads_come_from_one_pass() -> None:
    network = unet(voxel_heads={"map": 1, "variance": 1, "vectors": 3}, map_heads={"class": 3})
    shapes = {k: tuple(v.shape[:2]) for k, v in network(torch.randn(1, 1, 4, 4, 4)).items()}
    assert shapes == {"class": (1, 3), "map": (1, 1), "variance": (1, 1), "vectors": (1, 3)}


def test_local_deviation_is_numpys_in_every_cube_with_zeros_beyond_the_edge() -> None:
    maps = torch.randn(1, 1, 6, 5, 4, dtype=torch.float32)
    found = local_deviation(maps, 3)[0, 0]
    padded = np.pad(maps[0, 0].numpy(), 1)
    for z, y, x in ((0, 0, 0), (2, 2, 2), (5, 4, 3)):
        cube = padded[z : z + 3, y : y + 3, x : x + 3]
        assert float(found[z, y, x]) == pytest.approx(float(cube.std()), abs=2e-3)


def test_renormalisation_predicts_as_batch_normalisation_with_running_statistics() -> None:
    ours, theirs = BatchRenorm(3), nn.BatchNorm3d(3)
    maps = torch.randn(4, 3, 5, 5, 5) * 3 + 1
    for _ in range(5):
        ours(maps)
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours.eval()(maps), theirs.eval()(maps))


def test_renormalisation_begins_as_batch_normalisation() -> None:
    ours, theirs = BatchRenorm(3), nn.BatchNorm3d(3)
    maps = torch.randn(4, 3, 5, 5, 5) * 3 + 1
    torch.testing.assert_close(ours(maps), theirs(maps), rtol=1e-4, atol=1e-4)


def test_settled_renormalisation_learns_with_what_it_predicts_with() -> None:
    ours = BatchRenorm(3)
    assert ours.running_mean is not None
    assert ours.running_var is not None
    assert ours.num_batches_tracked is not None
    ours.num_batches_tracked.fill_(5000)
    maps = torch.randn(4, 3, 6, 6, 6)
    ours.running_var.fill_(1.2)
    ours.running_mean.fill_(0.1)
    predicted = (maps - 0.1) / (1.2 + ours.eps) ** 0.5
    torch.testing.assert_close(ours(maps), predicted, rtol=1e-3, atol=1e-3)


def test_untrained_network_that_adds_its_input_gives_about_the_mean_of_its_maps() -> None:
    network = unet(channels=2, voxel_heads={"map": 1, "variance": 1}, adds_input="map")
    maps = torch.randn(2, 2, 9, 8, 7)
    out = network(maps)
    assert float((out["map"] - maps.mean(dim=1, keepdim=True)).abs().max()) < 0.05
    assert float((out["variance"] - maps.mean(dim=1, keepdim=True)).abs().max()) > 0.5


def test_what_is_added_is_not_what_the_head_says() -> None:
    plain = unet(channels=2, voxel_heads={"map": 1})
    adding = unet(channels=2, voxel_heads={"map": 1}, adds_input="map")
    adding.load_state_dict(plain.state_dict())
    maps = torch.randn(1, 2, 8, 8, 8)
    change = adding(maps)["map"] - plain(maps)["map"]
    torch.testing.assert_close(change, maps.mean(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["classes", "other"])
def test_input_added_to_no_head_of_one_feature_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="there is none named"):
        unet(voxel_heads={"map": 1, "classes": 3}, adds_input=name)


def test_two_maps_predicted_in_tiles_with_their_mean_added_are_the_whole_map() -> None:
    network = unet(channels=2, widths=(4, 6), voxel_heads={"map": 1}, adds_input="map")
    head = network.voxel_heads["map"]
    assert isinstance(head, nn.Conv3d)
    nn.init.normal_(head.weight, std=0.3)
    maps = np.random.default_rng(0).standard_normal((2, 50, 37, 44), dtype=np.float32)
    tile = 2 * network.margin + 4 * network.multiple
    plan = Plan(tile, network.margin, network.multiple)
    found = predict(network, list(maps), plan, device="cpu", precision="fp32")
    with torch.inference_mode():
        whole = network(torch.from_numpy(maps)[None])["map"][0]
    assert found.tiles > 1
    error = np.sqrt(np.mean(np.square(np.asarray(found.outputs["map"]) - whole.numpy())))
    assert error <= 1e-4 * float(whole.square().mean().sqrt())
