"""What an experiment does to a map: blur, solvent, noise, an end of resolution, a mask."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from mapscope.training.data_tables import ImagingRanges

if TYPE_CHECKING:
    import torch

_SOLVENT_B = 300.0
_MASK_B = 1500.0
_NOISE_ENDS = (1.0, 1.2)
_EDGES = (0.1, 0.4)
_MASK_LEVELS = (0.05, 0.25)
_BEYOND = 2.0
"""Multiple of the resolution's frequency from which on nothing is left, sharpened or not."""


@dataclass(frozen=True)
class Imaging:
    """What is done to one map; nothing about it is left to chance.

    Parameters
    ----------
    resolution : float
        Å; finer detail is cut away.
    soft_edge : float
        Width of the cut's raised cosine, as a share of its frequency.
    b_factor : float
        Å², of a blur (above 0) or sharpening (below 0).
    signal_to_noise : float
        Ratio of powers in the shell of the resolution; infinite without noise.
    noise_end : float
        Frequency at which the noise ends as a multiple of the signal's.
    solvent : float
        Share of the density, at low frequency, that the solvent has where there are no atoms.
    mask_level : float
        Share of the highest blurred density below which nothing is left; 0 without a mask.
    noise_seed : int
        Of the noise.
    """

    resolution: float
    soft_edge: float = 0.3
    b_factor: float = 0.0
    signal_to_noise: float = math.inf
    noise_end: float = 1.0
    solvent: float = 0.0
    mask_level: float = 0.0
    noise_seed: int = 0


def sample_imaging(
    random: np.random.Generator, resolution: float, ranges: ImagingRanges
) -> Imaging:
    """What is done to a map of a resolution, drawn from ranges."""
    b_factor, solvent = random.uniform(*ranges.b_factor), random.uniform(*ranges.solvent)
    low, high = (math.log(value) for value in ranges.signal_to_noise)
    noise = math.exp(random.uniform(low, high))
    is_free, is_masked = random.random() < ranges.noise_free, random.random() < ranges.masked
    return Imaging(
        resolution=resolution,
        soft_edge=float(random.uniform(*_EDGES)),
        # Maps are sharpened and blurred in proportion to their resolution.
        b_factor=float(b_factor * (resolution / 3.0) ** 2),
        signal_to_noise=math.inf if is_free else noise,
        noise_end=float(random.uniform(*_NOISE_ENDS)),
        solvent=float(solvent),
        mask_level=float(random.uniform(*_MASK_LEVELS)) if is_masked else 0.0,
        noise_seed=int(random.integers(2**31)),
    )


def imaged(density: torch.Tensor, voxel_size: float, imaging: Imaging) -> torch.Tensor:
    """A map as an experiment would give it, float32 (n, n, n).

    Parameters
    ----------
    density : float32 tensor (n, n, n)
        Noise-free density in vacuum, at least as fine as the resolution.
    voxel_size : float
        Å.
    imaging : Imaging
        What is done.

    References
    ----------
    Moews & Kretsinger (1975) J. Mol. Biol. 91, 201: solvent takes ``k exp(-B s²/4)`` of the
    transform of the atoms (Babinet).
    """
    import torch

    size = density.shape[-1]
    squares = _squares(size, voxel_size)
    waves = torch.fft.rfftn(density)
    # Sharpening of what is cut away anyway would grow out of all bounds.
    held = squares.clamp(max=(_BEYOND / imaging.resolution) ** 2)
    gain: torch.Tensor = torch.exp(held * (-imaging.b_factor / 4))
    gain *= 1 - imaging.solvent * torch.exp(squares * (-_SOLVENT_B / 4))
    signal = waves * (gain * _cut(squares, imaging.resolution, imaging.soft_edge))
    signal += _noise(waves * gain, squares, imaging)
    out: torch.Tensor = torch.fft.irfftn(signal, s=(size,) * 3)
    if imaging.mask_level:
        out *= _mask(waves, squares, imaging.mask_level, size)
    return out


def _noise(signal: torch.Tensor, squares: torch.Tensor, imaging: Imaging) -> torch.Tensor:
    """Transform of noise that is as strong as wanted in the shell of the resolution."""
    import torch

    if math.isinf(imaging.signal_to_noise):
        return torch.zeros_like(signal)
    random = torch.Generator().manual_seed(imaging.noise_seed)
    size = signal.shape[0]
    noise: torch.Tensor = torch.fft.rfftn(torch.randn((size,) * 3, generator=random))
    # A shell as wide as a tenth of its frequency: the few beyond it have no signal any more.
    radius = squares.sqrt() * imaging.resolution
    in_shell = (radius > 0.9) & (radius <= 1.0)
    if not bool(in_shell.any()):
        in_shell = radius <= 1.0
    power = signal[in_shell].abs().square().mean() / imaging.signal_to_noise
    noise *= torch.sqrt(power / noise[in_shell].abs().square().mean().clamp(min=1e-30))
    return noise * _cut(squares, imaging.resolution / imaging.noise_end, imaging.soft_edge)


def _mask(waves: torch.Tensor, squares: torch.Tensor, level: float, size: int) -> torch.Tensor:
    """1 where blurred density is above a level, 0 where it is below half of it."""
    import torch

    blurred: torch.Tensor = torch.fft.irfftn(
        waves * torch.exp(squares * (-_MASK_B / 4)), s=(size,) * 3
    )
    share = blurred / blurred.max().clamp(min=1e-12)
    return ((share - level / 2) / (level / 2)).clamp(0, 1)


def _cut(squares: torch.Tensor, resolution: float, soft_edge: float) -> torch.Tensor:
    """Gain of a low pass: 1, then a raised cosine around the resolution's frequency, then 0."""
    import torch

    place = (squares.sqrt() * resolution - 1) / soft_edge + 0.5
    gain: torch.Tensor = (1 + torch.cos(math.pi * place.clamp(0, 1))) / 2
    return gain


@lru_cache(maxsize=8)
def _squares(size: int, voxel_size: float) -> torch.Tensor:
    """Squared frequency of each coefficient in Å⁻², (n, n, n // 2 + 1)."""
    import torch

    whole, half = torch.fft.fftfreq(size, voxel_size), torch.fft.rfftfreq(size, voxel_size)
    squares: torch.Tensor = whole[:, None, None] ** 2 + whole[:, None] ** 2 + half**2
    return squares
