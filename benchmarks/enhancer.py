"""The enhancer on half maps whose truth is known: resolution, Q-scores, calibration.

``python benchmarks/enhancer.py [--model FILE] [--maps 40] [--part test] [--corpus FILE]`` takes
structures of a part of the split that no training has seen (those of a corpus, or of the folder
``structures`` of the data folder, ``--data``, by default ``MAPSCOPE_DATA``), one of each cluster
before the second of any, in boxes of at most 112 voxels of 1 Å. Half maps of 3 to 8 Å are made of
each, with noise, uneven resolution and direction as the seed has it, and enhanced with the mask of
the molecule. Printed for each map, and in the mean:

* where the FSC with the truth, inside the mask, falls to 0.5: of the raw mean, of the mean weighted
  by C_ref (Wiener), of local sharpening, of the enhanced map at each strength;
* Q-scores of the structure in the raw mean, the Wiener map and the enhanced map;
* of the confidence the expected calibration error, and the AUROC of "this voxel is wrong", over all
  voxels and over those of the molecule. A voxel is right where the prior is nearer to the truth
  than half the standard deviation of the truth in the molecule. ``--plot FILE.html`` writes the
  reliability diagrams.

Limits, for the strength asked for (``--strength``, medium): a finer FSC 0.5 than each of the others
on 95 % of the maps; a mean Q-score no more than 0.01 below that of the raw mean and of the Wiener
map on any map; over all voxels a calibration error of 0.05 at most and an AUROC of 0.8 at least.
Exits with 0 if all are met, or if there is no model or no data.

References: Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721; Pintilie et al. (2020) Nat. Methods
17, 328; Guo et al. (2017) ICML, PMLR 70, 1321.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.density.halves import mean_map
from mapscope.density.wiener import wiener_filter
from mapscope.files import write_report
from mapscope.inference.enhancing import enhancers
from mapscope.jobs import all_jobs
from mapscope.scores.model_changes import model_score
from mapscope.scores.reliability import Tally, is_right, tally
from mapscope.scores.truth import resolution_with_truth, standard_truth
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.known_pairs import KnownPair, box_around, known_pair
from mapscope.structure import Structure
from mapscope.training.held_out import held_out
from mapscope.volume import Volume

FINEST, COARSEST = 3.0, 8.0
GOLDEN = 0.6180339887
STRENGTHS = ("gentle", "medium", "strong")
OTHERS = ("raw", "wiener", "local")
SHARE_BETTER, Q_WORSE, ERROR, DETECTION = 0.95, 0.01, 0.05, 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="enhancer")
    parser.add_argument("--maps", type=int, default=40)
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--strength", default="medium", choices=STRENGTHS)
    parser.add_argument("--edge", type=int, default=112)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    if not (given.corpus or given.data):
        print("no structures: give --corpus or --data")
        return 0
    if not Path(given.model).is_file() and given.model not in [m.name for m in enhancers()]:
        print(f"no model {given.model} is installed")
        return 0
    folder = Path(given.data) / "structures" if given.data else None
    rows, everywhere, inside = [], [], []
    structures = held_out(given.part, given.maps, corpus=given.corpus, folder=folder)
    for number, (name, structure) in enumerate(structures):
        row, tallies = judged(name, structure, number, given)
        rows.append(row)
        everywhere.append(tallies[0])
        inside.append(tallies[1])
        print(line_of(row), flush=True)
    passed = tell_resolutions(rows, given.strength)
    passed &= tell_q_scores(rows)
    passed &= tell_calibration(sum_of(everywhere), "all voxels", is_limited=True)
    tell_calibration(sum_of(inside), "the molecule's", is_limited=False)
    if given.plot:
        plot(given.plot, {"all": sum_of(everywhere), "molecule": sum_of(inside)})
    return 0 if passed else 1


def judged(
    name: str, structure: Structure, number: int, given: argparse.Namespace
) -> tuple[dict[str, Any], tuple[Tally, Tally]]:
    """What one structure's maps are worth, and how sure the model was of each voxel."""
    atoms = atoms_of(structure, hydrogens=False)
    resolution = FINEST + (COARSEST - FINEST) * ((number * GOLDEN) % 1)
    pair = known_pair(atoms, box_around(atoms, given.edge), seed=number, resolution=resolution)
    started = time.perf_counter()
    maps, confidence, prior = enhanced(pair, given.model)
    seconds = time.perf_counter() - started
    maps |= {"raw": mean_map(pair.half_maps)} | locally_sharpened(pair)
    agreed = {n: resolution_with_truth(v, pair.truth, pair.mask) for n, v in maps.items()}
    scored = ("raw", "wiener", given.strength)
    q = {n: model_score(structure, maps[n])[0].q_score for n in scored}
    row = {"map": name, "resolution": resolution, "agreed": agreed, "q": q, "seconds": seconds}
    found = wiener_filter(pair.half_maps, pair.mask)
    right = is_right(prior.data, standard_truth(pair.truth, found, pair.mask).data, pair.inside)
    if confidence is None:
        sys.exit(f"{given.model} says no variance: there is no confidence to be judged")
    chances = np.clip(confidence.data, 0, 1)
    inside = pair.inside
    return row, (tally(chances, right), tally(chances[inside], right[inside]))


def enhanced(pair: KnownPair, model: str) -> tuple[dict[str, Volume], Volume | None, Volume]:
    """The enhanced map at each strength and the Wiener map; confidence and prior."""
    enhance = all_jobs()["enhance"]
    made = {s: enhance(pair.half_maps, mask=pair.mask, strength=s, model=model) for s in STRENGTHS}
    last = made["strong"]
    maps = {s: result.enhanced for s, result in made.items()} | {"wiener": last.data}
    return maps, last.confidence, last.prior


def locally_sharpened(pair: KnownPair) -> dict[str, Volume]:
    """The map that local sharpening makes of the half maps alone."""
    result = all_jobs()["sharpen_locally"](half_maps=pair.half_maps, mask=pair.mask)
    return {"local": result.sharpened}


def line_of(row: dict[str, Any]) -> str:
    """One map in words."""
    agreed = "  ".join(f"{n} {row['agreed'][n]:5.2f}" for n in (*OTHERS, *STRENGTHS))
    q = "  ".join(f"{n} {value:.3f}" for n, value in row["q"].items())
    return f"{row['map']:8s} {row['resolution']:4.1f} Å  FSC 0.5 (Å): {agreed}  Q: {q}"


def tell_resolutions(rows: list[dict[str, Any]], strength: str) -> bool:
    """Print on how many maps each strength agrees with the truth further; whether one does."""
    passed = True
    for name in STRENGTHS:
        shares = {
            other: np.mean([r["agreed"][name] < r["agreed"][other] for r in rows])
            for other in OTHERS
        }
        mean = np.mean([r["agreed"][name] for r in rows])
        said = ", ".join(f"{share:.1%} of the maps beat {o}" for o, share in shares.items())
        is_good = min(shares.values()) >= SHARE_BETTER
        told = verdict(is_good) if name == strength else ""
        print(f"{name}: FSC 0.5 at {mean:.2f} Å in the mean; {said}  {told}")
        passed &= is_good or name != strength
    means = ", ".join(f"{o} {np.mean([r['agreed'][o] for r in rows]):.2f} Å" for o in OTHERS)
    print(f"in the mean: {means}; {np.mean([r['seconds'] for r in rows]):.1f} s a map")
    return passed


def tell_q_scores(rows: list[dict[str, Any]]) -> bool:
    """Print mean Q-scores, and the largest fall; whether it is small."""
    raw, wiener, made = (np.array([list(r["q"].values())[n] for r in rows]) for n in range(3))
    fall = float(max((raw - made).max(), (wiener - made).max()))
    is_good = fall <= Q_WORSE
    print(
        f"Q-score: raw {raw.mean():.3f}, Wiener {wiener.mean():.3f}, enhanced {made.mean():.3f}; "
        f"lower than Wiener on {np.mean(made < wiener):.0%} of the maps, by {fall:+.3f} at most  "
        f"{verdict(is_good)}"
    )
    return is_good


def tell_calibration(found: Tally, voxels: str, *, is_limited: bool) -> bool:
    """Print how far the confidence can be believed; whether that is within the limits."""
    error, detection = found.calibration_error(), found.detection()
    is_good = error <= ERROR and detection >= DETECTION
    print(
        f"confidence of {voxels}: {found.share_right:.1%} right, calibration error {error:.3f}, "
        f"AUROC of what is wrong {detection:.3f}  {verdict(is_good) if is_limited else ''}"
    )
    return is_good


def sum_of(tallies: list[Tally]) -> Tally:
    """All answers together."""
    total = tallies[0]
    for one in tallies[1:]:
        total = total + one
    return total


def plot(path: Path, tallies: dict[str, Tally]) -> None:
    """Write the reliability diagrams, a page for each beside each other."""
    for name, found in tallies.items():
        target = path.with_stem(f"{path.stem}_{name}")
        write_report(target, found.table())
        print(f"written: {target}")


def verdict(is_good: bool) -> str:
    return "ok" if is_good else "MISSED"


if __name__ == "__main__":
    sys.exit(main())
