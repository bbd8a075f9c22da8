"""Point groups, and maps averaged over them."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.symmetry import (
    box_centre,
    matrix_of_turn,
    rotations_of_group,
    symmetrised,
    turn_of_matrix,
    turned,
)
from mapscope.errors import InputError
from mapscope.volume import Volume

GROUPS = {"C1": 1, "C2": 2, "C7": 7, "D2": 4, "D5": 10, "T": 12, "O": 24, "I": 60}


@pytest.mark.parametrize(("group", "order"), GROUPS.items())
def test_rotations_of_a_group_are_closed_proper_and_begin_with_the_identity(
    group: str, order: int
) -> None:
    rotations = rotations_of_group(group)
    assert rotations.shape == (order, 3, 3)
    assert rotations[0] == pytest.approx(np.eye(3))
    assert np.linalg.det(rotations) == pytest.approx(1.0)
    products = rotations[:, None] @ rotations[None]
    gaps = np.abs(products[:, :, None] - rotations).max(axis=(-1, -2)).min(axis=-1)
    assert gaps.max() < 1e-9


def test_rotations_of_c4_turn_about_z_and_of_d2_also_about_x() -> None:
    quarter = rotations_of_group("C4") @ np.array([1.0, 0, 0])
    assert quarter == pytest.approx(np.tile([1.0, 0, 0], (4, 1)))
    about_x = np.diag([-1.0, -1.0, 1.0])  # z, y, x
    assert min(np.abs(r - about_x).max() for r in rotations_of_group("D2")) < 1e-9


def test_rotations_of_cubic_groups_have_their_axes_along_z_y_and_x() -> None:
    for group, angle in (("T", 180), ("O", 90), ("I", 180)):
        for axis in np.eye(3):
            wanted = matrix_of_turn(angle * axis)
            assert min(np.abs(r - wanted).max() for r in rotations_of_group(group)) < 1e-9


@pytest.mark.parametrize("group", ["", "C", "C0", "C61", "X4", "D-2", "4", "C3v"])
def test_rotations_of_what_is_no_group_are_refused(group: str) -> None:
    with pytest.raises(InputError, match="there is no point group"):
        rotations_of_group(group)


def test_turn_of_a_matrix_and_matrix_of_a_turn_undo_each_other() -> None:
    turn = (20.0, -50.0, 95.0)
    assert turn_of_matrix(matrix_of_turn(turn)) == pytest.approx(turn)


def test_symmetrised_over_c4_equals_the_literal_sum_of_quarter_turns() -> None:
    data = np.random.default_rng(1).standard_normal((21, 33, 33)).astype(np.float32)
    volume = Volume(data, (1.3,) * 3, (3.0, 4.0, 5.0))
    result = symmetrised(volume, rotations_of_group("C4"), box_centre(volume))
    literal = sum(np.rot90(data, k, (1, 2)) for k in range(4)) / 4
    assert result.data == pytest.approx(literal, abs=1e-5)
    assert result.grid == volume.grid


def test_symmetrised_over_d2_with_unequal_voxels_equals_the_literal_sum() -> None:
    data = np.random.default_rng(2).standard_normal((15, 17, 19)).astype(np.float32)
    volume = Volume(data, (1.0, 1.5, 2.0), (-7.0, 0.0, 2.0))
    result = symmetrised(volume, rotations_of_group("D2"), box_centre(volume))
    flips = [(), (1, 2), (0, 1), (0, 2)]
    literal = sum(np.flip(data, axes) if axes else data for axes in flips) / 4
    assert result.data == pytest.approx(literal, abs=1e-5)


def test_symmetrised_over_a_turned_octahedron_has_that_symmetry() -> None:
    turn = (13.0, -40.0, 25.0)
    rotations = turned(rotations_of_group("O"), turn)
    size, spacing, width = 48, 2.0, 4.0
    centre = np.array([1.0, -2.0, 0.5])
    spot = np.array([6.0, 14.0, 24.0])
    axis = (np.arange(size) - size // 2) * spacing

    def blob(at: np.ndarray) -> np.ndarray:
        z, y, x = (np.exp(-((axis - c) ** 2) / (2 * width**2)) for c in at)
        return np.asarray(z[:, None, None] * y[:, None] * x)

    one = Volume(blob(spot + centre).astype(np.float32), (spacing,) * 3, (axis[0],) * 3)
    result = symmetrised(one, rotations, centre)
    wanted = np.mean([blob(r @ spot + centre) for r in rotations], axis=0)
    inside = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0) < 40
    assert np.abs(result.data - wanted)[inside].max() < 2e-3 * wanted.max()


def test_symmetrised_of_a_constant_is_constant_also_where_copies_leave_the_box() -> None:
    volume = Volume(np.full((9, 12, 20), 2.5, np.float32))
    result = symmetrised(volume, rotations_of_group("C3"), (4.0, 1.0, 1.0))
    assert result.data == pytest.approx(2.5, abs=1e-5)
