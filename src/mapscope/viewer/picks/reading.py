"""Which files list picks, and which of the maps at hand is their tomogram."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mapscope.files import parse_address
from mapscope.files.registry import reader_of
from mapscope.particles import Particles
from mapscope.volume import Volume

PARTICLES = "particles"
"""Role of layers that are lists of picks."""


def holds_picks(path: str | Path) -> bool:
    """Whether a file lists particles, as far as its first bytes tell."""
    file = parse_address(path).path
    reader = reader_of(file) if file.is_file() else None
    return reader is not None and issubclass(reader.noun, Particles)


def tomogram_for(path: str | Path, maps: Mapping[str, Volume]) -> Volume | None:
    """The map that a list of picks was most likely made in.

    Parameters
    ----------
    path : path
        The list's file.
    maps : mapping of str to Volume
        Maps by name.

    Returns
    -------
    Volume or None
        The one with the longest name that stands in the file's name, or else the largest; None
        where there is no map.
    """
    file = parse_address(path).path.name.lower()
    called = [name for name in maps if name and name.lower() in file]
    if called:
        return maps[max(called, key=len)]  # TS_11 rather than TS_1 for TS_11.star
    return max(maps.values(), key=lambda volume: volume.data.size, default=None)
