"""Windows of half maps and the density that they are of: what an enhancer learns from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, silent
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import FINEST, HalfMapPairs
from mapscope.training.entry import CorpusEntry
from mapscope.training.half_map_imaging import (
    ImagedPair,
    PairImaging,
    imaged_pair,
    sample_pair_imaging,
)
from mapscope.training.samples import Role, Sample, clusters_of, stream
from mapscope.training.unknown_density import Unknown, sample_unknown, unknown_atoms
from mapscope.training.window_density import HIGHEST_B, window_density
from mapscope.training.windows import (
    WindowParameters,
    WindowRanges,
    positions_in_window,
    sample_window,
)

if TYPE_CHECKING:
    import torch

Removed: TypeAlias = Literal["", "chain", "residues", "ligands"]
REMOVED: tuple[Removed, ...] = get_args(Removed)[1:]

_SHIFT = 14.0
_NEAR_SHIFT = 12.0
_MOST_UNKNOWN = 3
_MOST_REMOVED = 0.6
"""Share of the atoms in a window."""

_LEAST_B = 2.0
_WANTED_SPREAD = 0.2
_MEASURED_AT = 0.25
"""Frequency in 1/Å at which the B-factor of a molecule as a whole is that of the standard."""

_STRONG_BELOW, _WEAK_ABOVE = -30.0, 80.0
_SOFT_EDGE = 0.2
_NEAR = 3.0


@dataclass(frozen=True)
class DrawnPair:
    """One pair of half maps, as drawn.

    Parameters
    ----------
    window : WindowParameters
        Which atoms, and where.
    imaging : PairImaging
        What the experiment does.
    b_spread : float
        By which the differences between the atoms' B-factors are multiplied for the experiment.
    removed : str
        What is taken away: the chain or the residues at the middle, or all ligands.
    residues : int
        How many residues are taken away.
    unknown : tuple of Unknown
        Density that belongs to no residue.
    """

    window: WindowParameters
    imaging: PairImaging
    b_spread: float = 1.0
    removed: Removed = ""
    residues: int = 0
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, eq=False)
class WindowAtoms:
    """Atoms about a window, as arrays of one length.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        Å from the centre of voxel (0, 0, 0), z, y, x.
    elements : uint8 array (atoms,)
        Atomic numbers.
    b_factors, occupancies : float arrays (atoms,)
        Å², and 0 to 1.
    """

    positions: npt.NDArray[np.float64]
    elements: npt.NDArray[np.uint8]
    b_factors: npt.NDArray[np.floating]
    occupancies: npt.NDArray[np.floating]

    def chosen(self, keep: npt.NDArray[np.bool_]) -> WindowAtoms:
        """Some of them."""
        return WindowAtoms(*(values[keep] for values in vars(self).values()))

    def joined(self, other: WindowAtoms) -> WindowAtoms:
        """These and others."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return WindowAtoms(*(np.concatenate(pair) for pair in pairs))


class HalfMapPairSamples:
    """Windows of simulated half maps, with what no model knows in some of them.

    Parameters
    ----------
    data : HalfMapPairs
        The recipe's table.
    corpus : Corpus
        The structures.
    """

    classes: tuple[str, ...] = ()

    def __init__(self, data: HalfMapPairs, corpus: Corpus) -> None:
        self._data, self._corpus = data, corpus

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Nothing is computed beforehand."""

    def count(self, role: Role) -> int | None:  # noqa: ARG002  there is no end for any
        """There is no end of them."""
        return None

    def draw(self, role: Role, seed: int, number: int) -> DrawnPair:
        """The sample of a number; see `mapscope.training.samples.Samples`."""
        data, random = self._data, stream(seed, role, number)
        size = data.size + 2 * data.border
        # What is near the middle is what is taken away, and must lie in the window.
        is_less = random.random() < data.removed
        window = sample_window(
            int(random.integers(2**31)),
            number,
            self._groups[role],
            WindowRanges(
                size=size,
                voxel_size=(data.voxel_size, data.voxel_size),
                resolution=(FINEST * data.voxel_size,) * 2,
                resolution_step=1e-3,
                shift=_NEAR_SHIFT if is_less else _SHIFT,
            ),
        )
        pieces = int(random.integers(1, _MOST_UNKNOWN + 1)) * (random.random() < data.unknown)
        return DrawnPair(
            window=window,
            imaging=sample_pair_imaging(random, data),
            b_spread=float(random.uniform(0.0, 2.0)),
            removed=REMOVED[int(random.integers(len(REMOVED)))] if is_less else "",
            residues=int(random.integers(1, 40)),
            unknown=tuple(sample_unknown(random) for _ in range(pieces)),
        )

    def make(self, drawn: DrawnPair) -> Sample:
        """The half maps that were drawn, scaled, and what they are of."""
        import torch

        seen, wanted = self.densities(drawn)
        pair = imaged_pair(seen, wanted, self._data.voxel_size, drawn.imaging)
        maps, truth = scaled_pair(self._inner(pair), drawn.imaging)
        told = torch.tensor([drawn.imaging.told], dtype=torch.float32)
        return Sample(maps, {"map": truth[None]}, told)

    def molecule(self, drawn: DrawnPair) -> npt.NDArray[np.bool_]:
        """Voxels of a sample within 3 Å of an atom, (z, y, x)."""
        from scipy.spatial import KDTree

        data, window = self._data, drawn.window
        atoms = atoms_in(self._corpus[window.entry], drawn, data.b_factor, 1.0)
        along = (np.arange(data.size) + data.border) * data.voxel_size
        points = np.stack(np.meshgrid(along, along, along, indexing="ij"), axis=-1)
        near, _ = KDTree(atoms.positions).query(points, distance_upper_bound=_NEAR)
        return np.asarray(near <= _NEAR)

    def densities(self, drawn: DrawnPair) -> tuple[torch.Tensor, torch.Tensor]:
        """Density of all atoms of a window and its border in vacuum, (z, y, x), without noise.

        As the experiment sees it, and as it shall become: with B-factors that differ less.
        """
        window, entry = drawn.window, self._corpus[drawn.window.entry]
        found = []
        for spread in (drawn.b_spread, _WANTED_SPREAD * drawn.b_spread):
            atoms = atoms_in(entry, drawn, self._data.b_factor, spread)
            found.append(
                window_density(
                    atoms.positions,
                    atoms.elements,
                    atoms.b_factors,
                    atoms.occupancies,
                    size=window.size,
                    voxel_size=window.voxel_size,
                    resolution=window.resolution,
                    radiation="electrons",
                    soft_edge=_SOFT_EDGE,
                )
            )
        return found[0], found[1]

    def _inner(self, pair: ImagedPair) -> ImagedPair:
        """A pair without its border."""
        inner = slice(self._data.border, self._data.border + self._data.size)
        return ImagedPair(*(values[inner, inner, inner] for values in vars(pair).values()))

    @cached_property
    def _groups(self) -> dict[Role, list[list[str]]]:
        """Entries of each role by cluster."""
        return clusters_of(self._corpus)


def atoms_in(entry: CorpusEntry, drawn: DrawnPair, b_factor: float, spread: float) -> WindowAtoms:
    """What there is about a window: the entry's atoms but those removed, and unknown ones.

    Parameters
    ----------
    entry : CorpusEntry
        The entry that the draw names.
    drawn : DrawnPair
        What is taken away and added.
    b_factor : float
        Å², of the molecule as a whole.
    spread : float
        By which the differences between the atoms' B-factors are multiplied.
    """
    window = drawn.window
    b_factors = standard_b_factors(entry.b_factors, b_factor, spread)
    atoms = WindowAtoms(
        positions_in_window(entry, window), entry.elements, b_factors, entry.occupancies
    )
    middle = (window.size - 1) / 2 * window.voxel_size
    inside = (np.abs(atoms.positions - middle) <= middle).all(axis=1)
    anchors = atoms.positions[inside] if inside.any() else atoms.positions
    nearest = int(((atoms.positions - middle) ** 2).sum(axis=1).argmin())
    is_gone = _removed(entry, drawn, nearest)
    # Where little would be left there is nothing to learn.
    is_gone &= is_gone[inside].mean() < _MOST_REMOVED if inside.any() else False
    kept = atoms.chosen(~is_gone)
    for unknown in drawn.unknown:
        anchor = anchors[unknown.anchor % len(anchors)]
        positions, elements = unknown_atoms(unknown, anchor)
        wide = np.full(len(positions), np.clip(b_factor + unknown.b_shift, _LEAST_B, HIGHEST_B))
        share = np.full(len(positions), unknown.occupancy)
        kept = kept.joined(WindowAtoms(positions, elements, wide, share))
    return kept


def _removed(entry: CorpusEntry, drawn: DrawnPair, nearest: int) -> npt.NDArray[np.bool_]:
    """True for the atoms that are taken away, (atoms,)."""
    residue = int(entry.residue_of_atom[nearest])
    numbers = entry.residue_of_atom
    if drawn.removed == "chain":
        chain = entry.chain_of_residue
        return np.asarray((chain == chain[residue])[numbers])
    if drawn.removed == "residues":
        return np.asarray(np.abs(numbers - residue) <= drawn.residues // 2)
    if drawn.removed == "ligands":
        return np.asarray(entry.is_hetero[numbers])
    return np.zeros(len(entry), dtype=bool)


def standard_b_factors(
    b_factors: npt.NDArray[np.floating], wanted: float, spread: float = 1.0
) -> npt.NDArray[np.float64]:
    """B-factors in Å² of a molecule that as a whole scatters as with one B-factor.

    Parameters
    ----------
    b_factors : float array (atoms,)
        Å²; their differences stay, but for the largest.
    wanted : float
        Å², by which the sum of all atoms is weaker at 1/4 Å.
    spread : float
        By which the differences are multiplied.

    Examples
    --------
    >>> standard_b_factors(np.array([20.0, 20.0]), 40.0)
    array([40., 40.])
    """
    around = np.asarray(b_factors, dtype=np.float64) - float(np.median(b_factors))
    relative = np.clip(around, _STRONG_BELOW, _WEAK_ABOVE) * spread
    square = 0.25 * _MEASURED_AT**2
    whole = -math.log(float(np.exp(-square * relative).mean())) / square
    return np.clip(relative - whole + wanted, _LEAST_B, HIGHEST_B)


def scaled_pair(pair: ImagedPair, imaging: PairImaging) -> tuple[torch.Tensor, torch.Tensor]:
    """Half maps (2, z, y, x) and truth (z, y, x) on the scale that the network wants.

    Both halves are scaled by the mean and the standard deviation of their mean, as at prediction,
    but for what a window differs by from the map that it is part of. Of noise the truth is 0.

    Parameters
    ----------
    pair : ImagedPair
        The maps.
    imaging : PairImaging
        By how much the scale is off.
    """
    import torch

    halves = torch.stack([pair.first, pair.second])
    mean = halves.mean(dim=0)
    deviation = mean.std(correction=0).clamp(min=1e-12)
    shift, factor = mean.mean() + imaging.shift * deviation, imaging.factor / deviation
    truth = torch.zeros_like(mean) if imaging.noise else (pair.truth - shift) * factor
    return (halves - shift) * factor, truth
