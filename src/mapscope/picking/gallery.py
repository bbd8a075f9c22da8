"""Slices through picks, as many as a page shows; only their boxes are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.picking.boxes import Singles, cut_box
from mapscope.progress import Progress, silent
from mapscope.volume import Shape, Volume

Axis: TypeAlias = Literal["z", "y", "x"]
Floats = npt.NDArray[np.float64]

_AXES = ("z", "y", "x")
_MOST_PIXELS = 512


def gallery_slices(
    volume: Volume,
    positions: npt.ArrayLike,
    *,
    size: float,
    thickness: float = 0.0,
    axis: Axis = "z",
    rotations: npt.ArrayLike | None = None,
    pixels: int | None = None,
    progress: Progress = silent,
) -> Singles:
    """A square slice through each pick, or the mean of a slab, with the pick in its middle.

    Rows and columns run along the two other axes in their order z, y, x; the pick lies at pixel
    ``pixels // 2`` of both. Densities are the tomogram's own, dark ones stay dark; what lies
    beyond the tomogram has the mean of the rest of the slice.

    Parameters
    ----------
    volume : Volume
        The tomogram; may be a memory map or lazy.
    positions : array (n, 3)
        Å, z, y, x: the picks of one page.
    size : float
        Width and height of a slice in Å.
    thickness : float
        Thickness in Å of the slab of which the mean is taken; 0 is a single slice.
    axis : {"z", "y", "x"}
        What is looked along.
    rotations : array (n, 3, 3), optional
        Slices are cut in the frame of each particle, as its template lies. None cuts along the
        tomogram's axes, which needs no interpolation.
    pixels : int, optional
        Pixels along each side of an oriented slice; None takes the tomogram's voxels. Slices
        along the axes always have the tomogram's voxels.
    progress : callable
        Called once per pick.

    Returns
    -------
    float32 array (n, height, width)

    Raises
    ------
    InputError
        If the size is not positive or would make slices of over 512 pixels.
    """
    if not size > 0 or thickness < 0:
        raise InputError(f"slices need a size above 0 Å and a thickness of at least 0, got {size}")
    along = _AXES.index(axis)
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    if rotations is None:
        turns = np.zeros((len(places), 3, 3))
        cut: _Straight | _Oriented = _Straight.through(volume, size, thickness, along)
    else:
        turns = np.asarray(rotations, dtype=np.float64)
        cut = _Oriented.through(volume, size, thickness, along, pixels)
    if max(cut.shape) > _MOST_PIXELS:
        raise InputError(
            f"slices of {size:g} Å would have {max(cut.shape)} pixels: make them smaller"
        )
    slices = np.empty((len(places), *cut.shape), dtype=np.float32)
    # In the order of the file, so that neighbours share what was read of it.
    for done, number in enumerate(np.lexsort(places.T[::-1])):
        progress(done, len(places), "gallery")
        slices[number] = cut(places[number], turns[number])
    return slices


@dataclass(frozen=True, eq=False)
class _Straight:
    """Slices along the axes of the tomogram, voxel by voxel."""

    volume: Volume
    box: Shape
    along: int

    @classmethod
    def through(cls, volume: Volume, size: float, thickness: float, along: int) -> _Straight:
        wanted = [thickness if axis == along else size for axis in range(3)]
        z, y, x = (max(1, round(w / v)) for w, v in zip(wanted, volume.voxel_size, strict=True))
        return cls(volume, (z, y, x), along)

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return tuple(n for axis, n in enumerate(self.box) if axis != self.along)

    def __call__(self, position: Floats, _: Floats) -> Singles:
        centre = np.rint(self.volume.grid.index_from_world(position)).astype(np.int64)
        box = cut_box(self.volume.data, centre - np.asarray(self.box) // 2, self.box)
        return np.asarray(box.data.mean(axis=self.along))


@dataclass(frozen=True, eq=False)
class _Oriented:
    """Slices in the frame of each particle, by linear interpolation."""

    volume: Volume
    offsets: Floats
    along: int

    @classmethod
    def through(
        cls, volume: Volume, size: float, thickness: float, along: int, pixels: int | None
    ) -> _Oriented:
        count = max(1, round(size / min(volume.voxel_size))) if pixels is None else pixels
        step = size / count
        planes = max(1, round(thickness / step))
        numbers = [planes if axis == along else min(count, _MOST_PIXELS + 1) for axis in range(3)]
        axes = [(np.arange(n) - n // 2) * step for n in numbers]
        return cls(volume, np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), along)

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return tuple(n for axis, n in enumerate(self.offsets.shape[:3]) if axis != self.along)

    def __call__(self, position: Floats, rotation: Floats) -> Singles:
        from scipy.ndimage import map_coordinates

        places = self.offsets @ rotation.T + position
        index = self.volume.grid.index_from_world(places)
        lower = np.floor(index.min(axis=(0, 1, 2))).astype(np.int64)
        upper = np.floor(index.max(axis=(0, 1, 2))).astype(np.int64) + 2
        z, y, x = (int(n) for n in upper - lower)
        box = cut_box(self.volume.data, lower, (z, y, x))
        found = map_coordinates(box.data, np.moveaxis(index - lower, -1, 0), np.float32, order=1)
        return np.asarray(found.mean(axis=self.along))
