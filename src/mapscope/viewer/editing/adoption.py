"""Which layers can be edited, and what a layer becomes when it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mapscope.edits import EditLog, Noun
from mapscope.edits.points import ROTATION, SCORE, SPECIES
from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.record import Source, remember, source_of
from mapscope.structure import Structure
from mapscope.viewer.layers import (
    KEY,
    NO_VOXEL_SIZE,
    TOOL,
    Tag,
    angstroms_per_unit,
    edited,
    noun_from_layer,
    place_of,
    reason_against,
    role_of,
    tag_of,
)
from mapscope.volume import Array


def reason_against_editing(layer: Any) -> str:
    """Why a layer cannot be edited, or an empty text where it can."""
    if layer is None:
        return "select a points or labels layer first"
    kind, tag = type(layer).__name__, tag_of(layer)
    if kind not in ("Points", "Labels"):
        return "only points and labels can be edited: for a map, make new labels on it"
    if role_of(layer) == TOOL:
        return reason_against(layer)
    if tag is not None and isinstance(tag.noun, Structure):
        return "the atoms of a structure cannot be edited"
    if layer in edited:
        return "under edit already"
    if layer.ndim != 3 or getattr(layer, "multiscale", False):
        return "only points and labels in three dimensions can be edited"
    if tag is None and angstroms_per_unit(layer) is None:
        return NO_VOXEL_SIZE
    if kind == "Points":
        return _reason_against_place(layer)
    if np.asarray(layer.data).dtype.kind not in "iu":
        return "these labels hold no whole numbers"
    return reason_against(layer)


def _reason_against_place(layer: Any) -> str:
    """Why points cannot be given positions in Å, or an empty text."""
    corners = np.vstack([np.zeros(3), np.eye(3)])
    world = np.array([layer.data_to_world(corner) for corner in corners])
    linear = (world[1:] - world[0]).T
    if not np.allclose(linear, np.diag(np.diag(linear))) or not (np.diag(linear) > 0).all():
        return "rotated, sheared or mirrored: points are edited where their tomogram lies straight"
    return ""


def data_path_of(layer: Any) -> Path | None:
    """The file that a layer shows, where there is one."""
    tag = tag_of(layer)
    paths = [] if tag is None else [source_of(tag.noun).path]
    paths.append(layer.source.path)
    known = [Path(path) for path in paths if path]
    return next((path for path in known if path.exists()), None)


def noun_for_editing(layer: Any) -> Noun:
    """What a layer shows, as a noun of its own whose edits begin.

    Raises
    ------
    InputError
        If the layer cannot be edited; the message says why.
    """
    reason = reason_against_editing(layer)
    if reason:
        raise InputError(f"{layer.name}: {reason}" if layer is not None else reason)
    if type(layer).__name__ == "Points":
        return _points(layer)
    noun = noun_from_layer(layer)
    assert isinstance(noun, Labels)
    return noun


def _points(layer: Any) -> Particles:
    """The points of a layer with its table."""
    voxel_size, origin = place_of(layer)
    positions = np.asarray(layer.data) * np.asarray(voxel_size) + np.asarray(origin)
    table = {str(name): _plain(column.to_numpy()) for name, column in layer.features.items()}
    species = table.pop(SPECIES, None)
    score = table.pop(SCORE, None)
    if score is not None and score.dtype.kind not in "iuf":
        raise InputError(f"{layer.name}: the column 'score' must hold numbers")
    table.pop(ROTATION, None)
    table.pop("position", None)
    known = None if species is None else tuple(str(s) for s in species)
    rotations, further = _beyond_table(layer, positions, table)
    noun = Particles(positions, rotations, known, score, {**table, **further})
    path = data_path_of(layer)
    if path is not None:
        remember(noun, Source(path=str(path)))
    return noun


def _beyond_table(
    layer: Any, positions: Array, table: Mapping[str, Array]
) -> tuple[Array | None, dict[str, Array]]:
    """Rotations and columns of the layer's particles that its table has no room for."""
    tag = tag_of(layer)
    if tag is None or not isinstance(tag.noun, Particles):
        return None, {}
    noun = tag.noun
    rows = _rows_at(noun.positions, positions)
    is_known = rows >= 0
    rotations = None
    if noun.rotations is not None:
        rotations = np.tile(np.eye(3), (len(positions), 1, 1))
        rotations[is_known] = noun.rotations[rows[is_known]]
    further = {}
    for name, values in noun.columns.items():
        if name not in table:
            blank = np.nan if values.dtype.kind == "f" else values.dtype.type()
            further[name] = np.full((len(positions), *values.shape[1:]), blank, values.dtype)
            further[name][is_known] = values[rows[is_known]]
    return rotations, further


def _rows_at(known: Array, positions: Array) -> Array:
    """Row of the particle that each point is, -1 where it is none of them.

    It is the one at its position. A point that was moved is the one in its row, as long as
    there are as many points as particles and that one is at no other position.
    """
    if np.array_equal(known, positions):
        return np.arange(len(known))
    rows = {place.tobytes(): row for row, place in enumerate(known)}
    found = np.array([rows.get(place.tobytes(), -1) for place in positions], dtype=np.int64)
    if len(known) == len(positions):
        own = np.arange(len(known))
        stays = (known == positions).all(axis=1)
        is_moved = (found < 0) & ~np.isin(own, found)
        found = np.where(stays | is_moved, own, found)
    return found


def _plain(values: Any) -> Any:
    """A column of a table as an array of numbers, flags or text."""
    values = np.asarray(values)
    if values.dtype.kind in "biuf":
        return values
    return np.array(["" if v is None or v != v else str(v) for v in values], dtype=str)


def prepare_layer(layer: Any, log: EditLog) -> None:
    """Make a layer ready to be edited: an array that can be written, and no old noun."""
    if log.header["kind"] == "Labels":
        layer.data = log.labels.data.copy()
    role = role_of(layer) if tag_of(layer) is not None else log.header["kind"].lower()
    # The data are never those of the tag: what others make of this layer is what it shows.
    layer.metadata[KEY] = Tag(log.snapshot(), role, None)
