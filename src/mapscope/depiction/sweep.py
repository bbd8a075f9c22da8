"""A cross-section swept along a curve into a closed surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.depiction.curve import Points
from mapscope.mesh import Mesh
from mapscope.volume import Array


@dataclass(frozen=True, eq=False)
class Depiction:
    """A mesh and what each of its vertices belongs to, so that colours are looked up.

    Parameters
    ----------
    mesh : Mesh
        The surface; corners run counter-clockwise seen from outside, in x, y, z.
    residues : int32 array (vertices,)
        Index of the residue of each vertex.
    atoms : int32 array (vertices,), optional
        Index of the atom of each vertex, where the picture shows atoms.
    """

    mesh: Mesh
    residues: npt.NDArray[np.int32]
    atoms: npt.NDArray[np.int32] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see."""
        return len(self.mesh.faces) == 0


@dataclass(frozen=True, eq=False)
class Outline:
    """A superellipse at every place of a curve, and the frame that it lies in.

    Parameters
    ----------
    centers, tangents, normals : float64 arrays (n, 3)
        Its centre, the unit direction of the curve, and that of the outline's height.
    widths, heights : float64 arrays (n,)
        Half extents in Å.
    owners : int array (n,)
        The residue of each place.
    power : float
        2 is an ellipse; more makes it a rounded rectangle.
    """

    centers: Points
    tangents: Points
    normals: Points
    widths: Array
    heights: Array
    owners: npt.NDArray[np.int64]
    power: float = 2.0


def sweep(outline: Outline, corners: int) -> Depiction:
    """The closed surface that an outline leaves behind along its curve.

    Parameters
    ----------
    outline : Outline
        Two places or more.
    corners : int
        Points around each outline.
    """
    angle = 2 * np.pi * np.arange(corners) / corners
    across, up = (
        np.sign(part) * np.abs(part) ** (2 / outline.power)
        for part in (np.cos(angle), np.sin(angle))
    )
    sides = np.cross(outline.normals, outline.tangents)
    width = (outline.widths[:, None] * across)[..., None] * sides[:, None]
    height = (outline.heights[:, None] * up)[..., None] * outline.normals[:, None]
    rings = outline.centers[:, None] + width + height
    vertices = np.concatenate([rings.reshape(-1, 3), outline.centers[[0, -1]]])
    owners = np.concatenate([np.repeat(outline.owners, corners), outline.owners[[0, -1]]])
    mesh = Mesh(vertices.astype(np.float32), closed_faces(len(rings), corners))
    return Depiction(mesh, owners.astype(np.int32))


def closed_faces(rings: int, corners: int) -> npt.NDArray[np.int32]:
    """Triangles (n, 3) between neighbouring rings, and two fans that close the ends.

    Vertices are numbered ring by ring; the two points that close the ends come last.
    """
    here = np.arange(corners)
    there = np.roll(here, -1)
    base = (np.arange(rings - 1) * corners)[:, None]
    a, b = base + here, base + there
    c, d = a + corners, b + corners
    wall = np.stack([a, c, b, b, c, d], axis=-1).reshape(-1, 3)
    last, tip = (rings - 1) * corners, rings * corners
    low = np.stack([here, there, np.full(corners, tip)], axis=1)
    high = np.stack([last + there, last + here, np.full(corners, tip + 1)], axis=1)
    return np.concatenate([wall, low, high]).astype(np.int32)


def joined(parts: Sequence[Depiction]) -> Depiction:
    """Several pictures as one; nothing gives an empty mesh."""
    if not parts:
        empty = np.zeros((0, 3))
        return Depiction(
            Mesh(empty.astype(np.float32), empty.astype(np.int32)), np.zeros(0, dtype=np.int32)
        )
    counts = [len(part.mesh.vertices) for part in parts]
    offsets = np.cumsum([0, *counts[:-1]])
    faces = [part.mesh.faces + offset for part, offset in zip(parts, offsets, strict=True)]
    mesh = Mesh(np.concatenate([part.mesh.vertices for part in parts]), np.concatenate(faces))
    atoms = [part.atoms for part in parts if part.atoms is not None]
    return Depiction(
        mesh,
        np.concatenate([part.residues for part in parts]),
        np.concatenate(atoms) if len(atoms) == len(parts) else None,
    )
