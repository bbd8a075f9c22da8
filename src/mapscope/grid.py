"""Where voxels lie in space, and boxes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import GridError

if TYPE_CHECKING:
    from collections.abc import Sequence

Triple: TypeAlias = tuple[float, float, float]
Shape: TypeAlias = tuple[int, int, int]


def _triple(value: float | Sequence[float], name: str) -> Triple:
    """Three finite floats from one number or three."""
    numbers = np.broadcast_to(np.asarray(value, dtype=np.float64), (3,))
    if not np.isfinite(numbers).all():
        raise GridError(f"{name} must be three finite numbers (z, y, x), got {value!r}")
    return (float(numbers[0]), float(numbers[1]), float(numbers[2]))


@dataclass(frozen=True)
class Region:
    """A box of voxels: from `lower` (included) to `upper` (excluded), z, y, x.

    Parameters
    ----------
    lower, upper : tuple of int
        First voxel inside and first voxel beyond, in z, y, x.

    Raises
    ------
    GridError
        If the box is empty.
    """

    lower: Shape
    upper: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", tuple(int(i) for i in self.lower))
        object.__setattr__(self, "upper", tuple(int(i) for i in self.upper))
        if len(self.lower) != 3 or len(self.upper) != 3:
            raise GridError(f"a region needs three numbers each for lower and upper, got {self}")
        if any(b <= a for a, b in zip(self.lower, self.upper, strict=True)):
            raise GridError(f"the region {self} is empty: each end must lie beyond its start")

    @classmethod
    def parse(cls, text: str) -> Region:
        """Region from text such as ``"10:74,0:64,8:72"`` (z, y, x).

        Raises
        ------
        GridError
            If the text has another form or the box is empty.
        """
        try:
            pairs = [tuple(int(n) for n in part.split(":")) for part in text.split(",")]
            (a, b), (c, d), (e, f) = pairs
        except ValueError:
            raise GridError(
                f"a region reads z0:z1,y0:y1,x0:x1 in voxels (as in 10:74,0:64,8:72), got {text!r}"
            ) from None
        return cls((a, c, e), (b, d, f))

    def __str__(self) -> str:
        return ",".join(f"{a}:{b}" for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def shape(self) -> Shape:
        """Size in voxels, z, y, x."""
        z, y, x = (b - a for a, b in zip(self.lower, self.upper, strict=True))
        return (z, y, x)

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """Slices that cut the region out of an array."""
        z, y, x = (slice(a, b) for a, b in zip(self.lower, self.upper, strict=True))
        return (z, y, x)

    def clipped(self, shape: Shape) -> Region:
        """The part of the region that lies inside an array of `shape`.

        Raises
        ------
        GridError
            If nothing of it does.
        """
        lower = tuple(min(max(a, 0), n) for a, n in zip(self.lower, shape, strict=True))
        upper = tuple(min(max(b, 0), n) for b, n in zip(self.upper, shape, strict=True))
        if any(b <= a for a, b in zip(lower, upper, strict=True)):
            raise GridError(f"the region {self} lies outside a map of {shape} voxels (z, y, x)")
        return Region(lower, upper)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Grid:
    """A regular grid in space: the one place where voxel indices become positions.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along z, y, x.
    voxel_size : float or tuple of float
        Spacing in Å along z, y, x.
    origin : float or tuple of float
        Position in Å (z, y, x) of the centre of voxel (0, 0, 0).

    Raises
    ------
    GridError
        If a size or spacing is not positive, or a number is not finite.
    """

    shape: Shape
    voxel_size: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))
        object.__setattr__(self, "voxel_size", _triple(self.voxel_size, "voxel_size"))
        object.__setattr__(self, "origin", _triple(self.origin, "origin"))
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise GridError(f"a grid has three sizes of at least 1 (z, y, x), got {self.shape}")
        if min(self.voxel_size) <= 0:
            raise GridError(f"voxel_size must be positive in Å, got {self.voxel_size}")

    @property
    def extent(self) -> Triple:
        """Edge lengths in Å, z, y, x: number of voxels times voxel size."""
        z, y, x = (n * s for n, s in zip(self.shape, self.voxel_size, strict=True))
        return (z, y, x)

    def text(self) -> str:
        """Size and place with the digits that a map file keeps, for checksums.

        Edges are rounded to float32 and the origin to 0.001 Å, so that a grid written to a
        file and read back gives the same text.
        """
        edges = [float(np.float32(e)) for e in self.extent]
        return f"{self.shape} {edges} {[round(o, 3) + 0.0 for o in self.origin]}"

    def world_from_index(self, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Positions in Å (z, y, x) of voxel indices, shape (..., 3); fractions are allowed.

        Examples
        --------
        >>> Grid((4, 4, 4), 2.0, (10, 0, 0)).world_from_index([1, 0, 0.5])
        array([12.,  0.,  1.])
        """
        scaled = np.asarray(index, dtype=np.float64) * np.asarray(self.voxel_size)
        return np.asarray(scaled + np.asarray(self.origin))

    def index_from_world(self, position: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Fractional voxel indices (z, y, x) of positions in Å, shape (..., 3)."""
        offset = np.asarray(position, dtype=np.float64) - np.asarray(self.origin)
        return np.asarray(offset / np.asarray(self.voxel_size))

    def contains(self, position: npt.ArrayLike) -> npt.NDArray[np.bool_]:
        """Whether positions in Å, shape (..., 3), lie between the outermost voxel centres."""
        index = self.index_from_world(position)
        inside = (index >= 0) & (index <= np.asarray(self.shape) - 1)
        return np.asarray(inside.all(axis=-1))

    def matches(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """Whether both grids put every voxel in the same place, to `tolerance` voxels."""
        if self.shape != other.shape:
            return False
        corners = np.array([np.zeros(3), np.asarray(self.shape) - 1.0])
        shift = self.world_from_index(corners) - other.world_from_index(corners)
        return bool((np.abs(shift) <= tolerance * np.asarray(self.voxel_size)).all())

    def cropped(self, region: Region) -> Grid:
        """Grid of the voxels in `region`, which may reach beyond this grid (padding)."""
        origin = self.world_from_index(region.lower)
        return Grid(region.shape, self.voxel_size, tuple(origin))
