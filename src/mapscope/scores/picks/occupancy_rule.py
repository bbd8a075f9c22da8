"""SHREC's rule: a pick hits the particle whose shape it lies in, one voxel around it included."""

from __future__ import annotations

import numpy as np

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.scores.picks.groups import tomograms_of
from mapscope.scores.picks.matches import NONE, Floats, Indices, Matches, first_hits
from mapscope.scores.picks.order import Order, looked_at
from mapscope.volume import Array

SHREC_2020_SHIFT = 156
"""Empty slices below and above the 200 that hold the specimen of SHREC'20."""

_LEAST_OWN = 0.5  # of the particles whose centre is occupied at all

_CROSS = np.concatenate(
    [np.zeros((1, 3), np.int64), np.eye(3, dtype=np.int64), -np.eye(3, dtype=np.int64)]
)


def occupancy_matches(
    picks: Particles,
    truth: Particles,
    occupancy: Labels,
    *,
    shift: int = 0,
    order: Order = "score",
) -> Matches:
    """Which pick hit which particle by the occupancy of voxels.

    A pick is rounded to a voxel, moved into the tomogram where it lies outside, and hits what
    occupies that voxel or one of its six neighbours; of several the particle of the higher
    number, as in a grey dilation. How far it is from the centre does not matter.

    Parameters
    ----------
    picks : Particles
        Of one tomogram.
    truth : Particles
        The particles that are there.
    occupancy : Labels
        Number of the particle in each voxel: its row in `truth` plus 1; 0 for none. Numbers
        beyond the list are of something else, such as gold.
    shift : int
        Empty slices below and above those of `occupancy` in the tomogram. Particles count from
        the first slice of `occupancy`; so do all picks if one of them lies in those empty
        slices (or in the first one above), and otherwise picks count from the first slice of
        the tomogram. SHREC'20: 156.
    order : str
        Which of several picks on one particle counts: see `looked_at`.

    Raises
    ------
    InputError
        If there are several tomograms, or the occupancy numbers particles in another order.

    References
    ----------
    Gubins et al. (2020) Comput. Graph. 91, 279, and the organisers' script.
    """
    if len(tomograms_of(picks, truth).names) > 1:
        raise InputError("an occupancy belongs to one tomogram: score each tomogram by itself")
    _require_order(truth, occupancy)
    size = np.array(occupancy.data.shape)
    at = np.rint(occupancy.grid.index_from_world(picks.positions)).astype(np.int64)
    at[:, 0] -= _slices_below(at[:, 0], shift, int(size[0]))
    room = np.array([shift, 0, 0])
    inside = np.clip(at, -room, size + room - 1)
    number = _dilated(occupancy.data, inside)
    particle = np.where((number > 0) & (number <= len(truth)), number - 1, NONE)
    return Matches(
        particle,
        first_hits(particle, looked_at(picks, order), len(truth)),
        _distances(inside, particle, truth, occupancy),
        (inside != at).any(axis=1),
    )


def _require_order(truth: Particles, occupancy: Labels) -> None:
    """Raise where most of the particles' own places have another particle's number.

    Raises
    ------
    InputError
        Saying what is expected.
    """
    at = np.rint(occupancy.grid.index_from_world(truth.positions)).astype(np.int64)
    inside = ((at >= 0) & (at < occupancy.data.shape)).all(axis=1)
    z, y, x = at[inside].T
    number = np.asarray(occupancy.data)[z, y, x]
    is_known = (number > 0) & (number <= len(truth))
    own = number[is_known] == np.flatnonzero(inside)[is_known] + 1
    if own.size and own.mean() < _LEAST_OWN:
        raise InputError(
            f"of {own.size:,} particles {int(own.sum()):,} lie where the occupancy has their "
            "number: both must be of one tomogram, with particles numbered from 1 in the order "
            "of the list"
        )


def _slices_below(z: Indices, shift: int, slices: int) -> int:
    """What to take off the picks' slices so that they count from the first one occupied."""
    if shift == 0 or not z.size or z.min() < shift or z.max() > shift + slices:
        return 0
    return shift


def _dilated(numbers: Array, at: Indices) -> Indices:
    """The highest number in each voxel and its six neighbours, 0 beyond the array, (n,)."""
    values = np.asarray(numbers)
    around = at[:, None] + _CROSS
    is_known = ((around >= 0) & (around < values.shape)).all(axis=2)
    # What lies beyond the occupied slices is padded after the dilation, and stays empty.
    is_known &= is_known[:, :1]
    z, y, x = np.where(is_known[..., None], around, 0).transpose(2, 0, 1)
    highest = np.where(is_known, values[z, y, x], 0).max(axis=1, initial=0)
    return np.asarray(highest, dtype=np.int64)


def _distances(at: Indices, particle: Indices, truth: Particles, occupancy: Labels) -> Floats:
    """Å from the voxel of each pick to the centre of the particle that it hit."""
    distance = np.full(len(at), np.nan)
    hit = particle != NONE
    offset = at[hit] - occupancy.grid.index_from_world(truth.positions[particle[hit]])
    distance[hit] = np.linalg.norm(offset * np.array(occupancy.voxel_size), axis=1)
    return distance
