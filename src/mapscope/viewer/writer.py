"""napari saves layers through Mapscope, each in its frame, or together as they look."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_info

from mapscope.errors import MapscopeError
from mapscope.files.chimerax import write_chimerax
from mapscope.files.result import write_nouns
from mapscope.viewer.appearance import appearances_of_layers
from mapscope.viewer.layers import edited, noun_from_layer, tag_of


def write_map(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write an image layer as MRC, with the frame and header of the file it came from."""
    return _write(path, data, attributes, "image")


def write_labels(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a labels layer as MRC of whole numbers."""
    return _write(path, data, attributes, "labels")


def write_structure(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the structure behind a layer of atoms as mmCIF or PDB."""
    return _write(path, data, attributes, "points")


def write_particles(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write the particles behind a layer of points, and say how they were read back."""
    return _write(path, data, attributes, "points")


def write_scene(path: str, layer_data: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write layers as a ChimeraX command file that opens them as they look, and what it opens.

    Raises
    ------
    MapscopeError
        As `_write` does.
    """
    try:
        layers = [Layer.create(data, attributes, kind) for data, attributes, kind in layer_data]
        written = write_chimerax(path, appearances_of_layers(layers))
    except MapscopeError as error:
        raise MapscopeError(str(error)) from error
    # napari names the first of them in what it says to the user.
    return [str(file) for file in (written[-1], *written[:-1])]


def _under_edit(copy: Layer) -> Any:
    """The layer under edit that napari's copy is of, or None: the copy itself has no log."""
    tag = tag_of(copy)
    return next((layer for layer in edited if tag is not None and tag_of(layer) is tag), None)


def _write(path: str, data: Any, attributes: dict[str, Any], kind: str) -> list[str]:
    """Write what a layer shows, and the record of how it came about.

    Raises
    ------
    MapscopeError
        If the layer is nothing that can be written; never a ValueError, which napari takes
        for "no writer found" and says so instead of why (`napari.plugins._npe2.write_layers`).
    """
    try:
        layer = Layer.create(data, attributes, kind)
        written = write_nouns({kind: noun_from_layer(_under_edit(layer) or layer)}, path)
    except MapscopeError as error:
        raise MapscopeError(str(error)) from error
    for one in written:
        if one.check is not None:
            show_info(f"Saved {one}.")
    return [str(one.path) for one in written]
