"""Maps that say nothing about a molecule whatever a model makes of them, and why."""

from __future__ import annotations

import numpy as np

from mapscope.density.level import sample
from mapscope.inspection.values import INVERTED_BELOW, Values, values_of
from mapscope.volume import Volume

# Moments of noise, in whatever band, are within these of 0 and 3; those of maps are beyond.
_NOISE_SKEWNESS, _NOISE_KURTOSIS = 0.2, 0.3
# Of maps cut at a contour level the faintest voxel left is this share of a strong one or more;
# of maps cut out around a model it is near 0.
_CUT_LEVEL = 0.1
_STRONG = 99.0


def reason_against(volume: Volume) -> str:
    """Why a map cannot be judged, as a phrase; empty where nothing speaks against it.

    Found are constant maps, inverted contrast, noise, and maps of which all density below a
    contour level was taken away: what is left of them has edges of any sharpness.

    Parameters
    ----------
    volume : Volume
        The map.
    """
    values = values_of(volume.data)
    if values.is_constant:
        return f"the map is constant ({values.low:g} everywhere)"
    if volume.contrast * values.skewness < INVERTED_BELOW:
        return "its contrast is inverted, dark is dense: invert the contrast first"
    if abs(values.skewness) < _NOISE_SKEWNESS and abs(values.kurtosis - 3) < _NOISE_KURTOSIS:
        return "its densities are spread as those of noise"
    level = _cut_level(volume, values)
    if level > _CUT_LEVEL:
        return (
            f"it is masked tightly: all density below a contour level ({level:.0%} of its highest) "
            "is gone, and the edges that are left hide the resolution"
        )
    return ""


def _cut_level(volume: Volume, values: Values) -> float:
    """The faintest density that differs from the background, as a share of a strong one."""
    if values.background is None:
        return 0.0
    height = volume.contrast * (sample(volume.data) - np.float32(values.background))
    left = height[np.abs(height) > 1e-3 * values.deviation]
    if not left.size:
        return 0.0
    return float(left.min() / max(float(np.percentile(left, _STRONG)), 1e-12))
