"""The backbone of each chain as a round tube."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.depiction.backbone import stretches
from mapscope.depiction.curve import Points, curve, owners, transported_normals
from mapscope.depiction.sweep import Depiction, Outline, joined, sweep
from mapscope.structure import Structure

RADIUS = 0.8
"""Å, thin enough for the density of a main chain at 3 Å to be seen around it."""

DETAIL = ((1500, (6, 10)), (4000, (4, 8)), (2**31, (3, 6)))
"""Up to so many residues: samples per residue, and corners of the outline."""


def tubes(structure: Structure, radius: float = RADIUS) -> Depiction:
    """A smooth tube through the Cα or P atoms of each unbroken stretch.

    Parameters
    ----------
    structure : Structure
        The model.
    radius : float
        Radius of the tube in Å.
    """
    found = stretches(structure)
    steps, corners = detail(sum(len(stretch) for stretch in found))
    return joined([tube(s.points, s.residues, radius, steps=steps, corners=corners) for s in found])


def detail(count: int) -> tuple[int, int]:
    """Samples per residue and corners of the outline for so many residues."""
    return next(grade for most, grade in DETAIL if count <= most)


def tube(
    points: Points,
    residues: npt.NDArray[np.int64],
    radius: float,
    *,
    steps: int = 6,
    corners: int = 10,
) -> Depiction:
    """A closed tube with rounded ends through points.

    Parameters
    ----------
    points : float64 array (n, 3)
        Two or more positions in Å, z, y, x.
    residues : int array (n,)
        The residue of each point.
    radius : float
        Å.
    steps, corners : int
        Samples from point to point, and points around the tube.
    """
    centers, tangents = curve(points, steps)
    normals = transported_normals(tangents)
    radii = np.full(len(centers), radius)
    outline = Outline(
        centers, tangents, normals, radii, radii, residues[owners(len(points), steps)]
    )
    return sweep(rounded(outline), corners)


def rounded(outline: Outline) -> Outline:
    """The same outline with a half dome added at both ends, as deep as its height."""
    angle = np.array([0.25, 0.5, 0.75]) * np.pi / 2
    parts: dict[str, list[npt.NDArray[np.generic]]] = {}
    for end, sign in ((0, -1.0), (-1, 1.0)):
        depth = min(float(outline.heights[end]), float(outline.widths[end]))
        shift = (sign * depth * np.sin(angle))[:, None] * outline.tangents[end]
        shrink = np.cos(angle)
        dome = {
            "centers": outline.centers[end] + shift,
            "tangents": np.repeat(outline.tangents[end][None], len(angle), axis=0),
            "normals": np.repeat(outline.normals[end][None], len(angle), axis=0),
            "widths": outline.widths[end] - depth * (1 - shrink),
            "heights": outline.heights[end] - depth * (1 - shrink),
            "owners": np.repeat(outline.owners[end], len(angle)),
        }
        for name, values in dome.items():
            parts.setdefault(name, []).append(values[::-1] if end == 0 else values)
    whole = {
        name: np.concatenate([low, getattr(outline, name), high])
        for name, (low, high) in parts.items()
    }
    return Outline(**whole, power=outline.power)
