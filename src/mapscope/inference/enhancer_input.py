"""What an enhancer is given: half maps or a map, looked over, weighted, at a standard spectrum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mapscope.density.half_map_mask import mask_of_map, measured_filter
from mapscope.density.halves import mean_map
from mapscope.density.wiener import (
    WienerFilter,
    standardised,
    wiener_filter_of_map,
    wiener_map,
)
from mapscope.errors import DataError
from mapscope.inference.model_input import ModelInput
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
    """

    found: WienerFilter
    data: Volume
    ready: ModelInput


def enhancer_input(
    asked: Model,
    half_maps: HalfMaps | None,
    volume: Volume | None,
    mask: Volume | None,
    resolution: float | None,
    progress: Progress,
) -> EnhancerInput:
    """The input weighted, at the standard spectrum and at the model's voxel size."""
    steps = [part(progress, n, n + 1, 3) for n in range(3)]
    if half_maps is not None:
        found = measured_filter(half_maps, mask, resolution, steps[0])
        both = standardised(half_maps, found, progress=steps[1])
        maps, data = [both.first, both.second], mean_map(both)
    else:
        assert volume is not None
        assert resolution is not None
        found = wiener_filter_of_map(
            volume, resolution, mask or mask_of_map(volume), progress=steps[0]
        )
        data = wiener_map(volume, found, progress=steps[1])
        maps = [data, data]
    return EnhancerInput(found, data, asked.prepare(maps, progress=steps[2]))
