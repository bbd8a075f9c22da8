"""The orientations that a search tries: evenly everywhere, then finer around the best."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from mapscope.density.pose import even_rotations
from mapscope.density.symmetry import matrix_of_turn
from mapscope.errors import InputError

Floats = npt.NDArray[np.float64]

_LEAST, _MOST = 1.0, 90.0


def search_rotations(spacing: float, group: npt.ArrayLike | None = None) -> Floats:
    """Rotations (n, 3, 3) that cover all orientations evenly, in an order that does so early.

    Parameters
    ----------
    spacing : float
        Degrees between neighbours, 1 to 90.
    group : float64 array (m, 3, 3), optional
        Rotations that leave the template as it is, the identity first: of orientations that it
        makes equal there is one.

    Returns
    -------
    float64 array (n, 3, 3)
        Active. Any beginning of the list covers all orientations, more coarsely.

    Raises
    ------
    InputError
        If the spacing makes no sense.

    Examples
    --------
    >>> len(search_rotations(20.0))
    1856
    """
    if not _LEAST <= spacing <= _MOST:
        raise InputError(f"angles are {_LEAST:g} to {_MOST:g} degrees apart, got {spacing:g}")
    rotations = even_rotations(spacing)
    mixed = rotations[np.random.default_rng(0).permutation(len(rotations))]
    return mixed if group is None else one_of_equals(mixed, group)


def one_of_equals(rotations: npt.ArrayLike, group: npt.ArrayLike) -> Floats:
    """Those rotations R (n, 3, 3) that turn less than any ``R @ g`` does.

    Whatever the group (m, 3, 3), one in m stays, and every orientation of a body that has this
    symmetry has one of them near it.
    """
    turns = np.asarray(rotations, dtype=np.float64)
    # The trace grows as the angle of a rotation shrinks.
    traces = np.einsum("nij,gji->ng", turns, np.asarray(group, dtype=np.float64))
    return np.asarray(turns[traces[:, 0] >= traces.max(axis=1) - 1e-9])


def turns_around(spacing: float) -> Floats:
    """27 small turns (27, 3, 3): none, and one step of `spacing` degrees about each axis."""
    steps = sorted(itertools.product((0, 1, -1), repeat=3), key=lambda s: sum(map(abs, s)))
    return np.stack([matrix_of_turn(spacing * np.array(step, np.float64)) for step in steps])


def crowther_spacing(diameter: float, detail: float) -> float:
    """Degrees by which a particle may be turned until its rim has moved by one detail.

    Parameters
    ----------
    diameter : float
        Of the particle in Å.
    detail : float
        The finest that is compared, in Å.
    """
    return float(np.clip(np.rad2deg(detail / diameter), _LEAST, _MOST))
