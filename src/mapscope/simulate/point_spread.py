"""Fixed Gaussians: what each program calls a resolution, by the program's name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

Weight: TypeAlias = Literal["atomic number", "mass"]


@dataclass(frozen=True)
class PointSpread:
    """The Gaussian that a program draws for an atom.

    Parameters
    ----------
    factor : float
        Its standard deviation along an axis as a multiple of the resolution.
    weight : str
        What its integral is, occupancy aside: the atomic number, or the mass in Da.
    means : str
        What the program calls a resolution.
    source : str
        Where that is written.
    """

    factor: float
    weight: Weight
    means: str
    source: str

    def b(self, resolution: float) -> float:
        """Its width as a B-factor in Å²: ``8π² (factor · resolution)²``."""
        return 8 * (math.pi * self.factor * resolution) ** 2


POINT_SPREADS: dict[str, PointSpread] = {
    "chimerax": PointSpread(
        1 / (math.pi * math.sqrt(2)),
        "atomic number",
        "where the Fourier transform has fallen to 1/e",
        "ChimeraX User Guide, molmap: default sigmaFactor 0.225; Chimera's is the same",
    ),
    "eman": PointSpread(
        1 / (math.pi * math.sqrt(2)),
        "atomic number",
        "π times w in exp(-(r/w)²), which is ChimeraX's",
        "EMAN2, libEM/pointarray.cpp, pdb2mrc_by_summation",
    ),
    "tempy": PointSpread(
        0.356,
        "mass",
        "the width between the points where the Gaussian has fallen to 1/e",
        "TEMPy, StructureBlurrer.gaussian_blur: default sigma_coeff; an option of molmap",
    ),
    "situs": PointSpread(
        1 / (2 * math.sqrt(3)),
        "mass",
        "twice the root mean square radius, 2σ in exp(-1.5 r²/σ²)",
        "Situs pdb2vol, target resolution and kernel 1; Wriggers (2012) Acta Cryst. D68, 344",
    ),
    "situs_1999": PointSpread(
        math.sqrt(math.log(2) / 2) / math.pi,
        "mass",
        "where the Fourier transform has fallen to one half",
        "TEMPy's note on Situs (Wriggers et al. 1999): sigma_coeff 0.187; an option of molmap",
    ),
    "flex_em": PointSpread(
        1 / (2 * math.sqrt(2 * math.log(2))),
        "mass",
        "the Gaussian's full width at half its height",
        "MODELLER manual, Density.sigma_factor: default 0.425 (Topf et al. 2008)",
    ),
}
"""By program; none of them knows B-factors, and the resolution of one is not that of another."""
