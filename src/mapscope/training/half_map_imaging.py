"""What an experiment does to half maps of a molecule, after their spectrum was made standard.

A map goes to the network with every Fourier shell brought to the amplitude that molecules have at
one B-factor, and weighted by C_ref, so that noise beyond the resolution is gone. Here both are
known and not measured: the density comes with the standard spectrum, and what is done to it is
what the noise, the solvent and the errors of a measured spectrum would leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import Gain
from mapscope.density.wiener import resolution_end, stated_fsc
from mapscope.simulate.half_maps import falling_curve, signal_to_noise
from mapscope.training.data_tables import HalfMapPairs

if TYPE_CHECKING:
    import torch

Floats: TypeAlias = npt.NDArray[np.float64]
Noise: TypeAlias = Literal["", "white", "hill", "shuffled", "coloured"]
NOISES: tuple[Noise, ...] = get_args(Noise)[1:]
_NOISE_SHARES = (0.1, 0.2, 0.35, 0.35)
"""Most look as noise does once its spectrum was made standard, which is the hardest to tell."""

_SINGLE_NOISE = 0.65

_SOLVENT_B = 300.0
_MASK_B = 1500.0
_CORE_B = 4000.0
_LOW = 0.1
_NEAR = 0.1
_LEAST_SHARE = 0.1
_LARGEST_BOOST = 2.5
_NOTHING = 1e-12
_HARD = 0.4


@dataclass(frozen=True)
class PairImaging:
    """What is done to one pair of half maps; nothing about it is left to chance.

    Parameters
    ----------
    resolution, told : float
        Å where the half maps correlate to 0.143, and what is known of it.
    ratio : float
        Signal-to-noise ratio of a half map at frequency 0.
    fall : float
        Power of the frequency by which its logarithm falls; 2 against white noise.
    b_error : float
        Å² that the standard spectrum is off by.
    solvent : float
        Share of the density, at low frequency, that the solvent has where there are no atoms.
    low : float
        Logarithm of what amplitudes near frequency 0 are multiplied by, which standardising leaves
        as they are; from 1/10 Å on it is 0.
    blur, field_width : float
        Å² by which the worst parts are blurred, and Å over which that changes.
    uneven : three floats
        Å² of blur along z, y and x.
    mask : float
        Share of the highest blurred density below which nothing is left; 0 without a mask.
    is_hard : bool
        Whether the mask has no soft edge.
    is_single : bool
        Whether one map is all there is, and goes in twice.
    noise : str
        Why it is no map of a molecule; empty where it is one.
    noise_b : float
        Å² by which the noise called hill falls.
    factor, shift : float
        By which the scale is off that a larger map than the window would have.
    seed : int
        Of noise and fields.
    """

    resolution: float
    told: float
    ratio: float = 1000.0
    fall: float = 2.0
    b_error: float = 0.0
    solvent: float = 0.0
    low: float = 0.0
    blur: float = 0.0
    field_width: float = 10.0
    uneven: tuple[float, float, float] = (0.0, 0.0, 0.0)
    mask: float = 0.0
    is_hard: bool = False
    is_single: bool = False
    noise: Noise = ""
    noise_b: float = 0.0
    factor: float = 1.0
    shift: float = 0.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class ImagedPair:
    """Half maps and what they are of, float32 tensors (z, y, x) each, not yet scaled.

    Parameters
    ----------
    first, second : tensor
        The half maps, or one map twice.
    truth : tensor
        Density without noise.
    """

    first: torch.Tensor
    second: torch.Tensor
    truth: torch.Tensor


def sample_pair_imaging(random: np.random.Generator, data: HalfMapPairs) -> PairImaging:
    """What is done to a pair, drawn from what a recipe says."""
    finest, coarsest = data.resolution
    is_noise = random.random() < data.noise_only
    # More fine maps than coarse ones, as there are; but coarse noise looks most like molecules.
    fine = 1 / random.uniform(1 / coarsest, 1 / finest)
    resolution = float(random.uniform(finest, coarsest) if is_noise else fine)
    coarseness = (resolution / 3.0) ** 2
    is_single = bool(random.random() < (_SINGLE_NOISE if is_noise else data.single))
    is_masked = random.random() < (data.masked_single if is_single else data.masked_pairs)
    uneven = random.uniform(0, 40 * coarseness, 3) * (random.random() < data.uneven)
    blur = random.uniform(0, 80 * coarseness) * (random.random() < data.local)
    kind = NOISES[int(random.choice(len(NOISES), p=_NOISE_SHARES))]
    return PairImaging(
        resolution=resolution,
        told=float(resolution * random.uniform(1 - data.told_error, 1 + data.told_error)),
        ratio=float(math.exp(random.uniform(math.log(20.0), math.log(5000.0)))),
        fall=float(random.uniform(1.4, 3.0)),
        b_error=float(random.uniform(-data.b_error, data.b_error) * coarseness),
        solvent=float(random.uniform(0.2, 0.9)),
        low=float(random.uniform(-2.0, 0.5) if is_noise else random.normal(0.1, 0.35)),
        blur=float(blur),
        field_width=float(random.uniform(4.0, 12.0)),
        uneven=(float(uneven[0]), float(uneven[1]), float(uneven[2])),
        mask=float(random.uniform(0.04, 0.3)) if is_masked else 0.0,
        is_hard=bool(random.random() < _HARD),
        is_single=is_single,
        noise=kind if is_noise else "",
        noise_b=float(math.exp(random.uniform(math.log(20.0), math.log(1500.0)))),
        factor=float(math.exp(random.normal(0, 0.15))),
        shift=float(random.normal(0, 0.1)),
        seed=int(random.integers(2**31)),
    )


def imaged_pair(
    density: torch.Tensor, wanted: torch.Tensor, voxel_size: float, imaging: PairImaging
) -> ImagedPair:
    """Half maps as they go to a network but for their scale, and what they are of.

    Parameters
    ----------
    density, wanted : float32 tensors (n, n, n)
        Noise-free density in vacuum: as the experiment sees it, and as it shall become. Both have
        about the standard spectrum.
    voxel_size : float
        Å.
    imaging : PairImaging
        What is done.

    References
    ----------
    Rosenthal & Henderson (2003) J. Mol. Biol. 333, 721: C_ref.
    Moews & Kretsinger (1975) J. Mol. Biol. 91, 201: solvent takes ``k exp(-B s²/4)`` of the
    transform of the atoms (Babinet).
    """
    import torch

    random = torch.Generator().manual_seed(imaging.seed)
    size = density.shape[-1]
    squares = _squares(size, voxel_size)
    vacuum = torch.fft.rfftn(wanted)
    contrast = 1 - imaging.solvent * torch.exp(squares * (-_SOLVENT_B / 4))
    contrast *= torch.exp(imaging.low * (1 - squares / _LOW**2).clamp(min=0))
    waves, truth = torch.fft.rfftn(density) * contrast, _back(vacuum * contrast, size)
    if imaging.noise:
        first, second = _noise_alone(waves, voxel_size, imaging, random)
        return ImagedPair(first, second, torch.zeros_like(truth))
    signal = _locally_blurred(waves, vacuum, voxel_size, imaging, random)
    power = _shell_mean(signal.abs().square())
    inside = _mask(vacuum, voxel_size, _NEAR).mean().clamp(min=_LEAST_SHARE)
    deviation = torch.sqrt(power / inside / _ratio(voxel_size, size, imaging).clamp(min=1e-9))
    # What a spectrum that is measured is brought to is that of the wanted density.
    boost = torch.sqrt(_shell_mean((vacuum * contrast).abs().square()) / power.clamp(min=_NOTHING))
    measured = boost.clamp(1 / _LARGEST_BOOST, _LARGEST_BOOST) * _measured_gain(
        voxel_size, size, imaging
    )
    halves = [
        _back((signal + deviation * noise) * measured, size)
        for noise in _noises(size, imaging, random)
    ]
    if imaging.mask:
        mask = _mask(vacuum, voxel_size, imaging.mask, is_hard=imaging.is_hard)
        halves, truth = [half * mask for half in halves], truth * mask
    weight = _weight(voxel_size, size, imaging)
    first, second = (_back(torch.fft.rfftn(half) * weight, size) for half in halves)
    return ImagedPair(first, second, truth)


def _noises(size: int, imaging: PairImaging, random: torch.Generator) -> list[torch.Tensor]:
    """Transforms of the noise of both half maps; of their mean, twice, for a single map."""
    import torch

    count = 1 if imaging.is_single else 2
    shape = (count, size, size, size)
    noise: torch.Tensor = torch.fft.rfftn(torch.randn(shape, generator=random), dim=(1, 2, 3))
    # A coefficient's mean squared modulus is 1, as a shell's power is counted.
    noise = noise / math.sqrt(size**3)
    return [noise[0] / math.sqrt(2)] * 2 if imaging.is_single else list(noise)


def _noise_alone(
    waves: torch.Tensor, voxel_size: float, imaging: PairImaging, random: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Two maps with no molecule in them, or one twice."""
    import torch

    size = waves.shape[0]
    squares = _squares(size, voxel_size)
    noises = _noises(size, imaging, random)
    # A spectrum that is measured becomes the standard one times the weight, whatever it was.
    standard = waves.abs() * _weight(voxel_size, size, imaging)
    if imaging.noise == "shuffled":
        noises = [standard * noise / noise.abs().clamp(min=1e-12) for noise in noises]
    elif imaging.noise == "coloured":
        noises = [_shell_mean(standard.square()).sqrt() * noise for noise in noises]
    elif imaging.noise == "hill":
        noises = [noise * torch.exp(squares * (-imaging.noise_b / 4)) for noise in noises]
    return _back(noises[0], size), _back(noises[1], size)


def _locally_blurred(
    waves: torch.Tensor,
    vacuum: torch.Tensor,
    voxel_size: float,
    imaging: PairImaging,
    random: torch.Generator,
) -> torch.Tensor:
    """Transform of the signal: blurred unevenly, here more and there less, least in the core."""
    import torch

    size = waves.shape[0]
    signal = waves * torch.exp(_uneven_squares(size, voxel_size, imaging.uneven) / -4)
    if not imaging.blur:
        return signal
    squares = _squares(size, voxel_size)
    field = torch.fft.rfftn(torch.randn((size,) * 3, generator=random))
    field = _back(field * torch.exp(squares * (-2 * (math.pi * imaging.field_width) ** 2)), size)
    core = _back(vacuum * torch.exp(squares * (-_CORE_B / 4)), size)
    worse = torch.sigmoid(2 * _standard(field) - _standard(core))
    sharp = _back(signal, size)
    blurred = _back(signal * torch.exp(squares * (-imaging.blur / 4)), size)
    out: torch.Tensor = torch.fft.rfftn(sharp + worse * (blurred - sharp))
    return out


def _measured_gain(voxel_size: float, size: int, imaging: PairImaging) -> torch.Tensor:
    """What brings the measured amplitude, noise and all, to that of the signal, with an error.

    A map alone is one that was cut at its resolution before it was masked.
    """

    def gain(frequency: Floats) -> Floats:
        held = np.minimum(frequency, 2.0 / imaging.resolution)
        end = resolution_end(frequency, 1 / imaging.resolution) if imaging.is_single else 1.0
        error = np.exp(-0.25 * imaging.b_error * held**2)
        return np.asarray(_c_ref(_curve(frequency, imaging)) * error * end)

    return _radial(gain, size, voxel_size)


def _weight(voxel_size: float, size: int, imaging: PairImaging) -> torch.Tensor:
    """C_ref with its end: measured, or for a map alone what its stated resolution says."""

    def weight(frequency: Floats) -> Floats:
        is_stated = imaging.is_single
        fsc = stated_fsc(frequency, imaging.told) if is_stated else _curve(frequency, imaging)
        return np.asarray(_c_ref(fsc) * resolution_end(frequency, 1 / imaging.told))

    return _radial(weight, size, voxel_size)


def _ratio(voxel_size: float, size: int, imaging: PairImaging) -> torch.Tensor:
    """Signal-to-noise ratio of a half map at each coefficient."""
    return _radial(lambda f: signal_to_noise(_curve(f, imaging)), size, voxel_size)


def _c_ref(fsc: Floats) -> Floats:
    """Share of signal in the amplitudes of the mean of half maps."""
    return np.asarray(np.sqrt(2 * fsc / (1 + fsc)))


def _curve(frequency: Floats, imaging: PairImaging) -> Floats:
    """FSC of the half maps at frequencies in 1/Å."""
    warped = (frequency * imaging.resolution) ** (imaging.fall / 2) / imaging.resolution
    return falling_curve(warped, imaging.resolution, imaging.ratio)


def _mask(
    vacuum: torch.Tensor, voxel_size: float, level: float, *, is_hard: bool = False
) -> torch.Tensor:
    """1 where blurred density is above a level, 0 where it is below half of it, or at once."""
    import torch

    size = vacuum.shape[0]
    blurred = _back(vacuum * torch.exp(_squares(size, voxel_size) * (-_MASK_B / 4)), size)
    share = blurred / blurred.max().clamp(min=1e-12)
    if is_hard:
        return (share > level).float()
    return ((share - level / 2) / (level / 2)).clamp(0, 1)


def _back(waves: torch.Tensor, size: int) -> torch.Tensor:
    """A map (n, n, n) from its transform."""
    import torch

    out: torch.Tensor = torch.fft.irfftn(waves, s=(size,) * 3)
    return out


def _standard(values: torch.Tensor) -> torch.Tensor:
    """Values with the mean 0 and the standard deviation 1."""
    return (values - values.mean()) / values.std().clamp(min=1e-12)


def _radial(function: Gain, size: int, voxel_size: float) -> torch.Tensor:
    """A function of frequency in 1/Å at each coefficient, (n, n, n // 2 + 1)."""
    import torch

    frequency, place = _frequencies(size, voxel_size)
    return torch.as_tensor(function(frequency).astype(np.float32))[place]


@lru_cache(maxsize=8)
def _frequencies(size: int, voxel_size: float) -> tuple[Floats, torch.Tensor]:
    """All frequencies that coefficients have, in 1/Å, and which of them each one has."""
    import torch

    whole = (_squares(size, 1.0) * size**2).round().long()
    known, place = torch.unique(whole, return_inverse=True)
    return np.sqrt(known.numpy()) / (size * voxel_size), place


def _shell_mean(power: torch.Tensor) -> torch.Tensor:
    """Mean over the shell of each coefficient, of the shape of a half transform."""
    index, counts = _shells(power.shape[0])
    sums = power.new_zeros(len(counts)).index_add(0, index, power.flatten())
    return (sums / counts)[index].reshape(power.shape)


@lru_cache(maxsize=8)
def _shells(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Shell of each coefficient of a half transform, flat, and how many each shell has."""
    index = (_squares(size, 1.0).sqrt() * size).round().long().flatten()
    return index, index.bincount().clamp(min=1)


@lru_cache(maxsize=8)
def _squares(size: int, voxel_size: float) -> torch.Tensor:
    """Squared frequency of each coefficient in Å⁻², (n, n, n // 2 + 1)."""
    return _uneven_squares(size, voxel_size, (1.0, 1.0, 1.0))


def _uneven_squares(
    size: int, voxel_size: float, weights: tuple[float, float, float]
) -> torch.Tensor:
    """Sum of the squared frequencies along z, y and x, each times its weight."""
    import torch

    whole, half = torch.fft.fftfreq(size, voxel_size), torch.fft.rfftfreq(size, voxel_size)
    z, y, x = weights
    squares: torch.Tensor = z * whole[:, None, None] ** 2 + y * whole[:, None] ** 2 + x * half**2
    return squares
