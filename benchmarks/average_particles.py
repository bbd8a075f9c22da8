"""Whether averaged particles are as good as their noise allows, and only if they lie as is said.

``python benchmarks/average_particles.py [--structure FILE] [--count N]`` puts a structure, turned
and moved atom by atom, into a tomogram of 5 Å voxels, adds white noise, and averages it with the
orientations that it was put in with. Printed are where the FSC against the noise-free map falls to
0.5, and where it must for the mean of so many particles: with S the power of the map and N that of
one particle's noise in a shell, both inside the mask, at ``S n / N = 1/3``. Both are read from the
falling curve nearest to the FSC. So it is for all frequencies, and with a missing wedge: the
tomogram's frequencies beyond ±60° are removed, and n is the number of particles that measured a
frequency. Then orientations are scrambled, transposed, and made those of the other hand.

The structure is, without ``--structure``, that of the data folder (``MAPSCOPE_DATA``), and where
there is none a chiral body of carbon atoms. Exits with 1 where a resolution is off by more than
10 %, or a wrong orientation comes within a factor of 1.5.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope import files
from mapscope.density.fourier import Shells, transform
from mapscope.density.shells import resolution_interpolated
from mapscope.jobs import average_particles
from mapscope.particles import Particles
from mapscope.picking.averaging import soft_ball
from mapscope.picking.wedge import TiltRange
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.simulate.density import physical_density
from mapscope.simulate.scattering import Scattering
from mapscope.volume import Grid, Region, Volume

VOXEL, FINEST = 5.0, 10.5
TILTS = TiltRange(-60.0, 60.0)
WITHIN, APART = 0.10, 1.5

LUMPS = (
    ((0.0, 0.0, 0.0), (8.0, 30.0, 5.0), (-32.0, 5.0, 8.0), (-6.0, -10.0, 33.0)),
    (24.0, 16.0, 13.0, 10.0),
    (1500, 500, 300, 150),
)
"""Centres, radii and atoms of four balls that no rotation turns into their mirror image."""

Floats = npt.NDArray[np.float64]


def body(path: Path | None) -> Atoms:
    """The structure's atoms around their mean, or those of a made-up one."""
    if path is not None:
        atoms = atoms_of(files.read(path), b_factor=80.0, hydrogens=False)
    else:
        random = np.random.default_rng(3)
        places = np.concatenate(
            [np.asarray(c) + r * _in_ball(random, n) for c, r, n in zip(*LUMPS, strict=True)]
        )
        count = len(places)
        atoms = Atoms(places, np.full(count, "C"), np.full(count, 80.0), np.ones(count))
    return replace(atoms, positions=atoms.positions - atoms.positions.mean(axis=0))


def _in_ball(random: np.random.Generator, count: int) -> Floats:
    """Places all over a ball of radius 1, (n, 3)."""
    away = random.standard_normal((count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(away * random.random((count, 1)) ** (1 / 3))


def density_in(atoms: Atoms, grid: Grid) -> npt.NDArray[np.float32]:
    """Their density on a grid, in mean standard deviations."""
    return physical_density(atoms, grid, Scattering("electrons", FINEST))


def edge_of(atoms: Atoms) -> int:
    """Voxels of a box with room around the atoms, even."""
    radius = float(np.linalg.norm(atoms.positions, axis=1).max())
    return 2 * int(np.ceil((radius / 0.75 + 2 * FINEST) / VOXEL))


def scene(atoms: Atoms, count: int, seed: int) -> tuple[npt.NDArray[np.float32], Particles, Grid]:
    """Noise-free tomogram, and its particles: on a lattice of boxes, off it by up to a voxel."""
    from scipy.spatial.transform import Rotation

    random = np.random.default_rng(seed)
    edge = edge_of(atoms)
    across = int(np.ceil(np.sqrt(count / 2)))
    grid = Grid((2 * edge, across * edge, across * edge), (VOXEL,) * 3, (100.0, -200.0, 300.0))
    cells = np.stack(np.unravel_index(np.arange(count), (2, across, across)), axis=1)
    index = edge * cells + edge / 2 + random.uniform(-1, 1, (count, 3))
    turns = Rotation.random(count, random_state=random).as_matrix()
    particles = Particles(grid.world_from_index(index), turns)
    data = np.zeros(grid.shape, dtype=np.float32)
    for cell, place, turn in zip(cells, particles.positions, turns, strict=True):
        region = Region(tuple(edge * cell), tuple(edge * (cell + 1)))
        moved = replace(atoms, positions=atoms.positions @ turn.T + place)
        data[region.slices] = density_in(moved, grid.cropped(region))
    return data, particles, grid


def template_of(atoms: Atoms) -> Volume:
    """The noise-free map around voxel ``n // 2``."""
    edge = edge_of(atoms)
    corner = (-(edge // 2) * VOXEL,) * 3
    grid = Grid((edge,) * 3, (VOXEL,) * 3, corner)
    return Volume(density_in(atoms, grid), grid.voxel_size, grid.origin)


def without_wedge(data: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A tomogram without the frequencies that its tilts do not measure."""
    from scipy.fft import fftfreq, irfftn, rfftfreq, rfftn

    slope = np.tan(np.deg2rad(TILTS.highest))
    z, x = fftfreq(data.shape[0])[:, None, None], rfftfreq(data.shape[2])
    found = irfftn(rfftn(data) * (np.abs(z) <= slope * x), s=data.shape)
    return np.asarray(found, dtype=np.float32)


def expected(
    template: Volume, noise: float, counts: npt.NDArray[np.float64] | float
) -> float | None:
    """Å at which the FSC of a mean of `counts` particles against the template falls to 0.5."""
    edge = template.shape[0]
    window = soft_ball(edge, 0.4 * edge, 0.15 * edge)
    mean = (template.data * window).sum() / window.sum()
    coefficients = transform((template.data - mean) * window)
    shells = Shells(template.grid)
    variance = noise**2 * float((window.astype(np.float64) ** 2).sum())
    share = np.broadcast_to(1.0 / np.asarray(counts), coefficients.shape)
    power, single = shells.sums(
        lambda plane: (
            np.abs(coefficients[plane].astype(np.complex128)) ** 2,
            variance * share[plane],
        )
    )
    return falls_to_half(shells.frequency, np.sqrt(power / (power + single)))


def falls_to_half(frequency: Floats, fsc: Floats) -> float | None:
    """Å where the falling curve that is nearest to an FSC crosses 0.5.

    The power of a particle has dips, in which noise would decide where a curve first crosses.
    """
    from scipy.optimize import isotonic_regression

    # The larger a shell, the less noise its correlation has.
    weight = np.maximum(np.arange(len(fsc)), 1.0) ** 2
    falling = isotonic_regression(np.nan_to_num(fsc, nan=1.0), weights=weight, increasing=False).x
    return resolution_interpolated(frequency, falling, 0.5)


def measured(
    tomogram: Volume, particles: Particles, template: Volume, **settings: float
) -> Measured:
    """What an average of particles is like."""
    found = average_particles(tomogram, particles, template, **settings)
    columns = found.curves
    against = falls_to_half(
        np.asarray(columns["frequency"], float), np.asarray(columns["template"], float)
    )
    return Measured(against, found.resolution)


@dataclass(frozen=True)
class Measured:
    """Å at which the FSC against the template falls to 0.5, and that of the halves to 0.143."""

    against: float | None
    halves: float | None


def noise_for(template: Volume, count: int) -> float:
    """Noise with which so many particles give about 15 Å."""
    levels = float(template.data.std()) * np.geomspace(0.5, 500, 60)
    for level in levels:
        found = expected(template, float(level), float(count))
        if found is not None and found > 15.0:
            return float(level)
    return float(levels[-1])


def verdict(name: str, found: float | None, wanted: float) -> bool:
    """Print a resolution beside the one that noise allows; whether it is near."""
    off = np.inf if found is None else found / wanted - 1
    said = "never" if found is None else f"{found:.2f} Å"
    print(f"{name:44s} {said:>10s}   expected {wanted:.2f} Å   {off:+.1%}")
    return bool(abs(off) <= WITHIN)


def measure(atoms: Atoms, count: int) -> bool:
    """All figures; whether they are as they must be."""
    clean, particles, grid = scene(atoms, count, seed=0)
    template = template_of(atoms)
    noise = noise_for(template, count)
    random = np.random.default_rng(1)
    noisy = clean + noise * random.standard_normal(clean.shape, dtype=np.float32)
    tomogram = Volume(-noisy, grid.voxel_size, grid.origin, contrast=-1)
    signal = float(template.data[template.data > 0].std() / noise)
    print(f"{len(atoms)} atoms, {count} particles, boxes of {template.shape[0]} voxels, ", end="")
    print(f"signal over noise {signal:.3f} per voxel of density")
    start = time.process_time()
    right = measured(tomogram, particles, template)
    print(f"averaged in {time.process_time() - start:.1f} s of CPU")
    limit = expected(template, noise, float(count))
    assert limit is not None
    fine = [verdict("all frequencies", right.against, limit)]
    assert particles.rotations is not None
    weight = np.maximum(sum(TILTS.weights(template.shape[0], r) for r in particles.rotations), 1.0)
    wedge_limit = expected(template, noise, weight)
    assert wedge_limit is not None
    wedged = tomogram.with_data(-without_wedge(noisy))
    tilted = measured(
        wedged, particles, template, lowest_tilt=TILTS.lowest, highest_tilt=TILTS.highest
    )
    fine.append(verdict("missing wedge of ±60°", tilted.against, wedge_limit))
    halves = float(right.halves or 0.0)
    print(f"{'resolution by the halves, FSC 0.143':44s} {halves:8.2f} Å")
    flip = np.diag([-1.0, 1.0, 1.0])
    wrong = {
        "scrambled orientations": random.permutation(particles.rotations),
        "transposed orientations": particles.rotations.transpose(0, 2, 1),
        "orientations of the other hand": flip @ particles.rotations @ flip,
    }
    for name, turns in wrong.items():
        found = measured(tomogram, replace(particles, rotations=turns), template)
        resolution = found.against or np.inf
        fine.append(resolution > APART * limit)
        print(f"{name:44s} {resolution:8.2f} Å")
    return all(fine)


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--structure", type=Path)
    parser.add_argument("--count", type=int, default=200)
    given = parser.parse_args()
    data = os.environ.get("MAPSCOPE_DATA")
    path = given.structure
    if path is None and data:
        path = Path(data) / "tomography" / "models" / "3d2f.pdb.gz"
    is_fine = measure(body(path if path is not None and path.exists() else None), given.count)
    print("as it must be" if is_fine else "NOT as it must be")
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
