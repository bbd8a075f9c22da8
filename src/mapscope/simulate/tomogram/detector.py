"""What a detector does to images: its transfer function and its noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.files.stream import read_text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A measured curve over the detector's frequencies, from 0 to its Nyquist frequency.

    Parameters
    ----------
    share : float64 array (n,)
        Frequency as a share of Nyquist, rising.
    value : float64 array (n,)
        0 to 1.

    Raises
    ------
    InputError
        If frequencies do not rise or values are not between 0 and 1.
    """

    share: Floats
    value: Floats

    def __post_init__(self) -> None:
        if len(self.share) < 2 or (np.diff(self.share) <= 0).any() or self.share[0] < 0:
            raise InputError(
                "a detector's curve needs at least two frequencies that rise from 0 on, "
                f"got {len(self.share)} lines"
            )
        if not ((self.value >= 0) & (self.value <= 1)).all():
            raise InputError(
                "a detector's curve lies between 0 and 1, got "
                f"{self.value.min():g} to {self.value.max():g}"
            )

    @classmethod
    def read(cls, path: Path) -> Curve:
        """The curve in a text file of two columns: share of Nyquist, value.

        Raises
        ------
        InputError
            If a line is something else.
        """
        rows = []
        for number, line in enumerate(read_text(path).splitlines(), start=1):
            words = line.replace(",", " ").split()
            if not words or words[0].startswith("#"):
                continue
            try:
                share, value = (float(word) for word in words)
            except ValueError:
                raise InputError(
                    f"{path.name}, line {number}: expected two numbers (share of the Nyquist "
                    f"frequency, value), got {line.strip()!r}"
                ) from None
            rows.append((share, value))
        table = np.array(rows, dtype=np.float64).reshape(-1, 2)
        return cls(table[:, 0], table[:, 1])

    def at(self, share: npt.ArrayLike) -> Floats:
        """Its values at shares of Nyquist, straight between points, level beyond the last.

        Below the first point the line through the first two goes on, up to 1.
        """
        wanted = np.asarray(share, dtype=np.float64)
        slope = (self.value[1] - self.value[0]) / (self.share[1] - self.share[0])
        before = np.minimum(self.value[0] + slope * (wanted - self.share[0]), 1.0)
        inside = np.interp(wanted, self.share, self.value)
        return np.asarray(np.where(wanted < self.share[0], before, inside))


@dataclass(frozen=True, eq=False)
class Detector:
    """A camera.

    Parameters
    ----------
    mtf : Curve, optional
        Modulation transfer function. None: 1 everywhere.
    dqe : Curve, optional
        Detective quantum efficiency. None: 1 everywhere.
    pixel_size : float
        Å of the specimen that a physical pixel covers; its Nyquist frequency is what the curves
        count by.

    References
    ----------
    .. [1] McMullan et al. (2009) Ultramicroscopy 109, 1126-1143.
    """

    mtf: Curve | None = None
    dqe: Curve | None = None
    pixel_size: float = 2.5

    def signal_gain(self, frequency: npt.ArrayLike) -> Floats:
        """What is left of the contrast at frequencies in 1/Å."""
        return self._at(self.mtf, frequency)

    def efficiency(self, frequency: npt.ArrayLike) -> Floats:
        """Detective quantum efficiency at frequencies in 1/Å."""
        return self._at(self.dqe, frequency)

    def noise_gain(self, frequency: npt.ArrayLike) -> Floats:
        """Amplitude of counted electrons' noise at frequencies in 1/Å: ``MTF / sqrt(DQE)``."""
        efficiency = np.maximum(self.efficiency(frequency), 1e-6)
        return np.asarray(self.signal_gain(frequency) / np.sqrt(efficiency))

    def _at(self, curve: Curve | None, frequency: npt.ArrayLike) -> Floats:
        share = np.asarray(frequency, dtype=np.float64) * 2 * self.pixel_size
        return np.ones_like(share) if curve is None else curve.at(np.minimum(share, 1.0))
