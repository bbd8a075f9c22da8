"""Blobs in simulated tomograms, up to their faces, by tiles as in the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from scipy.spatial import cKDTree

from mapscope.arrays import LazyArray
from mapscope.errors import Cancelled, DataError, InputError
from mapscope.jobs import pick_blobs
from mapscope.particles import TOMOGRAM_ORIGIN, TOMOGRAM_SHAPE, VOXEL_SIZE
from mapscope.picking import block_means as block_means_module
from mapscope.picking import difference_of_gaussians
from mapscope.picking.blobs import BlobSearch, best_blobs
from mapscope.picking.block_means import block_means
from mapscope.volume import Region, Volume

TEN = (10.0, 10.0, 10.0)
ORIGIN = (100.0, -200.0, 300.0)
Floats = npt.NDArray[np.float64]


def balls(shape: tuple[int, int, int], centres: npt.ArrayLike, radii: npt.ArrayLike) -> Floats:
    """Density of balls with an edge of one voxel."""
    density = np.zeros(shape)
    index = np.moveaxis(np.indices(shape), 0, -1)
    for centre, radius in zip(
        np.asarray(centres), np.broadcast_to(radii, len(np.asarray(centres))), strict=True
    ):
        density += np.clip(radius + 0.5 - np.linalg.norm(index - centre, axis=-1), 0, 1)
    return density


def scattered(shape: tuple[int, int, int], count: int, apart: float, seed: int) -> Floats:
    """Places in voxels, up to the faces, none nearer than `apart`."""
    random = np.random.default_rng(seed)
    places: list[Floats] = []
    while len(places) < count:
        place = random.uniform(0, np.asarray(shape) - 1.0)
        if not places or np.linalg.norm(np.array(places) - place, axis=1).min() > apart:
            places.append(place)
    return np.array(places)


@pytest.fixture(scope="module")
def truth() -> Floats:
    return scattered((50, 90, 100), 40, 14.0, seed=1)


@pytest.fixture(scope="module")
def tomogram(truth: Floats) -> Volume:
    """Dark balls of 12 voxels in noise, on a slope of background."""
    noise = np.random.default_rng(2).standard_normal((50, 90, 100))
    slope = 0.05 * np.arange(90)[:, None]
    data = 20 + slope - 0.7 * balls((50, 90, 100), truth, 6.0) + noise
    return Volume(data.astype(np.float32), TEN, ORIGIN, contrast=-1)


def test_pick_blobs_finds_every_particle_up_to_the_faces(tomogram: Volume, truth: Floats) -> None:
    found = pick_blobs(tomogram, diameter=120.0, threshold=5.0)
    picks = found.picks
    positions = tomogram.grid.world_from_index(truth)
    distance, which = cKDTree(picks.positions).query(positions)
    assert len(picks) == found.number == 40
    assert len(set(which.tolist())) == 40
    assert distance.max() < 40.0
    offset = picks.positions[which] - positions
    assert np.abs(np.median(offset, axis=0)).max() < 3.0  # nowhere half a voxel off
    assert np.sqrt((offset**2).mean()) < 10.0
    face = np.minimum(truth, np.array(tomogram.shape) - 1 - truth).min(axis=1)
    assert (face < 3).sum() >= 3
    assert picks.score is not None
    assert (np.diff(picks.score) <= 0).all()
    assert picks.score.min() >= 5.0
    assert (picks.columns[VOXEL_SIZE] == 10.0).all()
    assert (picks.columns[TOMOGRAM_SHAPE] == tomogram.shape).all()
    assert (picks.columns[TOMOGRAM_ORIGIN] == ORIGIN).all()
    assert (picks.columns["radius"] == 60.0).all()


def test_pick_blobs_in_noise_alone_finds_as_few_as_its_sigma_says() -> None:
    noise = np.random.default_rng(3).standard_normal((60, 90, 100)).astype(np.float32)
    found = pick_blobs(Volume(noise, TEN), diameter=60.0, threshold=3.0)
    scores = found.histogram["score"]
    assert 60 < len(found.picks) < 400
    assert len(pick_blobs(Volume(noise, TEN), diameter=60.0, threshold=5.5).picks) == 0
    assert scores.min() >= 2.0


def test_pick_blobs_noise_at_the_faces_counts_as_much_as_inside() -> None:
    noise = np.random.default_rng(4).standard_normal((40, 80, 80)).astype(np.float32)
    search = BlobSearch.of(Volume(noise, TEN), 60.0)
    whole = Region((0, 0, 0), (40, 80, 80))
    (answer,) = difference_of_gaussians.answers(search.volume, whole, search.filters)
    (sigma,) = search.noise()
    assert answer.std() == pytest.approx(sigma, rel=0.05)
    assert answer[[0, -1]].std() == pytest.approx(sigma, rel=0.15)
    assert answer[:, 0].std() == pytest.approx(sigma, rel=0.15)


def test_pick_blobs_by_tiles_in_a_region_and_lazily_is_what_the_whole_gives(
    tomogram: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pick_blobs(tomogram, diameter=120.0, threshold=4.0).picks
    sigma = BlobSearch.of(tomogram, 120.0).noise()
    data = np.memmap(tmp_path / "t.bin", np.float32, "w+", shape=tomogram.shape)
    data[:] = tomogram.data
    largest = 0

    def load(box: tuple[slice, ...]) -> npt.NDArray[np.float32]:
        nonlocal largest
        largest = max(largest, int(np.prod([b.stop - b.start for b in box])))
        return np.asarray(data[box])

    monkeypatch.setattr(difference_of_gaussians, "_CORE", 30)
    lazy = Volume(LazyArray(tomogram.shape, np.float32, load), TEN, ORIGIN, None, -1)  # type: ignore[arg-type]
    search = BlobSearch.of(lazy, 120.0)
    tiled = best_blobs(search.candidates(sigma, least=4.0), least=4.0)
    assert len(tiled) == len(whole)
    distance, which = cKDTree(whole.positions).query(tiled.positions)
    assert distance.max() < 0.5
    assert whole.score is not None
    np.testing.assert_allclose(tiled.heights, whole.score[which], rtol=5e-3)
    assert largest < 0.9 * tomogram.data.size
    region = Region((10, 20, 30), (40, 70, 60))
    part = pick_blobs(tomogram, diameter=120.0, threshold=1.0, distance=0.0, region=region)
    everything = pick_blobs(tomogram, diameter=120.0, threshold=1.0, distance=0.0).picks
    index = np.rint(tomogram.grid.index_from_world(everything.positions))
    inside = ((index >= region.lower) & (index < region.upper)).all(axis=1)
    assert 5 < inside.sum() == part.number
    distance, _ = cKDTree(everything.positions[inside]).query(part.picks.positions)
    assert distance.max() < 0.5


def test_pick_blobs_says_which_size_each_blob_has() -> None:
    centres = np.array([[13.0, 13, 14], [16, 40, 20], [20, 22, 52]])
    radii = [3.0, 5.0, 8.0]
    noise = 0.2 * np.random.default_rng(5).standard_normal((36, 54, 66))
    data = balls((36, 54, 66), centres, radii) + noise
    volume = Volume(data.astype(np.float32), TEN)
    picks = pick_blobs(volume, diameter=50.0, largest=200.0, most=3).picks
    _, which = cKDTree(picks.positions / 10).query(centres)
    assert sorted(which.tolist()) == [0, 1, 2]
    ratio = picks.columns["radius"][which] / (10.0 * np.array(radii))
    assert ratio.min() > 0.75
    assert ratio.max() < 1.35


def test_pick_blobs_large_in_voxels_are_found_in_place() -> None:
    """Blobs of forty voxels are looked for in a binned tomogram; it must not be shifted."""
    centres = np.array([[40.0, 41.5, 37.2], [45.0, 90.25, 84.0]])
    data = balls((91, 130, 121), centres, 20.0)
    data += 0.05 * np.random.default_rng(6).standard_normal(data.shape)
    volume = Volume(data.astype(np.float32), (2.0, 2.0, 2.0), ORIGIN)
    assert BlobSearch.of(volume, 80.0).factor == 5
    picks = pick_blobs(volume, diameter=80.0, most=2).picks
    found = volume.grid.index_from_world(picks.positions)
    np.testing.assert_allclose(found[np.argsort(found[:, 1])], centres, atol=0.5)


def test_block_means_are_means_where_they_are_said_to_be(tomogram: Volume) -> None:
    coarse = block_means(tomogram, 3)
    assert coarse.shape == (17, 30, 34)
    expected = tomogram.data[6:9, 9:12, 12:15].mean()
    assert np.asarray(coarse.data[2, 3, 4]) == pytest.approx(expected, rel=1e-6)
    place = tomogram.grid.world_from_index([7, 10, 13])
    np.testing.assert_allclose(coarse.grid.world_from_index([2, 3, 4]), place)
    end = tomogram.data[48:, 87:, 99:].mean()
    assert np.asarray(coarse.data[16, 29, 33]) == pytest.approx(end, rel=1e-6)
    assert block_means(tomogram, 1) is tomogram


def test_block_means_read_a_few_planes_at_a_time(
    tomogram: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.asarray(block_means(tomogram, 3).data)
    monkeypatch.setattr(block_means_module, "_READ_BYTES", 4 * 7 * 90 * 100)
    read: list[int] = []

    def load(box: tuple[slice, ...]) -> npt.NDArray[np.float32]:
        read.append(box[0].stop - box[0].start)
        return np.asarray(tomogram.data[box])

    lazy = Volume(LazyArray(tomogram.shape, np.float32, load), TEN)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.asarray(block_means(lazy, 3).data), whole)
    assert (max(read), sum(read)) == (6, 50)


def test_pick_blobs_in_a_mask_on_another_grid_stays_inside(tomogram: Volume) -> None:
    mask = np.zeros((25, 45, 50), np.float32)
    mask[:, :20] = 1.0
    on_coarse = Volume(mask, (20.0, 20.0, 20.0), (105.0, -195.0, 305.0))
    picks = pick_blobs(tomogram, on_coarse, diameter=120.0, threshold=5.0).picks
    index = tomogram.grid.index_from_world(picks.positions)
    assert 5 < len(picks) < 35
    assert index[:, 1].max() < 40.0


def test_pick_blobs_takes_the_contrast_that_it_is_told(tomogram: Volume) -> None:
    bright = Volume(tomogram.data, TEN, ORIGIN)
    assert pick_blobs(bright, diameter=120.0, threshold=6.0).number < 5
    told = pick_blobs(bright, diameter=120.0, threshold=5.0, contrast="dark")
    itself = pick_blobs(tomogram, diameter=120.0, threshold=5.0)
    np.testing.assert_array_equal(told.picks.positions, itself.picks.positions)


def test_pick_blobs_keeps_the_most_and_the_distance_asked_for(tomogram: Volume) -> None:
    picks = pick_blobs(tomogram, diameter=120.0, threshold=2.5, distance=300.0).picks
    distance = cKDTree(picks.positions).query(picks.positions, k=2)[0][:, 1]
    assert distance.min() >= 300.0
    best = pick_blobs(tomogram, diameter=120.0, threshold=2.5, most=7).picks
    whole = pick_blobs(tomogram, diameter=120.0, threshold=2.5).picks
    np.testing.assert_array_equal(best.positions, whole.positions[:7])


def test_pick_blobs_refuses_what_cannot_be(tomogram: Volume) -> None:
    with pytest.raises(InputError, match="three voxels"):
        pick_blobs(tomogram, diameter=20.0)
    with pytest.raises(InputError, match="largest"):
        pick_blobs(tomogram, diameter=120.0, largest=60.0)
    constant = Volume(np.full((20, 20, 20), 3.0, np.float32), TEN)
    with pytest.raises(DataError, match="constant"):
        pick_blobs(constant, diameter=60.0)


def test_pick_blobs_stops_when_it_is_told_to(tomogram: Volume) -> None:
    def stop(done: int, total: int, message: str) -> None:
        if message == "looking for blobs":
            raise Cancelled

    with pytest.raises(Cancelled):
        pick_blobs(tomogram, diameter=90.0, progress=stop)
