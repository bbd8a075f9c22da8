"""A list as particles, placed in its tomogram."""

from __future__ import annotations

import numpy as np

from mapscope.files.particles.angles import swapped
from mapscope.files.particles.frame import Frame, same_extent
from mapscope.files.particles.listed import Listed
from mapscope.particles import (
    FILE_FORMAT,
    TOMOGRAM,
    TOMOGRAM_ORIGIN,
    TOMOGRAM_SHAPE,
    VOXEL_SIZE,
    Particles,
)
from mapscope.volume import Array


def particles_from(listed: Listed, frame: Frame, format_name: str) -> Particles:
    """The noun of a list, in the frame of the tomogram.

    Parameters
    ----------
    listed : Listed
        What the file says.
    frame : Frame
        What is known of the tomogram; where it knows a voxel size or a shape, they and its place
        come before those of the file, except for tomograms that are of another size by the
        file's word.
    format_name : str
        The file's format.
    """
    here = _in_given(listed, frame)
    origin = np.zeros((len(listed), 3))
    if listed.origin is not None:
        origin = np.asarray(listed.origin, np.float64).reshape(-1, 3)[:, ::-1]
    if frame.shape is not None:
        origin = np.where(here[:, None], np.array(frame.origin), origin)
    columns: dict[str, Array] = {}
    if listed.tomogram is not None:
        columns[TOMOGRAM] = np.array(listed.tomogram, np.str_)
    edge, shape = _edges(listed, frame, here), _shapes(listed, frame, here)
    columns |= {} if edge is None else {VOXEL_SIZE: edge}
    columns |= {} if shape is None else {TOMOGRAM_SHAPE: shape}
    columns |= {TOMOGRAM_ORIGIN: origin} if origin.any() else {}
    columns[FILE_FORMAT] = np.full(len(listed), listed.style or format_name)
    columns |= {name: values for name, values in listed.extras.items() if name not in columns}
    rotations = None if listed.rotations is None else swapped(listed.rotations)
    species = None if listed.species is None else tuple(map(str, listed.species))
    positions = np.asarray(listed.positions, np.float64).reshape(-1, 3)[:, ::-1] + origin
    return Particles(positions, rotations, species, listed.score, columns)


def _edges(listed: Listed, frame: Frame, here: Array) -> Array | None:
    """Edge in Å of each one's tomogram's voxels, or None where nobody knows it."""
    given, said = frame.voxel_size, listed.voxel_size
    if said is None and given is None:
        return None
    own = np.full(len(listed), given) if said is None else np.asarray(said, np.float64)
    return np.array(np.where(here, own if given is None else given, own), np.float64)


def _shapes(listed: Listed, frame: Frame, here: Array) -> Array | None:
    """Size of each one's tomogram in voxels, z, y, x, or None where nobody knows it."""
    said = None if listed.shape is None else np.asarray(listed.shape, np.int64)[:, ::-1]
    if frame.shape is None:
        return None if said is None else said.copy()
    given = np.tile(np.array(frame.shape, np.int64), (len(listed), 1))
    return given if said is None else np.where(here[:, None], given, said)


def _in_given(listed: Listed, frame: Frame) -> Array:
    """Which particles lie in the tomogram that was given: those of other sizes do not."""
    everywhere = np.ones(len(listed), bool)
    if frame.shape is None or frame.voxel_size is None or listed.shape is None:
        return everywhere
    if listed.voxel_size is None or listed.tomogram is None or len(set(listed.tomogram)) < 2:
        return everywhere
    edge = np.broadcast_to(np.asarray(listed.voxel_size, np.float64), (len(listed),))
    extent = np.array(frame.shape[::-1]) * frame.voxel_size
    here = same_extent(listed.shape * edge[:, None], extent, frame.voxel_size)
    return here if here.any() else everywhere
