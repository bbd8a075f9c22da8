"""What a microscope sees of a specimen at one tilt, before noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.ctf import aberration, ctf, wavelength
from mapscope.errors import InputError
from mapscope.simulate.grid import fast_size
from mapscope.simulate.tomogram.turned_plane import TiltedPlane, product

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Method: TypeAlias = Literal["multislice", "projection"]

_ELECTRON_MASS_KEV = 510.99895
_MARGIN = 8


@dataclass(frozen=True)
class Microscope:
    """How images form.

    Parameters
    ----------
    voltage : float
        kV.
    cs : float
        Spherical aberration in mm.
    amplitude_contrast : float
        Share, 0 to 1.
    decay : float, optional
        1/Å, standard deviation of a Gaussian envelope of the CTF. None: no envelope.
    slab : float
        Å of a slab of the multislice method.
    method : {"multislice", "projection"}
        Slab after slab, with the defocus of each, or all at once at the defocus of the middle.
    """

    voltage: float = 300.0
    cs: float = 2.7
    amplitude_contrast: float = 0.08
    decay: float | None = 0.4
    slab: float = 50.0
    method: Method = "multislice"

    @property
    def interaction(self) -> float:
        """Phase in radians per V Å that potential turns a wave by.

        References
        ----------
        .. [1] Kirkland (2010) Advanced Computing in Electron Microscopy, eq. 5.6.
        """
        kinetic = self.voltage
        whole = _ELECTRON_MASS_KEV + kinetic
        factor = whole / (2 * _ELECTRON_MASS_KEV + kinetic)
        return float(2 * np.pi / (wavelength(self.voltage) * kinetic * 1e3) * factor)

    def fringes(self, defocus: float, pixel_size: float) -> float:
        """Å that defocus moves the finest detail of pixels by."""
        return wavelength(self.voltage) * abs(defocus) / (2 * pixel_size)

    def ctf(self, frequency: npt.ArrayLike, defocus: float) -> Floats:
        """Its CTF; see :func:`mapscope.density.ctf.ctf`."""
        return ctf(
            frequency,
            defocus,
            voltage=self.voltage,
            cs=self.cs,
            amplitude_contrast=self.amplitude_contrast,
            decay=self.decay,
        )


@dataclass(frozen=True)
class Frame:
    """The pixels of an image: all that a specimen can reach at any tilt, and a margin.

    Parameters
    ----------
    columns, rows : int
        Pixels across the tilt axis and along it.
    pixel_size : float
        Å.
    """

    columns: int
    rows: int
    pixel_size: float

    @classmethod
    def around(
        cls,
        shape: tuple[int, int, int],
        voxel_size: float,
        tilts: npt.ArrayLike,
        *,
        fringes: float = 0.0,
    ) -> Frame:
        """The frame for a specimen of so many voxels, z, y, x.

        Parameters
        ----------
        shape : tuple of int
            Voxels, z, y, x.
        voxel_size : float
            Å, also of the pixels.
        tilts : array
            Degrees.
        fringes : float
            Å that they reach: so far from one edge to the other where images go round.
        """
        depth, height, width = shape
        angle = np.deg2rad(np.asarray(tilts, dtype=np.float64))
        seen = (width * np.abs(np.cos(angle)) + depth * np.abs(np.sin(angle))).max()
        margin = max(2 * _MARGIN, int(np.ceil(fringes / voxel_size)))
        columns = fast_size(int(np.ceil(seen)) + margin)
        return cls(columns, fast_size(height + margin), voxel_size)

    @property
    def frequency(self) -> Floats:
        """Of each coefficient of a full transform in 1/Å, (columns, rows)."""
        along, across = (np.fft.fftfreq(n, self.pixel_size) for n in (self.columns, self.rows))
        return np.asarray(np.hypot(along[:, None], across))

    def row_of(self, height: int) -> int:
        """Row of a specimen's first voxel along y."""
        return self.rows // 2 - height // 2


def slab_potentials(
    specimen: torch.Tensor, plane: TiltedPlane, frame: Frame, slab: float | None
) -> tuple[torch.Tensor, Floats]:
    """Potential of each slab across the beam, V Å, and heights of their middles in Å.

    Parameters
    ----------
    specimen : float32 tensor (z · x, y)
        Spline coefficients of V above ice.
    plane : TiltedPlane
        How z and x are seen.
    frame : Frame
        The image.
    slab : float, optional
        Å. None: one for everything.

    Returns
    -------
    float32 tensor (slabs, columns, y), float64 array (slabs,)
    """
    thickness = None if slab is None else max(1, round(slab / frame.pixel_size))
    matrix, heights = plane.slabs(thickness)
    sums = product(matrix, specimen) * frame.pixel_size
    return sums.reshape(len(heights), frame.columns, -1), heights * frame.pixel_size


def contrast(
    potentials: torch.Tensor,
    heights: Floats,
    frame: Frame,
    microscope: Microscope,
    defocus: float,
) -> torch.Tensor:
    """Contrast of an image in V Å, dense positive, (columns, rows).

    Where the specimen is thin and weak this is its projected potential times the CTF; the
    intensity is ``1 - 2 σ · contrast`` with the microscope's interaction σ.

    Parameters
    ----------
    potentials : float32 tensor (slabs, columns, y)
        Of each slab in V Å, the first met first.
    heights : float64 array (slabs,)
        Å of their middles over the tilt axis, along the beam.
    frame : Frame
        The image.
    microscope : Microscope
        How it forms.
    defocus : float
        Å at the tilt axis, positive for underfocus; it grows along the beam.

    Raises
    ------
    InputError
        If the method is unknown.
    """
    import torch

    first = frame.row_of(potentials.shape[2])
    padding = (first, frame.rows - first - potentials.shape[2])
    padded = torch.nn.functional.pad(potentials, padding)
    if microscope.method == "projection":
        gain = _like(microscope.ctf(frame.frequency, defocus), padded)
        image: torch.Tensor = torch.fft.ifft2(torch.fft.fft2(padded.sum(dim=0)) * gain).real
        return image
    if microscope.method != "multislice":
        raise InputError(f"images form by multislice or projection, not by {microscope.method!r}")
    return _multislice(padded, heights, frame, microscope, defocus)


def _multislice(
    potentials: torch.Tensor,
    heights: Floats,
    frame: Frame,
    microscope: Microscope,
    defocus: float,
) -> torch.Tensor:
    """Contrast by sending a wave through slab after slab.

    What is followed is the scattered part, the wave less 1, since single precision holds its
    small numbers better.

    References
    ----------
    .. [1] Cowley & Moodie (1957) Acta Cryst. 10, 609-619.
    """
    import torch

    frequency = frame.frequency
    fresnel = np.pi * wavelength(microscope.voltage) * frequency**2
    step = float(heights[1] - heights[0]) if len(heights) > 1 else 0.0
    scattered = torch.zeros(potentials.shape[1:], dtype=torch.complex64, device=potentials.device)
    free_flight = _like(np.exp(-1j * fresnel * step), scattered)
    for number, potential in enumerate(potentials):
        change = _transmitted(potential * microscope.interaction, microscope.amplitude_contrast)
        scattered = scattered + change * (1 + scattered)
        if number + 1 < len(heights):
            scattered = torch.fft.ifft2(torch.fft.fft2(scattered) * free_flight)
    chi = aberration(frequency, defocus + heights[-1], voltage=microscope.voltage, cs=microscope.cs)
    lens = np.exp(1j * chi)
    if microscope.decay is not None:
        lens *= np.exp(-0.5 * (frequency / microscope.decay) ** 2)
    seen = torch.fft.ifft2(torch.fft.fft2(scattered) * _like(lens, scattered))
    missing: torch.Tensor = -2 * seen.real - seen.abs().square()
    return missing / (2 * microscope.interaction)


def _transmitted(phase: torch.Tensor, absorbed: float) -> torch.Tensor:
    """What a slab makes of a wave of 1, less 1: ``exp(i e^{i asin A} φ) - 1``."""
    import torch

    turned = np.sqrt(1 - absorbed**2) * phase
    faded = torch.expm1(-absorbed * phase)
    real = faded * torch.cos(turned) - 2 * torch.sin(turned / 2).square()
    return torch.complex(real, (1 + faded) * torch.sin(turned))


def _like(values: npt.NDArray[np.generic], example: torch.Tensor) -> torch.Tensor:
    """Values in single precision where a tensor is."""
    import torch

    single = np.complex64 if np.iscomplexobj(values) else np.float32
    return torch.as_tensor(values.astype(single)).to(example.device)
