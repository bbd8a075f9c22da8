"""How fine the detail of a map is, by its spectrum alone."""

from __future__ import annotations

import numpy as np

from mapscope.density.fourier import Shells, transform
from mapscope.errors import DataError
from mapscope.volume import Volume

FINEST, COARSEST = 4.0, 20.0
"""Å between which the answer lies."""

_VOXELS = 3.0
_SLOWEST = 30.0
_LEFT = 1e-4
_ROUNDING = 1e-12


def finest_detail(volume: Volume) -> float:
    """Resolution in Å beyond which a map holds nothing, for a search at no finer detail.

    It is where the power of a shell falls below 1e-4 of the strongest one's beyond 30 Å, but
    no finer than 4 Å or three voxels. Noise counts as detail, so that the map may be worse.

    Parameters
    ----------
    volume : Volume
        The map.

    Raises
    ------
    DataError
        If it is constant.
    """
    waves, shells = transform(volume.data), Shells(volume.grid)
    power = shells.sums(lambda plane: (np.abs(waves[plane]) ** 2,))[0] / shells.counts()
    slow = shells.frequency >= 1 / _SLOWEST
    limit = max(FINEST, _VOXELS * max(volume.voxel_size))
    if not slow.any():
        return limit
    if not power[slow].max() > _ROUNDING * power.max():
        raise DataError("the map is constant: nothing can be fitted into it")
    is_there = slow & (power > _LEFT * power[slow].max())
    finest = 1 / float(shells.frequency[is_there].max())
    return float(np.clip(finest, limit, max(COARSEST, limit)))
