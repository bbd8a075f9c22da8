"""What an enhancer is given: half maps or a map, looked over, weighted, at a standard spectrum.

For a region only its surroundings are filtered. What is measured, the gain and the scaling, is
always that of the whole map, but the scaling is measured on voxels no finer than the gain leaves
detail for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mapscope.density.frame import crop
from mapscope.density.half_map_mask import mask_of_map, measured_filter
from mapscope.density.halves import mean_map
from mapscope.density.resample import resample_fourier, shape_for_voxel_size
from mapscope.density.wiener import (
    WienerFilter,
    standardised,
    wiener_filter_of_map,
    wiener_map,
)
from mapscope.errors import DataError
from mapscope.grid import Grid, Region, Shape
from mapscope.inference.card import Card
from mapscope.inference.model_input import ModelInput, resampling, scalings_of
from mapscope.inference.normalise import Scaling
from mapscope.progress import Progress, part
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from mapscope.inference.model import Model
    from mapscope.inspection.finding import Finding

_NO_ANSWER = ("constant", "halves_identical")
_SAID = (
    *("contrast_inverted", "hard_mask", "soft_mask", "sharpened", "filtered", "clipped", "coarse"),
    *("density_cut", "voxel_size_one", "voxel_size_odd", "halves_unlike", "halves_opposed"),
)
_REACH = 24.0  # Å that the gain looks around
_WORTH_IT = 0.5  # share of a map's voxels up to which surroundings are filtered alone
_BEYOND = 1.12  # of the resolution's frequency: there the gain is 0


def odd_input(half_maps: HalfMaps | None, volume: Volume | None, *, is_quick: bool) -> str:
    """What is odd about half maps or a map, in sentences; a quick look does without transforms.

    Raises
    ------
    DataError
        If nothing can come of it.
    """
    found = {one.code: one for one in _looked_at(half_maps, volume, is_quick=is_quick)}
    for code in _NO_ANSWER:
        if one := found.get(code):
            raise DataError(f"{one.title.lower()}: {one.meaning} {one.advice}")
    said = [found[code] for code in _SAID if code in found]
    return " ".join(f"{one.title}. {one.advice}" for one in said)


def _looked_at(
    half_maps: HalfMaps | None, volume: Volume | None, *, is_quick: bool
) -> Iterator[Finding]:
    """Findings of a map, or of two half maps."""
    from mapscope.inspection import findings_of_noun, inspect_noun
    from mapscope.inspection.halves import halves_findings

    if half_maps is None:
        yield from findings_of_noun(volume) if is_quick else inspect_noun(volume).findings
        return
    for one in (half_maps.second, half_maps.first):
        yield from findings_of_noun(one)
    if not is_quick:
        yield from halves_findings(half_maps.first, half_maps.second)


@dataclass(frozen=True, eq=False)
class EnhancerInput:
    """What an enhancer looks at, and the data.

    Parameters
    ----------
    found : WienerFilter
        The gain that both have.
    data : Volume
        Mean of the half maps, or the map, with that gain, on the voxels given.
    ready : ModelInput
        Both half maps with it, or the map twice, as the model wants them.
    lower : tuple of int
        Voxel of the map, z, y, x, that is their first.
    """

    found: WienerFilter
    data: Volume
    ready: ModelInput
    lower: Shape = (0, 0, 0)

    def box_of(self, region: Region) -> Region:
        """A region of the map in voxels of the data."""
        return _moved(region, self.lower)


@dataclass(frozen=True, eq=False)
class Given:
    """What there is to enhance.

    Parameters
    ----------
    half_maps : HalfMaps or None
        Two half maps.
    volume : Volume or None
        A map alone, where there are no half maps.
    mask : Volume or None
        Where the molecule is, 0 to 1; found in the maps where None.
    resolution : float or None
        Å; measured between the half maps where None. A map alone needs it.
    """

    half_maps: HalfMaps | None
    volume: Volume | None
    mask: Volume | None = None
    resolution: float | None = None


@dataclass(frozen=True)
class Surroundings:
    """What counts for a region of a map.

    Parameters
    ----------
    read : Region
        Voxels that the model is given; all that are filtered where it has other voxels, since
        only these go on periodically and can be resampled without ringing.
    filtered : Region
        Voxels that are filtered for these; it may end beyond the map, which goes on periodically.
    """

    read: Region
    filtered: Region


def enhancer_input(asked: Model, given: Given, progress: Progress) -> EnhancerInput:
    """The input weighted, at the standard spectrum and at the model's voxel size.

    Parameters
    ----------
    asked : Model
        The enhancer.
    given : Given
        The whole maps, or map.
    progress : callable
        Called once per plane.

    Raises
    ------
    DataError
        If the maps are constant, or the half maps agree nowhere.
    """
    steps = [part(progress, n, n + 1, 3) for n in range(3)]
    found = _filter_of(given, steps[0])
    maps, data = _weighted(given, found, steps[1])
    return EnhancerInput(found, data, asked.prepare(maps, progress=steps[2]))


def surroundings(card: Card, grid: Grid, region: Region) -> Surroundings | None:
    """What counts for a region of a map; None where that is most of the map.

    Parameters
    ----------
    card : Card
        Of the enhancer.
    grid : Grid
        Of the map.
    region : Region
        Within it.
    """
    from scipy.fft import next_fast_len

    read, filtered = [], []
    for low, high, count, size in zip(
        region.lower, region.upper, grid.shape, grid.voxel_size, strict=True
    ):
        # Tiles then begin where those of the whole map would.
        step, far = card.multiple, math.ceil(card.margin * (card.voxel_size or size) / size)
        start = max(0, (low - far) // step * step)
        stop = min(count, -(-(high + far) // step) * step)
        length = next_fast_len(stop - start + 2 * math.ceil(_REACH / size), real=True)
        before = start - (length - (stop - start)) // 2
        read.append((start, stop))
        filtered.append((before, before + length) if length < count else (0, count))
    around = Surroundings(_region(filtered if resampling(card, grid) else read), _region(filtered))
    is_small = math.prod(around.filtered.shape) <= _WORTH_IT * math.prod(grid.shape)
    return around if is_small else None


def measured(
    asked: Model, given: Given, progress: Progress
) -> tuple[WienerFilter, tuple[Scaling, ...]]:
    """The gain of a map, and what scales its maps for the model, without the maps themselves.

    Parameters and errors are those of `enhancer_input`.
    """
    steps = [part(progress, n, n + 1, 2) for n in range(2)]
    found = _filter_of(given, steps[0])
    if given.half_maps is None:
        assert given.volume is not None
        maps = [given.volume] * len(asked.card.input_channels)
    elif asked.card.scaled_together:
        maps = [mean_map(given.half_maps)] * 2
    else:
        maps = [given.half_maps.first, given.half_maps.second]
    return found, _scalings(asked.card, maps, found, steps[1])


def input_around(
    asked: Model,
    given: Given,
    where: Surroundings,
    found: WienerFilter,
    scalings: tuple[Scaling, ...],
    progress: Progress,
) -> EnhancerInput:
    """The same as `enhancer_input` makes of the whole map, for the surroundings of a region.

    Parameters
    ----------
    asked : Model
        The enhancer.
    given : Given
        The whole maps, or map.
    where : Surroundings
        Of the region.
    found, scalings
        As `measured` gives them.
    progress : callable
        Called once per plane.
    """
    maps, _ = _weighted(_cut_out(given, where.filtered), found, part(progress, 0, 2, 3))
    inner = _moved(where.read, where.filtered.lower)
    maps = [crop(maps[0], inner)] * 2 if maps[0] is maps[1] else [crop(v, inner) for v in maps]
    data = mean_map(HalfMaps(*maps))
    ready = asked.prepare(maps, scalings, progress=part(progress, 2, 3, 3))
    return EnhancerInput(found, data, ready, where.read.lower)


def _filter_of(given: Given, progress: Progress) -> WienerFilter:
    """The gain of half maps, or of a map alone."""
    volume, mask, resolution = given.volume, given.mask, given.resolution
    if given.half_maps is not None:
        return measured_filter(given.half_maps, mask, resolution, progress)
    assert volume is not None
    assert resolution is not None
    return wiener_filter_of_map(volume, resolution, mask or mask_of_map(volume), progress=progress)


def _weighted(given: Given, found: WienerFilter, progress: Progress) -> tuple[list[Volume], Volume]:
    """The maps with the gain, one for each channel, and their mean."""
    if given.half_maps is not None:
        both = standardised(given.half_maps, found, progress=progress)
        return [both.first, both.second], mean_map(both)
    assert given.volume is not None
    data = wiener_map(given.volume, found, progress=progress)
    return [data, data], data


def _scalings(
    card: Card, maps: list[Volume], found: WienerFilter, progress: Progress
) -> tuple[Scaling, ...]:
    """What scales maps with a gain, from voxels as coarse as its detail allows.

    Windows of the model are as large in Å on these; their variances are those of finer voxels.
    """
    grid, own = maps[0].grid, max(maps[0].voxel_size)
    fine = card.voxel_size if card.voxel_size and resampling(card, grid) else own
    coarse = max(own, fine, found.resolution / (2 * _BEYOND))
    # A whole number of voxels along a window: its variance depends on its size.
    window = math.ceil(card.window * fine / coarse - 1e-6)
    if window:
        coarse = card.window * fine / window
    shape = shape_for_voxel_size(grid, coarse)
    count = 1 if all(other is maps[0] for other in maps) else len(maps)
    made = []
    for number, volume in enumerate(maps[:count]):
        few = volume if shape == grid.shape else resample_fourier(volume, shape)
        made.append(wiener_map(few, found, progress=part(progress, number, number + 1, count)))
    resized = card.model_copy(update={"window": window})
    return scalings_of(resized, made * (len(maps) // count), progress)


def _cut_out(given: Given, region: Region) -> Given:
    """A box of maps that go on periodically."""
    if given.half_maps is not None:
        first, second = given.half_maps.first, given.half_maps.second
        return Given(HalfMaps(_cut(first, region), _cut(second, region)), None)
    assert given.volume is not None
    return Given(None, _cut(given.volume, region))


def _cut(volume: Volume, region: Region) -> Volume:
    """A box of a map that goes on periodically."""
    pairs = zip(region.lower, region.upper, volume.shape, strict=True)
    index = [np.arange(low, high) % count for low, high, count in pairs]
    data = np.asarray(volume.data[np.ix_(*index)], dtype=np.float32)
    grid = volume.grid.cropped(region)
    return Volume(data, grid.voxel_size, grid.origin, contrast=volume.contrast)


def _moved(region: Region, lower: Shape) -> Region:
    """A region in voxels counted from another first voxel."""
    pairs = zip(region.lower, region.upper, lower, strict=True)
    return _region([(low - first, high - first) for low, high, first in pairs])


def _region(pairs: list[tuple[int, int]]) -> Region:
    """A box from its first voxels and the first beyond, along z, y, x."""
    lower, upper = zip(*pairs, strict=True)
    return Region(lower, upper)
