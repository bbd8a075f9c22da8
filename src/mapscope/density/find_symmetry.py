"""Which point group a map has, and how it lies in it.

The best axis of each order is tried as the main axis of every group that has one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.fourier import low_pass
from mapscope.density.frame import crop, region_above
from mapscope.density.mask import automatic_threshold, without_dust
from mapscope.density.resample import onto_grid
from mapscope.density.symmetry import (
    Rotations,
    matrix_of_turn,
    rotations_of_group,
    turn_of_matrix,
    turned,
)
from mapscope.density.symmetry_axis import (
    Frame,
    best_axes,
    density_at,
    frame_of_axis,
    minimised,
    rings_of,
)
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Grid, Triple, Volume

_Floats = npt.NDArray[np.float64]

NONE = "none"
LEAST_CORRELATION = 0.7
_LONGEST = 72  # voxels of the copy that is searched
_POINTS = 6000
_MARGIN = 0.1  # of correlation, between the group that is there and its subgroups
_DUST = 0.05  # of the largest part
_OUTLINE = 4.5  # voxels, so 1.5 times the resolution
_LEAST_ELEMENTS = 8  # of resolution across the map
_POLYHEDRA = {3: ("T",), 4: ("O",), 5: ("I",)}
_TETRAHEDRAL = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)


@dataclass(frozen=True)
class FoundSymmetry:
    """The point group of a map, and its frame.

    Parameters
    ----------
    group : str
        Schoenflies symbol, or ``"none"``.
    correlation : float
        Mean correlation of the map with its rotated copies, without what is rotationally
        symmetric or smooth anyway; of the best axis tried where the group is ``"none"``.
    axis : three floats
        Unit vector (z, y, x) of the main axis.
    centre : three floats
        Å, z, y, x.
    turn : three floats
        Rotation vector in degrees (z, y, x) from the group's standard frame to the map's.
    tried : tuple of (str, float)
        Each group that was tried, with its correlation.
    """

    group: str
    correlation: float
    axis: Triple
    centre: Triple
    turn: Triple
    tried: tuple[tuple[str, float], ...]


def find_symmetry(
    volume: Volume,
    *,
    most_fold: int = 12,
    least_correlation: float = LEAST_CORRELATION,
    resolution: float = 8.0,
    seed: int = 0,
    progress: Progress = silent,
) -> FoundSymmetry:
    """The largest point group under which a map fits itself.

    Parameters
    ----------
    volume : Volume
        A whole particle, not one cut out of it.
    most_fold : int
        Highest order of an axis that is looked for, at least 2.
    least_correlation : float
        Mean correlation, 0 to 1, with the rotated copies that makes a symmetry.
    resolution : float
        Å of detail that is compared: coarser where the map is large, finer where it is small.
    seed : int
        Of the positions at which the map is compared.
    progress : callable
        Called once per direction block and group.

    Raises
    ------
    DataError
        If the map is constant, or has nothing above its threshold.
    """
    resolution = min(resolution, max(volume.grid.extent) / _LEAST_ELEMENTS)
    particle = _particle(volume, resolution, part(progress, 0, 1, 8))
    searched, centre = _detail(particle), _centre_of_mass(particle)
    random = np.random.default_rng(seed)
    points = _points(searched, random)
    rings = rings_of(points, centre, random)
    axes = best_axes(searched, rings, centre, most_fold, part(progress, 1, 5, 8))
    tried: list[tuple[str, float, Frame]] = []
    steps = part(progress, 5, 8, 8)
    for number, (fold, axis, middle) in enumerate(axes):
        steps(number, len(axes), f"trying groups with a {fold}-fold axis")
        tried += _groups_around(searched, points, fold, axis, middle, least_correlation)
    steps(1, 1, "trying groups")
    return _judged(tried, least_correlation)


def _judged(tried: list[tuple[str, float, Frame]], least: float) -> FoundSymmetry:
    """The largest of the groups that fit, or none."""
    fitting = [t for t in tried if t[1] >= least]
    scores = tuple((name, score) for name, score, _ in tried)
    if not fitting:
        best = max(tried, key=lambda t: t[1])
        return FoundSymmetry(NONE, best[1], *_described(best[2]), scores)
    # A body with many axes fits many groups by half; a group that is there fits like the best.
    best_score = max(score for _, score, _ in fitting)
    equals = [t for t in fitting if t[1] >= best_score - _MARGIN]
    group, score, frame = max(equals, key=lambda t: (len(rotations_of_group(t[0])), t[1]))
    return FoundSymmetry(group, score, *_described(frame), scores)


def _described(frame: Frame) -> tuple[Triple, Triple, Triple]:
    """Axis, centre and turn of a frame, as plain numbers."""
    z, y, x = (float(v) for v in frame.matrix[:, 0])
    cz, cy, cx = (float(v) for v in frame.centre)
    return (z, y, x), (cz, cy, cx), turn_of_matrix(frame.matrix)


def _particle(volume: Volume, resolution: float, progress: Progress) -> Volume:
    """A coarse copy with what stands above the solvent, without dust.

    Raises
    ------
    DataError
        If nothing does.
    """
    positive = volume.with_data(volume.float32() * np.float32(volume.contrast))
    automatic_threshold(positive.data)  # says so where the map is constant
    finest = 3 * max(volume.voxel_size)
    smooth = low_pass(positive, max(resolution, finest), edge="gaussian", progress=progress)
    threshold = automatic_threshold(smooth.data, cut_out=False)
    particle = crop(smooth, region_above(smooth, threshold, margin=2))
    size = max(resolution / 3, max(particle.grid.extent) / _LONGEST)
    z, y, x = (int(np.ceil(edge / size)) for edge in particle.grid.extent)
    grid = Grid((z, y, x), (size,) * 3, particle.origin)
    coarse = onto_grid(particle, grid, outside=threshold).float32()
    above = np.maximum(coarse - np.float32(threshold), 0)
    above[~without_dust(above > 0, _DUST)] = 0
    if not above.any():
        raise DataError("nothing in the map stands above the solvent: no symmetry can be found")
    padded = np.pad(above, 2)
    corner = grid.world_from_index([-2, -2, -2])
    return Volume(padded, (size,) * 3, (float(corner[0]), float(corner[1]), float(corner[2])))


def _detail(particle: Volume) -> Volume:
    """A particle without its smooth outline: that alone makes a long body look two-fold."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(particle.data, _OUTLINE)
    return particle.with_data(np.where(particle.data > 0, particle.data - smooth, 0))


def _centre_of_mass(volume: Volume) -> _Floats:
    """Å, z, y, x: every axis of symmetry passes there."""
    held = np.argwhere(volume.data > 0)
    middle = np.average(held, axis=0, weights=volume.data[tuple(held.T)])
    return np.asarray(volume.grid.world_from_index(middle))


def _points(volume: Volume, random: np.random.Generator) -> _Floats:
    """Positions (n, 3) in Å at which copies are compared, spread over what the map holds."""
    held = np.argwhere(volume.data != 0)
    chosen = held[random.integers(len(held), size=_POINTS)]
    return volume.grid.world_from_index(chosen + random.uniform(-0.5, 0.5, chosen.shape))


def _groups_around(
    volume: Volume, points: _Floats, fold: int, axis: _Floats, centre: _Floats, least: float
) -> Iterator[tuple[str, float, Frame]]:
    """The groups whose main axis this may be, each in its best frame with its correlation."""
    alone = Frame(frame_of_axis(axis), centre)
    cyclic = _refined(volume, points, f"C{fold}", alone)
    yield cyclic
    if cyclic[1] < 0.8 * least:
        return
    for group in (f"D{fold}", *_POLYHEDRA.get(fold, ())):
        start = _main_axis(group)
        period = 360 / fold
        phases = np.arange(0, period, 4.0)
        rotations = rotations_of_group(group)
        frames = [
            Frame(cyclic[2].matrix @ _about_z(phase) @ start, cyclic[2].centre) for phase in phases
        ]
        scores = [_correlation(volume, points[::3], rotations, frame) for frame in frames]
        yield _refined(volume, points, group, frames[int(np.argmax(scores))])


def _main_axis(group: str) -> _Floats:
    """Rotation (3, 3) of a group's standard frame that brings its main axis to z."""
    if group == "T":
        return frame_of_axis(_TETRAHEDRAL).T
    if group == "I":
        rotations = rotations_of_group("I")
        fifth = rotations[
            np.isclose(np.trace(rotations, axis1=1, axis2=2), 1 + 2 * np.cos(2 * np.pi / 5))
        ][0]
        values, vectors = np.linalg.eig(fifth)
        axis = np.real(vectors[:, int(np.argmin(np.abs(values - 1)))])
        return frame_of_axis(axis / np.linalg.norm(axis)).T
    return np.eye(3)


def _about_z(angle: float) -> _Floats:
    """Rotation (3, 3) about z, the first axis, by degrees."""
    return matrix_of_turn([angle, 0, 0])


def _correlation(volume: Volume, points: _Floats, rotations: Rotations, frame: Frame) -> float:
    """Mean correlation of the map with its copies under all rotations but the identity."""
    here = density_at(volume, points)
    group = turned(rotations[1:], turn_of_matrix(frame.matrix))
    there = density_at(volume, (points - frame.centre) @ group.transpose(0, 2, 1) + frame.centre)
    a = here - here.mean()
    b = there - there.mean(axis=1, keepdims=True)
    spread = np.sqrt((a**2).sum() * (b**2).sum(axis=1))
    return float(np.mean((b @ a) / np.maximum(spread, 1e-12)))


def _refined(volume: Volume, points: _Floats, group: str, start: Frame) -> tuple[str, float, Frame]:
    """A group in the best frame near one that is about right."""
    rotations = rotations_of_group(group)
    reach = volume.voxel_size[0]
    few = points[:: max(1, len(rotations) // 6)]

    def cost(change: _Floats) -> float:
        return -_correlation(volume, few, rotations, start.moved(change, reach))

    change, _ = minimised(cost, 6, 240)
    frame = start.moved(change, reach)
    return group, _correlation(volume, points, rotations, frame), frame
