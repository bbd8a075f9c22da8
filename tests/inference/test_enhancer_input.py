"""What counts for a region is made from its surroundings as it is from the whole map."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from tests.tiny_models import enhancer_file, write_enhancer

from mapscope.density.fourier import filter_radial
from mapscope.density.frame import crop
from mapscope.density.halves import mean_map
from mapscope.inference.enhancer_input import (
    EnhancerInput,
    Given,
    enhancer_input,
    input_around,
    measured,
    surroundings,
)
from mapscope.inference.model import Model, load
from mapscope.inference.model_file import read_card
from mapscope.progress import silent
from mapscope.volume import Grid, HalfMaps, Region, Volume

SHAPE = (124, 116, 120)
MIDDLE = Region((50, 48, 52), (66, 64, 68))
CORNER = Region((0, 2, 104), (16, 18, 120))


@cache
def model(*, together: bool) -> Model:
    if not together:
        return load(enhancer_file())
    path = enhancer_file().parent / "together.safetensors"
    return load(write_enhancer(path, scaled_together=True))


@cache
def halves(voxel_size: float = 1.0) -> HalfMaps:
    """Half maps of a ball of blurred noise, and noise."""
    random = np.random.default_rng(0)

    def white() -> Any:
        return random.standard_normal(SHAPE, dtype=np.float32)

    field = filter_radial(Volume(white(), (voxel_size,) * 3), lambda f: np.exp(-35 * f**2))
    index = np.indices(SHAPE, dtype=np.float32) - np.array([60, 58, 64])[:, None, None, None]
    field = field.with_data(field.data * np.exp(-((index**2).sum(axis=0)) / 40**2))
    level = np.float32(0.4 * field.data.std())
    return HalfMaps(*(field.with_data(field.data + level * white()) for _ in range(2)))


def around(asked: Model, given: Given, region: Region) -> Any:
    source = given.half_maps or given.volume
    assert source is not None
    where = surroundings(asked.card, source.grid, region)
    assert where is not None
    found, scalings = measured(asked, given, silent)
    return input_around(asked, given, where, found, scalings, silent)


def assert_same_there(part: EnhancerInput, whole: EnhancerInput, region: Region) -> None:
    """The same data in the region and nearly so in all that the model reads, on one scale."""
    box = part.box_of(region)
    wanted, got = crop(whole.data, region), crop(part.data, box)
    assert got.grid.matches(wanted.grid)
    assert np.abs(got.data - wanted.data).max() < 0.03 * wanted.data.std()
    for one, other in zip(part.ready.scalings, whole.ready.scalings, strict=True):
        assert one.factor == pytest.approx(other.factor, rel=0.02)
        assert abs(one.shift - other.shift) < 0.01 / other.factor
    lower, upper = np.subtract(region.lower, 8), np.add(region.upper, 8)
    read = Region(tuple(lower), tuple(upper)).clipped(whole.data.shape)
    off = crop(part.data, part.box_of(read)).data - crop(whole.data, read).data
    assert off.std() < 0.01 * whole.data.data[read.slices].std()


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("region", [MIDDLE, CORNER])
def test_region_of_half_maps_is_that_of_the_whole(region: Region, *, together: bool) -> None:
    asked = model(together=together)
    given = Given(halves(), None)
    whole = enhancer_input(asked, given, silent)
    part = around(asked, given, region)
    assert part.found is whole.found
    assert_same_there(part, whole, region)
    for one, other in zip(part.ready.maps, whole.ready.maps, strict=True):
        wanted = crop(other, region)
        off = crop(one, part.box_of(region)).data - wanted.data
        assert off.std() < 0.01 * wanted.data.std()


def test_region_of_a_map_alone_is_that_of_the_whole() -> None:
    asked, given = model(together=False), Given(None, mean_map(halves()), resolution=5.0)
    whole = enhancer_input(asked, given, silent)
    part = around(asked, given, MIDDLE)
    assert_same_there(part, whole, MIDDLE)
    assert part.ready.maps[0] is part.ready.maps[1]


@pytest.mark.parametrize("voxel_size", [0.85, 1.25])
def test_region_of_other_voxels_is_scaled_as_the_whole(voxel_size: float) -> None:
    asked, given = model(together=True), Given(halves(voxel_size), None)
    region = Region((56, 54, 58), (60, 58, 62))
    whole = enhancer_input(asked, given, silent)
    part = around(asked, given, region)
    assert_same_there(part, whole, region)
    assert part.ready.notes == whole.ready.notes
    assert part.ready.grid.voxel_size == pytest.approx((1.0,) * 3, rel=0.01)


def test_tiles_of_a_region_begin_where_those_of_the_whole_would() -> None:
    card = read_card(enhancer_file())
    for low in range(40, 60, 3):
        region = Region((low,) * 3, (low + 16,) * 3)
        found = surroundings(card, Grid((200,) * 3), region)
        assert found is not None
        for first, stop in zip(found.read.lower, found.read.upper, strict=True):
            assert first % card.multiple == stop % card.multiple == 0
            assert first <= low - card.margin
            assert stop >= low + 16 + card.margin


def test_region_that_is_most_of_the_map_has_no_surroundings_of_its_own() -> None:
    card = read_card(enhancer_file())
    assert surroundings(card, Grid((60, 60, 60)), Region((10,) * 3, (40,) * 3)) is None
