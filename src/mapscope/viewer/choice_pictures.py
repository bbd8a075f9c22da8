"""Small pictures of what a job gives in a box, one for each value of a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from mapscope.density.level import first_contour_level
from mapscope.errors import DataError
from mapscope.job import Job
from mapscope.parameter import Parameter
from mapscope.progress import Progress, part
from mapscope.viewer.preview import region_around
from mapscope.volume import Region, Volume

EDGE = 64
"""Longest edge of the box in voxels: small enough for a network to be asked within seconds."""

DEPTH = 0.5
"""Share of the box, around its middle, that is drawn: what lies before it would hide it."""

FINER = 2
"""Pixels of a picture along a voxel."""

COLOR = (0.66, 0.78, 0.91)
LIGHT = (-0.74, -0.53, -0.42)
"""Direction z, y, x that the light comes from: over the left shoulder."""

DIM, FOG = 0.3, 0.45
"""Brightness of what lies in the shade, and by how much what lies deepest is darker."""

Picture = npt.NDArray[np.uint8]


def box_of(region: Region | None, job: Job, values: Mapping[str, Any], centre: Any) -> Region:
    """The box that is shown: the middle of the region that was chosen, or else of the view."""
    grid = job.region_grid(values)
    if region is not None:
        middle = [(a + b) / 2 for a, b in zip(region.lower, region.upper, strict=True)]
        centre = tuple(grid.world_from_index(middle))
    return region_around(grid, centre, EDGE)


def pictures_of(
    job: Job, values: Mapping[str, Any], choice: Parameter, box: Region, progress: Progress
) -> dict[str, Picture]:
    """In the worker thread: what the job gives in a box for each value of a choice, drawn.

    Parameters
    ----------
    job : Job
        The job; what it computes for one value it keeps for the others.
    values : mapping of str to object
        Its checked values.
    choice : Parameter
        The parameter that takes one value after the other.
    box : Region
        Where.
    progress : Progress
        Called as often as the job does.

    Returns
    -------
    dict of str to uint8 array (y, x, 4)
        Red, green, blue and opacity by value, cut to what is there.
    """
    pictures = {}
    for n, value in enumerate(choice.choices):
        share = part(progress, n, n + 1, len(choice.choices))
        result = job(**{**values, "region": box, choice.name: value}, progress=share)
        shown = next(noun for _, noun in job.nouns_of(result) if isinstance(noun, Volume))
        pictures[value] = picture_of(shown)
    return without_rim(pictures)


def without_rim(pictures: Mapping[str, Picture]) -> dict[str, Picture]:
    """Pictures (y, x, 4) of one size, cut to the smallest square that holds what all show."""
    is_seen = np.any([picture[..., 3] > 0 for picture in pictures.values()], axis=0)
    sides = [np.flatnonzero(is_seen.any(axis=n)) for n in (1, 0)]
    if not sides[0].size:
        return dict(pictures)
    edge = min(max(int(s[-1] - s[0]) + 1 for s in sides), *is_seen.shape)
    corner = [
        int(np.clip((s[0] + s[-1] + 1 - edge) // 2, 0, n - edge))
        for s, n in zip(sides, is_seen.shape, strict=True)
    ]
    rows, columns = (slice(first, first + edge) for first in corner)
    return {value: picture[rows, columns] for value, picture in pictures.items()}


def picture_of(volume: Volume) -> Picture:
    """The surface of a map in the middle of its box, seen along z: uint8 (y, x, 4).

    Where there is no surface it is clear; a map without density gives a clear picture.
    """
    from scipy.ndimage import zoom

    depth = volume.shape[0]
    around = round(depth * (1 - DEPTH) / 2)
    slab = volume.float32()[around : max(depth - around, around + 1)] * np.float32(volume.contrast)
    try:
        level = first_contour_level(volume) * volume.contrast
    except DataError:
        return np.zeros((FINER * volume.shape[1], FINER * volume.shape[2], 4), np.uint8)
    return _shaded(zoom(slab, FINER, order=1), np.float32(level))


def _shaded(density: npt.NDArray[np.float32], level: np.float32) -> Picture:
    """The first voxels along z above a level, by their slope towards the light and their depth."""
    inside = density >= level
    first = inside.argmax(axis=0)
    is_hit = inside.any(axis=0)
    rows, columns = np.indices(first.shape)
    slope = np.stack([np.gradient(density, axis=n)[first, rows, columns] for n in range(3)])
    slope /= np.linalg.norm(slope, axis=0) + 1e-12
    light = np.clip(np.tensordot(-np.asarray(LIGHT), slope, axes=1), 0, 1)
    brightness = (DIM + (1 - DIM) * light) * (1 - FOG * first / len(density))
    picture = np.zeros((*first.shape, 4), np.uint8)
    picture[..., :3] = np.rint(255 * brightness[..., None] * np.asarray(COLOR))
    picture[..., 3] = 255 * is_hit
    return picture
