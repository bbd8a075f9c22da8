"""Levels that suit a map: where to contour it first, how bright to draw it, what is inside."""

from __future__ import annotations

import itertools
import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import DataError
from mapscope.volume import Array, LazyArray, Volume

_SAMPLE_VOXELS = 2_000_000
_SAMPLE_BLOCKS = 100
_CUT_OUT_SHARE = 0.3
_LEAST_ENCLOSED = 0.005
Box: TypeAlias = tuple[slice, ...]


def sample(data: Array, most: int = _SAMPLE_VOXELS) -> npt.NDArray[np.float32]:
    """At most about `most` voxels of an array (z, y, x), evenly spread, as float32 (n,).

    Of a lazy array whose file holds blocks, some of these are read, evenly spread, and not all.
    """
    if isinstance(data, LazyArray) and data.block_shape is not None:
        counts = [-(-n // b) for n, b in zip(data.shape, data.block_shape, strict=True)]
        if math.prod(counts) > _SAMPLE_BLOCKS:
            return _sample_of_blocks(data, data.block_shape, most)
    stride = 1
    while data.size / stride**3 > most:
        stride += 1
    # Plane by plane, so that of a memory map or a lazy array only these are read.
    planes = [
        np.asarray(data[z, ::stride, ::stride], dtype=np.float32).ravel()
        for z in range(0, len(data), stride)
    ]
    return np.concatenate(planes)


def _blocks_of(shape: tuple[int, ...], block: tuple[int, ...], step: int) -> list[Box]:
    """Every `step`-th block of an array along each axis."""
    firsts = [
        [first * b for first in range(min(step // 2, -(-n // b) - 1), -(-n // b), step)]
        for n, b in zip(shape, block, strict=True)
    ]
    return [
        tuple(slice(c, min(c + b, n)) for c, b, n in zip(corner, block, shape, strict=True))
        for corner in itertools.product(*firsts)
    ]


def _sample_of_blocks(data: Array, block: tuple[int, ...], most: int) -> npt.NDArray[np.float32]:
    """At most about `most` voxels of some blocks of an array."""
    step = 1
    while len(blocks := _blocks_of(data.shape, block, step)) > _SAMPLE_BLOCKS:
        step += 1
    parts = [np.asarray(data[one], dtype=np.float32).ravel() for one in blocks]
    every = max(1, -(-sum(part.size for part in parts) // most))
    return np.concatenate([part[::every] for part in parts])


def is_cut_out(data: Array) -> bool:
    """Whether over 30 % of the voxels of a map hold one background value exactly.

    So it is with zones cut around a model and maps multiplied by a hard mask, whose
    background is no noise. Looked for are 0 and the values of the corners.
    """
    values = sample(data)
    corners = {float(data[corner]) for corner in itertools.product((0, -1), repeat=3)}
    shares = [float((values == np.float32(value)).mean()) for value in {0.0} | corners]
    return max(shares) > _CUT_OUT_SHARE


def first_contour_level(volume: Volume) -> float:
    """A density at which the first surface of a map looks right.

    Mean plus two standard deviations, or three widths of the noise above the median where
    that is higher (full boxes), but low enough for 0.5 % of the voxels to be inside. On
    maps with a known model it encloses about 0.3 to 1.3 times the volume of the molecule, whether
    they are whole boxes or cut out tightly; one per cent of the voxels would be too few in
    the latter.

    Parameters
    ----------
    volume : Volume
        The map; where `contrast` is -1 the level is below the mean.

    Raises
    ------
    DataError
        If all voxels are equal.
    """
    values = sample(volume.data) * np.float32(volume.contrast)
    mean, deviation = _moments(values)
    level = mean + 2 * deviation
    low, median, most = np.quantile(values, [0.1587, 0.5, 1 - _LEAST_ENCLOSED])
    if not is_cut_out(volume.data):
        level = max(level, float(median + 3 * (median - low)))
    return float(min(level, most) if most > mean else level) * volume.contrast


def _moments(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Mean and standard deviation.

    Raises
    ------
    DataError
        If all values are equal.
    """
    mean, deviation = (float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64)))
    if not deviation > 0:
        raise DataError(f"the map is constant ({mean:g} everywhere): there is nothing to contour")
    return mean, deviation


def contrast_limits(volume: Volume) -> tuple[float, float]:
    """Densities to draw black and white in slices: the 0.5 and 99.8 % quantiles.

    Quantiles are of the voxels that are not background where the map is cut out. The second
    is above the first even in a constant map.
    """
    values = sample(volume.data)
    if is_cut_out(volume.data):
        background = np.median(values)
        inside = values[values != background]
        values = inside if inside.size else values
    low, high = (float(q) for q in np.quantile(values, [0.005, 0.998]))
    return (low, high) if high > low else (low, low + 1.0)


def tomogram_limits(volume: Volume) -> tuple[float, float]:
    """Densities to draw black and white in slices of a tomogram: the 1 and 99 % quantiles.

    A tomogram is noise in which gold, ice and the empty ends of the box are far out on both
    sides; only what is exactly 0, as where nothing was reconstructed, is left out.
    """
    values = sample(volume.data)
    inside = values[values != 0]
    values = inside if inside.size > 0.05 * values.size else values
    low, high = (float(q) for q in np.quantile(values, [0.01, 0.99]))
    return (low, high) if high > low else (low, low + 1.0)
