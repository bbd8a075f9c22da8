"""Which frequencies a tilt series measures, in the frame of a particle that lies anyhow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TiltRange:
    """The lowest and the highest tilt of a series about the y axis, the beam along z.

    A projection at tilt θ adds up what lies at equal ``x cos θ + z sin θ``, so that it measures
    the frequencies with ``k_z = k_x tan θ``.

    Parameters
    ----------
    lowest, highest : float
        Degrees, between -90 and 90.

    Raises
    ------
    InputError
        If the range is none.
    """

    lowest: float
    highest: float

    def __post_init__(self) -> None:
        if not -90 <= self.lowest < self.highest <= 90:
            raise InputError(
                f"tilts must rise between -90 and 90 degrees, got {self.lowest} to {self.highest}"
            )

    def weights(self, edge: int, rotation: npt.ArrayLike) -> Singles:
        """Whether each coefficient of a particle's box was measured, 0 to 1 over one coefficient.

        Parameters
        ----------
        edge : int
            Voxels along each side of the box.
        rotation : array (3, 3)
            The particle's: ``p_tomogram = R @ p_template + position``.

        Returns
        -------
        float32 array (edge, edge, edge // 2 + 1)
            In the template's frame, for a transform of the non-negative half along x; 1 for
            frequency 0.
        """
        k_z, _, k_x = self._in_tomogram(edge, rotation)
        # Distances from the planes of the outermost tilts, in coefficients.
        sign = np.where(k_x < 0, np.float32(-1), np.float32(1))
        height, along = sign * k_z, np.abs(k_x)
        low, high = np.deg2rad([self.lowest, self.highest]).astype(np.float32)
        inside = np.minimum(
            along * np.sin(high) - height * np.cos(high),
            height * np.cos(low) - along * np.sin(low),
        )
        weight = np.clip(inside + np.float32(0.5), 0.0, 1.0)
        weight[0, 0, 0] = 1.0
        return np.asarray(weight, dtype=np.float32)

    @staticmethod
    def _in_tomogram(edge: int, rotation: npt.ArrayLike) -> tuple[Singles, Singles, Singles]:
        """Where the box's frequencies lie in the tomogram: z, y, x in coefficients."""
        full = np.fft.fftfreq(edge, 1 / edge)
        half = np.arange(edge // 2 + 1)
        matrix = np.asarray(rotation, dtype=np.float64)
        z, y, x = (
            (row[0] * full[:, None, None] + row[1] * full[:, None] + row[2] * half).astype(
                np.float32
            )
            for row in matrix
        )
        return z, y, x
