"""How alike two maps on one grid are, voxel by voxel."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError, GridError
from mapscope.progress import Progress, silent
from mapscope.volume import Array

Voxels: TypeAlias = Literal["all", "percentile_90"]
"""What PCC and SSIM look at: all values, or the densest tenth of those that are not 0."""

WINDOW = 7
"""Edge in voxels of the cube in which SSIM compares."""

_PERCENTILE = 90
_PLANES_AT_ONCE = 32


def correlation(first: Array, second: Array, inside: Array | None = None) -> float:
    """Correlation of two maps without regard to their means: ``<x, y> / (|x| |y|)``.

    Parameters
    ----------
    first, second : array (...)
        Densities in the same places.
    inside : bool array (...), optional
        Where to look; `None` is everywhere.

    Raises
    ------
    GridError
        If the shapes differ.
    DataError
        If a map is 0 everywhere.

    References
    ----------
    Zhang, Condon & Dao Duc (2024) struc2mapGAN, equation 8, as ChimeraX's ``measure correlation``:
    Meng et al. (2023) Protein Sci. 32, e4792.
    """
    return _cosine(first, second, inside, 0.0, 0.0)


def correlation_about_mean(first: Array, second: Array, inside: Array | None = None) -> float:
    """Correlation of the deviations of two maps from their means over the voxels looked at.

    Parameters and errors as in :func:`correlation`; a constant map is refused as well.

    References
    ----------
    Zhang, Condon & Dao Duc (2024) struc2mapGAN, equation 9, as ChimeraX's ``measure correlation``:
    Meng et al. (2023) Protein Sci. 32, e4792.
    """
    _require_same_shape(first, second)
    return _cosine(first, second, inside, _mean(first, inside), _mean(second, inside))


def pearson(
    first: Array, second: Array, inside: Array | None = None, *, voxels: Voxels = "all"
) -> float:
    """Pearson's correlation coefficient of two maps.

    Parameters
    ----------
    first, second, inside
        As in :func:`correlation`.
    voxels : {"all", "percentile_90"}
        See :func:`densest_tenth`.

    References
    ----------
    Zhang, Condon & Dao Duc (2024) struc2mapGAN, equation 10; its code takes
    the 90th percentile first.
    """
    a, b = (_prepared(data, voxels) for data in (first, second))
    return correlation_about_mean(a, b, inside)


def structural_similarity(
    first: Array,
    second: Array,
    inside: Array | None = None,
    *,
    voxels: Voxels = "all",
    progress: Progress = silent,
) -> float:
    """Mean structural similarity (SSIM) of two maps after each is scaled to 0 to 1.

    scikit-image's, with cubes of 7 voxels, all weights alike, K1 = 0.01 and K2 = 0.03; the
    mean leaves out the outermost three voxels.

    Parameters
    ----------
    first, second : array (z, y, x)
        Densities, at least 7 voxels along each axis.
    inside : bool array (z, y, x), optional
        Voxels to average over.
    voxels : {"all", "percentile_90"}
        See :func:`densest_tenth`.
    progress : callable
        Called once per 32 planes.

    Raises
    ------
    GridError
        If the shapes differ or an axis is too short.
    DataError
        If a map is constant or no voxel is inside.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli (2004) IEEE Trans. Image Process. 13, 600, equation 13;
    Zhang, Condon & Dao Duc (2024) struc2mapGAN, equation 7.
    """
    from skimage.metrics import structural_similarity as similarity

    _require_same_shape(first, second)
    margin = WINDOW // 2
    if min(first.shape) < WINDOW:
        raise GridError(f"SSIM needs {WINDOW} voxels along each axis, got {first.shape} (z, y, x)")
    a, b = (scaled_to_one(_prepared(data, voxels)) for data in (first, second))
    total, count = 0.0, 0
    for start in range(margin, len(a) - margin, _PLANES_AT_ONCE):
        progress(start, len(a), "structural similarity")
        slab = slice(start - margin, min(start + _PLANES_AT_ONCE, len(a) - margin) + margin)
        pair = (a[slab].astype(np.float64), b[slab].astype(np.float64))
        _, values = similarity(*pair, win_size=WINDOW, data_range=1.0, full=True)
        core = (slice(margin, -margin),) * 3
        kept = values[core].ravel() if inside is None else values[core][inside[slab][core]]
        total, count = total + float(kept.sum()), count + kept.size
    progress(1, 1, "structural similarity")
    if not count:
        raise DataError("the mask is empty but for the rim of the box: make one that covers more")
    return total / count


def densest_tenth(data: Array) -> npt.NDArray[np.float32]:
    """The map with everything below the 90th percentile of its values that are not 0 set to 0.

    The evaluation of struc2mapGAN does so before SSIM and PCC, and then scales to 0 to 1, so
    that solvent does not count.

    Parameters
    ----------
    data : array (...)
        Density.

    Raises
    ------
    DataError
        If it is 0 everywhere.

    References
    ----------
    Zhang, Condon & Dao Duc (2024) struc2mapGAN: in its code, not in its text.
    """
    values = np.asarray(data, dtype=np.float32)
    other = values[values != 0]
    if not other.size:
        raise DataError("the map is 0 everywhere: there is nothing to compare")
    return np.where(values < np.percentile(other, _PERCENTILE), np.float32(0), values)


def scaled_to_one(data: Array) -> npt.NDArray[np.float32]:
    """The map scaled so that its values run from 0 to 1.

    Raises
    ------
    DataError
        If it is constant.
    """
    low, high = float(data.min()), float(data.max())
    if not high > low:
        raise DataError(f"the map is constant ({low:g} everywhere): there is nothing to compare")
    return np.asarray((np.asarray(data, dtype=np.float64) - low) / (high - low), dtype=np.float32)


def _prepared(data: Array, voxels: Voxels) -> Array:
    """The values that PCC and SSIM look at."""
    return densest_tenth(data) if voxels == "percentile_90" else data


def _cosine(
    first: Array, second: Array, inside: Array | None, low_first: float, low_second: float
) -> float:
    """Cosine between two maps less a constant each, summed plane by plane in double precision."""
    _require_same_shape(first, second)
    sums = np.zeros(3)
    for index in range(len(first)):
        chosen = ... if inside is None else inside[index]
        a = np.asarray(first[index], dtype=np.float64)[chosen] - low_first
        b = np.asarray(second[index], dtype=np.float64)[chosen] - low_second
        sums += ((a * b).sum(), (a * a).sum(), (b * b).sum())
    if not (sums[1] > 0 and sums[2] > 0):
        raise DataError("a map is constant where they are compared: no correlation is defined")
    return float(sums[0] / np.sqrt(sums[1]) / np.sqrt(sums[2]))


def _mean(data: Array, inside: Array | None) -> float:
    """Mean of the values looked at."""
    total = np.sum(data, dtype=np.float64, where=True if inside is None else inside)
    count = data.size if inside is None else np.count_nonzero(inside)
    return float(total) / max(count, 1)


def _require_same_shape(first: Array, second: Array) -> None:
    """Raise unless both have one shape.

    Raises
    ------
    GridError
        Saying both.
    """
    if first.shape != second.shape:
        raise GridError(
            f"maps of {first.shape} and {second.shape} voxels (z, y, x) cannot be compared: "
            "bring one onto the grid of the other first"
        )
