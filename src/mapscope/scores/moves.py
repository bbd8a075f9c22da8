"""What a method makes of a map that was moved: it should make what it made before, moved alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.frame import crop
from mapscope.density.symmetry import rotations_of_group
from mapscope.scores.map_map import correlation_about_mean
from mapscope.volume import Array, HalfMaps, Region, Shape, Triple, Volume

Enhancer: TypeAlias = Callable[[HalfMaps], Volume]
"""Makes a map of half maps, on their grid."""

Change: TypeAlias = Callable[[Array], Array]


@dataclass(frozen=True)
class Kept:
    """How alike what a method makes of a moved map is to what it made of the map.

    Parameters
    ----------
    moved : float
        Correlation with the earlier result moved alike: 1 where moving changes nothing.
    unmoved : float
        Correlation with the earlier result as it was, for a method that moves it back; NaN
        where the grid has changed.
    """

    moved: float
    unmoved: float


def changed(half_maps: HalfMaps, change: Change) -> HalfMaps:
    """Half maps with both arrays changed alike; cell and header are left behind.

    Parameters
    ----------
    half_maps : HalfMaps
        The half maps.
    change : callable
        From array (z, y, x) to array.
    """
    first, second = (
        Volume(np.ascontiguousarray(change(v.data)), v.voxel_size, v.origin)
        for v in (half_maps.first, half_maps.second)
    )
    return HalfMaps(first, second)


def mirror(data: Array) -> Array:
    """The array of the other hand, (z, y, x)."""
    return data[:, :, ::-1]


def turn(data: Array, rotation: npt.NDArray[np.float64]) -> Array:
    """A map turned by one of the 24 rotations that map voxels onto voxels.

    Parameters
    ----------
    data : array (z, y, x)
        Density; edges change places with the axes.
    rotation : float64 array (3, 3)
        Of z, y, x, each entry -1, 0 or 1.
    """
    whole = np.rint(rotation).astype(int)
    order = np.abs(whole).argmax(axis=1)
    signs = whole[np.arange(3), order]
    return np.flip(np.transpose(data, order), tuple(np.flatnonzero(signs < 0)))


def lattice_rotations() -> npt.NDArray[np.float64]:
    """The 24 rotations of a cube, float64 (24, 3, 3)."""
    return np.asarray(np.rint(rotations_of_group("O")))


def when_mirrored(enhance: Enhancer, half_maps: HalfMaps, made: Volume) -> Kept:
    """What becomes of the other hand: a method must not turn it into the one it knows.

    Parameters
    ----------
    enhance : callable
        The method.
    half_maps : HalfMaps
        What it was given.
    made : Volume
        What it made of them.
    """
    again = enhance(changed(half_maps, mirror))
    return Kept(
        correlation_about_mean(again.data, mirror(made.data)),
        correlation_about_mean(again.data, made.data),
    )


def when_turned(
    enhance: Enhancer,
    half_maps: HalfMaps,
    made: Volume,
    rotations: npt.NDArray[np.float64] | None = None,
) -> npt.NDArray[np.float64]:
    """Correlation of what becomes of each turned map with the turned result, (n,).

    Parameters
    ----------
    enhance, half_maps, made
        As in :func:`when_mirrored`.
    rotations : float64 array (n, 3, 3), optional
        Some of :func:`lattice_rotations`; all 24 where None.
    """
    found = []
    for rotation in lattice_rotations() if rotations is None else rotations:
        again = enhance(changed(half_maps, lambda data, by=rotation: turn(data, by)))  # type: ignore[misc]
        found.append(correlation_about_mean(again.data, turn(made.data, rotation)))
    return np.array(found)


def when_shifted(
    enhance: Enhancer, half_maps: HalfMaps, made: Volume, origin: Triple
) -> tuple[float, bool]:
    """What becomes of maps with another origin: correlation, and whether the grid is theirs.

    Parameters
    ----------
    enhance, half_maps, made
        As in :func:`when_mirrored`.
    origin : three floats
        Å, z, y, x.
    """
    moved = HalfMaps(*(replace(v, origin=origin) for v in (half_maps.first, half_maps.second)))
    again = enhance(moved)
    return correlation_about_mean(again.data, made.data), again.grid.matches(moved.grid)


def when_rescaled(enhance: Enhancer, half_maps: HalfMaps, made: Volume, factor: float) -> float:
    """Correlation of what becomes of maps whose voxel size is taken to be another.

    Parameters
    ----------
    enhance, half_maps, made
        As in :func:`when_mirrored`.
    factor : float
        On the voxel size: 1.03 for 3 % too large.
    """
    wrong = HalfMaps(
        *(
            Volume(v.data, tuple(factor * s for s in v.voxel_size), v.origin)  # type: ignore[arg-type]
            for v in (half_maps.first, half_maps.second)
        )
    )
    return correlation_about_mean(enhance(wrong).data, made.data)


def when_cut(enhance: Enhancer, half_maps: HalfMaps, made: Volume, region: Region) -> float:
    """Correlation of what becomes of a box cut from the maps with that box of the result.

    Parameters
    ----------
    enhance, half_maps, made
        As in :func:`when_mirrored`.
    region : Region
        The box, of any shape.
    """
    part = HalfMaps(*(crop(v, region) for v in (half_maps.first, half_maps.second)))
    return correlation_about_mean(enhance(part).data, made.data[region.slices])


def uneven_box(shape: Shape) -> Region:
    """A box within a map whose edges have three different lengths, about its middle."""
    cuts = [(0, 0), (n0 := shape[1] // 16, n0), (n1 := shape[2] // 8, n1)]
    lower = tuple(c[0] for c in cuts)
    upper = tuple(n - c[1] for n, c in zip(shape, cuts, strict=True))
    return Region(lower, upper)  # type: ignore[arg-type]
