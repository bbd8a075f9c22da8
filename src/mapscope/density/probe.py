"""A body to be fitted, as points with density, and the map into which it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import low_pass
from mapscope.density.frame import crop, face_mean
from mapscope.density.resample import onto_grid
from mapscope.errors import DataError
from mapscope.volume import Grid, Region, Volume

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]

VOXELS_PER_RESOLUTION = 3.0
"""Voxels to a resolution at which density is read between voxels by linear interpolation."""

_GENERATORS = np.array(
    [
        [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
        [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
        [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    ],
    dtype=np.float64,
)


@dataclass(frozen=True, eq=False)
class Probe:
    """Density of a body at points, and how it changes there.

    Parameters
    ----------
    offsets : float64 array (n, 3)
        Å from the pivot, z, y, x.
    values : float64 array (n,)
        Density.
    slopes : float64 array (n, 3)
        Its gradient along z, y, x, per Å.
    """

    offsets: Floats
    values: Floats
    slopes: Floats

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def radius(self) -> float:
        """Root mean square distance of the points from the pivot, Å."""
        return float(np.sqrt((self.offsets**2).sum(axis=1).mean()))

    @cached_property
    def solver(self) -> npt.NDArray[np.float32]:
        """What turns densities (n,) into the 8 numbers that best explain them, (8, n).

        They are scale and level of the body's own density, and, times the scale, three turns in
        units of 1 / `radius` and three shifts in Å.
        """
        moved = np.einsum("kij,nj->nki", _GENERATORS, self.offsets) / self.radius
        turns = np.einsum("nki,ni->nk", moved, self.slopes)
        ones = np.ones((len(self), 1))
        design = np.concatenate([self.values[:, None], ones, turns, self.slopes], axis=1)
        scale = np.sqrt((design**2).mean(axis=0))
        scale[scale == 0] = 1.0
        normal = (design / scale).T @ (design / scale)
        normal[np.diag_indices(8)] *= 1 + 1e-6
        return np.asarray(
            np.linalg.solve(normal, (design / scale).T) / scale[:, None], dtype=np.float32
        )

    def sampled(self, most: int, seed: int) -> Probe:
        """A random part of the points, at most `most`."""
        if len(self) <= most:
            return self
        chosen = np.random.default_rng(seed).choice(len(self), most, replace=False)
        return Probe(self.offsets[chosen], self.values[chosen], self.slopes[chosen])

    def mirrored(self) -> Probe:
        """The mirror image: a wrong body of equal size, mass and spectrum."""
        flip = np.array([-1.0, 1.0, 1.0])
        return Probe(self.offsets * flip, self.values, self.slopes * flip)


def generators() -> Floats:
    """The three generators (3, 3, 3) of rotations that act on (z, y, x)."""
    return _GENERATORS


def probe_of(volume: Volume, pivot: npt.ArrayLike, threshold: float) -> Probe:
    """The voxels of a map from a threshold on, as a probe.

    Parameters
    ----------
    volume : Volume
        Density of the body alone.
    pivot : three floats
        Å, z, y, x; about which it turns.
    threshold : float
        Least density that counts.

    Raises
    ------
    DataError
        If fewer than 30 voxels are as dense.
    """
    inside = volume.data >= threshold
    if inside.sum() < 30:
        raise DataError(
            f"only {int(inside.sum())} voxels of what is to be fitted reach the density "
            f"{threshold:g}: too few to find a place for it"
        )
    index = np.argwhere(inside)
    offsets = volume.grid.world_from_index(index) - np.asarray(pivot, dtype=np.float64)
    data = volume.float32()
    slopes = [_slope(data, index, axis) / size for axis, size in enumerate(volume.voxel_size)]
    values = np.asarray(data[inside], dtype=np.float64)
    return Probe(offsets, values, np.stack(slopes, axis=1))


def _slope(data: npt.NDArray[np.float32], index: npt.NDArray[np.intp], axis: int) -> Floats:
    """Slope per voxel along an axis at voxels (n, 3), exact for polynomials of fourth degree."""
    total = np.zeros(len(index))
    for step, weight in ((1, 8 / 12), (2, -1 / 12)):
        for sign in (1, -1):
            place = index.copy()
            place[:, axis] = np.clip(place[:, axis] + sign * step, 0, data.shape[axis] - 1)
            total += sign * weight * data[tuple(place.T)]
    return total


@dataclass(frozen=True, eq=False)
class Target:
    """A map on a device, read between its voxels.

    Parameters
    ----------
    data : torch.Tensor (1, 1, z, y, x)
        Density above the background.
    grid : Grid
        Its voxels.
    """

    data: torch.Tensor
    grid: Grid

    def at(self, positions: torch.Tensor) -> torch.Tensor:
        """Linear interpolation at positions (b, n, 3) in Å, 0 outside; shape (b, n)."""
        import torch

        scale, shift = self._places
        places = torch.addcmul(shift, positions, scale)[:, None, None]
        # The axes are turned round, as grid_sample wants places in x, y, z.
        turned = self.data.permute(0, 1, 4, 3, 2).expand(len(positions), -1, -1, -1, -1)
        found = torch.nn.functional.grid_sample(turned, places, align_corners=True)
        return found[:, 0, 0, 0]

    @cached_property
    def _places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Factor and shift (3,) from Å to what grid_sample wants, -1 to 1 over the map."""
        import torch

        last = np.maximum(np.asarray(self.grid.shape) - 1, 1) * np.asarray(self.grid.voxel_size)
        scale, shift = 2 / last, -2 * np.asarray(self.grid.origin) / last - 1

        def tensor(values: Floats) -> torch.Tensor:
            return torch.as_tensor(values, dtype=torch.float32, device=self.data.device)

        return tensor(scale), tensor(shift)


def target_of(volume: Volume, resolution: float, device: str, region: Region | None) -> Target:
    """A map, or a part of it, without detail finer than a resolution, ready to be read.

    Parameters
    ----------
    volume : Volume
        The map.
    resolution : float
        Å; a Gaussian's gain is 1/2 there.
    device : str
        Where it lies.
    region : Region, optional
        Voxels that are needed; None for all. It is clipped.
    """
    import torch

    part = volume if region is None else crop(volume, region)
    smooth = without_detail(part, resolution)
    step = min(resolution / VOXELS_PER_RESOLUTION, max(part.voxel_size) * 1.001)
    if max(part.voxel_size) > step * 1.01:
        smooth = onto_grid(smooth, finer(part.grid, step))
    data = smooth.float32() * np.float32(volume.contrast)
    data = data - np.float32(face_mean(data))
    return Target(torch.as_tensor(data, device=device)[None, None], smooth.grid)


def without_detail(volume: Volume, resolution: float) -> Volume:
    """The map after a Gaussian filter with a gain of 1/2 at a resolution."""
    return low_pass(volume, resolution, edge="gaussian")


def finer(grid: Grid, step: float) -> Grid:
    """Cubic voxels of a size over the same box."""
    last = (np.asarray(grid.shape) - 1) * np.asarray(grid.voxel_size)
    z, y, x = (int(n) + 1 for n in np.floor(last / step + 1e-6))
    return Grid((z, y, x), (step,) * 3, grid.origin)
