"""Fits of a body in a map as a table, and in words."""

from __future__ import annotations

import numpy as np

from mapscope.density.body import LEAST_SIGNIFICANCE, Body, Fits
from mapscope.density.symmetry import turn_of_matrix
from mapscope.table import Table


def table_of(fits: Fits, body: Body) -> Table:
    """The fits, best first: how good, how far from the best, what kind, and by which move.

    A move turns the body by the rotation vector (`turn_z`, `turn_y`, `turn_x`) in degrees about
    its centre, and then shifts it.

    Parameters
    ----------
    fits : Fits
        Of the body.
    body : Body
        Where it was.
    """
    turns = np.array([turn_of_matrix(matrix) for matrix in fits.poses.rotations])
    shifts = fits.poses.positions - body.pivot
    columns = {
        "rank": np.arange(1, len(fits.poses) + 1),
        "correlation": fits.correlations,
        "kind": np.array(fits.kinds),
        "distance_from_best": fits.poses.distances(fits.poses[0], body.radius),
    }
    columns |= {f"turn_{axis}": turns[:, k] for k, axis in enumerate("zyx")}
    columns |= {f"shift_{axis}": shifts[:, k] for k, axis in enumerate("zyx")}
    units = {"distance_from_best": "Å"}
    units |= {f"turn_{axis}": "°" for axis in "zyx"} | {f"shift_{axis}": "Å" for axis in "zyx"}
    return Table(columns, units)


def verdict_on(fits: Fits) -> str:
    """One line: whether the fit is true, and how many equal ones symmetry gives."""
    score = (
        f"its correlation {fits.correlations[0]:.2f} is {fits.significance:.1f} standard "
        f"deviations above wrong fits"
    )
    if not fits.is_true:
        return f"no true fit: {score}, and at least {LEAST_SIGNIFICANCE:g} are needed"
    copies = sum(kind.startswith("symmetry") for kind in fits.kinds)
    equals = f"; {copies} more by symmetry" if copies else ""
    return f"true fit: {score}{equals}"
