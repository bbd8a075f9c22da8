"""Point groups: their rotations, and the mean of a map over them."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from mapscope.density.resample import spline_coefficients
from mapscope.errors import InputError
from mapscope.progress import Progress, part, silent
from mapscope.volume import Array, Triple, Volume

Rotations = npt.NDArray[np.float64]

_SLAB_VOXELS = 500_000
_TOLERANCE = 1e-3
MOST_FOLD = 60


def rotations_of_group(group: str) -> Rotations:
    """The rotations of a point group in its standard frame, the identity first.

    Cn and Dn have their n-fold axis along z, Dn a two-fold axis along x. The two-fold axes
    of T, the four-fold axes of O and three two-fold axes of I lie along z, y and x.

    Parameters
    ----------
    group : str
        Schoenflies symbol: ``"C4"``, ``"D2"``, ``"T"``, ``"O"``, ``"I"``.

    Returns
    -------
    float64 array (n, 3, 3)
        Proper rotations that act on positions (z, y, x).

    Raises
    ------
    InputError
        If there is no such group.

    Examples
    --------
    >>> [len(rotations_of_group(name)) for name in ("C3", "D2", "T", "O", "I")]
    [3, 4, 12, 24, 60]
    """
    from scipy.spatial.transform import Rotation

    symbol = group.strip().upper()
    match = re.fullmatch(r"([CD])(\d{1,2})|[TOI]", symbol)
    if match is None or (match[2] is not None and not 1 <= int(match[2]) <= MOST_FOLD):
        raise InputError(
            f"there is no point group {group!r}: name Cn or Dn with n from 1 to {MOST_FOLD}, "
            "T, O or I (C4, D2, O)"
        )
    xyz = Rotation.create_group(symbol, axis="Z").as_matrix()
    zyx = xyz[:, ::-1, ::-1]
    first = np.argsort(-np.trace(zyx, axis1=1, axis2=2), kind="stable")
    return np.ascontiguousarray(zyx[first])


def turned(rotations: Rotations, turn: npt.ArrayLike) -> Rotations:
    """Rotations (n, 3, 3) of a group whose frame is turned.

    Parameters
    ----------
    rotations : float64 array (n, 3, 3)
        In the standard frame.
    turn : three floats
        Rotation vector in degrees, z, y, x, that takes the standard frame into the wanted one.
    """
    frame = matrix_of_turn(turn)
    return np.asarray(frame @ rotations @ frame.T)


def matrix_of_turn(turn: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Matrix (3, 3) that acts on (z, y, x) of a rotation vector (z, y, x) in degrees.

    Examples
    --------
    A quarter turn about z takes x to y:

    >>> (matrix_of_turn([90, 0, 0]) @ [0, 0, 1]).round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    from scipy.spatial.transform import Rotation

    vector = np.deg2rad(np.asarray(turn, dtype=np.float64))[::-1]
    return np.ascontiguousarray(Rotation.from_rotvec(vector).as_matrix()[::-1, ::-1])


def turn_of_matrix(matrix: npt.ArrayLike) -> Triple:
    """Rotation vector (z, y, x) in degrees of a proper rotation (3, 3) that acts on (z, y, x)."""
    from scipy.spatial.transform import Rotation

    xyz = np.ascontiguousarray(np.asarray(matrix, dtype=np.float64)[::-1, ::-1])
    x, y, z = np.rad2deg(Rotation.from_matrix(xyz).as_rotvec())
    return float(z), float(y), float(x)


def box_centre(volume: Volume) -> Triple:
    """Position in Å (z, y, x) of voxel ``n // 2``, where most programs put the centre."""
    z, y, x = volume.grid.world_from_index([n // 2 for n in volume.shape])
    return float(z), float(y), float(x)


def symmetrised(
    volume: Volume, rotations: Rotations, centre: npt.ArrayLike, *, progress: Progress = silent
) -> Volume:
    """The mean of a map over rotations about a centre, on its grid.

    Each copy is read from a cubic spline through the voxels. Where a copy reaches beyond the
    box, the mean is over the copies that are there.

    Parameters
    ----------
    volume : Volume
        The map.
    rotations : float64 array (n, 3, 3)
        Proper rotations of positions (z, y, x); a whole group, so that the mean has its symmetry.
    centre : three floats
        Å, z, y, x.
    progress : callable
        Called once per slab of half a million voxels and rotation.

    Returns
    -------
    Volume
        float32, with the map's header.
    """
    coefficients = spline_coefficients(volume.float32(), 3, part(progress, 0, 1, 8))
    result = np.empty(volume.shape, dtype=np.float32)
    thickness = max(1, _SLAB_VOXELS // (volume.shape[1] * volume.shape[2]))
    starts = range(0, volume.shape[0], thickness)
    slabs = part(progress, 1, 8, 8)
    for n, start in enumerate(starts):
        slab = result[start : start + thickness]
        total = np.zeros(slab.shape, dtype=np.float64)
        count = np.zeros(slab.shape, dtype=np.int32)
        for m, rotation in enumerate(rotations):
            slabs(n * len(rotations) + m, len(starts) * len(rotations), "averaging copies")
            _add_copy(total, count, coefficients, volume, rotation, centre, start)
        np.divide(total, count, out=slab, casting="unsafe")
    slabs(1, 1, "averaging copies")
    return volume.with_data(result)


def _add_copy(
    total: Array,
    count: Array,
    coefficients: Array,
    volume: Volume,
    rotation: Array,
    centre: npt.ArrayLike,
    start: int,
) -> None:
    """Add a slab of one rotated copy, and count where it is inside the box."""
    from scipy.ndimage import map_coordinates

    size = np.asarray(volume.voxel_size)
    middle = volume.grid.index_from_world(centre)
    # The copy's density at p is the map's at R^-1 (p - c) + c, all in voxels here.
    matrix = (rotation.T * size) / size[:, None]
    shift = middle - matrix @ (middle - [start, 0, 0])
    axes = [np.arange(n, dtype=np.float64) for n in total.shape]
    grids = np.meshgrid(*axes, indexing="ij", sparse=True)
    at = [
        sum(m * g for m, g in zip(row, grids, strict=True)) + s
        for row, s in zip(matrix, shift, strict=True)
    ]
    places = np.stack(np.broadcast_arrays(*at))
    limit = np.asarray(volume.shape)[:, None, None, None] - 1.0
    inside = ((places >= -_TOLERANCE) & (places <= limit + _TOLERANCE)).all(axis=0)
    found = map_coordinates(
        coefficients, places[:, inside], np.float32, order=3, mode="mirror", prefilter=False
    )
    total[inside] += found
    count += inside
