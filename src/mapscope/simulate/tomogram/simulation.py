"""A simulated tomogram from start to end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.particles import Particles, in_tomogram
from mapscope.progress import Progress, part, silent
from mapscope.simulate.tomogram.back_projection import back_projected
from mapscope.simulate.tomogram.exposure import Exposure, chance
from mapscope.simulate.tomogram.packing import Packed, pack
from mapscope.simulate.tomogram.species import BODY, Species
from mapscope.simulate.tomogram.specimen import Surroundings, Vesicles, ice_grain, surroundings
from mapscope.simulate.tomogram.tilt_series import TiltSeries, tilt_series
from mapscope.volume import Grid, Shape, Volume

Singles = npt.NDArray[np.float32]

_OTHERS = ("membrane", "gold")


@dataclass(frozen=True, eq=False)
class Recipe:
    """What a tomogram holds and how it is taken.

    Parameters
    ----------
    kinds : sequence of Species
        What there is, in equal shares, for one voxel size.
    number : int
        How many particles.
    exposure : Exposure
        How the tilt series is taken.
    shape : tuple of int
        Voxels of the tomogram, z, y, x.
    thickness : float, optional
        Å of the ice, in the middle of the tomogram. None: all of it.
    grain : float
        Random variation of the ice as a share of its potential.
    vesicles : Vesicles
        Vesicles and gold beads.
    """

    kinds: Sequence[Species]
    number: int
    exposure: Exposure
    shape: Shape = (200, 256, 256)
    thickness: float | None = None
    grain: float = 0.07
    vesicles: Vesicles = field(default_factory=Vesicles)

    @property
    def voxel_size(self) -> float:
        """Å.

        Raises
        ------
        InputError
            If there is no species, or they are for other voxels.
        """
        sizes = {round(kind.voxel_size, 6) for kind in self.kinds}
        if len(sizes) != 1:
            raise InputError(f"species must be for one voxel size, got {sorted(sizes) or 'none'}")
        return sizes.pop()

    @property
    def ice_shape(self) -> Shape:
        """Voxels of the ice."""
        depth, height, width = self.shape
        if self.thickness is not None:
            depth = min(depth, max(1, round(self.thickness / self.voxel_size)))
        return (depth, height, width)


@dataclass(frozen=True, eq=False)
class Simulated:
    """A tomogram and all that is true of it.

    Parameters
    ----------
    tomogram, noise_free : Volume
        Back-projected from the images with noise and without; V, filtered by the microscope.
    specimen : Volume
        V above ice of what was imaged, without noise.
    particles : Particles
        Where particles are, which way round, and which; columns ``radius`` in Å and
        ``weight_kda``.
    occupancy : Labels
        Which particle a voxel belongs to: its row in the list, from 1. A cavity in its middle
        does as well. Vesicles and beads have the numbers after the last particle's.
    classes : Labels
        Which species, from 1, where it is dense; then membrane and gold.
    series : TiltSeries
        The images.
    """

    tomogram: Volume
    noise_free: Volume
    specimen: Volume
    particles: Particles
    occupancy: Labels
    classes: Labels
    series: TiltSeries


def simulate(
    recipe: Recipe, *, seed: int = 0, device: str = "cpu", progress: Progress = silent
) -> Simulated:
    """A tomogram, from packing to back-projection; equal seeds give equal ones.

    Parameters
    ----------
    recipe : Recipe
        What it holds and how it is taken.
    seed : int
        Where chance begins.
    device : str
        What computes.
    progress : callable
        Called once per particle and several times per tilt.

    Raises
    ------
    InputError
        If particles find no room, species are for other voxels, or the noise has no level.
    """
    shape, size = recipe.ice_shape, recipe.voxel_size
    others = surroundings(shape, size, recipe.vesicles, chance(seed, "surroundings"))
    packed = pack(
        shape,
        recipe.kinds,
        recipe.number,
        chance(seed, "packing"),
        occupied=others.number,
        progress=part(progress, 0, 5, 100),
    )
    content = packed.potential + others.potential
    series = tilt_series(
        content,
        ice_grain(shape, recipe.grain, chance(seed, "ice")),
        size,
        recipe.exposure,
        seed=seed,
        device=device,
        progress=part(progress, 5, 80, 100),
    )
    first = recipe.shape[0] // 2 - shape[0] // 2
    grid = Grid(recipe.shape, (size, size, size))
    tomogram, noise_free = (
        _reconstructed(images, series, grid, device, part(progress, start, start + 10, 100))
        for images, start in ((series.images, 80), (series.clean, 90))
    )
    occupancy, classes = _labels(packed, others, recipe, first)
    return Simulated(
        tomogram=tomogram,
        noise_free=noise_free,
        specimen=Volume(_in_middle(content, recipe.shape, first), grid.voxel_size),
        particles=_particles(packed, recipe.kinds, grid, first),
        occupancy=occupancy,
        classes=classes,
        series=series,
    )


def _reconstructed(
    images: Singles, series: TiltSeries, grid: Grid, device: str, progress: Progress
) -> Volume:
    """The back-projection of images, in V."""
    data = back_projected(
        images, series.tilts.tolist(), grid.shape, device=device, progress=progress
    )
    data /= np.float32(grid.voxel_size[0])
    return Volume(data, grid.voxel_size)


def _particles(packed: Packed, kinds: Sequence[Species], grid: Grid, first: int) -> Particles:
    """The list of what was packed."""
    positions = (packed.positions + np.array([first, 0, 0])) * np.asarray(grid.voxel_size)
    columns = {
        "radius": np.array([kind.radius for kind in kinds])[packed.species],
        "weight_kda": np.array([kind.kda for kind in kinds])[packed.species],
    }
    names = tuple(kinds[k].name for k in packed.species)
    listed = Particles(positions, packed.rotations, names, columns=columns)
    return in_tomogram(listed, grid)


def _labels(
    packed: Packed, others: Surroundings, recipe: Recipe, first: int
) -> tuple[Labels, Labels]:
    """Occupancy and classes of the whole tomogram."""
    count, kinds, size = len(packed.species), len(recipe.kinds), (recipe.voxel_size,) * 3
    is_other = others.number > 0
    occupancy = np.where(is_other, others.number + count, packed.occupancy)
    class_of = np.concatenate([[0], packed.species + 1]).astype(np.int16)
    is_dense = ~is_other & (packed.potential > BODY)
    classes = np.where(is_other, others.kind + kinds, class_of[np.where(is_dense, occupancy, 0)])
    names = {k + 1: kind.name for k, kind in enumerate(recipe.kinds)}
    if is_other.any():
        names |= {kinds + 1 + k: name for k, name in enumerate(_OTHERS)}
    return (
        Labels(_in_middle(occupancy.astype(np.int32), recipe.shape, first), size),
        Labels(_in_middle(classes.astype(np.int16), recipe.shape, first), size, names=names),
    )


def _in_middle(data: npt.NDArray[np.generic], shape: Shape, first: int) -> npt.NDArray[np.generic]:
    """Planes of the ice among empty ones."""
    padding = (first, shape[0] - first - data.shape[0])
    return np.pad(data, (padding, (0, 0), (0, 0))) if any(padding) else data
