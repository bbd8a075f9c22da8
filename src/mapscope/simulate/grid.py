"""Where a simulated map lies, known before anything is computed."""

from __future__ import annotations

import numpy as np

from mapscope.errors import GridError, InputError
from mapscope.simulate.atoms import Atoms
from mapscope.volume import Grid, Region, Volume

VOXELS_PER_RESOLUTION = 3.0
"""Voxels to a resolution where no voxel size is given, as in ChimeraX's molmap."""

PADDING_RESOLUTIONS, LEAST_PADDING = 3.0, 5.0
"""Padding where none is given, as a multiple of the resolution and in Å."""


def simulated_grid(
    atoms: Atoms,
    volume: Volume | None = None,
    *,
    resolution: float,
    voxel_size: float | None = None,
    padding: float | None = None,
) -> Grid:
    """The grid of a map of atoms: that of `volume`, or a box around them.

    The origin of a box of its own is a multiple of the voxel size, so that a file can say it in
    whole voxels, and its sizes are products of small primes.

    Parameters
    ----------
    atoms : Atoms
        What the map shows.
    volume : Volume, optional
        A map whose grid is taken.
    resolution : float
        Å; a third of it is the voxel size and three times it the padding where these are None.
    voxel_size : float, optional
        Å.
    padding : float, optional
        Å between the outermost atoms and the sides of the box.

    Raises
    ------
    InputError
        If voxels are too coarse for the resolution, or a voxel size is given beside a volume.
    GridError
        If no atom lies inside the volume.
    """
    if volume is not None:
        if voxel_size is not None or padding is not None:
            raise InputError(
                "the voxel size and the box are those of the map that was given: leave out the "
                "voxel size and the padding, or the map"
            )
        require_fine(volume.voxel_size, resolution)
        _require_overlap(atoms, volume.grid, resolution)
        return volume.grid
    step = resolution / VOXELS_PER_RESOLUTION if voxel_size is None else voxel_size
    require_fine((step, step, step), resolution)
    room = max(PADDING_RESOLUTIONS * resolution, LEAST_PADDING) if padding is None else padding
    first = np.floor((atoms.positions.min(axis=0) - room) / step)
    last = np.ceil((atoms.positions.max(axis=0) + room) / step)
    shape = tuple(fast_size(int(n)) for n in last - first + 1)
    return Grid(shape, step, tuple(first * step))  # type: ignore[arg-type]


def fast_size(least: int) -> int:
    """The smallest even size from `least` on that is a product of 2, 3 and 5.

    Examples
    --------
    >>> fast_size(97), fast_size(1)
    (100, 2)
    """
    size = max(2, least + least % 2)
    while True:
        left = size
        for prime in (2, 3, 5):
            while left % prime == 0:
                left //= prime
        if left == 1:
            return size
        size += 2


def require_fine(voxel_size: tuple[float, ...], resolution: float) -> None:
    """Raise unless voxels are small enough to show a resolution.

    Raises
    ------
    InputError
        If one is larger than half the resolution.
    """
    if max(voxel_size) > 0.5 * resolution * (1 + 1e-6):
        raise InputError(
            f"voxels of {max(voxel_size):.4g} Å are too coarse for {resolution:.4g} Å: they show "
            f"{2 * max(voxel_size):.4g} Å at best; take a voxel size of at most "
            f"{resolution / 2:.4g} Å (a third of the resolution is usual)"
        )


def _require_overlap(atoms: Atoms, grid: Grid, reach: float) -> None:
    """Raise where no atom lies in or near a grid.

    Raises
    ------
    GridError
        Saying where both lie.
    """
    lower = np.asarray(grid.origin)
    upper = grid.world_from_index(np.asarray(grid.shape) - 1)
    near = (atoms.positions >= lower - reach) & (atoms.positions <= upper + reach)
    if near.all(axis=1).any():
        return
    raise GridError(
        f"no atom lies in the map: the map reaches from {_place(lower)} to {_place(upper)} Å, the "
        f"atoms from {_place(atoms.positions.min(axis=0))} to "
        f"{_place(atoms.positions.max(axis=0))} Å (z, y, x); fit the structure into the map, or "
        "simulate without one"
    )


def _place(position: np.typing.NDArray[np.float64]) -> str:
    """A position short enough for a message."""
    return "(" + ", ".join(f"{p:.1f}" for p in position) + ")"


def part_of(grid: Grid, region: Region | None) -> Grid:
    """The grid of a region, clipped, or the whole where it is None.

    Raises
    ------
    GridError
        If the region lies outside the grid.
    """
    return grid if region is None else grid.cropped(region.clipped(grid.shape))
