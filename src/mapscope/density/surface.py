"""What surfaces are and show: area, volume, pieces, normals, and numbers from maps on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.resample import interpolate
from mapscope.mesh import Mesh
from mapscope.progress import Progress, part, silent
from mapscope.volume import Volume

Measure: TypeAlias = Literal["size", "volume", "area"]
Axis: TypeAlias = Literal["z", "y", "x"]

_FACES_AT_ONCE = 100_000
_VOXELS_AT_ONCE = 1 << 26
_LEAST_PLANES = 32

_Float = npt.NDArray[np.float64]


class SurfaceValues(NamedTuple):
    """Numbers of a map at positions.

    Parameters
    ----------
    values : float32 array (n,)
        Finite everywhere.
    is_inside : bool array (n,)
        Whether the position lies within the map.
    """

    values: npt.NDArray[np.float32]
    is_inside: npt.NDArray[np.bool_]


def area(mesh: Mesh) -> float:
    """Area of a surface in Å²."""
    return sum(float(np.linalg.norm(n, axis=1).sum()) for _, n in _face_normals(mesh)) / 2


def enclosed(mesh: Mesh) -> float:
    """Volume in Å³ within a closed surface, by the divergence theorem; cavities count off.

    Triangles cut corners, see `mapscope.density.enclosed.EnclosedVolume`.
    """
    return sum(float(parts.sum()) for parts in _cone_volumes(mesh))


def normals(mesh: Mesh) -> npt.NDArray[np.float32]:
    """Outward directions at the vertices, (n, 3) in z, y, x, of length 1.

    Each is the mean of the triangles around the vertex, weighted by area; 0 where a vertex
    belongs to no triangle that has any.
    """
    total = np.zeros((len(mesh.vertices), 3))
    for faces, outward in _face_normals(mesh):
        low, high = int(faces.min()), int(faces.max()) + 1
        corners = (faces - low).ravel()
        for axis in range(3):
            weights = np.repeat(outward[:, axis], 3)
            total[low:high, axis] += np.bincount(corners, weights, minlength=high - low)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return (total / np.where(length > 0, length, 1.0)).astype(np.float32)


def components(mesh: Mesh) -> npt.NDArray[np.int32]:
    """Number of the connected piece, from 0, that each vertex (n,) belongs to.

    That of a face is that of any of its vertices: ``components(mesh)[mesh.faces[:, 0]]``. The
    inside of a shell is a piece of its own.
    """
    count = len(mesh.vertices)
    piece = np.full(count, -1)  # a vertex that stands for the piece, as far as is known
    links = [np.empty((0, 2), np.int64)]
    for first in _starts(mesh):
        faces = mesh.faces[first : first + _FACES_AT_ONCE]
        low, high = int(faces.min()), int(faces.max()) + 1
        numbers = _connected(faces[:, (0, 1, 1, 2)].reshape(-1, 2) - low, high - low)
        before, after = piece[low:high], low + np.unique(numbers, return_index=True)[1][numbers]
        is_link = (before >= 0) & (before != after)
        links.append(np.stack([before[is_link], after[is_link]], axis=1))
        piece[low:high] = after
    piece = np.where(piece >= 0, piece, np.arange(count))
    found = _connected(np.concatenate(links), count)[piece]
    is_used = np.zeros(count, np.int32)
    is_used[found] = 1
    return np.asarray((np.cumsum(is_used, dtype=np.int32) - np.int32(1))[found])


def _connected(links: npt.NDArray[Any], count: int) -> npt.NDArray[np.int32]:
    """Number of the connected part, from 0, of each of `count` points, linked in pairs (n, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not count:
        return np.zeros(0, np.int32)
    ones = np.ones(len(links), np.int8)
    graph = coo_array((ones, (links[:, 0], links[:, 1])), shape=(count, count))
    numbers: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return numbers


def without_dust(mesh: Mesh, smallest: float, *, measure: Measure = "size") -> Mesh:
    """The surface without its small pieces.

    Parameters
    ----------
    mesh : Mesh
        The surface.
    smallest : float
        Pieces below this are left out; 0 keeps all.
    measure : {"size", "volume", "area"}
        What of a piece is compared: the longest edge of the box around it in Å, the volume
        that it encloses in Å³ (a cavity that of its hollow), or its area in Å².

    Returns
    -------
    Mesh
        With the values of the vertices that are left.
    """
    if smallest <= 0 or not len(mesh.vertices):
        return mesh
    numbers = components(mesh)
    is_kept = (_sizes(mesh, numbers, measure) >= smallest)[numbers]
    if is_kept.all():
        return mesh
    new = np.cumsum(is_kept, dtype=np.int32) - np.int32(1)
    faces = new[mesh.faces[is_kept[mesh.faces[:, 0]]]]
    values = None if mesh.values is None else mesh.values[is_kept]
    return Mesh(mesh.vertices[is_kept], faces, values)


def _sizes(mesh: Mesh, numbers: npt.NDArray[np.int32], measure: Measure) -> _Float:
    """Size of each piece, (pieces,)."""
    count = int(numbers.max()) + 1
    if measure == "size":
        order = np.argsort(numbers, kind="stable")
        firsts = np.searchsorted(numbers[order], np.arange(count))
        sorted_vertices = mesh.vertices[order]
        high = np.maximum.reduceat(sorted_vertices, firsts, axis=0)
        low = np.minimum.reduceat(sorted_vertices, firsts, axis=0)
        return np.asarray((high - low).max(axis=1), dtype=np.float64)
    total = np.zeros(count)
    parts: Iterator[_Float] = _cone_volumes(mesh)
    if measure == "area":
        parts = (np.linalg.norm(n, axis=1) / 2 for _, n in _face_normals(mesh))
    for first, found in zip(_starts(mesh), parts, strict=True):
        of_face = numbers[mesh.faces[first : first + _FACES_AT_ONCE, 0]]
        total += np.bincount(of_face, found, minlength=count)
    return np.abs(total)


def values_at(
    volume: Volume,
    positions: npt.ArrayLike,
    *,
    outside: float | None = None,
    progress: Progress = silent,
) -> SurfaceValues:
    """Numbers of a map at any positions, on whatever grid it lies.

    Linear between the voxels. The map is read some planes at a time, so that it may be larger
    than memory.

    Parameters
    ----------
    volume : Volume
        The map.
    positions : array (n, 3)
        Å, z, y, x.
    outside : float, optional
        Value beyond the map's outermost voxel centres. None takes the median of the values
        within, or 0 where there is none, so that no value is missing; `is_inside` tells them.
    progress : callable
        Called once per 200,000 positions or stretch of planes.

    Returns
    -------
    SurfaceValues
        Values, and whether each position lies within the map.
    """
    places = np.asarray(positions, dtype=np.float64).reshape(-1, 3)
    values = np.full(len(places), np.nan, np.float32)
    thickness = max(_LEAST_PLANES, _VOXELS_AT_ONCE // math.prod(volume.shape[1:]))
    planes = volume.grid.index_from_world(places)[:, 0]
    stretch = np.clip(planes // thickness, -1, volume.shape[0] // thickness + 1).astype(int)
    wanted = np.unique(stretch)
    for n, number in enumerate(wanted):
        chosen = stretch == number
        inner = part(progress, n, n + 1, len(wanted))
        values[chosen] = interpolate(
            volume, places[chosen], order=1, outside=math.nan, progress=inner
        )
    is_inside = ~np.isnan(values)
    if outside is None:
        outside = float(np.median(values[is_inside])) if is_inside.any() else 0.0
    values[~is_inside] = outside
    return SurfaceValues(values, is_inside)


def coloured_by(
    mesh: Mesh, volume: Volume, *, outside: float | None = None, progress: Progress = silent
) -> Mesh:
    """The surface with the numbers of a map at its vertices; see `values_at`."""
    found = values_at(volume, mesh.vertices, outside=outside, progress=progress)
    return replace(mesh, values=found.values)


def coloured_by_height(mesh: Mesh, axis: Axis = "z") -> Mesh:
    """The surface with the position of each vertex along an axis, in Å, as its values."""
    return replace(mesh, values=mesh.vertices[:, "zyx".index(axis)])


def coloured_by_radius(mesh: Mesh, centre: npt.ArrayLike | None = None) -> Mesh:
    """The surface with each vertex's distance from a centre, in Å, as its values.

    Parameters
    ----------
    mesh : Mesh
        The surface.
    centre : array (3,), optional
        Å, z, y, x. None takes the middle of the box around the surface.
    """
    if not len(mesh.vertices):
        return replace(mesh, values=np.zeros(0, np.float32))
    if centre is None:
        centre = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
    distance = np.linalg.norm(mesh.vertices - np.asarray(centre, dtype=np.float32), axis=1)
    return replace(mesh, values=distance)


def _starts(mesh: Mesh) -> range:
    """First face of each block."""
    return range(0, len(mesh.faces), _FACES_AT_ONCE)


def _face_normals(mesh: Mesh) -> Iterator[tuple[npt.NDArray[Any], _Float]]:
    """Faces (k, 3) and their outward normals (k, 3), z, y, x, of twice their area, by blocks."""
    for first in _starts(mesh):
        faces = mesh.faces[first : first + _FACES_AT_ONCE]
        a, b, c = (mesh.vertices[faces[:, n]].astype(np.float64) for n in range(3))
        # Counter-clockwise in x, y, z is clockwise in z, y, x.
        yield faces, np.cross(c - a, b - a)


def _cone_volumes(mesh: Mesh) -> Iterator[_Float]:
    """Signed volumes (k,) of the tetrahedra from the middle to each face, by blocks."""
    if not len(mesh.vertices):
        return
    middle = mesh.vertices.mean(axis=0, dtype=np.float64)
    for faces, outward in _face_normals(mesh):
        yield np.einsum("fi,fi->f", mesh.vertices[faces[:, 0]] - middle, outward) / 6
