"""What a list of particles says, in Å and matrices but still in the order and names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.frame import Frame
from mapscope.volume import Array

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?(?!0\d)(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|-?inf")
_LARGEST = 1e9
_ROUNDED, _WRONG = 1e-9, 1e-2


@dataclass(frozen=True)
class Listed:
    """Particles as a file lists them.

    Parameters
    ----------
    positions : array (n, 3)
        x, y, z in Å from the centre of the tomogram's first voxel.
    voxel_size : float or array (n,), optional
        Edge in Å of the voxels that the file counts in, or None where it counts in Å.
    rotations : array (n, 3, 3), optional
        Active, x, y, z.
    species, tomogram : sequence of str, optional
        What each particle is, and where.
    score : array (n,), optional
        NaN for none.
    shape : array (n, 3), optional
        Size of each one's tomogram in voxels, x, y, z.
    origin : array (n, 3), optional
        Centre of its first voxel in Å, x, y, z.
    extras : mapping of str to array
        Whatever else the file says, under the names that its writer knows.
    style : str
        Name of the file's format, where its reader knows several.
    """

    positions: Array
    voxel_size: float | Array | None = None
    rotations: Array | None = None
    species: Sequence[str] | None = None
    score: Array | None = None
    tomogram: Sequence[str] | None = None
    shape: Array | None = None
    origin: Array | None = None
    extras: Mapping[str, Array] = field(default_factory=dict)
    style: str = ""

    def __len__(self) -> int:
        return len(self.positions)


def counted_in(
    frame: Frame, findings: Findings, count: int, said: float | Array | None = None
) -> Array | float:
    """Edge in Å of the voxels that a file counts in.

    As asked for, or as the file says, or that of the tomogram's voxels, or 1 Å.

    Parameters
    ----------
    frame : Frame
        What was asked for.
    findings : Findings
        Where goes what nobody says.
    count : int
        Number of particles: without any there is nothing to count.
    said : float or array (n,), optional
        What the file says.

    Raises
    ------
    MapFormatError
        If nobody says it, unless `findings` is permissive.
    """
    if frame.counted is not None or not count:
        return frame.counted or 1.0
    if said is not None:
        sizes = np.atleast_1d(np.asarray(said, np.float64))
        if not (np.isfinite(sizes) & (sizes > 0)).all():
            raise findings.refuse(f"voxels of {sizes.min()} Å make no sense: give voxel_size in Å")
        return said
    if frame.voxel_size is not None:
        return frame.voxel_size
    findings.report(
        "it counts in voxels and does not say how large they are: give voxel_size in Å, or the "
        "tomogram",
        "take voxels of 1.0 Å",
        "voxel_size_unsaid",
    )
    return 1.0


def numbers(fields: Sequence[str], name: str, findings: Findings) -> Array:
    """A column of text as finite numbers.

    Raises
    ------
    MapFormatError
        If one is none, or no place in a tomogram.
    """
    try:
        values = np.array(fields, dtype=np.float64)
    except ValueError:
        bad = next(text for text in fields if not _is_number(text))
        raise findings.refuse(f"{name}: expected a number, got {str(bad)[:40]!r}") from None
    return checked(values, name, findings)


def numbers_with_gaps(fields: Sequence[str], missing: str, name: str, findings: Findings) -> Array:
    """A column of text as finite numbers, NaN where it says `missing` or ``nan``.

    Raises
    ------
    MapFormatError
        As `numbers`.
    """
    is_there = [field != missing and field.lower() != "nan" for field in fields]
    values = np.full(len(fields), np.nan)
    values[is_there] = numbers(list(compress(fields, is_there)), name, findings)
    return values


def scored(values: Array) -> Array | None:
    """Scores, or None where all are 0: a column that a format always has, and nobody filled."""
    return values if values.any() else None


def checked(values: Array, name: str, findings: Findings) -> Array:
    """The same numbers, if they are finite and below 1e9.

    Raises
    ------
    MapFormatError
        If one is not.
    """
    bad = ~(np.abs(values) < _LARGEST)
    if bad.any():
        raise findings.refuse(f"{name}: expected finite numbers below 1e9, got {values[bad][0]}")
    return values


def _is_number(text: object) -> bool:
    """Whether a text is a number."""
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def typed(fields: Sequence[str]) -> Array:
    """A column of text as whole numbers, numbers or text: the first that loses nothing.

    Examples
    --------
    >>> typed(["1", "-20"]), typed(["007", "1"])
    (array([  1, -20]), array(['007', '1'], dtype='<U3'))
    """
    if fields and all(map(_WHOLE.fullmatch, fields)):
        return np.array(fields, np.int64)
    if fields and all(map(_NUMBER.fullmatch, fields)):
        return np.array(fields, np.float64)
    return np.array(fields, np.str_)


def proper(matrices: Array, findings: Findings) -> Array:
    """Matrices (n, 3, 3) from a file as exact rotations; those rounded to few digits are polished.

    Raises
    ------
    MapFormatError
        If one is no rotation, or a mirror.
    """
    matrices = np.asarray(matrices, np.float64).reshape(-1, 3, 3)
    if not len(matrices):
        return matrices
    checked(matrices, "rotation matrix", findings)
    error = np.abs(matrices @ matrices.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    worst = int(error.argmax())
    if error[worst] > _WRONG:
        matrix = matrices[worst].tolist()
        raise findings.refuse(f"the matrix of particle {worst + 1} is no rotation: {matrix}")
    if np.linalg.det(matrices).min() < 0:
        first = int(np.linalg.det(matrices).argmin())
        raise findings.refuse(f"the matrix of particle {first + 1} is a mirror, not a rotation")
    left, _, right = np.linalg.svd(matrices)
    is_rounded = (error > _ROUNDED)[:, None, None]
    polished: Array = np.where(is_rounded, left @ right, matrices)
    return polished


def class_names(numbers: Array) -> tuple[str, ...]:
    """Names of what a file numbers: the numbers as text.

    Examples
    --------
    >>> class_names(np.array([3.0, 20211007.0]))
    ('3', '20211007')
    """
    values = np.asarray(numbers, np.float64).tolist()
    return tuple(str(int(v)) if v == int(v) else repr(v) for v in values)
