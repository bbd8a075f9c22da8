"""The class of resolution of real maps: ours, the paper's networks, and who always says the same.

``python benchmarks/real_maps_resolution.py [--data DIR] [--model NAME_OR_FILE ...] [--seed N]``
takes each EM map of a known resolution below ``maps/`` of the data folder (default:
``MAPSCOPE_DATA``) as it is, and rebuilt at 6, 8, 11 and 14 Å: degraded to half maps of that
resolution with noise, as degrade-map does, averaged and low-pass filtered. Every model that says
resolution, or those named, is asked for the class (high: finer than 5 Å, low: coarser than 10 Å);
"outside what I know" counts as wrong. Maps within 0.3 Å of a border are listed, and the scores are
given with and without them. Then each map inverted, and noise (white, and that of the map's own
spectrum with random phases) and a constant of its size: all of them should be outside.

Limits, for the model that comes with Mapscope: balanced accuracy at least 0.8, and everything
strange outside. Exits with 0 if they are met, or if there is no model or no data.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mapscope import files
from mapscope.density.fourier import inverse, low_pass, transform
from mapscope.density.halves import mean_map
from mapscope.errors import MapscopeError
from mapscope.inference.model import Model, load
from mapscope.inference.resolution_class import (
    BUNDLED,
    OUTSIDE,
    RANGES,
    class_of_resolution,
    resolution_models,
)
from mapscope.jobs import degrade_map
from mapscope.volume import HalfMaps, Volume

KNOWN = {
    "emd1044_1oed": 4.0,
    "emd1461_vp6": 3.8,
    "emd20026_3ajo": 1.75,
    "emd2513": 3.36,
    "emd3240_5fn5": 4.3,
    "emd3240_5fn5_c": 4.3,
    "emd4118_5ly6": 4.7,
    "emd4413_6i5a": 3.6,
    "emd5137_3los_A": 4.3,
    "emd5185_3j06": 3.3,
    "emd5778_3j5p_A": 3.27,
    "emd6187_3j8x_A": 5.0,
    "emd6187_3j8x_K": 5.0,
    "emd6272_3j9s": 2.6,
    "emd6824": 5.8,
    "gorgon_vp6": 3.8,
    "mainmastseg_6gyn": 3.4,
    "trpv1_transmem": 3.4,
}
"""Å of each EM map with a model, as the data folder's README has it."""

REBUILT = (6.0, 8.0, 11.0, 14.0)
BORDERS, NEAR = (5.0, 10.0), 0.3
LEAST = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--maps", default="", help="only these, with commas between them")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    names = given.model or [model.name for model in resolution_models()]
    if not names or not given.data:
        print("no model of resolution is installed" if not names else "no data: give --data")
        return 0
    models = {name: load(name) for name in names}
    wanted = given.maps.split(",") if given.maps else list(KNOWN)
    rows = list(judged(models, Path(given.data) / "maps", wanted, given.seed))
    near = [row["map"] for row in rows if row["resolution"] and is_near(row["resolution"])]
    print(f"\nwithin {NEAR} Å of a border: {', '.join(near) or 'none'}")
    passed = True
    for name in models:
        is_ours = models[name].card.name == BUNDLED
        passed &= tell(name, rows) or not is_ours
    tell_majority(rows)
    return 0 if passed else 1


def judged(
    models: dict[str, Model], folder: Path, names: list[str], seed: int
) -> Iterator[dict[str, Any]]:
    """What each model says of each map: a row with resolution (0 for what is none) and answers."""
    for name in names:
        try:
            original = files.read(folder / name / "map.mrc.gz", permissive=True)
        except OSError as error:
            print(f"{name}: {error}")
            continue
        for what, resolution, volume in variants(original, KNOWN[name], seed):
            answers = {n: asked(model, volume) for n, model in models.items()}
            said = "  ".join(f"{n}: {answer}" for n, answer in answers.items())
            print(f"{name:20s} {what:16s} {said}", flush=True)
            yield {"map": f"{name} {what}", "resolution": resolution, **answers}


def variants(original: Volume, own: float, seed: int) -> Iterator[tuple[str, float, Volume]]:
    """The map, rebuilt ones with their resolutions, and strange ones with 0."""
    yield f"{own:g} Å", own, original
    for resolution in REBUILT:
        if resolution > max(own, 2 * max(original.voxel_size)):
            yield f"rebuilt {resolution:g} Å", resolution, rebuilt(original, resolution, seed)
    random = np.random.default_rng(seed)
    data = original.float32()
    noise = random.standard_normal(original.shape, dtype=np.float32)
    waves, phases = transform(data), transform(noise)
    phases /= np.maximum(np.abs(phases), 1e-12)
    shuffled = inverse(np.abs(waves) * phases, original.shape)
    yield "inverted", 0.0, original.with_data(-data)
    yield "noise", 0.0, original.with_data(noise)
    yield "shuffled phases", 0.0, original.with_data(shuffled)
    yield "constant", 0.0, original.with_data(np.ones_like(data))


def rebuilt(original: Volume, resolution: float, seed: int) -> Volume:
    """The map as noisy half maps of a resolution would give it, filtered there."""
    halves = degrade_map(original, resolution=resolution, seed=seed)
    pair = [getattr(halves, n) for n, v in vars(halves).items() if isinstance(v, Volume)][:2]
    return low_pass(mean_map(HalfMaps(*pair)), resolution)


def asked(model: Model, volume: Volume) -> str:
    """The class that a model gives a map; outside where it cannot be asked."""
    try:
        return class_of_resolution(model, volume).name
    except MapscopeError:
        return OUTSIDE


def true_class(resolution: float) -> str:
    """The class of a resolution."""
    return next(name for name, (fine, coarse) in RANGES.items() if fine <= resolution < coarse)


def is_near(resolution: float) -> bool:
    """Whether a resolution lies near a border."""
    return any(abs(resolution - border) <= NEAR + 1e-9 for border in BORDERS)


def balanced_accuracy(rows: list[dict[str, Any]], said: str) -> float:
    """Mean share of each class that is called so; `said` names the column of answers."""
    shares = []
    for name in RANGES:
        right = [row[said] == name for row in rows if true_class(row["resolution"]) == name]
        shares += [float(np.mean(right))] if right else []
    return float(np.mean(shares)) if shares else 0.0


def tell(name: str, rows: list[dict[str, Any]]) -> bool:
    """Print a model's scores; whether they meet the limits."""
    maps = [row for row in rows if row["resolution"]]
    clear = [row for row in maps if not is_near(row["resolution"])]
    strange = [row for row in rows if not row["resolution"]]
    all_of_them, most = balanced_accuracy(maps, name), balanced_accuracy(clear, name)
    outside = sum(row[name] == OUTSIDE for row in strange)
    refused = sum(row[name] == OUTSIDE for row in maps)
    good = all_of_them >= LEAST and outside == len(strange)
    print(
        f"{name:24s} balanced accuracy {all_of_them:.3f} ({most:.3f} without those near a border), "
        f"{refused} of {len(maps)} maps outside; {outside} of {len(strange)} strange ones outside"
        f"  {'ok' if good else 'below the limits'}"
    )
    return good


def tell_majority(rows: list[dict[str, Any]]) -> None:
    """Print the scores of who always says the commonest class."""
    maps = [row for row in rows if row["resolution"]]
    truths = [true_class(row["resolution"]) for row in maps]
    commonest = max(RANGES, key=truths.count)
    share = truths.count(commonest) / max(1, len(truths))
    always = [{**row, "majority": commonest} for row in maps]
    score = balanced_accuracy(always, "majority")
    print(f"{'always ' + commonest:24s} balanced accuracy {score:.3f}, accuracy {share:.3f}")


if __name__ == "__main__":
    sys.exit(main())
