"""Template matching against pyTME: the same scores, and in how much less time.

``python benchmarks/matching_peers.py --peer PYTHON [--shape 200 256 256] [--rotations 12]`` makes a
tomogram of bodies in noise, without what a tilt range of ±60° does not measure, and gives both
programs the same tomogram, template, mask, wedge and list of rotations. PYTHON is that of an
environment with pyTME (``pip install pytme``). Printed are

* r, the correlation of the two maps of best scores, and how often both chose one rotation. The
  transforms of pyTME go round at the faces, so that it gets the tomogram with half a template of
  zeros behind it; ``--bare`` leaves that out, and r counts only away from the faces;
* seconds for these rotations, each in one thread and after a run for warming up, as wall and as
  processor time: other work on the machine lengthens the first. Start-up does not count;
* with ``--schedule``, the whole search: that of pyTME with all rotations of ``--angle`` degrees,
  in the time of what was run times their number, against ours from coarse to fine, no control;
  recall among as many best places as there are particles, and medians of their errors in place
  and angle, for the full search by our map, since both are the same.

Exits with 1 where r is below 0.999 or a ratio of processor times below 1.5 (5 with a schedule).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from mapscope.density.resample import onto_grid
from mapscope.picking.candidates import best_places
from mapscope.picking.correlation import Search, Searched
from mapscope.picking.fine_search import Hits
from mapscope.picking.matching import Schedule, match
from mapscope.picking.orientation import angle_between
from mapscope.picking.rotations import search_rotations
from mapscope.picking.running_best import RunningBest
from mapscope.picking.template import OVERSAMPLING, Template
from mapscope.picking.transfer import Transfer
from mapscope.picking.wedge import TiltRange
from mapscope.volume import Grid, Volume

VOXEL, EDGE = 10.0, 33
TILTS = TiltRange(-60.0, 60.0)
LUMPS = np.array([(0, 0, 0), (15, 60, 8), (-62, 12, 12), (-12, -20, 62)], dtype=np.float64)
RADII = np.array([48.0, 32.0, 26.0, 22.0])
LEAST_R, LEAST_RATIO, LEAST_SCHEDULE = 0.999, 1.5, 5.0

PEER = """
import sys, time
import numpy as np
from tme.analyzer import MaxScoreOverRotations
from tme.backends import backend as be
from tme.matching_data import MatchingData
from tme.matching_exhaustive import MATCHING_EXHAUSTIVE_REGISTER, match_exhaustive
given = np.load(sys.argv[1])
be.change_backend("numpyfftw")
setup, score = MATCHING_EXHAUSTIVE_REGISTER["FLCSphericalMask"]
def run(rotations):
    data = MatchingData(given["tomogram"].copy(), given["template"].copy(),
                        template_mask=given["mask"].copy(), rotations=rotations)
    data.template_filter = given["weights"]
    return match_exhaustive(data, score, setup, MaxScoreOverRotations, job_schedule=(1, 1),
                            backend_name="numpyfftw")
run(given["rotations"][:2])
wall, own = time.perf_counter(), time.process_time()
found = run(given["rotations"])
wall, own = time.perf_counter() - wall, time.process_time() - own
mapping = found[3]
turns = np.zeros((len(mapping), 3, 3), np.float32)
for key, index in mapping.items():
    matrix = key if isinstance(index, (int, np.integer)) else index
    number = index if isinstance(index, (int, np.integer)) else key
    if isinstance(matrix, bytes):
        matrix = np.frombuffer(matrix, np.float32).reshape(3, 3)
    turns[int(number)] = matrix
np.savez(sys.argv[2], scores=found[0], numbers=found[2], turns=turns, wall=wall, own=own)
"""

Floats = npt.NDArray[np.float64]
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def body(
    rotation: Floats, step: float, edge: int, shift: Floats | None = None
) -> npt.NDArray[np.float32]:
    """A chiral body in a box, so many Å from its middle."""
    axis = (np.arange(edge) - edge // 2) * step
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    density = np.zeros((edge,) * 3)
    middles = LUMPS @ rotation.T + (np.zeros(3) if shift is None else shift)
    for centre, radius in zip(middles, RADII, strict=True):
        density += 1 / (1 + np.exp((np.linalg.norm(places - centre, axis=-1) - radius) / 6.0))
    return density.astype(np.float32)


def phantom(shape: tuple[int, ...], noise: float, seed: int) -> tuple[Volume, Floats, Floats]:
    """A tomogram, the places of its bodies (n, 3) in voxels, and their rotations (n, 3, 3)."""
    random = np.random.default_rng(seed)
    density = np.zeros(shape)
    places: list[np.ndarray] = []
    shifts: list[np.ndarray] = []
    turns = Rotation.random(4000, random).as_matrix()
    half = EDGE // 2
    for _ in range(4000):
        place = np.array([random.integers(half, n - half) for n in shape])
        if all(np.linalg.norm(place - p) > 22 for p in places):
            box = tuple(slice(p - half, p + half + 1) for p in place)
            shifts.append(random.uniform(-0.5, 0.5, 3))
            density[box] += body(turns[len(places)], VOXEL, EDGE, VOXEL * shifts[-1])
            places.append(place)
    density += noise * random.standard_normal(shape)
    k_z, k_x = np.fft.fftfreq(shape[0])[:, None, None], np.fft.rfftfreq(shape[2])
    waves = np.fft.rfftn(density) * (np.abs(k_z) <= np.tan(np.deg2rad(60.0)) * k_x + 1e-9)
    data = np.fft.irfftn(waves, s=shape, axes=(0, 1, 2)).astype(np.float32)
    found = np.array(places, dtype=np.float64) + shifts
    return Volume(data - data.mean(), (VOXEL,) * 3), found, turns[: len(places)]


def template() -> Template:
    """The body for us, its finer voxels read from the same voxels that pyTME gets."""
    coarse = Volume(body(np.eye(3), VOXEL, EDGE), (VOXEL,) * 3, (-(EDGE // 2) * VOXEL,) * 3)
    half = OVERSAMPLING * (EDGE // 2)
    step = VOXEL / OVERSAMPLING
    grid = Grid((2 * half + 1,) * 3, (step,) * 3, (-half * step,) * 3)
    axis = np.arange(EDGE) - EDGE // 2
    away = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    mask = 0.5 + 0.5 * np.cos(np.pi * np.clip((away - 12.5) / 3 + 0.5, 0, 1))
    weights = TILTS.weights(EDGE, np.eye(3))
    fine = np.array(onto_grid(coarse, grid).data)
    transfer = Transfer(tilt_range=TILTS)
    return Template(
        "body", fine, mask.astype(np.float32), weights, np.zeros(3), 85.0, None, transfer
    )


def theirs(
    python: str, volume: Volume, ready: Template, rotations: Floats, behind: int
) -> dict[str, npt.NDArray[np.generic]]:
    """Scores, rotations and seconds of pyTME, with so many voxels of zeros behind the tomogram."""
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder, "given.npz"), Path(folder, "found.npz")
        np.savez(
            given,
            tomogram=np.pad(volume.data, (0, behind)),
            template=body(np.eye(3), VOXEL, EDGE),
            mask=ready.mask,
            weights=ready.weights,
            # Where a voxel of the turned template comes from, not where it goes to.
            rotations=rotations.transpose(0, 2, 1).astype(np.float32),
        )
        subprocess.run([python, "-c", PEER, str(given), str(found)], check=True, env=ONE_THREAD)
        with np.load(found) as held:
            inner = tuple(slice(0, n) for n in volume.shape)
            maps = {name: held[name][inner] for name in ("scores", "numbers")}
            return dict(held) | maps | {"turns": held["turns"].transpose(0, 2, 1)}


def ours(volume: Volume, ready: Template, rotations: Floats) -> tuple[RunningBest, float, float]:
    """Our scores, wall and processor seconds, after a run for warming up."""
    Search(Searched.of(volume), ready, rotations[:2], RunningBest.empty(volume.shape)).run()
    wall, own = time.perf_counter(), time.process_time()
    best = RunningBest.empty(volume.shape)
    Search(Searched.of(volume), ready, rotations, best).run()
    return best, time.perf_counter() - wall, time.process_time() - own


def quality(found: Hits, truth: Floats, turns: Floats) -> tuple[float, float, float]:
    """Share of bodies with a hit within 5 voxels, and medians of its distance and its angle."""
    distance, nearest = cKDTree(found.places).query(truth)
    near = distance < 5
    angles = angle_between(found.rotations[nearest[near]], turns[near])
    return float(near.mean()), float(np.median(distance[near])), float(np.median(angles))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--peer", required=True, help="python of an environment with pyTME")
    parser.add_argument("--shape", type=int, nargs=3, default=(200, 256, 256))
    parser.add_argument("--rotations", type=int, default=12)
    parser.add_argument("--noise", type=float, default=2.0)
    parser.add_argument("--angle", type=float, default=10.0)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--schedule", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    volume, truth, turns = phantom(tuple(given.shape), given.noise, 1)
    ready = template()
    rotations = search_rotations(given.angle)[: given.rotations]
    peer = theirs(given.peer, volume, ready, rotations, 0 if given.bare else EDGE // 2)
    best, wall, own = ours(volume, ready, rotations)
    r = float(np.corrcoef(peer["scores"].ravel(), best.scores.ravel())[0, 1])
    inner = tuple(slice(EDGE // 2, -(EDGE // 2)) for _ in range(3))
    r_inner = float(np.corrcoef(peer["scores"][inner].ravel(), best.scores[inner].ravel())[0, 1])
    alike = np.mean(
        np.abs(peer["turns"][peer["numbers"]] - rotations[best.numbers]).max(axis=(-1, -2)) < 1e-4
    )
    ratio = float(peer["own"]) / own
    print(f"{len(truth)} bodies in {volume.shape} voxels, {len(rotations)} rotations")
    print(f"scores: r = {r:.5f}, away from the faces {r_inner:.5f}; same rotation {alike:.1%}")
    print(f"pyTME {float(peer['wall']):.2f} s wall, {float(peer['own']):.2f} s processor")
    print(f"ours  {wall:.2f} s wall, {own:.2f} s processor")
    print(f"ratio {float(peer['wall']) / wall:.2f} wall, {ratio:.2f} processor")
    is_good = (r_inner if given.bare else r) >= LEAST_R and ratio >= LEAST_RATIO
    if given.schedule:
        is_good &= schedule(
            volume, truth, turns, ready, given.angle, float(peer["own"]) / len(rotations)
        )
    return 0 if is_good else 1


def schedule(
    volume: Volume, truth: Floats, turns: Floats, ready: Template, angle: float, seconds: float
) -> bool:
    """Coarse to fine against all fine rotations."""
    everything, count = search_rotations(angle), len(truth)
    began = time.process_time()
    found = match(
        Searched.of(volume),
        ready,
        Schedule(min(3 * angle, 30.0), angle, is_halved=True),
        control=None,
        most=2 * count,
    )
    own = time.process_time() - began
    full, _, full_own = ours(volume, ready, everything)
    full_hits = best_places(full, everything, least=0.0, room=8.5, most=count)
    recall, error, turn = quality(found.right.hits[:count], truth, turns)
    full_recall, full_error, full_turn = quality(full_hits, truth, turns)
    ratio = seconds * len(everything) / own
    print(
        f"all {len(everything)} rotations of {angle:g}°: recall {full_recall:.3f}, error "
        f"{full_error:.2f} voxels, {full_turn:.1f}°; pyTME {seconds * len(everything):.0f} s, "
        f"ours {full_own:.0f} s"
    )
    print(
        f"coarse to fine: recall {recall:.3f}, error {error:.2f} voxels, {turn:.1f}°; {own:.0f} s, "
        f"ratio to pyTME {ratio:.1f}"
    )
    is_as_good = recall >= full_recall and error <= 1.02 * full_error and turn <= 1.02 * full_turn
    return ratio >= LEAST_SCHEDULE and is_as_good


if __name__ == "__main__":
    sys.exit(main())
