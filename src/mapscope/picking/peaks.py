"""Peaks of a score map: local maxima, finer than voxels, and the best of those that crowd."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.volume import Array

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


def local_maxima(scores: Array, least: float) -> Indices:
    """Voxels above `least` and not below any of their 26 neighbours.

    Voxels on the faces count as well: they have fewer neighbours.

    Parameters
    ----------
    scores : array (z, y, x)
        Any real numbers.
    least : float
        What a peak must reach.

    Returns
    -------
    int64 array (n, 3)
    """
    from scipy.ndimage import maximum_filter

    highest = maximum_filter(scores, size=3, mode="nearest")
    return np.asarray(np.argwhere((scores >= highest) & (scores >= least)), dtype=np.int64)


def refined(scores: Array, peaks: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Peaks moved to the top of a parabola through their 27 voxels.

    Parameters
    ----------
    scores : array (z, y, x)
        The map.
    peaks : int array (n, 3)
        Its local maxima.

    Returns
    -------
    positions : float64 array (n, 3)
        Fractional indices, at most one voxel away; the voxel itself where it is no top.
    heights : float64 array (n,)
        Of the parabola there.
    """
    at = np.asarray(peaks, dtype=np.int64).reshape(-1, 3)
    if not len(at):
        return np.empty((0, 3)), np.empty(0)
    cube = _neighbourhoods(scores, at)
    middle = cube[:, 1, 1, 1]
    slope, curvature = _derivatives(cube)
    # Flat directions (a map one voxel thick) do not move.
    curvature -= 1e-9 * np.maximum(np.abs(middle), 1.0)[:, None, None] * np.eye(3)
    shift = -np.linalg.solve(curvature, slope[..., None])[..., 0]
    is_top = (np.linalg.eigvalsh(curvature) < 0).all(axis=1) & (np.abs(shift) <= 1).all(axis=1)
    shift[~is_top] = 0.0
    return at + shift, middle + 0.5 * (slope * shift).sum(axis=1)


def _neighbourhoods(scores: Array, at: Indices) -> Floats:
    """The 27 voxels around each peak (n, 3, 3, 3); beyond a face lies its mirror image."""
    last = np.asarray(scores.shape) - 1
    around = np.abs(at[:, :, None] + np.arange(-1, 2))
    around = np.clip(last[:, None] - np.abs(last[:, None] - around), 0, None)
    z, y, x = around[:, 0], around[:, 1], around[:, 2]
    cube = scores[z[:, :, None, None], y[:, None, :, None], x[:, None, None, :]]
    return np.asarray(cube, dtype=np.float64)


def _derivatives(cube: Floats) -> tuple[Floats, Floats]:
    """First (n, 3) and second (n, 3, 3) differences in the middle of cubes (n, 3, 3, 3)."""
    middle = cube[:, 1, 1, 1]
    slope, curvature = np.empty((len(cube), 3)), np.empty((len(cube), 3, 3))
    for a in range(3):
        line = np.moveaxis(cube, a + 1, 1)[:, :, 1, 1]
        slope[:, a] = 0.5 * (line[:, 2] - line[:, 0])
        curvature[:, a, a] = line[:, 2] - 2 * middle + line[:, 0]
        for b in range(a):
            plane = np.moveaxis(cube, (a + 1, b + 1), (1, 2))[:, :, :, 1]
            mixed = plane[:, 2, 2] - plane[:, 2, 0] - plane[:, 0, 2] + plane[:, 0, 0]
            curvature[:, a, b] = curvature[:, b, a] = 0.25 * mixed
    return slope, curvature


def best_apart(
    places: npt.ArrayLike, scores: npt.ArrayLike, distance: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    """Which points stay when the best one takes the room around it, then the next best, ….

    Parameters
    ----------
    places : array (n, d)
        Of any number of dimensions.
    scores : array (n,)
        Higher is better; of equals the first. NaN is better than any number.
    distance : float or array (n,)
        Room that each point takes: what is worse and nearer goes.

    Returns
    -------
    bool array (n,)
    """
    points = np.asarray(places, dtype=np.float64)
    order = np.argsort(-np.nan_to_num(np.asarray(scores, np.float64), nan=np.inf), kind="stable")
    room = np.broadcast_to(np.asarray(distance, dtype=np.float64), (len(points),))[order]
    kept = np.zeros(len(points), dtype=np.bool_)
    kept[order] = _best_first(points[order], room)
    return kept


def _best_first(points: Floats, room: Floats) -> npt.NDArray[np.bool_]:
    """The same for points in the order of their scores, in rounds instead of one by one.

    In each round those stay before which no undecided one lies, and take what they shade.
    """
    better, worse = _shades(points, room)
    is_open = np.ones(len(points), dtype=np.bool_)
    kept = np.zeros(len(points), dtype=np.bool_)
    while is_open.any():
        is_shaded = np.zeros(len(points), dtype=np.bool_)
        is_shaded[worse] = True
        stays = is_open & ~is_shaded
        kept |= stays
        is_open &= ~stays
        is_open[worse[stays[better]]] = False
        left = is_open[better] & is_open[worse]
        better, worse = better[left], worse[left]
    return kept


def _shades(points: Floats, room: Floats) -> tuple[Indices, Indices]:
    """Pairs of a better and a worse point that lies in its room."""
    from scipy.spatial import cKDTree

    if len(points) < 2 or not room.max() > 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pairs = cKDTree(points).query_pairs(float(room.max()), output_type="ndarray")
    better, worse = pairs.min(axis=1), pairs.max(axis=1)
    apart = ((points[better] - points[worse]) ** 2).sum(axis=1)
    near = apart < room[better] ** 2
    return better[near], worse[near]
