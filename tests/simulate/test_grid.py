"""Where a simulated map lies, and that what cannot be is refused in words."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import GridError, InputError
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.grid import fast_size, simulated_grid
from mapscope.volume import Volume


def atoms_at(*positions: tuple[float, float, float]) -> Atoms:
    count = len(positions)
    elements = np.array(["C"] * count)
    return Atoms(np.array(positions), elements, np.full(count, 20.0), np.ones(count))


ATOMS = atoms_at((10.0, -20.0, 31.0), (22.5, -8.0, 40.0))


def test_simulated_grid_when_nothing_is_said_takes_a_third_of_the_resolution_and_room() -> None:
    grid = simulated_grid(ATOMS, resolution=3.6)
    assert grid.voxel_size == pytest.approx((1.2,) * 3)
    steps = np.asarray(grid.origin) / 1.2
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    last = grid.world_from_index(np.asarray(grid.shape) - 1)
    assert (np.asarray(grid.origin) <= ATOMS.positions.min(axis=0) - 10.8).all()
    assert (last >= ATOMS.positions.max(axis=0) + 10.8).all()
    assert all(n == fast_size(n) for n in grid.shape)


def test_simulated_grid_when_size_and_room_are_said_follows() -> None:
    grid = simulated_grid(ATOMS, resolution=3.0, voxel_size=0.5, padding=0.0)
    assert grid.voxel_size == (0.5, 0.5, 0.5)
    assert grid.origin == (10.0, -20.0, 31.0)
    assert grid.shape[0] >= 26


def test_simulated_grid_when_a_map_is_given_is_that_of_the_map() -> None:
    volume = Volume(np.zeros((10, 12, 14), np.float32), (1.1, 1.2, 1.3), (5.0, -22.0, 30.0))
    assert simulated_grid(ATOMS, volume, resolution=3.0) == volume.grid
    with pytest.raises(InputError, match="leave out the voxel size"):
        simulated_grid(ATOMS, volume, resolution=3.0, voxel_size=1.0)


def test_simulated_grid_when_voxels_are_too_coarse_says_which_would_do() -> None:
    with pytest.raises(InputError, match=r"1\.6 Å are too coarse for 3 Å.* at most 1\.5 Å"):
        simulated_grid(ATOMS, resolution=3.0, voxel_size=1.6)
    volume = Volume(np.zeros((20, 20, 20), np.float32), 2.0, (5.0, -22.0, 30.0))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="too coarse"):
        simulated_grid(ATOMS, volume, resolution=3.0)


def test_simulated_grid_when_the_structure_is_outside_says_where_both_lie() -> None:
    volume = Volume(np.zeros((10, 10, 10), np.float32), 1.0, (200.0, 0.0, 0.0))  # type: ignore[arg-type]
    with pytest.raises(GridError, match=r"from \(200\.0, .* the atoms from \(10\.0, -20\.0, 31\.0"):
        simulated_grid(ATOMS, volume, resolution=3.0)
