"""Picks and particles one to one, within a share of the particle's radius."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.particles import Particles
from mapscope.scores.picks.groups import species_of, tomograms_of
from mapscope.scores.picks.matches import NONE, Floats, Indices, Matches
from mapscope.scores.picks.order import Order, looked_at


def distance_matches(
    picks: Particles,
    truth: Particles,
    reach: npt.ArrayLike,
    *,
    within_species: bool = False,
    order: Order = "score",
) -> Matches:
    """Which pick hit which particle by the distance to its centre.

    One after the other, the best first, each pick takes the nearest particle within reach that
    no other has taken. One that finds all within reach taken is a further hit on the nearest.

    Parameters
    ----------
    picks : Particles
        Of one or of several tomograms.
    truth : Particles
        The particles that are there.
    reach : float or float array (t,)
        Å from its centre within which each particle is hit; at that distance it is.
    within_species : bool
        Whether a pick can only hit particles of its own species.
    order : str
        Which pick chooses first: see `looked_at`.
    """
    far = np.broadcast_to(np.asarray(reach, dtype=np.float64), (len(truth),))
    pick, particle, distance = _pairs(picks, truth, far, within_species=within_species)
    rank = np.empty(len(picks), np.int64)
    rank[looked_at(picks, order)] = np.arange(len(picks))
    by_rank = np.lexsort((particle, distance, rank[pick]))
    hit, first = _taken(pick[by_rank], particle[by_rank], len(picks), len(truth))
    away = np.full(len(picks), np.nan)
    is_hit = hit != NONE
    offset = picks.positions[is_hit] - truth.positions[hit[is_hit]]
    away[is_hit] = np.linalg.norm(offset, axis=1)
    return Matches(hit, first, away, np.zeros(len(picks), dtype=np.bool_))


def _taken(pick: Indices, particle: Indices, picks: int, truths: int) -> tuple[Indices, Indices]:
    """Particle of each pick and pick of each particle, from pairs by rank, then distance."""
    hit = np.full(picks, NONE, dtype=np.int64)
    first = np.full(truths, NONE, dtype=np.int64)
    for p, t in zip(pick.tolist(), particle.tolist(), strict=True):
        is_placed = hit[p] != NONE and first[hit[p]] == p
        if not is_placed and first[t] == NONE:
            hit[p], first[t] = t, p
        elif hit[p] == NONE:
            hit[p] = t
    return hit, first


def _pairs(
    picks: Particles, truth: Particles, reach: Floats, *, within_species: bool
) -> tuple[Indices, Indices, Floats]:
    """Pick, particle and Å between them of all pairs within reach in one tomogram."""
    from scipy.spatial import cKDTree

    nothing = np.empty(0, np.int64)
    if not len(picks) or not len(truth) or not reach.max() >= 0:
        return nothing, nothing, np.empty(0)
    tree = cKDTree(truth.positions)
    found = tree.query_ball_point(picks.positions, float(reach.max()))
    pick = np.repeat(np.arange(len(picks)), [len(f) for f in found]).astype(np.int64)
    particle = np.concatenate([np.asarray(f, dtype=np.int64) for f in found])
    distance = np.linalg.norm(picks.positions[pick] - truth.positions[particle], axis=1)
    groups = [tomograms_of(picks, truth)]
    if within_species:
        groups.append(species_of(picks, truth))
    is_near = distance <= reach[particle]
    for group in groups:
        is_near &= group.picks[pick] == group.truth[particle]
    return pick[is_near], particle[is_near], distance[is_near]
