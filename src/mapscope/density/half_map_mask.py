"""Where half maps are measured: a soft mask around what they agree on, where there is none."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from mapscope.cache import shared
from mapscope.density.fourier import low_pass
from mapscope.density.mask import automatic_threshold, make_mask
from mapscope.density.resample import resample_fourier, shape_for_voxel_size
from mapscope.density.wiener import WienerFilter, wiener_filter
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.record import checksum_of
from mapscope.volume import Array, Grid, HalfMaps, Volume

_VOXEL_SIZE = 3.0  # coarse voxels are enough for a shape, and much faster
_SMOOTH = 12.0
_ABOVE_NOISE = 5.0
_DILATION, _SOFT_EDGE = 3.0, 6.0


def mask_of_half_maps(half_maps: HalfMaps, *, progress: Progress = silent) -> Volume | None:
    """Mask around density that stands out from the noise, which the half maps' difference shows.

    Both are filtered to 12 Å. Inside is what lies five standard deviations of the noise above the
    background, and a soft edge is put around. On simulated half maps of 3.5 and 6 Å in boxes with
    98 % solvent, C_ref is then as with a mask made from the atoms, to a few hundredths.

    Parameters
    ----------
    half_maps : HalfMaps
        As refinement gave them.
    progress : callable
        Called once per plane and step.

    Returns
    -------
    Volume or None
        0 to 1, on the grid of the half maps; None where nothing stands out.
    """
    steps = [part(progress, n, n + 1, 4) for n in range(4)]
    first, second = (
        _smooth(v, tell)
        for v, tell in zip((half_maps.first, half_maps.second), steps[:2], strict=True)
    )
    noise = float((first.data - second.data).std()) / 2
    mean = first.with_data((first.data + second.data) / 2)
    level = float(np.median(mean.data)) + _ABOVE_NOISE * noise
    if not (mean.data >= level).any() or not np.ptp(mean.data) > 0:
        return None
    return _around(mean, max(level, automatic_threshold(mean.data)), half_maps.first, steps[2])


def mask_of_map(volume: Volume, *, progress: Progress = silent) -> Volume | None:
    """Mask around the density of a map alone; None where it is constant.

    Parameters
    ----------
    volume : Volume
        The map.
    progress : callable
        Called once per plane and step.
    """
    smooth = _smooth(volume, part(progress, 0, 1, 2))
    try:
        level = automatic_threshold(smooth.data)
    except DataError:
        return None
    return _around(smooth, level, volume, part(progress, 1, 2, 2))


def measured_filter(
    half_maps: HalfMaps,
    mask: Volume | None = None,
    resolution: float | None = None,
    progress: Progress = silent,
) -> WienerFilter:
    """Wiener's filter of half maps, in a mask around their density where none is given.

    Computed once for equal inputs; the parameters are those of `wiener.wiener_filter`.

    Raises
    ------
    GridError, DataError
        As it does.
    """
    nouns = (half_maps.first, half_maps.second, mask)
    key = ("wiener", half_maps.grid, resolution, *(n and checksum_of(n) for n in nouns))

    def compute() -> WienerFilter:
        found = mask or mask_of_half_maps(half_maps, progress=part(progress, 0, 1, 3))
        tell = part(progress, 1, 3, 3)
        return wiener_filter(half_maps, found, resolution=resolution, progress=tell)

    return shared.get(key, compute)


def _smooth(volume: Volume, progress: Progress) -> Volume:
    """The map on coarse voxels, bright where it is dense, without detail."""
    pooled, blur = _pooled(volume)
    shape = shape_for_voxel_size(pooled.grid, max(_VOXEL_SIZE, *pooled.voxel_size))
    coarse = resample_fourier(pooled, shape, progress=part(progress, 0, 1, 2))
    # Means of voxels blur like a Gaussian: the filter has to do only the rest.
    resolution = math.sqrt(_SMOOTH**2 - 2 * math.pi**2 / math.log(2) * blur)
    smooth = low_pass(coarse, resolution, edge="gaussian", progress=part(progress, 1, 2, 2))
    return Volume(volume.contrast * smooth.data, smooth.voxel_size, smooth.origin)


def _pooled(volume: Volume) -> tuple[Volume, float]:
    """Means of neighbouring voxels, and their variance in place along an axis in Å²."""
    factors = [max(1, int(_VOXEL_SIZE / size + 1e-3)) for size in volume.voxel_size]
    data, origin, sizes, blurs = volume.float32(), [], [], []
    for axis, (factor, size) in enumerate(zip(factors, volume.voxel_size, strict=True)):
        data = _means(data, axis, factor)
        origin.append(volume.origin[axis] + (factor - 1) / 2 * size)
        sizes.append(factor * size)
        blurs.append((factor**2 - 1) * size**2 / 12)
    return Volume(data, tuple(sizes), tuple(origin)), float(np.mean(blurs))  # type: ignore[arg-type]


def _means(data: Array, axis: int, factor: int) -> Array:
    """Means of so many voxels along an axis; the last may be of fewer."""
    if factor == 1:
        return data
    source = np.moveaxis(data, axis, 0)
    total = np.array(source[::factor])
    for step in range(1, factor):
        more = source[step::factor]
        total[: len(more)] += more
    total /= np.float32(factor)
    if rest := len(source) % factor:
        total[-1] *= np.float32(factor / rest)
    return np.moveaxis(total, 0, axis)


def _around(smooth: Volume, level: float, volume: Volume, progress: Progress) -> Volume | None:
    """Soft mask around what is above a level, on the grid of a map."""
    if not (smooth.data >= level).any():
        return None
    mask = make_mask(
        smooth,
        threshold=level,
        low_pass_resolution=None,
        dilation=_DILATION,
        soft_edge=_SOFT_EDGE,
        progress=part(progress, 0, 1, 2),
    )
    progress(1, 2, "mask on the voxels of the map")
    return _on_voxels(mask, volume.grid)


def _on_voxels(mask: Volume, grid: Grid) -> Volume:
    """A mask of coarse voxels, linear between them, on another grid; it goes on at the edges."""
    data = mask.float32()
    for axis in (2, 1, 0):
        start = (grid.origin[axis] - mask.origin[axis]) / mask.voxel_size[axis]
        step = grid.voxel_size[axis] / mask.voxel_size[axis]
        data = _between(data, axis, start + step * np.arange(grid.shape[axis]))
    return Volume(data, grid.voxel_size, grid.origin)


def _between(data: Array, axis: int, places: Array) -> npt.NDArray[np.float32]:
    """Values along an axis, linear between its voxels."""
    source = np.moveaxis(data, axis, 0)
    last = len(source) - 1
    result = np.empty((len(places), *source.shape[1:]), dtype=np.float32)
    for number, place in enumerate(np.clip(places, 0, last)):
        low = min(int(place), max(0, last - 1))
        share = np.float32(place - low)
        np.subtract(source[min(low + 1, last)], source[low], out=result[number])
        result[number] *= share
        result[number] += source[low]
    return np.moveaxis(result, 0, axis)
