"""Images of a specimen at many tilts, with the noise of specimen, electrons and detector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, part, silent
from mapscope.simulate.tomogram.exposure import Exposure, chance
from mapscope.simulate.tomogram.image_noise import add_noise
from mapscope.simulate.tomogram.projection import Frame, contrast, slab_potentials
from mapscope.simulate.tomogram.specimen import ICE
from mapscope.simulate.tomogram.turned_plane import TiltedPlane, spline_coefficients
from mapscope.table import Plot, Table

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_DAMAGE = 4.0  # Å² of B-factor per electron and Å²


@dataclass(frozen=True, eq=False)
class TiltSeries:
    """Images of a specimen.

    Parameters
    ----------
    tilts : float64 array (n,)
        Degrees, rising.
    defoci : float64 array (n,)
        Å, positive for underfocus.
    doses : float64 array (n,)
        Electrons per Å² that the specimen had seen before the middle of each image.
    images, clean : float32 arrays (n, y, columns)
        Contrast in V Å, dense positive, with noise and without. The tilt axis lies in column
        ``columns // 2``; middles of image and specimen meet along y.
    signal, noise : float64 arrays (n,)
        Variance of the noise-free images and of the noise added to them where the specimen is
        seen, without structural noise, which is part of the specimen.
    """

    tilts: Floats
    defoci: Floats
    doses: Floats
    images: Singles
    clean: Singles
    signal: Floats = field(repr=False)
    noise: Floats = field(repr=False)

    def table(self) -> Table:
        """Tilt, defocus, dose and variances of each image."""
        columns = {
            "tilt": self.tilts,
            "defocus": self.defoci,
            "dose": self.doses,
            "signal_variance": self.signal,
            "noise_variance": self.noise,
        }
        units = {"tilt": "°", "defocus": "Å", "dose": "e/Å²"}
        plot = Plot("tilt", ("signal_variance", "noise_variance"), "tilt (°)", "variance")
        return Table(columns, units, plot)


def tilt_series(
    particles: npt.NDArray[np.float32],
    grain: npt.NDArray[np.float32],
    voxel_size: float,
    exposure: Exposure,
    *,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress = silent,
) -> TiltSeries:
    """Images of a specimen at all tilts.

    Parameters
    ----------
    particles : float32 array (z, y, x)
        Everything of interest, V above ice.
    grain : float32 array (z, y, x)
        What the ice adds, in V.
    voxel_size : float
        Å, also of the pixels.
    exposure : Exposure
        How they are taken.
    seed : int
        Equal seeds give equal noise.
    device : str
        What computes.
    progress : callable
        Called twice per tilt.

    Raises
    ------
    InputError
        If nothing of the specimen is seen.
    """
    tilts = np.asarray(exposure.tilts, dtype=np.float64)
    defoci = exposure.defocus + exposure.defocus_spread * chance(seed, "defocus").standard_normal(
        len(tilts)
    )
    farthest = float(defoci[np.abs(defoci).argmax()])
    fringes = exposure.microscope.fringes(farthest, voxel_size)
    frame = Frame.around(particles.shape, voxel_size, tilts, fringes=fringes)
    doses = exposure.doses()
    clean = np.empty((len(tilts), frame.rows, frame.columns), dtype=np.float32)
    images = np.empty_like(clean)
    view = _in_plane((particles, grain), device)
    step = part(progress, 0, 9, 10)
    for number, tilt in enumerate(tilts):
        step(number, len(tilts), "projection")
        plane = TiltedPlane((particles.shape[0], particles.shape[2]), float(tilt), frame.columns)
        random = chance(seed, "structural noise", number)
        both = _two_images(
            view, plane, frame, exposure, float(defoci[number]), float(doses[number]), random
        )
        clean[number], images[number] = (image.T.cpu().numpy() for image in both)
    seen = _seen(particles.shape, tilts, frame)
    signal = np.array([float(c[s].var()) for c, s in zip(clean, seen, strict=True)])
    if not signal.mean() > 0:
        raise InputError("the specimen holds nothing that the images show: give it particles")
    noise = add_noise(images, clean, seen, exposure, defoci, frame, seed, part(progress, 9, 10, 10))
    return TiltSeries(tilts, defoci, doses, images, clean, signal, noise)


def _in_plane(volumes: Sequence[Singles], device: str) -> torch.Tensor:
    """Volumes beside each other as a matrix (z · x, y of all, and a column of ones).

    They are spline coefficients across the tilt axis; the ones count voxels.
    """
    import torch

    parts = [spline_coefficients(volume, (0, 2)).transpose(0, 2, 1) for volume in volumes]
    parts.append(np.ones((*parts[0].shape[:2], 1), dtype=np.float32))
    matrix = np.concatenate(parts, axis=2)
    return torch.from_numpy(matrix.reshape(-1, matrix.shape[2])).to(device)


def _two_images(
    view: torch.Tensor,
    plane: TiltedPlane,
    frame: Frame,
    exposure: Exposure,
    defocus: float,
    dose: float,
    random: np.random.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise-free image, and one with the noise that is in the specimen, (columns, rows)."""
    import torch

    microscope = exposure.microscope
    slab = microscope.slab if microscope.method == "multislice" else None
    sums, heights = slab_potentials(view, plane, frame, slab)
    rows = sums.shape[2] // 2
    particles, grain, voxels = sums[..., :rows], sums[..., rows:-1], sums[..., -1:]
    deviation = voxels.clamp(min=0).sqrt() * (exposure.noise.structural * ICE)
    drawn = random.standard_normal(tuple(particles.shape), dtype=np.float32)
    changed = torch.from_numpy(drawn).to(particles.device) * deviation * frame.pixel_size**0.5
    spoiled = particles + grain + changed
    images = [contrast(p, heights, frame, microscope, defocus) for p in (particles, spoiled)]
    gain = exposure.detector.signal_gain(frame.frequency)
    gain = gain * np.exp(-_DAMAGE * dose * frame.frequency**2 / 4)
    factor = torch.as_tensor(gain.astype(np.float32)).to(particles.device)
    clean, noisy = (torch.fft.ifft2(torch.fft.fft2(image) * factor).real for image in images)
    return clean, noisy


def _seen(shape: tuple[int, ...], tilts: Floats, frame: Frame) -> list[tuple[slice, slice]]:
    """Rows and columns of each image where the whole depth of the specimen is seen.

    At a high tilt of a narrow specimen there may be none; then those of its middle third.
    """
    depth, height, width = shape
    first = frame.row_of(height)
    found = []
    for tilt in np.deg2rad(tilts):
        half = (width * abs(np.cos(tilt)) - depth * abs(np.sin(tilt))) / 2
        half = int(max(half, width * abs(np.cos(tilt)) / 6, 1))
        middle = frame.columns // 2
        found.append((slice(first, first + height), slice(middle - half, middle + half + 1)))
    return found
