"""A flat solvent around atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.zone import mask_around_positions
from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.simulate.form_factors import Radiation
from mapscope.volume import Grid, Volume

LEVELS: dict[Radiation, float] = {"electrons": 0.0946, "x_rays": 0.334}
"""Density of vitreous ice in Å⁻² (4.53 V) and of water in electrons per Å³."""


@dataclass(frozen=True)
class Solvent:
    """A solvent of one density everywhere but near atoms.

    Parameters
    ----------
    level : float, optional
        Its density: Å⁻² for electrons, electrons per Å³ for X-rays. None: that of `LEVELS`.
    radius : float
        Å from an atom up to which there is none.
    edge : float
        Å over which it then begins, as a raised cosine.

    References
    ----------
    Vulović et al. (2013) J. Struct. Biol. 183, 19: 4.53 V for vitreous ice.
    Jiang & Brünger (1994) J. Mol. Biol. 243, 100: the flat model with a soft boundary.
    """

    level: float | None = None
    radius: float = 2.5
    edge: float = 3.0

    def displaced(
        self, grid: Grid, positions: npt.ArrayLike, *, progress: Progress = silent
    ) -> npt.NDArray[np.float32]:
        """Share of each voxel that atoms keep free of solvent, 0 to 1, (z, y, x).

        Parameters
        ----------
        grid : Grid
            The voxels.
        positions : array (n, 3)
            Å, z, y, x.
        progress : callable
            Called once per slab.

        Raises
        ------
        InputError
            If a length is negative.
        """
        empty = Volume(np.zeros(grid.shape, np.int8), grid.voxel_size, grid.origin)
        mask = mask_around_positions(empty, positions, self.radius, self.edge, progress=progress)
        return np.asarray(mask.data)

    def density(self, radiation: Radiation) -> float:
        """Its density.

        Raises
        ------
        InputError
            If it is negative.
        """
        level = LEVELS[radiation] if self.level is None else self.level
        if level < 0:
            raise InputError(f"a solvent has a density of at least 0, got {level}")
        return level
