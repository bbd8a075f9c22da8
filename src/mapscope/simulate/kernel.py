"""The narrow kernel by which atoms are spread over voxels, and its transform to divide by.

References
----------
Barnett, Magland & af Klinteberg (2019) SIAM J. Sci. Comput. 41, C479: the kernel
``exp(β(√(1 - x²) - 1))``, its width and the choice of β.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mapscope.simulate.radial import quadrature

if TYPE_CHECKING:
    import torch

OVERSAMPLING = 1.25
"""Voxels that atoms are spread on for each that the highest frequency needs; β suits it."""

_NODES = 64


def spreading_kernel(offsets: torch.Tensor, width: int) -> torch.Tensor:
    """The kernel at offsets in voxels; beyond half its width what it is there, ``exp(-β)``.

    Parameters
    ----------
    offsets : float tensor
        Voxels from the atom.
    width : int
        Voxels that an atom is spread over.
    """
    import torch

    inside = (1 - (offsets * (2 / width)).square()).clamp_(min=0)
    return torch.exp(_beta(width) * (torch.sqrt(inside) - 1))


def kernel_transform(turns: npt.NDArray[np.floating[Any]], width: int) -> npt.NDArray[np.float64]:
    """Fourier transform of the kernel of a width at frequencies (n,) in cycles per voxel."""
    nodes, lengths = quadrature(_NODES)
    values = np.exp(_beta(width) * (np.sqrt(1 - nodes**2) - 1)) * lengths * (width / 2)
    waves = np.cos(2 * np.pi * turns[:, None] * nodes * (width / 2))
    return np.asarray(waves @ values)


def _beta(width: int) -> float:
    """How steep the kernel of a width is; what suits the oversampling is near enough for any."""
    return 0.97 * math.pi * width * (1 - 0.5 / OVERSAMPLING)
