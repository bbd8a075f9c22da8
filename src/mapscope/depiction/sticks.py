"""Bonds as sticks and atoms as balls."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.depiction.bonds import bonds
from mapscope.depiction.curve import across
from mapscope.depiction.residues import residues_of
from mapscope.depiction.sweep import Depiction, closed_faces, joined
from mapscope.mesh import Mesh
from mapscope.structure import Structure

STICK_RADIUS = 0.22
"""Å."""

FINE, COARSE = (10, 6), (6, 3)
"""Corners of a stick, and rings of a ball between its poles, up to `FEW` atoms and beyond."""

FEW = 1000


def sticks(
    structure: Structure,
    selected: npt.NDArray[np.bool_] | None = None,
    *,
    radius: float = STICK_RADIUS,
    ball_radius: float | None = None,
) -> Depiction:
    """Bonds of selected atoms as sticks, half of each belonging to either atom.

    Parameters
    ----------
    structure : Structure
        The model.
    selected : bool array (atoms,), optional
        What to draw; None draws all.
    radius : float
        Radius of the sticks in Å.
    ball_radius : float, optional
        Radius of the ball at each atom in Å; None rounds the joints off, an atom without a
        bond gets a ball of three times the radius.
    """
    chosen = np.arange(len(structure)) if selected is None else np.flatnonzero(selected)
    if len(chosen) == 0:
        return joined([])
    pairs = bonds(structure, selected)
    lonely = ~np.isin(chosen, pairs)
    radii = np.where(lonely, 3 * radius, radius) if ball_radius is None else ball_radius
    corners, rings = FINE if len(chosen) <= FEW else COARSE
    parts = [_balls(structure, chosen, np.broadcast_to(radii, chosen.shape), corners, rings)]
    if len(pairs):
        halves = np.concatenate([pairs, pairs[:, ::-1]])
        parts.append(_cylinders(structure, halves, radius, corners))
    return joined(parts)


def _depiction(
    structure: Structure,
    vertices: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int32],
    atoms: npt.NDArray[np.int64],
) -> Depiction:
    """Equal bodies, one of each atom: vertices (n, m, 3), faces (f, 3) of the first."""
    count, corners = vertices.shape[:2]
    shift = (np.arange(count) * corners)[:, None, None]
    owner = np.repeat(atoms, corners).astype(np.int32)
    mesh = Mesh(vertices.reshape(-1, 3).astype(np.float32), (faces + shift).reshape(-1, 3))
    residues = residues_of(structure).of_atoms[owner].astype(np.int32)
    return Depiction(mesh, residues, owner)


def _cylinders(
    structure: Structure, halves: npt.NDArray[np.int64], radius: float, corners: int
) -> Depiction:
    """A closed cylinder from each first atom to half way to the second."""
    start, stop = (structure.positions[halves[:, k]] for k in (0, 1))
    travel = stop - start
    direction = travel / np.linalg.norm(travel, axis=1, keepdims=True)
    first = np.eye(3)[np.argmin(np.abs(direction), axis=1)]
    normal = across(first, direction)
    side = np.cross(normal, direction)
    angle = 2 * np.pi * np.arange(corners) / corners
    ring = radius * (
        np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * normal[:, None]
    )
    ends = [start, start + 0.5 * travel]
    rings = np.concatenate([end[:, None] + ring for end in ends], axis=1)
    vertices = np.concatenate([rings, np.stack(ends, axis=1)], axis=1)
    return _depiction(structure, vertices, closed_faces(2, corners), halves[:, 0])


def _balls(
    structure: Structure,
    atoms: npt.NDArray[np.int64],
    radii: npt.NDArray[np.float64],
    corners: int,
    rings: int,
) -> Depiction:
    """A closed ball at each atom."""
    polar = np.pi * np.arange(1, rings + 1) / (rings + 1)
    angle = 2 * np.pi * np.arange(corners) / corners
    z = np.repeat(-np.cos(polar), corners)
    y, x = (np.outer(np.sin(polar), part).ravel() for part in (np.cos(angle), np.sin(angle)))
    ball = np.stack([z, x, y], axis=1)
    ball = np.concatenate([ball, [(-1.0, 0, 0), (1.0, 0, 0)]])
    vertices = structure.positions[atoms][:, None] + radii[:, None, None] * ball
    return _depiction(structure, vertices, closed_faces(rings, corners), atoms)
