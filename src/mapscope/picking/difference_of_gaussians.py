"""How much a tomogram looks like a blob of a given size at each voxel, tile by tile.

References
----------
Marr & Hildreth (1980) Proc. R. Soc. Lond. B 207, 187; Voss et al. (2009) J. Struct. Biol. 166,
205 (DoG Picker).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import apply_radial, inverse, transform
from mapscope.errors import DataError
from mapscope.picking.mask_distance import is_in_mask
from mapscope.progress import Progress, silent
from mapscope.volume import Grid, Region, Shape, Volume

Singles = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]

RATIO = 1.6
"""Of the wider Gaussian to the narrower one."""
_CORE = 200
_REACH = 3.5  # deviations of the wider Gaussian that a tile is computed beyond what is kept
_SAMPLE_EDGE, _SAMPLES = 32, 3
_NOTHING = 1e-5
_LEAST_SAMPLE = 1000
_NORMAL = 1.4826  # deviation of a normal distribution over its median absolute deviation


@dataclass(frozen=True)
class BlobFilter:
    """A difference of two Gaussians that answers most to balls of one diameter.

    Parameters
    ----------
    diameter : float
        Å.
    """

    diameter: float

    @property
    def deviations(self) -> tuple[float, float]:
        """Standard deviations in Å of the narrower and the wider Gaussian."""
        # A Laplacian of a Gaussian of this deviation answers most to a ball; its difference of
        # two Gaussians has their mean square.
        best = self.diameter / (2 * math.sqrt(3.0))
        narrow = best * math.sqrt(2 / (1 + RATIO**2))
        return narrow, RATIO * narrow

    def response(self, ft: npt.NDArray[np.complex64], tile: PaddedTile) -> Singles:
        """The filter's answer at each voxel of a tile from its transform.

        Each blurred value is a mean over what there is of the tomogram, so that its faces are
        no edges. There the answer is scaled to as much noise as elsewhere.
        """
        narrow, wide = (self._blurred(ft, tile, d) for d in self.deviations)
        return np.asarray((narrow[0] - wide[0]) * np.sqrt(narrow[1]))

    def _blurred(
        self, ft: npt.NDArray[np.complex64], tile: PaddedTile, deviation: float
    ) -> tuple[Singles, Singles]:
        """The mean under a Gaussian, and how much of the Gaussian is inside the tomogram."""

        def gain(frequency: Floats) -> Floats:
            return np.asarray(np.exp(-2 * (np.pi * deviation * frequency) ** 2))

        blurred = inverse(apply_radial(ft, tile.grid, gain), tile.grid.shape)
        share = tile.share_inside(deviation)
        blurred /= np.maximum(share, np.float32(1e-3))
        return blurred, share


@dataclass(frozen=True, eq=False)
class PaddedTile:
    """A box of a tomogram, 0 beyond it.

    Parameters
    ----------
    data : float32 array (z, y, x)
        Less its mean, dense positive.
    lower : tuple of int
        Its first voxel, which may lie before the tomogram.
    whole : Grid
        The tomogram's.
    """

    data: Singles
    lower: Shape
    whole: Grid

    @property
    def grid(self) -> Grid:
        """Grid of the tile."""
        return Grid(self.data.shape, self.whole.voxel_size)

    def share_inside(self, deviation: float) -> Singles:
        """Share of a Gaussian (Å) around each voxel that lies inside the tomogram (z, y, x)."""
        from scipy.special import ndtr

        shares = []
        for axis, count in enumerate(self.whole.shape):
            at = self.lower[axis] + np.arange(self.data.shape[axis])
            width = deviation / self.whole.voxel_size[axis]
            shares.append(ndtr((count - 0.5 - at) / width) - ndtr((-0.5 - at) / width))
        z, y, x = (s.astype(np.float32) for s in shares)
        return np.asarray(z[:, None, None] * y[:, None] * x)

    def inner(self, region: Region) -> tuple[slice, slice, slice]:
        """Where a region of the tomogram lies in the tile."""
        z, y, x = (
            slice(a - first, b - first)
            for a, b, first in zip(region.lower, region.upper, self.lower, strict=True)
        )
        return z, y, x


def padded_tile(volume: Volume, region: Region, filters: Sequence[BlobFilter]) -> PaddedTile:
    """A region of a tomogram with as much around it as its answers depend on.

    Only that box is read; its size is one that transforms fast.
    """
    box = _padded(region, volume, filters)
    there = box.clipped(volume.shape)
    found = np.asarray(volume.data[there.slices], dtype=np.float32)
    found = (found - np.float32(found.mean(dtype=np.float64))) * np.float32(volume.contrast)
    data = np.zeros(box.shape, dtype=np.float32)
    z, y, x = np.subtract(there.lower, box.lower)
    data[z : z + found.shape[0], y : y + found.shape[1], x : x + found.shape[2]] = found
    return PaddedTile(data, box.lower, volume.grid)


def _padded(region: Region, volume: Volume, filters: Sequence[BlobFilter]) -> Region:
    """A region with what its answers depend on; it may reach beyond the tomogram."""
    from scipy.fft import next_fast_len

    widest = max(f.deviations[1] for f in filters)
    margin = [math.ceil(_REACH * widest / size) + 1 for size in volume.voxel_size]
    lower = np.subtract(region.lower, margin)
    sizes = [next_fast_len(n + 2 * m, real=True) for n, m in zip(region.shape, margin, strict=True)]
    return Region(tuple(lower), tuple(lower + sizes))


def answers(
    volume: Volume, region: Region, filters: Sequence[BlobFilter], margin: int = 0
) -> Iterator[Singles]:
    """What each filter answers in a region of a tomogram and `margin` voxels around it.

    The margin ends at the faces of the tomogram: see `widened`.
    """
    tile = padded_tile(volume, widened(region, volume.shape, margin), filters)
    ft = transform(tile.data)
    inner = tile.inner(widened(region, volume.shape, margin))
    for blob_filter in filters:
        yield blob_filter.response(ft, tile)[inner]


def widened(region: Region, shape: Shape, margin: int) -> Region:
    """A region with voxels around it, as far as an array of `shape` goes."""
    lower, upper = (
        np.add(end, sign * margin) for end, sign in ((region.lower, -1), (region.upper, 1))
    )
    return Region(tuple(lower), tuple(upper)).clipped(shape)


def tiles_of(region: Region) -> list[Region]:
    """Boxes of nearly equal size that cover a region exactly once."""
    edges = []
    for low, count in zip(region.lower, region.shape, strict=True):
        cuts = low + np.linspace(0, count, math.ceil(count / _CORE) + 1).round().astype(int)
        edges.append(list(itertools.pairwise(cuts.tolist())))
    return [
        Region(tuple(a for a, _ in box), tuple(b for _, b in box))
        for box in itertools.product(*edges)
    ]


def noise_of_answers(
    volume: Volume,
    filters: Sequence[BlobFilter],
    mask: Volume | None = None,
    *,
    progress: Progress = silent,
) -> tuple[float, ...]:
    """Standard deviation of each filter's answer where there is no particle.

    From the median absolute deviation in up to 27 small boxes spread over the tomogram, or in
    all of it where that is faster, so that particles and gold do not count for much.

    Parameters
    ----------
    volume : Volume
        The tomogram.
    filters : sequence of BlobFilter
        The filters.
    mask : Volume, optional
        Where to look, above 0.5; if there is too little of it in the boxes, everywhere.
    progress : callable
        Called once per box.

    Raises
    ------
    DataError
        If the tomogram is constant there.
    """
    boxes = min(
        _sample_boxes(volume.shape),
        tiles_of(Region((0, 0, 0), volume.shape)),
        key=lambda some: sum(math.prod(_padded(box, volume, filters).shape) for box in some),
    )
    found: list[list[Singles]] = []
    inside: list[npt.NDArray[np.bool_]] = []
    for number, box in enumerate(boxes):
        progress(number, len(boxes), "noise of the tomogram")
        found.append([answer[::2, ::2, ::2].ravel() for answer in answers(volume, box, filters)])
        if mask is not None:
            inside.append(is_in_mask(_places(volume.grid, box), mask))
    values = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    if mask is not None and np.concatenate(inside).sum() >= _LEAST_SAMPLE:
        values = [v[np.concatenate(inside)] for v in values]
    return tuple(_deviation(v) for v in values)


def _sample_boxes(shape: Shape) -> list[Region]:
    """Up to 27 boxes spread over an array."""
    edges = []
    for count in shape:
        size = min(count, _SAMPLE_EDGE)
        number = min(_SAMPLES, math.ceil(count / _SAMPLE_EDGE))
        starts = np.linspace(0, count - size, 2 * number + 1).round().astype(int)[1::2]
        edges.append([(int(a), int(a) + size) for a in starts])
    return [
        Region(tuple(a for a, _ in box), tuple(b for _, b in box))  # type: ignore[arg-type]
        for box in itertools.product(*edges)
    ]


def _places(grid: Grid, box: Region) -> Floats:
    """Positions in Å (n, 3) of every second voxel of a box along each axis."""
    axes = [np.arange(a, b, 2) for a, b in zip(box.lower, box.upper, strict=True)]
    index = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    return grid.world_from_index(index)


def _deviation(values: Singles) -> float:
    """Standard deviation of the bulk of some values, without those that are 0.

    Raises
    ------
    DataError
        If there is none.
    """
    used = values[np.abs(values) > _NOTHING * np.abs(values).max(initial=0.0)]
    spread = _NORMAL * float(np.median(np.abs(used - np.median(used)))) if used.size else 0.0
    if not spread > 0:
        raise DataError("the tomogram is constant nearly everywhere: nothing can be picked in it")
    return spread
