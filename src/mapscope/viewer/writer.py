"""napari saves layers through Mapscope: maps, labels and structures, each in its frame."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer

from mapscope.errors import MapscopeError
from mapscope.files.result import write_nouns
from mapscope.viewer.layers import noun_from_layer


def write_map(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer as MRC, with the frame and header of the file it came from."""
    return _write(path, data, attributes, "image")


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as MRC of whole numbers."""
    return _write(path, data, attributes, "labels")


def write_structure(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the structure behind a layer of atoms as mmCIF or PDB."""
    return _write(path, data, attributes, "points")


def _write(path: str, data: Any, attributes: dict[str, Any], kind: str) -> list[str]:
    """Write what a layer shows, and the record of how it came about.

    Raises
    ------
    MapscopeError
        If the layer is nothing that can be written; never a ValueError, which napari takes
        for "no writer found" and says so instead of why (`napari.plugins._npe2.write_layers`).
    """
    try:
        noun = noun_from_layer(Layer.create(data, attributes, kind))
        return [str(w.path) for w in write_nouns({kind: noun}, path)]
    except MapscopeError as error:
        raise MapscopeError(str(error)) from error
