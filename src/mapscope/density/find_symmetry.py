r"""Which point group a map has, and how it lies in it.

Around every direction the map is read on rings. The Fourier series of a ring tells at once how
well the map fits itself after any rotation about that direction: with power :math:`P_m` in
harmonic m, the mean correlation with the n - 1 copies of an n-fold axis is
:math:`(n s - 1) / (n - 1)`, :math:`s = \sum_{n | m} P_m / \sum_{m > 0} P_m`. The mean of a ring
(m = 0) fits itself after any rotation and says nothing, so it is left out. The best axis of
each order, refined with the centre, is then tried as the main axis of every group that has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
from mapscope.errors import DataError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Grid, Triple, Volume

_Floats = npt.NDArray[np.float64]

NONE = "none"
LEAST_CORRELATION = 0.7
_LONGEST = 72  # voxels of the copy that is searched
_RINGS, _COARSE_RINGS, _ANGLES = 240, 80, 72
_SPACING = 4.0  # degrees between directions
_POINTS = 6000
_LEAST_DETAIL = 1e-3
_MARGIN = 0.1  # of correlation, between the group that is there and its subgroups
_WORTH_REFINING = 0.15
_DUST = 0.05  # of the largest part
_OUTLINE = 4.5  # voxels, so 1.5 times the resolution
_LEAST_ELEMENTS = 8  # of resolution across the map
_POLYHEDRA = {3: ("T",), 4: ("O",), 5: ("I",)}
_TETRAHEDRAL = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
_GOLDEN = (1 + np.sqrt(5)) / 2


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


@dataclass(frozen=True)
class _Frame:
    """A frame to be refined: matrix from the standard frame, and centre in Å."""

    matrix: _Floats
    centre: _Floats

    def moved(self, change: npt.ArrayLike, reach: float) -> _Frame:
        """The frame after a rotation vector in degrees (3) and a shift in `reach` (3)."""
        numbers = np.asarray(change, dtype=np.float64)
        turn = matrix_of_turn(numbers[:3] * _SPACING)
        return _Frame(turn @ self.matrix, self.centre + numbers[3:] * reach)


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
    rings = _rings(points, centre, random)
    axes = _best_axes(searched, rings, centre, most_fold, part(progress, 1, 5, 8))
    tried: list[tuple[str, float, _Frame]] = []
    steps = part(progress, 5, 8, 8)
    for number, (fold, axis, middle) in enumerate(axes):
        steps(number, len(axes), f"trying groups with a {fold}-fold axis")
        tried += _groups_around(searched, points, fold, axis, middle, least_correlation)
    steps(1, 1, "trying groups")
    return _judged(tried, least_correlation)


def _judged(tried: list[tuple[str, float, _Frame]], least: float) -> FoundSymmetry:
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


def _described(frame: _Frame) -> tuple[Triple, Triple, Triple]:
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


def _rings(points: _Floats, centre: _Floats, random: np.random.Generator) -> _Floats:
    """Rings about the first axis in Å: height and radius, as far out as some points are."""
    distance = np.linalg.norm(points[:_RINGS] - centre, axis=1)
    cosine = random.uniform(-1, 1, len(distance))
    return np.stack([distance * cosine, distance * np.sqrt(1 - cosine**2)], axis=1)


def _values(volume: Volume, positions: _Floats) -> Array:
    """Density at positions (..., 3) in Å by linear interpolation, 0 outside."""
    from scipy.ndimage import map_coordinates

    index = volume.grid.index_from_world(positions.reshape(-1, 3)).T
    values: Array = map_coordinates(volume.data, index, np.float32, order=1)
    return values.reshape(positions.shape[:-1])


def _frame_of_axis(axis: _Floats) -> _Floats:
    """A rotation (3, 3) whose first column, the image of z, is `axis`."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    second = np.cross(axis, helper)
    second /= np.linalg.norm(second)
    frame = np.stack([axis, second, np.cross(axis, second)], axis=1)
    return frame if np.linalg.det(frame) > 0 else frame * [1, 1, -1]


def _power(volume: Volume, rings: _Floats, axis: _Floats, centre: _Floats) -> _Floats:
    """Power of each harmonic of the rings about an axis, from 0 upwards."""
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    height = np.broadcast_to(rings[:, :1], (len(rings), _ANGLES))
    local = np.stack([height, rings[:, 1:] * np.sin(angle), rings[:, 1:] * np.cos(angle)], axis=-1)
    values = _values(volume, local @ _frame_of_axis(axis).T + centre)
    harmonics = np.abs(np.fft.rfft(values, axis=1)) ** 2
    # A ring stands for all rings of its size: a wide one for more of the map.
    power: _Floats = (harmonics * rings[:, 1:]).sum(axis=0)
    power[1:-1] *= 2
    return power


def _correlations(power: _Floats, folds: Sequence[int]) -> _Floats:
    """Mean correlation with the other copies of an n-fold axis, for each n."""
    detail = float(power[1:].sum())
    if detail <= _LEAST_DETAIL * float(power.sum()):
        return np.zeros(len(folds))
    share = np.array([power[n::n].sum() / detail for n in folds])
    order = np.asarray(folds, dtype=np.float64)
    return np.asarray((order * share - 1) / (order - 1))


def _hemisphere(spacing: float) -> _Floats:
    """Unit vectors (n, 3) about `spacing` degrees apart over half a sphere (Fibonacci lattice)."""
    count = int(np.ceil(2 * np.pi / np.deg2rad(spacing) ** 2))
    number = np.arange(count) + 0.5
    z = number / count
    angle = 2 * np.pi * number / _GOLDEN
    radius = np.sqrt(1 - z**2)
    return np.stack([z, radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _best_axes(
    volume: Volume, rings: _Floats, centre: _Floats, most_fold: int, progress: Progress
) -> list[tuple[int, _Floats, _Floats]]:
    """For each order the axis that fits best, refined, as (order, axis, centre)."""
    folds = range(2, most_fold + 1)
    directions = _hemisphere(_SPACING)
    scores = np.empty((len(directions), len(folds)))
    for n, direction in enumerate(directions):
        if n % 50 == 0:
            progress(n, 2 * len(directions), "searching axes")
        power = _power(volume, rings[:_COARSE_RINGS], direction, centre)
        scores[n] = _correlations(power, folds)
    found: list[tuple[int, _Floats, _Floats]] = []
    for column, fold in enumerate(folds):
        progress(len(folds) + column, 2 * len(folds), f"refining a {fold}-fold axis")
        starts = _distinct(directions, scores[:, column])
        if scores[:, column].max() < _WORTH_REFINING and found:
            continue
        refined = [_refined_axis(volume, rings, fold, axis, centre) for axis in starts]
        _, axis, middle = max(refined, key=lambda r: r[0])
        found.append((fold, axis, middle))
    progress(1, 1, "axes refined")
    return found


def _distinct(directions: _Floats, scores: _Floats, count: int = 2) -> list[_Floats]:
    """The best directions, each more than three spacings away from a better one."""
    chosen: list[_Floats] = []
    limit = np.cos(np.deg2rad(3 * _SPACING))
    for n in np.argsort(-scores):
        if all(abs(float(directions[n] @ other)) < limit for other in chosen):
            chosen.append(directions[n])
        if len(chosen) == count:
            break
    return chosen


def _refined_axis(
    volume: Volume, rings: _Floats, fold: int, axis: _Floats, centre: _Floats
) -> tuple[float, _Floats, _Floats]:
    """Correlation, axis and centre after a search nearby; the centre moves across the axis only."""
    start = _Frame(_frame_of_axis(axis), centre)
    reach = 2 * volume.voxel_size[0]

    def moved(change: _Floats) -> _Frame:
        frame = start.moved((0, 0, 0, 0, 0, 0), reach)
        tilt = frame.matrix @ np.array([0.0, change[0], change[1]])
        shift = frame.matrix @ np.array([0.0, change[2], change[3]])
        return frame.moved([*tilt, *shift], reach)

    def cost(change: _Floats) -> float:
        frame = moved(change)
        power = _power(volume, rings, frame.matrix[:, 0], frame.centre)
        return -float(_correlations(power, [fold])[0])

    change, value = _minimised(cost, 4, 90)
    frame = moved(change)
    return -value, frame.matrix[:, 0], frame.centre


def _minimised(cost: Callable[[_Floats], float], size: int, most: int) -> tuple[_Floats, float]:
    """Where a function of `size` numbers of order 1 is least near 0, and its value there."""
    from scipy.optimize import minimize

    simplex = np.vstack([np.zeros(size), np.eye(size)])
    options = {"initial_simplex": simplex, "maxfev": most, "xatol": 2e-3, "fatol": 1e-5}
    found = minimize(cost, np.zeros(size), method="Nelder-Mead", options=options)
    return np.asarray(found.x), float(found.fun)


def _groups_around(
    volume: Volume, points: _Floats, fold: int, axis: _Floats, centre: _Floats, least: float
) -> Iterator[tuple[str, float, _Frame]]:
    """The groups whose main axis this may be, each in its best frame with its correlation."""
    alone = _Frame(_frame_of_axis(axis), centre)
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
            _Frame(cyclic[2].matrix @ _about_z(phase) @ start, cyclic[2].centre) for phase in phases
        ]
        scores = [_correlation(volume, points[::3], rotations, frame) for frame in frames]
        yield _refined(volume, points, group, frames[int(np.argmax(scores))])


def _main_axis(group: str) -> _Floats:
    """Rotation (3, 3) of a group's standard frame that brings its main axis to z."""
    if group == "T":
        return _frame_of_axis(_TETRAHEDRAL).T
    if group == "I":
        rotations = rotations_of_group("I")
        fifth = rotations[
            np.isclose(np.trace(rotations, axis1=1, axis2=2), 1 + 2 * np.cos(2 * np.pi / 5))
        ][0]
        values, vectors = np.linalg.eig(fifth)
        axis = np.real(vectors[:, int(np.argmin(np.abs(values - 1)))])
        return _frame_of_axis(axis / np.linalg.norm(axis)).T
    return np.eye(3)


def _about_z(angle: float) -> _Floats:
    """Rotation (3, 3) about z, the first axis, by degrees."""
    return matrix_of_turn([angle, 0, 0])


def _correlation(volume: Volume, points: _Floats, rotations: Rotations, frame: _Frame) -> float:
    """Mean correlation of the map with its copies under all rotations but the identity."""
    here = _values(volume, points)
    group = turned(rotations[1:], turn_of_matrix(frame.matrix))
    there = _values(volume, (points - frame.centre) @ group.transpose(0, 2, 1) + frame.centre)
    a = here - here.mean()
    b = there - there.mean(axis=1, keepdims=True)
    spread = np.sqrt((a**2).sum() * (b**2).sum(axis=1))
    return float(np.mean((b @ a) / np.maximum(spread, 1e-12)))


def _refined(
    volume: Volume, points: _Floats, group: str, start: _Frame
) -> tuple[str, float, _Frame]:
    """A group in the best frame near one that is about right."""
    rotations = rotations_of_group(group)
    reach = volume.voxel_size[0]
    few = points[:: max(1, len(rotations) // 6)]

    def cost(change: _Floats) -> float:
        return -_correlation(volume, few, rotations, start.moved(change, reach))

    change, _ = _minimised(cost, 6, 240)
    frame = start.moved(change, reach)
    return group, _correlation(volume, points, rotations, frame), frame
