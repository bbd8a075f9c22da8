"""Local sharpening beside the raw mean, the global Wiener filter and a B-factor.

``python benchmarks/local_sharpening.py [--data DIR] [--maps N]`` takes structures of the test part
of the split, one of each cluster first, from the folder ``structures`` of the data folder (default:
``MAPSCOPE_DATA``). From each it makes the density that electrons see at 2.45 Å on voxels of 1 Å,
and from that half maps of 2.8 to 4.5 Å in the best places and 1.3 to 2 times that in the worst.
Compared with the truth are

* the mean of the half maps, as it is;
* the global Wiener filter (`mapscope.density.wiener`), its curves measured inside the mask;
* `sharpen_by_b_factor`, with its defaults and the mask;
* `sharpen_locally`, with its defaults, which sees no mask; and with its method half_maps.

Printed are the mean FSC with the truth over all shells up to 2.45 Å, and where it falls to 0.5,
inside a soft mask around the atoms. Exits with 1 where local sharpening has a lower mean FSC than
the raw mean on any map, or than the global filters on more than one in twenty.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mapscope import files
from mapscope.density.fourier import Shells
from mapscope.density.halves import mean_map
from mapscope.density.wiener import wiener_filter, wiener_map
from mapscope.errors import MapscopeError
from mapscope.jobs import (
    degrade_map,
    mask_around_structure,
    sharpen_by_b_factor,
    sharpen_locally,
    simulate_map,
)
from mapscope.scores.enhancement import masked_correlation
from mapscope.scores.truth import resolution_with_truth
from mapscope.structure import Structure
from mapscope.training.split import read_split
from mapscope.volume import HalfMaps, Volume

FINEST = 2.45
FEWEST, MOST, LARGEST = 800, 8000, 100.0
"""Atoms of a structure that is taken, and Å of its longest side."""

METHODS = ("raw", "wiener", "b_factor", "half_maps", "local")
SPARED = 0.05
"""Share of maps that may be worse than with another filter."""


def structures(folder: Path) -> Iterator[tuple[str, Structure]]:
    """Name and structure of middle size: one of each cluster of the test part, then others."""
    clusters = read_split().clusters("test").values()
    for names in itertools.zip_longest(*clusters):
        for name in filter(None, names):
            paths = sorted(folder.glob(f"{name}.*"))
            structure: Structure | None = files.read(paths[0]) if paths else None
            if structure is not None and is_middling(structure):
                yield name, structure


def is_middling(structure: Structure) -> bool:
    """Whether it is large enough to be a molecule, and small enough for many maps in a minute."""
    low, high = structure.bounds
    return FEWEST <= len(structure) <= MOST and float((high - low).max()) <= LARGEST


def truth_and_halves(structure: Structure, seed: int) -> tuple[Volume, Volume, HalfMaps, float]:
    """The truth, a mask around it, half maps of it and their best resolution."""
    random = np.random.default_rng(seed)
    finest, ratio = random.uniform(2.8, 4.5), random.uniform(1.3, 2.0)
    signal = float(np.exp(random.uniform(*np.log([20.0, 500.0]))))
    truth = simulate_map(
        structure, resolution=FINEST, voxel_size=1.0, padding=16.0, hydrogens="left_out"
    )
    inside = mask_around_structure(truth, structure, radius=4.0, soft_edge=5.0)
    made = degrade_map(
        truth,
        inside,
        resolution=finest,
        coarsest=finest * ratio,
        signal_to_noise=signal,
        pattern=("patches", "outwards")[seed % 2],
        exact=False,
        seed=seed,
    )
    return truth, inside, made.half_maps, finest


def results(halves: HalfMaps, mask: Volume) -> Iterator[tuple[str, Volume, float]]:
    """Each method's map of the half maps, where it gives one, and the seconds that it took."""
    mean = mean_map(halves)
    ways: dict[str, Callable[[], Volume]] = {
        "raw": lambda: mean,
        "wiener": lambda: wiener_map(mean, wiener_filter(halves, mask)),
        "b_factor": lambda: sharpen_by_b_factor(half_maps=halves, mask=mask).sharpened,
        "half_maps": lambda: sharpen_locally(half_maps=halves, method="half_maps").sharpened,
        "local": lambda: sharpen_locally(half_maps=halves).sharpened,
    }
    for name in METHODS:
        begun = time.perf_counter()
        try:
            made = ways[name]()
        except MapscopeError as error:
            print(f"  no map by {name}: {error}")
            continue
        yield name, made, time.perf_counter() - begun


def scored(volume: Volume, truth: Volume, mask: Volume) -> tuple[float, float]:
    """Mean FSC with the truth up to its resolution, and Å where it falls to 0.5."""
    fsc = masked_correlation(volume, truth, mask)
    frequency = Shells(truth.grid).frequency
    counted = (frequency > 0) & (frequency <= 1 / FINEST)
    return float(fsc[counted].mean()), resolution_with_truth(volume, truth, mask)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--maps", type=int, default=20)
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    print(f"{'structure':10s}{'voxels':>8s}{'d/Å':>5s}" + "".join(f"{m:>16s}" for m in METHODS))
    table: list[dict[str, tuple[float, float]]] = []
    seconds: dict[str, float] = dict.fromkeys(METHODS, 0.0)
    for name, structure in structures(Path(given.data) / "structures"):
        truth, mask, halves, finest = truth_and_halves(structure, len(table))
        row: dict[str, tuple[float, float]] = {}
        for method, volume, took in results(halves, mask):
            row[method] = scored(volume, truth, mask)
            seconds[method] += took
        table.append(row)
        values = "".join(cell(row.get(method)) for method in METHODS)
        print(f"{name:10s}{max(truth.shape):7d}³{finest:5.1f}{values}", flush=True)
        if len(table) == given.maps:
            break
    return verdict(table, seconds)


def cell(result: tuple[float, float] | None) -> str:
    """Mean FSC and resolution, 16 characters wide."""
    return f"{'none':>16s}" if result is None else f"{result[0]:8.3f}{result[1]:6.2f} Å"


def verdict(table: list[dict[str, tuple[float, float]]], seconds: dict[str, float]) -> int:
    """Print how local sharpening compares; 0 where it does as well as it should."""
    is_good = True
    for other in METHODS[:-1]:
        pairs = [(row["local"], row[other]) for row in table if other in row]
        higher = sum(a[0] > b[0] for a, b in pairs)
        finer = np.mean([b[1] - a[1] for a, b in pairs])
        gain = np.mean([a[0] - b[0] for a, b in pairs])
        spared = {"raw": 0.0, "half_maps": np.inf}.get(other, SPARED * len(pairs))
        is_good &= len(pairs) - higher <= spared
        print(
            f"local against {other:10s} mean FSC higher on {higher} of {len(pairs)}, "
            f"by {gain:.3f} in the mean; FSC 0.5 finer by {finer:.2f} Å"
        )
    print("seconds: " + ", ".join(f"{m} {s:.1f}" for m, s in seconds.items()))
    print("as it should be" if is_good else "MISSED")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
