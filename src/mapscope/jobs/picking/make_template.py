"""The template that a structure gives for a tomogram."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.particles import cubic_edge
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.volume import Grid, Volume

USUAL_RESOLUTION = 20.0
"""Å where no tomogram says what it can show."""
VOXELS_PER_RESOLUTION = 4.0
_LARGEST_EDGE = 512
_ROOM = 1.5  # of the resolution, between the outermost atom and the sides of the box


@job(menu="napari/layers/data", memory=0.1, by_parts=True)
def make_template(
    structure: Structure,
    volume: Volume | None = None,
    *,
    resolution: Annotated[float | None, Field(gt=0), Show(unit="Å")] = None,
    assembly: str = "",
    selection: Annotated[str, Show(more=True)] = "all",
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> Volume:
    """Template to match in a tomogram: a structure's density in a cube about its centre.

    Density is that which electrons see, dense positive, cut off at the resolution. The centre of
    its atoms, each weighing what it scatters with, is voxel n // 2 of the cube, and so will be
    the place of a pick. The cube has room for every orientation.

    Parameters
    ----------
    structure : Structure
        The atoms.
    volume : Volume, optional
        The tomogram, whose voxels say what detail it can show.
    resolution : float, optional
        Finer detail is not there; its quarter is the voxel size. Auto: two voxels of the
        tomogram, or 20 Å without one.
    assembly : str
        Biological assembly to build, by its name in the file, such as 1. Empty: the atoms as
        they stand in the file, often a part of the particle only.
    selection : str
        Which atoms: all, a chain (A), residues (A/120-130, A:HEM), near 5 A/127.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per batch of atoms.

    Returns
    -------
    template : Volume
        The template.

    Raises
    ------
    InputError
        If the selection or the assembly names nothing, an element is unknown, or the resolution
        is so fine that the cube would be huge.
    GridError
        If the tomogram's voxels are not cubes.

    References
    ----------
    .. [1] Peng, Ren, Dudarev & Whelan (1996) Acta Cryst. A52, 257-276.
    """
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.density import physical_density
    from mapscope.simulate.device import chosen_device
    from mapscope.simulate.scattering import Scattering

    atoms = atoms_of(structure, selection, assembly)
    if resolution is None:
        resolution = USUAL_RESOLUTION if volume is None else 2 * cubic_edge(volume.grid)
    weights = _weights(atoms.elements) * atoms.occupancies
    grid = _cube_about(atoms.positions, weights, resolution)
    data = physical_density(
        atoms,
        grid,
        Scattering("electrons", resolution, splits_hydrogens=False),
        device=chosen_device(device),
        progress=progress,
    )
    return Volume(data, grid.voxel_size, grid.origin)


def _weights(elements: npt.NDArray[np.str_]) -> npt.NDArray[np.float64]:
    """Atomic numbers, (n,)."""
    import gemmi

    names, rows = np.unique(elements, return_inverse=True)
    return np.array([gemmi.Element(str(name)).atomic_number for name in names], float)[rows]


def _cube_about(
    positions: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], resolution: float
) -> Grid:
    """Cube whose voxel n // 2 is the weighted centre, with room for every atom however turned.

    Raises
    ------
    InputError
        If the cube would be huge.
    """
    from mapscope.simulate.grid import fast_size

    centre = np.average(positions, axis=0, weights=weights)
    reach = float(np.linalg.norm(positions - centre, axis=1).max()) + _ROOM * resolution
    voxel = resolution / VOXELS_PER_RESOLUTION
    edge = fast_size(2 * int(np.ceil(reach / voxel)) + 1)
    if edge > _LARGEST_EDGE:
        raise InputError(
            f"at {resolution:g} Å the template would have {edge} voxels along each side, at most "
            f"{_LARGEST_EDGE} are possible: take a coarser resolution"
        )
    origin = tuple((centre - voxel * (edge // 2)).tolist())
    return Grid((edge, edge, edge), voxel, origin)  # type: ignore[arg-type]
