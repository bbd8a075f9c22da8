"""Density of many small windows, fast: as `simulate_map` makes it, to about 1 %.

Where that one takes as many functions of the frequency as a structure's own atoms need for 1e-4,
and a grid of its own for spreading them, here a few functions are made once for all structures,
and atoms are spread on the window's voxels.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import gemmi
import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import low_pass_gain
from mapscope.errors import GridError
from mapscope.simulate import form_factors
from mapscope.simulate.form_factors import Radiation
from mapscope.simulate.grid import fast_size
from mapscope.simulate.kernel import kernel_transform, spreading_kernel

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.floating]

MARGIN = 2.5
"""Resolutions around a window in which atoms count; what others ring into it is left out."""

HIGHEST_B = 500.0
"""Å²; atoms above it are taken as of it."""

_COMMON = (6, 7, 8, 15, 16)
_HEAVIEST = 98
_B_STEP = 2.0
_POINTS = 256
_BASIS_TOLERANCE = 8e-3
_KERNEL_TOLERANCE = 3e-3
_WIDEST = 12


def window_density(
    positions: npt.NDArray[np.float64],
    elements: npt.NDArray[np.uint8],
    b_factors: Floats,
    occupancies: Floats,
    *,
    size: int,
    voxel_size: float,
    resolution: float,
    radiation: Radiation = "electrons",
    soft_edge: float = 0.3,
    device: str = "cpu",
) -> torch.Tensor:
    """Density of atoms on a cube, float32 (z, y, x), in the units of `simulate_map`.

    Parameters
    ----------
    positions : float64 array (atoms, 3)
        Å from the centre of voxel (0, 0, 0), z, y, x. Those farther outside the cube than
        `MARGIN` resolutions are left out.
    elements : uint8 array (atoms,)
        Atomic numbers; those of 0 are left out. Hydrogens are round.
    b_factors, occupancies : float arrays (atoms,)
        Å², and 0 to 1.
    size : int
        Voxels along each edge.
    voxel_size : float
        Å.
    resolution : float
        Å; finer detail is cut away.
    radiation : {"electrons", "x_rays"}
        What sees the atoms.
    soft_edge : float
        Width of the cut's raised cosine, as a share of its frequency.
    device : str
        What computes.

    Raises
    ------
    GridError
        If the voxels are too coarse for the resolution.
    """
    import torch

    highest = (1 + soft_edge / 2) / resolution
    width = _kernel_width(voxel_size, highest)
    pad = math.ceil(MARGIN * resolution / voxel_size)
    edge = fast_size(size + 2 * pad)
    places = positions / voxel_size + pad
    inside = ((places >= 0) & (places < size + 2 * pad)).all(axis=1) & (elements > 0)
    weights = _weights(_basis(radiation, highest), elements[inside], b_factors[inside])
    weights *= occupancies[inside, None].astype(np.float32)
    spread = _spread(
        torch.as_tensor(places[inside]).to(device, torch.float32),
        torch.as_tensor(weights).to(device),
        edge,
        width,
    )
    gains = _gains(radiation, resolution, soft_edge, edge, voxel_size, width, device)
    waves = _transformed(spread, gains)
    inner = slice(pad, pad + size)
    density: torch.Tensor = torch.fft.irfftn(waves, s=(edge,) * 3)
    return density[inner, inner, inner].contiguous()


def _transformed(spread: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
    """Sum of the channels' transforms, each times its gain, (edge, edge, edge // 2 + 1)."""
    import torch

    total: torch.Tensor | None = None
    # One channel after the other: memory for all of them at once costs more than the transforms.
    for channel, gain in zip(spread, gains, strict=True):
        waves = torch.fft.rfftn(channel)
        torch.view_as_real(waves).mul_(gain[..., None])
        total = waves if total is None else total.add_(waves)
    assert total is not None
    return total


def _kernel_width(voxel_size: float, highest: float) -> int:
    """Voxels that an atom is spread over along each axis: more, the nearer to Nyquist.

    Raises
    ------
    GridError
        If the highest frequency is at Nyquist or beyond.
    """
    over = 0.5 / (voxel_size * highest)
    decay = math.pi * math.sqrt(max(1 - 1 / over, 0.0))
    width = math.ceil(-math.log(_KERNEL_TOLERANCE) / decay) if decay else _WIDEST + 1
    if width > _WIDEST:
        raise GridError(
            f"voxels of {voxel_size:g} Å are too coarse for what is kept, up to "
            f"{1 / highest:.3g} Å: take voxels of at most {0.47 / highest:.2g} Å, or a coarser "
            "resolution"
        )
    return max(width, 4)


def _spread(places: torch.Tensor, weights: torch.Tensor, edge: int, width: int) -> torch.Tensor:
    """Atoms spread over the voxels around them in a periodic box, (channels, edge, edge, edge)."""
    import torch

    first = torch.ceil(places - width / 2)
    along = torch.arange(width, device=places.device)
    offsets = first[:, :, None] + along - places[:, :, None]
    z, y, x = spreading_kernel(offsets, width).unbind(dim=1)
    index = (first.long()[:, :, None] + along) % edge
    rows = (index[:, 0, :, None] * edge + index[:, 1, None, :])[..., None] * edge
    voxels = (rows + index[:, 2, None, None, :]).reshape(-1)
    shares = (z[:, :, None] * y[:, None, :])[..., None] * x[:, None, None, :]
    out = weights.new_zeros((weights.shape[1], edge**3))
    for channel, weight in zip(out, weights.unbind(dim=1), strict=True):
        channel.scatter_add_(0, voxels, (shares * weight[:, None, None, None]).reshape(-1))
    return out.reshape(-1, edge, edge, edge)


@lru_cache(maxsize=64)
def _gains(
    radiation: Radiation,
    resolution: float,
    soft_edge: float,
    edge: int,
    voxel_size: float,
    width: int,
    device: str,
) -> torch.Tensor:
    """What each channel's coefficients are multiplied by, (channels, edge, edge, edge // 2 + 1).

    The function that the channel stands for, the cut, the kernel's inverse and the volume of a
    voxel, so that a plain inverse transform gives density.
    """
    import torch

    highest = (1 + soft_edge / 2) / resolution
    table = _basis(radiation, highest).table
    turns = np.fft.fftfreq(edge), np.fft.fftfreq(edge), np.fft.rfftfreq(edge)
    z, y, x = np.meshgrid(*turns, indexing="ij", sparse=True)
    radius = np.sqrt(z**2 + y**2 + x**2) / voxel_size
    inverse = [1 / kernel_transform(t, width) for t in turns]
    factor = inverse[0][:, None, None] * inverse[1][:, None] * inverse[2]
    factor *= (radius <= highest) / voxel_size**3
    factor *= low_pass_gain(resolution, soft_edge / resolution)(radius)
    s = np.linspace(0, highest, table.shape[1])
    gains = np.stack([np.interp(radius, s, row) * factor for row in table])
    return torch.as_tensor(gains.astype(np.float32)).to(device)


class _Basis:
    """A few functions that all elements' scattering at all B-factors is made of.

    Attributes
    ----------
    table : float64 array (channels, points)
        Their values from frequency 0 to the highest.
    weights : float32 array (elements, B-factors, channels)
        What of each has an element, by atomic number less 1, at a B-factor in steps.
    """

    def __init__(self, curves: Floats, channels: Floats, metric: Floats) -> None:
        self.weights = ((curves * metric) @ channels).astype(np.float32)
        self.table = np.divide(channels.T, metric, where=metric > 0, out=np.zeros(channels.T.shape))
        self.table[:, 0] = 2 * self.table[:, 1] - self.table[:, 2]


@lru_cache(maxsize=64)
def _basis(radiation: Radiation, highest: float) -> _Basis:
    """The functions up to a frequency: the leading ones of the common elements' own curves.

    In the metric of Fourier space, so many that less than `_BASIS_TOLERANCE` of an atom with the
    B-factor 0 is left out.
    """
    symbols = [gemmi.Element(n).name for n in range(1, _HEAVIEST + 1)]
    s = np.linspace(0, highest, _POINTS)
    a, b = getattr(form_factors, radiation)(symbols)
    still = form_factors.at_frequencies(a, b, s)
    steps = np.arange(0, HIGHEST_B + 2 * _B_STEP, _B_STEP)
    curves = still[:, None] * np.exp(-steps[:, None] * s**2 / 4)
    family = (curves[np.array(_COMMON) - 1] * s).reshape(-1, _POINTS)
    vectors = np.linalg.eigh(family.T @ family)[1][:, ::-1]
    most = _BASIS_TOLERANCE * np.linalg.norm(family, axis=1).max()
    for channels in range(1, _POINTS):
        chosen = vectors[:, :channels]
        if np.linalg.norm(family - family @ chosen @ chosen.T, axis=1).max() < most:
            break
    return _Basis(curves, chosen, s)


def _weights(basis: _Basis, numbers: npt.NDArray[np.uint8], b_factors: Floats) -> Floats:
    """What of each function each atom has, between the steps of the B-factor."""
    place = np.clip(b_factors, 0, HIGHEST_B) / _B_STEP
    low = np.floor(place).astype(np.intp)
    share = (place - low).astype(np.float32)[:, None]
    rows = np.minimum(numbers, _HEAVIEST).astype(np.intp) - 1
    weights = (1 - share) * basis.weights[rows, low] + share * basis.weights[rows, low + 1]
    return np.asarray(weights)
