"""Methods whose answer to moved maps is known: one that sees no direction, and some that do."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.fourier import low_pass
from mapscope.density.halves import mean_map
from mapscope.scores.moves import (
    changed,
    lattice_rotations,
    mirror,
    turn,
    uneven_box,
    when_cut,
    when_mirrored,
    when_rescaled,
    when_shifted,
    when_turned,
)
from mapscope.volume import HalfMaps, Volume

SHAPE = (18, 16, 20)


def pair(shape: tuple[int, int, int] = SHAPE) -> HalfMaps:
    random = np.random.default_rng(0)
    first, second = (Volume(random.standard_normal(shape, dtype=np.float32)) for _ in range(2))
    return HalfMaps(first, second)


def smooth(half_maps: HalfMaps) -> Volume:
    return low_pass(mean_map(half_maps), 4.0)


def from_memory(half_maps: HalfMaps) -> Volume:
    """One of two hands, whichever was given."""
    mean = mean_map(half_maps)
    known = low_pass(mean_map(pair()), 4.0).data
    return mean.with_data(known)


def test_turns_are_the_24_of_a_cube_each_once() -> None:
    data = np.arange(27).reshape(3, 3, 3)
    seen = {turn(data, rotation).tobytes() for rotation in lattice_rotations()}
    assert len(seen) == 24
    assert mirror(data).tobytes() not in seen


def test_turn_moves_voxels_as_its_matrix_moves_positions() -> None:
    data = np.zeros((5, 5, 5))
    data[3, 4, 2] = 1.0
    for rotation in lattice_rotations():
        expected = np.rint(rotation @ (np.array([3, 4, 2]) - 2) + 2).astype(int)
        assert turn(data, rotation)[tuple(expected)] == 1.0


def test_method_without_direction_keeps_hand_turns_and_origin() -> None:
    half_maps = pair((16, 16, 16))
    made = smooth(half_maps)
    mirrored = when_mirrored(smooth, half_maps, made)
    assert mirrored.moved == pytest.approx(1, abs=1e-5)
    assert mirrored.unmoved < 0.5
    np.testing.assert_allclose(when_turned(smooth, half_maps, made), 1, atol=1e-5)
    alike, is_there = when_shifted(smooth, half_maps, made, (5.0, -20.0, 1.5))
    assert alike == pytest.approx(1, abs=1e-6)
    assert is_there


def test_method_that_draws_the_hand_it_knows_is_seen() -> None:
    found = when_mirrored(from_memory, pair(), from_memory(pair()))
    assert found.unmoved == pytest.approx(1, abs=1e-6)
    assert found.moved < 0.5


def test_method_that_blurs_one_axis_does_not_turn_with_the_map() -> None:
    def along_z(half_maps: HalfMaps) -> Volume:
        mean = mean_map(half_maps)
        return mean.with_data(mean.data + np.roll(mean.data, 1, axis=0))

    half_maps = pair((12, 12, 12))
    found = when_turned(along_z, half_maps, along_z(half_maps))
    assert found[0] == pytest.approx(1)
    assert found.min() < 0.8


def test_method_that_forgets_the_origin_is_seen() -> None:
    def at_zero(half_maps: HalfMaps) -> Volume:
        return Volume(mean_map(half_maps).data, half_maps.grid.voxel_size)

    half_maps = pair()
    _, is_there = when_shifted(at_zero, half_maps, at_zero(half_maps), (5.0, 0.0, 0.0))
    assert not is_there


def test_wrong_voxel_size_and_cut_boxes_are_seen_for_what_they_change() -> None:
    half_maps = pair()
    made = smooth(half_maps)
    assert when_rescaled(smooth, half_maps, made, 1.0) == pytest.approx(1, abs=1e-6)
    assert 0.5 < when_rescaled(smooth, half_maps, made, 1.3) < 0.99
    region = uneven_box(SHAPE)
    assert len(set(region.shape)) == 3
    assert when_cut(mean_map, half_maps, mean_map(half_maps), region) == pytest.approx(1)


def test_changed_half_maps_are_both_changed() -> None:
    found = changed(pair(), mirror)
    np.testing.assert_array_equal(found.second.data, pair().second.data[:, :, ::-1])
    np.testing.assert_array_equal(found.first.data, pair().first.data[:, :, ::-1])
