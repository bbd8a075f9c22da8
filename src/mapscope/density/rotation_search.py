"""Where a body may lie in a map: all positions by FFT, for each of many orientations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import (
    Shells,
    apply_radial,
    inverse,
    low_pass_gain,
    transform,
)
from mapscope.density.frame import face_mean
from mapscope.density.pose import Poses
from mapscope.density.probe import finer
from mapscope.density.resample import onto_grid
from mapscope.errors import DataError
from mapscope.progress import Progress, silent
from mapscope.volume import Grid, Volume

if TYPE_CHECKING:
    import torch

VOXELS_PER_RESOLUTION = 2.3
_VOXELS_AT_ONCE = 1_000_000
_PER_ROTATION, _BLOCK = 3, 4
_EDGE = 0.02
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Found:
    """Poses with their overlap, best first.

    Parameters
    ----------
    poses : Poses
        Of the body's pivot.
    overlaps : float64 array (n,)
        Overlap of the whitened densities, in standard deviations of all that were tried.
    """

    poses: Poses
    overlaps: npt.NDArray[np.float64]


def search(
    volume: Volume,
    body: Volume,
    pivot: npt.ArrayLike,
    *,
    resolution: float,
    rotations: npt.NDArray[np.float64],
    most: int,
    device: str,
    progress: Progress = silent,
) -> Found:
    """The best positions of a body over given orientations.

    Both densities are whitened up to the resolution: each shell of Fourier space has equal
    power, so that shape counts and not mass.

    Parameters
    ----------
    volume : Volume
        The map, free of finer detail than the resolution.
    body : Volume
        The body alone, as smooth.
    pivot : three floats
        Å, z, y, x, of the body's frame.
    resolution : float
        Å.
    rotations : float64 array (n, 3, 3)
        The orientations to try.
    most : int
        How many poses to give.
    device : str
        What computes.
    progress : callable
        Called once per batch of rotations.

    Raises
    ------
    DataError
        If the map is constant, or smaller than the resolution.
    """
    import torch

    step = resolution / VOXELS_PER_RESOLUTION
    cube = _centred(body, np.asarray(pivot, dtype=np.float64), step)
    coarse = onto_grid(volume, finer(volume.grid, step))
    white = _whitened(_above_face(coarse), resolution)
    sizes = tuple(_fast(n + m // 2 + 1) for n, m in zip(white.shape, cube.shape, strict=True))
    # The map lies half a cube from the box's corner: then a cube's corner is at the voxel in
    # which its middle lies in the map.
    half = cube.shape[0] // 2
    box = np.zeros(sizes, dtype=np.float32)
    box[tuple(slice(half, half + n) for n in white.shape)] = white
    waves = torch.fft.rfftn(torch.as_tensor(box, device=device))
    kernel = torch.as_tensor(_whitened(cube, resolution), device=device)[None, None]
    batch = max(1, _VOXELS_AT_ONCE // int(np.prod(sizes)))
    rows = []
    for start in range(0, len(rotations), batch):
        progress(start, len(rotations), "trying orientations")
        turned = _turned(kernel, rotations[start : start + batch])
        rows.append(_peaks(waves, turned, sizes, white.shape, start))
    progress(1, 1, "trying orientations")
    table = np.concatenate(rows)
    table = table[np.argsort(-table[:, 0], kind="stable")[:most]]
    positions = coarse.grid.world_from_index(table[:, 2:])
    return Found(Poses(rotations[table[:, 1].astype(int)], positions), table[:, 0])


def _centred(body: Volume, pivot: npt.NDArray[np.float64], step: float) -> Volume:
    """The body in a cube of odd size that holds it in all orientations, pivot in the middle."""
    inside = np.argwhere(body.data > _EDGE * float(body.data.max()))
    reach = np.linalg.norm(body.grid.world_from_index(inside) - pivot, axis=1).max()
    half = int(np.ceil(reach / step)) + 1
    z, y, x = (float(p) for p in pivot - half * step)
    return onto_grid(body, Grid((2 * half + 1,) * 3, (step,) * 3, (z, y, x)))


def _whitened(volume: Volume, resolution: float) -> npt.NDArray[np.float32]:
    """A map with equal power in all shells of Fourier space up to a resolution, (z, y, x)."""
    waves, shells = transform(volume.data), Shells(volume.grid)
    power = shells.sums(lambda plane: (np.abs(waves[plane]) ** 2,))[0] / shells.counts()
    if not power[1:].max(initial=0.0) > _ROUNDING * power[0]:
        raise DataError(
            f"the map is constant, or too small to show anything at {resolution:.1f} Å: nothing "
            "can be found in it"
        )
    factor = 1 / np.sqrt(np.maximum(power, 1e-12 * power.max()))
    factor[0] = 0
    keep = low_pass_gain(resolution, 0.3 / resolution)

    def gain(frequency: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.asarray(np.interp(frequency, shells.frequency, factor) * keep(frequency))

    data = inverse(apply_radial(waves, volume.grid, gain), volume.shape)
    return np.asarray(data / data.std())


def _turned(kernel: torch.Tensor, rotations: npt.NDArray[np.float64]) -> torch.Tensor:
    """The ball in a cube (1, 1, m, m, m) after each rotation, (b, m, m, m)."""
    import torch

    count, size = len(rotations), kernel.shape[-1]
    axis = torch.linspace(-1, 1, size, device=kernel.device)
    places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).reshape(-1, 3)
    inside = torch.nonzero((places**2).sum(dim=1) <= 1.0)[:, 0]
    matrices = torch.as_tensor(rotations, dtype=torch.float32, device=kernel.device)
    # The density at y after the turn R is what was at R^-1 y before.
    before = (matrices.transpose(1, 2) @ places[inside].T).transpose(1, 2)[:, None, None]
    # The axes are turned round, as grid_sample wants places in x, y, z.
    cubes = kernel.permute(0, 1, 4, 3, 2).expand(count, -1, -1, -1, -1)
    found = torch.nn.functional.grid_sample(cubes, before, align_corners=True)
    turned = kernel.new_zeros(count, size**3)
    turned[:, inside] = found[:, 0, 0, 0]
    return turned.reshape(count, size, size, size)


def _peaks(
    waves: torch.Tensor,
    turned: torch.Tensor,
    sizes: tuple[int, ...],
    shape: tuple[int, ...],
    first: int,
) -> npt.NDArray[np.float64]:
    """Overlap, number of the rotation and voxel (z, y, x) of the best of each, (k, 5)."""
    import torch

    overlap = torch.fft.irfftn(waves * torch.fft.rfftn(turned, s=sizes).conj(), s=sizes)
    overlap = overlap[:, : shape[0], : shape[1], : shape[2]]
    block = min(_BLOCK, *shape)
    best, where = torch.nn.functional.max_pool3d(overlap[:, None], block, return_indices=True)
    count = min(_PER_ROTATION, best[0].numel())
    score, which = best.flatten(1).topk(count)
    score = score / overlap.std(dim=(1, 2, 3))[:, None]
    voxel = np.unravel_index(where.flatten(1).gather(1, which).cpu().numpy(), shape)
    number = np.repeat(np.arange(first, first + len(turned)), count)
    columns = [score.flatten().cpu().numpy(), number, *(v.ravel() for v in voxel)]
    return np.stack(columns, axis=1).astype(np.float64)


def _above_face(volume: Volume) -> Volume:
    """The map above the mean of its faces, so that beyond the box nothing begins."""
    data = volume.float32() * np.float32(volume.contrast)
    return volume.with_data(data - np.float32(face_mean(data)))


def _fast(least: int) -> int:
    """A size from `least` on that transforms fast."""
    from scipy.fft import next_fast_len

    return int(next_fast_len(least, real=True))
