"""What becomes of particles in a file: written, read back, and compared before it is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.errors import DataError
from mapscope.files.findings import Findings
from mapscope.files.particles.angles import swapped
from mapscope.files.particles.format import ParticlesFormat
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.layout import Layout
from mapscope.files.particles.listed import Listed
from mapscope.files.particles.relion_styles import GLOBAL, NO_SCORE, OPTICS
from mapscope.particles import RESERVED_COLUMNS, Particles
from mapscope.volume import Array

MOST_DISPLACEMENT = 0.01
"""Of a voxel, or of an Å where there are no voxels: what a file may move a particle."""
MOST_ROTATION = 0.01
"""Degrees that a file may turn a particle."""
_CLOSE = 1e-9


@dataclass(frozen=True)
class SelfCheck:
    """What a file makes of particles.

    Parameters
    ----------
    displacement : float
        Largest distance in Å between where a particle is and where the file has it.
    rotation : float
        Largest angle in degrees between the two orientations of a particle; 0 where the file
        has no room for orientations, which `lost` says.
    lost : tuple of str
        What the file does not hold: ``rotations``, ``species``, ``score``, ``tomogram`` and
        names of further columns.
    caution : str
        What whoever uses the file has to know, which the file cannot say.
    """

    displacement: float
    rotation: float
    lost: tuple[str, ...] = ()
    caution: str = ""

    def __str__(self) -> str:
        moved = f"read back with {self.displacement:.2g} Å and {self.rotation:.2g}° at most"
        lost = f"without {', '.join(self.lost)}" if self.lost else ""
        return "; ".join(filter(None, (moved, lost, self.caution)))


def examined_content(
    particles: Particles, file_format: ParticlesFormat, suffix: str = ""
) -> tuple[bytes, SelfCheck]:
    """The bytes of a file, and what it makes of the particles, whatever that is.

    Raises
    ------
    InputError
        If the format cannot hold the particles.
    DataError
        If it gives back more or fewer of them.
    """
    layout = Layout(particles)
    content = file_format.content_as(layout, suffix)
    listed = _read_back(content, file_format, layout, suffix)
    if len(listed) != len(layout):
        raise DataError(
            f"{file_format.title} gives back {len(listed)} of {len(layout)} particles: write .csv"
        )
    check = _compared(particles, layout, listed, file_format.order(layout))
    return content, replace(check, caution=file_format.caution(layout))


def checked_content(
    particles: Particles, file_format: ParticlesFormat, suffix: str = ""
) -> tuple[bytes, SelfCheck]:
    """The bytes of a file, and what it makes of the particles, if it keeps them in place.

    Raises
    ------
    DataError
        If the file would move or turn a particle, or lose one.
    InputError
        If the format cannot hold the particles.
    """
    content, check = examined_content(particles, file_format, suffix)
    sizes = Layout(particles).voxel_size
    edge = 1.0 if sizes is None else float(np.min(sizes, initial=np.inf))
    if check.displacement > MOST_DISPLACEMENT * edge or check.rotation > MOST_ROTATION:
        raise DataError(
            f"{file_format.title} would move particles by up to {check.displacement:.3g} Å and "
            f"turn them by up to {check.rotation:.3g}°: it has no room for where they are, "
            "write .csv or .star"
        )
    return content, check


def _read_back(content: bytes, file_format: ParticlesFormat, layout: Layout, suffix: str) -> Listed:
    """What a file lists, when it is told of the tomogram what whoever reads it has to know."""
    with tempfile.TemporaryDirectory(prefix="mapscope-") as folder:
        path = Path(folder) / f"check{suffix or file_format.suffixes[0]}"
        path.write_bytes(content)
        frame = Frame() if file_format.holds_voxel_size else _frame_of(layout)
        return file_format.listed(path, Findings(path), frame)


def _frame_of(layout: Layout) -> Frame:
    """Voxel size and shape of the tomogram, where there is one of each."""
    sizes, shapes = layout.voxel_size, layout.shape
    if sizes is None or not len(sizes) or (sizes != sizes[0]).any():
        return Frame()
    size = float(sizes[0])
    if shapes is None or (shapes != shapes[0]).any():
        return Frame(size)
    x, y, z = shapes[0].tolist()
    return Frame(size, size, (z, y, x))


def _compared(particles: Particles, layout: Layout, listed: Listed, order: Array) -> SelfCheck:
    """How a list differs from particles."""
    places = np.asarray(listed.positions, np.float64).reshape(-1, 3)
    moved = np.linalg.norm(places - layout.positions[order], axis=1)
    turned = 0.0
    lost = []
    if layout.rotations is not None:
        found = listed.rotations
        if found is None:
            found = np.tile(np.eye(3), (len(layout), 1, 1))
        angles = angle_between(swapped(found), swapped(layout.rotations[order]))
        if listed.rotations is not None:
            turned = float(angles.max(initial=0.0))
        elif angles.max(initial=0.0) > _CLOSE:
            lost.append("rotations")
    lost += _lost(particles, layout, listed, order)
    return SelfCheck(float(moved.max(initial=0.0)), turned, tuple(lost))


def angle_between(first: Array, second: Array) -> Array:
    """Angles in degrees between rotations (n, 3, 3), exact for small ones."""
    distance = np.sqrt(((first - second) ** 2).sum(axis=(1, 2)))
    angles: Array = np.rad2deg(2 * np.arcsin(np.minimum(distance / np.sqrt(8), 1.0)))
    return angles


def _lost(particles: Particles, layout: Layout, listed: Listed, order: Array) -> Iterator[str]:
    """Names of what a list does not say."""
    known: dict[str, tuple[Any, Any]] = {
        "species": (particles.species, listed.species),
        "score": (particles.score, listed.score),
        "tomogram": (layout.names or None, listed.tomogram),
    }
    columns = {k: v for k, v in particles.columns.items() if not _is_of_tomograms(k)}
    known |= {k: (v, _found(listed, k)) for k, v in columns.items() if not _repeats(layout, v)}
    for name, (values, found) in known.items():
        if values is None:
            continue
        mine = np.asarray(values)[order]
        rows = np.ones(len(mine), bool) if name == "score" else _is_said(mine)
        if not _same(mine[rows], None if found is None else np.asarray(found)[rows]):
            yield name


def _found(listed: Listed, name: str) -> Array | None:
    """A further column of a list; RELION has some for each particle or for each optics group."""
    places = (name, OPTICS + name, name.removeprefix(OPTICS))
    return next((listed.extras[place] for place in places if place in listed.extras), None)


def _is_of_tomograms(name: str) -> bool:
    """Whether a column says something of tomograms, not of particles."""
    return name in RESERVED_COLUMNS or name.startswith(GLOBAL)


def _repeats(layout: Layout, values: Array) -> bool:
    """Whether a column says nothing but the score or the species, as RELION's labels of them do."""
    score, species = layout.particles.score, layout.particles.species
    if score is not None and values.dtype.kind == "f":
        return np.array_equal(np.where(values == NO_SCORE, np.nan, values), score, equal_nan=True)
    if species is not None and values.dtype.kind in "iu":
        return tuple(map(str, values.tolist())) == species
    return False


def _is_said(values: Array) -> Array:
    """Which rows say something; what a particle added by hand lacks, the others lend."""
    if values.dtype.kind == "f":
        said = np.asarray(~np.isnan(values))
    else:
        said = np.asarray(values != (0 if values.dtype.kind in "iub" else ""))
    return np.asarray(said.any(axis=tuple(range(1, said.ndim))))


def _same(mine: Array, theirs: Array | None) -> bool:
    """Whether a column was found as it is."""
    if not len(mine):
        return True
    if theirs is None:
        return mine.dtype.kind == "f" and bool(np.isnan(mine).all())
    if mine.dtype.kind in "iufb" and theirs.dtype.kind in "iufb":
        scale = np.maximum(1.0, np.abs(np.nan_to_num(mine.astype(np.float64))))
        difference = np.abs(mine.astype(np.float64) - theirs.astype(np.float64))
        agree = (difference <= _CLOSE * scale) | (np.isnan(mine) & np.isnan(theirs))
        return bool(agree.all())
    return bool(np.array_equal(mine.astype(np.str_), theirs.astype(np.str_)))
