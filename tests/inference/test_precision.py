"""bf16 is used only where it is fast and good enough, and that is measured once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from mapscope.inference import precision
from mapscope.inference.footprint import bytes_per_voxel
from mapscope.inference.precision import chosen_precision, is_close_enough, knows_bf16
from mapscope.inference.ready import ReadyNetwork


class Pretend:
    """A network as fast and as good as a test wants it in bf16."""

    def __init__(self, seconds: float, error: float) -> None:
        self.seconds, self.error = {"fp32": 0.02, "bf16": seconds}, {"fp32": 0.0, "bf16": error}
        self.made: list[str] = []

    def ready(self, kind: str) -> ReadyNetwork:
        self.made.append(kind)

        def run(maps: torch.Tensor) -> torch.Tensor:
            time.sleep(self.seconds[kind])
            return maps.float() * (1 + self.error[kind])

        return ReadyNetwork(run, "cpu", "fp32")  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPSCOPE_CACHE_FOLDER", str(tmp_path))
    monkeypatch.setattr(precision, "knows_bf16", lambda _: True)


TOLERANCE = (1e-2, 0.999)


def choose(network: Pretend, key: str | None = None) -> str:
    tile = torch.rand(1, 1, 8, 8, 8) + 1
    return chosen_precision(network.ready, tile, {"output": "none"}, TOLERANCE, "cpu", key)


@pytest.mark.parametrize(
    ("seconds", "error", "chosen"),
    [(0.004, 0.001, "bf16"), (0.019, 0.001, "fp32"), (0.004, 0.02, "fp32")],
)
def test_precision_is_bf16_only_where_it_is_fast_and_close(
    seconds: float, error: float, chosen: str
) -> None:
    assert choose(Pretend(seconds, error)) == chosen


def test_precision_when_measured_is_kept_for_the_same_model_only(tmp_path: Path) -> None:
    network = Pretend(0.004, 0.0)
    assert choose(network, "abc") == "bf16"
    assert choose(network, "abc") == "bf16"
    assert network.made == ["fp32", "bf16"]
    choose(network, "other")
    assert len(network.made) == 4
    (tmp_path / "precision.json").write_text("damaged")
    assert choose(network, "abc") == "bf16"
    assert len(network.made) == 6


def test_precision_when_the_device_knows_no_bf16_is_fp32_without_measuring(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(precision, "knows_bf16", lambda _: False)
    network = Pretend(0.001, 0.0)
    assert choose(network) == "fp32"
    assert network.made == []


def test_bf16_when_torch_has_no_onednn_is_not_known_on_a_processor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    monkeypatch.delattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", raising=False)
    assert not knows_bf16("cpu")


def test_close_enough_judges_maps_by_rms_and_classes_by_how_many_stay() -> None:
    exact = torch.randn(1, 3, 10, 10, 10, generator=torch.Generator().manual_seed(0))
    assert is_close_enough(exact, exact * 1.009, "none")
    assert not is_close_enough(exact, exact * 1.011, "none")
    rough = exact.clone()
    assert is_close_enough(exact, 2 * rough, "argmax")
    rough[0, :, 0, 0, :2] = rough[0, :, 0, 0, :2].roll(1, dims=0)
    assert not is_close_enough(exact, rough, "argmax")


def test_bytes_per_voxel_counts_what_lives_at_one_time() -> None:
    def run(maps: torch.Tensor) -> torch.Tensor:
        for _ in range(5):
            maps = maps + 1
        return maps

    # Input, and one result while the next is made of it.
    assert bytes_per_voxel(run, 1, 1) == pytest.approx(1.2 * 12)
    assert bytes_per_voxel(lambda maps: maps.expand(-1, 6, -1, -1, -1) * 2, 1, 1) > 1.2 * 24
