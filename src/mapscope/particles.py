"""Particles in a tomogram: where, which way round, what, and how sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mapscope.errors import GridError
from mapscope.volume import Array, Grid, checksum_of_arrays, read_only

TOMOGRAM = "tomogram"
"""Column of text: which tomogram a particle lies in."""
VOXEL_SIZE = "voxel_size"
"""Column: edge of that tomogram's voxels in Å."""
TOMOGRAM_SHAPE = "tomogram_shape"
"""Column of three whole numbers: that tomogram's size in voxels, z, y, x."""
TOMOGRAM_ORIGIN = "tomogram_origin"
"""Column of three numbers: centre of that tomogram's first voxel in Å, z, y, x."""
FILE_FORMAT = "file_format"
"""Column of text: the format that a particle was read from."""
VERDICT = "verdict"
"""Column of text: what somebody who looked at a particle said of it."""
ACCEPTED, REJECTED, UNDECIDED = "accepted", "rejected", ""
"""What that may be. Rejected particles stay in their list, but nothing is made of them."""
RESERVED_COLUMNS = {TOMOGRAM, VOXEL_SIZE, TOMOGRAM_SHAPE, TOMOGRAM_ORIGIN, FILE_FORMAT}
"""Names of columns that mean what is said here, in every list."""
_ANISOTROPIC_ABOVE = 1e-3


@dataclass(frozen=True, eq=False)
class Particles:
    """Positions in a tomogram, with orientation, species and score where they are known.

    Parameters
    ----------
    positions : float64 array (n, 3)
        Centres in Å, z, y, x, in the tomogram's frame.
    rotations : float64 array (n, 3, 3), optional
        Proper, active: ``p_tomogram = R @ p_template + position``, both z, y, x in Å.
        A template's centre is voxel ``n // 2``.
    species : sequence of str, optional
        What each particle is.
    score : float64 array (n,), optional
        NaN for a particle set by hand, which is exempt from every threshold.
    columns : mapping of str to array
        Whatever else is known of each particle. The names `TOMOGRAM`, `VOXEL_SIZE`,
        `TOMOGRAM_SHAPE`, `TOMOGRAM_ORIGIN` and `FILE_FORMAT` have a fixed meaning, which files
        need: most count in voxels.

    Raises
    ------
    GridError
        If lengths do not fit, a number is not finite, or a matrix is no proper rotation.
    """

    positions: npt.NDArray[np.float64]
    rotations: npt.NDArray[np.float64] | None = None
    species: tuple[str, ...] | None = None
    score: npt.NDArray[np.float64] | None = None
    columns: Mapping[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        positions = read_only(np.asarray(self.positions, dtype=np.float64))
        if positions.size == 0:
            positions = read_only(np.empty((0, 3)))
        if positions.ndim != 2 or positions.shape[1] != 3 or not np.isfinite(positions).all():
            raise GridError(
                f"particle positions must be finite numbers in Å (z, y, x), shape (n, 3), "
                f"got {positions.shape}"
            )
        object.__setattr__(self, "positions", positions)
        if self.rotations is not None:
            object.__setattr__(self, "rotations", _proper_rotations(self.rotations, len(self)))
        if self.species is not None:
            object.__setattr__(self, "species", tuple(str(s) for s in self.species))
        if self.score is not None:
            object.__setattr__(self, "score", read_only(np.asarray(self.score, dtype=np.float64)))
        columns = {name: read_only(values) for name, values in self.columns.items()}
        object.__setattr__(self, "columns", MappingProxyType(columns))
        lengths = {"species": self.species, "score": self.score, **columns}
        for name, values in lengths.items():
            if values is not None and len(values) != len(self):
                raise GridError(f"{len(self)} particles need as many of {name}, got {len(values)}")

    def __len__(self) -> int:
        return len(self.positions)

    def checksum(self) -> str:
        """Hash of everything known of the particles, as written into records."""
        arrays = [a for a in (self.positions, self.rotations, self.score) if a is not None]
        text = f"{self.species} {sorted((k, v.tolist()) for k, v in self.columns.items())}"
        return checksum_of_arrays("particles", text, *arrays)


def in_tomogram(particles: Particles, grid: Grid, name: str = "") -> Particles:
    """The same particles with what files need to know of the tomogram that they lie in.

    Parameters
    ----------
    particles : Particles
        Particles of one tomogram.
    grid : Grid
        The tomogram's grid, in the frame of the particles.
    name : str
        What the tomogram is called; empty leaves the names that are there.

    Raises
    ------
    GridError
        If the voxels are not cubes.
    """
    count = len(particles)
    columns = dict(particles.columns)
    if name:
        columns[TOMOGRAM] = np.full(count, name)
    columns[VOXEL_SIZE] = np.full(count, cubic_edge(grid))
    columns[TOMOGRAM_SHAPE] = np.tile(np.array(grid.shape, np.int64), (count, 1))
    columns.pop(TOMOGRAM_ORIGIN, None)
    if any(grid.origin):
        columns[TOMOGRAM_ORIGIN] = np.tile(np.array(grid.origin, np.float64), (count, 1))
    return replace(particles, columns=columns)


def cubic_edge(grid: Grid) -> float:
    """Edge of a grid's voxels in Å, their mean where they differ by less than a thousandth.

    Raises
    ------
    GridError
        If they differ more.
    """
    sizes = grid.voxel_size
    if max(sizes) - min(sizes) > _ANISOTROPIC_ABOVE * min(sizes):
        raise GridError(
            f"lists of particles count in cubic voxels, got {sizes} Å (z, y, x): resample the "
            "tomogram first"
        )
    return sizes[0] if len(set(sizes)) == 1 else sum(sizes) / 3


def _proper_rotations(matrices: npt.ArrayLike, count: int) -> Array:
    """Read-only (n, 3, 3) matrices, checked to be rotations without mirror."""
    rotations = np.asarray(matrices, dtype=np.float64)
    if rotations.shape != (count, 3, 3):
        raise GridError(f"{count} particles need rotations ({count}, 3, 3), got {rotations.shape}")
    identity = rotations @ rotations.transpose(0, 2, 1)
    orthogonal = np.allclose(identity, np.eye(3), atol=1e-6)
    if not orthogonal or (count and np.linalg.det(rotations).min() < 0):
        raise GridError("rotations must be proper: orthogonal, with determinant +1")
    return read_only(rotations)
