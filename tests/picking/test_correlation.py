"""A turned template correlated with every voxel of a tomogram, against its definition."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.match_phantom import VOXEL, body, correlation, template, tomogram

from mapscope.density.symmetry import matrix_of_turn
from mapscope.errors import DataError, InputError
from mapscope.picking import correlation as engine
from mapscope.picking.controls import control_of
from mapscope.picking.correlation import Search, Searched, layout
from mapscope.picking.fine_search import Hits, made_finer
from mapscope.picking.orientation import angle_between
from mapscope.picking.rotations import search_rotations
from mapscope.picking.running_best import RunningBest
from mapscope.picking.template import OVERSAMPLING, Template, prepared, turned
from mapscope.picking.transfer import Transfer
from mapscope.picking.wedge import TiltRange
from mapscope.volume import Region, Volume

QUARTERS = [matrix_of_turn(90.0 * np.eye(3)[axis]).round(12) for axis in range(3)]


def searched_for(
    volume: Volume, ready: Template, rotations: np.ndarray, region: Region | None = None
) -> RunningBest:
    """A whole search."""
    searched = Searched.of(volume, region)
    best = RunningBest.empty(searched.shape)
    Search(searched, ready, rotations, best).run()
    return best


def top(best: RunningBest) -> tuple[int, ...]:
    """The voxel with the highest score."""
    return tuple(int(i) for i in np.unravel_index(np.argmax(best.scores), best.scores.shape))


@pytest.mark.parametrize("edge", [15, 16])
@pytest.mark.parametrize("rotation", QUARTERS)
def test_a_quarter_turn_moves_each_voxel_to_where_it_says(edge: int, rotation: np.ndarray) -> None:
    random = np.random.default_rng(0)
    half = OVERSAMPLING * (edge // 2)
    fine = random.random((2 * half + 1,) * 3).astype(np.float32)
    found = turned(fine, rotation[None], edge, "cpu")[0].numpy()
    for offset in itertools.product((-3, 0, 2, 4), repeat=3):
        before = tuple(half + OVERSAMPLING * np.array(offset))
        after = tuple(np.rint(edge // 2 + rotation @ offset).astype(int))
        assert found[after] == pytest.approx(fine[before], abs=1e-5)


@pytest.mark.parametrize("shape", [(31, 33, 35), (32, 36, 40), (31, 36, 33)])
@pytest.mark.parametrize("edge", [18, 19])
def test_the_best_voxel_and_rotation_are_those_of_the_particle(
    shape: tuple[int, int, int], edge: int
) -> None:
    rotations = search_rotations(40.0)
    place, number = (13, 17, 21), 77
    volume = tomogram(shape, [place], rotations[number : number + 1])
    ready = prepared(template(edge), VOXEL)
    best = searched_for(volume, ready, rotations)
    middle = np.add(place, rotations[number] @ ready.offset / VOXEL)
    np.testing.assert_allclose(top(best), middle, atol=0.51)
    assert best.numbers[top(best)] == number


@pytest.mark.parametrize("shape", [(27, 31, 29), (28, 30, 32)])
def test_scores_are_the_weighted_correlation_under_the_mask(shape: tuple[int, int, int]) -> None:
    rotations = search_rotations(40.0)[:3]
    volume = tomogram(shape, [(12, 14, 15)], rotations[:1])
    ready = prepared(template(), VOXEL, transfer=Transfer(tilt_range=TiltRange(-60, 50)))
    best = searched_for(volume, ready, rotations)
    boxes = turned(ready.fine, rotations, ready.edge, "cpu").numpy()
    waves = np.fft.rfftn(boxes, axes=(1, 2, 3)) * ready.weights
    boxes = np.fft.irfftn(waves, s=boxes.shape[1:], axes=(1, 2, 3))
    around = np.pad(volume.data - volume.data.mean(dtype=np.float64), ready.edge)
    for place in [(12, 14, 15), (0, 0, 0), (26, 5, 28), (13, 30 - 4, 2)]:
        lower = np.array(place) - ready.edge // 2 + ready.edge
        box = around[tuple(slice(a, a + ready.edge) for a in lower)]
        expected = [correlation(box, b, ready.mask) for b in boxes]
        assert best.scores[place] == pytest.approx(max(expected), abs=2e-4)
        assert best.numbers[place] == int(np.argmax(expected))


def test_a_mask_that_is_no_ball_turns_with_the_template() -> None:
    rotations = search_rotations(40.0)[:3]
    volume = tomogram((28, 28, 28), [(14, 14, 14)], rotations[1:2])
    mask = Volume((body(19) > 0.2).astype(np.float32), (VOXEL,) * 3)
    ready = prepared(template(), VOXEL, mask=mask)
    best = searched_for(volume, ready, rotations)
    boxes = turned(ready.fine, rotations, ready.edge, "cpu").numpy()
    masks = ready.masks(rotations, "cpu").numpy()
    around = np.pad(volume.data - volume.data.mean(dtype=np.float64), ready.edge)
    for place in [(14, 14, 14), (3, 20, 25)]:
        lower = np.array(place) - ready.edge // 2 + ready.edge
        box = around[tuple(slice(a, a + ready.edge) for a in lower)]
        expected = [correlation(box, b, m) for b, m in zip(boxes, masks, strict=True)]
        assert best.scores[place] == pytest.approx(max(expected), abs=2e-4)


def test_the_wrong_hand_fits_worse() -> None:
    rotations = search_rotations(45.0)
    volume = tomogram((24, 24, 24), [(12, 12, 12)], rotations[9:10], noise=0.05)
    ready = prepared(template(), VOXEL)
    right = searched_for(volume, ready, rotations).scores.max()
    wrong = searched_for(volume, control_of(ready, "mirrored", VOXEL), rotations).scores.max()
    assert right > 0.9
    assert 1 - wrong > 2 * (1 - right)  # of what neither explains


def test_turning_template_and_tomogram_together_changes_nothing() -> None:
    rotations = search_rotations(90.0)
    volume = tomogram((24, 28, 26), [(11, 14, 12)], rotations[4:5])
    ready = prepared(template(), VOXEL)
    for quarter, axes in zip(QUARTERS, [(2, 1), (0, 2), (1, 0)], strict=True):
        # The turn takes x to y, z to x, and y to z.
        moved = Volume(np.rot90(volume.data, 1, axes), (VOXEL,) * 3)
        once = searched_for(volume, ready, rotations)
        again = searched_for(moved, ready, quarter @ rotations)
        np.testing.assert_allclose(np.rot90(once.scores, 1, axes), again.scores, atol=2e-4)


def test_tiles_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rotations = search_rotations(90.0)
    volume = tomogram((30, 65, 42), [(14, 17, 15), (20, 50, 30)], rotations[4:6])
    ready = prepared(template(), VOXEL)
    whole = searched_for(volume, ready, rotations)
    monkeypatch.setitem(engine._MOST_VOXELS, "cpu", 0)
    plan = layout((30, 65, 42), ready.edge, 0)
    assert len(plan) > 4
    monkeypatch.setattr(engine, "_KERNEL_BYTES", 8 * np.prod(plan.shape) * 8)
    monkeypatch.setattr(engine, "_TILE_BYTES", 0)
    tiled = searched_for(volume, ready, rotations)
    np.testing.assert_allclose(tiled.scores, whole.scores, atol=1e-5)
    assert (tiled.numbers == whole.numbers).mean() > 0.999


def test_a_region_gives_its_part_of_the_whole() -> None:
    rotations = search_rotations(60.0)
    volume = tomogram((40, 45, 42), [(14, 17, 15)], rotations[4:5])
    ready = prepared(template(), VOXEL)
    region = Region((5, 9, 3), (30, 28, 29))
    whole = searched_for(volume, ready, rotations)
    part = searched_for(volume, ready, rotations, region)
    np.testing.assert_allclose(part.scores, whole.scores[region.slices], atol=1e-5)


def test_gain_and_offset_of_the_tomogram_change_nothing() -> None:
    rotations = search_rotations(60.0)
    volume = tomogram((30, 30, 30), [(14, 17, 15)], rotations[4:5])
    far = Volume(volume.data * np.float32(-40.0) + np.float32(1e4), (VOXEL,) * 3, contrast=-1)
    ready = prepared(template(), VOXEL)
    once, again = (searched_for(v, ready, rotations) for v in (volume, far))
    np.testing.assert_allclose(once.scores, again.scores, atol=2e-3)


def test_what_is_empty_scores_nothing_and_a_constant_tomogram_is_refused() -> None:
    rotations = search_rotations(60.0)
    data = np.array(tomogram((30, 60, 30), [(14, 14, 15)], rotations[4:5]).data)
    data[:, 30:] = data[:, :30].mean()
    best = searched_for(Volume(data, (VOXEL,) * 3), prepared(template(), VOXEL), rotations)
    assert np.isfinite(best.scores).all()
    assert np.abs(best.scores[:, 48:]).max() < 1e-3 < best.scores[14, 14, 15]
    with pytest.raises(DataError, match="constant"):
        Searched.of(Volume(np.ones((8, 8, 8), np.float32)))


@settings(deadline=None)
@given(
    st.tuples(*[st.integers(1, 200)] * 3),
    st.integers(5, 48),
    st.sampled_from([0.0, 1e5, 1e9]),
    st.tuples(*[st.booleans()] * 3),
)
def test_tiles_cover_every_voxel_once_and_no_score_goes_round(
    shape: tuple[int, int, int], edge: int, most: float, is_whole: tuple[bool, bool, bool]
) -> None:
    plan = layout(shape, edge, most, is_whole)
    for count, axis, whole in zip(shape, plan.axes, is_whole, strict=True):
        assert [n for t in axis.tiles for n in range(t.start, t.stop)] == list(range(count))
        assert max(t.stop - t.start for t in axis.tiles) == axis.kept
        assert axis.first + axis.kept <= axis.size
        if axis.lead:
            assert axis.kept + edge - 1 <= axis.size
        else:
            assert whole
            assert count + edge // 2 <= axis.size


def test_finer_angles_and_places_come_nearer_to_the_truth() -> None:
    truth = matrix_of_turn([20.0, 45.0, -110.0])
    coarse = search_rotations(40.0)
    volume = tomogram((32, 32, 32), [(16, 15, 17)], [truth], noise=0.2)
    searched, ready = Searched.of(volume), prepared(template(), VOXEL)
    best = searched_for(volume, ready, coarse)
    first = Hits(
        np.array([top(best)], float),
        coarse[best.numbers[top(best)]][None],
        best.scores[top(best)][None],
    )
    found = made_finer(searched, ready, first, spacing=40.0, finest=5.0)
    assert found.scores[0] > first.scores[0]
    assert angle_between(found.rotations, truth)[0] < 5.0
    middle = np.add((16, 15, 17), truth @ ready.offset / VOXEL)
    assert np.linalg.norm(found.places[0] - middle) < 0.3


def test_a_search_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    rotations = search_rotations(90.0)
    volume = tomogram((24, 28, 26), [(11, 14, 12)], rotations[14:15])
    searched, ready = Searched.of(volume), prepared(template(), VOXEL)
    unbroken = searched_for(volume, ready, rotations)
    first = RunningBest.in_folder(tmp_path, searched.shape, "this")
    Search(searched, ready, rotations[:12], first).run()
    # Killed between the scores of a later block and the note that it is finished.
    first.update((slice(None),) * 3, unbroken.scores, np.zeros_like(unbroken.numbers))
    del first
    second = RunningBest.in_folder(tmp_path, searched.shape, "this")
    assert second.finished == 12
    Search(searched, ready, rotations, second).run()
    np.testing.assert_array_equal(second.scores, unbroken.scores)
    at = top(unbroken)
    assert second.numbers[at] == unbroken.numbers[at] == 14
    with pytest.raises(InputError, match="another search"):
        RunningBest.in_folder(tmp_path, searched.shape, "that")
