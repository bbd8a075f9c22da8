"""Density on a regular grid, and where that grid lies in space."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.arrays import Array, LazyArray, checksum_of_arrays, read_only
from mapscope.errors import GridError
from mapscope.grid import Grid, Region, Shape, Triple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Array",
    "Grid",
    "HalfMaps",
    "LazyArray",
    "MapHeader",
    "Region",
    "Shape",
    "Triple",
    "Volume",
    "checksum_of_arrays",
    "read_only",
    "require_same_grid",
]


@dataclass(frozen=True)
class MapHeader:
    """What a map file must get back: the fields of its header that say nothing about density.

    Parameters
    ----------
    nstart : tuple of int
        Index of the first column, row and section, in the file's own axis order.
    sampling : tuple of int
        MX, MY, MZ: grid intervals along the cell edges, x, y, z.
    cell : tuple of float
        Cell edges in Å and angles in degrees: a, b, c, alpha, beta, gamma.
    axis_order : tuple of int
        MAPC, MAPR, MAPS: which of x = 1, y = 2, z = 3 runs along columns, rows, sections.
    origin_words : tuple of float
        ORIGIN as stored, x, y, z.
    mode : int
        MRC data mode of the file.
    space_group : int
        ISPG.
    labels : tuple of bytes
        Text labels of at most 80 bytes each.
    extended_type : bytes
        EXTTYP, four bytes.
    extended : bytes
        The extended header (symmetry operators, or a microscope's own record).
    """

    nstart: tuple[int, int, int] = (0, 0, 0)
    sampling: tuple[int, int, int] = (1, 1, 1)
    cell: tuple[float, float, float, float, float, float] = (1.0, 1.0, 1.0, 90.0, 90.0, 90.0)
    axis_order: tuple[int, int, int] = (1, 2, 3)
    origin_words: Triple = (0.0, 0.0, 0.0)
    mode: int = 2
    space_group: int = 1
    labels: tuple[bytes, ...] = ()
    extended_type: bytes = b"\0\0\0\0"
    extended: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, eq=False)
class Volume:
    """Density on a regular grid.

    Parameters
    ----------
    data : array (z, y, x)
        Real numbers, read-only; may be a memory map or a `LazyArray`. Density is positive unless
        `contrast` says otherwise.
    voxel_size : float or tuple of float
        Spacing in Å along z, y, x.
    origin : tuple of float
        Position in Å (z, y, x) of the centre of voxel (0, 0, 0), in the frame of the
        atomic model.
    header : MapHeader, optional
        What the file that it came from must get back. Operations that keep the grid pass
        it on, others drop it.
    contrast : {1, -1}
        -1 where dark is dense, as in many tomograms.

    Raises
    ------
    GridError
        If the data are not a three-dimensional array of real numbers.
    """

    data: Array
    voxel_size: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)
    header: MapHeader | None = None
    contrast: int = 1

    def __post_init__(self) -> None:
        data = read_only(self.data)
        if data.ndim != 3 or data.dtype.kind not in "fiub":
            raise GridError(
                f"a volume needs a three-dimensional array of real numbers (z, y, x), "
                f"got shape {data.shape} of {data.dtype}"
            )
        grid = Grid(data.shape, self.voxel_size, self.origin)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "voxel_size", grid.voxel_size)
        object.__setattr__(self, "origin", grid.origin)
        if self.contrast not in (1, -1):
            raise GridError(f"contrast is 1 (bright is dense) or -1, got {self.contrast!r}")

    @property
    def shape(self) -> Shape:
        """Number of voxels along z, y, x."""
        z, y, x = self.data.shape
        return (z, y, x)

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.shape, self.voxel_size, self.origin)

    def float32(self) -> npt.NDArray[np.float32]:
        """The data as native, contiguous float32 (z, y, x); no copy where they are already."""
        return np.ascontiguousarray(self.data, dtype=np.float32)

    def with_data(self, data: npt.ArrayLike) -> Volume:
        """A volume in the same place, with the same header, holding other data.

        Raises
        ------
        GridError
            If the shape differs.
        """
        array = np.asanyarray(data)
        if array.shape != self.shape:
            raise GridError(f"data of shape {array.shape} do not fit a grid of {self.shape}")
        return replace(self, data=array)

    def checksum(self) -> str:
        """Hash of data, voxel size, origin and contrast, as written into records."""
        return checksum_of_arrays("volume", f"{self.grid.text()} {self.contrast}", self.data)


@dataclass(frozen=True, eq=False)
class HalfMaps:
    """Two independently refined maps of the same object, on one grid.

    Parameters
    ----------
    first, second : Volume
        The half maps.

    Raises
    ------
    GridError
        If they do not share one grid.
    """

    first: Volume
    second: Volume

    def __post_init__(self) -> None:
        require_same_grid(self.first, self.second, "the first half map", "the second half map")

    @property
    def grid(self) -> Grid:
        """The grid of both."""
        return self.first.grid

    def checksum(self) -> str:
        """Hash of both half maps in their order."""
        return self.checksum_from(self.first.checksum(), self.second.checksum())

    @staticmethod
    def checksum_from(first: str, second: str) -> str:
        """The same, from the checksums of both."""
        return checksum_of_arrays("half maps", first + second)


def require_same_grid(
    first: Volume, second: Volume, first_name: str = "the map", second_name: str = "the other map"
) -> None:
    """Raise unless both volumes lie on one grid.

    Raises
    ------
    GridError
        Saying what differs, and to use the job *Fit grid*.
    """
    a, b = first.grid, second.grid
    if a.matches(b):
        return
    if a.shape != b.shape:
        what = f"{a.shape} and {b.shape} voxels"
    elif not np.allclose(a.voxel_size, b.voxel_size, rtol=1e-4):
        what = f"voxel sizes {_numbers(a.voxel_size)} and {_numbers(b.voxel_size)} Å"
    else:
        what = f"origins {_numbers(a.origin)} and {_numbers(b.origin)} Å"
    raise GridError(
        f"{first_name} and {second_name} lie on different grids ({what}; z, y, x): "
        "bring one onto the other with 'fit grid' first"
    )


def _numbers(values: Sequence[float]) -> str:
    """Numbers short enough for a message."""
    return "(" + ", ".join(f"{v:.6g}" for v in values) + ")"
