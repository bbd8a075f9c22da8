"""Atoms to simulate, and sums written out in double precision to compare with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope.simulate.atoms import Atoms
from mapscope.structure import Structure
from mapscope.volume import Grid


@pytest.fixture
def random() -> np.random.Generator:
    """Random numbers, always the same."""
    return np.random.default_rng(5)


@pytest.fixture
def some_atoms(random: np.random.Generator) -> Atoms:
    """Eighty atoms of several elements and B-factors within 10 to 22 Å along each axis."""
    elements = random.choice(["C", "N", "O", "S", "P"], 80)
    positions = random.uniform(10, 22, (80, 3))
    return Atoms(positions, elements, random.uniform(5, 80, 80), random.uniform(0.3, 1, 80))


@pytest.fixture
def structure_of() -> Callable[..., Structure]:
    """Makes a structure from lines of element, x, y, z, B and occupancy."""

    def make(lines: list[tuple[Any, ...]], chain: str = "A") -> Structure:
        whole, model, one = gemmi.Structure(), gemmi.Model(1), gemmi.Chain(chain)
        for number, (element, x, y, z, b, occupancy) in enumerate(lines, start=1):
            residue, atom = gemmi.Residue(), gemmi.Atom()
            residue.name, residue.seqid = "UNK", gemmi.SeqId(str(number))
            atom.name, atom.element = element, gemmi.Element(element)
            atom.pos, atom.b_iso, atom.occ = gemmi.Position(x, y, z), b, occupancy
            residue.add_atom(atom)
            one.add_residue(residue)
        model.add_chain(one)
        whole.add_model(model)
        return Structure.from_gemmi(whole)

    return make


@pytest.fixture
def literal_gaussians() -> Callable[..., Any]:
    """The sum of Gaussians voxel by voxel; positions in the frame of the grid."""

    def summed(positions: Any, amplitudes: Any, b: Any, grid: Grid) -> Any:
        index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
        voxels = grid.world_from_index(index)
        total = np.zeros(grid.shape)
        for place, heights, widths in zip(positions, amplitudes, b, strict=True):
            square = ((voxels - place) ** 2).sum(axis=-1)
            for a, width in zip(heights, widths, strict=True):
                decay = 4 * np.pi**2 / width
                total += a * (decay / np.pi) ** 1.5 * np.exp(-decay * square)
        return total

    return summed


@pytest.fixture
def relative_rms() -> Callable[[Any, Any], float]:
    """Root mean square difference over the root mean square of the second."""

    def compared(ours: Any, theirs: Any) -> float:
        difference = np.abs(np.asarray(ours) - theirs) ** 2
        return float(np.sqrt(difference.mean() / (np.abs(theirs) ** 2).mean()))

    return compared
