"""The first two lines of a log: what is edited, and what it was at first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from mapscope import __version__
from mapscope.edits import labels as label_edits
from mapscope.edits import points as point_edits
from mapscope.edits.arrays import DamagedEditError
from mapscope.edits.folders import SUFFIX
from mapscope.edits.journal import Content
from mapscope.edits.labels import LabelsChange, LabelsState, Region
from mapscope.edits.player import DAMAGE, Change, Noun, State
from mapscope.edits.points import Column, PointsState
from mapscope.edits.runs import runs_between
from mapscope.errors import InputError, MapFormatError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.record import checksum_of, source_of
from mapscope.volume import Grid

FORMAT_VERSION = 1
MOST_VOXELS = 2**33


def new_header(noun: Noun, name: str, data: Path | None) -> dict[str, Any]:
    """The first line of a new log."""
    header: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "mapscope": __version__,
        "kind": type(noun).__name__,
        "name": name,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "data": None if data is None else str(data.resolve()),
        "source": source_of(noun).to_json(),
    }
    if isinstance(noun, Particles):
        columns = point_edits.columns_of(noun)
        return header | {"columns": {n: c.to_json() for n, c in columns.items()}}
    if not isinstance(noun, Labels):
        raise InputError(f"points and labels can be edited, not a {type(noun).__name__}")
    grid = {
        "shape": list(noun.grid.shape),
        "voxel_size": list(noun.voxel_size),
        "origin": list(noun.origin),
    }
    return header | {"grid": grid, "dtype": np.dtype(label_edits.dtype_for(noun)).str}


def state_from(header: Mapping[str, Any]) -> State:
    """The empty state that a header describes, with every number checked."""
    if header["kind"] == "Particles":
        columns = header["columns"]
        return PointsState({str(n): Column.from_json(c) for n, c in columns.items()})
    grid = header["grid"]
    shape = grid["shape"]
    if not all(type(n) is int and 0 < n < 2**31 for n in shape) or len(shape) != 3:
        raise DamagedEditError(f"labels of impossible shape {shape}")
    if shape[0] * shape[1] * shape[2] > MOST_VOXELS:
        raise DamagedEditError(f"labels of {shape} voxels are more than can be edited")
    if header["dtype"] not in ("<i2", "<i4"):
        raise DamagedEditError(f"labels of {header['dtype']!r}")
    place = Grid(tuple(shape), tuple(grid["voxel_size"]), tuple(grid["origin"]))
    return LabelsState(place, np.dtype(header["dtype"]))


def begun(state: State, noun: Noun) -> None:
    """Fill an empty state with the noun that is edited."""
    if isinstance(state, PointsState):
        assert isinstance(noun, Particles)
        state.apply(state.added(point_edits.values_of(noun)))
        return
    assert isinstance(noun, Labels)
    assert isinstance(state, LabelsState)
    state.fill(noun.data, _regions_of(noun))


def base_line(state: State, noun: Noun) -> dict[str, Any]:
    """The second line of a log: what it starts from.

    Parameters
    ----------
    state : State
        An empty state of the document.
    noun : Noun
        What is edited.
    """
    change: Change
    if isinstance(state, PointsState):
        assert isinstance(noun, Particles)
        change = state.added(point_edits.values_of(noun))
    else:
        assert isinstance(noun, Labels)
        zeros = np.broadcast_to(np.zeros((), dtype=np.int16), noun.data.shape)
        runs = runs_between(zeros, np.asarray(noun.data))
        change = LabelsChange("paint", (), runs, {}, dict(_regions_of(noun)))
    return {"n": 0, **change.to_json(), "op": "base", "checksum": checksum_of(noun)}


def _regions_of(labels: Labels) -> dict[int, Region]:
    """What labels know of their regions."""
    names = {*labels.names, *labels.colors} - {0}
    return {n: Region(labels.names.get(n, ""), labels.colors.get(n)) for n in sorted(names)}


def checked_header(content: Content, path: Path) -> Mapping[str, Any]:
    """The header of a log, if it is one.

    Raises
    ------
    MapFormatError
        If it is none, of a later version, or damaged.
    """
    header = content.lines[0] if content.lines else {}
    version = header.get("format_version")
    if header.get("kind") not in ("Particles", "Labels") or not isinstance(version, int):
        raise MapFormatError(f"{path.name} is no log of edits (<data file>{SUFFIX})")
    if version > FORMAT_VERSION:
        raise MapFormatError(
            f"{path.name} was written by Mapscope {header.get('mapscope')}: take that version"
        )
    try:
        state_from(header)
        header["name"] = str(header["name"])
    except DAMAGE as error:
        raise MapFormatError(f"the first line of {path.name} is damaged: {error}") from error
    return header
