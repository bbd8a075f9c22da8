"""The table of `mapscope.density.profile`, from the structures that train.

``python scripts/protein_profile.py CORPUS [--structures N]`` takes structures of the corpus (as
from ``build-corpus``), one of each cluster of the training part of the split, and gives all their
atoms but hydrogens one B-factor. For each, the amplitude of its density is measured every
0.01 1/Å; printed is the mean of their logarithms, without the B-factor and less its value at
1/10 Å: the numbers that stand in the module.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Shells, transform
from mapscope.density.profile import FIRST, HIGHEST, STEP
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.simulate.density import physical_density
from mapscope.simulate.grid import simulated_grid
from mapscope.simulate.scattering import Scattering
from mapscope.structure import Structure
from mapscope.training.corpus import Corpus
from mapscope.training.split import read_split

B_FACTOR = 15.0
VOXEL_SIZE = 0.6
FEWEST, MOST = 800, 6000
"""Atoms of a structure that is taken."""


def protein_of(structure: Structure) -> Atoms | None:
    """Its atoms without hydrogens; None where they are too few or too many."""
    atoms = atoms_of(structure, b_factor=B_FACTOR, hydrogens=False)
    return atoms if FEWEST <= len(atoms) <= MOST else None


def log_amplitudes(atoms: Atoms, frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Logarithm of the root mean square amplitude at each frequency, less its value at 1/10 Å."""
    finest = 1 / (HIGHEST + 0.05)
    grid = simulated_grid(atoms, resolution=finest, voxel_size=VOXEL_SIZE, padding=12.0)
    data = physical_density(atoms, grid, Scattering("electrons", finest, soft_edge=0.0))
    shells, ft = Shells(grid), transform(data)
    power, count = shells.sums(lambda plane: (np.abs(ft[plane]) ** 2, np.ones(ft[plane].shape)))
    mean = np.interp(frequency, shells.frequency, power / count)
    values = 0.5 * np.log(mean) + 0.25 * B_FACTOR * frequency**2
    return np.asarray(values - values[round((0.1 - FIRST) / STEP)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--structures", type=int, default=100)
    given = parser.parse_args()
    corpus = Corpus.open(given.corpus)
    steps = np.arange(round((HIGHEST - FIRST) / STEP) + 1)
    frequency = np.asarray(FIRST + STEP * steps, dtype=np.float64)
    groups = read_split().clusters("training").values()
    firsts = (next((n for n in names if n in corpus), None) for names in groups)
    found = (protein_of(corpus[name].structure()) for name in firsts if name is not None)
    chosen = itertools.islice((atoms for atoms in found if atoms is not None), given.structures)
    curves = np.array([log_amplitudes(atoms, frequency) for atoms in chosen])
    mean, spread = curves.mean(axis=0), curves.std(axis=0)
    print(f"{len(curves)} structures; spread of one: {np.median(spread):.2f} in the median")
    for row in mean.reshape(-1, 8):
        print("    " + ", ".join(f"{value:.3f}" for value in row) + ",")


if __name__ == "__main__":
    main()
