"""How a tilt series is taken, and where its chance comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.simulate.tomogram.detector import Detector
from mapscope.simulate.tomogram.projection import Microscope

Floats = npt.NDArray[np.float64]
Stage: TypeAlias = Literal[
    "packing", "surroundings", "ice", "structural noise", "defocus", "image noise"
]

_STAGES = get_args(Stage)


def chance(seed: int, stage: Stage, number: int = 0) -> np.random.Generator:
    """Random numbers of one stage, and of one tilt in it: what others take changes nothing."""
    return np.random.default_rng([seed, _STAGES.index(stage), number])


@dataclass(frozen=True)
class Noise:
    """What spoils the images.

    Parameters
    ----------
    structural : float
        Standard deviation of what each tilt adds to every voxel, as a share of the potential of
        ice: the specimen as the beam changes it. The paper has 0.04 where ice is 0.15.
    signal_to_noise : float, optional
        Variance of the noise-free images over that of the noise of an image, both where the
        specimen is seen, in pixels of `sampling`. None: electrons are counted instead.
    sampling : float
        Å of the pixels in which that is meant. In a pixel n times as wide, which n² of them make
        up, the ratio is n² times as high.
    through_lens : float
        Share of the noise's variance that the CTF shapes, 0 to 1; the rest is white.
    dose : float
        Electrons per Å² of the whole series. They damage the specimen; 0 does not.

    Raises
    ------
    InputError
        If there is neither a ratio above 0 nor a dose above 0.
    """

    structural: float = 0.27
    signal_to_noise: float | None = 0.004
    sampling: float = 1.0
    through_lens: float = 0.5
    dose: float = 0.0

    def __post_init__(self) -> None:
        if self.signal_to_noise is None and not self.dose > 0:
            raise InputError("images need a signal-to-noise ratio, or a dose above 0 e/Å²")
        if self.signal_to_noise is not None and not self.signal_to_noise > 0:
            raise InputError(f"a signal-to-noise ratio is above 0, got {self.signal_to_noise}")


@dataclass(frozen=True, eq=False)
class Exposure:
    """How a tilt series is taken.

    Parameters
    ----------
    tilts : float64 array (n,)
        Degrees, rising.
    defocus, defocus_spread : float
        Å: mean over the tilts, and standard deviation of its random change from one to another.
    microscope : Microscope
        How images form.
    noise : Noise
        What spoils them.
    detector : Detector
        What counts electrons.
    """

    tilts: Floats
    defocus: float = 30000.0
    defocus_spread: float = 0.0
    microscope: Microscope = field(default_factory=Microscope)
    noise: Noise = field(default_factory=Noise)
    detector: Detector = field(default_factory=Detector)

    def doses(self) -> Floats:
        """Electrons per Å² before the middle of each image, in a dose-symmetric order."""
        order = np.argsort(np.argsort(np.abs(self.tilts), kind="stable"), kind="stable")
        return np.asarray((order + 0.5) * self.noise.dose / len(self.tilts))
