"""Local sharpening beside LocScale and cctbx's auto_sharpen on one case: time, and what is true.

``python benchmarks/sharpening_peers.py --peers PYTHON PYTHON [--data DIR] [--enhancer MODEL]`` runs
LocScale 2.3 (model-based) in the first interpreter's environment and cctbx-base in the second.
Neither is needed: a peer that is not there is left out. They install with

* ``pip install --no-build-isolation --no-deps locscale`` beside numpy 1.26, scipy below 1.15,
  setuptools below 60, wheel, gfortran, gemmi, mrcfile, pandas, matplotlib, pyfiglet, biopython,
  tqdm, scikit-learn, loguru, more-itertools, seaborn, pwlf, pypdb, requests, joblib, wget and
  servalcat;
* ``pip install cctbx-base "pandas<3" tqdm psutil``.

The case: chain A of ``maps/xray_1mru`` of the data folder (default: ``MAPSCOPE_DATA``), all
B-factors 40 Å², in the middle of 96³ voxels of 1 Å, as electrons see it at 2.5 Å; one half of the
box blurred by 250 Å²; two half maps with white noise of the map's standard deviation each. The
truth is the map before it was blurred. The model that is handed to LocScale and to our model-based
method is not what the truth was made of: its atoms are shaken by 0.5 Å and its residues have
B-factors drawn between 20 and 80 Å². LocScale takes its map, simulated at 2.5 Å.

Printed for each: seconds (whole process; ours in this process), and inside a soft mask around the
atoms the mean FSC with the truth up to 2.5 Å, where it falls to 0.5, and the correlation, in all of
it and in its good and its blurred half. Every process has one thread. Exits with 1 where ours is
slower, or has a lower mean FSC, than a peer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gemmi
import numpy as np

from mapscope import files
from mapscope.density.fourier import Shells, filter_radial
from mapscope.density.halves import mean_map
from mapscope.density.wiener import wiener_filter, wiener_map
from mapscope.errors import MapscopeError
from mapscope.jobs import mask_around_structure, sharpen_by_b_factor, sharpen_locally, simulate_map
from mapscope.scores.enhancement import masked_correlation
from mapscope.scores.truth import resolution_with_truth
from mapscope.structure import Structure
from mapscope.volume import Array, HalfMaps, Volume

SIZE, FINEST, B_FACTOR, BLUR = 96, 2.5, 40.0, 250.0
SHAKEN, SOFTEST, SHARPEST = 0.5, 80.0, 20.0
RESOLUTION = 2.9
WINDOW = 25

AUTO_SHARPEN = """
import sys
from cctbx.maptbx import auto_sharpen
first, second, mean, out = sys.argv[1:5]
auto_sharpen.run(args=[
    "map_file=" + mean, "half_map_file=" + first, "half_map_file=" + second,
    "resolution=" + sys.argv[5], "sharpened_map_file=" + out, "nproc=1"])
"""


def chain_in_box(path: Path) -> Structure:
    """Chain A without ligands, water and alternates, in the middle of the box."""
    model = gemmi.read_structure(str(path))
    model.setup_entities()
    model.remove_ligands_and_waters()
    model.remove_alternative_conformations()
    while len(model[0]) > 1:
        del model[0][1]
    sites = [site.atom for site in model[0].all()]
    places = np.array([atom.pos.tolist() for atom in sites])
    shift = SIZE / 2 - (places.min(axis=0) + places.max(axis=0)) / 2
    for atom, place in zip(sites, places, strict=True):
        atom.pos, atom.b_iso = gemmi.Position(*(place + shift)), B_FACTOR
    model.cell, model.spacegroup_hm = gemmi.UnitCell(SIZE, SIZE, SIZE, 90, 90, 90), "P 1"
    return Structure.from_gemmi(model)


def other_model(structure: Structure) -> Structure:
    """The model that methods are given: shaken, and with B-factors of its own."""
    random, model = np.random.default_rng(2), structure.model.clone()
    for chain in model[0]:
        for residue in chain:
            b_factor = random.uniform(SHARPEST, SOFTEST)
            for atom in residue:
                moved = np.array(atom.pos.tolist()) + random.normal(0, SHAKEN / np.sqrt(3), 3)
                atom.pos, atom.b_iso = gemmi.Position(*moved), b_factor
    return Structure.from_gemmi(model)


def half_maps_of(truth: Volume) -> HalfMaps:
    """The truth, blurred where x is high, with white noise."""
    soft = filter_radial(truth, lambda f: np.exp(-BLUR * f**2 / 4)).data
    share = 1 / (1 + np.exp((np.arange(SIZE) - SIZE / 2) / 1.5))
    signal = truth.float32() * share + soft * (1 - share)
    random = np.random.default_rng(0)
    first, second = (signal + random.normal(0, signal.std(), signal.shape) for _ in range(2))
    return HalfMaps(
        truth.with_data(first.astype(np.float32)), truth.with_data(second.astype(np.float32))
    )


class Case:
    """The case, in memory and as files in a folder."""

    def __init__(self, model: Path, folder: Path) -> None:
        self.folder = folder
        structure = chain_in_box(model)
        box = Volume(np.zeros((SIZE,) * 3, dtype=np.float32))
        self.truth = simulate_map(structure, box, resolution=FINEST, hydrogens="left_out")
        self.halves = half_maps_of(self.truth)
        self.mean = mean_map(self.halves)
        self.model = other_model(structure)
        self.mask = mask_around_structure(self.truth, self.model, radius=4.0, soft_edge=0.0)
        self.inside = mask_around_structure(self.truth, structure, radius=3.0, soft_edge=3.0)
        maps = {"first": self.halves.first, "second": self.halves.second, "mean": self.mean}
        for name, volume in (maps | {"mask": self.mask}).items():
            files.write(folder / f"{name}.mrc", volume)
        drawn = simulate_map(self.model, self.truth, resolution=FINEST, hydrogens="left_out")
        files.write(folder / "model.mrc", drawn)

    def path(self, name: str) -> str:
        """A file of the case."""
        return str(self.folder / name)


def run_peer(command: Sequence[str], case: Case, result: str) -> Volume:
    """The map that a program writes.

    Raises
    ------
    MapscopeError
        If it writes none.
    """
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | threads
    done = subprocess.run(
        command, cwd=case.folder, env=environment, capture_output=True, text=True, check=False
    )
    path = case.folder / result
    if not path.is_file():
        tail = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise MapscopeError(f"{Path(command[0]).name} wrote no map: {' '.join(tail)}")
    made: Volume = files.read(path, permissive=True)
    return case.mean.with_data(made.float32())


def locscale(python: Path, case: Case) -> Volume:
    """LocScale with the other model's map, its window of 25 voxels and one process."""
    program = str(python.parent / "locscale")
    given = {"-em": "mean.mrc", "-mm": "model.mrc", "-ma": "mask.mrc", "-o": "locscale.mrc"}
    command = [program, *(case.path(v) if "." in v else v for kv in given.items() for v in kv)]
    command += ["-wn", str(WINDOW), "-res", str(RESOLUTION), "-np", "1", "-v"]
    return run_peer(command, case, "locscale.mrc")


def auto_sharpen(python: Path, case: Case) -> Volume:
    """The auto_sharpen of cctbx, from both half maps."""
    names = ("first.mrc", "second.mrc", "mean.mrc", "auto_sharpen.mrc")
    command = [str(python), "-c", AUTO_SHARPEN, *map(case.path, names), str(RESOLUTION)]
    return run_peer(command, case, "auto_sharpen.mrc")


def methods(case: Case, peers: Sequence[Path], enhancer: str) -> dict[str, Callable[[], Volume]]:
    """What is compared, by name; ours first."""
    halves = case.halves
    found: dict[str, Callable[[], Volume]] = {
        "ours, profile": lambda: sharpen_locally(half_maps=halves).sharpened,
        "ours, model": lambda: sharpen_locally(half_maps=halves, structure=case.model).sharpened,
        "ours, half maps": lambda: sharpen_locally(half_maps=halves, method="half_maps").sharpened,
        "ours, mean alone": lambda: sharpen_locally(case.mean).sharpened,
        "mean of the halves": lambda: case.mean,
        "global Wiener": lambda: wiener_map(case.mean, wiener_filter(halves, case.inside)),
        "B-factor": lambda: sharpen_by_b_factor(half_maps=halves).sharpened,
    }
    if enhancer:
        from mapscope.jobs import enhance

        found["enhance"] = lambda: enhance(half_maps=halves, model=enhancer).enhanced
    if peers:
        found["LocScale"] = lambda: locscale(peers[0], case)
        found["auto_sharpen"] = lambda: auto_sharpen(peers[1], case)
    return found


def scores(volume: Volume, case: Case) -> list[float]:
    """Mean FSC, Å at FSC 0.5, and correlations in all, the good and the blurred half."""
    fsc = masked_correlation(volume, case.truth, case.inside)
    frequency = Shells(case.truth.grid).frequency
    counted = (frequency > 0) & (frequency <= 1 / FINEST)
    inside, x = case.inside.data > 0.5, np.arange(SIZE)
    parts = (inside, inside & (x < 44), inside & (x > 52))
    return [
        float(fsc[counted].mean()),
        resolution_with_truth(volume, case.truth, case.inside),
        *(correlation(volume.data[p], case.truth.data[p]) for p in parts),
    ]


def correlation(first: Array, second: Array) -> float:
    """Pearson's correlation of two rows of numbers."""
    return float(np.corrcoef(first, second)[0, 1])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--peers", type=Path, nargs=2, default=[], metavar="PYTHON")
    parser.add_argument("--enhancer", default="", help="a model that enhances half maps")
    given = parser.parse_args(arguments)
    if given.data is None:
        parser.error("no data: give --data or set MAPSCOPE_DATA")
    model = next((Path(given.data) / "maps" / "xray_1mru").glob("model.*"))
    with tempfile.TemporaryDirectory() as folder:
        case = Case(model, Path(folder))
        print(
            f"{'':20s}{'time/s':>8s}{'FSC':>8s}{'d(0.5)/Å':>10s}{'CC':>8s}{'good':>8s}{'soft':>8s}"
        )
        rows: dict[str, tuple[float, list[float]]] = {}
        for name, make in methods(case, given.peers, given.enhancer).items():
            begun = time.perf_counter()
            try:
                volume = make()
            except MapscopeError as error:
                print(f"{name:20s} left out: {error}")
                continue
            seconds = time.perf_counter() - begun
            rows[name] = (seconds, scores(volume, case))
            fsc, resolution, *rest = rows[name][1]
            print(
                f"{name:20s}{seconds:8.2f}{fsc:8.3f}{resolution:10.2f}"
                + "".join(f"{value:8.3f}" for value in rest),
                flush=True,
            )
    return verdict(rows)


def verdict(rows: dict[str, tuple[float, list[float]]]) -> int:
    """Say how ours compares with each peer; 0 where it is faster and nearer to the truth."""
    pairs = {"LocScale": "ours, model", "auto_sharpen": "ours, profile"}
    is_good = True
    for peer, own in pairs.items():
        if peer not in rows:
            continue
        (seconds, ours), (theirs, others) = rows[own], rows[peer]
        is_good &= seconds < theirs and ours[0] > others[0]
        print(
            f"{own} against {peer}: {theirs / seconds:.0f} times as fast, "
            f"mean FSC {ours[0] - others[0]:+.3f}"
        )
    print("as it should be" if is_good else "MISSED")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
