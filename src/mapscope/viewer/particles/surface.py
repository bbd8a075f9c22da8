"""Copies of a template where the particles are, as one surface."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Surface

from mapscope.errors import InputError
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.picking.meshes import coarser, particle_meshes, pointer, template_surface
from mapscope.progress import Progress, silent
from mapscope.structure import Structure
from mapscope.viewer.layers import KEY, SEPARATOR, SPACE, Tag, noun_from_layer
from mapscope.viewer.particles.axes import shown_rows
from mapscope.viewer.particles.look import ColorBy, colors_of, radius_of
from mapscope.volume import Volume

ROLE = "particle surfaces"
MOST_FACES, FEWEST_FACES = 500, 60
MOST_TRIANGLES = 500_000
"""Of all copies together, so that they can be turned without a graphics card, too."""

STRUCTURE_RESOLUTION = 15.0
"""Å at which a structure is drawn as a template: finer shapes are not seen on a tomogram."""


@dataclass(frozen=True)
class Copies:
    """A surface of copies, and what colours it.

    Parameters
    ----------
    mesh : Mesh
        All copies.
    colors : float array (n, 4)
        One for each particle that has a copy.
    """

    mesh: Mesh
    colors: npt.NDArray[Any]

    @property
    def vertex_colors(self) -> npt.NDArray[np.float32]:
        """A colour for each vertex."""
        each = len(self.mesh.vertices) // max(1, len(self.colors))
        return np.repeat(self.colors.astype(np.float32), each, axis=0)


def template_of(
    noun: Any, radius: float, level: float | None, count: int, progress: Progress = silent
) -> Mesh:
    """What is put where each particle is, around 0.

    Parameters
    ----------
    noun : Volume, Structure, Mesh or None
        An average or a template; a structure is drawn at `STRUCTURE_RESOLUTION`; None takes
        pointers along the particles' z axes.
    radius : float
        Length of a pointer in Å.
    level : float, optional
        Density of a volume's surface; None takes the one at which a map is first contoured.
    count : int
        How many copies there will be: the more, the coarser each of them.
    progress : callable
        Called as the surface is made.
    """
    faces = int(np.clip(MOST_TRIANGLES / max(count, 1), FEWEST_FACES, MOST_FACES))
    if isinstance(noun, Structure):
        from mapscope.jobs.simulation.simulate_map import simulate_map

        noun = simulate_map(noun, resolution=STRUCTURE_RESOLUTION, progress=progress)
    if isinstance(noun, Volume):
        return template_surface(noun, level, most_faces=faces, progress=progress)
    if isinstance(noun, Mesh):
        middle = (noun.vertices.max(axis=0) + noun.vertices.min(axis=0)) / 2
        return coarser(Mesh(noun.vertices - middle, noun.faces), faces)
    return pointer(radius)


def copies_job(
    layer: Any, template: Any, level: float | None, way: ColorBy
) -> Callable[[Progress], Copies]:
    """What makes the copies of a template for the particles that a layer shows.

    The layer is looked at now, the work is done when the function is called, in any thread.

    Raises
    ------
    InputError
        If the layer shows no particles.
    """
    particles, colors, radius = shown_particles(layer), colors_of(layer, way), radius_of(layer)
    colors = colors[shown_rows(layer, len(colors))]
    if not len(particles):
        raise InputError(f"{layer.name}: it shows no particles")

    def make(progress: Progress) -> Copies:
        mesh = template_of(template, radius, level, len(particles), progress)
        return Copies(particle_meshes(mesh, particles), colors)

    return make


def shown_particles(layer: Any) -> Particles:
    """The particles of a layer that it shows, where they are and how they lie.

    Raises
    ------
    InputError
        If it is no list of particles.
    """
    noun = noun_from_layer(layer)
    if not isinstance(noun, Particles):
        raise InputError(f"{layer.name}: not a list of particles")
    rows = shown_rows(layer, len(noun))
    turns = None if noun.rotations is None else noun.rotations[rows]
    return Particles(noun.positions[rows], turns)


def surface_layer(copies: Copies, name: str) -> Surface:
    """The layer that shows copies."""
    mesh = copies.mesh
    parts = (np.array(mesh.vertices), np.array(mesh.faces))
    return Surface(
        parts,
        name=f"{name}{SEPARATOR}{ROLE}",
        vertex_colors=copies.vertex_colors,
        shading="smooth",
        metadata={KEY: Tag(mesh, ROLE, parts)},
        **SPACE,
    )


def show_copies(viewer: Any, layer: Any, copies: Copies) -> Surface:
    """Show copies above their particles, in place of those that were there."""
    new = surface_layer(copies, layer.name)
    for old in [la for la in viewer.layers if la.name == new.name]:
        viewer.layers.remove(old)
    active = viewer.layers.selection.active
    viewer.layers.insert(viewer.layers.index(layer) + 1, new)
    viewer.layers.selection.active = active
    return new
