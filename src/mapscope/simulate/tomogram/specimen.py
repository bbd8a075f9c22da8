"""What lies in the ice besides proteins: vesicles, gold beads and the grain of the ice itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.volume import Region, Shape

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

ICE = 4.53
"""V: mean inner potential of vitreous ice."""

_GOLD = 25.0 - ICE
_HEADS, _TAILS = 2.2, -0.3
_BILAYER, _HEAD_WIDTH, _TAIL_WIDTH = 38.0, 5.0, 9.0
_TRIES = 400


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Vesicles and gold beads in a box.

    Parameters
    ----------
    potential : float32 array (z, y, x)
        V above ice.
    kind : uint8 array (z, y, x)
        0 for nothing, 1 for membrane, 2 for gold.
    number : int32 array (z, y, x)
        0 for nothing, else which vesicle or bead, from 1.
    """

    potential: Singles
    kind: npt.NDArray[np.uint8]
    number: npt.NDArray[np.int32]


@dataclass(frozen=True)
class Vesicles:
    """How many vesicles and beads, and of what sizes.

    Parameters
    ----------
    vesicles, beads : int
        How many.
    radii : (float, float)
        Å, smallest and largest half axis of a vesicle, which is an ellipsoid.
    bead_diameter : float
        Å.
    """

    vesicles: int = 0
    beads: int = 0
    radii: tuple[float, float] = (250.0, 600.0)
    bead_diameter: float = 100.0


def bilayer(distance: npt.ArrayLike) -> Floats:
    """Potential of a lipid bilayer in V above ice, at distances in Å from its middle.

    Two layers of heads 38 Å apart, denser than ice, and tails between, a little less dense.
    """
    away = np.asarray(distance, dtype=np.float64)
    heads = np.exp(-0.5 * ((np.abs(away) - _BILAYER / 2) / _HEAD_WIDTH) ** 2)
    tails = np.exp(-0.5 * (away / _TAIL_WIDTH) ** 2)
    return np.asarray(_HEADS * heads + _TAILS * tails)


def ice_grain(shape: Shape, deviation: float, random: np.random.Generator) -> Singles:
    """Random variation of the ice in V, (z, y, x), of a given share of its potential."""
    grain = random.standard_normal(shape, dtype=np.float32)
    grain *= np.float32(deviation * ICE)
    return grain


def surroundings(
    shape: Shape,
    voxel_size: float,
    wanted: Vesicles,
    random: np.random.Generator,
    *,
    progress: Progress = silent,
) -> Surroundings:
    """Vesicles and gold beads at random places, none in another.

    Vesicles may stick out of the box; beads lie inside.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the box, z, y, x.
    voxel_size : float
        Å.
    wanted : Vesicles
        How many of what sizes.
    random : Generator
        Where chance comes from.
    progress : callable
        Called once for each.

    Raises
    ------
    InputError
        If they find no room.
    """
    found = Surroundings(
        np.zeros(shape, np.float32), np.zeros(shape, np.uint8), np.zeros(shape, np.int32)
    )
    total = wanted.vesicles + wanted.beads
    for number in range(total):
        progress(number, total, "vesicles and gold")
        is_bead = number >= wanted.vesicles
        for _ in range(_TRIES):
            centre = random.uniform(0, np.asarray(shape) - 1)
            if is_bead:
                half = np.full(3, wanted.bead_diameter / 2 / voxel_size)
                centre = np.clip(centre, half, np.asarray(shape) - 1 - half)
            else:
                half = random.uniform(*wanted.radii, 3) / voxel_size
            if _put(found, centre, half, voxel_size, number + 1, is_bead=is_bead):
                break
        else:
            what = "a gold bead" if is_bead else "a vesicle"
            raise InputError(f"{what} found no room in {shape} voxels: take fewer or smaller ones")
    return found


def _put(
    found: Surroundings,
    centre: Floats,
    half: Floats,
    voxel_size: float,
    number: int,
    *,
    is_bead: bool,
) -> bool:
    """Add one where it meets no other; whether it did."""
    reach = half + 6 * _HEAD_WIDTH / voxel_size + _BILAYER / 2 / voxel_size
    lower = np.maximum(np.floor(centre - reach).astype(int), 0)
    upper = np.minimum(np.ceil(centre + reach).astype(int) + 1, found.kind.shape)
    box = Region(tuple(lower), tuple(upper)).slices
    axes = [np.arange(a, b) - c for a, b, c in zip(lower, upper, centre, strict=True)]
    offsets = np.meshgrid(*axes, indexing="ij", sparse=True)
    scaled = np.sqrt(sum((o / h) ** 2 for o, h in zip(offsets, half, strict=True)))
    # The distance from an ellipsoid to first order: over the slope of its function.
    slope = np.sqrt(sum((o / h**2) ** 2 for o, h in zip(offsets, half, strict=True)))
    steepness = np.divide(slope, scaled, out=np.full_like(slope, 1 / half.min()), where=scaled > 0)
    distance = (scaled - 1) / steepness * voxel_size
    if is_bead:
        potential = _GOLD * np.clip(0.5 - distance / voxel_size, 0, 1)
        body = distance < 0
    else:
        potential = bilayer(distance)
        body = np.abs(distance) < _BILAYER / 2 + _HEAD_WIDTH
    if (found.number[box][body] != 0).any():
        return False
    found.potential[box] += potential.astype(np.float32)
    found.kind[box][body] = 2 if is_bead else 1
    found.number[box][body] = number
    return True
