"""Gaussians on a grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mapscope.errors import GridError, InputError
from mapscope.progress import Progress, part, silent
from mapscope.simulate.blocks import Blobs, Profile, add_blobs, reaches_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

_REACHES = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128)
"""Gaussians of similar width are summed together; in voxels."""


def splat(
    positions: torch.Tensor,
    amplitudes: torch.Tensor,
    b: torch.Tensor,
    shape: Sequence[int],
    voxel_size: float | Sequence[float],
    *,
    cutoff: float = 1e-5,
    progress: Progress = silent,
) -> torch.Tensor:
    """Sum of isotropic Gaussians, sampled at the centres of voxels.

    Each is ``a (4π/b)^(3/2) exp(-4π² r²/b)``, whose integral is `a` and whose Fourier
    transform is ``a exp(-b s²/4)``. Gaussians outside the grid add their tails to it.

    Parameters
    ----------
    positions : float tensor (n, 3) or (maps, n, 3)
        Å from the centre of voxel (0, 0, 0), z, y, x; float64 where they are large. The sum is
        computed on their device.
    amplitudes : float tensor (n, k) or (maps, n, k)
        Integral of each of k Gaussians of each position, occupancy included. Those that are 0
        cost nothing.
    b : float tensor, shape of `amplitudes`
        Their widths as B-factors in Å², above 0 where the amplitude is not 0: that of the form
        factor, of the atom and any blur together.
    shape : three ints
        Size of a map in voxels, z, y, x.
    voxel_size : float or three floats
        Å, along z, y, x.
    cutoff : float
        Along each axis a Gaussian ends where it is less than this share of its peak.
    progress : callable
        Called once per batch of blocks.

    Returns
    -------
    float32 tensor (z, y, x) or (maps, z, y, x)

    Raises
    ------
    InputError
        If a Gaussian has no width, shapes do not fit, or the cutoff is not between 0 and 1.
    GridError
        If a size or voxel size is not positive.
    """
    import torch

    if not 0 < cutoff < 1:
        raise InputError(f"a cutoff is a share of the peak between 0 and 1, got {cutoff}")
    sizes = tuple(int(n) for n in shape)
    step = (voxel_size,) * 3 if isinstance(voxel_size, (int, float)) else tuple(voxel_size)
    if len(sizes) != 3 or min(sizes) < 1 or len(step) != 3 or min(step) <= 0:
        raise GridError(f"a grid needs positive sizes (z, y, x), got {sizes} voxels of {step} Å")
    is_single = positions.dim() == 2
    if is_single:
        positions, amplitudes, b = positions[None], amplitudes[None], b[None]
    if positions.shape[:2] != amplitudes.shape[:2] or amplitudes.shape != b.shape:
        raise InputError(
            f"positions (n, 3), amplitudes (n, k) and b (n, k) do not fit together: "
            f"{tuple(positions.shape)}, {tuple(amplitudes.shape)}, {tuple(b.shape)}"
        )
    maps = len(positions)
    out = torch.zeros((maps, *sizes, 1), dtype=torch.float32, device=positions.device)
    number, place, column = torch.nonzero(amplitudes, as_tuple=True)
    width = b[number, place, column]
    if bool((width <= 0).any()):
        raise InputError("a Gaussian of B = 0 is a point that no grid can sample: add a blur")
    index = positions[number, place] / positions.new_tensor(step)
    decay = (4 * math.pi**2 / width).float()
    height = amplitudes[number, place, column].float() * (decay / math.pi) ** 1.5
    limit = math.log(1 / cutoff)
    reach = torch.sqrt(limit / decay)
    classes = torch.bucketize(reach / min(step), reach.new_tensor(_REACHES))
    found = torch.unique(classes).tolist()
    for turn, which in enumerate(found):
        farthest = float(reach[classes == which].max())
        z, y, x = (math.ceil(farthest / s) for s in step)
        halo = (z, y, x)
        rows = torch.nonzero((classes == which) & reaches_grid(index, halo, sizes))[:, 0]
        blobs = Blobs(index[rows], number[rows], height[rows, None], halo)
        profile = _gaussian(decay[rows], limit, step)
        add_blobs(out, blobs, profile, progress=part(progress, turn, turn + 1, len(found)))
    return out[0, ..., 0] if is_single else out[..., 0]


def _gaussian(decay: torch.Tensor, limit: float, step: tuple[float, ...]) -> Profile:
    """Profiles ``exp(-decay x²)`` along each axis, 0 where the exponent is beyond `limit`."""
    import torch

    def profile(offsets: torch.Tensor, rows: torch.Tensor, axis: int) -> torch.Tensor:
        rate = decay[rows] * step[axis] ** 2
        exponent = offsets.square() * rate[..., None]
        return torch.exp(-exponent).mul_(exponent <= limit)

    return profile
