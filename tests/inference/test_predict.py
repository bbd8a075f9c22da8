"""A tiled prediction is the whole one, whatever the size, the memory and the moment of a cancel."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.small_networks import Identity, SmallUnet
from torch import nn

from mapscope.errors import Cancelled, DataError, GridError, InputError
from mapscope.inference import device, prediction, ready
from mapscope.inference.normalise import Scaling, scaling_of
from mapscope.inference.predict import Plan, estimate, predict
from mapscope.inference.prediction import Stopped
from mapscope.inference.writing import Writer


def noise(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def whole(network: nn.Module, density: npt.NDArray[np.float32]) -> Any:
    with torch.inference_mode():
        return network(torch.from_numpy(density)[None, None])


def relative_rms(found: npt.NDArray[Any], truth: npt.NDArray[Any]) -> float:
    error = np.square(found.astype(float) - truth).mean()
    return float(np.sqrt(error / np.square(truth.astype(float)).mean()))


def run(network: nn.Module, density: Any, plan: Plan, **options: Any) -> prediction.Prediction:
    return predict(network, [density], plan, **{"device": "cpu", "precision": "fp32"} | options)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*(st.integers(1, 40),) * 3),
    st.integers(0, 9),
    st.integers(1, 24),
    st.sampled_from([1, 2, 4]),
    st.booleans(),
)
def test_identity_network_returns_its_input_for_any_size_tile_and_margin(
    shape: tuple[int, int, int], margin: int, more: int, multiple: int, blended: bool
) -> None:
    tile = -(-2 * margin // multiple) * multiple + multiple + more
    density = noise(*shape)
    found = run(Identity(), density, Plan(tile, margin, multiple, blended=blended))
    assert found.is_complete
    assert found.share == 1.0
    if blended:
        np.testing.assert_allclose(found.outputs["output"][0], density, rtol=2e-6, atol=1e-6)
    else:
        np.testing.assert_array_equal(found.outputs["output"][0], density)


@pytest.mark.parametrize("shape", [(50, 36, 44), (33, 21, 27), (1, 40, 40), (7, 5, 3)])
def test_tiled_when_the_margin_is_what_the_network_sees_equals_whole(
    shape: tuple[int, int, int],
) -> None:
    network, density = SmallUnet(), noise(*shape)
    found = run(network, density, Plan(28, network.margin, network.multiple))
    padded = np.pad(density, [(0, -n % network.multiple) for n in shape])
    truth = whole(network, padded)
    for name, values in found.outputs.items():
        inside = truth[name][0].numpy()[:, : shape[0], : shape[1], : shape[2]]
        assert values.shape == inside.shape
        assert relative_rms(values, inside) < 1e-5


def test_prediction_when_the_network_is_fused_runs_packed_convolutions_only() -> None:
    network = ready.ready_network(SmallUnet(), channels=1, multiple=2).network
    kinds = {type(m).__name__ for m in network.modules()}
    assert "PackedConvolution" in kinds
    assert not kinds & {"Conv3d", "ConvTranspose3d", "BatchNorm3d", "PReLU", "LeakyReLU"}


READ_AND_WRITE = ("mapscope-read", "mapscope-write")  # names of threads of a prediction


class Told(nn.Module):
    """Its input and what it is told."""

    def forward(self, maps: torch.Tensor, told: torch.Tensor) -> torch.Tensor:
        return maps + told[:, :1, None, None, None]


def test_network_of_one_checksum_is_made_ready_once_and_told_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, plain = list[str](), ready._made_ready

    def count(*args: Any) -> ready.ReadyNetwork:
        made.append(args[-1])
        return plain(*args)

    monkeypatch.setattr(ready, "_made_ready", count)
    density = noise(12, 10, 11)
    for told in (1.0, 2.0, -3.0):
        plan = Plan(16, 2, conditions=(told,), key="one of these tests")
        found = run(Told(), density, plan).outputs["output"][0]
        np.testing.assert_allclose(found, density + told, atol=1e-6)
    assert made == ["fp32"]
    run(Told(), density, Plan(16, 2, conditions=(1.0,), key="another of these tests"))
    assert made == ["fp32", "fp32"]


def test_no_more_than_two_networks_are_kept() -> None:
    network = SmallUnet()
    made = [ready.ready_network(network, channels=1, multiple=2, key=key) for key in "abc"]
    again = [ready.ready_network(network, channels=1, multiple=2, key=key) for key in "cba"]
    assert again[0].network is made[2].network
    assert again[1].network is made[1].network
    assert again[2].network is not made[0].network


class Forked(nn.Module):
    """What its convolution gives is used twice: the normalisation must not be folded into it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4)
        self.norm.register_buffer("running_var", torch.full((4,), 0.3))
        self.eval()

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        before: torch.Tensor = self.conv(maps)
        return before + torch.relu(self.norm(before))


def test_fused_network_when_a_fold_would_change_the_answer_is_not_folded() -> None:
    network, density = Forked(), noise(20, 20, 20)
    found = run(network, density, Plan(16, 2))
    assert relative_rms(found.outputs["output"], whole(network, density)[0].numpy()) < 1e-5


def test_prediction_leaves_the_network_as_it_was() -> None:
    network = SmallUnet()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    run(network, noise(16, 16, 16), Plan(32, 10, 2))
    assert all(torch.equal(before[n], v) for n, v in network.state_dict().items())
    assert all(p.requires_grad for p in network.parameters())


def test_prediction_of_a_region_equals_that_part_of_the_whole() -> None:
    network, density = SmallUnet(), noise(60, 60, 60)
    region = (slice(21, 35), slice(0, 9), slice(50, 60))
    part = run(network, density, Plan(32, 10, 2), region=region)
    truth = whole(network, density)["map"][0].numpy()[(slice(None), *region)]
    assert relative_rms(part.outputs["map"], truth) < 1e-5


def test_outputs_when_asked_for_are_finished_and_others_left_out() -> None:
    network, density = SmallUnet(), noise(20, 20, 20)
    found = run(network, density, Plan(64, 10, 2, {"classes": "argmax"}))
    assert list(found.outputs) == ["classes"]
    assert found.outputs["classes"].dtype == np.uint8
    truth = whole(network, density)["classes"].argmax(dim=1).numpy()
    assert (found.outputs["classes"] == truth).mean() > 0.999
    with pytest.raises(InputError, match="no vectors"):
        run(network, density, Plan(64, 10, 2, {"vectors": "none"}))


class Greedy(nn.Module):
    """Runs out of memory with more than `most` tiles, and notes how many it got."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if maps.shape[-1] == TILE:
            GREEDY_SEEN.append(len(maps))
            if len(maps) > self.most:
                raise torch.OutOfMemoryError("not enough memory: you tried to allocate")
        return maps * 2


TILE = 12
GREEDY_SEEN: list[int] = []


def test_prediction_when_memory_runs_out_finishes_with_smaller_batches() -> None:
    GREEDY_SEEN.clear()
    density = noise(40, 40, 40)
    found = run(Greedy(3), density, Plan(TILE, 1), batch=16)
    np.testing.assert_array_equal(found.outputs["output"][0], density * 2)
    assert found.batch == 2
    # Batches that had been read ahead are split before they are tried.
    assert GREEDY_SEEN[:4] == [16, 8, 4, 2]
    assert set(GREEDY_SEEN[4:]) <= {1, 2}


def test_prediction_when_not_even_one_tile_fits_says_so() -> None:
    with pytest.raises(InputError, match="smaller tiles"):
        run(Greedy(0), noise(40, 40, 40), Plan(TILE, 1))


def test_batch_when_memory_is_limited_is_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    def batch(gigabytes: str) -> int:
        monkeypatch.setenv("MAPSCOPE_MEMORY_GB", gigabytes)
        return run(SmallUnet(), noise(64, 64, 64), Plan(24, 2, 2)).batch

    assert batch("0.002") == 1
    assert batch("0.02") < batch("0.2")
    assert device.free_bytes("cpu") == pytest.approx(0.7 * 0.2e9)


@pytest.mark.parametrize("blended", [False, True])
def test_array_to_write_into_may_hold_anything_before(blended: bool) -> None:
    density = noise(20, 24, 22)
    given = np.full((1, 20, 24, 22), 1e6, np.float32)
    run(Identity(), density, Plan(12, 2, blended=blended), into={"output": given})
    np.testing.assert_allclose(given[0], density, atol=1e-5)


def test_outputs_when_a_further_one_begins_are_another_dict_than_who_looks_goes_over() -> None:
    whole_map = (slice(0, 8), slice(0, 8), slice(0, 8))
    result = prediction.Prediction({}, whole_map, 1, 8, 0, "cpu", "fp32")
    writer = Writer(result, None)
    writer.array("map", np.zeros((1, 8, 8, 8), np.float32))
    seen = []
    for name in result.outputs:
        writer.array("classes", np.zeros((3, 8, 8, 8), np.float32))
        seen.append(name)
    assert seen == ["map"]
    assert set(result.outputs) == {"map", "classes"}


@pytest.mark.parametrize("blended", [False, True])
def test_prediction_when_cancelled_keeps_what_is_finished(blended: bool) -> None:
    density = noise(48, 48, 48) + 10

    def progress(done: int, total: int, message: str = "") -> None:
        if done >= 40:
            raise Cancelled

    with pytest.raises(Stopped, match="of 64 tiles") as caught:
        run(Identity(), density, Plan(16, 2, blended=blended), batch=1, progress=progress)
    found = caught.value.prediction
    done = found.done()
    assert not found.is_complete
    assert 0 < found.share < 1
    assert found.share == pytest.approx(done.mean())
    if not blended:
        assert len(found.finished) == 40
    np.testing.assert_allclose(found.outputs["output"][0][done], density[done], rtol=1e-6)
    assert not found.outputs["output"][0][~done].any()
    assert not [t for t in threading.enumerate() if t.name in READ_AND_WRITE]


def test_progress_tells_tiles_from_none_to_all() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, total: int, message: str = "") -> None:
        told.append((done, total))

    run(Identity(), noise(30, 30, 30), Plan(16, 2), progress=progress)
    assert told[0] == (0, 27)
    assert told[-1] == (27, 27)
    assert told == sorted(told)


class Slow(Identity):
    """Takes a tenth of a second a tile."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        if maps.shape[-1] == TILE:
            time.sleep(0.1 * len(maps))
        return maps


def test_progress_of_a_long_prediction_tells_its_memory_and_then_its_time() -> None:
    told: list[str] = []

    def progress(_done: int, _total: int, message: str = "") -> None:
        told.append(message)

    run(Slow(), noise(30, 30, 30), Plan(TILE, 1), batch=1, progress=progress)
    tiles = len(told) - 1
    assert told[0].startswith(f"predicting, {tiles} tiles, ")
    assert told[0].endswith("MB of memory")
    seconds = int(told[-1].split("about ")[1].split(" s")[0])
    assert seconds >= round(0.1 * tiles)
    assert len(set(told)) <= 3


def test_estimate_tells_time_and_memory_without_predicting() -> None:
    density, plan = noise(30, 30, 30), Plan(TILE, 1)
    found = estimate(Slow(), [density], plan, device="cpu", precision="fp32", batch=2)
    assert found.seconds >= 0.1 * found.tiles
    # At least two tiles that go in, and all that comes out.
    assert found.memory > 4 * (2 * TILE**3 + density.size)
    assert found.in_words.endswith("of memory")


def test_preview_shows_finished_tiles_and_nothing_else_on_the_way() -> None:
    density, seen = noise(30, 30, 30), []

    def look(so_far: prediction.Prediction) -> None:
        done = so_far.done()
        values = np.array(so_far.outputs["output"][0])
        seen.append(float(done.mean()))
        np.testing.assert_array_equal(values[done], density[done])

    run(Slow(), density, Plan(TILE, 1), batch=1, preview=look)
    assert len(seen) >= 2
    assert seen == sorted(seen)
    assert 0 < seen[0] < seen[-1] < 1


class Unreadable:
    """An array whose file breaks off."""

    shape, ndim, dtype = (40, 40, 40), 3, np.dtype(np.float32)

    def __getitem__(self, index: Any) -> npt.NDArray[np.float32]:
        if index[0].start > 10:
            raise OSError("the disk is gone")
        return np.zeros([s.stop - s.start for s in index], np.float32)


def test_prediction_when_reading_or_writing_fails_ends_with_that_error() -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        run(Identity(), Unreadable(), Plan(16, 2))
    with pytest.raises(GridError, match="the array given"):
        run(Identity(), noise(9, 9, 9), Plan(16, 2), into={"output": np.zeros((1, 9, 9, 8))})
    assert not [t for t in threading.enumerate() if t.name in READ_AND_WRITE]


def test_prediction_from_a_memory_map_into_a_zarr_array_and_a_file_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zarr

    density = noise(30, 40, 50)
    np.save(tmp_path / "a.npy", density)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    store = zarr.create_array(tmp_path / "b.zarr", shape=(1, 30, 40, 50), dtype="f4")
    run(Identity(), mapped, Plan(24, 4), into={"output": store})
    np.testing.assert_array_equal(store[0], density)
    monkeypatch.setattr(prediction, "LARGEST_BYTES", 1000)
    found = run(Identity(), store[0], Plan(24, 4))
    assert isinstance(found.outputs["output"], np.memmap)
    np.testing.assert_array_equal(found.outputs["output"][0], density)


def test_maps_when_they_do_not_go_together_are_refused() -> None:
    with pytest.raises(GridError, match="different shapes"):
        predict(Identity(), [noise(3, 3, 3), noise(3, 3, 4)], Plan(8, 0))
    with pytest.raises(InputError, match="a map"):
        predict(Identity(), [], Plan(8, 0))


def test_scalings_are_applied_to_the_map_and_not_to_what_lies_behind_it() -> None:
    density = noise(10, 10, 10)
    found = run(Identity(), density, Plan(32, 2, 4, scalings=[Scaling(3.0, 2.0)]))
    np.testing.assert_allclose(found.outputs["output"][0], (density - 3) * 2, rtol=1e-6)


def test_scaling_of_a_map_read_in_slabs_is_that_of_all_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mapscope.inference import normalise

    monkeypatch.setattr(normalise, "_SLAB_VOXELS", 700)
    density = noise(23, 20, 20) * 3 + 100
    standard = scaling_of(density, "standard")(density)
    assert standard.mean() == pytest.approx(0, abs=1e-5)
    assert standard.std() == pytest.approx(1, abs=1e-5)
    ends = scaling_of(density, "min_max")(density)
    assert (ends.min(), ends.max()) == pytest.approx((0, 1), abs=1e-5)
    assert scaling_of(density, "none")(density) == pytest.approx(density)
    with pytest.raises(DataError, match="same value"):
        scaling_of(np.full((9, 9, 9), 0.1), "standard")
