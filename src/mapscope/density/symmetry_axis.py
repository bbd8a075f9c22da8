r"""The axes about which a map fits itself best.

Around every direction the map is read on rings. The Fourier series of a ring tells at once how
well the map fits itself after any rotation about that direction: with power :math:`P_m` in
harmonic m, the mean correlation with the n - 1 copies of an n-fold axis is
:math:`(n s - 1) / (n - 1)`, :math:`s = \sum_{n | m} P_m / \sum_{m > 0} P_m`. The mean of a ring
(m = 0) fits itself after any rotation and says nothing, so it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.symmetry import matrix_of_turn
from mapscope.progress import Progress
from mapscope.volume import Array, Volume

_Floats = npt.NDArray[np.float64]

_RINGS, _COARSE_RINGS, _ANGLES = 240, 80, 72
_SPACING = 4.0  # degrees between directions
_LEAST_DETAIL = 1e-3
_WORTH_REFINING = 0.15
_GOLDEN = (1 + np.sqrt(5)) / 2


@dataclass(frozen=True)
class Frame:
    """A frame to be refined: matrix from the standard frame, and centre in Å."""

    matrix: _Floats
    centre: _Floats

    def moved(self, change: npt.ArrayLike, reach: float) -> Frame:
        """The frame after a rotation vector in degrees (3) and a shift in `reach` (3)."""
        numbers = np.asarray(change, dtype=np.float64)
        turn = matrix_of_turn(numbers[:3] * _SPACING)
        return Frame(turn @ self.matrix, self.centre + numbers[3:] * reach)


def best_axes(
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
    start = Frame(frame_of_axis(axis), centre)
    reach = 2 * volume.voxel_size[0]

    def moved(change: _Floats) -> Frame:
        frame = start.moved((0, 0, 0, 0, 0, 0), reach)
        tilt = frame.matrix @ np.array([0.0, change[0], change[1]])
        shift = frame.matrix @ np.array([0.0, change[2], change[3]])
        return frame.moved([*tilt, *shift], reach)

    def cost(change: _Floats) -> float:
        frame = moved(change)
        power = _power(volume, rings, frame.matrix[:, 0], frame.centre)
        return -float(_correlations(power, [fold])[0])

    change, value = minimised(cost, 4, 90)
    frame = moved(change)
    return -value, frame.matrix[:, 0], frame.centre


def rings_of(points: _Floats, centre: _Floats, random: np.random.Generator) -> _Floats:
    """Rings about the first axis in Å: height and radius, as far out as some points are."""
    distance = np.linalg.norm(points[:_RINGS] - centre, axis=1)
    cosine = random.uniform(-1, 1, len(distance))
    return np.stack([distance * cosine, distance * np.sqrt(1 - cosine**2)], axis=1)


def _power(volume: Volume, rings: _Floats, axis: _Floats, centre: _Floats) -> _Floats:
    """Power of each harmonic of the rings about an axis, from 0 upwards."""
    angle = np.arange(_ANGLES) * (2 * np.pi / _ANGLES)
    height = np.broadcast_to(rings[:, :1], (len(rings), _ANGLES))
    local = np.stack([height, rings[:, 1:] * np.sin(angle), rings[:, 1:] * np.cos(angle)], axis=-1)
    values = density_at(volume, local @ frame_of_axis(axis).T + centre)
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


def density_at(volume: Volume, positions: _Floats) -> Array:
    """Density at positions (..., 3) in Å by linear interpolation, 0 outside."""
    from scipy.ndimage import map_coordinates

    index = volume.grid.index_from_world(positions.reshape(-1, 3)).T
    values: Array = map_coordinates(volume.data, index, np.float32, order=1)
    return values.reshape(positions.shape[:-1])


def frame_of_axis(axis: _Floats) -> _Floats:
    """A rotation (3, 3) whose first column, the image of z, is `axis`."""
    helper = np.eye(3)[np.argmin(np.abs(axis))]
    second = np.cross(axis, helper)
    second /= np.linalg.norm(second)
    frame = np.stack([axis, second, np.cross(axis, second)], axis=1)
    return frame if np.linalg.det(frame) > 0 else frame * [1, 1, -1]


def minimised(cost: Callable[[_Floats], float], size: int, most: int) -> tuple[_Floats, float]:
    """Where a function of `size` numbers of order 1 is least near 0, and its value there."""
    from scipy.optimize import minimize

    simplex = np.vstack([np.zeros(size), np.eye(size)])
    options = {"initial_simplex": simplex, "maxfev": most, "xatol": 2e-3, "fatol": 1e-5}
    found = minimize(cost, np.zeros(size), method="Nelder-Mead", options=options)
    return np.asarray(found.x), float(found.fun)
