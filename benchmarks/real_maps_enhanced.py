"""What the enhancer does to real maps: EMRinger and Q-scores of their models, before and after.

``python benchmarks/real_maps_enhanced.py [--model FILE] [--part test] [--data DIR]`` takes each EM
map below ``maps/`` of the data folder (by default ``MAPSCOPE_DATA``) that has a placed model and is
of a part of the split. None of them has half maps, so each is enhanced at the resolution that the
data folder states. Printed for each map, and in the mean: Q-score and EMRinger score of the model
in the map as deposited, in the data (weighted and at the standard spectrum) and in the map enhanced
at each strength; and the share of residues whose Q-score fell by more than 0.05 from the deposited
map. At last the share of maps that each made worse.

A default strength is to be chosen with ``--part fine-tuning`` alone, the maps of clusters that do
not test. Limits, for ``--strength`` (medium): means of both scores no lower than of the deposited
maps. Exits with 0 if they are met, or if there is no model or no data.

References: Pintilie et al. (2020) Nat. Methods 17, 328; Barad et al. (2015) Nat. Methods 12, 943.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from real_maps_resolution import KNOWN  # type: ignore[import-not-found]

from mapscope import files
from mapscope.inference.enhancing import enhancers
from mapscope.jobs import all_jobs
from mapscope.scores.model_changes import WORSE, model_score
from mapscope.structure import Structure
from mapscope.training.split import read_split
from mapscope.volume import Volume

STATED = {**KNOWN, "emd4413_6i5a": 2.3}
"""Å of each map. The data folder calls 3.6 Å of emd4413 approximate; with its model the map agrees
to 2.2 Å (FSC 0.143)."""

STRENGTHS = ("gentle", "medium", "strong")
KINDS = ("deposited", "data", *STRENGTHS)
MODELS = ("model.pdb.gz", "model.cif.gz", "model_shifted_here.pdb.gz")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="enhancer")
    parser.add_argument("--part", default="test", choices=("test", "fine-tuning"))
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--maps", default="", help="only these, with commas between them")
    parser.add_argument("--strength", default="medium", choices=STRENGTHS)
    given = parser.parse_args()
    if not given.data:
        print("no data: give --data")
        return 0
    if not Path(given.model).is_file() and given.model not in [m.name for m in enhancers()]:
        print(f"no model {given.model} is installed")
        return 0
    wanted = given.maps.split(",") if given.maps else sorted(STATED)
    rows = []
    for name in wanted:
        folder = Path(given.data) / "maps" / name
        if read_split().part_of("maps", name) == given.part and (path := model_in(folder)):
            rows.append(judged(name, folder / "map.mrc.gz", path, given.model))
            print(line_of(rows[-1]), flush=True)
    return 0 if rows and tell(rows, given.strength) else 1


def model_in(folder: Path) -> Path | None:
    """The placed model of a map."""
    return next((folder / name for name in MODELS if (folder / name).is_file()), None)


def judged(name: str, map_path: Path, model_path: Path, model: str) -> dict[str, Any]:
    """Scores of a model in the map as it is and as it becomes."""
    deposited, structure = files.read(map_path, permissive=True), files.read(model_path)
    assert isinstance(deposited, Volume)
    assert isinstance(structure, Structure)
    enhance = all_jobs()["enhance"]
    made = {
        s: enhance(volume=deposited, resolution=STATED[name], strength=s, model=model)
        for s in STRENGTHS
    }
    maps = {"deposited": deposited, "data": made["strong"].data}
    maps |= {s: result.enhanced for s, result in made.items()}
    scores = {kind: model_score(structure, volume) for kind, volume in maps.items()}
    before = scores["deposited"][1]
    return {
        "map": name,
        "q": {kind: score.q_score for kind, (score, _) in scores.items()},
        "emringer": {kind: score.emringer for kind, (score, _) in scores.items()},
        "worse": {kind: fallen(before, after) for kind, (_, after) in scores.items()},
        "note": made["medium"].note,
    }


def fallen(before: np.ndarray, after: np.ndarray) -> float:
    """Share of residues whose Q-score fell."""
    change = (after - before)[np.isfinite(after - before)]
    return float((change < -WORSE).mean()) if len(change) else 0.0


def line_of(row: dict[str, Any]) -> str:
    """One map in words."""
    q = "  ".join(f"{kind} {row['q'][kind]:.3f}" for kind in KINDS)
    ringer = "  ".join(f"{number(row['emringer'][kind])}" for kind in KINDS)
    worse = "  ".join(f"{row['worse'][kind]:.0%}" for kind in STRENGTHS)
    return f"{row['map']:17s} {STATED[row['map']]:4.2f} Å  Q {q}  EMRinger {ringer}  worse {worse}"


def number(value: float | None) -> str:
    return "   -" if value is None else f"{value:4.2f}"


def tell(rows: list[dict[str, Any]], strength: str) -> bool:
    """Print the means; whether a strength made both scores better in the mean."""
    print(f"\n{len(rows)} maps; means, and share of maps and residues made worse")
    passed = True
    for kind in KINDS:
        q = np.array([row["q"][kind] for row in rows])
        q_before = np.array([row["q"]["deposited"] for row in rows])
        known = [r for r in rows if None not in (r["emringer"][kind], r["emringer"]["deposited"])]
        ringer, ringer_before = (
            np.array([row["emringer"][k] for row in known], dtype=float)
            for k in (kind, "deposited")
        )
        is_good = q.mean() >= q_before.mean() and ringer.mean() >= ringer_before.mean()
        passed &= bool(is_good) or kind != strength
        told = ("ok" if is_good else "MISSED") if kind == strength else ""
        print(
            f"{kind:10s} Q {q.mean():.4f} (lower on {np.mean(q < q_before):.0%} of the maps)  "
            f"EMRinger {ringer.mean():.3f} of {len(known)} (lower on "
            f"{np.mean(ringer < ringer_before):.0%})  residues made worse "
            f"{np.mean([row['worse'][kind] for row in rows]):.1%}  {told}"
        )
    return passed


if __name__ == "__main__":
    sys.exit(main())
