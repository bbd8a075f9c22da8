"""The point group of a map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from mapscope.density import find_symmetry as search
from mapscope.job import Show, job
from mapscope.progress import Progress, silent
from mapscope.table import Table
from mapscope.volume import Triple, Volume


@dataclass(frozen=True)
class FoundSymmetry:
    """A point group with its frame, and what else was tried.

    Parameters
    ----------
    tried : Table
        Each group that was tried, with its mean correlation.
    group : str
        The largest group that fits, or "none".
    correlation : float
        Mean correlation of the map with its rotated copies.
    axis : three floats
        Unit vector of the main axis, z, y, x.
    centre : three floats
        Å, z, y, x: as *Apply symmetry* takes it.
    turn : three floats
        Degrees, z, y, x: as *Apply symmetry* takes it.
    """

    tried: Table
    group: str
    correlation: float
    axis: Triple
    centre: Triple
    turn: Triple


@job(menu="napari/layers/measure", memory=8.0)
def find_symmetry(
    volume: Volume,
    *,
    most_fold: Annotated[int, Field(ge=2, le=30)] = 12,
    least_correlation: Annotated[float, Field(gt=0, lt=1)] = search.LEAST_CORRELATION,
    resolution: Annotated[float, Field(gt=0), Show(unit="Å", more=True)] = 8.0,
    seed: Annotated[int, Field(ge=0), Show(more=True)] = 0,
    progress: Progress = silent,
) -> FoundSymmetry:
    """Point group under which a map fits itself, with its axis and centre, or "none".

    Axes of every order are looked for in all directions, refined together with the centre, and
    tried as the main axis of C, D, T, O and I. What fits itself after any rotation, and the
    smooth outline, count for nothing, so that a rod is not two-fold nor a disc many-fold.

    Parameters
    ----------
    volume : Volume
        A map of a whole particle.
    most_fold : int
        Highest order of an axis that is looked for.
    least_correlation : float
        Mean correlation with the rotated copies from which on it is a symmetry.
    resolution : float
        Detail that is compared; coarser in large maps.
    seed : int
        Of the positions at which copies are compared.
    progress : Progress
        Called once per fifty directions and once per group.

    Returns
    -------
    found : FoundSymmetry
        The group, its frame, and all that was tried.

    Raises
    ------
    DataError
        If the map is constant, or nothing in it stands above the solvent.
    """
    found = search.find_symmetry(
        volume,
        most_fold=most_fold,
        least_correlation=least_correlation,
        resolution=resolution,
        seed=seed,
        progress=progress,
    )
    tried = Table(
        {
            "group": np.array([name for name, _ in found.tried]),
            "correlation": np.array([score for _, score in found.tried]),
        }
    )
    return FoundSymmetry(
        tried,
        found.group,
        found.correlation,
        found.axis,
        found.centre,
        found.turn,
    )
