"""Density of atoms on a grid: by their physics, or as one program draws them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, part, silent
from mapscope.simulate import form_factors
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.grid import fast_size
from mapscope.simulate.gridding import (
    CHANNEL_BYTES,
    Box,
    band_of,
    cut,
    density_of,
    room,
)
from mapscope.simulate.point_spread import POINT_SPREADS
from mapscope.simulate.scattering import Scattering, gain_in, on_device, waves_of
from mapscope.simulate.splat import splat
from mapscope.volume import Grid, Region

CUTOFF = math.exp(-12.5)
"""Share of its peak at which a fixed Gaussian ends: 5 standard deviations, as in molmap."""

_BYTES_PER_ATOM = 800
_SOFT = 0.2

_FARTHEST, _FROM_VOXELS = 8.0, 5.0
"""Resolutions from an atom at which its ringing is forgotten, and is near so."""


def fixed_density(
    atoms: Atoms,
    grid: Grid,
    program: str,
    resolution: float,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """Sum of the Gaussians that a program draws for atoms, (z, y, x).

    Occupancies multiply them; B-factors do not matter. The integral of each is the atomic number
    or the mass (see `POINT_SPREADS`), which molmap's is as well; other programs scale their map
    at the end.

    Parameters
    ----------
    atoms : Atoms
        The atoms.
    grid : Grid
        The voxels.
    program : str
        A key of `POINT_SPREADS`.
    resolution : float
        Å, as the program means it.
    device : str
        What computes.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    InputError
        If an element is unknown.
    """
    import torch

    spread = POINT_SPREADS[program]
    is_number = spread.weight == "atomic number"
    weigh = form_factors.atomic_numbers if is_number else form_factors.masses
    amplitudes = torch.as_tensor(atoms.occupancies * weigh(atoms.elements))[:, None]
    places = torch.as_tensor(atoms.positions - np.asarray(grid.origin))
    data = splat(
        on_device(places, device),
        on_device(amplitudes, device),
        on_device(torch.full_like(amplitudes, spread.b(resolution)), device),
        grid.shape,
        grid.voxel_size,
        cutoff=CUTOFF,
        progress=progress,
    )
    return np.asarray(data.cpu().numpy())


def physical_density(
    atoms: Atoms,
    grid: Grid,
    scattering: Scattering,
    *,
    is_periodic: bool = False,
    device: str = "cpu",
    progress: Progress = silent,
) -> npt.NDArray[np.float32]:
    """Density of atoms as electrons or X-rays see it up to a resolution, (z, y, x).

    Parameters
    ----------
    atoms : Atoms
        The atoms; those far outside the grid do not matter.
    grid : Grid
        The voxels.
    scattering : Scattering
        How they scatter, and the resolution.
    is_periodic : bool
        Whether the grid is one period of a crystal of symmetry P1 that holds all atoms well
        inside. Else it is computed in a larger box and cut out of it, so that what leaves it on
        one side does not come back on the other.
    device : str
        What computes.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    InputError
        If an element is unknown, or hydrogens are to be split with a given blur.
    """
    import torch

    near = atoms.chosen(_near(atoms, grid, _FARTHEST * scattering.resolution))
    if not len(near):
        return np.zeros(grid.shape, dtype=np.float32)
    box_grid = grid if is_periodic else _larger(near, grid, scattering)
    box = Box(box_grid.shape, box_grid.voxel_size, scattering.highest)
    places = replace(near, positions=near.positions - np.asarray(box_grid.origin))
    waves = waves_of(places, box, scattering, device, part(progress, 0, 9, 10))
    if scattering.solvent is not None:
        tell = part(progress, 9, 10, 10)
        displaced = scattering.solvent.displaced(box_grid, near.positions, progress=tell)
        level = scattering.solvent.density(scattering.radiation)
        gain = torch.as_tensor(level * gain_in(box, scattering)).to(device)
        waves -= cut(band_of(torch.tensor(displaced).to(device), box).mul_(gain), box)
    data = density_of(waves, box).cpu().numpy()
    first = np.round(box_grid.index_from_world(grid.origin)).astype(int)
    inside = tuple(slice(a, a + n) for a, n in zip(first, grid.shape, strict=True))
    return np.ascontiguousarray(data[inside])


def is_local(atoms: Atoms, grid: Grid, scattering: Scattering) -> bool:
    """Whether density can be computed on a part of a grid, from the atoms near it.

    It then equals that part of the whole to 1e-3 of the whole's standard deviation. The ringing
    of a sharp cut, or of one that voxels of half the resolution make sharp, reaches too far for
    that, and so do the fields of split hydrogens.

    Parameters
    ----------
    atoms : Atoms
        The atoms.
    grid : Grid
        The voxels.
    scattering : Scattering
        How they scatter, and the resolution.
    """
    is_soft = scattering.soft_edge >= _SOFT
    is_fine = 2 * max(grid.voxel_size) * scattering.highest <= 1
    return is_soft and is_fine and not (scattering.splits and atoms.is_hydrogen.any())


def bytes_needed(
    atoms: Atoms, grid: Grid, scattering: Scattering | None, *, channels: int = 6
) -> float:
    """About the most memory that a density takes, in bytes, before anything is computed.

    Parameters
    ----------
    atoms : Atoms
        The atoms.
    grid : Grid
        The voxels.
    scattering : Scattering, optional
        As in `physical_density`; None for fixed Gaussians.
    channels : int
        Functions of the frequency that the atoms' scattering is made of; 3 to 8 are usual.
    """
    of_atoms = _BYTES_PER_ATOM * len(atoms)
    if scattering is None:
        return of_atoms + 4.0 * math.prod(grid.shape)
    near = atoms.chosen(_near(atoms, grid, _FARTHEST * scattering.resolution))
    if not len(near):
        return 4.0 * math.prod(grid.shape)
    box_grid = _larger(near, grid, scattering)
    box = Box(box_grid.shape, box_grid.voxel_size, scattering.highest)
    whole, spread = math.prod(box.shape), math.prod(box.spread_shape)
    band = math.prod(2 * n + 1 for n in box.band) / 2
    together = min(channels * spread * 4.0, max(4.0 * spread, CHANNEL_BYTES))
    return of_atoms + max(together + 12.0 * spread + 28.0 * band, 12.0 * whole + 8.0 * band)


def _near(atoms: Atoms, grid: Grid, reach: float) -> npt.NDArray[np.bool_]:
    """Which atoms lie within `reach` Å of a grid's box."""
    lower = np.asarray(grid.origin) - reach
    upper = grid.world_from_index(np.asarray(grid.shape) - 1) + reach
    return np.asarray(((atoms.positions >= lower) & (atoms.positions <= upper)).all(axis=1))


def _larger(atoms: Atoms, grid: Grid, scattering: Scattering) -> Grid:
    """A box around grid and atoms, so large that neither meets its next period."""
    margin = room(scattering.highest)
    index = grid.index_from_world(atoms.positions)
    step = np.asarray(grid.voxel_size)
    lowest, highest = index.min(axis=0), index.max(axis=0)
    first = np.minimum(0, np.floor(lowest - margin / step)).astype(int)
    last = np.maximum(np.asarray(grid.shape), np.ceil(highest + margin / step) + 1).astype(int)
    # Atoms of the next period are far from those inside, and a little less far from voxels.
    far, less_far = (n * scattering.resolution / step for n in (_FARTHEST, _FROM_VOXELS))
    begin, end = np.maximum(lowest, 0), np.minimum(highest, np.asarray(grid.shape) - 1)
    least = np.maximum(highest - begin, end - lowest) + far
    least = np.maximum(least, np.maximum(highest, np.asarray(grid.shape) - lowest) + less_far)
    size = np.maximum(last - first, np.ceil(least).astype(int))
    shape = np.array([fast_size(int(n)) for n in size])
    return grid.cropped(Region(tuple(first), tuple(first + shape)))
