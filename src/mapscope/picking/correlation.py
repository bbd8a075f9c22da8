"""Locally normalised correlation of a turned template with every place of a tomogram.

Tile by tile and several orientations at once, only the best of all orientations is kept.

References
----------
Roseman (2003) Ultramicroscopy 94, 225 (local normalisation).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.density.tiles import Tile, tiles_of_axis
from mapscope.errors import DataError
from mapscope.picking.block_means import block_means
from mapscope.picking.fast_fourier import backward, forward
from mapscope.picking.running_best import RunningBest
from mapscope.picking.template import Template
from mapscope.progress import Progress, part, silent
from mapscope.volume import Region, Shape, Volume

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_MOST_VOXELS = {"cpu": 4e6, "cuda": 6e7, "mps": 2e7}
_KERNEL_WORK = 0.8  # of transforming a kernel, which most is empty of, to that of its product
_KERNEL_BYTES, _TILE_BYTES = 2**28, 2**28
_AT_ONCE = {"cpu": 1, "cuda": 200_000_000, "mps": 20_000_000}  # voxels of a product
_FLAT = 1e-6  # of the tomogram's variance: what varies less is empty


@dataclass(frozen=True, eq=False)
class Searched:
    """The part of a tomogram in which is searched, as a search wants it.

    Parameters
    ----------
    volume : Volume
        The tomogram; may be a memory map or a lazy array.
    region : Region
        Where is searched. What lies around it is read where there is something.
    mean, deviation : float
        Of the tomogram: they are brought to 0 and 1, and beyond it is 0.
    """

    volume: Volume
    region: Region
    mean: float
    deviation: float

    @classmethod
    def of(cls, volume: Volume, region: Region | None = None) -> Searched:
        """A tomogram with its mean and deviation.

        Raises
        ------
        DataError
            If it is constant.
        """
        whole = Region((0, 0, 0), volume.shape)
        mean, deviation = _moments(volume)
        if not deviation > 0:
            raise DataError("the tomogram is constant: nothing can be found in it")
        return cls(volume, region or whole, mean, deviation)

    @property
    def shape(self) -> Shape:
        """Voxels in which is searched."""
        return self.region.shape

    @property
    def voxel_size(self) -> float:
        """Å."""
        return self.volume.voxel_size[0]

    def halved(self) -> Searched:
        """The same in the means of cubes of 2 × 2 × 2 voxels, at least all of its region."""
        lower, upper = np.array(self.region.lower), np.array(self.region.upper)
        z, y, x = map(int, lower // 2)
        last_z, last_y, last_x = map(int, -(-upper // 2))
        region = Region((z, y, x), (last_z, last_y, last_x))
        return Searched.of(block_means(self.volume, 2), region)

    def box(self, lower: npt.ArrayLike, shape: Shape) -> Singles:
        """A box, dense positive, of mean 0 and deviation 1 all in all, 0 beyond the tomogram.

        Parameters
        ----------
        lower : three ints
            Its first voxel in the region; may be negative.
        shape : tuple of int
            Its size.
        """
        start = np.add(lower, self.region.lower)
        first = np.clip(start, 0, self.volume.shape)
        last = np.clip(start + shape, 0, self.volume.shape)
        data = np.zeros(shape, dtype=np.float32)
        if (last > first).all():
            inner = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
            found = np.asarray(self.volume.data[inner], dtype=np.float32)
            factor = np.float32(self.volume.contrast / self.deviation)
            place = tuple(
                slice(int(a), int(a) + n) for a, n in zip(first - start, found.shape, strict=True)
            )
            data[place] = (found - np.float32(self.mean)) * factor
        return data


@dataclass(frozen=True)
class Axis:
    """How one axis is cut into tiles.

    Parameters
    ----------
    tiles : tuple of Tile
        What is kept of them covers the axis once.
    size : int
        Length of each transform.
    lead : int
        Voxels of a transform before the first that is kept of the tile.
    first : int
        Where the scores begin in the transform's box.
    """

    tiles: tuple[Tile, ...]
    size: int
    lead: int
    first: int

    @property
    def kept(self) -> int:
        """Scores of a tile; the last one uses fewer."""
        return self.tiles[0].stop - self.tiles[0].start


@dataclass(frozen=True)
class Layout:
    """Tiles of one size for a template."""

    axes: tuple[Axis, Axis, Axis]

    def __iter__(self) -> Iterator[tuple[Tile, ...]]:
        return itertools.product(*(axis.tiles for axis in self.axes))

    def __len__(self) -> int:
        return math.prod(len(axis.tiles) for axis in self.axes)

    @property
    def shape(self) -> Shape:
        """Size of each transform."""
        z, y, x = (axis.size for axis in self.axes)
        return z, y, x

    @property
    def kept(self) -> tuple[slice, slice, slice]:
        """Where the scores of a tile are in the transform's box."""
        z, y, x = (slice(axis.first, axis.first + axis.kept) for axis in self.axes)
        return z, y, x


def layout(shape: Shape, edge: int, most: float, is_whole: Sequence[bool] = (False,) * 3) -> Layout:
    """Tiles for a search with a template of `edge` voxels: the least to transform.

    Parameters
    ----------
    shape : tuple of int
        Of the region.
    edge : int
        Voxels along each side of the template's box.
    most : float
        Voxels of a transform at most, if that is possible.
    is_whole : three bools
        Whether there is nothing of the tomogram beyond the region, along each axis.
    """
    choices = (_axes(n, edge, is_whole=w) for n, w in zip(shape, is_whole, strict=True))
    return min(map(Layout, itertools.product(*choices)), key=lambda plan: _work(plan, most))  # type: ignore[arg-type]


def _work(plan: Layout, most: float) -> tuple[float, float]:
    """Voxels beyond what may be, and voxels to transform for one orientation."""
    one = math.prod(plan.shape)
    return max(0.0, one - most), one * (len(plan) + _KERNEL_WORK)


def _axes(count: int, edge: int, *, is_whole: bool) -> list[Axis]:
    """Ways to cut an axis, from one tile down to tiles that hold more margin than scores."""
    from scipy.fft import next_fast_len

    half, ways = edge // 2, []
    if is_whole:
        # The emptiness before the tomogram is that behind it: a transform goes round.
        size = int(next_fast_len(count + half, real=True))
        ways.append(Axis(tuple(tiles_of_axis(count, count, 0)), size, 0, edge - 1 - half))
    for number in range(1, count + 1):
        size = int(next_fast_len(math.ceil(count / number) + edge - 1, real=True))
        core = min(size - edge + 1, count)
        ways.append(Axis(tuple(tiles_of_axis(count, core, 0)), size, half, edge - 1))
        if size <= 2 * edge:
            break
    return ways


class Search:
    """A template compared with every voxel in many orientations; the best of each is kept.

    Blocks of orientations go one after the other through all tiles, so that what a search has
    when it is stopped holds for the whole tomogram.

    Parameters
    ----------
    searched : Searched
        The tomogram.
    template : Template
        The template.
    rotations : float64 array (n, 3, 3)
        The orientations.
    best : RunningBest
        What was found so far, on the voxels of the region; changed. The orientations that it has
        finished are not tried again.
    device : str
        What computes.
    """

    def __init__(
        self,
        searched: Searched,
        template: Template,
        rotations: Floats,
        best: RunningBest,
        device: str = "cpu",
    ) -> None:
        self.searched, self.template, self.rotations = searched, template, rotations
        self.best, self.device = best, device
        is_whole = [n == m for n, m in zip(searched.shape, searched.volume.shape, strict=True)]
        self.plan = layout(searched.shape, template.edge, _MOST_VOXELS[device], is_whole)
        self._waves: torch.Tensor | None = None
        self._kept: dict[int, tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]] = {}

    @property
    def left(self) -> int:
        """Orientations that are not finished."""
        return len(self.rotations) - self.best.finished

    def run(self, progress: Progress = silent) -> None:
        """Try all orientations that are left."""
        total = self.left
        while self.left:
            done = total - self.left
            self.run_block(part(progress, done, done + min(self.block, self.left), total))

    @property
    def block(self) -> int:
        """Orientations that go through the tomogram together."""
        return max(1, _KERNEL_BYTES // (8 * math.prod(self.plan.shape)))

    def run_block(self, progress: Progress = silent) -> None:
        """Try the next orientations; progress is called once per tile."""
        first = self.best.finished
        block = self.rotations[first : first + self.block]
        waves, masks = self.kernels(block)
        for number, tiles in enumerate(self.plan):
            progress(number, len(self.plan), f"matching {self.template.name}")
            scores, numbers = self.best_of_block(number, tiles, waves, masks)
            where = tuple(slice(t.start, t.stop) for t in tiles)
            inner = tuple(slice(0, t.stop - t.start) for t in tiles)
            self.best.update(where, scores[inner], numbers[inner] + first)
        self.best.note(first + len(block))
        progress(1, 1, f"matching {self.template.name}")

    def kernels(self, rotations: Floats) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Transforms of kernels, and of their masks where these turn, to be multiplied."""
        kernels = self.template.kernels(rotations, self.device)
        # With a box turned round, a product of transforms is a correlation.
        waves = forward(kernels.flip(1, 2, 3), self.plan.shape, self._waves)
        if self._waves is None:
            self._waves = waves
        if self.template.fine_mask is None:
            return waves, None
        return waves, self._mask_waves(self.template.masks(rotations, self.device))

    def _mask_waves(self, masks: torch.Tensor) -> torch.Tensor:
        """Transforms of masks of sum 1."""
        masks = masks / masks.sum(dim=(1, 2, 3), keepdim=True)
        return forward(masks.flip(1, 2, 3), self.plan.shape)

    def best_of_block(
        self,
        number: int,
        tiles: tuple[Tile, ...],
        waves: torch.Tensor,
        masks: torch.Tensor | None,
    ) -> tuple[Singles, npt.NDArray[np.int64]]:
        """Best score of each voxel of a tile, and which kernel of the block gave it."""
        import torch

        data, squares, inverse = self._tile(number, tiles)
        shape = tuple(axis.kept for axis in self.plan.axes)
        best = torch.full(shape, -math.inf, device=self.device)
        numbers = torch.zeros(shape, dtype=torch.int32, device=self.device)
        step = max(1, _AT_ONCE[self.device] // math.prod(self.plan.shape))
        product = torch.empty_like(waves[:step])
        for first in range(0, len(waves), step):
            some = slice(first, first + step)
            part = torch.mul(data, waves[some], out=product[: len(waves[some])])
            overlap = backward(part, self.plan.shape, self.plan.kept)
            if masks is not None and squares is not None:
                overlap = overlap * self._inverse_deviation(data, squares, masks[some])
            for index, scores in enumerate(overlap, first):
                # A ball's deviation is that of all orientations: it is divided by in the end.
                _keep_higher(best, numbers, scores, index)
        if inverse is not None:
            best *= inverse
        return best.cpu().numpy(), numbers.cpu().numpy()

    def _tile(
        self, number: int, tiles: tuple[Tile, ...]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """Transforms of a tile and of its squares, and one over its deviation under a ball."""
        if number in self._kept:
            return self._kept[number]
        found = self._transformed(tiles)
        if len(self.plan) * 16 * math.prod(self.plan.shape) <= _TILE_BYTES:
            self._kept[number] = found
        return found

    def _transformed(
        self, tiles: tuple[Tile, ...]
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """The same from the tomogram."""
        import torch

        shape = self.plan.shape
        lower = [t.start - axis.lead for t, axis in zip(tiles, self.plan.axes, strict=True)]
        box = torch.as_tensor(self.searched.box(lower, shape), device=self.device)[None]
        data = forward(box, shape)
        squares = forward(box * box, shape)
        if self.template.fine_mask is not None:
            return data, squares, None
        mask = torch.as_tensor(self.template.mask, device=self.device)[None]
        return data, None, self._inverse_deviation(data, squares, self._mask_waves(mask))[0]

    def _inverse_deviation(
        self, data: torch.Tensor, squares: torch.Tensor, masks: torch.Tensor
    ) -> torch.Tensor:
        """One over the deviation under each mask at each place; 0 where there is nothing."""
        shape, kept = self.plan.shape, self.plan.kept
        mean = backward(data * masks, shape, kept)
        variance = backward(squares * masks, shape, kept) - mean**2
        return variance.clamp_min(_FLAT).rsqrt() * (variance > _FLAT)


def _keep_higher(
    best: torch.Tensor, numbers: torch.Tensor, scores: torch.Tensor, index: int
) -> None:
    """Take scores that are higher than the best, and note their number."""
    import torch

    if best.device.type != "cpu":
        numbers.masked_fill_(scores > best, index)
        torch.maximum(best, scores, out=best)
        return
    # NumPy takes a third of the time that torch does.
    held, found = best.numpy(), scores.numpy()
    np.copyto(numbers.numpy(), index, where=found > held)
    np.maximum(held, found, out=held)


def _moments(volume: Volume) -> tuple[float, float]:
    """Mean and standard deviation of a tomogram, by a few planes at once."""
    planes = max(1, 2**22 // (volume.shape[1] * volume.shape[2]))
    total = square = 0.0
    centre = float(np.asarray(volume.data[0, 0, 0]))
    for first in range(0, volume.shape[0], planes):
        some = np.asarray(volume.data[first : first + planes], dtype=np.float32)
        some = some - np.float32(centre)
        total += float(some.sum(dtype=np.float64))
        square += float(np.einsum("zyx,zyx->", some, some, dtype=np.float64))
    count = math.prod(volume.shape)
    mean = total / count
    return mean + centre, math.sqrt(max(0.0, square / count - mean**2))
