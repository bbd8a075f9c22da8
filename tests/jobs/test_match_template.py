"""The job match_template: planted particles found, controls, several templates, stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from tests.match_phantom import VOXEL, template, tomogram

from mapscope import files
from mapscope.cache import shared
from mapscope.density.pose import even_rotations
from mapscope.errors import Cancelled, InputError, Partial
from mapscope.jobs import match_template
from mapscope.jobs.picking.match_template import MatchedTemplate
from mapscope.picking.orientation import angle_between
from mapscope.progress import Progress
from mapscope.table import Table
from mapscope.volume import Region, Volume

SHAPE = (22, 40, 40)
PLACES = np.array([(1, 8, 9), (11, 30, 8), (13, 9, 28), (11, 30, 31)])
SCALE = 0.85
BODY = template(scale=SCALE)
TURNS = even_rotations(60.0)[[3, 17, 29, 50]]
QUICK = {"coarse_angle": 30.0, "angle": 15.0}


@pytest.fixture(scope="module")
def phantom() -> Volume:
    return tomogram(SHAPE, PLACES, TURNS, noise=0.15, scale=SCALE)


@pytest.fixture(scope="module")
def found(phantom: Volume) -> MatchedTemplate:
    shared.clear()
    found: MatchedTemplate = match_template(phantom, BODY, **QUICK)
    return found


def stop_after(share: float, seen: list[float]) -> Progress:
    """A progress that asks to stop once a share is done."""

    def progress(done: int, total: int, message: str = "") -> None:
        seen.append(done / total)
        if done / total > share:
            raise Cancelled("stop")

    return progress


def test_planted_particles_are_found_with_their_orientation_also_at_a_face(
    found: MatchedTemplate,
) -> None:
    best = found.picks.positions[:4]
    away, which = cKDTree(best).query(PLACES * VOXEL)
    assert sorted(which) == [0, 1, 2, 3]
    assert away[1:].max() < 5.0
    assert away[0] < 12.0
    assert found.picks.rotations is not None
    assert found.picks.species is not None
    assert angle_between(found.picks.rotations[which], TURNS)[1:].max() < 25.0
    assert found.number >= 4
    assert found.picks.species[0] == "particle"


def test_scores_are_in_deviations_and_above_those_of_the_control(found: MatchedTemplate) -> None:
    columns, score = found.picks.columns, found.picks.score
    assert score is not None
    assert (np.diff(score) <= 0).all()
    explained = columns["ccc"] / np.sqrt(1 - columns["ccc"] ** 2)
    np.testing.assert_allclose(explained, score * columns["sigma"])
    assert (score[1:4] > 1.2 * columns["control"][1:4]).all()
    assert score[3] > 6
    at = np.unravel_index(np.argmax(found.scores.data), found.scores.shape)
    place = found.scores.grid.world_from_index(at)
    assert cKDTree(PLACES * VOXEL).query(place)[0] < 20.0
    assert found.scores.data[at] == pytest.approx(score.max(), rel=0.35)
    counted = sum(found.histogram["template"])
    assert counted >= found.number
    assert "control" in found.histogram.columns


def test_a_threshold_slides_without_another_search(phantom: Volume, found: MatchedTemplate) -> None:
    seen: list[float] = []
    assert found.picks.score is not None
    limit = float(found.picks.score[3])
    again = match_template(phantom, BODY, threshold=limit, progress=stop_after(-1, seen), **QUICK)
    assert again.number == 4
    np.testing.assert_array_equal(again.picks.positions, found.picks.positions[:4])


def test_a_dark_tomogram_of_another_gain_and_origin_gives_the_same_picks(
    phantom: Volume, found: MatchedTemplate
) -> None:
    dark = Volume(50 - 3 * phantom.data, (VOXEL,) * 3, (100.0, -20.0, 7.0), contrast=-1)
    other = match_template(dark, BODY, most=4, threshold=0.0, **QUICK)
    np.testing.assert_allclose(
        other.picks.positions - [100, -20, 7], found.picks.positions[:4], atol=0.5
    )


def test_an_off_centre_template_is_placed_by_its_own_middle(
    phantom: Volume, found: MatchedTemplate
) -> None:
    data = np.pad(BODY.data, 6)
    moved = Volume(np.roll(data, (2, -3, 4), axis=(0, 1, 2)), (VOXEL,) * 3)
    other = match_template(phantom, moved, most=4, threshold=0.0, **QUICK)
    shift = other.picks.rotations @ (VOXEL * np.array([2.0, -3.0, 4.0]))
    away, _ = cKDTree(found.picks.positions[:4]).query(other.picks.positions + shift)
    assert away.max() < 2.0


def test_a_region_and_a_mask_bound_where_picks_are(phantom: Volume) -> None:
    region = Region((0, 0, 18), SHAPE)
    part = match_template(phantom, BODY, region=region, most=2, threshold=0.0, **QUICK)
    away, _ = cKDTree(PLACES[2:] * VOXEL).query(part.picks.positions)
    assert away.max() < 5.0
    assert part.scores.shape == (11, 20, 11)
    assert part.scores.origin == (5.0, 5.0, 185.0)
    mask = np.zeros(SHAPE, np.float32)
    mask[:, 20:, :20] = 1
    inside = match_template(phantom, BODY, Volume(mask, (VOXEL,) * 3), threshold=4.0, **QUICK)
    assert np.linalg.norm(inside.picks.positions[0] - PLACES[1] * VOXEL) < 5.0
    assert (inside.picks.positions[:, 1] > 190).all()


def test_several_templates_take_what_fits_them_better(tmp_path: Path) -> None:
    turns = TURNS[:2]
    shape, there, here = (26, 36, 70), (13, 18, 17), (13, 18, 52)
    large = tomogram(shape, [there], turns[:1], noise=0.3)
    small = tomogram(shape, [here], turns[1:], noise=0.0, scale=0.65)
    volume = Volume(large.data + small.data, (VOXEL,) * 3)
    files.write(tmp_path / "large.mrc", template())
    files.write(tmp_path / "small.mrc", template(scale=0.65))
    settings = {"templates": tmp_path, "coarse_angle": 45.0, "angle": 45.0, "threshold": 4.0}
    found = match_template(volume, **settings)
    top: dict[str, Any] = {}
    for place, name in zip(found.picks.positions, found.picks.species, strict=True):
        top.setdefault(name, place / VOXEL)
    np.testing.assert_allclose(top["large"], there, atol=1.5)
    np.testing.assert_allclose(top["small"], here, atol=1.5)
    near = np.linalg.norm(found.picks.positions / VOXEL - there, axis=1) < 3
    assert [s for s, n in zip(found.picks.species, near, strict=True) if n] == ["large"]
    everything = match_template(volume, overlaps="keep", **settings)
    assert everything.number > found.number


def test_what_is_found_until_it_is_stopped_is_kept(phantom: Volume) -> None:
    shared.clear()
    seen: list[float] = []
    with pytest.raises(Partial) as stopped:
        match_template(phantom, BODY, coarse_angle=30.0, angle=30.0, progress=stop_after(0.5, seen))
    assert 0 < stopped.value.share < 0.8
    result = stopped.value.result
    away, _ = cKDTree(result.picks.positions[:8]).query(PLACES * VOXEL)
    assert (away < 15.0).sum() >= 3
    assert "stopped" in result.note
    with pytest.raises(Cancelled):
        match_template(phantom, BODY, seed=9, progress=stop_after(-1, seen), **QUICK)


def test_a_stopped_search_goes_on_from_its_folder(
    phantom: Volume, found: MatchedTemplate, tmp_path: Path
) -> None:
    shared.clear()
    seen: list[float] = []
    state = tmp_path / "state"
    with pytest.raises(Cancelled):
        match_template(phantom, BODY, state=state, progress=stop_after(0.5, seen), **QUICK)
    shared.clear()
    again: list[float] = []
    whole = match_template(phantom, BODY, state=state, progress=stop_after(2, again), **QUICK)
    assert again[0] >= 0.3
    np.testing.assert_allclose(whole.picks.positions, found.picks.positions, atol=1e-9)
    assert found.picks.score is not None
    np.testing.assert_allclose(whole.picks.score, found.picks.score, atol=1e-9)
    shared.clear()
    with pytest.raises(InputError, match="another search"):
        match_template(phantom, BODY, state=state, seed=5, **QUICK)


@pytest.mark.parametrize("control", ["sphere", "none"])
def test_other_controls_find_the_same_places(
    phantom: Volume, found: MatchedTemplate, control: str
) -> None:
    other = match_template(phantom, BODY, control=control, most=4, threshold=0.0, **QUICK)
    away, _ = cKDTree(found.picks.positions[:4]).query(other.picks.positions)
    assert away.max() < 1.0


def test_what_makes_no_sense_is_refused(phantom: Volume, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no template"):
        match_template(phantom)
    with pytest.raises(InputError, match="there is no template"):
        match_template(phantom, templates=tmp_path)
    with pytest.raises(InputError, match="two ends"):
        match_template(phantom, BODY, lowest_tilt=-60.0)
    with pytest.raises(InputError, match="column 'tilt'"):
        match_template(phantom, BODY, tilts=Table({"a": np.array([1.0])}))
    with pytest.raises(InputError, match="no point group"):
        match_template(phantom, BODY, symmetry="X")
