"""Euler angles of other programs and rotation matrices: the only place that knows them.

Matrices are (n, 3, 3), active, in x, y, z: ``p_tomogram = R @ p_template``. Angles are (n, 3), in
degrees, in the order in which each function names them.

References
----------
RELION: src/euler.cpp, Euler_angles2matrix; src/jaz/tomography/particle_set.cpp, getMatrix3x3.
TOM, av3, PyTom and STOPGAP: tom_rotate, phi about z, then theta about x, then psi about z.
Dynamo: https://wiki.dynamo.biozentrum.unibas.ch/w/index.php/Table_convention
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from mapscope.volume import Array

Axis: TypeAlias = Literal["x", "y", "z"]
_NEXT = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}


def from_relion(angles: Array) -> Array:
    """Rotations of RELION and Warp: rot, tilt, psi."""
    rot, tilt, psi = np.asarray(angles, np.float64).reshape(-1, 3).T
    return _turns(("z", "y", "z"), -psi, -tilt, -rot)


def to_relion(rotations: Array) -> Array:
    """Angles of RELION and Warp, rot, tilt, psi, of rotations."""
    first, middle, last = _angles(rotations, "y", -1).T
    return _plain(np.stack([-last, -middle, -first], axis=1))


def from_tom(angles: Array) -> Array:
    """Rotations of TOM, av3, PyTom, STOPGAP and DeepFinder: phi, theta, psi."""
    phi, theta, psi = np.asarray(angles, np.float64).reshape(-1, 3).T
    return _turns(("z", "x", "z"), psi, theta, phi)


def to_tom(rotations: Array) -> Array:
    """Angles of TOM, av3, PyTom, STOPGAP and DeepFinder, phi, theta, psi, of rotations."""
    return _plain(_angles(rotations, "x", 1)[:, ::-1])


def from_dynamo(angles: Array) -> Array:
    """Rotations of Dynamo: tdrot, tilt, narot."""
    tdrot, tilt, narot = np.asarray(angles, np.float64).reshape(-1, 3).T
    return _turns(("z", "x", "z"), -tdrot, -tilt, -narot)


def to_dynamo(rotations: Array) -> Array:
    """Angles of Dynamo, tdrot, tilt, narot, of rotations."""
    return _plain(-_angles(rotations, "x", -1))


def swapped(rotations: Array) -> Array:
    """The same rotations in z, y, x where they were in x, y, z, and the other way round."""
    return np.ascontiguousarray(rotations[:, ::-1, ::-1])


def _turn(axis: Axis, degrees: Array) -> Array:
    """Active rotations about one axis."""
    radians = np.deg2rad(np.fmod(degrees, 360.0))  # exact, unlike sines of many turns
    matrices = np.zeros((len(radians), 3, 3))
    first, second = _NEXT[axis]
    still = 3 - first - second
    matrices[:, still, still] = 1.0
    matrices[:, first, first] = matrices[:, second, second] = np.cos(radians)
    matrices[:, second, first] = np.sin(radians)
    matrices[:, first, second] = -matrices[:, second, first]
    return matrices


def _turns(axes: tuple[Axis, Axis, Axis], first: Array, second: Array, third: Array) -> Array:
    """The product of three turns, the last of which is done first."""
    return _turn(axes[0], first) @ _turn(axes[1], second) @ _turn(axes[2], third)


def _angles(rotations: Array, middle: Literal["x", "y"], sign: int) -> Array:
    """Degrees a, b, c of ``Rz(a) @ R(b) @ Rz(c)``; the middle turn, about x or y, has that sign.

    The outer two are one turn where b is 0 or 180. They are found one after the other, each
    undoing the error of the one before, so that the product is exact close to there as well.
    """
    matrices = sign * np.asarray(rotations, np.float64).reshape(-1, 3, 3)
    x, y = matrices[:, 0, 2], matrices[:, 1, 2]
    a = np.arctan2(x, -y) if middle == "x" else np.arctan2(y, x)
    rest = _turn("z", -np.rad2deg(a)) @ (sign * matrices)
    if middle == "x":
        b = np.arctan2(-rest[:, 1, 2], rest[:, 2, 2])
        c = np.arctan2(-rest[:, 0, 1], rest[:, 0, 0])
    else:
        b = np.arctan2(rest[:, 0, 2], rest[:, 2, 2])
        c = np.arctan2(rest[:, 1, 0], rest[:, 1, 1])
    degrees: npt.NDArray[np.float64] = np.rad2deg(np.stack([a, b, c], axis=1))
    return degrees


def _plain(degrees: Array) -> Array:
    """The same angles over -180, without negative zeros, which only confuse who reads them."""
    return np.asarray(np.where(degrees == -180, 180.0, degrees), np.float64) + 0.0
