from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import chisquare, kstest

from mapscope.errors import InputError
from mapscope.simulate.tomogram.packing import Packed, pack, uniform_rotations
from mapscope.simulate.tomogram.species import Species

SHAPE = (60, 70, 80)


@pytest.fixture
def packed(species: Species, small: Species) -> Packed:
    return pack(SHAPE, [species, small], 41, np.random.default_rng(3))


def _body(packed: Packed, kinds: list[Species], which: int) -> tuple[np.ndarray, np.ndarray]:
    """Voxels (m, 3) of one particle's body and all its density, from what the list says."""
    place = np.floor(packed.positions[which] + 0.5)
    kind = kinds[packed.species[which]]
    density = kind.turned(packed.rotations[which], packed.positions[which] - place)
    body = kind.body(density, packed.positions[which] - place)
    where = np.argwhere(body) - len(density) // 2 + place.astype(int)
    return where, density


def test_pack_when_done_has_no_voxel_in_two_particles(
    packed: Packed, species: Species, small: Species
) -> None:
    """Bodies drawn again from positions and rotations are disjoint and are the occupancy."""
    count = np.zeros(SHAPE, dtype=int)
    again = np.zeros(SHAPE, dtype=int)
    for which in range(len(packed.species)):
        where, _ = _body(packed, [species, small], which)
        assert (where >= 0).all()
        assert (where < SHAPE).all()
        np.add.at(count, tuple(where.T), 1)
        again[tuple(where.T)] = which + 1
    assert count.max() == 1
    np.testing.assert_array_equal(again, packed.occupancy)


def test_pack_when_densities_are_added_up_loses_none(
    packed: Packed, species: Species, small: Species
) -> None:
    total = sum(_body(packed, [species, small], k)[1].sum(dtype=float) for k in range(41))
    # A little of the densities' faint rims sticks out of the box.
    assert packed.potential.sum(dtype=float) == pytest.approx(total, rel=0.01)


def test_pack_when_species_share_has_as_many_of_each(packed: Packed) -> None:
    assert sorted(np.bincount(packed.species)) == [20, 21]
    # Sizes are placed in order, but the list is in no order of sizes.
    assert 5 < packed.species[:20].sum() < 15


def test_pack_when_places_are_taken_leaves_them(species: Species) -> None:
    occupied = np.zeros(SHAPE, dtype=np.int32)
    occupied[:, :, 30:] = 7
    found = pack(SHAPE, [species], 6, np.random.default_rng(0), occupied=occupied)
    assert (found.occupancy[:, :, 30:] == 7).all()
    assert set(np.unique(found.occupancy[:, :, :30])) == set(range(7))


def test_pack_when_there_is_no_room_says_how_many_fit(species: Species) -> None:
    with pytest.raises(InputError, match=r"only \d+ of 500 particles found room"):
        pack((30, 30, 30), [species], 500, np.random.default_rng(0))
    with pytest.raises(InputError, match="only 0 of 1"):
        pack((4, 30, 30), [species], 1, np.random.default_rng(0))


def test_uniform_rotations_when_counted_by_where_an_axis_points_pass_a_chi_square_test() -> None:
    """Every axis is evenly spread over 10 zones of equal area times 12 sectors."""
    turns = uniform_rotations(24_000, np.random.default_rng(4))
    assert np.allclose(np.linalg.det(turns), 1)
    for axis in range(3):
        pointed = turns[:, :, axis]
        zone = np.clip(((pointed[:, 0] + 1) * 5).astype(int), 0, 9)
        sector = ((np.arctan2(pointed[:, 1], pointed[:, 2]) + np.pi) / (2 * np.pi) * 12).astype(int)
        counts = np.bincount(zone * 12 + np.clip(sector, 0, 11), minlength=120)
        assert chisquare(counts).pvalue > 0.01


def test_pack_when_done_has_turned_and_spread_particles_evenly(species: Species) -> None:
    """Those that found a place are no choice of the turns, and places are as likely everywhere."""
    found = [pack((48, 60, 60), [species], 25, np.random.default_rng(k)) for k in range(16)]
    turns = np.concatenate([one.rotations for one in found])
    angle = Rotation.from_matrix(turns).magnitude()
    assert kstest(angle, lambda w: (w - np.sin(w)) / np.pi).pvalue > 0.01
    for axis in range(3):
        # A coordinate of a direction that is anywhere on a ball is uniform.
        assert kstest(turns[:, axis, 1], "uniform", (-1, 2)).pvalue > 0.01
    places = np.concatenate([one.positions for one in found])
    # The outermost 8 voxels, where not every turn has room, left out.
    for axis, size in enumerate((48, 60, 60)):
        inner = places[:, axis][(places[:, axis] > 8) & (places[:, axis] < size - 9)]
        assert kstest(inner, "uniform", (8, size - 17)).pvalue > 0.01


def test_uniform_rotations_when_counted_by_angle_follow_haar() -> None:
    """The angle ω of a random rotation has the density (1 - cos ω) / π."""
    turns = uniform_rotations(24_000, np.random.default_rng(5))
    angle = Rotation.from_matrix(turns).magnitude()
    assert kstest(angle, lambda w: (w - np.sin(w)) / np.pi).pvalue > 0.01
    edges = np.linspace(0, np.pi, 19)
    expected = np.diff((edges - np.sin(edges)) / np.pi) * len(turns)
    counts = np.histogram(angle, edges)[0]
    assert chisquare(counts[2:], expected[2:] * counts[2:].sum() / expected[2:].sum()).pvalue > 0.01
