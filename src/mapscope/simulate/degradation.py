"""How a map is made worse: parameters, drawn apart from the arithmetic that follows them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mapscope.errors import InputError
from mapscope.simulate.noise import Stage, stream
from mapscope.simulate.planted_resolution import Pattern
from mapscope.volume import Triple

Range = tuple[float, float]


@dataclass(frozen=True)
class Degradation:
    """How a map is made worse; all that is random follows from `seed`.

    Parameters
    ----------
    resolution : float
        Å where the FSC of the half maps falls to 0.143; where it differs, of the best places.
        A wanted curve goes before it.
    signal_to_noise : float
        Power of the signal over that of the noise in one half map at low frequency.
    coarsest : float or None
        Å, resolution of the worst places; `None` for the same everywhere.
    pattern : {"patches", "outwards"}
        How the resolution differs, see :func:`.planted_resolution.resolution_field`.
    feature_size : float or None
        Å over which it changes; `None` for a third of the longest edge of the box.
    b_factor : float or None
        Å² by which the map is blurred, see :func:`.half_maps.spectra`.
    noise_b : float or None
        Å², colour of the noise, see :func:`.half_maps.spectra`.
    anisotropy : float
        Å², B-factor of the signal along `axis` on top of that of the other directions.
    axis : tuple of float
        The weak direction, z, y, x; its length does not matter.
    solvent_noise : float
        Standard deviation of the noise outside the mask over that inside.
    is_masked : bool
        Whether what is given is multiplied by the mask.
    is_sharpened : bool
        Whether the mean map has `b_factor` taken out, is weighted by the FSC and low-pass
        filtered at the resolution, as a post-processed one. The half maps never are.
    shift : tuple of float
        Å, z, y, x, by which the box is moved against the molecule, in whole voxels.
    is_exact : bool
        Whether noise is made uncorrelated and scaled in every shell, so that the FSC follows
        the curve and does not fluctuate around it.
    seed : int
        Of the noise and of the patches.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    resolution: float = 4.0
    signal_to_noise: float = 100.0
    coarsest: float | None = None
    pattern: Pattern = "patches"
    feature_size: float | None = None
    b_factor: float | None = None
    noise_b: float | None = None
    anisotropy: float = 0.0
    axis: Triple = (1.0, 0.0, 0.0)
    solvent_noise: float = 1.0
    is_masked: bool = False
    is_sharpened: bool = False
    shift: Triple = (0.0, 0.0, 0.0)
    is_exact: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.solvent_noise < 0 or self.anisotropy < 0:
            raise InputError(
                f"solvent_noise and anisotropy are at least 0, got {self.solvent_noise} and "
                f"{self.anisotropy}"
            )
        if not np.linalg.norm(self.axis) > 0:
            raise InputError(f"the weak direction needs a length, got {self.axis}")


@dataclass(frozen=True)
class DegradationRanges:
    """From where :func:`drawn_degradation` draws; numbers evenly, signal to noise in its logarithm.

    Parameters
    ----------
    resolution : (float, float)
        Å, of the best places.
    signal_to_noise : (float, float)
        At low frequency.
    spread : (float, float)
        Resolution of the worst places over that of the best.
    noise_b, anisotropy : (float, float)
        Å².
    solvent_noise : (float, float)
        Taken only where there is a mask.
    shift : (float, float)
        Å by which the box is moved, in a random direction.
    planted, coloured, sharpened, masked : float
        Share of maps, 0 to 1, whose resolution differs from place to place, whose noise has a
        colour of its own, that are sharpened, and that are masked where there is a mask.
    """

    resolution: Range = (2.5, 8.0)
    signal_to_noise: Range = (20.0, 1000.0)
    spread: Range = (1.2, 2.5)
    noise_b: Range = (0.0, 100.0)
    anisotropy: Range = (0.0, 60.0)
    solvent_noise: Range = (0.7, 1.3)
    shift: Range = (0.0, 10.0)
    planted: float = 0.5
    coloured: float = 0.3
    sharpened: float = 0.5
    masked: float = 0.2


def drawn_degradation(
    seed: int, ranges: DegradationRanges | None = None, *, has_mask: bool = False
) -> Degradation:
    """The parameters that a seed stands for.

    Parameters
    ----------
    seed : int
        Also of the noise that they lead to.
    ranges : DegradationRanges, optional
        `None` for the usual ones.
    has_mask : bool
        Whether there will be a mask. It changes nothing else.

    Examples
    --------
    >>> drawn_degradation(1) == drawn_degradation(1), drawn_degradation(1) == drawn_degradation(2)
    (True, False)
    """
    wide = ranges or DegradationRanges()
    random = stream(seed, "parameters")
    resolution = random.uniform(*wide.resolution)
    ratio = math.exp(random.uniform(*np.log(wide.signal_to_noise)))
    spread, noise_b = random.uniform(*wide.spread), random.uniform(*wide.noise_b)
    anisotropy, shift = random.uniform(*wide.anisotropy), random.uniform(*wide.shift)
    solvent_noise = random.uniform(*wide.solvent_noise)
    planted, coloured, sharpened, masked, outwards = random.random(5)
    return Degradation(
        resolution=resolution,
        signal_to_noise=ratio,
        coarsest=resolution * spread if planted < wide.planted else None,
        pattern="outwards" if outwards < 0.5 else "patches",
        noise_b=noise_b if coloured < wide.coloured else None,
        anisotropy=anisotropy,
        axis=drawn_direction(seed, "weak direction"),
        solvent_noise=solvent_noise if has_mask else 1.0,
        is_masked=has_mask and bool(masked < wide.masked),
        is_sharpened=bool(sharpened < wide.sharpened),
        shift=drawn_direction(seed, "box", shift),
        seed=seed,
    )


def drawn_direction(seed: int, stage: Stage, length: float = 1.0) -> Triple:
    """A vector of this length, z, y, x, of random direction."""
    z, y, x = stream(seed, stage).standard_normal(3)
    scale = length / math.sqrt(z * z + y * y + x * x)
    return (float(z * scale), float(y * scale), float(x * scale))
