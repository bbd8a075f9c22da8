"""napari opens maps and structures through Mapscope."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_warning

from mapscope.errors import MapscopeError
from mapscope.files import half_map_name, read, read_levels, readable_suffixes
from mapscope.files.findings import noted_repairs
from mapscope.files.stream import format_suffix
from mapscope.viewer.layers import SEPARATOR, LayerData, layers_from_noun, role_of_file
from mapscope.viewer.pyramid import build_pyramid

PathOrPaths = str | list[str]

NOT_LAYERS = {".csv", ".tsv", ".json", ".tif", ".tiff"}
"""Tables are plotted, not laid over a map; TIFF files are napari's own."""

ZARR = ".zarr"


def get_reader(path: PathOrPaths) -> Callable[[PathOrPaths], list[LayerData]] | None:
    """The function that reads `path` into layers, or None where Mapscope does not know it.

    Parameters
    ----------
    path : str or list of str
        One file, or several that were dropped together.
    """
    paths = [path] if isinstance(path, str) else path
    known = set(readable_suffixes()) - NOT_LAYERS
    fits = all(Path(p).exists() and format_suffix(Path(p)) in known for p in paths)
    return read_layers if paths and fits else None


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read files into napari's layer tuples, each in its place in Å.

    Raises
    ------
    MapscopeError
        If a file cannot be read; the message says why.
    """
    paths = [path] if isinstance(path, str) else path
    layers: list[LayerData] = []
    for one in paths:
        name = Path(one).name
        noun = _read_and_tell(one)
        levels = read_levels(one, permissive=True) if is_zarr(one) else ()
        new = layers_from_noun(noun, layer_name(name), role_of_file(name), levels)
        if not new:
            raise MapscopeError(f"{name} holds a {type(noun).__name__.lower()}, not a layer")
        for _, attributes, _ in new:
            attributes["metadata"]["file"] = name
        if any(attributes.get("multiscale") for _, attributes, _ in new) and not levels:
            build_pyramid(noun)
        layers += new
    _hide_second_halves(layers)
    return layers


def is_zarr(path: str) -> bool:
    """Whether a path is named as a Zarr folder, which may bring a pyramid of its own."""
    return format_suffix(Path(path)) == ZARR


def _read_and_tell(path: str) -> Any:
    """The noun in a file, repaired where it can be; what was repaired is told, never hidden."""
    with noted_repairs() as repairs:
        noun = read(path, permissive=True)
    for repair in repairs:
        show_warning(f"{Path(path).name}: {repair}. The Info dock says more.")
    return noun


def _hide_second_halves(layers: list[LayerData]) -> None:
    """Show one of two half maps that are opened together: they would cover each other."""
    viewer = napari.current_viewer()
    open_files = [la.metadata.get("file", "") for la in viewer.layers] if viewer else []
    seen = {half.stem for half in map(half_map_name, open_files) if half is not None}
    for _, attributes, _ in layers:
        half = half_map_name(attributes["metadata"]["file"])
        if half is not None:
            attributes["visible"] = half.stem not in seen
            seen.add(half.stem)


def layer_name(file_name: str) -> str:
    """A layer's name: the file's without its suffixes; half maps are numbered.

    Examples
    --------
    >>> layer_name("emd_1234_half_map_2.map.gz")
    'emd_1234 · half map 2'
    """
    half = half_map_name(file_name)
    if half is None:
        return file_name[: file_name.lower().rfind(format_suffix(Path(file_name)))]
    stem = file_name[: half.stem.index("{}")]
    stem = re.sub(r"[-_. ]*(half)?[-_. ]*(map|vol|volume)?[-_. ]*$", "", stem, flags=re.IGNORECASE)
    return f"{stem or 'map'}{SEPARATOR}half map {half.number}"
