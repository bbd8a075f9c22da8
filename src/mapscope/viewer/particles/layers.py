"""Particles as a points layer: circles of their radius, in the colours of their classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.edits.points import SCORE, SPECIES
from mapscope.particles import Particles
from mapscope.viewer.layers import KEY, SPACE, LayerData, Tag
from mapscope.viewer.particles.colors import face_and_border, of_classes

ROLE = "particles"
"""Role of a layer that shows particles."""

RADIUS = "radius"
"""Column of a list that says how large its particles are, in Å."""

DIAMETER = "diameter"
"""Column that says the same of lists of blobs."""

USUAL_RADIUS, SMALLEST, LARGEST = 100.0, 10.0, 200.0
"""Å: of a single particle of which nothing is known, and between which it is guessed."""

BORDER = 0.12
"""Width of a circle's line, as a share of its diameter."""

MANY = 5000
"""Lists with more particles than this are drawn without smooth edges, which take time."""

_MOST_MEASURED = 2000


def particles_layers(particles: Particles, name: str, role: str = ROLE) -> list[LayerData]:
    """The layer that shows particles, as napari's (data, attributes, type) tuple.

    Parameters
    ----------
    particles : Particles
        What to show.
    name : str
        Name of the layer.
    role : str
        What they are for.
    """
    features = features_of(particles)
    face, border = face_and_border(of_classes(particles.species or ("",) * len(particles)))
    data = np.array(particles.positions)
    attributes: dict[str, Any] = {
        "name": name,
        "ndim": 3,
        "features": features,
        "size": 2 * usual_radius(particles),
        "face_color": face if len(data) else "transparent",
        "border_color": border if len(data) else "white",
        "border_width": BORDER,
        "antialiasing": 1.0 if len(data) <= MANY else 0.0,
        "projection_mode": "rescale_spherical",
        "metadata": {KEY: Tag(particles, role, data)},
        **SPACE,
    }
    return [(data, attributes, "points")]


def features_of(particles: Particles) -> dict[str, Any]:
    """The table of a points layer: class, score, and every other number or word."""
    table: dict[str, Any] = {}
    if particles.species is not None:
        table[SPECIES] = np.array(particles.species, dtype=str)
    if particles.score is not None:
        table[SCORE] = np.array(particles.score)
    return table | {n: np.array(v) for n, v in particles.columns.items() if np.ndim(v) == 1}


def usual_radius(particles: Particles) -> float:
    """A radius in Å with which particles can be told apart.

    The list's own where it has a column of radii or diameters, else nine twentieths of the median
    distance between neighbours.
    """
    own = particles.columns.get(RADIUS)
    if own is None and DIAMETER in particles.columns:
        own = np.asarray(particles.columns[DIAMETER]) / 2
    if own is not None and len(particles) and np.isfinite(own).all() and np.min(own) > 0:
        return float(np.median(own))
    if len(particles) < 2:
        return USUAL_RADIUS
    nearest = _distances_to_nearest(particles.positions)
    nearest = nearest[nearest > 0]
    guess = 0.45 * float(np.median(nearest)) if nearest.size else USUAL_RADIUS
    return float(np.clip(guess, SMALLEST, LARGEST))


def _distances_to_nearest(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Å from some particles, evenly chosen from the list, to the particle next to each."""
    from scipy.spatial import cKDTree

    some = positions[:: -(-len(positions) // _MOST_MEASURED)]
    distances, _ = cKDTree(positions).query(some, k=2)
    return np.asarray(distances[:, 1])
