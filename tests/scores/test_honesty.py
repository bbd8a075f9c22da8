"""What went in and what came out, for maps where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.errors import DataError, GridError, InputError
from mapscope.scores.honesty import (
    added,
    level_enclosing,
    place_of,
    recall,
    rise,
    share_above,
)
from mapscope.volume import Grid, Volume


def noise(seed: int = 0, size: int = 12) -> Volume:
    return Volume(np.random.default_rng(seed).standard_normal((size,) * 3, dtype=np.float32))


def box(value: float = 1.0) -> Volume:
    """1 in a box of 4 voxels' edge, and a `value` in another."""
    data = np.zeros((16, 16, 16), dtype=np.float32)
    data[2:6, 2:6, 2:6] = 1.0
    data[9:13, 9:13, 9:13] = value
    return Volume(data)


SECOND = np.zeros((16, 16, 16), dtype=bool)
SECOND[9:13, 9:13, 9:13] = True


def test_rise_of_a_map_that_was_scaled_is_the_factor() -> None:
    given = noise()
    made = given.with_data(0.5 * given.data + 7)
    assert rise(made, given).deviation == pytest.approx(0.5, rel=1e-5)
    assert rise(made, given).highest == pytest.approx(0.5, rel=1e-5)


def test_rise_of_one_voxel_made_of_noise_is_in_the_highest_value() -> None:
    given = noise()
    data = given.data.copy()
    data[3, 3, 3] = 20 * given.data.max()
    found = rise(given.with_data(data), given)
    assert found.highest > 15
    assert found.most == found.highest > found.deviation > 1


def test_rise_over_nothing_is_refused() -> None:
    flat = noise().with_data(np.zeros((12, 12, 12)))
    with pytest.raises(DataError, match="constant"):
        rise(noise(), flat)
    with pytest.raises(GridError):
        rise(noise(size=10), noise())


def test_level_encloses_as_many_voxels_as_asked_for() -> None:
    volume = noise()
    for voxels in (1, 100, 12**3):
        assert int((volume.data >= level_enclosing(volume, voxels)).sum()) == voxels
    with pytest.raises(InputError, match="voxels"):
        level_enclosing(volume, 0)


def test_recall_is_the_share_of_what_was_shown_that_still_is() -> None:
    given = box()
    assert recall(given, given, SECOND, 128) == 1
    gone = given.with_data(np.where(SECOND, 0, given.data) + 1e-3 * noise(1, 16).data)
    assert recall(given, gone, SECOND, 128) < 0.1
    half = SECOND.copy()
    half[9:11] = False
    lost = given.with_data(np.where(half, 0, given.data).astype(np.float32))
    assert recall(given, lost, SECOND, 96) == pytest.approx(0.5)
    assert recall(given, given.with_data(3 * given.data), SECOND, 128) == 1


def test_recall_of_what_was_never_shown_is_no_number() -> None:
    assert np.isnan(recall(box(0.0), box(), SECOND, 64))


def test_added_is_what_a_place_shows_more_than_before() -> None:
    empty, full = box(0.0), box(2.0)
    assert added(empty, full, SECOND, 64) == pytest.approx(1)
    assert added(empty, empty, SECOND, 64) == 0
    assert added(full, empty, SECOND, 64) == pytest.approx(-1)


def test_share_above_counts_the_place_alone() -> None:
    volume = box(0.5)
    assert share_above(volume, 0.5, SECOND) == 1
    assert share_above(volume, 0.6, SECOND) == 0
    assert np.isnan(share_above(volume, 0.5, np.zeros_like(SECOND)))


def test_place_is_near_its_atoms_and_away_from_others() -> None:
    grid = Grid((11, 11, 11), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    alone = place_of(np.array([[5.0, 5.0, 5.0]]), grid, radius=1.5)
    assert int(alone.sum()) == 19
    cut = place_of(
        np.array([[5.0, 5.0, 5.0]]), grid, others=np.array([[5.0, 5.0, 8.0]]), radius=1.5, apart=2.5
    )
    assert cut.sum() < alone.sum()
    assert cut[5, 5, 5]
    assert not cut[5, 5, 6]
