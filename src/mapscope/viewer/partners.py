"""Layers that one run or one pair of files belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mapscope.files import half_map_name
from mapscope.record import source_of
from mapscope.viewer.layers import KEY, role_of, tag_of
from mapscope.volume import HalfMaps, Volume


def half_map_pair(layers: Iterable[Any]) -> tuple[Any, Any] | None:
    """The two layers that hold half maps of one object, first and second, if there are any.

    Their files' names, or those of the outputs of the run that made both, differ in the number
    of the half only, and they share a grid. The last pair added wins.
    """
    return next(_pairs(layers), None)


def _pairs(layers: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    """All pairs of half maps of one object, the last one added first."""
    halves = [layer for layer in layers if role_of(layer) == "half map"]
    for second in reversed(halves):
        for first in reversed(halves):
            if _are_partners(first, second):
                yield first, second


def pair_that_went_into(layer: Any, layers: Iterable[Any]) -> tuple[Any, Any] | None:
    """The half maps that the run took which made a layer, as long as they are shown unchanged."""
    tag = None if layer is None else tag_of(layer)
    record = None if tag is None else tag.record
    taken = {i.checksum for i in (record.inputs if record else ()) if i.kind == "HalfMaps"}
    if not taken:
        return None
    pairs = ((pair, [la.metadata[KEY].noun for la in pair]) for pair in _pairs(layers))
    return next((pair for pair, nouns in pairs if HalfMaps(*nouns).checksum() in taken), None)


def _are_partners(first: Any, second: Any) -> bool:
    """Whether `first` holds half map 1 and `second` half map 2 of the same object."""
    if _run_of(first) != _run_of(second):
        return False
    names = [half_map_name(_name_of_half(layer)) for layer in (first, second)]
    nouns = [tag.noun for tag in map(tag_of, (first, second)) if tag is not None]
    if None in names or len(nouns) != 2:
        return False
    (one, other), (a, b) = nouns, [name for name in names if name is not None]
    if (a.number, b.number) != (1, 2) or a.stem != b.stem:
        return False
    return isinstance(one, Volume) and isinstance(other, Volume) and one.grid.matches(other.grid)


def _run_of(layer: Any) -> str:
    """The key of the run that made a layer's noun; nothing for one from a file."""
    tag = tag_of(layer)
    return "" if tag is None or tag.record is None else tag.record.key


def is_of_same_run(layer: Any, other: Any) -> bool:
    """Whether one run of a job made both layers."""
    return bool(_run_of(layer)) and _run_of(layer) == _run_of(other)


def object_name(layer_name: str) -> str:
    """Name of the object that a half map's layer belongs to; other names stay."""
    return layer_name.replace(" · half map 1", "").replace(" · half map 2", "")


def _name_of_half(layer: Any) -> str:
    """The name of a half map's file, or of the output of a job that it is."""
    tag = tag_of(layer)
    field = "" if tag is None else source_of(tag.noun).field
    return str(layer.metadata.get("file", "")) or field
