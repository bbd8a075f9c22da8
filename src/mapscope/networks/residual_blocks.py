"""What the backbone is made of: residual blocks, levels of them, and a head for whole maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from mapscope.networks.normalisation import BatchRenorm


class Modulation(nn.Module):
    """Scale and shift of each channel from what is known of a map (FiLM).

    Both begin as none, so that an untrained network does not depend on its conditions.

    References
    ----------
    Perez et al. (2018) arXiv:1709.07871.
    """

    def __init__(self, conditions: int, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(conditions, 4 * width)
        self.out = nn.Linear(4 * width, 2 * width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """Features (n, width, z, y, x) scaled and shifted by conditions (n, conditions)."""
        both = self.out(functional.silu(self.hidden(conditions)))[..., None, None, None]
        scale, shift = both.chunk(2, dim=1)
        out: torch.Tensor = features * (1 + scale) + shift
        return out


class ResidualBlock(nn.Module):
    """Two 3³ convolutions, and what came in added to what they give."""

    def __init__(self, width: int, conditions: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(width, width, 3, padding=1, bias=False)
        self.first_norm = BatchRenorm(width)
        self.second = nn.Conv3d(width, width, 3, padding=1, bias=False)
        self.second_norm = BatchRenorm(width)
        self.modulation = Modulation(conditions, width) if conditions else None
        self.first_act, self.last_act = nn.ReLU(), nn.ReLU()
        nn.init.zeros_(self.second_norm.weight)

    def forward(self, features: torch.Tensor, conditions: torch.Tensor | None) -> torch.Tensor:
        """Features (n, width, z, y, x), as many as came in."""
        inner = self.first_act(self.first_norm(self.first(features)))
        inner = self.second_norm(self.second(inner))
        if self.modulation is not None and conditions is not None:
            inner = self.modulation(inner, conditions)
        out: torch.Tensor = self.last_act(features + inner)
        return out


class Level(nn.Module):
    """Residual blocks one after the other on one scale."""

    def __init__(self, width: int, blocks: int, conditions: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ResidualBlock(width, conditions) for _ in range(blocks))

    def forward(self, features: torch.Tensor, conditions: torch.Tensor | None) -> torch.Tensor:
        """Features (n, width, z, y, x), as many as came in."""
        for block in self.blocks:
            features = block(features, conditions)
        return features


class PooledHead(nn.Module):
    """What a network says of a whole map: means over voxels of every scale, and two layers.

    Each scale learns which of its voxels count, so that solvent need not.
    """

    def __init__(self, widths: Sequence[int], features: int) -> None:
        super().__init__()
        self.weights = nn.ModuleList(nn.Conv3d(width, 1, 1) for width in widths)
        self.hidden = nn.Linear(sum(widths), 2 * max(widths))
        self.out = nn.Linear(2 * max(widths), features)

    def forward(self, scales: Sequence[torch.Tensor]) -> torch.Tensor:
        """Values (n, features) from features (n, width, z, y, x) of every scale."""
        means = []
        for weigh, maps in zip(self.weights, scales, strict=True):
            weight = torch.sigmoid(weigh(maps).float())
            total = (maps.float() * weight).sum(dim=(2, 3, 4))
            means.append(total / weight.sum(dim=(2, 3, 4)).clamp(min=1e-6))
        out: torch.Tensor = self.out(functional.relu(self.hidden(torch.cat(means, dim=1))))
        return out
