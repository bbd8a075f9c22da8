"""Contours of a map: the surface at a level, and what level encloses how much."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.enclosed import (
    EnclosedVolume,
    Side,
    level_from_sigma,
    moments,
    sigma_from_level,
)
from mapscope.density.level import sample
from mapscope.errors import DataError
from mapscope.mesh import Mesh
from mapscope.progress import Progress, silent
from mapscope.volume import Array, Grid, Region, Shape, Volume

__all__ = [
    "LARGEST_FACES",
    "EnclosedVolume",
    "Side",
    "isosurface",
    "level_from_sigma",
    "moments",
    "sigma_from_level",
]

LARGEST_FACES = 40_000_000
"""More triangles than this are refused: they take over 2 GB, and the level lies in the noise."""

_SLAB_VOXELS = 600_000  # of each slab: about 10 ms in which nothing else runs
_SLAB_EDGES = 5_000  # edges along x that the surface crosses, of each slab: about 10 ms
_SAMPLE = 50_000
_OUTSIDE = -1e30
_JUST_OUTSIDE = -1e-6  # for voxels exactly at the level, around which there would be holes

_Float = npt.NDArray[np.float32]


def isosurface(
    volume: Volume,
    level: float,
    *,
    region: Region | None = None,
    step: int = 1,
    inside: Side = "above",
    cap: bool = True,
    progress: Progress = silent,
) -> Mesh:
    """The surface on which a map has one density, by marching cubes.

    The map is worked through slab by slab. Vertices on the border of two slabs are shared, so
    that the surface is the one that the whole map would give. The corners of each triangle run
    counter-clockwise seen from outside, in the frame x, y, z that programs look at.

    Parameters
    ----------
    volume : Volume
        The map, of any real numbers.
    level : float
        Density of the surface, in the map's own numbers.
    region : Region, optional
        Box of voxels to stay within; None takes all. What lies beyond the map is left out.
    step : int
        Takes every `step`-th voxel along each axis, for maps too large to be drawn whole.
    inside : {"above", "below"}
        Which side of the level is within the surface: what is denser, or what is less dense
        (negative peaks of a difference map). Denser is brighter unless the volume's `contrast`
        is -1.
    cap : bool
        Whether the surface is closed where density is cut off by the edge of the box. The caps
        are flat and pass through the centres of the outermost voxels. Without them it is open
        there.
    progress : callable
        Called once per slab.

    Returns
    -------
    Mesh
        Positions in Å, z, y, x, in the frame of the volume; without a vertex where the level is
        nowhere reached.

    Raises
    ------
    GridError
        If the region lies outside the map.
    DataError
        If there are too many triangles to hold.

    References
    ----------
    .. [1] Lewiner, Lopes, Vieira & Tavares (2003) J. Graphics Tools 8, 1-15.
    """
    box = Region((0, 0, 0), volume.shape) if region is None else region.clipped(volume.shape)
    axes = tuple(slice(a, b, step) for a, b in zip(box.lower, box.upper, strict=True))
    sign = volume.contrast if inside == "above" else -volume.contrast
    factor = sign * _power_of_two(volume.data, level)
    joined = _Joined(volume.grid, axes)
    for first, planes in _slabs(_Density(volume.data, axes, level, factor, cap), progress):
        corners, triangles = _marched(planes)
        corners[:, 1:] -= cap  # the shell
        joined.add(corners, triangles, first, len(planes) - 1)
        if joined.face_count > LARGEST_FACES:
            raise DataError(
                f"the surface at {level:.6g} has over {LARGEST_FACES:,} triangles, so it runs "
                "through noise: take a level further from the background, a region or a step"
            )
    progress(1, 1, "contouring")
    return joined.mesh()


def _power_of_two(data: Array, level: float) -> float:
    """What brings densities around a level to about 1, without rounding them.

    Marching cubes takes products of densities below 1e-16 for 0, and then leaves holes.
    """
    most = float(np.abs(sample(data, _SAMPLE).astype(np.float64) - level).max())
    return 2.0 ** -max(math.floor(math.log2(most)), -100) if most > 0 else 1.0


@dataclass(frozen=True)
class _Density:
    """Density around a level, plane by plane.

    Parameters
    ----------
    data : array (z, y, x)
        The whole map.
    axes : tuple of slice
        What of it is taken.
    level : float
        Becomes 0.
    factor : float
        What is inside becomes positive by it.
    cap : bool
        Whether a shell of voxels far outside lies around.
    """

    data: Array
    axes: tuple[slice, ...]
    level: float
    factor: float
    cap: bool

    @property
    def shape(self) -> Shape:
        """Number of planes, rows and columns, without the shell."""
        z, y, x = (-(-(a.stop - a.start) // a.step) for a in self.axes)
        return (z, y, x)

    def planes(self, first: int, last: int) -> _Float:
        """Planes from the first to the last one, included: above 0 inside, contiguous float32."""
        lower, upper = max(first, 0), min(last, self.shape[0] - 1)
        z, y, x = self.axes
        rows = slice(z.start + lower * z.step, z.start + upper * z.step + 1, z.step)
        block = np.asarray(self.data[rows, y, x])
        # Large integers and float64 lose digits in float32, unless the level is taken off first.
        is_exact = block.dtype.itemsize <= 2 or block.dtype == np.float32
        density = np.subtract(block, self.level, dtype=np.float32 if is_exact else np.float64)
        scaled: _Float = (density * density.dtype.type(self.factor)).astype(np.float32, copy=False)
        scaled[scaled == 0] = _JUST_OUTSIDE
        if not self.cap:
            return scaled
        before = lower - first
        _, height, width = self.shape
        planes = np.full((last - first + 1, height + 2, width + 2), _OUTSIDE, np.float32)
        planes[before : before + len(block), 1:-1, 1:-1] = scaled
        return planes


def _slabs(density: _Density, progress: Progress) -> Iterator[tuple[int, _Float]]:
    """First plane, and the planes, of each slab that has a surface; they share border planes.

    Each is thin enough to be marched in some 20 ms.
    """
    count, height, width = density.shape
    start, stop = (-1, count) if density.cap else (0, count - 1)
    thickness: int = max(1, _SLAB_VOXELS // (height * width))
    for lower in range(start, stop, thickness):
        progress(lower - start, stop - start, "contouring")
        upper = min(lower + thickness, stop)
        planes = density.planes(lower, upper)
        is_in = planes > 0
        if is_in.all() or not is_in.any():
            continue
        crossings = np.count_nonzero(is_in[:, :, 1:] != is_in[:, :, :-1])
        thin = max(1, (upper - lower) // (1 + int(crossings) // _SLAB_EDGES))
        for z in range(lower, upper, thin):
            progress(z - start, stop - start, "contouring")
            yield z, planes[z - lower : min(z + thin, upper) - lower + 1]


def _marched(planes: _Float) -> tuple[_Float, npt.NDArray[np.int32]]:
    """Vertices (n, 3) in voxels, z, y, x, and triangles (m, 3) of the surface at 0."""
    from skimage.measure import marching_cubes

    nothing = np.empty((0, 3), np.float32), np.empty((0, 3), np.int32)
    if min(planes.shape) < 2 or not planes.min() <= 0 <= planes.max():
        return nothing
    try:
        corners, triangles, _, _ = marching_cubes(planes, 0.0)
    except RuntimeError:  # no triangle: the voxels that are not outside are exactly at the level
        return nothing
    return corners, triangles


class _Joined:
    """Slabs of a surface put together, in their order.

    Vertices that two slabs share become one; so do those that fall onto one voxel centre,
    where marching cubes makes up to six, and triangles that lose their area by it are dropped.

    Parameters
    ----------
    grid : Grid
        Where the voxels of the whole map lie.
    axes : tuple of slice
        What of it was taken.
    """

    def __init__(self, grid: Grid, axes: tuple[slice, ...]) -> None:
        self.face_count = 0
        self._vertex_count = 0
        self._start = grid.world_from_index([a.start for a in axes])
        self._spacing = np.asarray(grid.voxel_size) * [a.step for a in axes]
        self._positions = [np.empty((0, 3), np.float32)]
        self._faces = [np.empty((0, 3), np.int32)]
        # Numbers, and places in voxels, of the vertices on the last plane so far.
        self._border = np.empty(0, np.int32), np.empty((0, 3))

    def add(
        self, corners: _Float, faces: npt.NDArray[np.int32], first: int, thickness: int
    ) -> None:
        """Take the surface of one slab: vertices in voxels from plane `first`, and triangles."""
        z = corners[:, 0]
        is_last = z == thickness
        places = corners.astype(np.float64)
        places[:, 0] += first
        shared = np.flatnonzero((z == 0) | is_last | (corners == np.rint(corners)).all(axis=1))
        number, is_new = self._numbered(places, shared)
        self._border = number[is_last], places[is_last]
        self._positions.append((places[is_new] * self._spacing + self._start).astype(np.float32))
        self._vertex_count += len(self._positions[-1])
        a, b, c = number[faces].T
        has_area = (a != b) & (b != c) & (c != a)
        self._faces.append(np.stack([a, b, c], axis=1)[has_area])
        self.face_count += len(self._faces[-1])

    def _numbered(
        self, places: npt.NDArray[np.float64], shared: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Number of each vertex of a slab, and whether it is the first one in its place.

        Only those on the border and those at `shared` can have company.
        """
        known, known_places = self._border
        first = _first_in_place(np.concatenate([known_places, places[shared]]))[len(known) :]
        is_known = first < len(known)
        like = np.arange(len(places))
        like[shared[~is_known]] = shared[first[~is_known] - len(known)]
        is_new = like == np.arange(len(places))
        is_new[shared[is_known]] = False
        number = np.cumsum(is_new, dtype=np.int32) + np.int32(self._vertex_count - 1)
        number[shared[is_known]] = known[first[is_known]]
        return number[like], is_new

    def mesh(self) -> Mesh:
        """The whole surface, without vertices that belong to no triangle any more."""
        positions, faces = np.concatenate(self._positions), np.concatenate(self._faces)
        is_used = np.zeros(len(positions), np.bool_)
        is_used[faces.ravel()] = True
        if is_used.all():
            return Mesh(positions, faces)
        number = np.cumsum(is_used, dtype=np.int32) - np.int32(1)
        return Mesh(positions[is_used], number[faces])


def _first_in_place(places: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """For each place (n, 3) the index of the first one that is the same."""
    order = np.lexsort(places.T)  # keeps the order of equal ones
    ordered = places[order]
    is_new = np.ones(len(places), np.bool_)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    first = np.empty(len(places), np.int64)
    first[order] = order[np.flatnonzero(is_new)[np.cumsum(is_new) - 1]]
    return first
