"""One surface for all particles: the template's, put where each of them is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mapscope.density.contour import isosurface
from mapscope.density.level import first_contour_level
from mapscope.density.surface import without_dust
from mapscope.errors import InputError
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.progress import Progress, silent
from mapscope.volume import Volume

_MOST_VERTICES = 2**31 - 1
_CORNERS = 16
_DUST = 0.25  # of the surface's extent: smaller pieces are noise


def particle_meshes(
    template: Mesh, particles: Particles, values: npt.ArrayLike | None = None
) -> Mesh:
    """One surface of copies of a mesh, one for each particle in its place and orientation.

    Parameters
    ----------
    template : Mesh
        Its vertices count from the particle's position.
    particles : Particles
        Without rotations all copies lie as the template does.
    values : array (n,), optional
        A number for each particle, such as its score, given to all vertices of its copy. None
        repeats the template's own values.

    Returns
    -------
    Mesh
        The vertices of particle i are ``i * len(template.vertices)`` and the following.

    Raises
    ------
    InputError
        If there are not as many values as particles, or too many vertices.
    """
    count, corners = len(particles), len(template.vertices)
    if values is not None and np.shape(values) != (count,):
        raise InputError(f"{count} particles need as many values, got {np.shape(values)}")
    if count * corners > _MOST_VERTICES:
        raise InputError(
            f"{count:,} copies of {corners:,} vertices are too many for one surface: "
            "take a template surface with fewer faces"
        )
    vertices = np.tile(template.vertices, (count, 1, 1))
    if particles.rotations is not None:
        turns = particles.rotations.astype(np.float32).transpose(0, 2, 1)
        vertices = template.vertices @ turns
    vertices += particles.positions.astype(np.float32)[:, None]
    first = np.arange(count, dtype=np.int32) * np.int32(corners)
    faces = template.faces[None] + first[:, None, None]
    return Mesh(
        vertices.reshape(-1, 3),
        faces.reshape(-1, 3).astype(np.int32, copy=False),
        _values(template, values, count),
    )


def _values(
    template: Mesh, values: npt.ArrayLike | None, count: int
) -> npt.NDArray[np.float32] | None:
    """A number for every vertex of all copies."""
    if values is not None:
        return np.repeat(np.asarray(values, dtype=np.float32), len(template.vertices))
    return None if template.values is None else np.tile(template.values, count)


def template_surface(
    volume: Volume,
    level: float | None = None,
    *,
    most_faces: int = 500,
    progress: Progress = silent,
) -> Mesh:
    """The surface of a template around its centre, voxel ``n // 2``, with few triangles.

    Parameters
    ----------
    volume : Volume
        The template, or an average.
    level : float, optional
        Density of the surface. None takes the level at which a map is first contoured.
    most_faces : int
        Neighbouring vertices are joined until there are no more triangles than this, at least 4.
    progress : callable
        Called once per slab.

    Raises
    ------
    InputError
        If there may be fewer than four triangles.
    DataError
        If the template is constant.
    """
    if most_faces < 4:
        raise InputError(f"a surface needs at least 4 triangles, got most_faces = {most_faces}")
    density = first_contour_level(volume) if level is None else level
    found = isosurface(volume, density, progress=progress)
    centre = volume.grid.world_from_index([n // 2 for n in volume.shape])
    whole = replace(found, vertices=(found.vertices - centre).astype(np.float32))
    longest = float(np.ptp(whole.vertices, axis=0).max()) if len(whole.vertices) else 0.0
    return coarser(without_dust(whole, _DUST * longest), most_faces)


def coarser(mesh: Mesh, most_faces: int) -> Mesh:
    """A mesh of at most so many triangles: vertices in one cell of a grid become their mean.

    Cells are as small as that allows, to a twentieth.
    """
    if len(mesh.faces) <= most_faces:
        return mesh
    span = np.ptp(mesh.vertices, axis=0)
    fine, coarse = 0.0, 2.0 * float(span.max())
    best = _clustered(mesh, coarse)
    while coarse - fine > 0.05 * coarse:
        cell = 0.5 * (fine + coarse)
        tried = _clustered(mesh, cell)
        if len(tried.faces) > most_faces:
            fine = cell
        else:
            best, coarse = tried, cell
    return best


def _clustered(mesh: Mesh, cell: float) -> Mesh:
    """The mesh with the vertices of each cubic cell joined, without what has no area left."""
    cells = ((mesh.vertices - mesh.vertices.min(axis=0)) / np.float32(cell)).astype(np.int64)
    _, which = np.unique(_one_number(cells), return_inverse=True)
    count = np.bincount(which)
    sums = np.stack([np.bincount(which, mesh.vertices[:, axis]) for axis in range(3)], axis=1)
    faces = which[mesh.faces]
    different = (faces != np.roll(faces, 1, axis=1)).all(axis=1)
    # Of triangles with the same corners one is enough; turned the same way they are the same.
    first = np.argmin(faces, axis=1)[:, None]
    faces = np.take_along_axis(faces, (first + np.arange(3)) % 3, axis=1)[different]
    faces = faces[np.unique(_one_number(faces), return_index=True)[1]]
    values = None
    if mesh.values is not None:
        values = (np.bincount(which, mesh.values) / count).astype(np.float32)
    vertices = (sums / count[:, None]).astype(np.float32)
    return Mesh(vertices, faces.astype(np.int32).reshape(-1, 3), values)


def _one_number(triples: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """One number for each of (n, 3) small non-negative ones, equal where all three are."""
    z, y, x = (int(n) + 1 for n in triples.max(axis=0, initial=0))
    return np.asarray(np.ravel_multi_index(tuple(triples.T), (z, y, x)), dtype=np.int64)


def pointer(radius: float) -> Mesh:
    """A cone that shows an orientation where there is no template: along its z axis, fin to x.

    Parameters
    ----------
    radius : float
        Å from the particle's position to the tip, above 0.
    """
    angle = 2 * np.pi * np.arange(_CORNERS) / _CORNERS
    ring = np.stack([np.full(_CORNERS, -0.5), 0.5 * np.sin(angle), 0.5 * np.cos(angle)], axis=1)
    fin = [[-0.5, 0.0, 1.0], [0.25, 0.0, 0.25]]
    vertices = np.concatenate([ring, [[1.0, 0.0, 0.0], [-0.5, 0.0, 0.0]], fin]) * radius
    tip, base, outer, upper = range(_CORNERS, _CORNERS + 4)
    here = np.arange(_CORNERS)
    following = np.roll(here, -1)
    sides = np.stack([here, following, np.full(_CORNERS, tip)], axis=1)
    bottom = np.stack([following, here, np.full(_CORNERS, base)], axis=1)
    faces = np.concatenate([sides, bottom, [[0, outer, upper], [outer, 0, upper]]])
    return Mesh(vertices.astype(np.float32), faces.astype(np.int32))
