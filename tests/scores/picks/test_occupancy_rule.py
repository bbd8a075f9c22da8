"""SHREC's rule on tomograms small enough to be scored by hand."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
import pytest

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.particles import TOMOGRAM, Particles
from mapscope.scores.picks.classification import confusion
from mapscope.scores.picks.localisation import localisation
from mapscope.scores.picks.matches import Matches
from mapscope.scores.picks.occupancy_rule import SHREC_2020_SHIFT, occupancy_matches

VOXEL = 10.0


def listed(
    *voxels: tuple[float, ...], species: str = "", score: list[float] | None = None
) -> Particles:
    """Particles at voxels z, y, x; their species are letters."""
    places = np.array(voxels, dtype=float).reshape(-1, 3) * VOXEL
    return Particles(
        places, None, tuple(species) or None, None if score is None else np.array(score)
    )


def scene() -> tuple[Particles, Labels]:
    """Three particles: a bar, a cube at a corner, and one that touches the bar."""
    data = np.zeros((8, 10, 12), np.int32)
    data[3, 4, 2:6] = 1
    data[:2, :2, :2] = 2
    data[3, 4, 6:8] = 3
    return listed((3, 4, 4), (1, 1, 1), (3, 4, 7), species="aba"), Labels(data, (VOXEL,) * 3)


def hits(*voxels: tuple[float, ...]) -> list[int]:
    """Particles that picks at voxels hit, counted from 1; 0 for none."""
    truth, occupancy = scene()
    found: list[int] = (occupancy_matches(listed(*voxels), truth, occupancy).particle + 1).tolist()
    return found


def test_a_pick_hits_inside_a_particle_or_one_voxel_from_it_but_not_across_an_edge() -> None:
    inside, above, beside = (3, 4, 2), (4, 4, 2), (3, 4, 1)
    diagonal, two_away = (4, 5, 2), (5, 4, 2)
    assert hits(inside, above, beside, diagonal, two_away) == [1, 1, 1, 0, 0]


def test_where_two_particles_touch_the_higher_number_takes_the_voxel() -> None:
    # Voxel 5 belongs to particle 1 and is a neighbour of voxel 6, which belongs to 3.
    assert hits((3, 4, 4), (3, 4, 5), (3, 4, 6)) == [1, 3, 3]
    # One voxel above the contact both are one away.
    assert hits((4, 4, 5), (4, 4, 6)) == [1, 3]


def test_a_pick_is_rounded_to_the_nearest_voxel_and_halves_to_the_even_one() -> None:
    # Python rounds 1.5 and 2.5 to 2; particle 2 with its neighbours ends at 2 along z.
    assert hits((2.4, 1, 1), (2.5, 1, 1), (2.6, 1, 1), (1.5, 1, 1)) == [2, 2, 0, 2]


def test_a_pick_outside_is_moved_to_the_face_and_counted_as_outside() -> None:
    truth, occupancy = scene()
    matches = occupancy_matches(listed((-3, 1, 1), (0, 0, -1), (9, 9, 12)), truth, occupancy)
    assert (matches.particle + 1).tolist() == [2, 2, 0]
    assert matches.is_outside.tolist() == [True, True, True]
    # From the voxel it was moved to: (0, 1, 1) to the centre at (1, 1, 1).
    assert matches.distance[0] == pytest.approx(VOXEL)
    assert localisation(matches).outside == 3


def test_scores_of_three_particles_and_six_picks_are_those_counted_by_hand() -> None:
    truth, occupancy = scene()
    places = [(3, 4, 3), (3, 4, 4), (6, 6, 6), (1, 1, 1), (3, 4, 2), (7, 9, 11)]
    picks = listed(*places, species="baabab")
    found = localisation(occupancy_matches(picks, truth, occupancy, order="list"))
    # Particle 1 is hit three times and 2 once, 3 is missed; two picks hit nothing.
    assert (found.reported, found.particles, found.found) == (6, 3, 2)
    assert (found.false_picks, found.multiple, found.outside) == (2, 1, 0)
    assert found.precision == pytest.approx(2 / 6)
    assert found.recall == pytest.approx(2 / 3)
    assert found.miss_rate == pytest.approx(1 / 3)
    assert found.f1 == pytest.approx(2 * (1 / 3) * (2 / 3) / (1 / 3 + 2 / 3))
    # The first hit on particle 1 is one voxel from its centre, that on 2 none.
    assert found.distance == pytest.approx((VOXEL + 0) / 2)


def test_the_class_of_a_particle_is_that_of_its_first_hit_in_the_list() -> None:
    truth, occupancy = scene()
    picks = listed((3, 4, 3), (3, 4, 4), (1, 1, 1), species="bab")
    table = confusion(occupancy_matches(picks, truth, occupancy, order="list"), picks, truth)
    # Rows a, b; columns a, b, missed: particle 1 (a) as b, particle 3 (a) missed, 2 (b) as b.
    assert table.counts.tolist() == [[0, 1, 1], [0, 1, 0]]
    assert table.f1.tolist() == pytest.approx([0.0, 2 / 3])
    swapped = listed((3, 4, 4), (3, 4, 3), (1, 1, 1), species="abb")
    table = confusion(occupancy_matches(swapped, truth, occupancy, order="list"), swapped, truth)
    assert table.counts.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert table.f1.tolist() == pytest.approx([2 / 3, 1.0])


def first(score: list[float], order: Literal["score", "list"]) -> int:
    """Which of three picks on particle 1 counts."""
    truth, occupancy = scene()
    picks = listed((3, 4, 3), (3, 4, 4), (3, 4, 2), score=score)
    matches = occupancy_matches(picks, truth, occupancy, order=order)
    return int(matches.first[0])


def test_the_hit_that_counts_has_the_highest_score_or_is_the_first_of_the_list() -> None:
    assert first([1.0, 3.0, 2.0], "score") == 1
    assert first([1.0, 3.0, 2.0], "list") == 0


def test_of_equal_scores_the_first_of_the_list_counts_and_one_set_by_hand_before_all() -> None:
    assert first([2.0, 5.0, 5.0], "score") == 1
    assert first([5.0, 5.0, np.nan], "score") == 2


def test_false_picks_cost_strict_precision_and_no_precision_of_shrecs_classes() -> None:
    truth, occupancy = scene()
    places = [(3, 4, 4), (3, 4, 7), (1, 1, 1), (6, 6, 6), (7, 9, 9), (3, 4, 3)]
    picks = listed(*places, species="aabaaa")
    table = confusion(occupancy_matches(picks, truth, occupancy, order="list"), picks, truth)
    assert table.f1.tolist() == [1.0, 1.0]
    # Of five picks called a two are right, of two particles a both.
    assert table.reported.tolist() == [5, 1]
    assert table.strict_precision.tolist() == pytest.approx([0.4, 1.0])
    assert table.strict_f1.tolist() == pytest.approx([2 * 2 / (5 + 2), 1.0])


def shrec_2020() -> tuple[Particles, Labels]:
    """Two particles in 200 slices, of which SHREC's tomogram has 156 more above and below."""
    data = np.zeros((200, 4, 4), np.int16)
    data[0, 1, 1], data[199, 2, 2] = 1, 2
    return listed((0, 1, 1), (199, 2, 2)), Labels(data, (VOXEL,) * 3)


def shifted(*voxels: tuple[float, ...]) -> Matches:
    """What picks hit in SHREC'20's tomogram."""
    truth, occupancy = shrec_2020()
    return occupancy_matches(listed(*voxels), truth, occupancy, shift=SHREC_2020_SHIFT)


def test_picks_may_count_from_the_first_slice_of_tomogram_or_specimen() -> None:
    for below in (0, 156):
        matches = shifted((below, 1, 1), (below + 199, 2, 2))
        assert matches.particle.tolist() == [0, 1]
        np.testing.assert_allclose(matches.distance, 0)
        assert not matches.is_outside.any()


def test_one_stray_pick_makes_all_count_from_the_specimens_first_slice() -> None:
    # 155 is below the specimen, so that 156 is taken for slice 156 of 200, and hits nothing.
    assert shifted((155, 0, 0), (156, 1, 1)).particle.tolist() == [-1, -1]
    assert shifted((156, 0, 0), (156, 1, 1)).particle.tolist() == [-1, 0]
    # 356 is still allowed by the script, though it is one slice above; 357 is not.
    assert shifted((356, 0, 0), (156, 1, 1)).particle.tolist() == [-1, 0]
    assert shifted((357, 0, 0), (156, 1, 1)).particle.tolist() == [-1, -1]


def test_a_particle_is_not_dilated_into_the_slices_that_are_padded() -> None:
    # Slice 356 is one above particle 2, but is filled up after the dilation.
    assert shifted((156, 1, 1), (356, 2, 2)).particle.tolist() == [0, -1]
    # As a list from the specimen's first slice: -1 would be in the padding, too.
    assert shifted((-1, 1, 1), (198, 2, 2)).particle.tolist() == [-1, 1]


def test_a_pick_is_outside_only_beyond_the_whole_tomogram_of_512_slices() -> None:
    matches = shifted((-156, 1, 1), (-157, 1, 1), (355, 1, 1), (356, 1, 1))
    assert matches.is_outside.tolist() == [False, True, False, True]


def dilated(data: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """The grey dilation by a cross, of the whole volume, by skimage."""
    from scipy.ndimage import generate_binary_structure
    from skimage.morphology import dilation

    return np.asarray(dilation(data, generate_binary_structure(3, 1)))


def test_every_voxel_is_hit_as_in_a_dilation_of_the_whole_volume() -> None:
    random = np.random.default_rng(0)
    data = random.integers(1, 40, (9, 8, 7), dtype=np.int32) * (random.random((9, 8, 7)) < 0.15)
    everywhere = np.argwhere(np.ones(data.shape))
    # Each particle lies in its own first voxel, those without any far away.
    own = [np.argwhere(data == number)[:1] for number in range(1, 40)]
    truth = listed(*(tuple(at[0].tolist()) if len(at) else (-99, 0, 0) for at in own))
    matches = occupancy_matches(
        Particles(np.asarray(everywhere * VOXEL, float)), truth, Labels(data, (VOXEL,) * 3)
    )
    np.testing.assert_array_equal(matches.particle + 1, dilated(data).ravel())


def test_the_frame_of_the_occupancy_is_where_its_origin_says() -> None:
    truth, occupancy = scene()
    origin = np.array([100.0, -50.0, 30.0])
    there = Labels(occupancy.data, occupancy.voxel_size, tuple(origin.tolist()))
    moved = Particles(truth.positions + origin, None, truth.species)
    matches = occupancy_matches(moved, moved, there)
    assert matches.particle.tolist() == [0, 1, 2]
    np.testing.assert_allclose(matches.distance, 0)


def test_an_occupancy_of_another_order_and_several_tomograms_are_refused() -> None:
    truth, occupancy = scene()
    swapped = listed((3, 4, 7), (1, 1, 1), (3, 4, 4))
    assert len(occupancy_matches(truth, truth, occupancy).first) == 3
    with pytest.raises(InputError, match="of 3 particles 1 lie where"):
        occupancy_matches(truth, swapped, occupancy)
    names = {TOMOGRAM: np.array(["a", "a", "b"])}
    with pytest.raises(InputError, match="each tomogram by itself"):
        occupancy_matches(
            Particles(truth.positions, columns=names),
            Particles(truth.positions, columns=names),
            occupancy,
        )


def test_what_has_a_number_beyond_the_list_is_no_particle() -> None:
    truth, occupancy = scene()
    data = np.array(occupancy.data)
    data[6, 8, 8] = 9  # gold
    matches = occupancy_matches(
        listed((6, 8, 8), (1, 1, 1)), truth, Labels(data, occupancy.voxel_size)
    )
    assert matches.particle.tolist() == [-1, 1]


def test_no_picks_find_nothing_and_score_zero() -> None:
    truth, occupancy = scene()
    found = localisation(occupancy_matches(listed(), truth, occupancy))
    assert (found.found, found.precision, found.recall, found.f1) == (0, 0.0, 0.0, 0.0)
    assert found.distance is None
