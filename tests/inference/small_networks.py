"""Small networks that the tests of prediction run."""

from __future__ import annotations

import torch
from torch import nn


class Identity(nn.Module):
    """Gives back what it gets."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps


class SmallUnet(nn.Module):
    """A U-Net of two scales with random weights and statistics; sees 9 voxels far."""

    margin, multiple = 10, 2

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.stem = _block(1, 6)
            self.halve = nn.Conv3d(6, 8, 2, 2)
            self.deep = _block(8, 8)
            self.upwards = nn.ConvTranspose3d(8, 6, 2, 2)
            self.last = _block(6, 6)
            self.heads = nn.ModuleDict({"map": nn.Conv3d(6, 1, 1), "classes": nn.Conv3d(6, 3, 1)})
            for module in self.modules():
                if isinstance(module, nn.BatchNorm3d):
                    module.register_buffer("running_mean", torch.rand(module.num_features) - 0.5)
                    module.register_buffer("running_var", torch.rand(module.num_features) + 0.5)
        self.eval()

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        fine = self.stem(maps)
        both = self.last(fine + self.upwards(self.deep(self.halve(fine))))
        return {name: head(both) for name, head in self.heads.items()}


def _block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm3d(after),
        nn.PReLU(),
        nn.Conv3d(after, after, 3, padding=1),
        nn.BatchNorm3d(after),
        nn.Dropout3d(0.1),
        nn.LeakyReLU(0.1),
    )
