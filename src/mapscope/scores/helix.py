"""The alpha helix that every right-handed map of a protein holds, as atoms."""

from __future__ import annotations

import numpy as np

from mapscope.simulate.atoms import Atoms

TURN, RISE = 100.0, 1.5
"""Degrees and Å from one residue to the next."""

ATOMS: dict[str, tuple[float, float, float]] = {
    "N": (1.55, -28.5, -0.88),
    "CA": (2.29, 0.0, 0.0),
    "C": (1.69, 27.4, 1.04),
    "O": (2.02, 21.0, 2.21),
    "CB": (3.32, 15.3, -0.80),
}
"""Distance from the axis in Å, angle about it from Cα in degrees, and height above Cα in Å.

Medians over a helix of myoglobin, which agree to 0.1 Å with the ideal helix of [1].

References
----------
.. [1] S. Arnott and S. D. Dover, J. Mol. Biol. 30 (1967) 209-212.
"""


def ideal_helix(residues: int) -> Atoms:
    """A right-handed helix of alanines along z, from N to C, with its centre at 0.

    Parameters
    ----------
    residues : int
        How many.
    """
    radius, angle, height = np.array(list(ATOMS.values())).T
    number = np.arange(residues)[:, None]
    turn = np.deg2rad(angle + TURN * number)
    positions = np.stack(
        [height + RISE * number, radius * np.sin(turn), radius * np.cos(turn)], axis=-1
    ).reshape(-1, 3)
    elements = np.array([name[0] for name in ATOMS] * residues)
    count = len(positions)
    return Atoms(positions - positions.mean(axis=0), elements, np.zeros(count), np.ones(count))


def axis_rotations(spacing: float) -> np.typing.NDArray[np.float64]:
    """Rotations (n, 3, 3) that lay the z axis along evenly spread directions.

    How a helix is turned about its own axis is left open: that is the same as a shift along it.

    Parameters
    ----------
    spacing : float
        Degrees between directions.

    Examples
    --------
    >>> len(axis_rotations(18.0))
    127
    """
    count = max(2, round(4 * np.pi / np.deg2rad(spacing) ** 2))
    steps = np.arange(count) + 0.5
    z = 1 - 2 * steps / count
    around = np.pi * (1 + np.sqrt(5)) * steps
    sine = np.sqrt(1 - z**2)
    axes = np.stack([z, sine * np.sin(around), sine * np.cos(around)], axis=1)
    aside = np.where(np.abs(axes[:, 2:]) < 0.8, [[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]])
    second = np.cross(axes, aside)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    frames = np.stack([axes, second, np.cross(axes, second)], axis=2)
    # Reading z, y, x as a right-handed frame or not: turn the last axis where it is not.
    frames[..., 2] *= np.linalg.det(frames)[:, None]
    return np.asarray(frames)
