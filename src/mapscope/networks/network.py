"""What every network is: a module that says how it wants to be fed."""

from __future__ import annotations

from torch import nn


class Network(nn.Module):
    """Base of all networks.

    They take maps, float (n, channels, z, y, x), and where they were built with conditions a
    second tensor (n, conditions); they give a dict of tensors by output name: (n, features, z, y,
    x) for what they say of voxels, (n, features) for what they say of a map.

    Attributes
    ----------
    channels, conditions : int
        How many maps go in, and how many numbers that are known of them.
    size : int or None
        Voxels along each edge that it insists on; None where any size will do.
    margin : int
        Voxels from the edge of a tile up to which its output may depend on what lies beyond.
    multiple : int
        Tiles that begin at multiples of it give what the whole map gives.
    knows_whole : bool
        Whether it normalises by statistics of what it is shown, so that no margin makes a tile
        give what the whole map gives: its tiles are blended.
    """

    channels: int = 1
    conditions: int = 0
    size: int | None = None
    margin: int = 0
    multiple: int = 1
    knows_whole: bool = False

    @property
    def parameters_learned(self) -> int:
        """How many numbers it learns."""
        return sum(p.numel() for p in self.parameters())
