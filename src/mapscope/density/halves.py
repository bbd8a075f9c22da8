"""The full map that two half maps make."""

from __future__ import annotations

import numpy as np

from mapscope.density.frame import crop
from mapscope.errors import InputError
from mapscope.volume import HalfMaps, Region, Volume


def mean_map(half_maps: HalfMaps, region: Region | None = None) -> Volume:
    """Mean of both half maps, or of a region of them, float32, with the first one's header."""
    first, second = half_maps.first, half_maps.second
    if region is not None:
        first, second = crop(first, region), crop(second, region)
    data = first.float32() + second.float32()
    data *= np.float32(0.5)
    return first.with_data(data)


def map_or_mean(
    volume: Volume | None, half_maps: HalfMaps | None, region: Region | None = None
) -> Volume:
    """The map, or the mean of the half maps where none is given; cut to a region if asked.

    Raises
    ------
    InputError
        If neither is given.
    """
    if volume is not None:
        return volume if region is None else crop(volume, region)
    if half_maps is None:
        raise InputError("give a map, or two half maps")
    return mean_map(half_maps, region)
