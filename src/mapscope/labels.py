"""Named regions of a map: one integer for every voxel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from mapscope.errors import GridError
from mapscope.volume import Array, Grid, Triple, checksum_of_arrays, read_only

BACKGROUND = 0
IGNORE = -1


@dataclass(frozen=True, eq=False)
class Labels:
    """An integer for every voxel, with names and colours.

    Parameters
    ----------
    data : integer array (z, y, x)
        0 is background, -1 is to be ignored; read-only.
    voxel_size : float or tuple of float
        Spacing in Å along z, y, x.
    origin : tuple of float
        Position in Å (z, y, x) of the centre of voxel (0, 0, 0).
    names : mapping of int to str
        What each number stands for.
    colors : mapping of int to (red, green, blue)
        Each from 0 to 1.

    Raises
    ------
    GridError
        If the data are not a three-dimensional array of integers of at least -1.
    """

    data: Array
    voxel_size: Triple = (1.0, 1.0, 1.0)
    origin: Triple = (0.0, 0.0, 0.0)
    names: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, Triple] = field(default_factory=dict)

    def __post_init__(self) -> None:
        data = read_only(self.data)
        if data.ndim != 3 or data.dtype.kind not in "iu":
            raise GridError(
                f"labels need a three-dimensional array of integers (z, y, x), "
                f"got shape {data.shape} of {data.dtype}"
            )
        if data.dtype.kind == "i" and data.size and int(data.min()) < IGNORE:
            raise GridError(f"labels run from {IGNORE} (ignore) upwards, got {int(data.min())}")
        grid = Grid(data.shape, self.voxel_size, self.origin)
        object.__setattr__(self, "data", data)
        object.__setattr__(self, "voxel_size", grid.voxel_size)
        object.__setattr__(self, "origin", grid.origin)
        object.__setattr__(self, "names", MappingProxyType(dict(self.names)))
        object.__setattr__(self, "colors", MappingProxyType(dict(self.colors)))

    @property
    def grid(self) -> Grid:
        """Where the voxels lie."""
        return Grid(self.data.shape, self.voxel_size, self.origin)

    def checksum(self) -> str:
        """Hash of numbers and place, as written into records.

        The numbers' type, names and colours do not count: not every file can keep them.
        """
        text = self.grid.text()
        is_large = self.data.dtype.itemsize >= 4 and self.data.size and self.data.max() >= 2**31
        numbers = np.asarray(self.data, dtype=np.int64 if is_large else np.int32)
        return checksum_of_arrays("labels", text, numbers)
