"""Particles of RELION 3.0, 3.1, 4 and 5 and of Warp and M, read from STAR files.

References
----------
RELION 5: src/jaz/tomography/particle_set.cpp (getPosition, getMatrix3x3) and tomogram_set.cpp
(centre = size / 2). Warp: what ``WarpTools ts_export_particles`` writes, and what it takes with
``--normalized_coords``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mapscope.files.findings import Findings
from mapscope.files.particles.angles import from_relion
from mapscope.files.particles.frame import Frame
from mapscope.files.particles.listed import (
    Listed,
    checked,
    class_names,
    counted_in,
    numbers_with_gaps,
)
from mapscope.files.particles.relion_project import PARTICLES_FILE, particles_file_of, sizes_of
from mapscope.files.particles.relion_sizes import columns_of
from mapscope.files.particles.relion_styles import (
    ANGLES,
    CENTRED,
    CLASS,
    CORNER,
    DETECTOR,
    GROUP,
    IMAGE_PIXEL,
    MAGNIFICATION,
    MICROGRAPH,
    MICROGRAPH_PIXEL,
    NO_SCORE,
    ORIGIN,
    ORIGIN_ANGST,
    PIXEL,
    RELION_4,
    RELION_5,
    RELION_30,
    RELION_31,
    SCORES,
    SPECIES,
    STACKS,
    SUBTOMOGRAM,
    TILT_PIXEL,
    TOMO_NAME,
    WARP,
    Style,
)
from mapscope.files.particles.relion_table import Table, table_of
from mapscope.files.particles.star import read_star
from mapscope.volume import Array

_MICROMETRE = 1e4
_PIXELS = (TILT_PIXEL, DETECTOR, MICROGRAPH_PIXEL, PIXEL, IMAGE_PIXEL)
_TOMOSTAR = ".tomostar"
_SAME_PIXEL, _NEARLY_ALL = 0.01, 0.9


def read_relion(path: Path, findings: Findings, frame: Frame) -> Listed:
    """What a STAR file of RELION or Warp lists.

    Raises
    ------
    MapFormatError
        If it lists no particles, or does not say enough to place them.
    """
    blocks = read_star(path, findings)
    if any(PARTICLES_FILE in block for block in blocks):
        particles, tomograms = particles_file_of(path, blocks, findings)
        found = Findings(particles, findings.permissive)
        described = frame.described or (tomograms if frame.shape is None else None)
        return read_relion(particles, found, replace(frame, described=described))
    return _listed(table_of(blocks, findings), path, frame)


def style_of(table: Table) -> Style:
    """Whose way a table is in."""
    if table.has(*CENTRED):
        return RELION_5
    if table.has(TILT_PIXEL):
        names = table.values(TOMO_NAME) if table.has(TOMO_NAME) else []
        is_exported = all(n.endswith(_TOMOSTAR) for n in names) and table.general.get(STACKS) == "1"
        return WARP if names and is_exported and table.has(IMAGE_PIXEL) else RELION_4
    if table.has(TOMO_NAME) and table.has(GROUP):
        return RELION_4
    return RELION_31 if table.optics or table.has(ORIGIN_ANGST[0]) else RELION_30


def _listed(table: Table, path: Path, frame: Frame) -> Listed:
    """A table as a list."""
    style = style_of(table)
    tomogram = next((label for label in (TOMO_NAME, MICROGRAPH) if table.has(label)), None)
    names = None if tomogram is None else table.values(tomogram)
    pixel = pixel_size(table, style)
    sizes = sizes_of(table, names, path, frame) if style is RELION_5 else None
    if style is RELION_5 and sizes is None and table.has(*CORNER):
        style = RELION_4  # which RELION 5 reads as well
    if style is RELION_5:
        if sizes is None:
            raise table.findings.refuse(
                f"{CENTRED[0]} counts from the middle of the tomogram, whose size the file does "
                "not say: give tomogram= its map or RELION's tomograms.star"
            )
        centre = np.array([size.centre for size in sizes]).reshape(-1, 3)
        positions = table.numbers(CENTRED) + centre
        edge = np.array([size.pixel_size for size in sizes])
    else:
        counted = pixel
        if style in (RELION_30, RELION_31) and pixel is not None:
            counted = _pixel_of_tomogram(table, names or [], frame, pixel)
        edge, positions = _from_corner(table, frame, counted)
    subtomogram = from_relion(table.numbers(SUBTOMOGRAM))
    shifts = _shifts(table, edge if frame.counted is not None or pixel is None else pixel)
    positions = positions - np.einsum("nij,nj->ni", subtomogram, shifts)
    has_angles = any(table.has(label) for label in (*ANGLES, *SUBTOMOGRAM))
    rotations = subtomogram @ from_relion(table.numbers(ANGLES)) if has_angles else None
    known = [*CORNER, *CENTRED, *ANGLES, SPECIES, *([tomogram] if tomogram else [])]
    return Listed(
        checked(positions, "coordinates", table.findings),
        edge,
        rotations,
        _species(table),
        _scores(table),
        names,
        None if sizes is None else np.array([size.pixels for size in sizes]).reshape(-1, 3),
        extras=table.extras(known) | columns_of(sizes),
        style=style.name,
    )


def _from_corner(table: Table, frame: Frame, pixel: Array | None) -> tuple[Array, Array]:
    """Edges of voxels, and places in Å, of coordinates that count from the first voxel."""
    counts = table.numbers(CORNER)
    if pixel is None and _are_shares(counts):
        if frame.shape is None or frame.voxel_size is None:
            raise table.findings.refuse(
                "all its coordinates lie between 0 and 1: they are shares of the tomogram's size, "
                "as Warp's template matching writes them: give tomogram= its map"
            )
        edge = np.full(len(table), frame.voxel_size)
        return edge, counts * frame.shape[::-1] * frame.voxel_size
    edge = np.broadcast_to(counted_in(frame, table.findings, len(table), pixel), (len(table),))
    return edge, counts * edge[:, None]


def _pixel_of_tomogram(table: Table, names: list[str], frame: Frame, pixel: Array) -> Array:
    """Edges of the voxels that RELION 3 counts in: of the given tomogram, where places fit into it.

    Only RELION 4 and Warp say it. RELION 3 says the pixel of its images, which may be scaled, and
    many lists count in it all the same.
    """
    if frame.counted is not None or frame.shape is None or frame.voxel_size is None:
        return pixel
    is_warp = bool(names) and all(name.endswith(_TOMOSTAR) for name in names)
    is_said = is_warp or table.has(MICROGRAPH_PIXEL) or not len(table)
    given = np.full(len(pixel), frame.voxel_size)
    if is_said or np.allclose(pixel, given, rtol=_SAME_PIXEL, atol=0):
        return pixel
    extent = np.array(frame.shape[::-1]) * frame.voxel_size
    counts = table.numbers(CORNER)
    fits = [_lie_within(counts * edge[:, None], extent) for edge in (pixel, given)]
    if all(fits):
        table.findings.report(
            f"its images have pixels of {pixel[0]:g} Å and the tomogram has voxels of "
            f"{given[0]:g} Å, and its places may count in either: give voxel_size in Å",
            "take the larger, with which they reach farther into the tomogram",
            "voxel_size_unsaid",
        )
        return np.asarray(np.maximum(pixel, given))
    return given if fits[1] else pixel


def _lie_within(places: Array, extent: Array) -> bool:
    """Whether nearly all places lie in a box from 0."""
    return bool(((places >= 0) & (places <= extent)).all(axis=1).mean() >= _NEARLY_ALL)


def _are_shares(counts: Array) -> bool:
    """Whether places can be nothing but shares of the tomogram's size."""
    is_share = (counts >= 0) & (counts <= 1)
    return bool(is_share.all() and (counts % 1 > 0).any())


def pixel_size(table: Table, style: Style) -> Array | None:
    """Edge in Å of the voxels that coordinates count in, or None where the table does not say."""
    for label in ((IMAGE_PIXEL,) if style is WARP else ()) + _PIXELS:
        if not table.has(label):
            continue
        if label == DETECTOR and table.has(MAGNIFICATION):
            return table.number(DETECTOR) * _MICROMETRE / table.number(MAGNIFICATION)
        return table.number(label)
    return None


def _shifts(table: Table, edge: Array) -> Array:
    """Shifts (n, 3) in Å, which are taken off."""
    if any(table.has(label) for label in ORIGIN_ANGST):
        return table.numbers(ORIGIN_ANGST)
    return table.numbers(ORIGIN) * edge[:, None]


def _species(table: Table) -> list[str] | tuple[str, ...] | None:
    """Names that Mapscope wrote, or else numbers of classes."""
    if table.has(SPECIES):
        return ["" if name == "None" else name for name in table.values(SPECIES)]
    return class_names(table.number(CLASS)) if table.has(CLASS) else None


def _scores(table: Table) -> Array | None:
    """The score of whoever picked them."""
    label = next((label for label in SCORES if table.has(label)), None)
    if label is None:
        return None
    values = numbers_with_gaps(table.values(label), "", label, table.findings)
    return np.where(values == NO_SCORE, np.nan, values)
