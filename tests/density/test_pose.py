import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mapscope.density.pose import Poses, distinct, even_rotations


def some_poses(count: int, seed: int = 0) -> Poses:
    """Random poses."""
    random = np.random.default_rng(seed)
    turns = Rotation.random(count, random_state=random).as_matrix()
    return Poses(turns, random.normal(0, 10, (count, 3)))


@pytest.mark.parametrize("spacing", [40.0, 22.0])
def test_even_rotations_when_any_orientation_is_asked_for_have_one_near(spacing: float) -> None:
    rotations = even_rotations(spacing)
    assert np.allclose(np.linalg.det(rotations), 1)
    wanted = Rotation.random(200, random_state=np.random.default_rng(1)).as_matrix()
    traces = np.einsum("aij,bij->ab", wanted, rotations)
    angles = np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1))).min(axis=1)
    assert angles.max() < spacing


def test_distances_of_poses_when_the_body_is_round_are_those_of_its_points() -> None:
    points = np.random.default_rng(2).normal(0, 5, (40_000, 3))
    points -= points.mean(axis=0)
    poses = some_poses(6)
    radius = np.sqrt((points**2).sum(axis=1).mean())
    moved = poses.of(points)
    measured = np.sqrt(((moved - moved[2]) ** 2).sum(axis=2).mean(axis=1))
    assert np.allclose(poses.distances(poses[2], radius), measured, rtol=0.02)


def test_relative_to_when_applied_before_the_other_pose_gives_each_pose() -> None:
    poses, points = some_poses(4), np.random.default_rng(3).normal(0, 5, (7, 3))
    moves = poses.relative_to(poses[1])
    again = poses[1].of(moves.of(points).reshape(-1, 3)).reshape(4, 7, 3)
    assert np.allclose(again, poses.of(points))


def test_distinct_when_poses_repeat_keeps_the_first_of_each() -> None:
    poses = some_poses(5)
    twice = Poses.joined([poses, Poses(poses.rotations, poses.positions + 0.01)])
    assert distinct(twice, 10.0, 1.0, 20) == [0, 1, 2, 3, 4]
    assert distinct(twice, 10.0, 1.0, 2) == [0, 1]
