"""What every kind of training data offers, and the kind that a recipe names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

import numpy as np

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import (
    ClassMaps,
    Data,
    DegradedCrystals,
    HalfMapPairs,
    ResolutionMaps,
)
from mapscope.training.split import read_split

if TYPE_CHECKING:
    import torch

Role: TypeAlias = Literal["training", "validation", "test"]
ROLES: tuple[Role, ...] = get_args(Role)


@dataclass(frozen=True, eq=False)
class Sample:
    """One example.

    Parameters
    ----------
    maps : float32 tensor (channels, z, y, x)
        What goes into the network, normalised.
    targets : dict of str to tensor
        What should come out, by the network's output: classes, int64 (z, y, x) of voxels and ()
        of a map, where -1 is not scored; or a map, float32 (1, z, y, x).
    conditions : float32 tensor (conditions,), optional
        What the network is told of the maps, in the order of the recipe's table of data.
    """

    maps: torch.Tensor = field(repr=False)
    targets: dict[str, torch.Tensor] = field(repr=False)
    conditions: torch.Tensor | None = field(default=None, repr=False)


class Samples(Protocol):
    """A kind of training data.

    What is drawn at random (`draw`) stands apart from the arithmetic (`make`): the draw is a
    plain dataclass that can be written down and made again.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class of the output ``class``, in order; none where maps are learned."""

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Compute once what all samples of a role share. A second call costs nothing."""

    def draw(self, role: Role, seed: int, number: int) -> Any:
        """The sample of a number, as a dataclass of plain values.

        It depends on nothing else. Numbers from 0 up are never used up.
        """

    def make(self, drawn: Any) -> Sample:
        """The sample that was drawn; equal draws give equal samples."""

    def count(self, role: Role) -> int | None:
        """How many different samples there are, numbered from 0, or None where there is no end."""


def clusters_of(corpus: Corpus) -> dict[Role, list[list[str]]]:
    """Names of a corpus's entries by role and cluster, as the split has them.

    Raises
    ------
    InputError
        If a role has none.
    """
    split = read_split()
    found: dict[Role, list[list[str]]] = {}
    for role in ROLES:
        groups = [[n for n in names if n in corpus] for names in split.clusters(role).values()]
        found[role] = [group for group in groups if group]
        if not found[role]:
            raise InputError(f"the corpus has no entries for {role}: build a larger one")
    return found


def stream(seed: int, role: Role, number: int) -> np.random.Generator:
    """Random numbers of one sample."""
    return np.random.default_rng([seed, ROLES.index(role), number])


def samples_of(data: Data, corpus: Corpus, folder: Path) -> Samples:
    """The samples that a recipe asks for.

    Parameters
    ----------
    data : Data
        The recipe's table.
    corpus : Corpus
        The structures; which of them belong to a role is said by the split.
    folder : Path
        Where what is computed once may be kept.
    """
    if isinstance(data, ClassMaps):
        from mapscope.training.class_maps import ClassMapSamples

        return ClassMapSamples(data, corpus, folder)
    if isinstance(data, ResolutionMaps):
        from mapscope.training.resolution_maps import ResolutionMapSamples

        return ResolutionMapSamples(data, corpus)
    if isinstance(data, HalfMapPairs):
        from mapscope.training.half_map_pairs import HalfMapPairSamples

        return HalfMapPairSamples(data, corpus)
    if isinstance(data, DegradedCrystals):
        from mapscope.training.degraded_crystals import DegradedCrystalSamples

        return DegradedCrystalSamples(data, corpus)
    from mapscope.training.voxel_classes import VoxelClassSamples

    return VoxelClassSamples(data, corpus)


def normalised(maps: torch.Tensor, normalisation: str) -> torch.Tensor:
    """Maps (..., z, y, x), each with its values on a common scale; constant ones become 0.

    Parameters
    ----------
    maps : float tensor (..., z, y, x)
        Density.
    normalisation : str
        min_max: lowest 0 and highest 1; standard: mean 0 and standard deviation 1.
    """
    axes = (-3, -2, -1)
    if normalisation == "min_max":
        low, high = maps.amin(axes, keepdim=True), maps.amax(axes, keepdim=True)
        return (maps - low) / (high - low).clamp(min=1e-12)
    mean = maps.mean(axes, keepdim=True)
    deviation = maps.std(axes, correction=0, keepdim=True)
    return (maps - mean) / deviation.clamp(min=1e-12)
