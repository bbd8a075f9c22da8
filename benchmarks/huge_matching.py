"""Template matching in a tomogram of 4 GB: how much memory it takes that is not a file's.

``python benchmarks/huge_matching.py [--rotations 100] [--full] [--folder DIR]`` needs 25 GB of
disk. The tomogram has 512 × 1448 × 1448 voxels of four bytes in a file, noise with one body in it,
and is read as a memory map. The search for the body and, beside it, for a control goes in blocks of
orientations through all tiles, so that memory does not grow with their number; it is done as the
job does it, in the means of 2 × 2 × 2 voxels, or with ``--full`` in all voxels. Limit: 6 GB of
anonymous memory at any time. Exits with 1 where that is missed or the body is not found.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from mapscope.picking import matching
from mapscope.picking.correlation import Searched
from mapscope.picking.matching import Match, Schedule, match
from mapscope.picking.rotations import search_rotations
from mapscope.picking.template import prepared
from mapscope.volume import Volume

SHAPE, VOXEL, PLACE = (512, 1448, 1448), 10.0, (300, 800, 1200)
LIMIT_GB = 6.0
LUMPS = np.array([(0, 0, 0), (10, 40, 5), (-42, 10, 10), (-10, -15, 42)], dtype=np.float64)
RADII = np.array([32.0, 22.0, 18.0, 16.0])


def body(rotation: np.ndarray, edge: int = 19) -> np.ndarray:
    """A chiral body in a box."""
    axis = (np.arange(edge) - edge // 2) * VOXEL
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    balls = (
        1 / (1 + np.exp((np.linalg.norm(places - c, axis=-1) - r) / 5.0))
        for c, r in zip(LUMPS @ rotation.T, RADII, strict=True)
    )
    return np.asarray(sum(balls), dtype=np.float32)


def make_tomogram(path: Path, rotation: np.ndarray) -> Volume:
    """Noise, plane after plane, and the body."""
    random = np.random.default_rng(0)
    noise = random.standard_normal((SHAPE[1], 2 * SHAPE[2])).astype(np.float32) * np.float32(0.4)
    data = np.lib.format.open_memmap(path, "w+", np.float32, SHAPE)
    for plane in data:
        start = random.integers(SHAPE[2])
        plane[:] = np.roll(noise[:, start : start + SHAPE[2]], random.integers(SHAPE[1]), axis=0)
    data[tuple(slice(p - 9, p + 10) for p in PLACE)] += body(rotation)
    data.flush()
    del data
    return Volume(np.load(path, mmap_mode="r"), (VOXEL,) * 3)


class Watch(threading.Thread):
    """The most anonymous memory that this process has at any time, in bytes."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = 0, threading.Event()

    def run(self) -> None:
        """Look twenty times a second."""
        process = psutil.Process()
        while not self._over.wait(0.05):
            held = process.memory_info()
            self.most = max(self.most, held.rss - held.shared)

    def stop(self) -> float:
        """The most in GB."""
        self._over.set()
        return self.most / 1e9


def search(volume: Volume, count: int, rotation: np.ndarray, *, is_halved: bool) -> Match:
    """Template and control with so many orientations, the body's own the last."""
    rotations = np.concatenate([search_rotations(30.0)[: count - 1], rotation[None]])
    vars(matching)["search_rotations"] = lambda *_: rotations
    ready = prepared(Volume(body(np.eye(3)), (VOXEL,) * 3), VOXEL)
    return match(Searched.of(volume), ready, Schedule(30.0, 30.0, is_halved=is_halved), most=50)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rotations", type=int, default=100)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    rotation = search_rotations(40.0)[5]
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        volume = make_tomogram(Path(folder, "tomogram.npy"), rotation)
        watch = Watch()
        watch.start()
        began, own = time.perf_counter(), time.process_time()
        found = search(volume, given.rotations, rotation, is_halved=not given.full)
        most = watch.stop()
    wall, own = time.perf_counter() - began, time.process_time() - own
    hit = found.right.hits
    away = float(np.linalg.norm(hit.places[0] - PLACE))
    print(f"{np.prod(SHAPE) * 4 / 1e9:.1f} GB, {given.rotations} rotations of template and control")
    print(f"{wall:.0f} s wall, {own:.0f} s processor; best place {away:.1f} voxels from the body")
    print(f"anonymous memory at most {most:.2f} GB, limit {LIMIT_GB:g}")
    return 0 if most <= LIMIT_GB and away < 3 else 1


if __name__ == "__main__":
    sys.exit(main())
