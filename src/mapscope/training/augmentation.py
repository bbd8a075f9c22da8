"""Turns of a cube onto itself, for maps and for what is said of their voxels alike."""

from __future__ import annotations

from itertools import permutations, product
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import torch


Turn: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]


def _turns() -> tuple[Turn, ...]:
    """Order of axes and axes that are reversed of each turn: 24 proper ones, then 24 mirrored."""
    proper: list[Turn] = []
    mirrored: list[Turn] = []
    for order in permutations(range(3)):
        swaps = sum(order[a] > order[b] for a in range(3) for b in range(a + 1, 3))
        for signs in product((0, 1), repeat=3):
            flips = tuple(axis for axis in range(3) if signs[axis])
            (mirrored if (swaps + len(flips)) % 2 else proper).append((order, flips))
    return tuple(proper + mirrored)


TURNS = _turns()
"""The first 24 keep the hand; the others belong only where chirality does not matter."""

PROPER = 24


def turned(data: torch.Tensor, turn: int) -> torch.Tensor:
    """A cube or a batch of cubes turned, (..., n, n, n); axes before the last three stay.

    Parameters
    ----------
    data : tensor (..., n, n, n)
        Maps, or labels of their voxels.
    turn : int
        Place in `TURNS`; 0 changes nothing.
    """
    order, flips = TURNS[turn]
    first = data.dim() - 3
    axes = (*range(first), *(first + axis for axis in order))
    out = data.permute(axes)
    return out.flip([first + axis for axis in flips]).contiguous() if flips else out.contiguous()
