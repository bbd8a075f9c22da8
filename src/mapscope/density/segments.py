"""A map cut into regions that each hold one peak of its density."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.density.frame import region_around_mask
from mapscope.density.level import first_contour_level
from mapscope.errors import DataError
from mapscope.labels import Labels
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Triple, Volume

_STEP = 1.15
_MOST_STEPS = 40
_MARGIN = 1
_NEIGHBOURS = np.ones((3, 3, 3), dtype=np.bool_)


def segment(
    volume: Volume,
    *,
    level: float | None = None,
    smoothing: float = 6.0,
    most_regions: int | None = None,
    smallest: float | None = None,
    progress: Progress = silent,
) -> Labels:
    """Regions of a map by watershed, the largest first, with names.

    Above the level each voxel belongs to the peak of the smoothed density that it climbs to.
    Where fewer regions are wanted the density is smoothed further, step by step, and regions
    whose peaks run together become one: boundaries stay those of the finest step.

    Parameters
    ----------
    volume : Volume
        The map.
    level : float, optional
        Density above which a voxel belongs to a region; `None` takes the first contour level.
    smoothing : float
        Resolution in Å to which the density is filtered before peaks are looked for.
    most_regions : int, optional
        Smooth further until there are no more regions than this.
    smallest : float, optional
        Å³: separate parts smaller than this are left out; `None` takes a cube as wide as the
        smoothing.
    progress : callable
        Called once per step.

    Raises
    ------
    DataError
        If nothing is above the level, or the map is constant.

    References
    ----------
    .. [1] Pintilie et al. (2010) J. Struct. Biol. 170, 427, doi:10.1016/j.jsb.2010.03.007:
       watershed, and grouping by smoothing.
    """
    limit = first_contour_level(volume) if level is None else level
    inside = _inside(volume, limit, smoothing**3 if smallest is None else smallest)
    box = region_around_mask(inside, margin=_MARGIN)
    mask = inside[box.slices]
    density = volume.float32()[box.slices] * np.float32(volume.contrast)
    # Density outside is cut off, so that a neighbour's solvent does not move a peak.
    density = np.where(mask, density - np.float32(limit * volume.contrast), 0)
    resolution = smoothing
    progress(0, _MOST_STEPS, "smoothing")
    regions, peaks = _watershed(_smoothed(density, resolution, volume.voxel_size), mask)
    for step in range(1, _MOST_STEPS):
        if most_regions is None or len(peaks) <= most_regions:
            break
        progress(step, _MOST_STEPS, f"{len(peaks)} regions")
        resolution = max(resolution * _STEP, 2 * min(volume.voxel_size))
        tops = _climbed(_smoothed(density, resolution, volume.voxel_size), peaks)
        peaks, group = np.unique(tops, axis=0, return_inverse=True)
        regions = np.concatenate([[0], group.ravel() + 1])[regions]
    progress(1, 1, "naming")
    whole = np.zeros(volume.shape, dtype=np.int32)
    whole[box.slices] = regions
    return _named(volume, whole)


def _inside(volume: Volume, level: float, smallest: float) -> npt.NDArray[np.bool_]:
    """Voxels above the level in parts of at least `smallest` Å³.

    Raises
    ------
    DataError
        If there are none.
    """
    from scipy.ndimage import label

    above = volume.float32() * np.float32(volume.contrast) >= level * volume.contrast
    parts, _ = label(above, _NEIGHBOURS)
    sizes = np.bincount(parts.ravel()) * float(np.prod(volume.voxel_size))
    sizes[0] = -1
    kept: npt.NDArray[np.bool_] = (sizes >= smallest)[parts]
    if not kept.any():
        raise DataError(
            f"no part of the map of {smallest:g} Å³ reaches the level {level:g}: "
            "lower the level or ask for smaller parts"
        )
    return kept


def _smoothed(density: Array, resolution: float, voxel_size: Triple) -> npt.NDArray[np.float32]:
    """The density filtered by a Gaussian that halves amplitudes at a resolution in Å."""
    from scipy.ndimage import gaussian_filter

    sigma = resolution * np.sqrt(np.log(2) / 2) / np.pi
    smooth: npt.NDArray[np.float32] = gaussian_filter(
        density.astype(np.float32, copy=False),
        [sigma / size for size in voxel_size],
        mode="constant",
    )
    return smooth


def _watershed(density: Array, inside: Array) -> tuple[Array, Array]:
    """Regions from 1 upwards, and the voxel (n, 3) of the peak of each."""
    from skimage.segmentation import watershed

    peaks = _peaks(density, inside)
    markers = np.zeros(density.shape, dtype=np.int32)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    return watershed(-density, markers, connectivity=_NEIGHBOURS, mask=inside), peaks


def _peaks(density: Array, inside: Array) -> Array:
    """Voxels (n, 3) that no neighbour within the mask exceeds; one for each plateau."""
    from scipy.ndimage import label, maximum_filter

    held = np.where(inside, density, -np.inf)
    around = maximum_filter(held, footprint=_NEIGHBOURS, mode="constant", cval=-np.inf)
    plateaus, number = label(inside & (held == around), _NEIGHBOURS)
    _, first = np.unique(plateaus, return_index=True)
    return np.stack(np.unravel_index(first[-number:], density.shape), axis=1)


def _climbed(density: Array, places: Array) -> Array:
    """The voxels (n, 3) at which one arrives by climbing steepest from some."""
    held = np.pad(density, 1, constant_values=-np.inf)
    offsets = np.argwhere(_NEIGHBOURS) - 1
    at = places + 1
    while True:
        around = at[:, None] + offsets
        best = around[np.arange(len(at)), held[tuple(np.moveaxis(around, -1, 0))].argmax(axis=1)]
        higher = held[tuple(best.T)] > held[tuple(at.T)]
        if not higher.any():
            return np.asarray(at - 1)
        at = np.where(higher[:, None], best, at)


def _named(volume: Volume, regions: Array) -> Labels:
    """Labels in the order of size, each named after its place in it."""
    sizes = np.bincount(regions.ravel()) * float(np.prod(volume.voxel_size))
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")[:-1]
    new = np.zeros(len(sizes), dtype=np.int32)
    new[order] = np.arange(1, len(sizes))
    names = {n: f"region {n}" for n in range(1, len(sizes))}
    return Labels(new[regions], volume.voxel_size, volume.origin, names)
