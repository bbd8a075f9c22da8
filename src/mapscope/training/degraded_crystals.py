"""Maps of crystals, and what the degradation of Mullick et al. makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, silent
from mapscope.simulate.dilation import Dilation, DilationRanges, dilate_and_blur, drawn_dilation
from mapscope.training.augmentation import PROPER, TURNS, turned
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import DegradedCrystals
from mapscope.training.entry import CorpusEntry
from mapscope.training.imaging import Imaging, imaged
from mapscope.training.samples import Role, Sample, clusters_of, normalised, stream
from mapscope.training.window_density import window_density
from mapscope.training.windows import (
    WindowParameters,
    WindowRanges,
    positions_in_window,
    sample_window,
)
from mapscope.volume import Volume

if TYPE_CHECKING:
    import torch

_SHIFT_SHARE = 0.1
_RESOLUTION_STEP = 0.2
_FINER = 2
"""How many times as fine the grid is on which atoms are summed up."""

_SOFT_EDGE = 0.1
_GAP = 3.0
"""Å between the boxes around a molecule and its neighbours in the crystal."""

_REACH = 6.0
"""Å outside a window up to which atoms are taken along."""

_EDGE = 3
"""Voxels around a window that are degraded with it, so that it has no edge of its own."""

_HIGHEST = 0.999
_SHARPEST, _BLURRIEST = 0.6, 5.0
"""Between which shares of the median B-factors are kept."""


@dataclass(frozen=True)
class DrawnCrystal:
    """One window of a crystal's map, as drawn.

    Parameters
    ----------
    window : WindowParameters
        Which atoms, and where.
    b_factor : float
        Å², the median that the atoms' B-factors are brought to.
    solvent : float
        Share of the atoms' density, at low frequency, that the solvent has.
    error : float
        Standard deviation of the map's own errors over that of its density.
    seed : int
        Of these errors.
    dilation : Dilation
        What makes it worse.
    turn : int
        Which of the turns of the cube comes on top.
    """

    window: WindowParameters
    b_factor: float
    solvent: float
    error: float
    seed: int
    dilation: Dilation
    turn: int


class DegradedCrystalSamples:
    """Windows anywhere in structures as X-rays see them, turned freely, and made worse.

    The target is the density without errors, from 0 to 1. Molecules have neighbours as in a
    crystal. Atoms are summed up on a grid twice as fine, of which every second point is taken, as
    a crystal's map is brought onto 1 Å voxels.

    Parameters
    ----------
    data : DegradedCrystals
        The recipe's table.
    corpus : Corpus
        The structures.
    """

    def __init__(self, data: DegradedCrystals, corpus: Corpus) -> None:
        self._data, self._corpus = data, corpus

    @property
    def classes(self) -> tuple[str, ...]:
        """None: it learns a map."""
        return ()

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Nothing is computed beforehand."""

    def count(self, role: Role) -> int | None:  # noqa: ARG002  there is no end for any
        """There is no end of them."""
        return None

    def draw(self, role: Role, seed: int, number: int) -> DrawnCrystal:
        """The sample of a number; see `mapscope.training.samples.Samples`."""
        data, random = self._data, stream(seed, role, number)
        ranges = WindowRanges(
            size=data.size,
            voxel_size=(data.voxel_size,) * 2,
            resolution=data.resolution,
            resolution_step=_RESOLUTION_STEP,
            shift=_SHIFT_SHARE * data.size * data.voxel_size,
            radiation="x_rays",
        )
        window = sample_window(int(random.integers(2**31)), number, self._groups[role], ranges)
        widest = DilationRanges(data.radius, data.blur, data.noise)
        return DrawnCrystal(
            window=window,
            b_factor=float(random.uniform(*data.b_factor)),
            solvent=float(random.uniform(*data.solvent)),
            error=float(random.uniform(*data.error)),
            seed=int(random.integers(2**31)),
            dilation=drawn_dilation(int(random.integers(2**31)), widest),
            turn=int(random.integers(len(TURNS) if data.flips else PROPER)),
        )

    def make(self, drawn: DrawnCrystal) -> Sample:
        """The degraded map, and the map."""
        density = crystal_density(self._corpus[drawn.window.entry], drawn)
        degraded = degraded_density(density, drawn)
        how, inner = self._data.normalisation, (slice(_EDGE, -_EDGE),) * 3
        maps, target = (turned(whole[inner], drawn.turn)[None] for whole in (degraded, density))
        return Sample(normalised(maps, how), {"map": from_nought_to_one(target)})

    @cached_property
    def _groups(self) -> dict[Role, list[list[str]]]:
        """Entries of each role by cluster."""
        return clusters_of(self._corpus)


def crystal_density(entry: CorpusEntry, drawn: DrawnCrystal) -> torch.Tensor:
    """Density without errors in a window and 3 voxels around it, float32 (z, y, x)."""
    size = drawn.window.size + 2 * _EDGE
    window = replace(drawn.window, size=size)
    positions, atoms = packed(positions_in_window(entry, window), size * window.voxel_size)
    fine = window_density(
        positions,
        entry.elements[atoms],
        b_factors_about(entry.b_factors, drawn.b_factor)[atoms],
        entry.occupancies[atoms],
        size=_FINER * size,
        voxel_size=window.voxel_size / _FINER,
        resolution=window.resolution,
        radiation=window.radiation,
        soft_edge=_SOFT_EDGE,
    )
    density = fine[::_FINER, ::_FINER, ::_FINER].contiguous()
    # What lies beyond the coarse voxels' Nyquist is in the points: nothing more is cut away.
    solvent = Imaging(resolution=0.5 * window.voxel_size, solvent=drawn.solvent)
    return imaged(density, window.voxel_size, solvent)


def from_nought_to_one(density: torch.Tensor) -> torch.Tensor:
    """Density without what is below 0, over its 99.9th percentile, at most 1.

    The overlap that a network learns by has no meaning below 0, and hardly sees a molecule on a
    background that is not 0, as the scale from the lowest to the highest voxel has; nor shall
    the one voxel at a metal say how large all others are.
    """
    flat = density.flatten()
    rank = max(1, round(_HIGHEST * flat.numel()))
    highest = flat.kthvalue(rank).values.clamp(min=1e-12)
    return (density / highest).clamp(0, 1)


def packed(
    positions: npt.NDArray[np.float64], length: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """A molecule and its neighbours in a crystal, as far as they reach into a window.

    The crystal's cell is the box around the molecule, and there is one molecule in it: about half
    of the cell is solvent, as in crystals.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        Å from the window's corner.
    length : float
        Å along the window's edges.

    Returns
    -------
    tuple of array
        Positions (n, 3) of atoms less than 6 Å outside, and which atom each is, (n,).
    """
    low, high = positions.min(axis=0), positions.max(axis=0)
    cell = high - low + _GAP
    # Copies whose box meets the window: low + step * cell < length and high + step * cell > 0.
    steps = [
        np.arange(np.ceil(-(most + _REACH) / c), np.floor((length + _REACH - least) / c) + 1)
        for least, most, c in zip(low, high, cell, strict=True)
    ]
    found, which = [], []
    for step in product(*steps):
        moved = positions + np.array(step) * cell
        inside = np.flatnonzero(((moved > -_REACH) & (moved < length + _REACH)).all(axis=1))
        found.append(moved[inside])
        which.append(inside)
    return np.concatenate(found), np.concatenate(which)


def b_factors_about(b_factors: npt.NDArray[np.floating], median: float) -> npt.NDArray[np.float64]:
    """B-factors in Å², scaled to a median; all of them that, where theirs is 0.

    None becomes less than 0.6 or more than 5 times the median.

    Examples
    --------
    >>> b_factors_about(np.array([0.0, 40.0, 80.0]), 20.0).tolist()
    [12.0, 20.0, 40.0]
    """
    given = np.maximum(np.asarray(b_factors, dtype=np.float64), 0.0)
    middle = float(np.median(given))
    if not middle > 0:
        return np.full(given.shape, median)
    return np.asarray(median * np.clip(given / middle, _SHARPEST, _BLURRIEST))


def degraded_density(density: torch.Tensor, drawn: DrawnCrystal) -> torch.Tensor:
    """The density with the errors of a map, degraded, float32 (z, y, x)."""
    import torch

    random = torch.Generator().manual_seed(drawn.seed)
    errors = torch.randn(density.shape, generator=random) * (drawn.error * density.std())
    volume = Volume((density + errors).numpy(), (drawn.window.voxel_size,) * 3)
    return torch.from_numpy(dilate_and_blur(volume, drawn.dilation).data.copy())
