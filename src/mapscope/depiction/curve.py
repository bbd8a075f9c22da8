"""Smooth curves through points, and frames that go along without twisting."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mapscope.volume import Array

Points = npt.NDArray[np.float64]


def curve(points: Array, steps: int) -> tuple[Points, Points]:
    """Positions and unit tangents of a Catmull–Rom spline through points.

    Parameters
    ----------
    points : float array (n, 3)
        At least two points.
    steps : int
        Samples from each point to the next; every `steps`-th sample is a point itself.

    Returns
    -------
    positions, tangents : float64 arrays ((n - 1) * steps + 1, 3)

    References
    ----------
    .. [1] E. Catmull and R. Rom, Computer Aided Geometric Design (1974) 317-326.
    """
    points = np.asarray(points, dtype=np.float64)
    ends = 2 * points[[0, -1]] - points[[1, -2]]
    knots = np.concatenate([ends[:1], points, ends[1:]])
    start, t = _places(len(points), steps)
    p, a, b, c = (knots[start + k] for k in range(4))
    linear, square, cube = b - p, 2 * p - 5 * a + 4 * b - c, 3 * (a - b) + c - p
    positions = a + 0.5 * t * (linear + t * (square + t * cube))
    positions[::steps] = points
    tangents = linear + t * (2 * square + 3 * t * cube)
    return positions, unit(tangents)


def _places(count: int, steps: int) -> tuple[npt.NDArray[np.int64], Points]:
    """Segment, and place from 0 to 1 in it as a column, of every sample of a curve."""
    sample = np.arange((count - 1) * steps + 1)
    start = np.minimum(sample // steps, count - 2)
    return start, (sample / steps - start)[:, None]


def along(values: Array, steps: int) -> npt.NDArray[np.float64]:
    """Values at points, (n, ...), taken linearly to the samples of a curve through them."""
    values = np.asarray(values, dtype=np.float64)
    start, t = _places(len(values), steps)
    t = t.reshape(-1, *([1] * (values.ndim - 1)))
    return np.asarray((1 - t) * values[start] + t * values[start + 1])


def owners(count: int, steps: int) -> npt.NDArray[np.int64]:
    """Index of the point that each sample of a curve belongs to: the nearest."""
    return (np.arange((count - 1) * steps + 1) + steps // 2) // steps


def unit(vectors: Array) -> npt.NDArray[np.float64]:
    """Vectors (..., 3) of length 1; one of no length stays."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1))


def transported_normals(tangents: Points) -> Points:
    """Unit normals (n, 3) carried along a curve by parallel transport, so without a twist.

    Each step is the smallest rotation that takes a tangent to the next; the running product
    of all of them is taken by doubling.

    References
    ----------
    .. [1] R. L. Bishop, Am. Math. Mon. 82 (1975) 246-251.
    """
    turns = np.concatenate([np.eye(3)[None], _smallest_rotations(tangents[:-1], tangents[1:])])
    reach = 1
    while reach < len(turns):
        turns[reach:] = turns[reach:] @ turns[:-reach]
        reach *= 2
    first = np.eye(3)[np.argmin(np.abs(tangents[0]))]
    return across(turns @ across(first, tangents[0]), tangents)


def across(vectors: Array, tangents: Array) -> Points:
    """The unit part of vectors (..., 3) that is perpendicular to unit tangents."""
    shadow = (vectors * tangents).sum(axis=-1, keepdims=True) * tangents
    return unit(vectors - shadow)


def without_flips(normals: Points) -> Points:
    """The same axes (n, 3), each pointing to the side of the one before."""
    signs = np.sign((normals[1:] * normals[:-1]).sum(axis=1))
    signs = np.concatenate([[1.0], np.where(signs == 0, 1.0, signs)])
    return np.asarray(normals * np.cumprod(signs)[:, None])


def _smallest_rotations(a: Points, b: Points) -> npt.NDArray[np.float64]:
    """Matrices (n, 3, 3) that turn unit vectors `a` into `b` about their common normal."""
    axis = np.cross(a, b)
    cosine = (a * b).sum(axis=1)
    cross = np.zeros((len(a), 3, 3))
    cross[:, 0, 1], cross[:, 0, 2], cross[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    cross -= cross.transpose(0, 2, 1)
    # Half a turn has no axis of its own and does not come up along a smooth curve.
    share = 1 / np.maximum(1 + cosine, 1e-9)
    return np.asarray(np.eye(3) + cross + cross @ cross * share[:, None, None])
