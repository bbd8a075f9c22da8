"""Which pick hit which particle, and which of several picks on one particle counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

NONE = -1


@dataclass(frozen=True, eq=False)
class Matches:
    """Which pick hit which particle.

    Parameters
    ----------
    particle : int64 array (p,)
        Row of the particle that each pick hit, -1 for none.
    first : int64 array (t,)
        Row of the pick that counts for each particle, -1 for none.
    distance : float64 array (p,)
        Å from each pick to the particle that it hit, NaN for none.
    is_outside : bool array (p,)
        Whether a pick lies outside the tomogram.
    """

    particle: Indices
    first: Indices
    distance: Floats
    is_outside: Flags

    @property
    def is_found(self) -> Flags:
        """Whether each particle was hit, (t,)."""
        return np.asarray(self.first != NONE)

    @property
    def is_hit(self) -> Flags:
        """Whether each pick hit a particle, (p,)."""
        return np.asarray(self.particle != NONE)

    @property
    def counts(self) -> Flags:
        """Whether each pick is the one that counts for a particle, (p,)."""
        flags = np.zeros(len(self.particle), dtype=np.bool_)
        flags[self.first[self.is_found]] = True
        return flags


def first_hits(particle: Indices, order: Indices, truths: int) -> Indices:
    """The pick that each particle was hit by first, (truths,); -1 for none.

    Parameters
    ----------
    particle : int64 array (p,)
        Row of the particle that each pick hit, -1 for none.
    order : int64 array (p,)
        Rows of the picks in the order in which they are looked at.
    truths : int
        How many particles there are.
    """
    hits = particle[order]
    rows = order[hits != NONE]
    found, earliest = np.unique(hits[hits != NONE], return_index=True)
    first = np.full(truths, NONE, dtype=np.int64)
    first[found] = rows[earliest]
    return first
