"""Tiles cover every voxel exactly once, for any size."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapscope.errors import InputError
from mapscope.inference.tiling import (
    blending_tiles,
    boxes_meet,
    heights_of_axis,
    spans_of_axis,
    tiles_of_volume,
)


@st.composite
def axes(draw: st.DrawFn) -> tuple[int, int, int, int, tuple[int, int]]:
    """Size, tile, margin, multiple and part of an axis that go together."""
    size = draw(st.integers(1, 200))
    multiple = draw(st.sampled_from([1, 2, 3, 4, 8]))
    margin = draw(st.integers(0, 20))
    least = -(-2 * margin // multiple) * multiple + multiple
    tile = least + draw(st.integers(0, 80))
    first = draw(st.integers(0, size - 1))
    return size, tile, margin, multiple, (first, draw(st.integers(first + 1, size)))


@given(axes())
def test_spans_of_any_axis_keep_each_voxel_once_with_its_margin(
    axis: tuple[int, int, int, int, tuple[int, int]],
) -> None:
    size, tile, margin, multiple, part = axis
    for wanted in (None, part):
        spans = spans_of_axis(size, tile, margin, multiple, wanted)
        kept = [voxel for s in spans for voxel in range(s.start, s.stop)]
        assert kept == list(range(*(wanted or (0, size))))
        assert {(s.upper - s.lower) for s in spans} == {spans[0].upper - spans[0].lower}
        for s in spans:
            assert s.lower % multiple == 0
            assert (s.upper - s.lower) % multiple == 0
            assert s.upper - s.lower <= tile
            assert s.lower == 0 or s.start - s.lower >= margin
            assert s.upper >= size or s.upper - s.stop >= margin
            assert s.upper < size + multiple


@given(axes())
def test_heights_of_overlapping_spans_are_positive_and_symmetric_in_what_two_share(
    axis: tuple[int, int, int, int, tuple[int, int]],
) -> None:
    size, tile, margin, multiple, _ = axis
    tiles = tiles_of_volume((size, 1, 1), tile, margin, multiple)
    whole = (slice(0, size), slice(0, 1), slice(0, 1))
    spans = [t.spans[0] for t in blending_tiles(tiles, whole)]
    sums = [Fraction(0)] * size
    total = [0] * size
    heights = heights_of_axis(spans)
    for span, height in zip(spans, heights, strict=True):
        assert min(height) >= 1
        for voxel, number in zip(range(span.start, span.stop), height, strict=True):
            total[voxel] += number
    for span, height in zip(spans, heights, strict=True):
        for voxel, number in zip(range(span.start, span.stop), height, strict=True):
            sums[voxel] += Fraction(number, total[voxel])
    assert set(sums) == {Fraction(1)}


def test_spans_when_the_axis_is_a_little_longer_than_a_tile_become_shorter_instead() -> None:
    spans = spans_of_axis(100, 96, 8, 4)
    assert [s.upper - s.lower for s in spans] == [60, 60]


def test_tiles_when_a_box_shall_come_first_begin_with_those_that_keep_some_of_it() -> None:
    box = (slice(20, 24), slice(20, 24), slice(20, 24))
    tiles = tiles_of_volume((32, 32, 32), 16, 2, first=box)
    inside = [boxes_meet(t.kept, box) for t in tiles]
    assert inside == sorted(inside, reverse=True)
    assert inside[0]
    assert not inside[-1]


def test_tiles_of_a_region_read_only_it_and_its_margin() -> None:
    region = (slice(40, 50), slice(0, 10), slice(60, 64))
    (tile,) = tiles_of_volume((64, 64, 64), 32, 4, 2, region)
    assert tile.kept == region
    assert tile.read == (slice(36, 54), slice(0, 14), slice(56, 64))
    assert tile.inner == (slice(4, 14), slice(0, 10), slice(4, 8))


@pytest.mark.parametrize(
    ("size", "tile", "margin", "multiple", "part"),
    [
        (10, 4, 2, 1, None),
        (10, 7, 2, 4, None),
        (0, 8, 1, 1, None),
        (10, 8, -1, 1, None),
        (10, 8, 1, 1, (5, 5)),
        (10, 8, 1, 1, (0, 11)),
    ],
)
def test_spans_when_nothing_could_be_kept_are_refused(
    size: int, tile: int, margin: int, multiple: int, part: tuple[int, int] | None
) -> None:
    with pytest.raises(InputError, match="tile"):
        spans_of_axis(size, tile, margin, multiple, part)


def test_refusal_of_a_tile_names_one_that_works() -> None:
    with pytest.raises(InputError, match="at least 16") as caught:
        spans_of_axis(64, 8, 6, 4)
    assert "margin of 6" in str(caught.value)
    assert spans_of_axis(64, 16, 6, 4)
