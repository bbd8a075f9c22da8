"""Volumes, half maps, grids and regions know where they are, and refuse what makes no sense."""

from __future__ import annotations

import math
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope import read, write
from mapscope.errors import GridError
from mapscope.testing import example_noun
from mapscope.volume import Grid, HalfMaps, MapHeader, Region, Volume, require_same_grid

spacings = st.floats(0.05, 50.0)
places = st.floats(-1e4, 1e4)
triples = st.tuples(spacings, spacings, spacings)
points = st.tuples(places, places, places)
sizes = st.tuples(*[st.integers(1, 500)] * 3)


@given(sizes, triples, points, points)
def test_index_from_world_undoes_world_from_index_for_any_voxels_and_origin(
    shape: tuple[int, int, int], spacing: Any, origin: Any, index: Any
) -> None:
    grid = Grid(shape, spacing, origin)
    again = grid.index_from_world(grid.world_from_index(index))
    np.testing.assert_allclose(again, index, rtol=1e-9, atol=1e-6)


@given(sizes, triples, points)
def test_world_from_index_of_many_equals_one_at_a_time(
    shape: tuple[int, int, int], spacing: Any, origin: Any
) -> None:
    grid = Grid(shape, spacing, origin)
    index = np.random.default_rng(0).uniform(-3, 9, (4, 5, 3))
    whole = grid.world_from_index(index)
    np.testing.assert_array_equal(whole[2, 3], grid.world_from_index(index[2, 3]))
    np.testing.assert_allclose(grid.world_from_index((0, 0, 0)), origin)


def test_world_from_index_when_voxels_differ_keeps_z_y_x_apart() -> None:
    grid = Grid((4, 5, 6), (1.0, 2.0, 4.0), (10.0, 20.0, 30.0))
    assert grid.world_from_index((1, 1, 1)).tolist() == [11.0, 22.0, 34.0]
    assert grid.extent == (4.0, 10.0, 24.0)


def test_contains_counts_the_outermost_voxel_centres_as_inside() -> None:
    grid = Grid((3, 3, 3), (2.0, 2.0, 2.0), (1.0, 1.0, 1.0))
    positions = [(1, 1, 1), (5, 5, 5), (5.01, 3, 3), (3, 0.99, 3)]
    assert grid.contains(positions).tolist() == [True, True, False, False]


@given(sizes, triples, points)
def test_cropped_grid_puts_its_voxels_where_they_were(
    shape: tuple[int, int, int], spacing: Any, origin: Any
) -> None:
    grid = Grid(shape, spacing, origin)
    part = grid.cropped(Region((-2, 3, 1), (5, 9, 4)))
    assert part.shape == (7, 6, 3)
    np.testing.assert_allclose(
        part.world_from_index((1, 2, 3)), grid.world_from_index((-1, 5, 4)), atol=1e-8
    )


def test_matches_when_the_last_voxel_drifts_away_says_no() -> None:
    grid = Grid((100, 100, 100), (1.0, 1.0, 1.0))
    assert grid.matches(Grid((100, 100, 100), (1.000001, 1.0, 1.0)))
    assert not grid.matches(Grid((100, 100, 100), (1.001, 1.0, 1.0)))
    assert not grid.matches(Grid((100, 100, 99), (1.0, 1.0, 1.0)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((0, 4, 4),), "at least 1"),
        (((4, 4),), "three sizes"),
        (((4, 4, 4), (1.0, 0.0, 1.0)), "positive in Å"),
        (((4, 4, 4), (1.0, math.nan, 1.0)), "voxel_size must be three finite numbers"),
        (((4, 4, 4), (1.0, 1.0, 1.0), (0.0, math.inf, 0.0)), "origin must be three finite"),
    ],
)
def test_grid_when_it_makes_no_sense_says_what_was_expected(arguments: Any, message: str) -> None:
    with pytest.raises(GridError, match=message):
        Grid(*arguments)


@given(st.tuples(*[st.integers(-50, 50)] * 3), st.tuples(*[st.integers(1, 50)] * 3))
def test_region_parse_undoes_str(lower: Any, size: Any) -> None:
    region = Region(lower, tuple(a + n for a, n in zip(lower, size, strict=True)))
    assert Region.parse(str(region)) == region
    assert region.shape == size


@pytest.mark.parametrize("text", ["", "1:2", "1:2,3:4,5", "a:b,1:2,1:2", "1:2,1:2,1:2,1:2"])
def test_region_parse_when_the_text_is_no_region_shows_one(text: str) -> None:
    with pytest.raises(GridError, match="10:74,0:64,8:72"):
        Region.parse(text)


def test_region_when_empty_or_outside_is_refused() -> None:
    with pytest.raises(GridError, match="is empty"):
        Region((0, 0, 0), (4, 0, 4))
    with pytest.raises(GridError, match="outside a map of"):
        Region((9, 9, 9), (12, 12, 12)).clipped((8, 8, 8))


def test_region_clipped_keeps_what_lies_inside() -> None:
    clipped = Region((-3, 2, 6), (4, 20, 8)).clipped((8, 8, 8))
    assert clipped == Region((0, 2, 6), (4, 8, 8))
    assert np.arange(512).reshape(8, 8, 8)[clipped.slices].shape == clipped.shape


def test_volume_data_cannot_be_written_to_and_fields_cannot_be_set() -> None:
    data = np.zeros((2, 3, 4), np.float32)
    volume = Volume(data)
    with pytest.raises(ValueError, match="read-only"):
        volume.data[0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        volume.voxel_size = (2.0, 2.0, 2.0)  # type: ignore[misc]
    data[0, 0, 0] = 1


@pytest.mark.parametrize(
    "data",
    [np.zeros((4, 4)), np.zeros((2, 2, 2), complex), np.full((2, 2, 2), "a"), np.zeros((2,) * 4)],
)
def test_volume_when_data_are_no_density_says_what_came(data: Any) -> None:
    with pytest.raises(GridError, match=r"three-dimensional array of real numbers.*got shape"):
        Volume(data)


def test_volume_when_contrast_is_neither_sign_is_refused() -> None:
    with pytest.raises(GridError, match="contrast is 1"):
        Volume(np.zeros((2, 2, 2)), contrast=0)


def test_with_data_keeps_place_and_header_and_refuses_another_shape() -> None:
    header = MapHeader(nstart=(1, 2, 3))
    volume = Volume(np.zeros((2, 3, 4), np.float32), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), header, -1)
    changed = volume.with_data(np.ones((2, 3, 4)))
    assert (changed.grid, changed.header, changed.contrast) == (volume.grid, header, -1)
    assert changed.data.min() == 1
    with pytest.raises(GridError, match="do not fit"):
        volume.with_data(np.ones((2, 3, 5)))


BASE = {"voxel_size": (1.0, 1.1, 1.2), "origin": (1.0, 2.0, 3.0)}
NUMBERS = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "other",
    [
        Volume(NUMBERS, (1.0, 1.1, 1.3), (1.0, 2.0, 3.0)),
        Volume(NUMBERS, (1.0, 1.1, 1.2), (1.0, 2.0, 3.01)),
        Volume(NUMBERS + (NUMBERS == 5), **BASE),  # type: ignore[arg-type]
        Volume(NUMBERS, **BASE, contrast=-1),  # type: ignore[arg-type]
        Volume(NUMBERS.reshape(2, 4, 3), **BASE),  # type: ignore[arg-type]
    ],
)
def test_checksum_when_place_numbers_or_contrast_change_is_another(other: Volume) -> None:
    assert Volume(NUMBERS, **BASE).checksum() != other.checksum()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "other",
    [
        Volume(NUMBERS.copy(), **BASE),  # type: ignore[arg-type]
        Volume(NUMBERS.astype(">f4"), **BASE),  # type: ignore[arg-type]
        Volume(np.asfortranarray(NUMBERS), **BASE),  # type: ignore[arg-type]
        Volume(NUMBERS, **BASE, header=MapHeader(labels=(b"a",))),  # type: ignore[arg-type]
    ],
)
def test_checksum_when_only_layout_or_header_change_is_the_same(other: Volume) -> None:
    assert Volume(NUMBERS, **BASE).checksum() == other.checksum()  # type: ignore[arg-type]


@given(
    st.tuples(*[st.floats(0.3, 20.0)] * 3),
    st.tuples(*[st.floats(-2000.0, 2000.0)] * 3),
    st.sampled_from(["f4", "i1", "i2", "u2", "f2"]),
)
def test_checksum_survives_a_file_for_any_voxels_origin_and_type(
    tmp_path_factory: pytest.TempPathFactory, spacing: Any, origin: Any, dtype: str
) -> None:
    origin = tuple(round(x, 3) for x in origin)
    volume = Volume(np.arange(24).reshape(2, 3, 4).astype(dtype), spacing, origin)
    path = write(tmp_path_factory.getbasetemp() / "any.mrc", volume)
    assert read(path).checksum() == volume.checksum()


def test_checksum_of_half_maps_depends_on_their_order() -> None:
    halves = example_noun(HalfMaps)
    swapped = HalfMaps(halves.second, halves.first)
    assert halves.checksum() != swapped.checksum()
    assert halves.checksum() == example_noun(HalfMaps).checksum()


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (Volume(np.zeros((2, 3, 5))), "voxels"),
        (Volume(np.zeros((2, 3, 4)), (1.0, 1.0, 1.5)), "voxel sizes"),
        (Volume(np.zeros((2, 3, 4)), (1.0, 1.0, 1.0), (0.0, 0.0, 7.0)), "origins"),
    ],
)
def test_require_same_grid_when_grids_differ_says_what_differs_and_what_to_do(
    other: Volume, what: str
) -> None:
    volume = Volume(np.zeros((2, 3, 4)))
    with pytest.raises(GridError, match=rf"the map and the mask .*{what}.*'fit grid'"):
        require_same_grid(volume, other, "the map", "the mask")
    with pytest.raises(GridError, match="the second half map"):
        HalfMaps(volume, other)


def test_volume_when_memory_mapped_stays_so_and_has_the_same_checksum(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", NUMBERS)
    mapped = Volume(np.load(tmp_path / "a.npy", mmap_mode="r"), **BASE)  # type: ignore[arg-type]
    assert isinstance(mapped.data, np.memmap)
    assert mapped.checksum() == Volume(NUMBERS, **BASE).checksum()  # type: ignore[arg-type]
