"""What microscope and tilt series leave of each frequency, in the frame of the tomogram."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.ctf import ctf
from mapscope.density.fourier import low_pass_gain
from mapscope.errors import InputError
from mapscope.picking.wedge import TiltRange
from mapscope.table import Table

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_EDGE = 0.1  # width of the low-pass filter's edge, in cut-off frequencies


@dataclass(frozen=True)
class Microscope:
    """How it images.

    Parameters
    ----------
    voltage : float
        kV.
    cs : float
        Spherical aberration in mm.
    amplitude_contrast : float
        0 to 1.
    is_flipped : bool
        Whether the phases of the tilts were flipped, so that no contrast is inverted.
    to_first_zero : bool
        Whether only frequencies below the first zero of the transfer function count.
    """

    voltage: float = 300.0
    cs: float = 2.7
    amplitude_contrast: float = 0.08
    is_flipped: bool = False
    to_first_zero: bool = False

    def transfer(self, frequency: Floats, defocus: float) -> Floats:
        """Factor on each frequency (1/Å) at a defocus in Å, positive at low frequencies."""
        values = ctf(
            frequency,
            defocus,
            voltage=self.voltage,
            cs=self.cs,
            amplitude_contrast=self.amplitude_contrast,
        )
        if self.to_first_zero:
            along = np.linspace(0.0, float(frequency.max(initial=0.0)), 4096)
            sign = ctf(
                along,
                defocus,
                voltage=self.voltage,
                cs=self.cs,
                amplitude_contrast=self.amplitude_contrast,
            )
            beyond = np.flatnonzero(sign < 0)
            if len(beyond):
                values = np.where(frequency < along[beyond[0]], values, 0.0)
        return np.asarray(np.abs(values) if self.is_flipped else values)


@dataclass(frozen=True)
class Tilt:
    """One image of a tilt series.

    Parameters
    ----------
    angle : float
        Degrees about the y axis.
    defocus : float, optional
        Å, positive for underfocus. None for an image without contrast transfer.
    dose : float
        e/Å² that the specimen had until then.
    """

    angle: float
    defocus: float | None = None
    dose: float = 0.0


@dataclass(frozen=True)
class Transfer:
    """What is left of each frequency.

    Parameters
    ----------
    tilts : tuple of Tilt
        Every image of the series. Where there are none, `tilt_range` says what was measured.
    tilt_range : TiltRange, optional
        None measures everything.
    defocus : float, optional
        Å, of the whole tomogram, for a series of which only the range is known.
    microscope : Microscope
        How it images.
    resolution : float, optional
        Å; finer detail does not count.
    """

    tilts: tuple[Tilt, ...] = ()
    tilt_range: TiltRange | None = None
    defocus: float | None = None
    microscope: Microscope = Microscope()
    resolution: float | None = None

    def weights(self, edge: int, voxel_size: float) -> Singles:
        """Factor on each coefficient of a template's box.

        Parameters
        ----------
        edge : int
            Voxels along each side of the box.
        voxel_size : float
            Å.

        Returns
        -------
        float32 array (edge, edge, edge // 2 + 1)
            For a transform of the non-negative half along x; 1 for frequency 0, which a
            template's mean replaces anyway.
        """
        k_z, k_y, k_x = _coefficients(edge)
        radius = np.sqrt(k_z**2 + k_y**2 + k_x**2) / (edge * voxel_size)
        if self.tilts:
            weight = self._of_tilts(k_z, k_x, radius)
        else:
            weight = np.ones(radius.shape)
            if self.tilt_range is not None:
                weight *= self.tilt_range.weights(edge, np.eye(3))
            if self.defocus is not None:
                weight *= self.microscope.transfer(radius, self.defocus)
        weight *= self.band(radius)
        weight[0, 0, 0] = 1.0
        return np.asarray(weight, dtype=np.float32)

    def band(self, frequency: Floats) -> Floats:
        """Factor on a frequency (1/Å) of template and tomogram alike."""
        if self.resolution is None:
            return np.ones(frequency.shape)
        return low_pass_gain(self.resolution, _EDGE / self.resolution)(frequency)

    def _of_tilts(self, k_z: Floats, k_x: Floats, radius: Floats) -> Floats:
        """The mean of what the tilts near each coefficient measure, 0 where there is none.

        A back-projection weighs frequencies that several tilts measure down, so that it is a
        mean. A tilt further up has more ice to pass, which takes the cosine of its signal.
        """
        total, number = np.zeros(radius.shape), np.zeros(radius.shape)
        for tilt in self.tilts:
            angle = np.deg2rad(tilt.angle)
            share = np.clip(1.0 - np.abs(k_z * np.cos(angle) - k_x * np.sin(angle)), 0.0, None)
            number += share
            gain = np.cos(angle) * np.exp(-tilt.dose * radius**2)
            if tilt.defocus is not None:
                gain = gain * self.microscope.transfer(radius, tilt.defocus)
            total += share * gain
        return np.asarray(total / np.maximum(number, 1.0))


def tilts_of_table(table: Table) -> tuple[Tilt, ...]:
    """The images that a table lists.

    Parameters
    ----------
    table : Table
        Columns ``tilt`` (degrees), and if known ``defocus`` (Å) and ``dose`` (e/Å² until then).

    Raises
    ------
    InputError
        If there is no column of tilts, or a number is none.
    """
    if "tilt" not in table.columns:
        raise InputError(
            f"a table of tilts needs a column 'tilt' in degrees, got {sorted(table.columns)}"
        )
    count = len(table)
    columns = {
        name: _numbers(table, name) if name in table.columns else None
        for name in ("tilt", "defocus", "dose")
    }
    angle, defocus, dose = columns["tilt"], columns["defocus"], columns["dose"]
    assert angle is not None
    return tuple(
        Tilt(
            float(angle[n]),
            None if defocus is None else float(defocus[n]),
            0.0 if dose is None else float(dose[n]),
        )
        for n in range(count)
    )


def _numbers(table: Table, name: str) -> Floats:
    """A column as finite numbers."""
    try:
        values = np.asarray(table[name], dtype=np.float64)
    except ValueError:
        values = np.array([np.nan])
    if not np.isfinite(values).all():
        raise InputError(f"the column {name!r} of the tilts must hold numbers: mend it")
    return values


def _coefficients(edge: int) -> tuple[Floats, Floats, Floats]:
    """Numbers of the coefficients along z, y and the half x, to be broadcast."""
    full: Floats = np.fft.fftfreq(edge, 1 / edge).astype(np.float64)
    return full[:, None, None], full[:, None], np.arange(edge // 2 + 1, dtype=np.float64)
