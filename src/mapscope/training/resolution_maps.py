"""Maps such as experiments give, with the class of their resolution."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.training.corpus import Corpus
from mapscope.training.data_tables import FINEST, ResolutionMaps
from mapscope.training.imaging import Imaging, imaged, sample_imaging
from mapscope.training.samples import Role, Sample, clusters_of, normalised, stream
from mapscope.training.window_density import window_density
from mapscope.training.windows import (
    WindowParameters,
    WindowRanges,
    positions_in_window,
    sample_window,
)

if TYPE_CHECKING:
    import torch

Strange: TypeAlias = Literal["", "noise", "inverted", "shuffled", "constant"]
STRANGE: tuple[Strange, ...] = get_args(Strange)[1:]

_BORDER = 6
_SHIFT = 12.0
_SOFT_EDGE = 0.2


@dataclass(frozen=True)
class DrawnMap:
    """One map, as drawn.

    Parameters
    ----------
    window : WindowParameters
        Which atoms, and where; its resolution is what the density is computed at.
    imaging : Imaging
        What the experiment does, with the resolution that counts.
    b_scale, b_shift : float
        B-factors of the atoms are multiplied by the one, and Å² of the other are added.
    scale : float
        By which the voxel size is wrong.
    strange : str
        Why it is no map of molecules; empty where it is one.
    label : int
        Its class.
    """

    window: WindowParameters
    imaging: Imaging
    b_scale: float
    b_shift: float
    scale: float
    strange: Strange
    label: int


class ResolutionMapSamples:
    """Windows of maps at any resolution, with what is no map of molecules among them.

    Parameters
    ----------
    data : ResolutionMaps
        The recipe's table.
    corpus : Corpus
        The structures.

    Raises
    ------
    InputError
        If classes and borders do not fit together.
    """

    def __init__(self, data: ResolutionMaps, corpus: Corpus) -> None:
        if len(data.borders) != len(data.classes) or list(data.borders) != sorted(data.borders):
            raise InputError(
                f"{len(data.classes)} classes, the last of them for what is no map, need as many "
                f"growing borders, got {data.borders}"
            )
        self._data, self._corpus = data, corpus

    @property
    def classes(self) -> tuple[str, ...]:
        """Name of each class; the last is what is no map of molecules."""
        return self._data.classes

    def prepare(self, role: Role, progress: Progress = silent) -> None:
        """Nothing is computed beforehand."""

    def count(self, role: Role) -> int | None:  # noqa: ARG002  there is no end for any
        """There is no end of them."""
        return None

    def draw(self, role: Role, seed: int, number: int) -> DrawnMap:
        """The sample of a number; see `mapscope.training.samples.Samples`."""
        data, random = self._data, stream(seed, role, number)
        is_strange = random.random() < data.outside
        label = int(random.integers(len(data.classes) - 1))
        resolution = float(random.uniform(data.borders[label], data.borders[label + 1]))
        # A finer map differs from this one only in what these voxels cannot hold.
        finest = FINEST * data.voxel_size
        window = sample_window(
            int(random.integers(2**31)),
            number,
            self._groups[role],
            WindowRanges(size=data.size + 2 * _BORDER, shift=_SHIFT),
        )
        is_fine = resolution < finest
        step = data.voxel_size / 1.5 if is_fine else data.voxel_size
        size = round(window.size * data.voxel_size / step)
        window = replace(
            window,
            size=size,
            voxel_size=step,
            resolution=FINEST * step,
            radiation=data.radiation[int(random.integers(len(data.radiation)))],
        )
        imaging = sample_imaging(random, resolution, data.imaging)
        kind: Strange = STRANGE[int(random.integers(len(STRANGE)))] if is_strange else ""
        error = data.imaging.scale_error
        return DrawnMap(
            window=window,
            imaging=imaging,
            b_scale=float(random.uniform(0.5, 1.5)),
            b_shift=float(random.uniform(0, 10 * resolution)),
            scale=float(random.uniform(1 - error, 1 + error)),
            strange=kind,
            label=len(data.classes) - 1 if is_strange else label,
        )

    def make(self, drawn: DrawnMap) -> Sample:
        """The map that was drawn, and its class."""
        import torch

        density = self._density(drawn)
        if drawn.strange == "constant":
            density = torch.zeros_like(density)
        elif drawn.strange == "noise":
            random = torch.Generator().manual_seed(drawn.imaging.noise_seed + 1)
            density = torch.randn(density.shape, generator=random)
        imaging = drawn.imaging
        if drawn.strange in ("noise", "constant"):
            imaging = replace(imaging, signal_to_noise=math.inf, solvent=0.0, mask_level=0.0)
        maps = imaged(density, self._data.voxel_size, imaging)
        if drawn.strange == "inverted":
            maps = -maps
        elif drawn.strange == "shuffled":
            maps = _shuffled(maps, drawn.imaging.noise_seed)
        inside = slice(_BORDER, _BORDER + self._data.size)
        maps = normalised(maps[inside, inside, inside], self._data.normalisation)
        return Sample(maps[None], {"class": torch.tensor(drawn.label)})

    def _density(self, drawn: DrawnMap) -> torch.Tensor:
        """Density of the window's atoms in vacuum on voxels of the recipe's size."""
        entry, window = self._corpus[drawn.window.entry], drawn.window
        middle = (window.size - 1) / 2 * window.voxel_size
        positions = (positions_in_window(entry, window) - middle) * drawn.scale + middle
        density = window_density(
            positions,
            entry.elements,
            entry.b_factors * drawn.b_scale + drawn.b_shift,
            entry.occupancies,
            size=window.size,
            voxel_size=window.voxel_size,
            resolution=window.resolution,
            radiation=window.radiation,
            soft_edge=_SOFT_EDGE,
        )
        return _coarser(density, self._data.size + 2 * _BORDER)

    @cached_property
    def _groups(self) -> dict[Role, list[list[str]]]:
        """Entries of each role by cluster."""
        return clusters_of(self._corpus)


def _coarser(density: torch.Tensor, size: int) -> torch.Tensor:
    """The same box with fewer voxels: coefficients that these cannot hold are left out."""
    import torch

    large = density.shape[-1]
    if large == size:
        return density
    waves = torch.fft.rfftn(density)
    half = size // 2
    keep = [*range(half), *range(large - (size - half), large)]
    waves = waves[keep][:, keep][:, :, : half + 1]
    out: torch.Tensor = torch.fft.irfftn(waves, s=(size,) * 3) * (size / large) ** 3
    return out


def _shuffled(maps: torch.Tensor, seed: int) -> torch.Tensor:
    """A map with the same power in each coefficient and phases of noise."""
    import torch

    random = torch.Generator().manual_seed(seed + 1)
    noise = torch.fft.rfftn(torch.randn(maps.shape, generator=random))
    waves = torch.fft.rfftn(maps)
    phases = noise / noise.abs().clamp(min=1e-12)
    out: torch.Tensor = torch.fft.irfftn(waves.abs() * phases, s=maps.shape)
    return out
