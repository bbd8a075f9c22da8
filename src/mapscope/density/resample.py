"""Maps on other grids: exact resampling in Fourier space, and interpolation."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import (
    filter_radial,
    frequencies,
    inverse,
    low_pass_gain,
    transform,
)
from mapscope.density.tiles import narrowest_edge
from mapscope.errors import GridError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid, Region, Shape, Volume

Order: TypeAlias = Literal[1, 3]

_TOLERANCE = 1e-3
_POINTS_AT_ONCE = 200_000
_SLAB_VOXELS = 1_000_000
_WORKERS = -1  # as many threads as there are cores
_SPLINE_REACH = 16  # a voxel this far away counts for 1e-9


def shape_for_voxel_size(grid: Grid, voxel_size: float) -> Shape:
    """Number of voxels (z, y, x) that come nearest to `voxel_size` in Å over the same box.

    Raises
    ------
    GridError
        If the voxel size is not positive.
    """
    if not voxel_size > 0:
        raise GridError(f"voxel_size must be positive in Å, got {voxel_size}")
    z, y, x = (max(1, round(edge / voxel_size)) for edge in grid.extent)
    return (z, y, x)


def resample_fourier(volume: Volume, new_shape: Shape, *, progress: Progress = silent) -> Volume:
    """The map on more or fewer voxels over the same box, by padding or cropping its transform.

    Exact for a map without detail finer than two of the larger voxels; there and back then
    gives the map again. The box is taken as periodic. Voxel 0 stays where it was, the voxel
    size becomes extent / `new_shape`, and the header is dropped.

    Parameters
    ----------
    volume : Volume
        The map.
    new_shape : tuple of int
        Number of voxels, z, y, x; odd and even sizes may be mixed.
    progress : callable
        Called between the transforms.

    Raises
    ------
    GridError
        If a size is below 1.
    """
    size = [edge / max(n, 1) for edge, n in zip(volume.grid.extent, new_shape, strict=True)]
    target = Grid(new_shape, tuple(size), volume.origin)  # type: ignore[arg-type]
    coefficients = _transform(volume.data, target.shape, part(progress, 0, 1, 2))
    coefficients *= np.float32(math.prod(target.shape) / math.prod(volume.shape))
    data = inverse(coefficients, target.shape, part(progress, 1, 2, 2))
    return Volume(data, target.voxel_size, volume.origin, contrast=volume.contrast)


def _transform(data: Array, shape: Shape, progress: Progress) -> Array:
    """Fourier coefficients of a map for another number of voxels, what is dropped dropped early."""
    from scipy.fft import fft, rfft

    progress(0, 1, "Fourier transform")
    ft = rfft(np.asarray(data, dtype=np.float32), axis=2, workers=_WORKERS)
    for axis in (1, 0):
        before = axis + 1
        if shape[before] < data.shape[before]:
            ft = _resized(ft, before, data.shape[before], shape[before])
        ft = fft(ft, axis=axis, workers=_WORKERS)
    for axis, (old, new) in enumerate(zip(data.shape, shape, strict=True)):
        if axis == 0 or new > old:
            ft = _resized(ft, axis, old, new)
    progress(1, 1, "Fourier transform")
    return np.asarray(ft, dtype=np.complex64)


def _resized(ft: Array, axis: int, old: int, new: int) -> Array:
    """Coefficients of an axis for another size; Nyquist is halved or added up."""
    if old == new:
        return ft
    if axis == 2:
        return _resized_half(ft, old, new)
    source = np.moveaxis(ft, axis, 0)
    result = np.zeros((new, *source.shape[1:]), dtype=ft.dtype)
    kept = min(old, new)
    positive, negative = (kept + 1) // 2, (kept - 1) // 2
    result[:positive] = source[:positive]
    if negative:
        result[-negative:] = source[-negative:]
    if kept % 2 == 0:
        nyquist = kept // 2
        if new > old:
            result[nyquist] = result[-nyquist] = 0.5 * source[nyquist]
        else:
            result[nyquist] = source[nyquist] + source[-nyquist]
    return np.moveaxis(result, 0, axis)


def _resized_half(ft: Array, old: int, new: int) -> Array:
    """Coefficients of the half axis x for another size; Nyquist is halved or doubled."""
    if old == new:
        return ft
    kept = min(old, new)
    result = np.zeros((*ft.shape[:-1], new // 2 + 1), dtype=ft.dtype)
    length = kept // 2 + 1
    result[..., :length] = ft[..., :length]
    if kept % 2 == 0:
        result[..., kept // 2] *= 0.5 if new > old else 2.0
    return result


def every_nth_voxel(volume: Volume, factor: int, *, progress: Progress = silent) -> Volume:
    """Every `factor`-th voxel of a map from which finer detail was filtered, also of a huge map.

    Detail ends in a raised cosine that reaches 0 where the larger voxels do; a map larger than
    memory is filtered by tiles.

    Parameters
    ----------
    volume : Volume
        The map; may be a memory map.
    factor : int
        At least 1.
    progress : callable
        Called once per tile or z plane.
    """
    nyquist = 0.5 / (factor * max(volume.voxel_size))
    edge = min(narrowest_edge(volume.grid), nyquist)
    gain = low_pass_gain(1 / (nyquist - edge / 2), edge)
    smooth = filter_radial(volume, gain, progress=progress)
    z, y, x = (factor * size for size in volume.voxel_size)
    data = np.ascontiguousarray(smooth.data[::factor, ::factor, ::factor])
    return Volume(data, (z, y, x), volume.origin, contrast=volume.contrast)


def interpolate(
    volume: Volume,
    positions: npt.ArrayLike,
    *,
    order: Order = 3,
    outside: float = 0.0,
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """Density at any positions.

    Parameters
    ----------
    volume : Volume
        The map.
    positions : array (..., 3)
        Å, z, y, x.
    order : {1, 3}
        1 is linear, 3 a cubic spline through the voxels.
    outside : float
        Value beyond the outermost voxel centres.
    progress : callable
        Called once per axis of the spline and per 200,000 points.

    Returns
    -------
    float32 array (...,)
    """
    from scipy.ndimage import map_coordinates

    places = np.asarray(positions, dtype=np.float64)
    index = volume.grid.index_from_world(places.reshape(-1, 3))
    limit = np.asarray(volume.shape) - 1.0
    inside = np.asarray(((index >= -_TOLERANCE) & (index <= limit + _TOLERANCE)).all(axis=1))
    values = np.full(len(index), outside, dtype=np.float32)
    if not inside.any():
        return values.reshape(places.shape[:-1])
    region = _around(index[inside], volume.shape)
    data = np.ascontiguousarray(volume.data[region.slices], dtype=np.float32)
    coefficients = spline_coefficients(data, order, part(progress, 0, 1, 2))
    points = part(progress, 1, 2, 2)
    for start in range(0, len(index), _POINTS_AT_ONCE):
        points(start, len(index), "interpolating")
        block = slice(start, start + _POINTS_AT_ONCE)
        at = (index[block] - region.lower).T
        found = map_coordinates(
            coefficients, at, np.float32, order=order, mode="mirror", prefilter=False
        )
        values[block] = np.where(inside[block], found, values[block])
    points(1, 1, "interpolating")
    return values.reshape(places.shape[:-1])


def _around(index: npt.NDArray[np.float64], shape: Shape) -> Region:
    """The box of voxels on which a spline at these indices (n, 3) depends."""
    lower = np.floor(index.min(axis=0)).astype(int) - _SPLINE_REACH
    upper = np.ceil(index.max(axis=0)).astype(int) + _SPLINE_REACH + 1
    return Region(tuple(lower), tuple(upper)).clipped(shape)


def spline_coefficients(data: Array, order: Order, progress: Progress) -> Array:
    """Cubic spline coefficients, one axis at a time; the data themselves for order 1."""
    from scipy.ndimage import spline_filter1d

    if order == 1:
        return data
    for axis in range(3):
        progress(axis, 3, "spline coefficients")
        if data.shape[axis] > 1:
            data = spline_filter1d(data, order, axis, np.float32, mode="mirror")
    return data


def onto_grid(
    volume: Volume,
    grid: Grid,
    *,
    order: Order = 3,
    outside: float = 0.0,
    progress: Progress = silent,
) -> Volume:
    """The map interpolated onto another grid, free of aliasing where that grid is coarser.

    Parameters
    ----------
    volume : Volume
        The map.
    grid : Grid
        Where the voxels of the result lie.
    order : {1, 3}
        1 is linear, 3 a cubic spline through the voxels.
    outside : float
        Value of voxels beyond the outermost voxel centres of `volume`.
    progress : callable
        Called once per slab of about a million voxels.

    Returns
    -------
    Volume
        float32, with no header unless the grids are the same.
    """
    if volume.grid.matches(grid):
        return volume
    data = _without_aliases(volume, grid, part(progress, 0, 1, 4))
    coefficients = spline_coefficients(data, order, part(progress, 1, 2, 4))
    result = np.full(grid.shape, outside, dtype=np.float32)
    lower, upper = _overlap(volume.grid, grid)
    if all(a < b for a, b in zip(lower, upper, strict=True)):
        inside = result[tuple(slice(a, b) for a, b in zip(lower, upper, strict=True))]
        _fill(inside, coefficients, volume.grid, grid, lower, order, part(progress, 2, 4, 4))
    return Volume(result, grid.voxel_size, grid.origin, contrast=volume.contrast)


def _overlap(source: Grid, target: Grid) -> tuple[list[int], list[int]]:
    """First voxel of `target` within the outermost centres of `source`, and first beyond."""
    end = source.world_from_index(np.asarray(source.shape) - 1.0)
    first = np.ceil(target.index_from_world(source.origin) - _TOLERANCE)
    last = np.floor(target.index_from_world(end) + _TOLERANCE)
    lower = [max(0, int(i)) for i in first]
    upper = [min(n, int(i) + 1) for i, n in zip(last, target.shape, strict=True)]
    return lower, upper


def _fill(
    result: Array,
    coefficients: Array,
    source: Grid,
    target: Grid,
    lower: list[int],
    order: Order,
    progress: Progress,
) -> None:
    """Evaluate the spline on a box of the target grid that begins at `lower`, slab by slab."""
    from scipy.ndimage import affine_transform

    step = np.asarray(target.voxel_size) / np.asarray(source.voxel_size)
    start = source.index_from_world(target.world_from_index(lower))
    thickness = max(1, _SLAB_VOXELS // math.prod(result.shape[1:]))
    for z in range(0, result.shape[0], thickness):
        progress(z, result.shape[0], "interpolating")
        slab = result[z : z + thickness]
        affine_transform(
            coefficients,
            step,
            start + step * [z, 0, 0],
            slab.shape,
            slab,
            order=order,
            mode="mirror",
            prefilter=False,
        )
    progress(1, 1, "interpolating")


def _without_aliases(volume: Volume, grid: Grid, progress: Progress) -> Array:
    """The data without frequencies that the target grid cannot hold, axis by axis."""
    gains = []
    for frequency, source, target in zip(
        frequencies(volume.grid), volume.voxel_size, grid.voxel_size, strict=True
    ):
        if target <= source * (1 + _TOLERANCE):
            gains.append(np.ones_like(frequency, dtype=np.float32))
            continue
        # A raised cosine from 0.9 to 1 of the coarse grid's Nyquist frequency.
        along = np.clip((np.abs(frequency) * 2 * target - 0.9) / 0.1, 0, 1)
        gains.append((0.5 + 0.5 * np.cos(np.pi * along)).astype(np.float32))
    if all((gain == 1).all() for gain in gains):
        return volume.float32()
    coefficients = transform(volume.data, part(progress, 0, 1, 2))
    for gain in gains:
        coefficients *= gain
    return inverse(coefficients, volume.shape, part(progress, 1, 2, 2))
