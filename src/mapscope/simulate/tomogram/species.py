"""Kinds of particles that a simulated tomogram holds, as densities to turn and place."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mapscope.density.resample import resample_fourier
from mapscope.depiction.residues import residues_of
from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.simulate.atoms import atoms_of
from mapscope.simulate.density import physical_density
from mapscope.simulate.form_factors import masses
from mapscope.simulate.grid import fast_size
from mapscope.simulate.scattering import Scattering
from mapscope.simulate.tomogram.turned_plane import spline_coefficients
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

PER_KDA = 4.3e3
"""V Å³: what a kilodalton has more potential than the ice in its place.

A kilodalton of protein has 9,800 V Å³ by its atoms' form factors and takes the place of 1,210 Å³
of ice of 4.53 V; one of RNA has 8,300 in the place of 910. Both leave 4,200 to 4,400.
"""

BODY = 0.4
"""V above ice from which on a voxel belongs to a particle.

Bodies of particles then have the volumes of Table 1 of the SHREC'20 paper.
"""

_FINER, _SAMPLING = 2, 4
_SOFT = 0.3
_FAINT = 0.1
_WITH_HYDROGENS = 1.075  # a protein's mass over that of its heavy atoms


@dataclass(frozen=True, eq=False)
class Species:
    """A kind of particle.

    Parameters
    ----------
    name : str
        What particles of it are called.
    density : Volume
        Potential in V above that of ice, in a cube of half the tomogram's voxel size, without
        detail that the tomogram's voxels could not show; its centre of mass is voxel ``n // 2``.
    kda : float
        Mass.
    """

    name: str
    density: Volume
    kda: float

    @property
    def voxel_size(self) -> float:
        """Å of the tomogram's voxels."""
        return _FINER * self.density.voxel_size[0]

    @cached_property
    def _coefficients(self) -> Singles:
        return spline_coefficients(self.density.data, (0, 1, 2))

    @cached_property
    def _cavity(self) -> float:
        """Voxels of the tomogram from the centre to the nearest of the body; 1 where none is."""
        offsets = np.argwhere(np.asarray(self.density.data) > BODY)
        offsets -= np.asarray(self.density.shape) // 2
        nearest = np.sqrt((offsets**2).sum(axis=1).min()) if len(offsets) else _FINER
        return float(nearest) / _FINER

    @cached_property
    def radius(self) -> float:
        """Distance in Å of the farthest voxel of its body from the centre."""
        inside = np.argwhere(np.asarray(self.density.data) > BODY / 2)
        offsets = inside - np.asarray(self.density.shape) // 2
        farthest = np.sqrt((offsets**2).sum(axis=1).max()) if len(inside) else 1.0
        return float(farthest * self.density.voxel_size[0])

    def turned(self, rotation: npt.ArrayLike, offset: npt.ArrayLike = (0.0, 0.0, 0.0)) -> Singles:
        """Its density in the tomogram's voxels, turned, (n, n, n) with odd n.

        Parameters
        ----------
        rotation : array (3, 3)
            ``p_tomogram = R @ p_template``, z, y, x.
        offset : array (3,)
            Voxels from the middle voxel to its centre.
        """
        from scipy.ndimage import affine_transform

        half = int(np.ceil(self.radius / self.voxel_size)) + 3
        back = np.asarray(rotation, dtype=np.float64).T * _FINER
        centre = np.asarray(self.density.shape) // 2
        start = centre - back @ (half + np.asarray(offset, dtype=np.float64))
        turned = affine_transform(
            self._coefficients,
            back,
            start,
            output_shape=(2 * half + 1,) * 3,
            order=3,
            mode="constant",
            prefilter=False,
            output=np.float32,
        )
        return np.asarray(turned)

    def body(
        self, density: npt.NDArray[np.float32], offset: npt.ArrayLike = (0.0, 0.0, 0.0)
    ) -> npt.NDArray[np.bool_]:
        """Which voxels of what :meth:`turned` gives belong to the particle.

        Where the centre lies in a cavity, as in a chaperonin, the ball around it that touches the
        walls belongs to it as well.
        """
        from_centre = np.indices(density.shape).T - len(density) // 2 - np.asarray(offset)
        away = np.sqrt((from_centre**2).sum(axis=-1)).T
        return np.asarray((density > BODY) | (away <= self._cavity))

    def template(self) -> Volume:
        """Its density in the tomogram's voxels, not turned, centre at voxel ``n // 2``."""
        size = self.voxel_size
        data = self.turned(np.eye(3))
        half = len(data) // 2
        corner = -half * size
        return Volume(data, (size, size, size), (corner, corner, corner))


def species_of_structure(
    structure: Structure,
    name: str,
    voxel_size: float,
    *,
    assembly: str = "",
    device: str = "cpu",
    progress: Progress = silent,
) -> Species:
    """A kind of particle from its atoms, without water.

    Parameters
    ----------
    structure : Structure
        The atoms.
    name : str
        What it is called.
    voxel_size : float
        Of the tomogram, in Å.
    assembly : str
        Biological assembly in the file. Empty: the atoms as they stand there.
    device : str
        What computes.
    progress : callable
        Called once per batch of atoms.

    Raises
    ------
    InputError
        If the file has no such assembly, an element is unknown, or B-factors cannot be.
    """
    atoms = atoms_of(_dry(structure), assembly=assembly)
    weight = masses(atoms.elements) * atoms.occupancies
    centre = weight @ atoms.positions / weight.sum()
    step = voxel_size / _SAMPLING
    reach = np.sqrt(((atoms.positions - centre) ** 2).sum(axis=1).max()) + 2 * voxel_size
    edge = _cube(reach, step)
    z, y, x = (float(c) - edge // 2 * step for c in centre)
    grid = Grid((edge, edge, edge), (step, step, step), (z, y, x))
    scattering = Scattering("electrons", _limit(voxel_size), soft_edge=_SOFT)
    data = physical_density(atoms, grid, scattering, device=device, progress=progress)
    small = resample_fourier(Volume(data, grid.voxel_size), (edge * _FINER // _SAMPLING,) * 3)
    kda = float(weight.sum()) / 1e3 * (1.0 if atoms.is_hydrogen.any() else _WITH_HYDROGENS)
    return Species(name, _scaled(small, kda), kda)


def species_of_map(volume: Volume, name: str, voxel_size: float, *, kda: float) -> Species:
    """A kind of particle from a density map in any unit.

    The map's solvent is taken as 0. Of several bodies apart, such as the two of an asymmetric
    unit, only the largest is taken. It is scaled so that its sum is what a particle of that
    mass has; what is finer than the tomogram's voxels is taken away.

    Parameters
    ----------
    volume : Volume
        The map, with cubic voxels.
    name : str
        What it is called.
    voxel_size : float
        Of the tomogram, in Å.
    kda : float
        Mass of the particle.

    Raises
    ------
    InputError
        If the mass is not positive or the map holds nothing dense.
    """
    from scipy.ndimage import affine_transform

    data = volume.float32() * np.float32(volume.contrast)
    if not kda > 0 or not data.max() > 0:
        raise InputError(f"the map of {name} needs a mass above 0 kDa and density above 0")
    data = _largest_body(data)
    dense = np.clip(data, 0, None).astype(np.float64)
    axes = np.indices(data.shape).reshape(3, -1)
    centre = axes @ dense.ravel() / dense.sum()
    old, step = np.asarray(volume.voxel_size), voxel_size / _FINER
    where = np.argwhere(data > _FAINT * data.max())
    reach = np.sqrt((((where - centre) * old) ** 2).sum(axis=1).max()) + 2 * voxel_size
    edge = _cube(reach, step)
    start = centre - edge // 2 * step / old
    sampled = affine_transform(data, step / old, start, output_shape=(edge,) * 3, order=3)
    smooth = _without_detail(Volume(sampled.astype(np.float32), (step, step, step)), voxel_size)
    return Species(name, _scaled(smooth, kda), kda)


def _scaled(volume: Volume, kda: float) -> Volume:
    """A density in volts, whose sum is that of so many kilodaltons in ice."""
    total = float(volume.data.sum(dtype=np.float64)) * math.prod(volume.voxel_size)
    return volume.with_data(volume.data * np.float32(kda * PER_KDA / total))


def _dry(structure: Structure) -> Structure:
    """The structure with water at occupancy 0."""
    residues = residues_of(structure)
    is_water = (residues.kinds == "water")[residues.of_atoms]
    return replace(structure, occupancies=np.where(is_water, 0.0, structure.occupancies))


def _largest_body(data: Singles) -> Singles:
    """A map with 0 wherever another body than the largest is nearer."""
    from scipy.ndimage import distance_transform_edt, label

    bodies, number = label(data > _FAINT * data.max())
    if number < 2:
        return data
    largest = 1 + int(np.argmax(np.bincount(bodies.ravel())[1:]))
    nearest = distance_transform_edt(bodies == 0, return_distances=False, return_indices=True)
    return np.where(bodies[tuple(nearest)] == largest, data, np.float32(0))


def _cube(reach: float, step: float) -> int:
    """Edge in voxels of a cube that holds a ball, a multiple of four that transforms fast."""
    edge = fast_size(2 * int(np.ceil(reach / step)) + 2)
    while edge % 4:
        edge = fast_size(edge + 2)
    return edge


def _limit(voxel_size: float) -> float:
    """Å at which detail is halved, so that nothing is left that voxels could not show."""
    return 2 * voxel_size * (1 + _SOFT / 2)


def _without_detail(volume: Volume, voxel_size: float) -> Volume:
    """A map without what voxels of a size could not show."""
    from mapscope.density.fourier import filter_radial, low_pass_gain

    limit = _limit(voxel_size)
    return filter_radial(volume, low_pass_gain(limit, _SOFT / limit))
