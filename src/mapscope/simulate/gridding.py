"""Fourier coefficients of scattering atoms, by spreading and one fast transform for each function.

Each atom is spread over a few voxels by one narrow kernel, whose own transform is divided out
afterwards; how it scatters is a weight in a few channels, each multiplied by a function of the
frequency. The result holds to 1e-4 or better whatever the atoms' widths and the voxel size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.progress import Progress, part, silent
from mapscope.simulate.blocks import Blobs, add_blobs
from mapscope.simulate.grid import fast_size
from mapscope.simulate.kernel import OVERSAMPLING, kernel_transform, spreading_kernel
from mapscope.simulate.radial import RadialBasis

if TYPE_CHECKING:
    import torch

Floats: TypeAlias = npt.NDArray[np.float64]
Gain: TypeAlias = Callable[[Floats], Floats]

_WIDTH = 8
CHANNEL_BYTES = 2**29
"""Most that the channels which are spread together take."""

_FINE = 2**16
_JUST_BEYOND = 1 + 1e-6
"""A coefficient exactly at the resolution counts, however its frequency was rounded."""


@dataclass(frozen=True)
class Box:
    """A periodic box in which coefficients are computed.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the map that is wanted, z, y, x; even.
    voxel_size : tuple of float
        Å.
    highest : float
        1/Å beyond which coefficients are 0.
    """

    shape: tuple[int, int, int]
    voxel_size: tuple[float, float, float]
    highest: float

    @property
    def edges(self) -> tuple[float, ...]:
        """Å, z, y, x."""
        return tuple(n * v for n, v in zip(self.shape, self.voxel_size, strict=True))

    @property
    def spread_shape(self) -> tuple[int, ...]:
        """Voxels of the grid that atoms are spread on."""
        return tuple(
            max(fast_size(math.ceil(2 * OVERSAMPLING * self.highest * edge)), 2 * _WIDTH)
            for edge in self.edges
        )

    @property
    def band(self) -> tuple[int, ...]:
        """Highest index along z, y, x at which coefficients may differ from 0."""
        return tuple(
            min(math.floor(self.highest * edge * _JUST_BEYOND), (n - 1) // 2, (m - 1) // 2)
            for edge, n, m in zip(self.edges, self.shape, self.spread_shape, strict=True)
        )


def room(highest: float) -> float:
    """Å that atoms must keep from the sides of a box."""
    return (_WIDTH / 2 + 1) / (2 * OVERSAMPLING * highest)


def coefficients(
    positions: Floats,
    basis: RadialBasis,
    gain: Gain,
    box: Box,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> torch.Tensor:
    """Fourier coefficients of atoms times a gain, within the box's band.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Å from the centre of voxel (0, 0, 0), at least `room` within the sides.
    basis : RadialBasis
        How they scatter.
    gain : callable
        Factor at frequencies in 1/Å.
    box : Box
        Where.
    device : str
        What computes.
    progress : callable
        Called once per batch of atoms and channel.

    Returns
    -------
    complex64 tensor (2 z + 1, 2 y + 1, x + 1)
        For indices -band to band along z and y and 0 to band along x, as ``∫ density
        exp(-2πi s·r)``.
    """
    import torch

    shape = box.spread_shape
    scale = [m / edge for m, edge in zip(shape, box.edges, strict=True)]
    points = torch.as_tensor(positions * np.asarray(scale))
    index = points.to(device, torch.float32 if device == "mps" else torch.float64)
    weights = torch.as_tensor(basis.weights).to(device)
    number = torch.zeros(len(index), dtype=torch.int64, device=device)
    points_of_table = np.linspace(0, basis.highest, basis.table.shape[1])
    table = _finer(basis.table * gain(points_of_table)).to(device)
    place = radius_of(box).to(device).mul_((table.shape[1] - 1) / basis.highest)
    nearest = place.add_(0.5).clamp_(max=table.shape[1] - 1).int()
    together = max(1, int(CHANNEL_BYTES // (4 * math.prod(shape))))
    channels = weights.shape[1]
    result = None
    for first in range(0, channels, together):
        last = min(first + together, channels)
        tell = part(progress, first, last, channels)
        spread = torch.zeros((1, *shape, last - first), dtype=torch.float32, device=device)
        blobs = Blobs(index, number, weights[:, first:last], (_WIDTH // 2,) * 3)
        add_blobs(spread, blobs, _profile, progress=tell)
        for channel in range(first, last):
            tell(1, 1, "Fourier transform")
            waves = _banded(spread[0, ..., channel - first].contiguous(), box.band)
            waves *= table[channel][nearest]
            result = waves if result is None else result.add_(waves)
    assert result is not None
    for axis, (m, band) in enumerate(zip(shape, box.band, strict=True)):
        share = np.arange(-band if axis < 2 else 0, band + 1) / m
        factor = torch.as_tensor((1 / kernel_transform(share, _WIDTH)).astype(np.float32)).to(
            device
        )
        result *= factor.reshape([-1 if a == axis else 1 for a in range(3)])
    return cut(result, box)


def density_of(waves: torch.Tensor, box: Box) -> torch.Tensor:
    """The map that coefficients within a band make, float32 (z, y, x)."""
    import torch

    nz, ny, nx = box.shape
    # One axis after the other, so that what is 0 is not transformed.
    planes = torch.fft.ifft(_unfolded(waves, 0, nz), dim=0, norm="forward")
    rows = torch.fft.ifft(_unfolded(planes, 1, ny), dim=1, norm="forward")
    data: torch.Tensor = torch.fft.irfft(rows, n=nx, dim=2, norm="forward")
    return data.div_(math.prod(box.edges))


def _unfolded(waves: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """Indices -band to band along an axis, put where a transform of `size` has them."""
    band = waves.shape[axis] // 2
    shape = list(waves.shape)
    shape[axis] = size
    whole = waves.new_zeros(shape)
    whole.narrow(axis, 0, band + 1).copy_(waves.narrow(axis, band, band + 1))
    if band:
        whole.narrow(axis, size - band, band).copy_(waves.narrow(axis, 0, band))
    return whole


def band_of(data: torch.Tensor, box: Box) -> torch.Tensor:
    """Coefficients of a map (z, y, x) of the box within its band."""
    return _banded(data, box.band) * math.prod(box.voxel_size)


def radius_of(box: Box) -> torch.Tensor:
    """Frequency of each coefficient of the band in 1/Å, float32."""
    import torch

    squares = [
        (np.arange(-band if axis < 2 else 0, band + 1) / edge) ** 2
        for axis, (band, edge) in enumerate(zip(box.band, box.edges, strict=True))
    ]
    z, y, x = (torch.as_tensor(square) for square in squares)
    return torch.sqrt(((z[:, None] + y)[..., None] + x).float())


def cut(waves: torch.Tensor, box: Box) -> torch.Tensor:
    """Coefficients of a band with 0 beyond the highest frequency, in place."""
    beyond = radius_of(box) > box.highest * _JUST_BEYOND
    return waves.masked_fill_(beyond.to(waves.device), 0)


def _banded(data: torch.Tensor, band: tuple[int, ...]) -> torch.Tensor:
    """Transform of a map, from -band to band along z and y and from 0 along x."""
    import torch

    kz, ky, kx = band
    # One axis after the other, so that what is cut away is not transformed further.
    waves = torch.fft.rfft(data, dim=2)[..., : kx + 1]
    waves = torch.fft.fft(waves, dim=1)
    waves = torch.cat([waves[:, waves.shape[1] - ky :], waves[:, : ky + 1]], dim=1)
    waves = torch.fft.fft(waves, dim=0)
    return torch.cat([waves[waves.shape[0] - kz :], waves[: kz + 1]], dim=0)


def _finer(table: Floats) -> torch.Tensor:
    """Functions at so many more points that the nearest one will do, float32."""
    import torch

    rows = torch.as_tensor(table)[None]
    fine = torch.nn.functional.interpolate(rows, _FINE, mode="linear", align_corners=True)
    return fine[0].float()


def _profile(offsets: torch.Tensor, *_: object) -> torch.Tensor:
    """The spreading kernel, 0 beyond half its width."""
    return spreading_kernel(offsets, _WIDTH).mul_(offsets.abs() < _WIDTH / 2)
