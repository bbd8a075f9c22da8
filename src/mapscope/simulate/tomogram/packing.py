"""Where particles lie: at random, any way round, none in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.progress import Progress, silent
from mapscope.simulate.tomogram.species import Species
from mapscope.volume import Shape

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_TRIES_AT_ONCE, _ROUNDS = 50, 60


@dataclass(frozen=True, eq=False)
class Packed:
    """Particles in a box.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Centres in voxels, z, y, x.
    rotations : float64 array (n, 3, 3)
        ``p_tomogram = R @ p_template + position``.
    species : int array (n,)
        Which of the kinds each is.
    potential : float32 array (z, y, x)
        V above ice, of all together.
    occupancy : int32 array (z, y, x)
        Number of the particle that a voxel belongs to, from 1; what was there before keeps its
        own numbers.
    """

    positions: Floats
    rotations: Floats
    species: npt.NDArray[np.int64]
    potential: Singles
    occupancy: npt.NDArray[np.int32]


def uniform_rotations(count: int, random: np.random.Generator) -> Floats:
    """Random rotations (n, 3, 3), all equally likely: unit quaternions from four normal numbers.

    References
    ----------
    .. [1] Marsaglia (1972) Ann. Math. Statist. 43, 645-646.
    """
    from scipy.spatial.transform import Rotation

    quaternions = random.standard_normal((count, 4))
    return np.asarray(Rotation.from_quat(quaternions).as_matrix().reshape(count, 3, 3))


def pack(
    shape: Shape,
    kinds: Sequence[Species],
    number: int,
    random: np.random.Generator,
    *,
    occupied: npt.NDArray[np.int32] | None = None,
    progress: Progress = silent,
) -> Packed:
    """Particles of all kinds in equal shares, wholly inside a box and none in another.

    They may touch. Centres lie anywhere between voxels. The largest are placed first, since
    they find no room later; their numbers are in random order all the same.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the box, z, y, x.
    kinds : sequence of Species
        At least one.
    number : int
        How many particles.
    random : Generator
        Where chance comes from.
    occupied : int32 array (z, y, x), optional
        Where no particle may lie: other than 0.
    progress : callable
        Called once per particle.

    Raises
    ------
    InputError
        If so many find no room, or one is larger than the box.
    """
    species = random.permutation(np.arange(number) % len(kinds))
    rotations = uniform_rotations(number, random)
    offsets = random.uniform(-0.5, 0.5, (number, 3))
    positions = np.zeros((number, 3))
    potential = np.zeros(shape, dtype=np.float32)
    occupancy = np.zeros(shape, np.int32) if occupied is None else occupied.copy()
    sizes = np.array([kind.kda for kind in kinds])
    for done, k in enumerate(np.argsort(-sizes[species], kind="stable")):
        progress(done, number, "packing")
        kind = kinds[species[k]]
        density = kind.turned(rotations[k], offsets[k])
        body = kind.body(density, offsets[k])
        place = _free_place(body, occupancy, random)
        if place is None:
            raise InputError(
                f"only {done} of {number} particles found room in {shape} voxels (z, y, x): a "
                f"{kind.name} fits nowhere; take fewer particles or a larger box"
            )
        _add(potential, density, place)
        box = occupancy[_slices(place, density.shape[0])]
        box[body[_cut(place, density.shape, shape)]] = k + 1
        positions[k] = place + density.shape[0] // 2 + offsets[k]
    progress(1, 1, "packing")
    return Packed(positions, rotations, species, potential, occupancy)


def _free_place(
    body: npt.NDArray[np.bool_],
    occupancy: npt.NDArray[np.int32],
    random: np.random.Generator,
) -> npt.NDArray[np.int64] | None:
    """First voxel of a box in which a body meets no other, or None after many tries."""
    where = np.argwhere(body)
    room = np.asarray(occupancy.shape) - where.max(axis=0)
    lowest = -where.min(axis=0)
    if (room <= lowest).any():
        return None
    for _ in range(_ROUNDS):
        starts = random.integers(lowest, room, (_TRIES_AT_ONCE, 3))
        for start in starts:
            z, y, x = (where + start).T
            if not occupancy[z, y, x].any():
                return np.asarray(start)
    return None


def _slices(place: npt.NDArray[np.int64], edge: int) -> tuple[slice, ...]:
    """Voxels of a box at a place that lie inside the volume."""
    return tuple(slice(max(0, int(p)), max(0, int(p) + edge)) for p in place)


def _cut(
    place: npt.NDArray[np.int64], box: tuple[int, ...], shape: tuple[int, ...]
) -> tuple[slice, ...]:
    """The part of a box at a place that lies inside the volume, in the box's own voxels."""
    return tuple(
        slice(max(0, -int(p)), min(n, size - int(p)))
        for p, n, size in zip(place, box, shape, strict=True)
    )


def _add(potential: Singles, density: Singles, place: npt.NDArray[np.int64]) -> None:
    """Add a density to the volume at a place; what sticks out is lost."""
    part = density[_cut(place, density.shape, potential.shape)]
    potential[_slices(place, density.shape[0])] += part
