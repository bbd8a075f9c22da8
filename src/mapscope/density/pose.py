"""Rigid poses: many at once, their distances, and rotations that cover all orientations evenly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_PHI = np.sqrt(2.0)
_PSI = 1.533751168755204288118041


@dataclass(frozen=True, eq=False)
class Poses:
    """Where a body is put: ``p = R @ (q - pivot) + position``, all z, y, x in Å.

    Parameters
    ----------
    rotations : float64 array (n, 3, 3)
        Proper rotations R.
    positions : float64 array (n, 3)
        Where the body's pivot comes to lie.
    """

    rotations: Floats
    positions: Floats

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, which: int | slice | npt.NDArray[np.generic] | list[int]) -> Poses:
        index = np.atleast_1d(np.arange(len(self))[which])
        return Poses(self.rotations[index], self.positions[index])

    def __iter__(self) -> Iterator[Poses]:
        return (self[k] for k in range(len(self)))

    def of(self, offsets: npt.ArrayLike) -> Floats:
        """Positions (n, m, 3) of points whose offsets (m, 3) from the pivot are given."""
        turned = np.asarray(offsets) @ self.rotations.transpose(0, 2, 1)
        return np.asarray(turned + self.positions[:, None])

    def relative_to(self, other: Poses) -> Poses:
        """The move of each in the frame of the one pose `other`: other after it is each."""
        back = other.rotations[0].T
        return Poses(back @ self.rotations, (self.positions - other.positions) @ back.T)

    def distances(self, other: Poses, radius: float) -> Floats:
        """Root mean square distance in Å (n,) of a round body's points from those at `other`.

        Parameters
        ----------
        other : Poses
            One pose.
        radius : float
            Radius of gyration of the body in Å.
        """
        trace = np.einsum("nij,ij->n", self.rotations, other.rotations[0])
        turned = 2.0 / 3.0 * radius**2 * np.maximum(3.0 - trace, 0.0)
        shifted = ((self.positions - other.positions) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(turned + shifted))

    @staticmethod
    def joined(parts: list[Poses]) -> Poses:
        """All poses of several, in order."""
        return Poses(
            np.concatenate([p.rotations for p in parts]),
            np.concatenate([p.positions for p in parts]),
        )


def distinct(poses: Poses, radius: float, apart: float, most: int) -> list[int]:
    """Which poses to keep, best first as they come, so that no two are nearer than `apart` Å.

    Parameters
    ----------
    poses : Poses
        Best first.
    radius : float
        Radius of gyration of the body in Å.
    apart : float
        Least distance between two that are kept, as in `Poses.distances`.
    most : int
        How many to keep at most.
    """
    kept: list[int] = []
    open_ = np.ones(len(poses), dtype=np.bool_)
    for number in range(len(poses)):
        if not open_[number]:
            continue
        kept.append(number)
        if len(kept) == most:
            break
        open_ &= poses.distances(poses[number], radius) >= apart
    return kept


def even_rotations(spacing: float) -> Floats:
    """Rotations (n, 3, 3) that cover all orientations evenly, about `spacing` degrees apart.

    Parameters
    ----------
    spacing : float
        Degrees between neighbours; n is about 8 π² over its cube.

    References
    ----------
    .. [1] M. Alexa, CVPR (2022), "Super-Fibonacci spirals: fast, low-discrepancy sampling of
       SO(3)".

    Examples
    --------
    >>> len(even_rotations(20.0))
    1856
    """
    from scipy.spatial.transform import Rotation

    count = max(1, round(8 * np.pi**2 / np.deg2rad(spacing) ** 3))
    s = np.arange(count) + 0.5
    t = s / count
    r, rest = np.sqrt(t), np.sqrt(1 - t)
    alpha, beta = 2 * np.pi * s / _PHI, 2 * np.pi * s / _PSI
    quaternions = np.stack(
        [r * np.sin(alpha), r * np.cos(alpha), rest * np.sin(beta), rest * np.cos(beta)], axis=1
    )
    return np.asarray(Rotation.from_quat(quaternions).as_matrix())
