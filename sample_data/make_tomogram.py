"""Make the sample tomogram: two kinds of particles that do not exist, in noise, and where they are.

The particles are built of balls of density; one is a ring with one ball missing, so that none of
its orientations looks like another. Everything follows from the numbers in this file and one seed.
Run ``python sample_data/make_tomogram.py [FOLDER]`` to write the files again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from mapscope import files
from mapscope.particles import Particles, in_tomogram
from mapscope.volume import Volume

Array = npt.NDArray[np.float64]

SEED, NAME = 8, "tomogram"
SHAPE, VOXEL_SIZE = (64, 256, 256), 10.0
EDGE = 32  # voxels of a template's box
BALL, BEADS, RADIUS = 22.0, 8, 90.0  # Å: of a ball, and of the ring of balls
COUNTS = {"ring": 60, "rod": 30}
APART, MARGIN = 210.0, 130.0  # Å between particles, and from the edges of the box
TILT = 60.0  # degrees to either side: what lies beyond is not measured
BLUR = 12.0  # Å, standard deviation
SIGNAL = 2.5  # standard deviation of the particles' density in them, in that of the noise
STEP = 3.0  # grey values in a standard deviation of the noise: the fewer, the smaller the file


def balls(kind: str) -> Array:
    """Centres of a particle's balls in Å, z, y, x, around 0."""
    if kind == "rod":
        long = [(z, 0.0, 0.0) for z in np.linspace(-100, 100, 6)]
        return np.array([*long, (-100.0, 40.0, 0.0)])
    angles = 2 * np.pi * np.arange(BEADS - 1) / BEADS
    ring = [(0.0, RADIUS * np.sin(a), RADIUS * np.cos(a)) for a in angles]
    return np.array([*ring, (45.0, 0.0, RADIUS), (80.0, 0.0, RADIUS / 2)])


def density(centres: Array, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Balls at places in Å, in voxels of a box that begins at 0."""
    out = np.zeros(shape, np.float32)
    reach = int(np.ceil(3 * BALL / VOXEL_SIZE))
    for centre in centres / VOXEL_SIZE:
        first = np.maximum(np.floor(centre).astype(int) - reach, 0)
        last = np.minimum(np.floor(centre).astype(int) + reach + 2, shape)
        axes = [np.arange(a, b) - c for a, b, c in zip(first, last, centre, strict=True)]
        width = BALL / VOXEL_SIZE
        z, y, x = (np.exp(-0.5 * (axis / width) ** 2) for axis in axes)
        box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        out[box] += (z[:, None, None] * y[:, None] * x).astype(np.float32)
    return out


def places(random: np.random.Generator) -> Array:
    """Centres of all particles in Å, none too near to another or to an edge."""
    size = np.array(SHAPE) * VOXEL_SIZE
    found: list[Array] = []
    while len(found) < sum(COUNTS.values()):
        centre = random.uniform(MARGIN, size - MARGIN)
        if all(np.linalg.norm(centre - other) > APART for other in found):
            found.append(centre)
    return np.array(found).round(1)


def particles(random: np.random.Generator) -> Particles:
    """Where the particles are, how they lie, and what they are."""
    positions = places(random)
    turns = Rotation.random(len(positions), random_state=int(random.integers(2**31))).as_matrix()
    species = tuple(kind for kind, count in COUNTS.items() for _ in range(count))
    found = Particles(positions, turns, species)
    return in_tomogram(found, Volume(np.zeros(SHAPE, np.int8), (VOXEL_SIZE,) * 3).grid, NAME)


def tomogram(truth: Particles, random: np.random.Generator) -> Volume:
    """The particles in noise, both blurred and without what a tilt series does not measure."""
    assert truth.rotations is not None
    assert truth.species is not None
    clean = np.zeros(SHAPE, np.float32)
    for position, turn, kind in zip(truth.positions, truth.rotations, truth.species, strict=True):
        clean += density(balls(kind) @ turn.T + position, SHAPE)
    inside = clean > 0.3
    noise = random.standard_normal(SHAPE, dtype=np.float32)
    clean, noise = as_measured(clean), as_measured(noise)
    seen = clean * (SIGNAL * noise.std() / clean[inside].std()) + noise
    grey = np.clip(np.round(STEP * seen / noise.std()), -127, 127).astype(np.int8)
    return Volume(grey, (VOXEL_SIZE,) * 3)


def as_measured(data: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Data without the missing wedge about y, and blurred."""
    z, y, x = (np.fft.fftfreq(n, VOXEL_SIZE) for n in SHAPE)
    x = np.fft.rfftfreq(SHAPE[2], VOXEL_SIZE)
    is_measured = np.abs(z)[:, None, None] <= np.tan(np.radians(TILT)) * x + 1e-9
    square = z[:, None, None] ** 2 + y[:, None] ** 2 + x**2
    kept = is_measured * np.exp(-2 * np.pi**2 * BLUR**2 * square)
    return np.fft.irfftn(np.fft.rfftn(data) * kept, SHAPE, axes=(0, 1, 2)).astype(np.float32)


def template() -> Volume:
    """The ring alone, without noise, its centre at voxel ``EDGE // 2``."""
    centre = np.full(3, EDGE // 2) * VOXEL_SIZE
    data = density(balls("ring") + centre, (EDGE,) * 3)
    return Volume((np.round(data * 256) / 256).astype(np.float32), (VOXEL_SIZE,) * 3)


def main(folder: Path) -> None:
    random = np.random.default_rng(SEED)
    truth = particles(random)
    files.write(folder / f"{NAME}.mrc.gz", tomogram(truth, random))
    files.write(folder / f"{NAME}_template.mrc.gz", template())
    files.write(folder / f"{NAME}_particles.star", truth)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
