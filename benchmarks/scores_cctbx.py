"""EMRinger and Q-scores beside cctbx's: the same numbers, and how much faster.

``python benchmarks/scores_cctbx.py --cctbx PYTHON [--data DIR] [--skip-memory]`` runs cctbx-base in
the interpreter PYTHON (an environment of its own with ``cctbx-base "pandas<3" tqdm psutil``), once
for each map of the data folder (default: ``MAPSCOPE_DATA``) that has a model in place. Both sides
read the same two files, a map moved to the origin and its model moved with it, because cctbx
takes no notice of an origin that is off the grid. Reading is not timed.

* EMRinger: score within 1 %, density of each scanned residue within 1e-3 of the highest, wherever
  cctbx gives a score; at least eight pairs.
* Q-score with 32 directions and 20 shells: r of the atoms' scores at least 0.96, their mean
  within 0.01, on the same pairs.
* Time over all pairs: EMRinger at least 3 times, Q-score at least 5 times as fast.
* 10,000 residues and more (copies of one model in a map of their own) in a child process: both
  scores within 30 s and 2 GB.

The exit status is 1 where a limit is missed.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope import files
from mapscope.depiction.residues import residues_of
from mapscope.scores.chi1_scan import ANGLES, scan_chi1
from mapscope.scores.emringer import EMRingerScore, emringer_score
from mapscope.scores.q_score import is_heavy, q_scores
from mapscope.structure import Structure
from mapscope.volume import Volume

NOT_IN_PLACE = ("other_frame", "not_placed")
ELSEWHERE = ("xray_4un4",)
"""Folders whose map shows another copy of the model, beyond whose box it lies."""

PAIRS = 8
SCORE, DENSITY, CORRELATION, MEAN = 0.01, 1e-3, 0.96, 0.01
TIMES_EMRINGER, TIMES_Q_SCORE = 3.0, 5.0
LARGE, SECONDS, LARGEST_GB = 10_000, 30.0, 2.0
GAP = 8.0

PEER = """
import sys, time
import numpy as np
from iotbx.data_manager import DataManager
from iotbx.map_model_manager import map_model_manager
from cctbx.maptbx.qscore import calc_qscore
from libtbx.utils import Sorry, null_out
import mmtbx.ringer.emringer as emringer
from mmtbx.ringer.em_scoring import Residue_codes

def pair():
    manager = DataManager()
    manager.process_model_file(sys.argv[1])
    manager.process_real_map_file(sys.argv[2])
    return manager.get_model(), manager.get_real_map()

model, density = pair()
parameters = emringer.master_params().extract()
parameters.__inject__("output_base", "unused")
parameters.__inject__("quiet", True)
parameters.ignore_symmetry_conflicts = True
task = emringer.emringer(
    model=model, miller_array=None, map_inp=density, params=parameters, out=null_out())
start = time.perf_counter()
found, names, scans = np.zeros(0), [], []
try:
    task.validate()
    task.run()
    result = task.get_results()
    s = result.scoring_result
    found = np.array([s.score, s.zscore_max, s.optimal_threshold, s.rotamer_ratio, s.length])
    scored = [r for r in result.ringer_result if 1 in r._angles and r.resname in Residue_codes]
    names = ["%s/%d/%s" % (r.chain_id, r.resid, r.resname) for r in scored]
    scans = [list(r._angles[1].densities) for r in scored]
except Sorry as error:
    print(error)
seconds = time.perf_counter() - start
model, density = pair()
both = map_model_manager(model=model, map_manager=density, ignore_symmetry_conflicts=True)
start = time.perf_counter()
answer = calc_qscore(
    both, n_probes=32, rtol=0.9, shells=list(np.linspace(0.1, 2, 20)), nproc=1, log=null_out())
np.savez(
    sys.argv[3], emringer=found, names=np.array(names), scans=np.array(scans, dtype=float),
    emringer_seconds=seconds, q_seconds=time.perf_counter() - start,
    q=np.array(answer["qscore_per_atom"]),
    places=both.model().get_sites_cart().as_numpy_array())
"""


@dataclass(frozen=True)
class Row:
    """One pair, both ways.

    Parameters
    ----------
    name : str
        Its folder.
    ours, theirs : float
        EMRinger scores, NaN where there is none.
    density : float
        Largest difference of a scan, in units of the highest density of all scans.
    residues, others : int
        Residues that we scan, and that only one side does.
    correlation, mean_ours, mean_theirs : float
        Of the atoms' Q-scores.
    seconds : tuple of float
        Ours and cctbx's for EMRinger, ours and cctbx's for Q-scores.
    """

    name: str
    ours: float
    theirs: float
    density: float
    residues: int
    others: int
    correlation: float
    mean_ours: float
    mean_theirs: float
    seconds: tuple[float, float, float, float]

    @property
    def has_score(self) -> bool:
        """Whether cctbx gives an EMRinger score that 1 % of means something."""
        return bool(np.isfinite(self.theirs))

    @property
    def is_good(self) -> bool:
        """Whether nothing differs by more than its limit."""
        q = self.correlation >= CORRELATION and abs(self.mean_ours - self.mean_theirs) <= MEAN
        if not self.has_score:
            return q
        near = abs(self.ours - self.theirs) <= SCORE * abs(self.theirs)
        return q and near and self.density <= DENSITY


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cctbx", type=Path, default=os.environ.get("CCTBX_PYTHON"))
    parser.add_argument("--data", default=os.environ.get("MAPSCOPE_DATA"))
    parser.add_argument("--skip-memory", action="store_true")
    parser.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_only:
        return one_large_model()
    passed = True
    if options.cctbx is None or options.data is None:
        print("not compared: give --cctbx (or CCTBX_PYTHON) and --data (or MAPSCOPE_DATA)")
    else:
        passed = compare(Path(options.data), options.cctbx)
    return 0 if (options.skip_memory or memory()) and passed else 1


def compare(data: Path, cctbx: Path) -> bool:
    """Print every pair both ways; whether all limits are kept."""
    print(
        f"{'pair':<18} {'EMRinger':>9} {'cctbx':>9} {'density':>8} {'scanned':>7} {'other':>5}   "
        f"{'r':>6} {'Q mean':>7} {'cctbx':>7}   {'s':>6} {'cctbx':>6}   {'s':>6} {'cctbx':>6}"
    )
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in placed_models(data):
            rows.append(measure(path, Path(folder), cctbx))
            print(line(rows[-1]), flush=True)
    ours, theirs, q_ours, q_theirs = np.array([row.seconds for row in rows]).sum(axis=0)
    scored = sum(row.has_score for row in rows)
    print(
        f"{len(rows)} pairs, {scored} with a score; EMRinger {theirs / ours:.1f} times, Q-score "
        f"{q_theirs / q_ours:.1f} times as fast as cctbx"
    )
    fast = theirs >= TIMES_EMRINGER * ours and q_theirs >= TIMES_Q_SCORE * q_ours
    return fast and scored >= PAIRS and all(row.is_good for row in rows)


def placed_models(data: Path) -> list[Path]:
    """The models that lie in the map of their folder."""
    found = [p for p in (data / "maps").glob("*/model*") if p.parent.name not in ELSEWHERE]
    return sorted(p for p in found if not any(word in p.name for word in NOT_IN_PLACE))


def measure(path: Path, folder: Path, cctbx: Path) -> Row:
    """One model in its map, both ways."""
    model, volume = moved_to_zero(path, folder)
    peer = run_peer(cctbx, folder)
    start = time.perf_counter()
    scan = scan_chi1(model, volume)
    score = emringer_score(scan.density)
    middle = time.perf_counter()
    q = q_scores(model, volume)
    end = time.perf_counter()
    residues = residues_of(model)
    names = [
        f"{residues.chains[n]}/{residues.numbers[n]}/{residues.names[n]}" for n in scan.residues
    ]
    largest, others = compared_scans(names, scan.density, peer["names"].tolist(), peer["scans"])
    heavy = is_heavy(model)
    paired = nearest(model.positions[heavy], np.asarray(peer["places"], dtype=np.float64)[:, ::-1])
    a, b = q[heavy], peer["q"][paired]
    known = np.isfinite(a) & np.isfinite(b)
    return Row(
        path.parent.name,
        number(score),
        float(peer["emringer"][0]) if len(peer["emringer"]) else float("nan"),
        largest,
        len(scan),
        others,
        float(np.corrcoef(a[known], b[known])[0, 1]),
        float(a[known].mean()),
        float(b[known].mean()),
        (middle - start, float(peer["emringer_seconds"]), end - middle, float(peer["q_seconds"])),
    )


def number(score: EMRingerScore | None) -> float:
    return float("nan") if score is None else score.score


def moved_to_zero(path: Path, folder: Path) -> tuple[Structure, Volume]:
    """The pair with the map's first voxel at 0, as both sides read it from a folder."""
    structure = files.read(path)
    volume = files.read(path.parent / "map.mrc.gz")
    (z, y, x), (depth, height, width) = volume.origin, volume.grid.extent
    model = structure.model.clone()
    while len(model) > 1:
        del model[1]
    for site in model[0].all():
        place = site.atom.pos
        site.atom.pos = gemmi.Position(place.x - x, place.y - y, place.z - z)
    model.cell = gemmi.UnitCell(width, height, depth, 90, 90, 90)
    model.spacegroup_hm = "P 1"
    model.setup_entities()
    (folder / "model.pdb").write_text(model.make_pdb_string(), encoding="utf-8")
    files.write(folder / "map.mrc", Volume(volume.float32(), volume.voxel_size))
    return files.read(folder / "model.pdb"), files.read(folder / "map.mrc")


def run_peer(cctbx: Path, folder: Path) -> dict[str, npt.NDArray[np.generic]]:
    """What cctbx finds for the pair in a folder."""
    script = folder / "peer.py"
    script.write_text(PEER, encoding="utf-8")
    answer = folder / "answer.npz"
    words = [str(cctbx), str(script), "model.pdb", "map.mrc", str(answer)]
    own = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(words, cwd=folder, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cctbx ended with {done.returncode}: {done.stderr[-2000:]}")
    with np.load(answer) as found:
        return {name: found[name] for name in found.files}


def compared_scans(
    ours: list[str],
    density: npt.NDArray[np.float64],
    theirs: list[str],
    scans: npt.NDArray[np.generic],
) -> tuple[float, int]:
    """Largest difference of scans of the same residue, and residues that one side lacks."""
    both = [name for name in ours if ours.count(name) == 1 and theirs.count(name) == 1]
    if not both:
        return 0.0, len(set(ours) ^ set(theirs))
    a = density[[ours.index(name) for name in both]]
    b = np.asarray(scans, dtype=np.float64)[[theirs.index(name) for name in both]]
    largest = np.abs(a - b).max() / np.abs(b).max()
    return float(largest), len(ours) + len(theirs) - 2 * len(both)


def nearest(
    positions: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Index of the other position that stands where each one does."""
    if len(positions) == len(others) and np.abs(positions - others).max() < 1e-3:
        return np.arange(len(positions))
    from scipy.spatial import cKDTree

    return np.asarray(cKDTree(others).query(positions)[1])


def line(row: Row) -> str:
    """One line of the table."""
    a, b, c, d = row.seconds
    return (
        f"{row.name:<18} {row.ours:9.5f} {row.theirs:9.5f} {row.density:8.1e} {row.residues:7d} "
        f"{row.others:5d}   {row.correlation:6.4f} {row.mean_ours:7.4f} {row.mean_theirs:7.4f}   "
        f"{a:6.3f} {b:6.2f}   {c:6.2f} {d:6.2f}{'' if row.is_good else '   MISSED'}"
    )


def memory() -> bool:
    """Score a large model in a child process; whether it keeps the limits."""
    words = [sys.executable, __file__, "--memory-only"]
    return subprocess.run(words, check=False).returncode == 0


def one_large_model() -> int:
    """Print time and memory for copies of the sample side by side in a map of noise."""
    sample = files.read(Path(__file__).parents[1] / "sample_data" / "four_helix_bundle.cif")
    model = copies(sample, LARGE)
    low, high = model.bounds
    shape = tuple(int(n) for n in np.ceil(high - low + 2 * GAP))
    random = np.random.default_rng(0)
    volume = Volume(random.standard_normal(shape, np.float32), (1.0,) * 3, tuple(low - GAP))
    start = time.perf_counter()
    scan = scan_chi1(model, volume)
    emringer_score(scan.density)
    middle = time.perf_counter()
    q_scores(model, volume)
    seconds = time.perf_counter() - start
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(
        f"{len(residues_of(model)):,} residues, {len(model):,} atoms, map of {shape}: EMRinger "
        f"{middle - start:.2f} s for {len(scan):,} scans of {len(ANGLES)}, both {seconds:.2f} s, "
        f"{gigabytes:.2f} GB"
    )
    return 0 if seconds <= SECONDS and gigabytes <= LARGEST_GB else 1


def copies(sample: Structure, least: int) -> Structure:
    """A structure of copies of another side by side, with so many residues at least."""
    per_copy = len(residues_of(sample))
    side = int(np.ceil((least / per_copy) ** (1 / 3)))
    edge = np.ptp(sample.positions, axis=0) + GAP
    whole = gemmi.Structure()
    model = gemmi.Model(1)
    for place in np.ndindex(side, side, side):
        if len(model) * per_copy >= least * len(sample.model[0]):
            break
        z, y, x = np.array(place) * edge
        for chain in sample.model[0]:
            copy = chain.clone()
            copy.name = f"{chain.name}{len(model)}"
            for residue in copy:
                for atom in residue:
                    atom.pos = gemmi.Position(atom.pos.x + x, atom.pos.y + y, atom.pos.z + z)
            model.add_chain(copy)
    whole.add_model(model)
    return Structure.from_gemmi(whole)


if __name__ == "__main__":
    sys.exit(main())
