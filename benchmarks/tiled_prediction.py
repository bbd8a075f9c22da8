"""Tiled prediction against MONAI's sliding windows: same weights, same overlap, one run.

``python benchmarks/tiled_prediction.py [--size 256] [--bf16-size 112] [--huge 1024] [--threads 2]``
with MONAI; a size of 0 leaves that part out. MONAI's U-Net of 1.2 million parameters reads windows
of 64³ voxels that share a quarter (16) with each neighbour; ours, with the same weights, reads
tiles of 144³ that share 32, less than a quarter, and keeps their inside, which equals the network
on the whole map at once to 1e-3. Tiles that share 16, as MONAI's, are faster and not as exact;
they are printed beside it.
"""

from __future__ import annotations

import argparse
import copy
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

WINDOW, SHARED = 64, 16
TILE, MARGIN, MULTIPLE = 144, 16, 8
EXACT = 1e-3
LEAST = {"fp32": 4.0, "bf16": 1.2}
HUGE_MB = 2000.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--bf16-size", type=int, default=112)
    parser.add_argument("--huge", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", default=None)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    chip = platform.processor() or platform.machine()
    print(f"{chip}, torch {torch.__version__}, {asked.device}")
    network = unet()
    good = True
    if asked.size:
        good &= against_monai(network, asked.size, "fp32", asked.device, asked.repeats)
    if asked.bf16_size:
        good &= against_monai(network, asked.bf16_size, "bf16", asked.device, 1)
    if asked.huge:
        good &= huge(network, asked.huge, asked.folder)
    return 0 if good else 1


def unet() -> torch.nn.Module:
    """MONAI's U-Net of three scales, as its authors set it up, with normalisation that is fixed."""
    from monai.networks.nets.unet import UNet

    torch.manual_seed(0)
    network = UNet(
        spatial_dims=3,
        in_channels=1,
        out_channels=2,
        channels=(16, 32, 64, 128),
        strides=(2, 2, 2),
        num_res_units=2,
        norm="BATCH",
    ).eval()
    count = sum(p.numel() for p in network.parameters())
    print(f"U-Net of {count} parameters")
    result: torch.nn.Module = network
    return result


def against_monai(
    network: torch.nn.Module, size: int, precision: str, device: str, repeats: int
) -> bool:
    """Voxels per second, memory and agreement of both; whether ours is fast enough."""
    from monai.inferers.utils import sliding_window_inference

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    layout = torch.channels_last_3d if precision == "bf16" else torch.contiguous_format
    theirs: Any = copy.deepcopy(network).to(device, dtype)
    theirs = theirs.to(memory_format=layout)
    density = np.random.default_rng(0).standard_normal((size,) * 3, dtype=np.float32)

    def monai(batch: int) -> Callable[[], torch.Tensor]:
        def run() -> torch.Tensor:
            maps = torch.from_numpy(density)[None, None].to(device, dtype)
            maps = maps.contiguous(memory_format=layout)
            options: Any = {"overlap": SHARED / WINDOW, "mode": "gaussian"}
            found = sliding_window_inference(maps, (WINDOW,) * 3, batch, theirs, **options)
            assert isinstance(found, torch.Tensor)
            return found[0].float().cpu()

        return run

    def ours(margin: int) -> Callable[[], torch.Tensor]:
        from mapscope.inference.predict import Plan, predict

        def run() -> torch.Tensor:
            plan, how = Plan(TILE, margin, MULTIPLE), {"device": device, "precision": precision}
            found = predict(network, [density], plan, **how)  # type: ignore[arg-type]
            return torch.from_numpy(np.asarray(found.outputs["output"]))

        return run

    print(f"\n{precision}, {size}³ voxels, best of {repeats}")
    runs = {
        "MONAI, 1 window at once": monai(1),
        "MONAI, 4 windows at once": monai(4),
        "ours": ours(MARGIN),
        "ours, half the margin": ours(SHARED // 2),
    }
    seconds, answers = measured(runs, size, repeats)
    whole = on_all(network, density)
    off = print_agreement(answers, whole)
    ratios = [seconds[name] / seconds["ours"] for name in list(runs)[:2]]
    good = ratios[0] >= LEAST[precision]
    verdict = "ok" if good else "MISSED"
    print(f"ours is {ratios[0]:.2f} and {ratios[1]:.2f} times as fast")
    print(f"at least {LEAST[precision]} times MONAI's default of one window: {verdict}")
    if precision == "fp32":
        exact = off["ours"] <= EXACT
        print(f"off the whole map by at most {EXACT:.0e}: {'ok' if exact else 'MISSED'}")
        good &= exact
    return good


def measured(
    runs: dict[str, Callable[[], torch.Tensor]], size: int, repeats: int
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Shortest time of each, in turns, after a warm-up where there is more than one."""
    seconds = dict.fromkeys(runs, float("inf"))
    cores, peak = dict.fromkeys(runs, float("inf")), dict.fromkeys(runs, 0.0)
    answers = {}
    with torch.inference_mode():
        for _ in range(repeats):
            for name, run in runs.items():
                started, busy = time.perf_counter(), time.process_time()
                with peak_memory() as most:
                    answers[name] = run()
                seconds[name] = min(seconds[name], time.perf_counter() - started)
                cores[name] = min(cores[name], time.process_time() - busy)
                peak[name] = max(peak[name], most[0])
    for name, best in seconds.items():
        rate = size**3 / best / 1e6
        print(
            f"{name:26s} {best:8.2f} s, {cores[name]:8.2f} s of cores, {rate:7.3f} Mvoxel/s, "
            f"{peak[name]:6.0f} MB anonymous",
            flush=True,
        )
    return seconds, answers


def on_all(network: torch.nn.Module, density: np.ndarray[Any, Any]) -> torch.Tensor:
    """The network on the whole map at once, fp32, and how long it takes."""
    with torch.inference_mode():
        started = time.perf_counter()
        found: torch.Tensor = network(torch.from_numpy(density)[None, None])[0]
    rate = density.size / (time.perf_counter() - started) / 1e6
    print(f"network as it is, whole map at once, fp32: {rate:.3f} Mvoxel/s")
    return found


def print_agreement(answers: dict[str, torch.Tensor], whole: torch.Tensor) -> dict[str, float]:
    """How far each is from the whole map at once, and they from each other."""
    scale, off = whole.square().mean().sqrt(), {}
    for name, found in answers.items():
        error = off[name] = float((found - whole).square().mean().sqrt() / scale)
        largest = (found - whole).abs().max() / scale
        print(f"{name:26s} off the whole map by {error:.1e} (largest {largest:.1e}) of its RMS")
    first, last = next(iter(answers.values())), answers["ours"]
    print(f"largest difference between both: {(first - last).abs().max() / scale:.1e} of the RMS")
    return off


def anonymous_mb() -> float:
    """Anonymous memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Most anonymous memory more than at the start, in MB."""
    before, most, stop = anonymous_mb(), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            most[0] = max(most[0], anonymous_mb() - before)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    yield most
    stop.set()
    watcher.join()


def huge(network: torch.nn.Module, size: int, folder: str | None) -> bool:
    """A memory map of `size`³ voxels, 3 bytes and more for each, through the network."""
    from mapscope.inference.predict import Plan, predict

    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / "huge.dat"
        shape = (size,) * 3
        plane = np.random.default_rng(0).standard_normal((size, size), dtype=np.float32)
        maps = np.memmap(path, np.float32, "w+", shape=shape)
        for z in range(size):
            maps[z] = np.roll(plane, 37 * z)
        maps.flush()
        density = np.memmap(path, np.float32, "r", shape=shape)
        started = time.perf_counter()
        with peak_memory() as most:
            plan = Plan(TILE, MARGIN, MULTIPLE)
            found = predict(network, [density], plan, device="cpu", precision="fp32")
        seconds = time.perf_counter() - started
    good = most[0] <= HUGE_MB and found.is_complete
    rate = size**3 / seconds / 1e6
    print(f"\n{size}³ memory map: {seconds:.0f} s, {rate:.2f} Mvoxel/s, {most[0]:.0f} MB anonymous")
    print(f"at most {HUGE_MB:.0f} MB: {'ok' if good else 'MISSED'}")
    return good


if __name__ == "__main__":
    sys.exit(main())
