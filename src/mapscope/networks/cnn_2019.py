"""The convolutional network of Avramov et al. (2019)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from mapscope.errors import InputError
from mapscope.networks.network import Network

_FILTERS, _NEURONS = (32, 64, 128), 1024
_KERNELS = (7, 5, 5)


class Cnn2019(Network):
    """Three convolutions, each halved by max pooling, and one dense layer.

    With the default sizes it has the 68,404,163 parameters of the paper.

    Parameters
    ----------
    size : int
        Voxels along each edge, a multiple of 8.
    width : float
        Share of the paper's filters and neurons.
    classes : int
        How many classes.
    dropout : float
        Share of the dense layer's neurons that are left out while it learns.

    References
    ----------
    Avramov et al. (2019) Molecules 24, 1181, section 4.4 and figure 8: ELU, ELU and ReLU after
    the convolutions, tanh after the dense layer.
    """

    def __init__(
        self, size: int = 64, width: float = 1.0, classes: int = 3, dropout: float = 0.4
    ) -> None:
        super().__init__()
        if size < 8 or size % 8 or not 0 < width <= 1 or classes < 2:
            raise InputError(
                f"a size that is a multiple of 8, a width in 0 to 1 and classes from 2 are "
                f"needed, got {size}, {width} and {classes}"
            )
        filters = [max(1, round(n * width)) for n in _FILTERS]
        neurons = max(1, round(_NEURONS * width))
        self.size = size
        layers: list[nn.Module] = []
        before = 1
        for count, kernel, act in zip(filters, _KERNELS, (nn.ELU, nn.ELU, nn.ReLU), strict=True):
            layers += [
                nn.Conv3d(before, count, kernel, padding=kernel // 2),
                act(),
                nn.MaxPool3d(2),
            ]
            before = count
        self.features = nn.Sequential(*layers)
        self.dense = nn.Linear(before * (size // 8) ** 3, neurons)
        self.dropout = nn.Dropout(dropout)
        self.logits = nn.Linear(neurons, classes)

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits of the classes, ``class`` (n, classes), of maps (n, 1, size, size, size)."""
        hidden = torch.tanh(self.dense(self.features(maps).flatten(1)))
        return {"class": self.logits(self.dropout(hidden))}


def build(**config: Any) -> Cnn2019:
    """The network; see `Cnn2019` for what it takes."""
    return Cnn2019(**config)
