"""Blobs of a given size in a tomogram, found without a template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.picking.block_means import block_means
from mapscope.picking.difference_of_gaussians import (
    BlobFilter,
    answers,
    noise_of_answers,
    tiles_of,
    widened,
)
from mapscope.picking.peaks import best_apart, local_maxima, refined
from mapscope.progress import Progress, silent
from mapscope.volume import Region, Volume

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

STEP = 1.25
"""Of one diameter to the next where a range of sizes is looked for."""
_CLEAR = 0.7
_FEWEST_VOXELS = 3.0
_MOST_VOXELS = 16.0  # larger blobs are looked for in a binned tomogram


@dataclass(frozen=True, eq=False)
class Blobs:
    """Places that look like blobs.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Å, z, y, x.
    heights : float64 array (n,)
        Answer of the best filter in standard deviations of its answer to noise.
    diameters : float64 array (n,)
        Å, of the filter with the largest answer.
    """

    positions: Floats
    heights: Floats
    diameters: Floats

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, which: npt.NDArray[np.generic] | slice) -> Blobs:
        return Blobs(self.positions[which], self.heights[which], self.diameters[which])


@dataclass(frozen=True, eq=False)
class BlobSearch:
    """A tomogram, in voxels that suit the blobs, and the filters that look for them.

    Parameters
    ----------
    volume : Volume
        Binned where blobs are large.
    factor : int
        By how much.
    filters : tuple of BlobFilter
        One for each diameter.
    """

    volume: Volume
    factor: int
    filters: tuple[BlobFilter, ...]

    @classmethod
    def of(cls, volume: Volume, smallest: float, largest: float | None = None) -> BlobSearch:
        """A search for blobs of one diameter in Å, or of a range of them.

        Raises
        ------
        InputError
            If the range is none, or blobs are smaller than three voxels.
        """
        last = smallest if largest is None else largest
        if last < smallest:
            raise InputError(
                f"the largest diameter must not be below the smallest, got {smallest} and {last} Å"
            )
        voxel = max(volume.voxel_size)
        if smallest < _FEWEST_VOXELS * voxel:
            raise InputError(
                f"blobs need a diameter of at least three voxels ({_FEWEST_VOXELS * voxel:.4g} Å "
                f"here), got {smallest:g} Å: check diameter and voxel size"
            )
        factor = max(1, int(2 * smallest / (_MOST_VOXELS * voxel)))
        count = 1 + int(np.ceil(np.log(last / smallest) / np.log(STEP) - 1e-9))
        diameters = np.geomspace(smallest, last, count)
        filters = tuple(BlobFilter(float(d)) for d in diameters)
        return cls(block_means(volume, factor), factor, filters)

    def noise(
        self, mask: Volume | None = None, *, progress: Progress = silent
    ) -> tuple[float, ...]:
        """Noise of each filter's answer; see `noise_of_answers`."""
        return noise_of_answers(self.volume, self.filters, mask, progress=progress)

    def candidates(
        self,
        noise: Sequence[float],
        *,
        least: float = 0.0,
        region: Region | None = None,
        progress: Progress = silent,
    ) -> Blobs:
        """Every local maximum of the best filter's answer.

        Parameters
        ----------
        noise : sequence of float
            As `noise` gives it.
        least : float
            Standard deviations that a maximum must reach.
        region : Region, optional
            Box of voxels, of the tomogram before it was binned, in which to look. What is
            found there is what is found in the whole tomogram.
        progress : callable
            Called once per tile.
        """
        found = []
        tiles = tiles_of(self._coarse(region))
        for number, tile in enumerate(tiles):
            progress(number, len(tiles), "looking for blobs")
            found.append(self._in_tile(tile, noise, least))
        progress(1, 1, "looking for blobs")
        return _joined(found)

    def _coarse(self, region: Region | None) -> Region:
        """A region in binned voxels, all of it included."""
        if region is None:
            return Region((0, 0, 0), self.volume.shape)
        lower = tuple(a // self.factor for a in region.lower)
        upper = tuple(-(-b // self.factor) for b in region.upper)
        return Region(lower, upper).clipped(self.volume.shape)  # type: ignore[arg-type]

    def _in_tile(self, tile: Region, noise: Sequence[float], least: float) -> Blobs:
        """The local maxima whose voxel lies in a tile."""
        found = list(answers(self.volume, tile, self.filters, margin=1))
        best = np.max([a / np.float32(n) for a, n in zip(found, noise, strict=True)], axis=0)
        corner = np.asarray(widened(tile, self.volume.shape, 1).lower)
        peaks = local_maxima(best, least)
        index = peaks + corner
        peaks = peaks[((index >= tile.lower) & (index < tile.upper)).all(axis=1)]
        places, heights = refined(best, peaks)
        places = np.clip(places + corner, 0, np.asarray(self.volume.shape) - 1.0)
        at_peaks = np.stack([a[tuple(peaks.T)] for a in found])
        return Blobs(
            self.volume.grid.world_from_index(places), heights, self._diameters(at_peaks, noise)
        )

    def _diameters(self, found: Singles, noise: Sequence[float]) -> Floats:
        """Diameter of the filter with the largest answer (filters, n) at each peak.

        Its answer, not its height over noise, is largest for balls of its own size; filters of
        which the height is low do not count, since small ones have much noise.
        """
        height = found / np.asarray(noise)[:, None]
        counts = height >= _CLEAR * height.max(axis=0)
        which = np.where(counts, found, -np.inf).argmax(axis=0)
        return np.asarray(np.array([f.diameter for f in self.filters])[which])


def _joined(parts: Sequence[Blobs]) -> Blobs:
    """All blobs of several, in order."""
    return Blobs(
        np.concatenate([p.positions for p in parts]),
        np.concatenate([p.heights for p in parts]),
        np.concatenate([p.diameters for p in parts]),
    )


def best_blobs(
    blobs: Blobs, *, least: float, distance: float | None = None, most: int | None = None
) -> Blobs:
    """The highest blobs that are not too near to one another, highest first.

    Parameters
    ----------
    blobs : Blobs
        All that were found.
    least : float
        Standard deviations that one must reach.
    distance : float, optional
        Å within which only the highest stays. None takes 0.7 of its diameter.
    most : int, optional
        How many at most.
    """
    high = blobs[blobs.heights >= least]
    room = 0.7 * high.diameters if distance is None else distance
    kept = high[best_apart(high.positions, high.heights, room)]
    order = np.argsort(-kept.heights, kind="stable")
    return kept[order[:most]]
