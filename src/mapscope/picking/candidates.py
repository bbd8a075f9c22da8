"""From maps of best scores to picks: peaks, a threshold from a wrong template's, and overlaps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mapscope.density.tiles import scratch_array
from mapscope.particles import Particles
from mapscope.picking.boxes import cut_box
from mapscope.picking.filtering import rows_of
from mapscope.picking.fine_search import Hits
from mapscope.picking.peaks import best_apart, local_maxima
from mapscope.picking.running_best import WORST, RunningBest
from mapscope.volume import Array, Grid

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SLAB = 32
_ROUNDS = 5
_SAMPLE = 2_000_000
_NORMAL = 1.4826  # deviation of a normal distribution over its median absolute deviation
_LARGEST_BYTES = 2**28
_NEARLY_ONE = 1 - 1e-4
_LOOKED_AT, _LOOKED_AT_LEAST, _LOOKED_AT_SHARE = 4, 100, 0.1
ONE_IN = 20
"""An automatic threshold lets one pick of the control pass for so many of the template."""


@dataclass(frozen=True)
class Noise:
    """How high the best scores of all orientations are where there is nothing.

    Parameters
    ----------
    level : float
        Their median.
    spread : float
        Their standard deviation, from the median absolute deviation.
    """

    level: float
    spread: float

    @classmethod
    def of(cls, scores: Array) -> Noise:
        """That of a map of scores, of which particles are a small part."""
        step = max(1, round((scores.size / _SAMPLE) ** (1 / 3)))
        sample = np.concatenate([np.ravel(plane[::step, ::step]) for plane in scores[::step]])
        sample = sample[(sample > WORST) & (sample != 0)]
        if not len(sample):
            return cls(0.0, 1.0)
        level = float(np.median(sample))
        spread = _NORMAL * float(np.median(np.abs(sample - level)))
        return cls(level, spread if spread > 0 else 1.0)


def best_places(
    best: RunningBest, rotations: Floats, *, least: float, room: float, most: int
) -> Hits:
    """The highest local maxima of a map of scores, those at its faces included.

    Parameters
    ----------
    best : RunningBest
        The map.
    rotations : float64 array (n, 3, 3)
        The orientations that its numbers mean.
    least : float
        Score that a place must reach.
    room : float
        Voxels within which only the highest stays.
    most : int
        How many at most.
    """
    found, heights = [], []
    planes = best.scores.shape[0]
    for first in range(0, planes, _SLAB):
        lower, upper = max(0, first - 1), min(planes, first + _SLAB + 1)
        slab = np.asarray(best.scores[lower:upper])
        peaks = np.add(local_maxima(slab, least), [lower, 0, 0])
        peaks = peaks[(peaks[:, 0] >= first) & (peaks[:, 0] < first + _SLAB)]
        found.append(peaks)
        heights.append(slab[tuple((peaks - [lower, 0, 0]).T)])
    places, scores = np.concatenate(found), np.concatenate(heights).astype(np.float64)
    kept = np.flatnonzero(best_apart(places, scores, room))
    kept = kept[np.argsort(-scores[kept], kind="stable")[:most]]
    at = places[kept]
    numbers = np.asarray(best.numbers[tuple(at.T)], dtype=np.int64)
    return Hits(at.astype(np.float64), rotations[numbers], scores[kept])


def highest_around(scores: Array, places: npt.ArrayLike, radius: float) -> Floats:
    """Highest of a map of scores in a ball around each place (n,).

    Parameters
    ----------
    scores : array (z, y, x)
        The map; may be a memory map.
    places : array (n, 3)
        Voxels.
    radius : float
        Voxels.
    """
    reach = max(1, math.ceil(radius))
    axis = np.arange(-reach, reach + 1)
    ball = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= max(1.0, radius) ** 2
    found = [
        float(cut_box(scores, place - reach, ball.shape).data[ball].max())
        for place in np.rint(np.asarray(places).reshape(-1, 3)).astype(np.int64)
    ]
    return np.array(found, dtype=np.float64)


def is_chance(control: Hits, hits: Hits, *, reach: float) -> Flags:
    """Which hits of a control say what chance gives.

    A wrong template fits right particles, too, since something is there, which is no chance: a
    hit at what is clearly a particle does not count. What is clear is found with all at first.

    Parameters
    ----------
    control : Hits
        The control's, with scores that can be compared with the template's.
    hits : Hits
        The template's.
    reach : float
        Voxels within which two hits are of one thing.
    """
    rows = np.ones(len(control), dtype=np.bool_)
    for _ in range(_ROUNDS):
        clear = hits.scores >= automatic_threshold(hits.scores, control.scores[rows])
        left = rows & _has_no_better(control, hits[clear], reach)
        if left.sum() == rows.sum():
            break
        rows = left
    return rows


def _has_no_better(hits: Hits, others: Hits, reach: float) -> Flags:
    """Which hits have none of the others with a higher score within `reach` voxels."""
    from scipy.spatial import cKDTree

    if not len(hits) or not len(others):
        return np.ones(len(hits), dtype=np.bool_)
    near = cKDTree(others.places).query_ball_point(hits.places, reach)
    best = [others.scores[rows].max(initial=-np.inf) for rows in near]
    return np.asarray(hits.scores > best)


def automatic_threshold(scores: Floats, control: Floats) -> float:
    """The lowest score above which there are `ONE_IN` picks for one of the control.

    Parameters
    ----------
    scores : float64 array (n,)
        Of the template's picks.
    control : float64 array (m,)
        Of the control's.
    """
    right, wrong = np.sort(scores), np.sort(control)
    above = len(right) - np.arange(len(right))
    false = len(wrong) - np.searchsorted(wrong, right, side="left")
    good = np.flatnonzero(ONE_IN * false <= above)
    if len(good):
        return float(right[good[0]])
    return float(np.nextafter(wrong[-1], np.inf)) if len(wrong) else 0.0


def one_by_chance(tries: float) -> float:
    """Deviations above which one of so many normally distributed scores lies (Rickgauer 2017)."""
    from scipy.special import ndtri

    return float(-ndtri(1 / max(tries, 2.0)))


def resolved(particles: Particles, room: npt.ArrayLike) -> Particles:
    """The particles without those that lie where a better one does, of whatever species.

    Parameters
    ----------
    particles : Particles
        With scores that can be compared.
    room : float or array (n,)
        Å around each: what is worse and nearer goes.
    """
    score = np.zeros(len(particles)) if particles.score is None else particles.score
    return rows_of(particles, best_apart(particles.positions, score, room))


def joined(lists: list[Particles]) -> Particles:
    """All particles of lists with the same columns, highest score first."""
    names = lists[0].columns
    together = Particles(
        np.concatenate([p.positions for p in lists]),
        np.concatenate([_known(p.rotations) for p in lists]),
        tuple(s for p in lists for s in p.species or ()),
        np.concatenate([_known(p.score) for p in lists]),
        {name: np.concatenate([p.columns[name] for p in lists]) for name in names},
    )
    return rows_of(together, np.argsort(-_known(together.score), kind="stable"))


def _known(values: npt.NDArray[np.float64] | None) -> Floats:
    """What every list of picks has."""
    assert values is not None
    return values


def worth_refining(scores: Floats, control: Floats | None) -> int:
    """How many of the best places to make finer so that hardly a particle is left out.

    As many as exceed those of a control, of which some are noise and for which some particles
    still lie further down, several times over.

    Parameters
    ----------
    scores : float64 array (n,)
        Of the template's places at coarse angles.
    control : float64 array (m,), optional
        Of the control's. Without one all are worth it.
    """
    if control is None:
        return len(scores)
    right, wrong = np.sort(scores)[::-1], np.sort(control)
    above = np.arange(1, len(right) + 1)
    excess = above - (len(wrong) - np.searchsorted(wrong, right, side="left"))
    least = _LOOKED_AT_LEAST + _LOOKED_AT_SHARE * len(scores)
    return int(min(len(scores), _LOOKED_AT * excess.max(initial=0) + least))


def in_deviations(scores: npt.ArrayLike, unit: float) -> Floats:
    """Correlation coefficients in standard deviations of those of noise.

    They are brought to c / √(1 - c²) first, so that what is in the tomogram does not count among
    its noise: of two templates it fits, the one that explains more of it is higher.

    Parameters
    ----------
    scores : array
        Correlation coefficients.
    unit : float
        Standard deviation of single coefficients.
    """
    size = np.clip(np.asarray(scores, dtype=np.float64), -_NEARLY_ONE, _NEARLY_ONE)
    return np.asarray(size / np.sqrt(1.0 - size**2) / unit)


def highest_of(maps: list[tuple[Array, Grid, float]], grid: Grid) -> Array:
    """The highest of several maps of scores, each in its own deviations.

    Parameters
    ----------
    maps : list of (array, Grid, float)
        Coefficients, their voxels, and the standard deviation of single ones.
    grid : Grid
        Voxels of what comes out; each takes what the nearest of a map has.
    """
    size = 4 * math.prod(grid.shape)
    found = scratch_array(grid.shape) if size > _LARGEST_BYTES else np.empty(grid.shape, np.float32)
    near = [_nearest(grid, one) for _, one, _ in maps]
    for first in range(0, grid.shape[0], _SLAB):
        slab = slice(first, first + _SLAB)
        parts = [
            in_deviations(_rows(scores, z[slab], y, x), unit)
            for (scores, _, unit), (z, y, x) in zip(maps, near, strict=True)
        ]
        found[slab] = np.max(parts, axis=0)
    return found


def _nearest(grid: Grid, other: Grid) -> list[npt.NDArray[np.int64]]:
    """Along each axis the voxel of another grid that is nearest to each of a grid's."""
    ends = np.stack([np.zeros(3), np.subtract(grid.shape, 1)])
    first, last = other.index_from_world(grid.world_from_index(ends))
    return [
        np.clip(np.rint(np.linspace(a, b, n)), 0, m - 1).astype(np.int64)
        for a, b, n, m in zip(first, last, grid.shape, other.shape, strict=True)
    ]


def _rows(scores: Array, *rows: npt.NDArray[np.int64]) -> Array:
    """Rows of a map along each axis; a slab of planes is read at once."""
    z, y, x = rows
    slab = np.asarray(scores[int(z[0]) : int(z[-1]) + 1])
    return np.asarray(slab[np.ix_(z - z[0], y, x)])
