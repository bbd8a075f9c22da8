"""Map tools keep maps where they are and do what their first lines say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import DataError, GridError, InputError
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.testing import EXAMPLE_GRID, example_noun
from mapscope.volume import HalfMaps, Region, Volume

JOBS = all_jobs()
VOLUME: Volume = example_noun(Volume)
POSITIONS = example_noun(Structure).positions


def density_at_atoms(volume: Volume) -> float:
    """Mean over the example's atoms, in the nearest voxels."""
    index = np.rint(volume.grid.index_from_world(POSITIONS)).astype(int)
    return float(volume.data[tuple(index.T)].mean())


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("crop_map", {"margin": 4.0}),
        ("pad_map", {"margin": 3}),
        ("pad_map", {"cube": 41}),
        ("resample", {"voxel_size": 0.9}),
        ("resample", {"voxel_size": 1.0, "method": "spline"}),
        ("filter_map", {"low_pass": 4.0}),
    ],
)
def test_density_at_atoms_when_a_map_is_changed_is_still_high_there_and_lower_beside(
    name: str, settings: dict[str, Any]
) -> None:
    result = JOBS[name](VOLUME, **settings)
    here = density_at_atoms(result)
    assert here == pytest.approx(density_at_atoms(VOLUME), rel=0.15)
    for step in 1.5 * np.vstack([np.eye(3), -np.eye(3)]):
        z, y, x = np.asarray(result.origin) + step
        moved = Volume(result.data, result.voxel_size, (float(z), float(y), float(x)))
        assert density_at_atoms(moved) < here


def test_crop_map_when_a_box_is_given_is_that_part_of_the_map() -> None:
    region = Region((3, 4, 5), (13, 15, 17))
    cropped = JOBS["crop_map"](VOLUME, region=region)
    np.testing.assert_array_equal(cropped.data, VOLUME.data[region.slices])
    assert cropped.grid.matches(EXAMPLE_GRID.cropped(region))


def test_crop_map_when_a_structure_is_given_holds_every_atom_with_room_around_it() -> None:
    cropped = JOBS["crop_map"](VOLUME, example_noun(Structure), margin=2.4)
    assert cropped.grid.contains(POSITIONS - 2.4).all()
    assert cropped.grid.contains(POSITIONS + 2.4).all()
    assert cropped.data.size < VOLUME.data.size


def test_crop_map_when_a_mask_is_given_reaches_its_edge_and_the_margin() -> None:
    data = np.zeros(VOLUME.shape, np.float32)
    data[10:12, 14:20, 8:9] = 1
    cropped = JOBS["crop_map"](VOLUME, mask=VOLUME.with_data(data), margin=2.4)
    assert cropped.shape == (6, 10, 5)
    with pytest.raises(DataError, match="no voxel is inside"):
        JOBS["crop_map"](VOLUME, mask=VOLUME.with_data(0 * data))
    elsewhere = Volume(data, VOLUME.voxel_size, (0.0, 0.0, 0.0))
    with pytest.raises(GridError, match="the mask"):
        JOBS["crop_map"](VOLUME, mask=elsewhere)


def test_pad_map_when_cropped_back_is_the_same_map() -> None:
    padded = JOBS["pad_map"](VOLUME, margin=5, fill="zero")
    assert padded.data.sum(dtype=float) == pytest.approx(VOLUME.data.sum(dtype=float), rel=1e-5)
    lower = (5, 5, 5)
    upper = tuple(5 + n for n in VOLUME.shape)
    back = JOBS["crop_map"](padded, region=Region(lower, upper))  # type: ignore[arg-type]
    np.testing.assert_array_equal(back.data, VOLUME.data)
    assert back.grid.matches(VOLUME.grid)


def test_pad_map_when_a_cube_is_asked_for_gives_one_or_says_why_not() -> None:
    assert JOBS["pad_map"](VOLUME, cube=37).shape == (37, 37, 37)
    with pytest.raises(InputError, match="36 voxels along one edge: more than 35"):
        JOBS["pad_map"](VOLUME, cube=35)


def test_filter_map_when_run_on_a_region_gives_that_box_and_keeps_the_mean() -> None:
    region = Region((4, 4, 4), (28, 28, 28))
    part = JOBS["filter_map"](VOLUME, low_pass=6.0, region=region)
    assert part.grid.matches(EXAMPLE_GRID.cropped(region))
    assert part.data.mean() == pytest.approx(VOLUME.data[region.slices].mean(), abs=1e-5)


def test_filter_map_when_low_and_high_pass_meet_splits_the_map_in_two() -> None:
    low = JOBS["filter_map"](VOLUME, low_pass=6.0)
    high = JOBS["filter_map"](VOLUME, high_pass=6.0)
    both = low.data.astype(float) + high.data
    # The mean of the map is kept by both.
    np.testing.assert_allclose(both - VOLUME.data.mean(), VOLUME.data, atol=2e-5)
    assert low.data.std() < VOLUME.data.std()


def test_filter_map_when_no_filter_is_given_says_what_to_give() -> None:
    with pytest.raises(InputError, match="give a low-pass or a high-pass resolution in Å"):
        JOBS["filter_map"](VOLUME)


def test_fit_grid_when_there_and_back_is_nearly_the_same_map(tmp_path: Path) -> None:
    smooth = JOBS["filter_map"](VOLUME, low_pass=6.0)
    fine = JOBS["resample"](smooth, voxel_size=0.8)
    back = JOBS["fit_grid"](fine, smooth)
    assert back.grid == smooth.grid
    inner = (slice(4, -4),) * 3
    np.testing.assert_allclose(back.data[inner], smooth.data[inner], atol=0.02)
    reference = read(write(tmp_path / "reference.mrc", smooth))
    assert JOBS["fit_grid"](fine, reference).header == reference.header


def test_flip_hand_when_done_twice_is_the_map_again_for_every_axis() -> None:
    for number, axis in enumerate("zyx"):
        flipped = JOBS["flip_hand"](VOLUME, axis=axis)
        np.testing.assert_array_equal(flipped.data, np.flip(VOLUME.data, number))
        assert JOBS["flip_hand"](flipped, axis=axis).checksum() == VOLUME.checksum()


def test_invert_contrast_when_dark_is_dense_makes_bright_dense() -> None:
    dark = Volume(-VOLUME.data, VOLUME.voxel_size, VOLUME.origin, contrast=-1)
    inverted = JOBS["invert_contrast"](dark)
    assert inverted.checksum() == VOLUME.checksum()


def test_make_mask_when_made_is_1_at_atoms_and_falls_softly_to_0() -> None:
    mask = JOBS["make_mask"](VOLUME, low_pass=5.0, dilation=2.0, soft_edge=4.0)
    assert density_at_atoms(mask) == 1.0
    assert (mask.data.min(), mask.data.max()) == (0.0, 1.0)
    assert ((mask.data > 0) & (mask.data < 1)).mean() > 0.05
    assert mask.grid == VOLUME.grid


def test_make_mask_of_half_maps_is_that_of_their_mean() -> None:
    halves: HalfMaps = example_noun(HalfMaps)
    mean = halves.first.with_data((halves.first.float32() + halves.second.float32()) / 2)
    of_halves = JOBS["make_mask"](half_maps=halves, low_pass=5.0)
    np.testing.assert_allclose(
        of_halves.data, JOBS["make_mask"](mean, low_pass=5.0).data, atol=1e-5
    )
    with pytest.raises(InputError, match="half maps"):
        JOBS["make_mask"]()


def test_subtract_maps_when_one_is_the_other_scaled_leaves_nothing() -> None:
    other = VOLUME.with_data(VOLUME.data * 0.5 + 3)
    result = JOBS["subtract_maps"](VOLUME, other)
    assert result.scale == pytest.approx(2.0, rel=1e-4)
    assert result.offset == pytest.approx(-6.0, rel=1e-4)
    assert result.correlation == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(result.difference.data, 0, atol=1e-5)
    plain = JOBS["subtract_maps"](VOLUME, other, match="nothing")
    np.testing.assert_allclose(plain.difference.data, VOLUME.data - other.data, atol=1e-6)
    assert (plain.scale, plain.offset) == (1.0, 0.0)


def test_subtract_maps_when_grids_differ_says_what_to_do() -> None:
    with pytest.raises(GridError, match="'fit grid'"):
        JOBS["subtract_maps"](VOLUME, JOBS["pad_map"](VOLUME, margin=1))


def test_resample_by_fourier_when_there_and_back_is_the_same_map() -> None:
    fine = JOBS["resample"](VOLUME, voxel_size=0.6)
    assert fine.shape == (60, 64, 72)
    assert fine.origin == VOLUME.origin
    back = JOBS["resample"](fine, voxel_size=1.2)
    np.testing.assert_allclose(back.data, VOLUME.data, atol=0.02)
