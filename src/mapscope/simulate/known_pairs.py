"""Half maps whose truth is known, to judge what a method makes of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import filter_radial
from mapscope.density.zone import mask_around_positions
from mapscope.errors import InputError
from mapscope.simulate.atoms import Atoms
from mapscope.simulate.degradation import Degradation, DegradationRanges, drawn_degradation
from mapscope.simulate.degrade import degrade
from mapscope.simulate.density import physical_density
from mapscope.simulate.grid import fast_size
from mapscope.simulate.noise import stream
from mapscope.simulate.scattering import Scattering
from mapscope.volume import Grid, HalfMaps, Volume

FINEST = 2.45
"""Å: the finest detail of the truth, which is what voxels of 1 Å hold."""

B_FACTOR = 40.0
"""Å², of all atoms of the truth."""

RANGES = DegradationRanges(resolution=(3.0, 8.0), shift=(0.0, 0.0), sharpened=0.0, masked=0.0)
"""How half maps are made worse: by all that comes before a map is post-processed."""

_ROOM, _NEAR, _EDGE = 12.0, 3.0, 6.0
_LARGEST_SHARE = 0.25  # of the box, that a local resolution may be
_SOLVENT, _SOLVENT_B = 0.65, 300.0
_BLOB_RADIUS, _BLOB_ATOMS, _BLOB_B = 5.5, 45, 60.0
_APART, _FROM_MOLECULE, _TRIES = 1.4, 2.5, 2000


@dataclass(frozen=True, eq=False)
class KnownPair:
    """Two half maps and what they are of.

    Parameters
    ----------
    half_maps : HalfMaps
        Same signal, independent noise.
    truth : Volume
        Density of the atoms, all with one B-factor and without noise, on the same grid.
    mask : Volume
        The molecule with a soft edge, 0 to 1.
    resolution : float
        Å, where the half maps correlate to 0.143 inside the mask, at its best places.
    """

    half_maps: HalfMaps
    truth: Volume
    mask: Volume
    resolution: float

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """Voxels of the molecule, true, (z, y, x)."""
        return np.asarray(self.mask.data >= 0.999)


def box_around(atoms: Atoms, edge: int, *, voxel_size: float = 1.0) -> Grid:
    """A cube about the middle of atoms, no larger than they need with 12 Å of room.

    Parameters
    ----------
    atoms : Atoms
        Those outside the box are cut off.
    edge : int
        Most voxels along an edge.
    voxel_size : float
        Å.
    """
    low, high = atoms.positions.min(axis=0), atoms.positions.max(axis=0)
    needed = fast_size(int(np.ceil((float((high - low).max()) + 2 * _ROOM) / voxel_size)))
    size = min(edge, needed)
    z, y, x = (float(c) for c in (low + high) / 2 - (size - 1) / 2 * voxel_size)
    return Grid((size,) * 3, (voxel_size,) * 3, (z, y, x))


def known_pair(
    atoms: Atoms,
    grid: Grid,
    *,
    seed: int = 0,
    resolution: float | None = None,
    degradation: Degradation | None = None,
) -> KnownPair:
    """Half maps of atoms, made worse as a seed has it, and the truth about them.

    Parameters
    ----------
    atoms : Atoms
        What is in the maps.
    grid : Grid
        Of the maps.
    seed : int
        Of how they are made worse, and of their noise.
    resolution : float, optional
        Å; drawn from 3 to 8 Å where None.
    degradation : Degradation, optional
        What is done, and not what the seed stands for.

    Raises
    ------
    InputError
        If no atom lies in the box.
    """
    if not grid.contains(atoms.positions).any():
        raise InputError("no atom lies in the box: make it around them")
    alike = replace(atoms, b_factors=np.full(len(atoms), B_FACTOR))
    own, truth = density_of(atoms, grid), density_of(alike, grid)
    mask = mask_around_positions(truth, atoms.positions, _NEAR, _EDGE)
    drawn = degradation or drawn_degradation(seed, RANGES, has_mask=True)
    drawn = _fitting(drawn, resolution or drawn.resolution, grid)
    made = degrade(own, drawn, mask=mask)
    return KnownPair(made.half_maps, truth, mask, drawn.resolution)


def _fitting(drawn: Degradation, resolution: float, grid: Grid) -> Degradation:
    """The same at another resolution; the worst places as much worse, if the box can hold them."""
    worst = drawn.coarsest and drawn.coarsest * resolution / drawn.resolution
    if worst is not None:
        worst = max(resolution, min(worst, _LARGEST_SHARE * max(grid.extent)))
    return replace(drawn, resolution=resolution, coarsest=worst)


def density_of(atoms: Atoms, grid: Grid) -> Volume:
    """What electrons see of atoms in a solvent, up to the finest detail that is of interest.

    Parameters
    ----------
    atoms : Atoms
        The atoms.
    grid : Grid
        The voxels.

    References
    ----------
    Moews & Kretsinger (1975) J. Mol. Biol. 91, 201: solvent takes ``k exp(-B s²/4)`` of the
    transform of the atoms (Babinet).
    """
    finest = max(FINEST, 2.45 * max(grid.voxel_size))
    data = physical_density(atoms, grid, Scattering("electrons", finest))
    vacuum = Volume(data, grid.voxel_size, grid.origin)
    return filter_radial(vacuum, lambda f: 1 - _SOLVENT * np.exp(-0.25 * _SOLVENT_B * f**2))


def joined(first: Atoms, second: Atoms) -> Atoms:
    """The atoms of both."""
    names = ("positions", "elements", "b_factors", "occupancies")
    return Atoms(*(np.concatenate([getattr(first, n), getattr(second, n)]) for n in names))


def unknown_blob(atoms: Atoms, grid: Grid, *, seed: int = 0) -> Atoms:
    """A compact heap of atoms beside a molecule, which is of no kind that anybody knows.

    Its 45 light atoms lie at random in a ball of 11 Å across, no nearer than 1.4 Å to each other
    and 2.5 Å to those of the molecule, which the ball touches.

    Parameters
    ----------
    atoms : Atoms
        The molecule.
    grid : Grid
        The box that it has to lie in.
    seed : int
        Of its place and shape.

    Raises
    ------
    InputError
        If there is no room for it.
    """
    random = stream(seed, "blob")
    centre = _free_place(atoms, grid, random)
    places = np.zeros((0, 3))
    for shift in random.uniform(-_BLOB_RADIUS, _BLOB_RADIUS, (_TRIES, 3)):
        is_near = (((places - shift) ** 2).sum(axis=1) < _APART**2).any()
        if (shift**2).sum() < _BLOB_RADIUS**2 and not is_near and len(places) < _BLOB_ATOMS:
            places = np.vstack([places, shift])
    elements = random.choice(["C", "N", "O"], len(places), p=[0.6, 0.15, 0.25])
    one = np.ones(len(places))
    return Atoms(centre + places, elements, _BLOB_B * one, one)


def _free_place(atoms: Atoms, grid: Grid, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """A point that is as far from the nearest atom as a blob's middle may be.

    Raises
    ------
    InputError
        If there is none in the box.
    """
    from scipy.spatial import KDTree

    shown = atoms.positions[grid.contains(atoms.positions)]
    room = _BLOB_RADIUS + _FROM_MOLECULE
    low = np.asarray(grid.origin) + room
    high = grid.world_from_index(np.asarray(grid.shape) - 1) - room
    directions = random.standard_normal((_TRIES, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = shown[random.integers(len(shown), size=_TRIES)] + room * directions
    fits = (points >= low).all(axis=1) & (points <= high).all(axis=1)
    distance, _ = KDTree(atoms.positions).query(points)
    free = points[fits & (distance > room - 0.5)]
    if not len(free):
        raise InputError("there is no room beside the molecule in this box: take a larger one")
    return np.asarray(free[0])
