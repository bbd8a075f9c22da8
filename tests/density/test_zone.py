"""Distances to positions, and masks made of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mapscope.density.zone import distance_to_positions, mask_around_positions, mask_of_sphere
from mapscope.errors import Cancelled, GridError, InputError
from mapscope.progress import Progress
from mapscope.volume import Grid, Volume

GRID = Grid((14, 17, 20), (1.0, 1.5, 0.8), (-3.0, 5.0, 2.0))
ATOMS = np.array([[1.0, 12.0, 9.0], [2.3, 15.1, 10.7], [6.0, 20.0, 4.4]])


def distances() -> np.ndarray:
    """From every voxel to its nearest atom, one by one."""
    centres = GRID.world_from_index(np.moveaxis(np.indices(GRID.shape), 0, -1))
    return np.asarray(np.linalg.norm(centres[..., None, :] - ATOMS, axis=-1).min(axis=-1))


@pytest.mark.parametrize("reach", [0.5, 3.0, 50.0])
def test_distance_to_positions_is_that_to_the_nearest_up_to_the_reach(reach: float) -> None:
    found = distance_to_positions(GRID, ATOMS, reach)
    assert found == pytest.approx(np.minimum(distances(), reach), abs=1e-5)


def test_distance_to_positions_far_from_the_map_says_so() -> None:
    with pytest.raises(GridError, match="outside"):
        distance_to_positions(GRID, [[500.0, 0.0, 0.0]], 3.0)
    with pytest.raises(InputError, match="above 0"):
        distance_to_positions(GRID, ATOMS, 0.0)


def test_mask_around_positions_is_one_inside_zero_outside_and_half_in_the_middle() -> None:
    volume = Volume(np.zeros(GRID.shape, np.float32), GRID.voxel_size, GRID.origin)
    mask = mask_around_positions(volume, ATOMS, 2.0, 3.0)
    distance = distances()
    assert mask.grid == GRID
    assert (mask.data[distance <= 2.0] == 1).all()
    assert (mask.data[distance >= 5.0] == 0).all()
    wanted = 0.5 + 0.5 * np.cos(np.pi * np.clip((distance - 2) / 3, 0, 1))
    assert mask.data == pytest.approx(wanted, abs=1e-5)


def test_mask_around_positions_without_a_soft_edge_is_binary() -> None:
    volume = Volume(np.zeros(GRID.shape, np.float32), GRID.voxel_size, GRID.origin)
    mask = mask_around_positions(volume, ATOMS, 2.5)
    np.testing.assert_array_equal(mask.data, distances() <= 2.5)
    with pytest.raises(InputError, match="at least 0"):
        mask_around_positions(volume, ATOMS, -1.0)


def test_mask_of_sphere_has_its_volume_and_may_reach_beyond_the_box() -> None:
    volume = Volume(np.zeros((50, 50, 50), np.float32))
    whole = mask_of_sphere(volume, (24.3, 25.1, 24.8), 15.0)
    assert whole.data.sum() == pytest.approx(4 / 3 * np.pi * 15**3, rel=0.01)
    half = mask_of_sphere(volume, (-0.5, 25.1, 24.8), 15.0)
    assert half.data.sum() == pytest.approx(2 / 3 * np.pi * 15**3, rel=0.01)


def test_distance_to_positions_when_cancelled_stops(cancel: Callable[[int], Progress]) -> None:
    with pytest.raises(Cancelled):
        distance_to_positions(GRID, ATOMS, 3.0, progress=cancel(1))
