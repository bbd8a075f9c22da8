"""A tomogram from a tilt series by weighted back-projection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.simulate.tomogram.turned_plane import TiltedPlane, product
from mapscope.volume import Shape

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]


def back_projected(
    images: npt.NDArray[np.float32],
    tilts: Sequence[float],
    shape: Shape,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> Singles:
    """Tomogram (z, y, x) in units of the images per voxel, by weighted back-projection.

    Every image is filtered by the ramp across the tilt axis and smeared along its beam, so that
    where tilts are close enough a coefficient between them is what it was, and beyond the
    outermost there is none. The sum of a projection, and so the mean of the tomogram, is lost
    but for what the ramp of finite images leaves.

    Parameters
    ----------
    images : float32 array (tilts, y, columns)
        Sums along the beam; the tilt axis is y and lies in column ``columns // 2``.
    tilts : sequence of float
        Degrees, at least two that rise.
    shape : tuple of int
        Of the tomogram; its y may be smaller than that of the images, which are then cut to
        the middle.
    device : str
        What computes.
    progress : callable
        Called once per tilt.

    Raises
    ------
    InputError
        If tilts do not rise, or are fewer or more than images.

    References
    ----------
    .. [1] Radermacher (2006) Weighted back-projection methods, in Electron Tomography, 245-273.
    """
    import torch

    angles = _checked(tilts, len(images))
    weights = _spacings(angles)
    depth, height, width = shape
    columns = images.shape[2]
    first = images.shape[1] // 2 - height // 2
    ramp = torch.as_tensor(_ramp(columns)).to(device)
    total = torch.zeros((depth * width, height), device=device)
    for number, tilt in enumerate(angles):
        progress(number, len(angles), "back-projection")
        image = torch.as_tensor(images[number, first : first + height].T.copy()).to(device)
        filtered = _filtered(image, ramp) * float(weights[number])
        total += product(TiltedPlane((depth, width), float(tilt), columns).smearing(), filtered)
    progress(1, 1, "back-projection")
    volume = total.reshape(depth, width, height).permute(0, 2, 1)
    return np.asarray(volume.contiguous().cpu().numpy())


def _checked(tilts: Sequence[float], number: int) -> Floats:
    """Tilts in degrees, checked."""
    angles = np.asarray(tilts, dtype=np.float64)
    if len(angles) != number or number < 2 or (np.diff(angles) <= 0).any():
        raise InputError(
            f"back-projection needs at least two tilts that rise, one for each image, got "
            f"{len(angles)} tilts and {number} images"
        )
    return angles


def _spacings(angles: Floats) -> Floats:
    """Radians that each tilt stands for: half the way to both neighbours."""
    steps = np.diff(np.deg2rad(angles))
    return np.asarray((np.append(steps, steps[-1]) + np.insert(steps, 0, steps[0])) / 2)


def _ramp(columns: int) -> Singles:
    """Gain of each frequency of a padded row of an image, (2 · columns // 2 + 1,).

    The ramp of a finite image (its kernel is 1/4 at 0 and ``-1 / (π n)²`` at odd places), times
    what makes spline coefficients of samples.
    """
    padded = 2 * columns
    place = np.minimum(np.arange(padded), padded - np.arange(padded))
    odd = place % 2 == 1
    kernel = np.zeros(padded)
    kernel[0] = 0.25
    kernel[odd] = -1 / (np.pi * place[odd]) ** 2
    to_spline = 3 / (2 + np.cos(2 * np.pi * np.fft.rfftfreq(padded)))
    return np.asarray(np.fft.rfft(kernel).real * to_spline, dtype=np.float32)


def _filtered(image: torch.Tensor, ramp: torch.Tensor) -> torch.Tensor:
    """An image (columns, y) filtered along its columns."""
    import torch

    columns = len(image)
    ft = torch.fft.rfft(image, n=2 * columns, dim=0)
    filtered: torch.Tensor = torch.fft.irfft(ft * ramp[:, None], n=2 * columns, dim=0)
    return filtered[:columns].contiguous()
