"""Orientations of particles: what their axes look like, and how they are turned by hand."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.density.symmetry import matrix_of_turn
from mapscope.errors import InputError

Floats = npt.NDArray[np.float64]
Frame: TypeAlias = Literal["tomogram", "particle"]


def axes_of_rotations(rotations: npt.ArrayLike) -> Floats:
    """Where the template's axes point in the tomogram.

    Parameters
    ----------
    rotations : array (n, 3, 3)
        Active: ``p_tomogram = R @ p_template + position``.

    Returns
    -------
    float64 array (n, 3, 3)
        ``[i, k]`` is the unit vector (z, y, x) of axis k (0 z, 1 y, 2 x) of particle i.

    Examples
    --------
    A quarter turn about z takes the template's x axis to y:

    >>> axes_of_rotations([matrix_of_turn([90, 0, 0])])[0, 2].round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    return np.ascontiguousarray(np.asarray(rotations, dtype=np.float64).transpose(0, 2, 1))


def rotation_of_axis(direction: npt.ArrayLike, spin: float = 0.0) -> Floats:
    """The rotation (3, 3) that lays the template's z axis along a direction.

    It is the shortest one, after the template was turned about its z axis.

    Parameters
    ----------
    direction : three floats
        z, y, x, of any length but 0.
    spin : float
        Degrees about the template's z axis.

    Raises
    ------
    InputError
        If the direction has no length.

    Examples
    --------
    >>> (rotation_of_axis([0, 0, 2]) @ [1, 0, 0]).round(6).tolist()
    [0.0, 0.0, 1.0]
    """
    towards = np.asarray(direction, dtype=np.float64)
    length = float(np.linalg.norm(towards))
    if not length > 0:
        raise InputError(f"a direction needs a length, got {direction!r}: draw the axis longer")
    z, y, x = towards / length
    across = float(np.hypot(y, x))
    # Right-handed in x, y, z: z × d = (-d_y, d_x, 0) as (x, y, z).
    about = np.array([0.0, x, -y]) / across if across > 0 else np.array([0.0, 1.0, 0.0])
    tilt = matrix_of_turn(np.rad2deg(np.arctan2(across, z)) * about)
    return np.asarray(tilt @ matrix_of_turn([spin, 0.0, 0.0]))


def turned(rotations: npt.ArrayLike, turn: npt.ArrayLike, *, frame: Frame = "tomogram") -> Floats:
    """Rotations (n, 3, 3) turned further.

    Parameters
    ----------
    rotations : array (n, 3, 3)
        Of particles.
    turn : three floats
        Rotation vector in degrees, z, y, x.
    frame : {"tomogram", "particle"}
        Whether the vector counts along the axes of the tomogram or along those of each particle.
    """
    matrix, matrices = matrix_of_turn(turn), np.asarray(rotations, dtype=np.float64)
    moved = matrix @ matrices if frame == "tomogram" else matrices @ matrix
    left, _, right = np.linalg.svd(moved)
    return np.asarray(left @ right)


def angle_between(rotations: npt.ArrayLike, others: npt.ArrayLike) -> Floats:
    """Degrees (n,) between two orientations of each particle, 0 to 180.

    Parameters
    ----------
    rotations, others : array (n, 3, 3)
        Or one (3, 3) against n.
    """
    one, two = np.asarray(rotations, np.float64), np.asarray(others, np.float64)
    # From the chord, which small angles keep their digits in.
    chord = np.linalg.norm(one - two, axis=(-2, -1)) / np.sqrt(8.0)
    return np.asarray(np.rad2deg(2 * np.arcsin(np.clip(chord, 0.0, 1.0))))
