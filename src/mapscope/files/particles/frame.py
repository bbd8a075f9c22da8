"""The tomogram that a list of particles lies in, and how it is named when a list is read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mapscope.errors import InputError
from mapscope.grid import Grid, Shape, Triple
from mapscope.particles import cubic_edge
from mapscope.record import source_of
from mapscope.volume import Array, Volume

STAR = ".star"
_ROUNDED = 2.0
"""Voxels by which the size of a binned tomogram may differ."""
_SIZES = re.compile(r"(\d+),(\d+),(\d+)(?:@([^:]+))?(?::([^,]+),([^,]+),([^,]+))?")

Tomogram: TypeAlias = Grid | Path
"""A tomogram's grid, or RELION's STAR file that describes many tomograms."""


@dataclass(frozen=True)
class Frame:
    """What is known of the tomogram when a list of particles is read.

    Parameters
    ----------
    counted : float, optional
        Edge in Å of the voxels that the file counts in, whatever the file says of it.
    voxel_size : float, optional
        Edge in Å of the tomogram's voxels, in which a file counts that says nothing of it.
    shape : tuple of int, optional
        Its size in voxels, z, y, x.
    origin : tuple of float
        Centre of its first voxel in Å, z, y, x.
    described : Path, optional
        RELION's STAR file with the sizes of many tomograms.
    """

    counted: float | None = None
    voxel_size: float | None = None
    shape: Shape | None = None
    origin: Triple = (0.0, 0.0, 0.0)
    described: Path | None = None


def frame_of(voxel_size: float | None = None, tomogram: Tomogram | None = None) -> Frame:
    """What is known of the tomogram from the options of :func:`mapscope.files.read`.

    Parameters
    ----------
    voxel_size : float, optional
        Edge in Å of the voxels that the file counts in; None takes the file's word, or else the
        tomogram's voxels.
    tomogram : Grid or Path, optional
        The tomogram's grid, or RELION's STAR file that describes tomograms.

    Raises
    ------
    InputError
        If the voxel size is no size.
    GridError
        If the tomogram's voxels are not cubes.
    """
    if voxel_size is not None and not (np.isfinite(voxel_size) and voxel_size > 0):
        raise InputError(f"voxel_size is the edge of a voxel in Å, got {voxel_size}")
    if isinstance(tomogram, Grid):
        edge = cubic_edge(tomogram)
        return Frame(voxel_size, edge, tomogram.shape, tomogram.origin)
    return Frame(voxel_size, described=tomogram)


def same_extent(first: Array, second: Array, voxel_size: Array | float) -> Array:
    """Whether sizes (…, 3) in Å are those of one tomogram, up to what binning it rounds."""
    difference = np.abs(first - second).max(axis=-1)
    return np.asarray(difference <= _ROUNDED * np.asarray(voxel_size))


def tomogram_from(
    value: Any, read: Callable[..., Any], voxel_size: float | None = None
) -> tuple[Tomogram, str]:
    """The tomogram that an option names, and the text that names it again.

    Parameters
    ----------
    value : Volume, Grid, str or path
        A tomogram or its file, RELION's STAR file with sizes of tomograms, or sizes in voxels
        as text, ``"Z,Y,X"``, with the voxels' edge in Å, ``"Z,Y,X@edge"``, and the first
        voxel's place in Å where it is not zero, ``"Z,Y,X@edge:z,y,x"``.
    read : callable
        Gives the noun in a file.
    voxel_size : float, optional
        Edge in Å of the voxels where the text does not say it.

    Raises
    ------
    InputError
        If the file holds no map, or the voxel size is missing.
    """
    if isinstance(value, Volume):
        address = source_of(value).address
        return value.grid, address or _text_of_grid(value.grid)
    if isinstance(value, Grid):
        return value, _text_of_grid(value)
    text = os.fspath(value)
    found = _SIZES.fullmatch(text)
    if found is not None and not Path(text).exists():
        return _grid_from(found, voxel_size), text
    if Path(text).suffix.lower() == STAR:
        return _existing(Path(text)), str(Path(text).resolve())
    noun = read(value)
    if not isinstance(noun, Volume):
        kind = type(noun).__name__.lower()
        raise InputError(f"particles lie in a tomogram, but {text} holds a {kind}")
    return noun.grid, source_of(noun).address or text


def _existing(path: Path) -> Path:
    """The path of a file that is there."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path


def _grid_from(found: re.Match[str], voxel_size: float | None) -> Grid:
    """The grid that sizes in voxels, and perhaps their edge and a place, stand for."""
    text = found[0]
    try:
        edge, z, y, x = (float(number or 0) for number in found.groups()[3:])
    except ValueError:
        raise InputError(f"tomogram={text}: expected Z,Y,X@edge or Z,Y,X@edge:z,y,x") from None
    edge = edge or voxel_size or 0.0
    if not edge:
        raise InputError(
            f"tomogram={text} are sizes in voxels: give their edge in Å as well, as in "
            f"tomogram={','.join(found.groups()[:3])}@10, or name the tomogram's file"
        )
    shape = (int(found[1]), int(found[2]), int(found[3]))
    return Grid(shape, (edge,) * 3, (z, y, x))


def _text_of_grid(grid: Grid) -> str:
    """A grid as text.

    Examples
    --------
    >>> _text_of_grid(Grid((10, 20, 30), (2.0, 2.0, 2.0), (0.0, -1.5, 3.0)))
    '10,20,30@2.0:0.0,-1.5,3.0'
    """
    sizes = f"{','.join(map(str, grid.shape))}@{cubic_edge(grid)!r}"
    return sizes + (":" + ",".join(map(repr, grid.origin)) if any(grid.origin) else "")
