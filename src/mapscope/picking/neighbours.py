"""Distances between particles: only those of one tomogram are neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.particles import TOMOGRAM, Particles
from mapscope.picking.peaks import best_apart

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def without_duplicates(
    particles: Particles, distance: float, *, within_species: bool = False
) -> Flags:
    """Which particles stay when of those nearer than a distance only the best does, (n,).

    The best has the highest score; one set by hand, without a score, is better than any.

    Parameters
    ----------
    particles : Particles
        Of one or of several tomograms.
    distance : float
        Å.
    within_species : bool
        Whether particles of different species may be that near.
    """
    groups = [_tomograms(particles)]
    if within_species and particles.species is not None:
        groups.append(_codes(particles.species))
    score = np.full(len(particles), np.nan) if particles.score is None else particles.score
    return best_apart(_apart(particles.positions, groups, distance), score, distance)


def count_neighbours(particles: Particles, distance: float) -> npt.NDArray[np.int64]:
    """How many other particles of the same tomogram lie within a distance of each, (n,)."""
    from scipy.spatial import cKDTree

    if not len(particles):
        return np.empty(0, np.int64)
    points = _apart(particles.positions, [_tomograms(particles)], distance)
    found = cKDTree(points).query_ball_point(points, distance, return_length=True)
    return np.asarray(found, dtype=np.int64) - 1


def distance_to_nearest(particles: Particles, others: Particles, limit: float) -> Floats:
    """Å from each particle to the nearest of a second list in its tomogram, (n,).

    Parameters
    ----------
    particles, others : Particles
        Where one of them names no tomograms, all of both lie in one.
    limit : float
        What is farther than this is infinitely far.
    """
    from scipy.spatial import cKDTree

    if not len(particles) or not len(others):
        return np.full(len(particles), np.inf)
    names = [p.columns.get(TOMOGRAM) for p in (particles, others)]
    first = second = np.zeros(1)
    if names[0] is not None and names[1] is not None:
        both = _codes(np.concatenate([np.asarray(n, dtype=str) for n in names]))
        first, second = both[: len(particles)], both[len(particles) :]
    tree = cKDTree(_apart(others.positions, [second], limit))
    points = _apart(particles.positions, [first], limit)
    found, _ = tree.query(points, distance_upper_bound=np.nextafter(limit, np.inf))
    return np.asarray(found, dtype=np.float64)


def _tomograms(particles: Particles) -> Floats:
    """A number for each particle that says in which tomogram it lies."""
    names = particles.columns.get(TOMOGRAM)
    return np.zeros(1) if names is None else _codes(names)


def _codes(names: npt.ArrayLike) -> Floats:
    """A number for each name, equal for equal ones."""
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.float64)


def _apart(positions: Floats, groups: list[Floats], distance: float) -> Floats:
    """Positions with a further axis for each grouping, along which groups lie too far apart."""
    further = [np.broadcast_to(g * (2 * distance + 1), len(positions)) for g in groups]
    return np.concatenate([positions, np.stack(further, axis=1)], axis=1)
