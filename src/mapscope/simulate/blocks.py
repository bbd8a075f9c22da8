"""Sums of separable blobs on a grid, as matrix products of one block of voxels at a time.

Blobs are sorted into cells of a few voxels. All blobs of a cell end within the same block,
the cell and a halo around it, so that their sum there is one product of matrices; overlapping
blocks are added up. No voxel is visited blob by blob.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mapscope.progress import Progress, silent

if TYPE_CHECKING:
    import torch

Profile: TypeAlias = "Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]"
"""``profile(offsets, rows, axis)``: the factor of each blob along one axis, 0 beyond its halo.

`offsets` (cells, blobs, width) are voxels from a blob's centre along `axis`, `rows`
(cells, blobs) say which blob it is; the answer has the shape of `offsets`.
"""

_MOST_BLOBS = 512
"""Blobs of one matrix product; fuller cells take several."""

_FLOATS_AT_ONCE = {"cpu": 2**20, "other": 2**26}
"""Size of the largest intermediate array: the processor's cache, or a share of an accelerator."""


@dataclass(frozen=True)
class Blobs:
    """Separable blobs of one common reach.

    Parameters
    ----------
    index : tensor (n, 3)
        Centres in voxels, z, y, x; fractions are allowed.
    map_number : int64 tensor (n,)
        To which of several maps each belongs.
    weights : float32 tensor (n, channels)
        What each is multiplied by, in each channel.
    halo : tuple of int
        Voxels beyond which every profile is 0, along z, y, x.
    """

    index: torch.Tensor
    map_number: torch.Tensor
    weights: torch.Tensor
    halo: tuple[int, int, int]

    def chosen(self, rows: torch.Tensor) -> Blobs:
        """Some of them, by a mask or by numbers."""
        return Blobs(self.index[rows], self.map_number[rows], self.weights[rows], self.halo)


@dataclass(frozen=True)
class _Cells:
    """Which blobs lie in which cell; cells that are equally full stand together.

    Parameters
    ----------
    corner : int64 tensor (cells, 3)
        First voxel of each block, halo included.
    map_number : int64 tensor (cells,)
        The map that each belongs to.
    start, count : int64 tensor (cells,)
        Its blobs in the sorted order.
    """

    corner: torch.Tensor
    map_number: torch.Tensor
    start: torch.Tensor
    count: torch.Tensor


def reaches_grid(
    index: torch.Tensor, halo: tuple[int, int, int], shape: tuple[int, ...]
) -> torch.Tensor:
    """Whether blobs at `index` (n, 3) with a halo in voxels touch a grid of `shape`, (n,)."""
    last = index.new_tensor(shape) - 1
    wide = index.new_tensor(halo)
    return ((index >= -wide) & (index <= last + wide)).all(dim=-1)


def add_blobs(
    out: torch.Tensor,
    blobs: Blobs,
    profile: Profile,
    *,
    progress: Progress = silent,
    message: str = "density of atoms",
) -> None:
    """Add separable blobs to maps, in place.

    Parameters
    ----------
    out : float32 tensor (maps, z, y, x, channels)
        The maps. Channels stand together, so that long runs of numbers are added at once.
    blobs : Blobs
        Where they are; those that do not reach the maps may be among them, but cost time.
    profile : callable
        Gives the factors along the axes, 0 beyond the halo.
    progress : callable
        Called once per batch of blocks.
    """
    import torch

    if len(blobs.index) == 0:
        return
    edge = _edge(blobs.halo)
    cells, order = _sorted_into_cells(blobs, edge)
    # The corner is an integer, so that what is left is small and keeps its digits in float32.
    cell_of = torch.floor(blobs.index / edge) * edge
    inside = (blobs.index - cell_of + blobs.index.new_tensor(blobs.halo))[order].float()
    weights = blobs.weights[order]
    width = tuple(edge + 2 * h for h in blobs.halo)
    steps = [torch.arange(w, dtype=torch.float32, device=out.device) for w in width]
    done, total = 0, len(blobs.index)
    for first, last, deepest in _batches(cells, width, blobs.weights.shape[1], out.device.type):
        progress(done, total, message)
        done += int(cells.count[first:last].sum())
        rank = torch.arange(deepest, device=out.device)
        is_there = rank < cells.count[first:last, None]
        rows = torch.where(is_there, cells.start[first:last, None] + rank, 0)
        weight = weights[rows] * is_there[..., None]
        sums = _product(inside[rows], weight, order[rows], steps, profile)
        _add_blocks(out, sums, cells.corner[first:last], cells.map_number[first:last])
    progress(total, total, message)


def _edge(halo: tuple[int, int, int]) -> int:
    """Edge of a cell in voxels: wide blobs want larger cells."""
    return 8 if max(halo) < 5 else 12 if max(halo) < 12 else 16


def _sorted_into_cells(blobs: Blobs, edge: int) -> tuple[_Cells, torch.Tensor]:
    """The cells, fullest first, and the order that puts blobs of one cell beside each other."""
    import torch

    cell = torch.floor(blobs.index / edge).to(torch.int64)
    lowest = cell.amin(dim=0)
    number = cell.amax(dim=0) - lowest + 1
    z, y, x = (cell - lowest).unbind(dim=1)
    key = ((blobs.map_number * number[0] + z) * number[1] + y) * number[2] + x
    key, order = torch.sort(key)
    _, count = torch.unique_consecutive(key, return_counts=True)
    start = count.cumsum(0) - count
    start, count = _in_parts(start, count)
    count, fullest = torch.sort(count, descending=True)
    start = start[fullest]
    first = order[start]
    corner = cell[first] * edge - cell.new_tensor(blobs.halo)
    return _Cells(corner, blobs.map_number[first], start, count), order


def _in_parts(start: torch.Tensor, count: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cells fuller than `_MOST_BLOBS` as several cells in the same place."""
    import torch

    parts = (count + _MOST_BLOBS - 1) // _MOST_BLOBS
    if int(parts.max()) == 1:
        return start, count
    owner = torch.repeat_interleave(parts)
    nth = torch.arange(len(owner), device=start.device) - (parts.cumsum(0) - parts)[owner]
    begin = nth * _MOST_BLOBS
    return start[owner] + begin, torch.clamp(count[owner] - begin, max=_MOST_BLOBS)


def _batches(
    cells: _Cells, width: tuple[int, ...], channels: int, device: str
) -> Iterator[tuple[int, int, int]]:
    """First and last cell of each batch, and the blobs of its fullest."""
    budget = _FLOATS_AT_ONCE["cpu" if device == "cpu" else "other"]
    counts = cells.count.tolist()
    plane, block = width[1] * width[2], channels * width[0] * width[1] * width[2]
    first = 0
    while first < len(counts):
        last = min(first + max(1, budget // max(counts[first] * plane, block)), len(counts))
        yield first, last, counts[first]
        first = last


def _product(
    inside: torch.Tensor,
    weight: torch.Tensor,
    rows: torch.Tensor,
    steps: list[torch.Tensor],
    profile: Profile,
) -> torch.Tensor:
    """The sum of blobs on their blocks, (cells, z, y, x, channels)."""
    import torch

    z, y, x = (
        profile(step - inside[..., axis, None], rows, axis) for axis, step in enumerate(steps)
    )
    cells, blobs, channels = weight.shape
    left = (z[..., :, None] * y[..., None, :]).reshape(cells, blobs, -1)
    right = (x[..., :, None] * weight[..., None, :]).reshape(cells, blobs, -1)
    sums = torch.bmm(left.transpose(1, 2), right)
    return sums.reshape(cells, len(steps[0]), len(steps[1]), len(steps[2]), channels)


def _add_blocks(
    out: torch.Tensor, sums: torch.Tensor, corner: torch.Tensor, map_number: torch.Tensor
) -> None:
    """Add blocks, which may reach beyond the maps, in their places."""
    if out.device.type == "cpu":
        _add_one_by_one(out, sums, corner, map_number)
    else:
        _add_at_once(out, sums, corner, map_number)


def _add_one_by_one(
    out: torch.Tensor, sums: torch.Tensor, corner: torch.Tensor, map_number: torch.Tensor
) -> None:
    """Add blocks with few steps of Python each, in NumPy, which takes fewer of its own."""
    maps, blocks = out.numpy(), sums.numpy()
    depth, height, length = maps.shape[1:4]
    size_z, size_y, size_x = blocks.shape[1:4]
    places = zip(blocks, corner.tolist(), map_number.tolist(), strict=True)
    for block, (z, y, x), number in places:
        z0, y0, x0 = max(z, 0), max(y, 0), max(x, 0)
        z1, y1, x1 = min(z + size_z, depth), min(y + size_y, height), min(x + size_x, length)
        if z0 < z1 and y0 < y1 and x0 < x1:
            part = block[z0 - z : z1 - z, y0 - y : y1 - y, x0 - x : x1 - x]
            maps[number, z0:z1, y0:y1, x0:x1] += part


def _add_at_once(
    out: torch.Tensor, sums: torch.Tensor, corner: torch.Tensor, map_number: torch.Tensor
) -> None:
    """Add blocks voxel by voxel, all in parallel."""
    import torch

    shape = out.shape[1:4]
    places, is_inside = [], []
    for axis in range(3):
        step = torch.arange(sums.shape[1 + axis], device=out.device)
        place = corner[:, axis, None] + step
        is_inside.append((place >= 0) & (place < shape[axis]))
        places.append(place.clamp(0, shape[axis] - 1))
    z, y, x = places
    in_z, in_y, in_x = is_inside
    plane = map_number[:, None] * shape[0] + z
    row = plane[..., None] * shape[1] + y[:, None]
    voxel = row[..., None] * shape[2] + x[:, None, None]
    counts = in_z[:, :, None, None] & in_y[:, None, :, None] & in_x[:, None, None, :]
    values = sums * counts[..., None]
    out.view(-1, out.shape[-1]).index_add_(0, voxel.view(-1), values.view(-1, out.shape[-1]))
