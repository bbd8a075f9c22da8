"""The dense network of Avramov et al. (2019): every voxel joined to every neuron."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from mapscope.errors import InputError
from mapscope.networks.network import Network

_HIDDEN = (1000, 100)


class Dense2019(Network):
    """Two hidden layers on all voxels of a cube.

    With the default sizes it has the 262,245,403 parameters of the paper.

    Parameters
    ----------
    size : int
        Voxels along each edge.
    width : float
        Share of the paper's neurons in the first hidden layer, which has nearly all weights; the
        second has its square root, so that a narrow network keeps some.
    classes : int
        How many classes.

    References
    ----------
    Avramov et al. (2019) Molecules 24, 1181, section 4.3 and figure 7.
    """

    def __init__(self, size: int = 64, width: float = 1.0, classes: int = 3) -> None:
        super().__init__()
        if size < 1 or not 0 < width <= 1 or classes < 2:
            raise InputError(
                f"a size from 1, a width in 0 to 1 and classes from 2 are needed, "
                f"got {size}, {width} and {classes}"
            )
        shares = width, math.sqrt(width)
        first, second = (max(1, round(n * s)) for n, s in zip(_HIDDEN, shares, strict=True))
        self.size = size
        self.layers = nn.Sequential(
            nn.Linear(size**3, first),
            nn.ReLU(),
            nn.Linear(first, second),
            nn.ReLU(),
            nn.Linear(second, classes),
        )

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits of the classes, ``class`` (n, classes), of maps (n, 1, size, size, size)."""
        return {"class": self.layers(maps.flatten(1))}


def build(**config: Any) -> Dense2019:
    """The network; see `Dense2019` for what it takes."""
    return Dense2019(**config)
