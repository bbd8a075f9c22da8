"""Binning, symmetry, regions and zones as jobs."""

from __future__ import annotations

import numpy as np
import pytest

from mapscope.density.resample import every_nth_voxel
from mapscope.density.zone import distance_to_positions
from mapscope.errors import GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import Volume

JOBS = all_jobs()
VOLUME: Volume = example_noun(Volume)
STRUCTURE: Structure = example_noun(Structure)


@pytest.mark.parametrize("shape", [(24, 30, 36), (25, 31, 20)])
@pytest.mark.parametrize("factor", [2, 3])
def test_bin_map_keeps_place_and_coarse_detail_and_has_exactly_the_multiple_of_the_voxel(
    shape: tuple[int, int, int], factor: int
) -> None:
    axes = np.meshgrid(*(np.arange(n) - n / 2 for n in shape), indexing="ij")
    data = np.exp(-sum(a**2 for a in axes) / (2 * 3.5**2)).astype(np.float32)
    volume = Volume(data, (1.0, 1.2, 0.9), (5.0, -6.0, 7.0))
    binned = JOBS["bin_map"](volume, factor=factor)
    assert binned.voxel_size == pytest.approx([factor * v for v in volume.voxel_size])
    assert binned.origin == pytest.approx(volume.origin)
    assert binned.shape == tuple(-(-n // factor) for n in shape)
    kept = data[::factor, ::factor, ::factor]
    assert np.abs(binned.data - kept).max() < 5e-3


def test_bin_map_of_detail_finer_than_its_voxels_is_flat_and_not_aliased() -> None:
    wave = np.cos(np.pi * np.arange(32) * 0.875)[:, None, None] * np.ones((32, 32, 32))
    binned = JOBS["bin_map"](Volume(wave.astype(np.float32)), factor=2)
    assert np.abs(binned.data).max() < 1e-5


def test_every_nth_voxel_as_huge_maps_are_binned_is_nearly_what_bin_map_gives() -> None:
    axes = np.meshgrid(*(np.arange(n) - n / 2 for n in (60, 70, 80)), indexing="ij")
    data = np.exp(-sum(a**2 for a in axes) / (2 * 6.0**2)).astype(np.float32)
    volume = Volume(data, (1.0, 1.0, 1.0), (5.0, -6.0, 7.0))
    whole = JOBS["bin_map"](volume, factor=2)
    tiled = every_nth_voxel(volume, 2)
    assert tiled.grid == whole.grid
    assert np.abs(tiled.data - whole.data).max() < 5e-3


def test_apply_symmetry_takes_centre_and_turn() -> None:
    data = np.random.default_rng(0).standard_normal((20, 20, 20)).astype(np.float32)
    volume = Volume(data, (1.1,) * 3, (1.0, 2.0, 3.0))
    middle = tuple(volume.grid.world_from_index([9.5] * 3))
    result = JOBS["apply_symmetry"](volume, group="C2", centre=middle, turn=(0.0, 90.0, 0.0))
    literal = (data + np.flip(data, (0, 1))) / 2  # z of the group lies along x of the map
    assert result.data == pytest.approx(literal, abs=1e-5)
    with pytest.raises(InputError, match="point group"):
        JOBS["apply_symmetry"](volume, group="Q3")


def test_mask_around_structure_covers_the_atoms_that_are_selected() -> None:
    mask = JOBS["mask_around_structure"](VOLUME, STRUCTURE, radius=2.0, soft_edge=1.0)
    distance = distance_to_positions(VOLUME.grid, STRUCTURE.positions, 9.0)
    np.testing.assert_array_equal(mask.data == 1, distance <= 2.0)
    np.testing.assert_array_equal(mask.data > 0, distance < 3.0)
    first = f"{STRUCTURE.chains[0]}/{STRUCTURE.residue_numbers[0]}"
    part = JOBS["mask_around_structure"](VOLUME, STRUCTURE, selection=first)
    assert 0 < part.data.sum() < mask.data.sum()
    with pytest.raises(InputError, match="not there"):
        JOBS["mask_around_structure"](VOLUME, STRUCTURE, selection="Z/1")
    far = Volume(VOLUME.data, VOLUME.voxel_size, (900.0, 0.0, 0.0))
    with pytest.raises(GridError, match="outside"):
        JOBS["mask_around_structure"](far, STRUCTURE)


def test_zone_map_keeps_density_near_the_atoms_alone() -> None:
    zone = JOBS["zone_map"](VOLUME, STRUCTURE, radius=2.5)
    near = distance_to_positions(VOLUME.grid, STRUCTURE.positions, 9.0) <= 2.5
    np.testing.assert_array_equal(zone.data, np.where(near, VOLUME.data, 0))
    assert zone.header == VOLUME.header


@pytest.mark.parametrize("erase", ["inside", "outside"])
def test_erase_sphere_takes_one_side_and_leaves_the_other_as_it_is(erase: str) -> None:
    centre = tuple(VOLUME.grid.world_from_index([10, 12, 9]))
    erased = JOBS["erase_sphere"](VOLUME, centre=centre, radius=6.1, erase=erase)
    places = VOLUME.grid.world_from_index(np.moveaxis(np.indices(VOLUME.shape), 0, -1))
    inside = np.linalg.norm(places - centre, axis=-1) <= 6.1
    gone = inside if erase == "inside" else ~inside
    np.testing.assert_array_equal(erased.data, np.where(gone, 0, VOLUME.data))


def test_segment_map_and_find_symmetry_give_their_nouns() -> None:
    regions = JOBS["segment_map"](VOLUME, most_regions=2)
    assert 1 <= regions.data.max() <= 2
    found = JOBS["find_symmetry"](VOLUME, most_fold=3)
    assert found.group in {"none", *found.tried.columns["group"]}
    assert set(found.tried.columns) == {"group", "correlation"}
    assert found.correlation in found.tried.columns["correlation"]
