"""Templates, what the microscope leaves of them, orientations, wrong templates, and candidates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pytest
from tests.match_phantom import LUMPS, RADII, VOXEL, body, correlation, template

from mapscope.density.pose import even_rotations
from mapscope.density.symmetry import matrix_of_turn, rotations_of_group
from mapscope.errors import DataError, InputError
from mapscope.particles import Particles
from mapscope.picking.block_means import block_means
from mapscope.picking.candidates import (
    Noise,
    automatic_threshold,
    best_places,
    highest_around,
    highest_of,
    in_deviations,
    is_chance,
    one_by_chance,
    resolved,
    worth_refining,
)
from mapscope.picking.controls import control_of
from mapscope.picking.fine_search import Hits
from mapscope.picking.orientation import angle_between
from mapscope.picking.peaks import local_maxima
from mapscope.picking.rotations import crowther_spacing, search_rotations, turns_around
from mapscope.picking.running_best import RunningBest
from mapscope.picking.template import halved, prepared
from mapscope.picking.transfer import Microscope, Tilt, Transfer, tilts_of_table
from mapscope.picking.wedge import TiltRange
from mapscope.table import Table
from mapscope.volume import Grid, Volume


def nearest(rotations: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Degrees from each of `others` to the nearest of some rotations."""
    return np.array([angle_between(rotations, one).min() for one in others])


def test_any_beginning_of_the_rotations_covers_all_orientations() -> None:
    rotations = search_rotations(20.0)
    asked = even_rotations(47.0)
    assert nearest(rotations, asked).max() < 20.0
    # A quarter of them lies 4 ** (1 / 3) times as far apart.
    assert nearest(rotations[: len(rotations) // 4], asked).max() < 1.5 * 20.0 * 4 ** (1 / 3)
    assert np.abs(rotations.mean(axis=0)).max() < 0.02


@pytest.mark.parametrize("name", ["C4", "D3", "O"])
def test_with_symmetry_one_of_equal_orientations_is_left_and_none_is_missed(name: str) -> None:
    group = rotations_of_group(name)
    everything, some = search_rotations(20.0), search_rotations(20.0, group)
    assert len(some) == pytest.approx(len(everything) / len(group), rel=0.25)
    copies = (some[:, None] @ group).reshape(-1, 3, 3)
    assert nearest(copies, even_rotations(60.0)).max() < 22.0
    for one in some[:10]:
        others = one @ group[1:]
        assert nearest(some, others).min() > 2.0


def test_turns_around_are_none_first_then_steps_about_each_axis() -> None:
    turns = turns_around(10.0)
    np.testing.assert_allclose(turns[0], np.eye(3))
    angles = angle_between(turns, np.eye(3))
    np.testing.assert_allclose(np.sort(angles)[[0, 6, 18, 26]], [0, 10, 10 * 2**0.5, 10 * 3**0.5])
    assert crowther_spacing(200.0, 20.0) == pytest.approx(np.rad2deg(0.1))
    with pytest.raises(InputError, match="1 to 90"):
        search_rotations(0.1)


def test_many_tilts_measure_what_their_range_does() -> None:
    edge = 24
    tilts = tuple(Tilt(float(a)) for a in np.arange(-60, 60.1, 1.0))
    weights = Transfer(tilts).weights(edge, VOXEL)
    inside = TiltRange(-57, 57).weights(edge, np.eye(3)) == 1
    outside = TiltRange(-66, 66).weights(edge, np.eye(3)) == 0
    cosines = weights[inside]
    assert cosines[1:].min() > 0.5 - 0.02
    assert weights[outside].max() < 0.05
    assert weights[0, 0, 0] == 1


def test_contrast_transfer_dose_and_resolution_act_where_they_must() -> None:
    edge, defocus = 64, 30_000.0
    scope = Microscope()
    flat = Transfer(defocus=defocus).weights(edge, VOXEL)[0, 0]
    frequency = np.arange(edge // 2 + 1) / (edge * VOXEL)
    np.testing.assert_allclose(flat[1:], scope.transfer(frequency[1:], defocus), atol=1e-6)
    assert flat.min() < -0.5
    flipped = Transfer(defocus=defocus, microscope=Microscope(is_flipped=True))
    np.testing.assert_allclose(flipped.weights(edge, VOXEL)[0, 0, 1:], np.abs(flat[1:]), atol=1e-6)
    cut = Transfer(defocus=defocus, microscope=Microscope(to_first_zero=True))
    first = np.flatnonzero(flat < 0)[0]
    assert (cut.weights(edge, VOXEL)[0, 0, first:] == 0).all()
    np.testing.assert_allclose(cut.weights(edge, VOXEL)[0, 0, 1:first], flat[1:first], atol=1e-6)
    one = Transfer((Tilt(0.0, dose=50.0),)).weights(edge, VOXEL)[0, 0]
    np.testing.assert_allclose(one[1:], np.exp(-50.0 * frequency[1:] ** 2), atol=1e-6)
    low = Transfer(resolution=40.0).weights(edge, VOXEL)[0, 0]
    assert low[frequency < 0.023].min() == 1
    assert low[frequency > 0.027].max() == 0


def test_a_table_of_tilts_is_read_and_a_bad_one_refused() -> None:
    table = Table({"tilt": np.array([-3.0, 0.0]), "dose": np.array([1.0, 2.0])})
    assert tilts_of_table(table) == (Tilt(-3.0, None, 1.0), Tilt(0.0, None, 2.0))
    with pytest.raises(InputError, match="column 'tilt'"):
        tilts_of_table(Table({"angle": np.array([1.0])}))
    with pytest.raises(InputError, match="must hold numbers"):
        tilts_of_table(Table({"tilt": np.array(["a"])}))


@pytest.mark.parametrize("voxel", [3.0, 10.0])
@pytest.mark.parametrize("edge", [70, 71])
def test_a_template_is_centred_and_says_where_it_was(voxel: float, edge: int) -> None:
    moved = np.roll(body(edge, voxel=voxel), (3, -2, 4), axis=(0, 1, 2))
    here = prepared(Volume(body(edge, voxel=voxel), (voxel,) * 3), VOXEL)
    there = prepared(Volume(moved, (voxel,) * 3), VOXEL)
    np.testing.assert_allclose(there.offset - here.offset, voxel * np.array([3, -2, 4]), atol=0.2)
    np.testing.assert_allclose(there.fine, here.fine, atol=0.03)
    assert there.radius == pytest.approx(here.radius, rel=0.02)
    assert 2 * here.radius < here.edge * VOXEL < 6 * here.radius


def test_dark_templates_and_backgrounds_make_no_difference() -> None:
    plain = prepared(template(), VOXEL)
    dark = prepared(Volume(5 - body(19), (VOXEL,) * 3, contrast=-1), VOXEL)
    np.testing.assert_allclose(dark.fine, plain.fine, atol=1e-4)
    with pytest.raises(DataError, match="no density"):
        prepared(Volume(np.ones((8, 8, 8), np.float32), (VOXEL,) * 3), VOXEL)
    with pytest.raises(InputError, match="bin the tomogram"):
        prepared(template(), 0.5)


def test_kernels_have_mean_0_and_deviation_1_and_batches_equal_single_ones() -> None:
    ready = prepared(template(), VOXEL, transfer=Transfer(tilt_range=TiltRange(-60, 60)))
    rotations = search_rotations(60.0)[:4]
    kernels = ready.kernels(rotations).numpy()
    share = ready.mask / ready.mask.sum()
    for rotation, kernel in zip(rotations, kernels, strict=True):
        alone = ready.kernels(rotation[None]).numpy()[0]
        np.testing.assert_allclose(alone, kernel, atol=1e-7)
        assert kernel.sum() == pytest.approx(0.0, abs=1e-4)
        inside = share > 0
        assert (kernel[inside] ** 2 / share[inside]).sum() == pytest.approx(1.0, rel=1e-3)


def test_wrong_templates_keep_what_they_must() -> None:
    ready = prepared(template(), VOXEL)
    scrambled = control_of(ready, "scrambled", VOXEL, seed=1)
    axis = np.arange(len(ready.fine)) - len(ready.fine) // 2
    away = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    same = 0.0
    for radius in range(2, 20):
        one, other = (t.fine[np.abs(away - radius) < 0.5] for t in (ready, scrambled))
        assert other.mean() == pytest.approx(one.mean(), abs=1e-4)
        assert other.std() == pytest.approx(one.std(), abs=1e-4)
        same += abs(np.corrcoef(one, other)[0, 1]) / 18
    assert same < 0.25
    other = control_of(ready, "scrambled", VOXEL, seed=2).fine
    assert np.abs(other - scrambled.fine).max() > 0.2
    again = control_of(ready, "scrambled", VOXEL, seed=1)
    np.testing.assert_array_equal(again.fine, scrambled.fine)
    np.testing.assert_array_equal(control_of(ready, "mirrored", VOXEL).fine, ready.fine[::-1])
    ball = control_of(ready, "sphere", VOXEL)
    size = 4 / 3 * np.pi * (3 * ready.radius / VOXEL) ** 3
    assert ball.fine.sum() == pytest.approx(size, rel=0.02)
    np.testing.assert_allclose(ball.fine, ball.fine.transpose(2, 0, 1))


def test_best_places_are_the_highest_maxima_of_the_whole_map() -> None:
    random = np.random.default_rng(0)
    scores = random.random((80, 30, 30)).astype(np.float32)
    numbers = random.integers(0, 5, scores.shape).astype(np.uint32)
    rotations = search_rotations(60.0)[:5]
    found = best_places(RunningBest(scores, numbers), rotations, least=0.9, room=0.0, most=50)
    peaks = local_maxima(scores, 0.9)
    heights = np.sort(scores[tuple(peaks.T)])[::-1][:50]
    np.testing.assert_array_equal(found.scores, heights)
    at = tuple(found.places.astype(int).T)
    np.testing.assert_array_equal(found.rotations, rotations[numbers[at]])
    around = highest_around(scores, [[40, 15, 15], [0, 0, 0]], 2.0)
    assert around[0] == max(
        scores[40 + z, 15 + y, 15 + x]
        for z in range(-2, 3)
        for y in range(-2, 3)
        for x in range(-2, 3)
        if z * z + y * y + x * x <= 4
    )


def test_noise_is_that_of_the_bulk() -> None:
    random = np.random.default_rng(0)
    scores = random.normal(0.1, 0.02, (60, 60, 60)).astype(np.float32)
    scores[:3] = 0.9
    noise = Noise.of(scores)
    assert noise.level == pytest.approx(0.1, rel=0.02)
    assert noise.spread == pytest.approx(0.02, rel=0.1)


def test_scores_in_deviations_leave_out_what_the_template_explains() -> None:
    random = np.random.default_rng(0)
    noise = random.standard_normal((400, 500))
    shape = random.standard_normal(500)
    for height in (0.1, 1.0):
        given = noise + height * shape
        ccc = [np.corrcoef(one, shape)[0, 1] for one in given]
        unit = np.std([np.corrcoef(one, shape)[0, 1] for one in noise])
        # What an ideal filter sees, however strong the signal is.
        ideal = height * np.linalg.norm(shape)
        assert np.mean(in_deviations(ccc, unit)) == pytest.approx(ideal, rel=0.1)


def test_one_of_many_tries_lies_above_what_is_expected_by_chance() -> None:
    normal = np.random.default_rng(0).standard_normal((200, 10_000))
    above = (normal > one_by_chance(10_000)).sum(axis=1)
    assert above.mean() == pytest.approx(1.0, abs=0.25)


def test_places_worth_a_closer_look_hold_the_particles_and_not_all_noise() -> None:
    random = np.random.default_rng(0)
    noise, control = (random.gumbel(4.0, 0.5, 3000) for _ in range(2))
    particles = random.normal(6.0, 1.0, 60)
    scores = np.sort(np.concatenate([noise, particles]))[::-1]
    count = worth_refining(scores, control)
    assert count < 1000
    assert (particles >= scores[count - 1]).mean() > 0.93
    assert worth_refining(scores, None) == len(scores)
    assert worth_refining(scores[:80], control) == 80


def test_a_template_for_larger_voxels_is_that_of_the_means_of_voxels() -> None:
    transfer = Transfer(tilt_range=TiltRange(-60.0, 60.0))
    turn = matrix_of_turn([20, -35, 50])
    half = prepared(Volume(body(45, voxel=5.0), (5.0,) * 3), 5.0, transfer=transfer)
    found = halved(half, 5.0).kernels(turn[None])[0].numpy()
    edge = len(found)
    # A tomogram that holds nothing but the turned body, about the corner of eight voxels.
    axis = (np.arange(2 * edge) - 2 * (edge // 2) - 0.5) * 5.0
    places = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    density = np.zeros((2 * edge,) * 3)
    for centre, radius in zip(LUMPS @ turn.T, RADII, strict=True):
        away = np.linalg.norm(places - centre + turn @ half.offset, axis=-1)
        density += 1 / (1 + np.exp((away - radius) / 5.0))
    weights = transfer.weights(2 * edge, 5.0)
    waves = np.fft.rfftn(density) * weights
    seen = np.fft.irfftn(waves, s=density.shape, axes=(0, 1, 2)).astype(np.float32)
    means = block_means(Volume(seen, (5.0,) * 3), 2).float32()
    mask = halved(half, 5.0).mask
    assert correlation(means, found, mask) > 0.99
    wrong = halved(half, 5.0).kernels(matrix_of_turn([20, -35, 80])[None])[0].numpy()
    assert correlation(means, wrong, mask) < 0.95


def test_maps_of_voxels_of_two_sizes_lie_on_each_other() -> None:
    random = np.random.default_rng(0)
    fine = random.random((40, 9, 12)).astype(np.float32) * 0.5
    large = random.random((20, 5, 6)).astype(np.float32) * 0.5
    grid = Grid(fine.shape, (10.0,) * 3, (30.0, 0.0, 0.0))
    larger = Grid(large.shape, (20.0,) * 3, (35.0, 5.0, 5.0))
    found = highest_of([(fine, grid, 0.1), (large, larger, 0.05)], grid)
    spread = large.repeat(2, 0).repeat(2, 1).repeat(2, 2)[:40, :9, :12]
    expected = np.maximum(in_deviations(fine, 0.1), in_deviations(spread, 0.05))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_threshold_lets_one_in_twenty_pass_by_chance() -> None:
    right = np.concatenate([np.full(60, 9.0), np.full(39, 6.0), [5.0, 4.0]])
    assert automatic_threshold(right, np.array([3.0, 5.5, 7.0, 6.5, 5.9, 5.8, 5.7])) == 6.0
    assert automatic_threshold(right, np.array([3.0, 2.0])) == 4.0
    assert automatic_threshold(np.array([1.0]), np.array([3.0])) > 3.0
    assert automatic_threshold(np.empty(0), np.empty(0)) == 0.0


def hits_at(places: Iterable[float], scores: npt.ArrayLike) -> Hits:
    """Hits along a line."""
    at = np.array([(5.0, 5.0, x) for x in places]).reshape(-1, 3)
    return Hits(at, np.tile(np.eye(3), (len(at), 1, 1)), np.array(scores))


def test_a_control_at_a_clear_particle_is_no_chance() -> None:
    # Two particles, and noise at 40 and 60.
    hits = hits_at([5, 20, 40, 60], [0.9, 0.8, 0.3, 0.2])
    wrong = hits_at([6, 12, 27, 41, 52, 61], [0.5, 0.6, 0.5, 0.25, 0.28, 0.22])
    found = is_chance(wrong, hits, reach=8.0)
    assert found.tolist() == [False, False, False, False, True, True]
    assert is_chance(wrong, hits[slice(0)], reach=8.0).all()


def test_noise_that_fits_the_template_explains_no_hits_of_the_control() -> None:
    random = np.random.default_rng(0)
    places = random.uniform(0, 20_000, 1030)
    noise = random.gumbel(5.0, 0.7, 1000)
    hits = hits_at(places, [*noise, *random.uniform(15, 25, 30)])
    elsewhere = hits_at(random.uniform(0, 20_000, 1000), random.gumbel(5.0, 0.7, 1000))
    rims = hits_at(places[-30:] + 3, random.uniform(8, 14, 30))
    wrong = Hits(
        *(
            np.concatenate([getattr(h, name) for h in (elsewhere, rims)])
            for name in ("places", "rotations", "scores")
        )
    )
    found = is_chance(wrong, hits, reach=8.0)
    assert not found[-30:].any()
    assert found[:1000].mean() > 0.95
    threshold = automatic_threshold(hits.scores, wrong.scores[found])
    assert 30 <= (hits.scores >= threshold).sum() <= 34


def test_of_overlapping_species_the_better_one_stays() -> None:
    found = Particles(
        np.array([[0.0, 0, 0], [30.0, 0, 0], [100.0, 0, 0]]),
        np.tile(matrix_of_turn([1, 2, 3]), (3, 1, 1)),
        ("a", "b", "a"),
        np.array([5.0, 8.0, 2.0]),
    )
    assert resolved(found, 50.0).species == ("b", "a")
    assert resolved(found, np.array([50.0, 20.0, 50.0])).species == ("a", "b", "a")
