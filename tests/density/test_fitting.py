from functools import cache

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from mapscope.density.body import Body
from mapscope.density.detail import finest_detail
from mapscope.density.fit_report import table_of, verdict_on
from mapscope.density.fitting import fit_globally, fit_locally
from mapscope.density.pose import Poses
from mapscope.density.probe import Probe, Target, probe_of, target_of, without_detail
from mapscope.density.refinement import correlations, refine
from mapscope.errors import DataError, GridError
from mapscope.volume import Grid, Volume

GRID = Grid((44, 48, 40), (1.5, 1.5, 1.5), (5.0, -10.0, 20.0))
TRUTH = GRID.world_from_index([20.3, 25.1, 18.7])


@cache
def blobs(seed: int) -> np.ndarray:
    """Places of sixty atoms around 0, Å."""
    points = np.random.default_rng(seed).normal(0, [9, 6, 4], (60, 3))
    return np.asarray(points - points.mean(axis=0))


def density_at(points: np.ndarray, grid: Grid, width: float) -> Volume:
    """A Gaussian at each point."""
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    voxels = grid.world_from_index(index)
    data = np.zeros(grid.shape)
    for point in points:
        data += np.exp(-((voxels - point) ** 2).sum(axis=-1) / (2 * width**2))
    return Volume(data.astype(np.float32), grid.voxel_size, grid.origin)


@cache
def body(seed: int = 0) -> Body:
    """The atoms as a body whose pivot is at 0."""
    points = blobs(seed)

    @cache
    def density(resolution: float) -> Volume:
        step = resolution / 4
        half = int(np.ceil((np.abs(points).max() + 2 * resolution) / step))
        grid = Grid((2 * half + 1,) * 3, (step,) * 3, (-half * step,) * 3)
        return density_at(points, grid, np.hypot(1.0, 0.187 * resolution))

    squares = (points**2).sum(axis=1)
    return Body(density, np.zeros(3), float(np.sqrt(squares.mean())), float(squares.max() ** 0.5))


@cache
def turn() -> np.ndarray:
    """How the atoms are turned in the map."""
    return np.asarray(Rotation.random(random_state=np.random.default_rng(9)).as_matrix())


@cache
def volume(copies: int = 1) -> Volume:
    """A map of the atoms, turned, with noise; the second copy is turned by 180° about z."""
    first = blobs(0) @ turn().T + TRUTH
    around = np.asarray(GRID.world_from_index([20.3, 24, 20]))
    second = (first - around) * [1, -1, -1] + around
    clean = density_at(np.concatenate([first, second][:copies]), GRID, 1.0)
    noise = np.random.default_rng(4).standard_normal(GRID.shape)
    return clean.with_data(clean.data + (0.3 * clean.data.std() * noise).astype(np.float32))


def distance(poses: Poses) -> float:
    """Å between the body at the first pose and where it belongs."""
    placed = poses.of(blobs(0))[0]
    return float(np.sqrt(((placed - blobs(0) @ turn().T - TRUTH) ** 2).sum(axis=1).mean()))


def near_truth() -> Body:
    """The body a few Å and degrees from where it belongs."""
    off = Rotation.from_rotvec(np.deg2rad([6.0, -5.0, 4.0])).as_matrix()
    points = blobs(0) @ (off @ turn()).T
    step = 1.0
    half = int(np.ceil(np.abs(points).max() + 8))
    pivot = TRUTH + np.array([1.0, -0.8, 0.7])

    def density(resolution: float) -> Volume:
        z, y, x = (float(p) for p in pivot - half * step)
        grid = Grid((2 * half + 1,) * 3, (step,) * 3, (z, y, x))
        return density_at(points + pivot, grid, np.hypot(1.0, 0.187 * resolution))

    reach = float(np.sqrt((points**2).sum(axis=1).max()))
    return Body(density, pivot, body().radius, reach)


def test_target_when_read_at_its_voxels_gives_them_and_nothing_outside() -> None:
    data = torch.arange(24.0).reshape(1, 1, 2, 3, 4)
    grid = Grid((2, 3, 4), (1.0, 2.0, 3.0), (5.0, 6.0, 7.0))
    target = Target(data, grid)
    index = np.array([[0, 0, 0], [1, 2, 3], [0, 1, 2], [5, 5, 5]])
    places = torch.as_tensor(grid.world_from_index(index), dtype=torch.float32)[None]
    assert target.at(places)[0].tolist() == pytest.approx([0, 23, 6, 0], abs=1e-4)


def test_slopes_of_a_probe_when_density_is_a_gaussian_are_its_gradient() -> None:
    grid = Grid((31, 31, 31), (0.8, 0.8, 0.8), (-12.0, -12.0, -12.0))
    probe = probe_of(density_at(np.zeros((1, 3)), grid, 3.0), np.zeros(3), 0.2)
    exact = -probe.offsets * probe.values[:, None] / 9
    assert np.abs(probe.slopes - exact).max() < 2e-3 * np.abs(exact).max()


def test_refine_when_many_poses_are_given_equals_one_at_a_time_and_never_worsens() -> None:
    probe, target = body().probe(4.0), target_of(volume(), 4.0, "cpu", None)
    random = np.random.default_rng(5)
    turns = turn() @ Rotation.from_rotvec(random.normal(0, 0.1, (4, 3))).as_matrix()
    starts = Poses(turns, TRUTH + random.normal(0, 1, (4, 3)))
    together = refine(probe, target, starts, steps=10, reach=1.0)
    for number, start in enumerate(starts):
        alone = refine(probe, target, start, steps=10, reach=1.0)
        assert alone.correlations[0] == pytest.approx(together.correlations[number], abs=1e-4)
        assert distance(alone.poses) < 0.15
    assert (together.correlations >= correlations(probe, target, starts)).all()


def test_mirrored_probe_when_placed_like_the_body_fits_worse() -> None:
    probe, target = body().probe(4.0), target_of(volume(), 4.0, "cpu", None)
    pose = Poses(turn()[None], TRUTH[None])
    assert correlations(probe, target, pose)[0] > 0.9
    assert correlations(probe.mirrored(), target, pose)[0] < 0.6


def test_fit_locally_when_the_body_is_near_puts_it_back_and_calls_it_true() -> None:
    start = near_truth()
    fits = fit_locally(start, volume(), 4.0)
    shift = fits.poses.positions[0] - TRUTH
    assert np.linalg.norm(shift) < 0.1
    assert fits.is_true
    assert verdict_on(fits).startswith("true fit")


def test_fit_globally_when_the_body_is_anywhere_puts_it_back_and_calls_it_true() -> None:
    fits = fit_globally(body(), volume(), 4.0, spacing=30.0)
    assert distance(fits.poses) < 0.15
    assert fits.is_true
    assert fits.kinds[0] == "best"
    assert set(fits.kinds[1:]) <= {"other"}
    table = table_of(fits, body())
    assert table["distance_from_best"][0] == pytest.approx(0, abs=1e-3)
    assert np.allclose(table["shift_z"][0], fits.poses.positions[0, 0])


def test_fit_globally_when_another_body_is_meant_says_no_true_fit() -> None:
    fits = fit_globally(body(seed=1), volume(), 4.0, spacing=30.0)
    assert not fits.is_true
    assert verdict_on(fits).startswith("no true fit")


def test_fit_globally_when_the_map_holds_two_copies_names_the_second_a_symmetry() -> None:
    fits = fit_globally(body(), volume(copies=2), 4.0, spacing=30.0)
    assert fits.is_true
    assert fits.kinds.count("symmetry of the map") == 1
    assert fits.kinds[1] == "symmetry of the map"
    assert "1 more by symmetry" in verdict_on(fits)


def test_fit_locally_when_the_body_lies_outside_the_map_is_refused() -> None:
    far = Body(body().density, np.array([500.0, 0, 0]), body().radius, body().reach)
    with pytest.raises(GridError, match="outside"):
        fit_locally(far, volume(), 4.0)


def test_probe_when_too_few_voxels_are_dense_is_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        probe_of(volume(), TRUTH, 1e6)


def test_finest_detail_when_a_map_was_filtered_is_about_that() -> None:
    noise = np.random.default_rng(6).standard_normal((40, 40, 40)).astype(np.float32)
    rough = Volume(noise, (1.5, 1.5, 1.5))
    assert finest_detail(rough) == pytest.approx(4.5)
    # The filter's power is 1e-4 of that at 30 Å where (20 f)² is 6.2.
    assert finest_detail(without_detail(rough, 20.0)) == pytest.approx(8.0, abs=1.0)


def test_sampled_probe_when_small_is_whole() -> None:
    probe = Probe(np.zeros((3, 3)), np.ones(3), np.zeros((3, 3)))
    assert probe.sampled(5, 0) is probe
    assert len(probe.sampled(2, 0)) == 2
