"""Which particles stay, and that nothing is lost of the others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from mapscope.errors import InputError
from mapscope.jobs import filter_particles
from mapscope.labels import Labels
from mapscope.particles import (
    ACCEPTED,
    REJECTED,
    TOMOGRAM,
    UNDECIDED,
    VERDICT,
    Particles,
    in_tomogram,
)
from mapscope.picking.filtering import rows_of
from mapscope.picking.neighbours import (
    count_neighbours,
    distance_to_nearest,
    without_duplicates,
)
from mapscope.volume import Grid, Region, Volume

GRID = Grid((40, 60, 80), (10.0, 10.0, 10.0), (50.0, -100.0, 25.0))


def picks(count: int = 200, seed: int = 0) -> Particles:
    """Particles all over a tomogram, a tenth of them set by hand."""
    random = np.random.default_rng(seed)
    index = random.uniform(-0.5, np.asarray(GRID.shape) - 0.5, (count, 3))
    score = random.uniform(0, 10, count)
    score[::10] = np.nan
    particles = Particles(
        GRID.world_from_index(index),
        Rotation.random(count, random_state=seed).as_matrix(),
        tuple(random.choice(["ribosome", "proteasome"], count)),
        score,
        {"row": np.arange(count), "note": np.array([f"n{n}" for n in range(count)])},
    )
    return in_tomogram(particles, GRID, "one")


def rows(particles: Particles) -> list[int]:
    return [int(n) for n in particles.columns["row"]]


def test_filter_particles_loses_nothing() -> None:
    before = picks()
    found = filter_particles(before, least_score=5.0, species="ribosome")
    assert sorted(rows(found.kept) + rows(found.removed)) == list(range(200))
    assert rows(found.kept) == sorted(rows(found.kept))
    assert found.number_kept == len(found.kept) > 20
    assert found.number_removed == len(found.removed) > 20
    for part in (found.kept, found.removed):
        whole = rows_of(before, np.array(rows(part)))
        plain = {k: v for k, v in part.columns.items() if k != "removed_by"}
        assert replace(part, columns=plain).checksum() == whole.checksum()
    assert "removed_by" not in found.kept.columns
    counts = dict(zip(found.reasons["reason"], found.reasons["removed"], strict=True))
    why = found.removed.columns["removed_by"]
    assert counts == {"score": (why == "score").sum(), "species": (why == "species").sum()}
    again = filter_particles(found.removed)
    assert "removed_by" not in again.kept.columns


def test_filter_particles_exempts_those_set_by_hand_from_scores_only() -> None:
    before = picks()
    found = filter_particles(before, least_score=8.0, most_score=9.0)
    score = found.kept.score
    assert score is not None
    assert np.isnan(score).sum() == 20
    finite = score[np.isfinite(score)]
    assert ((finite >= 8.0) & (finite <= 9.0)).all()
    by_hand = replace(before, score=None)
    assert filter_particles(by_hand, least_score=8.0).number_kept == 200
    region = Region((0, 0, 0), (40, 60, 40))
    assert np.isnan(filter_particles(before, region=region).removed.score).any()


def test_filter_particles_keeps_to_what_somebody_said_of_them() -> None:
    before = picks()
    verdicts = np.full(200, UNDECIDED, dtype=object)
    verdicts[:30], verdicts[30:60] = REJECTED, ACCEPTED
    judged = replace(before, columns={**before.columns, VERDICT: verdicts})
    found = filter_particles(judged, least_score=8.0)
    assert before.score is not None
    stays = ~(before.score < 8.0)
    stays[:30], stays[30:60] = False, True
    assert rows(found.kept) == np.flatnonzero(stays).tolist()
    why = dict(zip(rows(found.removed), found.removed.columns["removed_by"], strict=True))
    assert {why[n] for n in range(30)} == {"rejected"}
    near = filter_particles(before, None, None, judged, most_to_others=0.1)
    assert rows(near.kept) == list(range(30, 200)), "rejected gold beads do not count"


def test_filter_particles_by_region_and_edge_is_in_voxels_of_the_tomogram() -> None:
    before = picks()
    index = GRID.index_from_world(before.positions)
    region = Region((10, 20, 30), (30, 40, 60))
    inside = ((np.rint(index) >= region.lower) & (np.rint(index) < region.upper)).all(axis=1)
    found = filter_particles(before, region=region)
    assert 0 < inside.sum() < 200
    assert rows(found.kept) == np.flatnonzero(inside).tolist()
    room = np.minimum(index + 0.5, np.asarray(GRID.shape) - 0.5 - index).min(axis=1) * 10.0
    found = filter_particles(before, edge=80.0)
    assert rows(found.kept) == np.flatnonzero(room >= 80.0).tolist()
    bare = replace(before, columns={"row": before.columns["row"]})
    with pytest.raises(InputError, match="tomogram"):
        filter_particles(bare, edge=80.0)
    volume = Volume(np.zeros(GRID.shape, np.float32), GRID.voxel_size, GRID.origin)
    assert rows(filter_particles(bare, volume=volume, edge=80.0).kept) == rows(found.kept)


def test_filter_particles_by_distance_to_labels() -> None:
    membrane = np.zeros(GRID.shape, np.uint8)
    membrane[20:22] = 1
    membrane[:, :3] = 2
    labels = Labels(membrane, GRID.voxel_size, GRID.origin)
    before = picks()
    z = GRID.index_from_world(before.positions)[:, 0]
    distance = np.maximum(19.5 - z, z - 21.5) * 10.0  # of faces, between two slices
    settings = {"label": 1, "mask_distance": 60.0}
    near = filter_particles(before, None, labels, where="near", **settings)
    far = filter_particles(before, None, labels, where="outside", **settings)
    kept = set(rows(near.kept))
    clear = np.abs(np.abs(distance) - 60.0) > 5.0
    assert kept - {n for n in range(200) if np.abs(distance[n]) < 65.0} == set()
    assert set(np.flatnonzero(clear & (np.abs(distance) < 60)).tolist()) <= kept
    assert set(np.flatnonzero(clear & (distance > 60)).tolist()) <= set(rows(far.kept))
    assert not kept & set(rows(far.kept))
    inside = filter_particles(before, None, labels, label=1)
    expected = np.flatnonzero((np.rint(z) >= 20) & (np.rint(z) < 22))
    assert rows(inside.kept) == expected.tolist()
    mask = Volume((membrane == 1).astype(np.float32), GRID.voxel_size, GRID.origin)
    assert rows(filter_particles(before, mask).kept) == expected.tolist()
    with pytest.raises(InputError, match="not both"):
        filter_particles(before, mask, labels)


def brute_distances(particles: Particles) -> np.ndarray:
    """All distances, infinite between tomograms and to itself."""
    steps = particles.positions[:, None] - particles.positions
    distance: np.ndarray = np.linalg.norm(steps, axis=-1)
    names = particles.columns[TOMOGRAM]
    distance[names[:, None] != names] = np.inf
    np.fill_diagonal(distance, np.inf)
    return distance


@given(st.integers(1, 40), st.integers(0, 1000), st.floats(5, 150))
def test_neighbours_count_within_their_tomogram_only(
    count: int, seed: int, distance: float
) -> None:
    random = np.random.default_rng(seed)
    particles = Particles(
        random.uniform(0, 200, (count, 3)),
        score=random.uniform(0, 1, count),
        columns={TOMOGRAM: random.choice(["a", "b"], count)},
    )
    brute = brute_distances(particles)
    np.testing.assert_array_equal(
        count_neighbours(particles, distance), (brute <= distance).sum(axis=1)
    )
    kept = without_duplicates(particles, distance)
    assert (brute[np.ix_(kept, kept)] >= distance).all()
    gone = np.flatnonzero(~kept)
    score = particles.score
    assert score is not None
    for n in gone:
        assert (score[kept & (brute[n] < distance)] > score[n]).any()
    near = distance_to_nearest(particles, rows_of(particles, kept), distance)
    expected = np.where(kept, 0.0, np.where(kept, brute, np.inf).min(axis=1))
    np.testing.assert_allclose(near, np.where(expected <= distance, expected, np.inf))


def test_duplicates_of_several_species_may_stay_and_those_by_hand_do() -> None:
    positions = np.array([[0.0, 0, 0], [0, 0, 5], [0, 0, 8], [0, 0, 100], [0, 0, 103]])
    species = ("a", "a", "b", "a", "a")
    score = np.array([1.0, 2.0, 3.0, 9.0, np.nan])
    particles = Particles(positions, None, species, score, {"row": np.arange(5)})
    assert rows(filter_particles(particles, apart=10.0).kept) == [2, 4]
    within = filter_particles(particles, apart=10.0, within_species=True)
    assert rows(within.kept) == [1, 2, 4]
    assert set(within.removed.columns["removed_by"]) == {"duplicate"}


def test_filter_particles_by_neighbours_counts_those_that_stay() -> None:
    positions = np.array([[0.0, 0, 0], [0, 0, 10], [0, 0, 20], [0, 0, 500], [0, 0, 10.5]])
    score = np.array([5.0, 5.0, 5.0, 5.0, 1.0])
    particles = Particles(positions, score=score, columns={"row": np.arange(5)})
    settings = {"neighbours": 2, "neighbours_within": 12.0}
    assert rows(filter_particles(particles, **settings).kept) == [0, 1, 2, 4]
    assert rows(filter_particles(particles, least_score=2.0, **settings).kept) == [1]
    with pytest.raises(InputError, match="distance"):
        filter_particles(particles, neighbours=1)


def test_filter_particles_by_distance_to_another_list() -> None:
    before = picks(60)
    gold = Particles(before.positions[:5] + 12.0)
    distance = np.linalg.norm(before.positions[:, None] - gold.positions, axis=-1).min(axis=1)
    away = filter_particles(before, None, None, gold, least_to_others=90.0)
    near = filter_particles(before, None, None, gold, most_to_others=90.0)
    assert rows(away.kept) == np.flatnonzero(distance >= 90.0).tolist()
    assert rows(near.kept) == np.flatnonzero(distance <= 90.0).tolist()
    with pytest.raises(InputError, match="others"):
        filter_particles(before, least_to_others=90.0)


def test_filter_particles_of_an_unknown_species_names_the_known() -> None:
    with pytest.raises(InputError, match=r"proteasome.*ribosome"):
        filter_particles(picks(), species="ribosom")


def test_filter_particles_histogram_counts_every_scored_particle() -> None:
    found = filter_particles(picks(), least_score=4.0)
    score, kept, removed = (found.histogram[n] for n in ("score", "kept", "removed"))
    assert kept.sum() + removed.sum() == 180
    assert kept[score < 3.5].sum() == 0
    assert removed[score > 4.5].sum() == 0
    assert found.histogram.plot is not None
    assert found.histogram.plot.marks == {"≥ 4": 4.0}
    assert len(filter_particles(replace(picks(), score=None)).histogram) == 0


def test_filter_particles_of_an_empty_list_is_empty() -> None:
    found = filter_particles(
        Particles(np.empty((0, 3))), apart=10.0, neighbours=1, neighbours_within=5.0
    )
    assert (found.number_kept, found.number_removed) == (0, 0)
