"""The map that a structure would give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from mapscope.errors import InputError
from mapscope.job import Show, job
from mapscope.preferences import free_memory, memory_limit
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.volume import Grid, Region, Volume

if TYPE_CHECKING:
    from mapscope.simulate.atoms import Atoms
    from mapscope.simulate.scattering import Scattering


def grid_of_simulated(values: Mapping[str, Any]) -> Grid:
    """The grid of the whole map that `simulate_map` would give, before it is computed.

    Parameters
    ----------
    values : mapping
        Its checked inputs and parameters by name; `region` does not matter.

    Raises
    ------
    InputError, GridError
        As `simulate_map` itself.
    """
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.grid import simulated_grid

    has_hydrogens = values["hydrogens"] != "left_out"
    atoms = atoms_of(
        values["structure"],
        values["selection"],
        values["assembly"],
        b_factor=values["b_factor"],
        hydrogens=has_hydrogens,
    )
    settings = {name: values[name] for name in ("resolution", "voxel_size", "padding")}
    return simulated_grid(atoms, values["volume"], **settings)


@job(
    title="Simulate map",
    live=True,
    menu="napari/layers/data",
    memory=8.0,
    grid=grid_of_simulated,
)
def simulate_map(
    structure: Structure,
    volume: Volume | None = None,
    *,
    kernel: Literal[
        "electrons", "x_rays", "chimerax", "eman", "tempy", "situs", "situs_1999", "flex_em"
    ] = "electrons",
    resolution: Annotated[float, Field(gt=0), Show(unit="Å", slider=(1.0, 20.0))] = 3.0,
    voxel_size: Annotated[float | None, Field(gt=0), Show(unit="Å", slider=(0.3, 5.0))] = None,
    padding: Annotated[float | None, Field(ge=0), Show(unit="Å", more=True)] = None,
    selection: str = "all",
    assembly: Annotated[str, Show(more=True)] = "",
    b_factor: Annotated[float | None, Field(ge=0, le=500), Show(unit="Å²", more=True)] = None,
    hydrogens: Annotated[
        Literal["mott_bethe", "as_atoms", "left_out"], Show(more=True)
    ] = "mott_bethe",
    soft_edge: Annotated[float, Field(ge=0, le=1), Show(more=True)] = 0.3,
    solvent: Annotated[bool, Show(more=True)] = False,
    solvent_level: Annotated[float | None, Field(ge=0), Show(more=True)] = None,
    solvent_radius: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 2.5,
    solvent_edge: Annotated[float, Field(ge=0), Show(unit="Å", more=True)] = 3.0,
    region: Annotated[Region | None, Show(more=True)] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Show(more=True)] = "auto",
    progress: Progress = silent,
) -> Volume:
    """Map that a structure would give at a resolution, by its physics or as other programs do.

    Electrons and X-rays scatter by their form factors, with every atom's B-factor and
    occupancy; detail beyond the resolution is cut away. The map of electrons is in 1/Å² (times
    47.878 it is in volts), that of X-rays in electrons per Å³, counted from vacuum or from
    the solvent. The other kernels are one Gaussian for every atom, whatever its B-factor, with
    a standard deviation of 0.225 (ChimeraX, EMAN), 0.356 (TEMPy), 0.289 (Situs), 0.187 (Situs of
    1999) or 0.425 (Flex-EM) times what that program calls the resolution; its integral is the
    atomic number in ChimeraX and EMAN, the mass in the others.

    Alternate conformers are all there with their occupancies, and atoms of occupancy 0 are not.

    Parameters
    ----------
    structure : Structure
        The atoms.
    volume : Volume, optional
        A map whose grid the result gets. Without one it gets a box of its own.
    kernel : str
        What an atom looks like: as electrons or X-rays see it, or the Gaussian that a program
        draws.
    resolution : float
        Finer detail is not there. For a program: what it calls the resolution.
    voxel_size : float, optional
        At most half the resolution. Auto: a third of it, or that of the map.
    padding : float, optional
        Room between atoms and the sides of the box. Auto: three times the resolution.
    selection : str
        Which atoms: all, a chain (A), residues (A/120-130, A:HEM), near 5 A/127.
    assembly : str
        Biological assembly to build, by its name in the file, such as 1. Empty: the atoms as
        they stand in the file.
    b_factor : float, optional
        One B-factor for all atoms. Auto: those of the file.
    hydrogens : str
        Nucleus and electrons of each apart, as electrons see them (Mott-Bethe), round like
        other atoms, or left out.
    soft_edge : float
        Width of the edge of the cut at the resolution, as a share of its frequency. 0 is a
        sharp cut, which rings far.
    solvent : bool
        Whether density counts from that of a flat solvent around the atoms.
    solvent_level : float, optional
        Density of the solvent. Auto: vitreous ice for electrons, water for X-rays.
    solvent_radius : float
        Distance from an atom up to which there is no solvent.
    solvent_edge : float
        Width over which the solvent then begins.
    region : Region, optional
        Simulate only this box of voxels (z0:z1,y0:y1,x0:x1) of the whole map.
    device : str
        What computes. Auto takes an accelerator where there is one.
    progress : Progress
        Called once per batch of atoms.

    Returns
    -------
    simulated : Volume
        The map, in the place of the structure.

    Raises
    ------
    InputError
        If the selection or the assembly names nothing, an element is unknown, occupancies are
        all 0, B-factors cannot be, voxels are too coarse, a program is to draw a solvent, or
        memory is too small.
    GridError
        If the structure lies outside the map, or the region outside the result.

    References
    ----------
    .. [1] Peng, Ren, Dudarev & Whelan (1996) Acta Cryst. A52, 257-276.
    .. [2] Wojdyr (2022) J. Open Source Softw. 7, 4200.
    .. [3] Meng et al. (2023) Protein Sci. 32, e4792.
    """
    from mapscope.simulate.atoms import atoms_of
    from mapscope.simulate.density import fixed_density, is_local, physical_density
    from mapscope.simulate.device import chosen_device
    from mapscope.simulate.grid import part_of, simulated_grid
    from mapscope.simulate.scattering import Scattering
    from mapscope.simulate.solvent import Solvent

    atoms = atoms_of(
        structure, selection, assembly, b_factor=b_factor, hydrogens=hydrogens != "left_out"
    )
    grid = simulated_grid(
        atoms, volume, resolution=resolution, voxel_size=voxel_size, padding=padding
    )
    part = part_of(grid, region)
    on = chosen_device(device)
    if kernel == "electrons" or kernel == "x_rays":
        scattering = Scattering(
            kernel,
            resolution,
            soft_edge,
            splits_hydrogens=hydrogens == "mott_bethe",
            solvent=Solvent(solvent_level, solvent_radius, solvent_edge) if solvent else None,
        )
        computed = part if is_local(atoms, grid, scattering) else grid
        _require_memory(atoms, computed, scattering)
        data = physical_density(atoms, computed, scattering, device=on, progress=progress)
    else:
        if solvent:
            raise InputError(
                f"a Gaussian of {kernel} has no solvent: choose electrons or x_rays, or leave "
                "the solvent out"
            )
        computed = part
        _require_memory(atoms, computed, None)
        data = fixed_density(atoms, computed, kernel, resolution, device=on, progress=progress)
    if computed is not part and region is not None:
        data = data[region.clipped(grid.shape).slices]
    return Volume(np.ascontiguousarray(data), part.voxel_size, part.origin)


def _require_memory(atoms: Atoms, grid: Grid, scattering: Scattering | None) -> None:
    """Raise where a map is too large for the memory there is.

    Raises
    ------
    InputError
        Saying how much there is and how to need less.
    """
    from mapscope.simulate.density import bytes_needed

    needed = bytes_needed(atoms, grid, scattering)
    sides = " × ".join(str(n) for n in grid.shape)
    advice = "take larger voxels, fewer atoms (selection), less padding or a region"
    limit, free = memory_limit(), free_memory()
    if limit is not None and needed > limit:
        raise InputError(
            f"a map of {sides} voxels needs about {needed / 1e9:.3g} GB of memory and the "
            f"preferences allow {limit / 1e9:.3g} GB: {advice}, or allow more (memory_gb)"
        )
    if free is not None and needed > free:
        raise InputError(
            f"a map of {sides} voxels needs about {needed / 1e9:.3g} GB of memory and "
            f"{free / 1e9:.3g} GB are free: {advice}, or close other programs"
        )
