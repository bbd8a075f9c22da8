"""The 3D U-Net of Mullick et al., which makes blurred maps of crystals sharp again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from mapscope.errors import InputError
from mapscope.networks.network import Network

_WIDTHS = (64, 128, 256, 512)
_KERNEL, _MIDDLE = 4, 4
_LARGEST_FACTOR, _DOUBLE = 4, 2
_PAD = (1, 2) * 3
_EMPTY = -2.0
_MERGED = (
    ((1.0, 0, 0, 0), (0, 1.0, 1.0, 0), (0, 0, 0, 1.0)),
    ((0, 0, 0, 0), (1.0, 1.0, 0, 0), (0, 0, 1.0, 1.0)),
)
"""Which of a kernel's four numbers fall on a voxel, the one before and the one behind, for the
first and the second of the two that it is doubled to."""


class Down(nn.Module):
    """A convolution that halves: kernel 4, stride 2. The first has no normalisation."""

    def __init__(self, before: int, width: int, *, is_first: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(before, width, _KERNEL, 2, 1, bias=False)
        self.norm = None if is_first else nn.InstanceNorm3d(width)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Features (n, width, z / 2, y / 2, x / 2)."""
        features = self.conv(maps)
        return functional.relu(features if self.norm is None else self.norm(features))


class Middle(nn.Module):
    """A convolution of kernel 4 that keeps the size, on what it is given twice over.

    An even kernel has no middle voxel: padded on one side more than on the other it moves what
    it sees by half a voxel, at the bottleneck 8 voxels of the map. Blocks padded on opposite
    sides by turns take that back.
    """

    def __init__(self, before: int, width: int, dropout: float, *, more_behind: bool) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2 * before, width, _KERNEL, bias=False)
        self.norm = nn.InstanceNorm3d(width)
        self.dropout = nn.Dropout(dropout)
        self.pad = _PAD if more_behind else (2, 1) * 3

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Features (n, width, z, y, x)."""
        features = self.conv(functional.pad(torch.cat([maps, maps], dim=1), self.pad))
        # One voxel has no variance that it could be normalised by.
        is_one = features[0, 0].numel() == 1
        features = functional.relu(features if is_one else self.norm(features))
        out: torch.Tensor = self.dropout(features)
        return out


class Up(nn.Module):
    """A transposed convolution that doubles, beside what waits on that scale."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose3d(before, width, _KERNEL, 2, 1, bias=False)
        self.norm = nn.InstanceNorm3d(width)

    def forward(self, maps: torch.Tensor, waiting: torch.Tensor) -> torch.Tensor:
        """Features (n, width and those that waited, 2 z, 2 y, 2 x)."""
        return torch.cat([functional.relu(self.norm(self.conv(maps))), waiting], dim=1)


class MullickUnet(Network):
    """U-Net with kernels of 4, instance normalisation and a bottleneck with dropout.

    With the default widths it has 137,900,033 parameters. The paper gives kernels, strides,
    dropout, normalisation and activation, and neither widths nor the number of levels nor what
    is joined to what; these are those of vox2vox (Cirillo et al. 2020), whose blocks it has.

    The paper's output layer makes features larger by a factor of 3, which gives 192 voxels of
    128; by 2, as here, it gives as many as came in. With other factors what comes out is brought
    to the size of the input. Its range is 0 to 1, because the overlap that it learns by has no
    meaning below 0 and knows the scale.

    Parameters
    ----------
    widths : sequence of int
        Channels on each scale from half the voxels on; narrower ones make a narrow sibling.
    dropout : float
        Share of the bottleneck's numbers that are left out while it learns.
    up_factor : int
        How many times as large the output layer makes its features.

    Raises
    ------
    InputError
        If a number is out of range.

    References
    ----------
    Mullick, Wang, Yadav & Barati Farimani, "Learning super-resolution electron density map of
    proteins using 3D U-Net", section 3.2 and figure 2.
    Cirillo, Abramian & Eklund (2020) arXiv:2003.13653.
    """

    knows_whole = True

    def __init__(
        self, widths: Sequence[int] = _WIDTHS, dropout: float = 0.2, up_factor: int = 2
    ) -> None:
        super().__init__()
        if len(widths) < 2 or min(widths) < 1 or not 0 <= dropout < 1:
            raise InputError(
                f"two widths from 1 and a dropout from 0 to below 1 are needed, got {widths} and "
                f"{dropout}"
            )
        if not 1 <= up_factor <= _LARGEST_FACTOR:
            raise InputError(f"an up_factor is 1 to {_LARGEST_FACTOR}, got {up_factor}")
        self.multiple, self.up_factor = 2 ** len(widths), up_factor
        pairs = list(pairwise([1, *widths]))
        self.down = nn.ModuleList(Down(a, b, is_first=n == 0) for n, (a, b) in enumerate(pairs))
        middle = [widths[-1]] * _MIDDLE + [widths[-2]]
        self.middle = nn.ModuleList(
            Middle(a, b, dropout, more_behind=n % 2 == 1)
            for n, (a, b) in enumerate(pairwise(middle))
        )
        finer = [*widths[-2::-1]]
        ways = zip([finer[0], *(2 * w for w in finer)], finer, strict=False)
        # The first block up keeps its width; each later one comes to the width that waits.
        self.up = nn.ModuleList(Up(a, b) for a, b in ways)
        self.last = nn.Conv3d(2 * widths[0], 1, _KERNEL)
        # Most of a map is empty.
        nn.init.constant_(self.last.bias, _EMPTY)  # type: ignore[arg-type]

    def forward(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        """The map, ``map`` (n, 1, z, y, x) from 0 to 1, of maps (n, 1, z, y, x)."""
        shape = maps.shape[2:]
        features, scales = self._padded(maps), []
        for down in self.down:
            features = down(features)
            scales.append(features)
        for middle in self.middle:
            features = middle(features)
        for up, waiting in zip(self.up, scales[-2::-1], strict=True):
            features = up(features, waiting)
        z, y, x = shape
        return {"map": torch.sigmoid(self._output(features))[..., :z, :y, :x]}

    def _padded(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps with their last voxels again behind, so that every scale has whole voxels."""
        behind = [-n % self.multiple for n in maps.shape[2:]]
        if not any(behind):
            return maps
        pad = (0, behind[2], 0, behind[1], 0, behind[0])
        return functional.pad(maps, pad, mode="replicate")

    def _output(self, features: torch.Tensor) -> torch.Tensor:
        """Logits of the map (n, 1, 2 z, 2 y, 2 x) from features (n, channels, z, y, x)."""
        if self.up_factor == _DOUBLE:
            return _doubled(features, self.last)
        size = [2 * n for n in features.shape[2:]]
        if self.up_factor > 1:
            features = functional.interpolate(features, scale_factor=float(self.up_factor))
        logits: torch.Tensor = self.last(functional.pad(features, _PAD))
        return functional.interpolate(logits, size=size, mode="trilinear")


def _doubled(features: torch.Tensor, conv: nn.Conv3d) -> torch.Tensor:
    """What a convolution of kernel 4 makes of features of which every voxel is taken twice.

    The four voxels that it sees along an axis are three different ones before they are doubled:
    eight kernels of 3 give its eight answers there, with an eighth of the memory.

    Parameters
    ----------
    features : tensor (n, channels, z, y, x)
        Before they are doubled.
    conv : nn.Conv3d
        From these channels to one, of kernel 4, padded by one voxel in front and two behind.
    """
    kernels = conv.weight
    merged = kernels.new_tensor(_MERGED)
    kernels = torch.einsum("ocpqr,zip,yjq,xkr->zyxcijk", kernels, merged, merged, merged)
    kernels = kernels.reshape(8, -1, 3, 3, 3)
    bias = None if conv.bias is None else conv.bias.expand(8)
    eight = functional.conv3d(features, kernels, bias, padding=1)
    n, (z, y, x) = len(eight), eight.shape[2:]
    apart = eight.reshape(n, 2, 2, 2, z, y, x).permute(0, 4, 1, 5, 2, 6, 3)
    return apart.reshape(n, 1, 2 * z, 2 * y, 2 * x)


def build(**config: Any) -> MullickUnet:
    """The network; see `MullickUnet` for what it takes."""
    return MullickUnet(**config)
