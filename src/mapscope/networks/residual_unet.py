"""Mapscope's own backbone: a residual U-Net for maps of any size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from mapscope.errors import InputError
from mapscope.networks.network import Network
from mapscope.networks.normalisation import BatchRenorm
from mapscope.networks.residual_blocks import Level, PooledHead

_SMALLEST_VARIANCE = 1e-6
_FIRST_WEIGHTS = 1e-3
_MOST_SCALES, _MOST_BLOCKS = 8, 64


class ResidualUnet(Network):
    """Residual U-Net with heads for voxels and for the whole map.

    Its normalisation has fixed statistics at prediction (`BatchRenorm`), so that tiles give what
    the whole map gives and the arithmetic folds into the convolutions; group and instance
    normalisation, which small batches are often trained with, can do neither. Maps of any size
    are padded with 0 inside and cut again. What comes up from a coarser scale is added to what
    waits on the finer one, not put beside it: half the memory and a third of the work.

    Parameters
    ----------
    channels : int
        Maps that go in: 1, or 2 with a half map or mask beside.
    widths : sequence of int
        Channels on each scale, finest first; each scale has half the voxels along each edge.
    blocks : int
        Residual blocks of each scale, on the way down and on the way up.
    voxel_heads : mapping of str to int, optional
        Name and features of each output of voxels, such as ``{"map": 1, "classes": 25}``.
    map_heads : mapping of str to int, optional
        Name and features of each output of a map. Without voxel heads there is no way up.
    conditions : int
        Numbers that are known of each map, such as voxel size and resolution.
    local_deviation : int
        Odd edge in voxels of the cube in which the standard deviation of the first map is taken
        as a channel more; 0 for none.
    adds_input : str
        Name of a voxel head of 1 feature to which the mean of the maps is added, so that the
        network learns what is to be changed about them and gives about that mean untrained;
        empty for none.

    Raises
    ------
    InputError
        If there is no head or no scale, or a number is out of range, or there is no such head.
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        voxel_heads: Mapping[str, int] | None = None,
        map_heads: Mapping[str, int] | None = None,
        conditions: int = 0,
        local_deviation: int = 0,
        adds_input: str = "",
    ) -> None:
        super().__init__()
        voxel_heads, map_heads = dict(voxel_heads or {}), dict(map_heads or {})
        numbers = (channels, blocks, *widths, *voxel_heads.values(), *map_heads.values())
        if not widths or not voxel_heads | map_heads or min(numbers) < 1 or conditions < 0:
            raise InputError("a residual U-Net needs widths, heads and counts from 1")
        if len(widths) > _MOST_SCALES or blocks > _MOST_BLOCKS:
            raise InputError(
                f"a residual U-Net has at most {_MOST_SCALES} scales of {_MOST_BLOCKS} blocks, got "
                f"{len(widths)} of {blocks}"
            )
        if local_deviation and (local_deviation < 3 or local_deviation % 2 == 0):
            raise InputError(f"a local deviation needs an odd cube from 3, got {local_deviation}")
        if adds_input and voxel_heads.get(adds_input) != 1:
            raise InputError(
                f"maps are added to a voxel head of 1 feature: there is none named {adds_input!r} "
                f"among {voxel_heads}"
            )
        self.channels, self.conditions = channels, conditions
        self.adds_input = adds_input
        self.local_deviation = local_deviation
        self.multiple = 2 ** (len(widths) - 1)
        self.margin = _margin(len(widths), blocks, bool(voxel_heads), local_deviation)
        self.stem = nn.Conv3d(channels + bool(local_deviation), widths[0], 3, padding=1, bias=False)
        self.stem_norm, self.stem_act = BatchRenorm(widths[0]), nn.ReLU()
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList(Level(width, blocks, conditions) for width in widths)
        self.coarser = nn.ModuleList(nn.Conv3d(fine, coarse, 2, 2) for fine, coarse in pairs)
        ways_up = pairs if voxel_heads else []
        self.finer = nn.ModuleList(nn.Conv3d(coarse, fine, 1) for fine, coarse in ways_up)
        self.up = nn.ModuleList(Level(fine, blocks, conditions) for fine, _ in ways_up)
        self.voxel_heads = nn.ModuleDict(
            {name: nn.Conv3d(widths[0], features, 1) for name, features in voxel_heads.items()}
        )
        self.map_heads = nn.ModuleDict(
            {name: PooledHead(widths, features) for name, features in map_heads.items()}
        )
        if adds_input:
            _start_near_zero(self.voxel_heads[adds_input])

    def forward(
        self, maps: torch.Tensor, conditions: torch.Tensor | None = None
    ) -> dict[str, torch.Tensor]:
        """Outputs by name, (n, features, z, y, x) and (n, features), from maps (n, c, z, y, x).

        Conditions (n, conditions) may be left out, which is what all of them being 0 means.
        """
        shape = maps.shape[2:]
        mean = maps.mean(dim=1, keepdim=True) if self.adds_input else None
        maps = self._padded(maps)
        if self.local_deviation:
            maps = torch.cat([maps, local_deviation(maps[:, :1], self.local_deviation)], dim=1)
        if self.conditions and conditions is None:
            conditions = maps.new_zeros((len(maps), self.conditions))
        features = self.stem_act(self.stem_norm(self.stem(maps)))
        scales = [self.down[0](features, conditions)]
        for coarser, level in zip(self.coarser, self.down[1:], strict=True):
            scales.append(level(coarser(scales[-1]), conditions))
        out = {name: head(scales) for name, head in self.map_heads.items()}
        if self.voxel_heads:
            z, y, x = shape
            finest = self._upwards(scales, conditions)[..., :z, :y, :x]
            out |= {name: head(finest) for name, head in self.voxel_heads.items()}
        if mean is not None:
            out[self.adds_input] = out[self.adds_input] + mean
        return out

    def _padded(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps with zeros behind, so that every scale has whole voxels."""
        behind = [-n % self.multiple for n in maps.shape[2:]]
        return functional.pad(maps, (0, behind[2], 0, behind[1], 0, behind[0]))

    def _upwards(
        self, scales: Sequence[torch.Tensor], conditions: torch.Tensor | None
    ) -> torch.Tensor:
        """Features of the finest scale, with what the coarser ones know."""
        features = scales[-1]
        ways = list(zip(self.finer, self.up, scales, strict=False))
        for finer, level, waiting in reversed(ways):
            coarse = functional.interpolate(finer(features), scale_factor=2, mode="nearest")
            features = level(waiting + coarse, conditions)
        return features


def local_deviation(maps: torch.Tensor, size: int) -> torch.Tensor:
    """Standard deviation in the cube of `size` voxels around each voxel, shape of the maps.

    Voxels beyond the edge of a map count as 0, as for convolutions: so do those that the last
    tile of a map reads behind it.
    """
    with torch.autocast(maps.device.type, enabled=False):
        values = functional.pad(maps.float(), (size // 2,) * 6)
        mean = functional.avg_pool3d(values, size, 1)
        variance = functional.avg_pool3d(values.square(), size, 1) - mean.square()
        return variance.clamp(min=_SMALLEST_VARIANCE).sqrt().to(maps.dtype)


def _start_near_zero(head: nn.Module) -> None:
    """Have a head give next to nothing before it has learned."""
    weight = head.get_parameter("weight")
    if not weight.is_meta:  # random numbers without memory would import PyTorch's compiler
        nn.init.normal_(weight, std=_FIRST_WEIGHTS)
    nn.init.zeros_(head.get_parameter("bias"))


def _margin(scales: int, blocks: int, has_way_up: bool, deviation: int) -> int:
    """Voxels on the finest scale up to which an output voxel can see, at most."""
    reach = 1 + deviation // 2
    for scale in range(scales):
        is_twice = has_way_up and scale < scales - 1
        reach += 2 * blocks * 2**scale * (2 if is_twice else 1)
        reach += 2**scale if scale < scales - 1 else 0
    return reach


def build(**config: Any) -> ResidualUnet:
    """The network; see `ResidualUnet` for what it takes."""
    return ResidualUnet(**config)
