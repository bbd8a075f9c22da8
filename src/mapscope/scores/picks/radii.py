"""The radius of each particle, by which it is told how near a pick must be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.particles import Particles
from mapscope.scores.picks.czii import CZII_RADII

RADIUS = "radius"
"""Column of a list of particles: radius of each in Å."""


def radii_of(
    truth: Particles, radius: float | None = None, *, is_needed: bool = True
) -> npt.NDArray[np.float64]:
    """Radius of each particle in Å, (t,); NaN where it is neither known nor needed.

    Parameters
    ----------
    truth : Particles
        The particles.
    radius : float, optional
        Of all of them. Without one: the column ``radius``, else those that the CZII challenge
        gives for its species.
    is_needed : bool
        Whether it must be known of every particle.

    Raises
    ------
    InputError
        If it is needed and not known, or not positive.
    """
    if radius is not None:
        return np.full(len(truth), radius)
    if RADIUS in truth.columns:
        found = np.asarray(truth.columns[RADIUS], dtype=np.float64)
    else:
        names = truth.species or ("",) * len(truth)
        found = np.array([CZII_RADII.get(name.lower(), np.nan) for name in names])
    if (is_needed and not np.isfinite(found).all()) or (found <= 0).any():
        raise InputError(
            "the radius of the particles is not known: give radius in Å, or a column radius in "
            "the list of true particles"
        )
    return found
