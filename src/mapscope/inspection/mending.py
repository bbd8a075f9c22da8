"""Mending what a header says of where a map lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mapscope.errors import InputError
from mapscope.files.map_frame import frame_of_grid, origin_of, voxel_size_of
from mapscope.volume import Array, MapHeader, Triple, Volume

_CLEANED = {
    "origin_conflict": "NSTART made to say what ORIGIN says",
    "space_group_odd": "space group set to P 1",
}
_WRITTEN = {
    "statistics_wrong": "header statistics",
    "axes_damaged": "axis order",
    "origin_not_finite": "origin",
    "byte_order": "byte order",
}


def unsigned(data: Array) -> Array:
    """The same bytes, read without a sign.

    Raises
    ------
    InputError
        If the data are no signed bytes.
    """
    if data.dtype != np.int8:
        raise InputError(f"unsigned bytes: the map holds {data.dtype}, not signed bytes (int8)")
    return data.view(np.uint8)


def placed(volume: Volume, voxel_size: float | None, place: str) -> tuple[Volume, list[str]]:
    """The map with another voxel size, in another place, and what was done.

    Parameters
    ----------
    volume : Volume
        The map.
    voxel_size : float or None
        Å, of all edges; None keeps that of the map.
    place : {"as it is", "grid", "nstart"}
        Keep the origin, move it to the nearest grid point, or take NSTART instead of ORIGIN.

    Raises
    ------
    InputError
        If NSTART is asked for and the map has no header.
    """
    changes = []
    header, size, origin = volume.header, volume.voxel_size, volume.origin
    if voxel_size is not None:
        # What NSTART says moves with the voxel size, what ORIGIN says in Å does not.
        counted = header is not None and not any(header.origin_words)
        factors = [voxel_size / s for s in size] if counted else [1.0] * 3
        origin = _product(origin, factors)
        size = (voxel_size,) * 3
        changes.append(f"voxel size {_text(volume.voxel_size)} to {voxel_size:g} Å")
    if place == "nstart":
        if header is None:
            raise InputError("place nstart: the map has no header with start indices")
        words = replace(header, origin_words=(0.0, 0.0, 0.0))
        ratio = [new / old for new, old in zip(size, voxel_size_of(header), strict=True)]
        origin = _product(origin_of(words), ratio)
    elif place == "grid":
        origin = _product(np.rint(np.divide(origin, size)).tolist(), size)
    if place != "as it is":
        changes.append(f"origin {_text(volume.origin)} to {_text(origin)} Å (z, y, x)")
    if not changes:
        return volume, []
    clean = _header_of(volume, size, origin)
    return replace(volume, voxel_size=size, origin=origin, header=clean), changes


def _product(values: Triple | list[float], factors: Triple | list[float]) -> Triple:
    """Three numbers times three others."""
    z, y, x = (float(v) * f for v, f in zip(values, factors, strict=True))
    return (z, y, x)


def _text(values: Triple) -> str:
    """Three numbers, or one where they are equal."""
    shown = [f"{v:.6g}" for v in values]
    return shown[0] if len(set(shown)) == 1 else f"({', '.join(shown)})"


def _header_of(volume: Volume, voxel_size: Triple, origin: Triple) -> MapHeader | None:
    """A header that says where the map lies in one way only, with the old one's labels."""
    old = volume.header
    if old is None:
        return None
    new = frame_of_grid(volume.shape, voxel_size, origin, old.labels)
    return replace(new, mode=old.mode, extended_type=old.extended_type, extended=old.extended)


def with_clean_header(volume: Volume, codes: frozenset[str]) -> tuple[Volume, list[str]]:
    """The map with a new header where its own contradicts itself, and what was done.

    Parameters
    ----------
    volume : Volume
        The map.
    codes : frozenset of str
        What was found; what only has to be written anew is named and left to the writer.
    """
    wrong = [text for code, text in _CLEANED.items() if code in codes]
    anew = [text for code, text in _WRITTEN.items() if code in codes]
    said = [*wrong, f"written anew: {', '.join(anew)}"] if anew else wrong
    if volume.header is None or not wrong:
        return volume, said
    clean = _header_of(volume, volume.voxel_size, volume.origin)
    return replace(volume, header=clean), said
