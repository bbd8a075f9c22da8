"""Which voxels are read, computed and kept, tile by tile: integers only."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from mapscope.errors import InputError

Box: TypeAlias = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Span:
    """One stretch of an axis.

    Parameters
    ----------
    start, stop : int
        Voxels that are kept.
    lower, upper : int
        Voxels that are read. `upper` may lie behind the axis: what is read there is 0.
    """

    start: int
    stop: int
    lower: int
    upper: int


@dataclass(frozen=True)
class Tile:
    """A box of a volume, one span for each axis z, y, x."""

    spans: tuple[Span, Span, Span]

    @property
    def kept(self) -> Box:
        """The voxels of the volume that this tile answers for."""
        return _box((s.start, s.stop) for s in self.spans)

    @property
    def read(self) -> Box:
        """The voxels that it is computed from; they may reach behind the volume."""
        return _box((s.lower, s.upper) for s in self.spans)

    @property
    def inner(self) -> Box:
        """Where the kept voxels lie among those read."""
        return _box((s.start - s.lower, s.stop - s.lower) for s in self.spans)

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels that are read, z, y, x."""
        return tuple(s.upper - s.lower for s in self.spans)


def spans_of_axis(
    size: int,
    tile: int,
    margin: int,
    multiple: int = 1,
    part: tuple[int, int] | None = None,
) -> tuple[Span, ...]:
    """Spans that keep every voxel of an axis, or of a part of it, exactly once.

    All of them read equally many voxels, as few as this number of them can do with, and begin at
    multiples of `multiple`. A kept voxel lies at least `margin` voxels from where its span ends,
    unless the axis ends there, too.

    Parameters
    ----------
    size : int
        Voxels along the axis.
    tile : int
        Most voxels that one span reads.
    margin : int
        Voxels around the kept ones that are computed and thrown away.
    multiple : int
        What the network halves its input by, all in all.
    part : tuple of int, optional
        First voxel of the axis that counts, and the first that no longer does.

    Raises
    ------
    InputError
        If a number is out of range, or a tile is nothing but margin.

    Examples
    --------
    >>> [(s.lower, s.start, s.stop, s.upper) for s in spans_of_axis(10, 6, 1)]
    [(0, 0, 5, 6), (4, 5, 10, 10)]
    """
    first, last = part or (0, size)
    if min(size, multiple) < 1 or margin < 0 or not 0 <= first < last <= size:
        raise InputError(f"no tiles for {first}:{last} of {size} voxels with margin {margin}")
    if tile // multiple * multiple < 2 * margin + multiple:
        raise InputError(
            f"a tile of {tile} voxels with a margin of {margin} keeps nothing of a network that "
            f"works in steps of {multiple}: use tiles of at least {_least(margin, multiple)}"
        )
    begin = max(0, first - margin) // multiple * multiple
    end = min(_up(size, multiple), _up(last + margin, multiple))
    lowers, length = _places(end - begin, tile // multiple * multiple, margin, multiple)
    reads = [(begin + low, begin + low + length) for low in lowers]
    cuts = [(after[0] + before[1]) // 2 for before, after in itertools.pairwise(reads)]
    edges = [first, *(min(max(cut, first), last) for cut in cuts), last]
    return tuple(
        Span(start, stop, *read)
        for (start, stop), read in zip(itertools.pairwise(edges), reads, strict=True)
        if start < stop
    )


def _places(size: int, tile: int, margin: int, multiple: int) -> tuple[list[int], int]:
    """Where tiles begin that cover `size` voxels, and how many each of them reads."""
    if size <= tile:
        return [0], size
    step = (tile - 2 * margin) // multiple * multiple
    count = 1 + -(-(size - tile) // step)
    # Shorter tiles leave less behind: as short as this number of them still covers the axis.
    while step > multiple and tile - multiple + (count - 1) * (step - multiple) >= size:
        tile, step = tile - multiple, step - multiple
    return [min(n * step, size - tile) for n in range(count)], tile


def _up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _least(margin: int, multiple: int) -> int:
    """Voxels of the shortest tile that keeps something."""
    return _up(2 * margin, multiple) + multiple


def tiles_of_volume(
    shape: Sequence[int],
    tile: int,
    margin: int,
    multiple: int = 1,
    region: Box | None = None,
    first: Box | None = None,
) -> list[Tile]:
    """Tiles that keep every voxel of a volume, or of a region of it, exactly once.

    Parameters
    ----------
    shape : sequence of int
        Voxels z, y, x.
    tile, margin, multiple : int
        As for `spans_of_axis`, along every axis.
    region : tuple of slice, optional
        The only voxels that count; they begin and end within the volume.
    first : tuple of slice, optional
        Tiles that keep something of this box come first.

    Raises
    ------
    InputError
        As for `spans_of_axis`.
    """
    parts = [(s.start, s.stop) for s in region] if region else [None] * 3
    axes = [
        spans_of_axis(size, tile, margin, multiple, part)
        for size, part in zip(shape, parts, strict=True)
    ]
    tiles = [Tile((z, y, x)) for z, y, x in itertools.product(*axes)]
    return tiles if first is None else sorted(tiles, key=lambda t: not boxes_meet(t.kept, first))


def boxes_meet(one: Box, other: Box) -> bool:
    """Whether two boxes share a voxel."""
    pairs = zip(one, other, strict=True)
    return all(a.start < b.stop and b.start < a.stop for a, b in pairs)


def blending_tiles(tiles: Sequence[Tile], region: Box) -> list[Tile]:
    """The same tiles, each keeping all of the region that it reads, so that they overlap."""

    def widened(span: Span, whole: slice) -> Span:
        stop = min(span.upper, whole.stop)
        return replace(span, start=max(span.lower, whole.start), stop=stop)

    return [
        Tile(tuple(map(widened, tile.spans, region)))  # type: ignore[arg-type]
        for tile in tiles
    ]


def heights_of_axis(spans: Sequence[Span]) -> list[list[int]]:
    """Height of each kept voxel of overlapping spans of one axis: 1 where a span begins or ends.

    They rise by 1 from voxel to voxel up to the middle of a span. Where the first span begins
    and the last one ends nothing follows, and they do not fall. A voxel's weight in a span is
    its height there over its heights in all spans, and these weights sum to one.
    """
    begin, end = min(s.start for s in spans), max(s.stop for s in spans)
    return [
        [
            min(
                voxel - s.start + 1 if s.start > begin else s.stop - s.start,
                s.stop - voxel if s.stop < end else s.stop - s.start,
            )
            for voxel in range(s.start, s.stop)
        ]
        for s in spans
    ]


def _box(pairs: Iterable[tuple[int, int]]) -> Box:
    """A box from where it begins and ends along z, y, x."""
    z, y, x = (slice(*pair) for pair in pairs)
    return z, y, x
