"""Figures of one device: its matrix peak, prediction against MONAI, maps of many atoms, agreement.

Each is a function of a device's name that gives plain numbers by name; ``scripts/gpu.py`` runs
them and keeps what they give.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
WINDOW, SHARED = 64, 16
TILE, MULTIPLE = 144, 8
ATOMS = 100_000
Numbers = dict[str, float | str]


def matrix_peak(device: str) -> Numbers:
    """Floating-point operations per second in 1e12 of large matrix products."""
    size = 8192 if device == "cuda" else 256
    kinds: dict[str, tuple[torch.dtype, bool]] = {
        "fp32": (torch.float32, False),
        "tf32": (torch.float32, True),
        "bf16": (torch.bfloat16, False),
    }
    found: Numbers = {"size": size}
    for name, (dtype, is_short) in kinds.items():
        torch.backends.cuda.matmul.allow_tf32 = is_short
        one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
        seconds = fastest(lambda a=one, b=other: a @ b, device, 10)  # type: ignore[misc]
        found[f"{name}_tflops"] = 2 * size**3 / seconds / 1e12
    torch.backends.cuda.matmul.allow_tf32 = False
    return found


def tiled_prediction(device: str) -> Numbers:
    """Megavoxels per second of a U-Net, ours and MONAI's windows, and the share of the peak.

    The same network as in ``benchmarks/tiled_prediction.py``, each with its usual overlap.
    """
    network = _from_benchmarks("tiled_prediction").unet()
    size = 512 if device == "cuda" else 80
    density = np.random.default_rng(0).standard_normal((size,) * 3, dtype=np.float32)
    work = operations_per_voxel(network)
    peak = matrix_peak(device)
    found: Numbers = {"size": size, "operations_per_voxel": work}
    # Processors without bfloat16 take minutes for it.
    for precision in ("fp32", "bf16") if device == "cuda" else ("fp32",):
        layout = torch.channels_last_3d if precision == "bf16" else torch.contiguous_format
        ours = fastest(_ours(network, density, device, precision), device, 2)
        theirs = min(
            fastest(_monai(network, density, device, precision, windows, layout), device, 2)
            for windows in (1, 4, 16)
        )
        rate = size**3 / ours
        found[f"{precision}_mvoxels_per_s"] = rate / 1e6
        found[f"{precision}_times_monai"] = theirs / ours
        # Convolutions in fp32 run as tf32 where the device has it.
        kinds = ("fp32", "tf32") if precision == "fp32" else ("bf16",)
        peaks = [float(peak[f"{kind}_tflops"]) for kind in kinds]
        found[f"{precision}_share_of_peak"] = rate * work / 1e12 / max(peaks)
    return found


def operations_per_voxel(network: torch.nn.Module) -> float:
    """Floating-point operations that a network needs for each voxel."""
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        network(torch.zeros(1, 1, WINDOW, WINDOW, WINDOW))
    return counter.get_total_flops() / WINDOW**3


def simulated_maps(device: str) -> Numbers:
    """Milliseconds of a map of 100,000 atoms."""
    from mapscope.simulate.density import fixed_density, physical_density
    from mapscope.simulate.scattering import Scattering

    benchmark = _from_benchmarks("simulate_density")
    atoms = benchmark.copies(ATOMS if device == "cuda" else ATOMS // 20)
    grid = benchmark.box_of(atoms)
    scattering = Scattering("electrons", benchmark.RESOLUTION)
    maps: dict[str, Callable[[], Any]] = {
        "electrons": lambda: physical_density(atoms, grid, scattering, device=device),
        "chimerax": lambda: fixed_density(
            atoms, grid, "chimerax", benchmark.RESOLUTION, device=device
        ),
    }
    times = {f"{name}_ms": 1000 * fastest(work, device, 5) for name, work in maps.items()}
    return {"atoms": len(atoms), "voxels": float(np.prod(grid.shape)), **times}


def agreement(device: str) -> Numbers:
    """How far the device's answers are from the processor's, relative to their RMS."""
    from mapscope.inference.predict import Plan, predict
    from mapscope.networks.registry import build

    torch.manual_seed(0)
    network = build("residual_unet", widths=[8, 16, 32], voxel_heads={"map": 1}).eval()
    density = np.random.default_rng(0).standard_normal((100, 90, 110), dtype=np.float32)
    plan = Plan(96, network.margin, network.multiple)
    answers = {}
    for where, precision in (("cpu", "fp32"), (device, "fp32"), (device, "bf16")):
        found = predict(network, [density], plan, device=where, precision=precision)  # type: ignore[arg-type]
        answers[where, precision] = np.asarray(found.outputs["map"])
    truth = answers["cpu", "fp32"]
    return {
        f"{precision}_relative_rms": float(
            np.sqrt(np.mean((answers[device, precision] - truth) ** 2) / np.mean(truth**2))
        )
        for precision in ("fp32", "bf16")
    }


FIGURES: dict[str, Callable[[str], Numbers]] = {
    "matrix_peak": matrix_peak,
    "agreement": agreement,
    "simulated_maps": simulated_maps,
    "tiled_prediction": tiled_prediction,
}
"""The figures by name, the quick ones first."""


def fastest(work: Callable[[], Any], device: str, runs: int) -> float:
    """Seconds of the fastest of some runs, after one that does not count."""
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return min(seconds[1:])


def _ours(
    network: torch.nn.Module, density: np.ndarray[Any, Any], device: str, precision: str
) -> Callable[[], Any]:
    """Our tiles, a margin of half of what two windows share."""
    from mapscope.inference.predict import Plan, predict

    plan, how = Plan(TILE, SHARED // 2, MULTIPLE), {"device": device, "precision": precision}
    return lambda: predict(network, [density], plan, **how)  # type: ignore[arg-type]


def _monai(
    network: torch.nn.Module,
    density: np.ndarray[Any, Any],
    device: str,
    precision: str,
    windows: int,
    layout: torch.memory_format,
) -> Callable[[], Any]:
    """MONAI's windows, so many at once, its result on the processor as ours."""
    import copy

    from monai.inferers.utils import sliding_window_inference

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    theirs: Any = copy.deepcopy(network).to(device, dtype).to(memory_format=layout)  # type: ignore[call-overload]
    options: Any = {"overlap": SHARED / WINDOW, "mode": "gaussian"}

    def run() -> Any:
        maps = torch.from_numpy(density)[None, None].to(device, dtype)
        with torch.inference_mode():
            found = sliding_window_inference(maps, (WINDOW,) * 3, windows, theirs, **options)
        assert isinstance(found, torch.Tensor)
        return found.float().cpu()

    return run


def _from_benchmarks(name: str) -> Any:
    """A module of the benchmarks."""
    from importlib import import_module

    if str(BENCHMARKS) not in sys.path:
        sys.path.insert(0, str(BENCHMARKS))
    return import_module(name)
