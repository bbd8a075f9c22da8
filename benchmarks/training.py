"""Training: seconds a step of every recipe, and what a small U-Net learns in 20 minutes.

``python benchmarks/training.py [--data DIR] [--minutes M] [--recipe NAME]`` builds a corpus of the
models in the folder ``structures`` of the data folder (default: ``MAPSCOPE_DATA``), measures a
step of the network of each recipe, and trains one (default: ``voxel_kind``) for so many minutes.
Limits: its validation loss at most half of what a predictor has that only knows how often each
class comes, and the minutes kept within 5 %. Exits with 0 if both are met.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import torch

from mapscope.jobs import build_corpus, train
from mapscope.networks.registry import build
from mapscope.training.recipe import Recipe, read_recipe, recipe_names
from mapscope.training.run_folder import RunFolder

FACTOR, LATE, MAPS = 2.0, 0.05, 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--recipe", default="voxel_kind")
    given = parser.parse_args()
    step_times()
    if not given.data:
        print("no data: give --data or set MAPSCOPE_DATA")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.safetensors"
        build_corpus(folder=Path(given.data) / "structures", output=corpus)
        factor, late = learn(given.recipe, corpus, Path(folder) / "run", given.minutes)
    results = [
        ("validation loss, trivial over ours", factor, factor >= FACTOR, f"at least {FACTOR:g}"),
        ("minutes over what was allowed", late, abs(late) <= LATE, f"within {LATE:.0%}"),
    ]
    for name, value, is_met, limit in results:
        print(f"{name:36s} {value:8.3f}  {limit:14s} {'ok' if is_met else 'MISSED'}")
    return 0 if all(result[2] for result in results) else 1


def step_times() -> None:
    """Print what a forward and backward pass of each recipe's network takes."""
    print(f"seconds a map, forward and backward, float32, {torch.get_num_threads()} threads:")
    for name in recipe_names():
        recipe = read_recipe(name)
        wall, work = seconds_a_map(recipe)
        print(f"  {name:24s} {wall:7.3f} s ({work:7.3f} s of processors)")


def seconds_a_map(recipe: Recipe) -> tuple[float, float]:
    """Wall and processor seconds of a map, of the faster of two passes."""
    network = build(recipe.network.name, **recipe.network.config)
    network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
    maps = torch.rand(MAPS, network.channels, *(recipe.data.size,) * 3)
    maps = maps.contiguous(memory_format=torch.channels_last_3d)
    found = []
    for _ in range(2):
        began, worked = time.perf_counter(), time.process_time()
        sum(out.square().mean() for out in network(maps).values()).backward()
        found.append((time.perf_counter() - began, time.process_time() - worked))
    wall, work = min(found)
    return wall / MAPS, work / MAPS


def learn(recipe: str, corpus: Path, folder: Path, minutes: float) -> tuple[float, float]:
    """Train a recipe; trivial over lowest validation loss, and the share of time that is over."""
    began = time.monotonic()
    result = train(recipe=recipe, corpus=corpus, run_folder=folder, minutes=minutes, device="cpu")
    late = (time.monotonic() - began) / 60 / minutes - 1
    rows = [row for row in RunFolder(folder).rows() if "validation_loss" in row]
    for row in rows:
        print(
            f"  step {row['step']:6d}, {row['seconds'] / 60:5.1f} min: loss "
            f"{row['validation_loss']:.4f}, accuracy {row['accuracy']:.4f}"
        )
    return rows[-1]["trivial_loss"] / result.validation_loss, late


if __name__ == "__main__":
    sys.exit(main())
