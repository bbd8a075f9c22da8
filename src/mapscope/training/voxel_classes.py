"""Windows of density, with what every voxel of them is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mapscope.progress import Progress, silent
from mapscope.training.classes import AMINO_ACIDS, CLASSES
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import VoxelClasses
from mapscope.training.imaging import Imaging, imaged, sample_imaging
from mapscope.training.samples import Role, Sample, clusters_of, normalised, stream
from mapscope.training.windows import WindowParameters, WindowRanges, make_window, sample_window

if TYPE_CHECKING:
    import torch

KINDS = ("background", "amino acid", "nucleotide")

_SHIFT_SHARE = 0.25


@dataclass(frozen=True)
class DrawnWindow:
    """One window, as drawn.

    Parameters
    ----------
    window : WindowParameters
        Which atoms, and where.
    imaging : Imaging, optional
        What the experiment does.
    """

    window: WindowParameters
    imaging: Imaging | None


class VoxelClassSamples:
    """Windows anywhere in structures, turned freely.

    Parameters
    ----------
    data : VoxelClasses
        The recipe's table.
    corpus : Corpus
        The structures.
    """

    def __init__(self, data: VoxelClasses, corpus: Corpus) -> None:
        self._data, self._corpus = data, corpus

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class."""
        return KINDS if self._data.target == "kind" else CLASSES

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Nothing is computed beforehand."""

    def count(self, role: Role) -> int | None:  # noqa: ARG002  there is no end for any
        """There is no end of them."""
        return None

    def draw(self, role: Role, seed: int, number: int) -> DrawnWindow:
        """The sample of a number; see `mapscope.training.samples.Samples`."""
        data, random = self._data, stream(seed, role, number)
        shift = _SHIFT_SHARE * data.size * data.voxel_size[0]
        ranges = WindowRanges(
            size=data.size,
            voxel_size=data.voxel_size,
            resolution=data.resolution,
            shift=shift,
            radiation=data.radiation,
        )
        window = sample_window(int(random.integers(2**31)), number, self._groups[role], ranges)
        if data.imaging is None:
            return DrawnWindow(window, None)
        return DrawnWindow(window, sample_imaging(random, window.resolution, data.imaging))

    def make(self, drawn: DrawnWindow) -> Sample:
        """The window that was drawn, and the class of each voxel."""
        window = make_window(self._corpus[drawn.window.entry], drawn.window)
        density = window.density
        if drawn.imaging is not None:
            density = imaged(density, drawn.window.voxel_size, drawn.imaging)
        target = window.targets.residue_class.long()
        if self._data.target == "kind":
            target = _kinds(target)
        return Sample(normalised(density, self._data.normalisation)[None], {"class": target})

    @cached_property
    def _groups(self) -> dict[Role, list[list[str]]]:
        """Entries of each role by cluster."""
        return clusters_of(self._corpus)


def _kinds(classes: torch.Tensor) -> torch.Tensor:
    """Kind of each residue class: an index into `KINDS`, or -1."""
    return classes.clamp(max=1) + (classes > len(AMINO_ACIDS)).long()
