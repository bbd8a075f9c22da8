"""Contrast from what is seen: percentiles of some slices, however large the map is."""

from __future__ import annotations

from typing import Any

import numpy as np

from mapscope.viewer.views.slices import coarse_enough, levels_of

PERCENTILES = (0.5, 99.5)
"""Of the densities in a slice that are drawn black and white."""

SHARES = (0.3, 0.5, 0.7)
"""Where along z the slices lie that are measured."""


def limits_as_seen(layer: Any) -> tuple[float, float]:
    """Densities to draw black and white, from percentiles of three slices as they are seen.

    A few very bright voxels, such as gold, do not count. The second is above the first.

    Parameters
    ----------
    layer : Image
        A map; of its coarser copies the one that fits a panel is read.
    """
    level = coarse_enough(levels_of(layer), 0)
    places = sorted({int(share * (level.shape[0] - 1)) for share in SHARES})
    values = np.concatenate([np.asarray(level[z], dtype=np.float32).ravel() for z in places])
    low, high = (float(q) for q in np.percentile(values, PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)
