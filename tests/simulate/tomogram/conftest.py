"""Small particles to pack and image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mapscope.simulate.tomogram.species import Species, species_of_structure
from mapscope.structure import Structure

VOXEL = 10.0


@pytest.fixture
def lobes(structure_of: Callable[..., Structure]) -> Structure:
    """Atoms in four lobes of different sizes that are no mirror image of themselves."""
    random = np.random.default_rng(11)
    centres = np.array([[0, 0, 0], [42, 0, 0], [0, 34, 0], [0, 0, 26]])
    lines = []
    for centre, count in zip(centres, (900, 600, 400, 300), strict=True):
        for x, y, z in random.normal(centre, 9.0, (count, 3)):
            lines.append(("C", x, y, z, 20.0, 1.0))
    return structure_of(lines)


@pytest.fixture
def species(lobes: Structure) -> Species:
    """A particle of four lobes, for voxels of 10 Å."""
    return species_of_structure(lobes, "lobes", VOXEL)


@pytest.fixture
def small(structure_of: Callable[..., Structure]) -> Species:
    """A smaller, round one."""
    random = np.random.default_rng(12)
    lines = [("C", *p, 20.0, 1.0) for p in random.normal(0, 10.0, (800, 3))]
    return species_of_structure(structure_of(lines), "ball", VOXEL)


@pytest.fixture
def hollow(structure_of: Callable[..., Structure]) -> Species:
    """A shell, whose centre is empty."""
    random = np.random.default_rng(3)
    shell = random.normal(size=(20_000, 3))
    shell *= random.uniform(45, 60, (20_000, 1)) / np.linalg.norm(shell, axis=1)[:, None]
    lines = [("C", *place, 20.0, 1.0) for place in shell]
    return species_of_structure(structure_of(lines), "hollow", VOXEL)
