"""What is fitted into a map, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.pose import Poses
from mapscope.density.probe import Probe, probe_of
from mapscope.volume import Volume

Floats: TypeAlias = npt.NDArray[np.float64]
Kind: TypeAlias = Literal["best", "symmetry of the body", "symmetry of the map", "other"]

LEAST_SIGNIFICANCE = 5.0
"""Standard deviations above wrong fits from which on a fit is true; wrong ones reach about 3."""


@dataclass(frozen=True, eq=False)
class Body:
    """What is to be fitted.

    Parameters
    ----------
    density : callable
        Its density alone at a resolution in Å, as `without_detail` would leave it.
    pivot : float64 array (3,)
        Å, z, y, x: its centre, about which it turns.
    radius : float
        Radius of gyration in Å.
    reach : float
        Å from the pivot to its farthest point.
    share : float
        Least density that belongs to it, as a share of the highest.
    """

    density: Callable[[float], Volume]
    pivot: Floats
    radius: float
    reach: float
    share: float = 0.1

    def probe(self, resolution: float) -> Probe:
        """Its points at a resolution."""
        volume = self.density(resolution)
        return probe_of(volume, self.pivot, self.share * float(volume.data.max()))

    @property
    def start(self) -> Poses:
        """Where it is."""
        return Poses(np.eye(3)[None], self.pivot[None])


@dataclass(frozen=True, eq=False)
class Fits:
    """Poses of a body in a map, best first, and what wrong ones would give.

    Parameters
    ----------
    poses : Poses
        Of the body's pivot.
    correlations : float64 array (n,)
        About the mean, of both densities over the body's own points.
    kinds : tuple of str
        What each is to the best: a copy of it by the body's or by the map's symmetry, or
        another place.
    wrong : float64 array (m,)
        Correlations of wrong fits: of the body elsewhere, and of its mirror image.
    """

    poses: Poses
    correlations: Floats
    kinds: tuple[Kind, ...]
    wrong: Floats

    @cached_property
    def significance(self) -> float:
        """How far the best is above wrong fits, in their standard deviations.

        The median and the median deviation from it stand for mean and standard deviation, so
        that a few of the wrong fits may be half right.
        """
        middle = float(np.median(self.wrong))
        spread = 1.4826 * float(np.median(np.abs(self.wrong - middle)))
        return float((self.correlations[0] - middle) / max(spread, 1e-6))

    @property
    def is_true(self) -> bool:
        """Whether the body belongs where it was put."""
        return self.significance >= LEAST_SIGNIFICANCE
