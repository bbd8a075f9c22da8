"""What a contour level of a map means: a density, a number of σ, a volume, a mass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.enclosed import EnclosedVolume
from mapscope.progress import Progress
from mapscope.volume import Volume

Meaning: TypeAlias = Literal["value", "sigma", "volume", "mass"]

MEANINGS: dict[Meaning, tuple[str, str]] = {
    "value": ("density", ""),
    "sigma": ("σ above the mean", " σ"),
    "volume": ("enclosed volume", " Å³"),
    "mass": ("enclosed protein", " kDa"),
}
"""What a level can be given as: its words in a list, and its unit."""

BINS = 200


@dataclass(frozen=True, eq=False)
class MapLevels:
    """The levels of one map, and what each means.

    Parameters
    ----------
    enclosed : EnclosedVolume
        How much lies within each level; mean and standard deviation.
    edges : float array (n + 1,)
        Borders of the histogram's bins, from the smallest to the largest density.
    counts : float array (n,)
        Voxels in each.
    """

    enclosed: EnclosedVolume
    edges: npt.NDArray[np.float64]
    counts: npt.NDArray[np.float64]

    @classmethod
    def of(cls, volume: Volume, *, progress: Progress) -> MapLevels:
        """Measure a map: a second or so for a large one."""
        progress(0, 1, "measuring levels")
        enclosed = EnclosedVolume(volume)
        edges, counts = enclosed.histogram(BINS)
        return cls(enclosed, edges, counts)

    @property
    def low(self) -> float:
        """The smallest density."""
        return float(self.edges[0])

    @property
    def high(self) -> float:
        """The largest density; above the smallest even in a constant map."""
        return float(self.edges[-1])

    def number(self, level: float, meaning: Meaning) -> float:
        """What a level is in one of its meanings."""
        if meaning == "sigma":
            return self.enclosed.sigma_from_level(level)
        if meaning == "volume":
            return self.enclosed.volume_at(level)
        return self.enclosed.mass_kda(level) if meaning == "mass" else level

    def level(self, number: float, meaning: Meaning) -> float:
        """The level that a number means, within the densities of the map."""
        level = number
        if meaning == "sigma":
            level = self.enclosed.level_from_sigma(number)
        elif meaning == "volume":
            level = self.enclosed.level_for(number)
        elif meaning == "mass":
            level = self.enclosed.level_for_mass(number)
        return float(np.clip(level, self.low, self.high))
