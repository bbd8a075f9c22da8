"""Structures as bodies that are fitted into maps, and moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.density.body import Body
from mapscope.density.pose import Poses
from mapscope.simulate.atoms import Atoms, atoms_of
from mapscope.simulate.density import fixed_density
from mapscope.simulate.grid import simulated_grid
from mapscope.structure import Structure
from mapscope.volume import Volume

KERNEL = "situs_1999"
"""The Gaussian whose gain is 1/2 at the resolution, as that of the filter of the map."""

_VOXELS_PER_RESOLUTION = 4.0
_PADDING = 2.0


def body_of_structure(structure: Structure, selection: str = "all", device: str = "cpu") -> Body:
    """The selected atoms as a rigid body, without hydrogens and whatever their B-factors.

    All count like carbon: a heavy atom, which is often smeared out, would outweigh the rest.

    Parameters
    ----------
    structure : Structure
        The model.
    selection : str
        Which of its atoms, as in :func:`mapscope.depiction.selection.select`.
    device : str
        What computes its density.

    Raises
    ------
    InputError
        If nothing is selected, or nothing in it has any occupancy.
    """
    atoms = atoms_of(structure, selection, b_factor=0.0, hydrogens=False)
    atoms = replace(atoms, elements=np.full(len(atoms), "C"))
    centre = atoms.positions.mean(axis=0)
    squares = ((atoms.positions - centre) ** 2).sum(axis=1)

    def density(resolution: float) -> Volume:
        return density_of_atoms(atoms, resolution, device)

    return Body(density, centre, float(np.sqrt(squares.mean())), float(np.sqrt(squares.max())))


def density_of_atoms(atoms: Atoms, resolution: float, device: str = "cpu") -> Volume:
    """Density of atoms at a resolution, in a box of their own.

    Parameters
    ----------
    atoms : Atoms
        The atoms; B-factors do not matter.
    resolution : float
        Å, at which the Gaussian's gain is 1/2.
    device : str
        What computes.
    """
    grid = simulated_grid(
        atoms,
        resolution=resolution,
        voxel_size=resolution / _VOXELS_PER_RESOLUTION,
        padding=_PADDING * resolution,
    )
    data = fixed_density(atoms, grid, KERNEL, resolution, device=device)
    return Volume(data, grid.voxel_size, grid.origin)


def moved(structure: Structure, pose: Poses, pivot: npt.ArrayLike) -> Structure:
    """A structure turned about a pivot and shifted, with its assemblies and anisotropic B-factors.

    Parameters
    ----------
    structure : Structure
        The model; all of it moves.
    pose : Poses
        One pose of the pivot.
    pivot : three floats
        Å, z, y, x.
    """
    import gemmi

    rotation, pivot = pose.rotations[0], np.asarray(pivot, dtype=np.float64)
    shift = pose.positions[0] - rotation @ pivot
    move = gemmi.Transform()
    # gemmi's matrices act on x, y, z.
    move.mat.fromlist(rotation[::-1, ::-1].tolist())
    move.vec.fromlist(shift[::-1].tolist())
    copy, back = structure.model.clone(), move.inverse()
    for model in copy:
        model.transform_pos_and_adp(move)
    for assembly in copy.assemblies:
        for generator in assembly.generators:
            for operator in generator.operators:
                operator.transform = move.combine(operator.transform).combine(back)
    return Structure.from_gemmi(copy)
