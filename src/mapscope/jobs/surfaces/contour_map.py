"""The contour surface of a map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field

from mapscope.density import surface as surfaces
from mapscope.density.contour import isosurface
from mapscope.density.enclosed import DALTON_PER_A3, EnclosedVolume, moments
from mapscope.density.level import first_contour_level
from mapscope.errors import DataError
from mapscope.job import Show, job
from mapscope.mesh import Mesh
from mapscope.progress import Progress, part, silent
from mapscope.volume import Region, Volume


@dataclass(frozen=True)
class Contour:
    """A surface and how large it is.

    Parameters
    ----------
    surface : Mesh
        The surface, in the frame of the map, coloured if a second map was given.
    level : float
        Density at which it lies.
    sigma : float
        The same in standard deviations of all voxels above their mean.
    area : float
        Its area in Å².
    enclosed_volume : float
        The volume within its triangles in Å³, without cavities. They cut corners: where details
        are two or three voxels wide, it is up to a fifth smaller than the volume of the voxels.
    mass_kda : float
        The mass of protein of that volume in kDa, at 0.81 Da/Å³.
    pieces : int
        Number of connected pieces.
    uncolored : float
        Share of its vertices that lie outside the second map and have the median as value.
    """

    surface: Mesh
    level: float
    sigma: float
    area: float
    enclosed_volume: float
    mass_kda: float
    pieces: int
    uncolored: float


@job(menu="napari/layers/visualize", memory=4.0)
def contour_map(
    volume: Volume,
    color_by: Volume | None = None,
    *,
    level: float | None = None,
    level_as: Literal["density", "sigma", "volume", "mass"] = "density",
    dust: Annotated[float, Field(ge=0), Show(unit="Å")] = 0.0,
    region: Region | None = None,
    step: Annotated[int, Field(ge=1), Show(more=True)] = 1,
    inside: Annotated[Literal["above", "below"], Show(more=True)] = "above",
    progress: Progress = silent,
) -> Contour:
    """Contour surface of a map at one level, as a mesh that can be coloured by a second map.

    Where the surface meets the edge of the box, it is closed by a flat cap. Its size is
    measured after small pieces were dropped.

    Parameters
    ----------
    volume : Volume
        The map.
    color_by : Volume, optional
        A map whose values the surface gets, such as the local resolution, on any grid. Without
        one the surface has no values.
    level : float, optional
        Where the surface lies. Auto: two standard deviations above the mean, or above the noise
        where that is higher.
    level_as : str
        What the level is: a density, standard deviations above the mean, the volume that the
        surface encloses in Å³, or the mass of protein in kDa that fills it. Volume and mass
        are counted in voxels, of the whole map.
    dust : float
        Pieces whose longest extent is below this are dropped.
    region : Region, optional
        Box of voxels to stay within.
    step : int
        Takes every step-th voxel along each axis: a coarser surface of a large map.
    inside : str
        Whether the surface encloses what is denser than the level or what is less dense, such
        as the negative peaks of a difference map.
    progress : Progress
        Called once per slab.

    Returns
    -------
    Contour
        The surface and its size.

    Raises
    ------
    GridError
        If the region lies outside the map.
    DataError
        If the map is constant, nothing is within the level, nothing is left without dust or
        the surface is too large.

    References
    ----------
    .. [1] Lewiner, Lopes, Vieira & Tavares (2003) J. Graphics Tools 8, 1-15.
    """
    mean, deviation = moments(volume)
    sign = volume.contrast if inside == "above" else -volume.contrast
    density = _density(volume, level, level_as, inside, mean, sign * deviation)
    contour = part(progress, 0, 3, 4)
    whole = isosurface(volume, density, region=region, step=step, inside=inside, progress=contour)
    if not len(whole.faces):
        raise DataError(
            f"nothing in the map is {inside} {density:.6g}: its mean is {mean:.6g}, its "
            f"standard deviation {deviation:.6g}; take a level nearer to the mean"
        )
    surface = surfaces.without_dust(whole, dust)
    if not len(surface.faces):
        raise DataError(f"no piece of the surface is as long as {dust:g} Å: allow more dust")
    uncolored = 0.0
    if color_by is not None:
        found = surfaces.values_at(color_by, surface.vertices, progress=part(progress, 3, 4, 4))
        surface = replace(surface, values=found.values)
        uncolored = 1.0 - float(found.is_inside.mean())
    size = surfaces.enclosed(surface)
    return Contour(
        surface=surface,
        level=density,
        sigma=volume.contrast * (density - mean) / deviation if deviation > 0 else 0.0,
        area=surfaces.area(surface),
        enclosed_volume=size,
        mass_kda=size * DALTON_PER_A3 / 1000,
        pieces=int(surfaces.components(surface).max()) + 1,
        uncolored=uncolored,
    )


def _density(
    volume: Volume,
    level: float | None,
    level_as: str,
    inside: Literal["above", "below"],
    mean: float,
    deviation: float,
) -> float:
    """The level as a density; `deviation` has the sign of what is inside."""
    if level is None:
        automatic = first_contour_level(volume)
        return automatic if inside == "above" else 2 * mean - automatic
    if level_as == "density":
        return level
    if level_as == "sigma":
        return mean + level * deviation
    enclosed = EnclosedVolume(volume, inside)
    return enclosed.level_for_mass(level) if level_as == "mass" else enclosed.level_for(level)
