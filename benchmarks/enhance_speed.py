"""How long the enhancer takes, and how much memory.

``python benchmarks/enhance_speed.py [--model FILE] [--size 256] [--device cpu] [--threads 2]``
makes half maps of so many voxels of 1 Å along each edge (copies of the sample's structure, blurred,
with noise) and measures

* the first preview: a box of 64³ voxels of maps that are new, with the model loaded; then another
  strength of the same box, which needs no network;
* the whole map, from the maps to the result;
* the most memory that the run takes on top of the maps, beside what the job says it needs.

Limits: 3 s, 60 s on two cores (1 s on an accelerator), and no more memory than stated. Exits with 0
if they are met, or if there is no model.
"""

from __future__ import annotations

import argparse
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiled_prediction import peak_memory  # type: ignore[import-not-found]

from mapscope import files
from mapscope.density.fourier import filter_radial
from mapscope.inference.device import chosen_device
from mapscope.inference.enhancing import enhancers
from mapscope.jobs import all_jobs
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.known_pairs import box_around, density_of
from mapscope.volume import HalfMaps, Region, Volume

PREVIEW, PREVIEW_S, WHOLE_S, WHOLE_GPU_S = 64, 3.0, 60.0, 1.0
RESOLUTION, BLUR, NOISE = 3.5, 120.0, 0.25
SAMPLE = Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.cif"
CELL = 64


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="enhancer")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if not Path(given.model).is_file() and given.model not in [m.name for m in enhancers()]:
        print(f"no model {given.model} is installed")
        return 0
    torch.set_num_threads(given.threads)
    device = chosen_device(given.device)
    chip = platform.processor() or platform.machine()
    print(f"{chip}, torch {torch.__version__}, {device}, {given.threads} threads")
    how = {"model": given.model, "device": given.device, "resolution": RESOLUTION}
    enhance = all_jobs()["enhance"]
    enhance(half_maps_of(2 * PREVIEW, seed=0), region=box(2 * PREVIEW), **how)
    passed = preview(given.size, how)
    return 0 if passed & whole(given.size, how, on_cpu=device == "cpu") else 1


def half_maps_of(size: int, *, seed: int) -> HalfMaps:
    """Half maps full of the sample's structure, which one B-factor blurs, with white noise."""
    random = np.random.default_rng(seed)
    atoms = atoms_of(files.read(SAMPLE), hydrogens=False)
    cell = filter_radial(
        density_of(atoms, box_around(atoms, CELL)), lambda f: np.exp(-0.25 * BLUR * f**2)
    )
    copies = -(-size // min(cell.shape))
    signal = Volume(np.tile(cell.data, (copies,) * 3)[:size, :size, :size])
    level = np.float32(NOISE * signal.data.std())

    def noisy() -> Volume:
        noise = random.standard_normal(signal.shape, dtype=np.float32)
        return signal.with_data(signal.data + level * noise)

    return HalfMaps(noisy(), noisy())


def box(size: int) -> Region:
    """A box of the preview's size about the middle."""
    lower = (size - PREVIEW) // 2
    return Region((lower,) * 3, (lower + PREVIEW,) * 3)


def preview(size: int, how: dict[str, Any]) -> bool:
    """Print how long a first preview takes; whether it is soon enough."""
    enhance, half_maps = all_jobs()["enhance"], half_maps_of(size, seed=1)
    started, busy = time.perf_counter(), time.process_time()
    enhance(half_maps, region=box(size), **how)
    first, busy = time.perf_counter() - started, time.process_time() - busy
    started = time.perf_counter()
    enhance(half_maps, region=box(size), strength="strong", **how)
    again = time.perf_counter() - started
    is_good = first <= PREVIEW_S
    print(
        f"first preview of {PREVIEW}³ in {size}³: {first:.2f} s (at most {PREVIEW_S:g}: "
        f"{'ok' if is_good else 'MISSED'}), {busy:.2f} s of cores; another strength {again:.2f} s"
    )
    return is_good


def whole(size: int, how: dict[str, Any], *, on_cpu: bool) -> bool:
    """Print time and memory of a whole map; whether both are within limits."""
    enhance, half_maps = all_jobs()["enhance"], half_maps_of(size, seed=2)
    started, busy = time.perf_counter(), time.process_time()
    with peak_memory() as most:
        made = enhance(half_maps, **how)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    stated = enhance.memory * 4 * 2 * size**3 / 1e6
    limit = WHOLE_S if on_cpu else WHOLE_GPU_S
    is_soon, is_stated = seconds <= limit, most[0] <= stated
    print(f"whole map of {size}³: {seconds:.1f} s, {busy:.1f} s of cores, ", end="")
    print(f"{made.computed} (at most {limit:g} s: {'ok' if is_soon else 'MISSED'})")
    print(
        f"memory on top of the maps: {most[0]:.0f} MB, stated {stated:.0f} MB: "
        f"{'ok' if is_stated else 'MISSED'}"
    )
    return is_soon and is_stated


if __name__ == "__main__":
    sys.exit(main())
