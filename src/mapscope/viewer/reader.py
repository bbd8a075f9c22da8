"""napari opens maps and structures through Mapscope."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_info, show_warning

from mapscope.errors import MapFormatError, MapscopeError
from mapscope.files import (
    choices,
    half_map_name,
    parse_address,
    read,
    read_levels,
    readable_suffixes,
)
from mapscope.files.findings import noted_repairs
from mapscope.files.stream import format_suffix
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.viewer.layers import SEPARATOR, LayerData, layers_from_noun, tag_of
from mapscope.viewer.picks.reading import PARTICLES, holds_picks, tomogram_for
from mapscope.viewer.pyramid import build_pyramid
from mapscope.viewer.reread import cover_with_open_maps, covering
from mapscope.viewer.roles import role_of_file
from mapscope.viewer.views.reach import reach_of
from mapscope.volume import Volume

PathOrPaths = str | list[str]

NOT_LAYERS = {".csv", ".tsv", ".json", ".tif", ".tiff", ".txt", ".xml"}
"""Tables are plotted, not laid over a map, unless they list picks; TIFF files are napari's own."""

MAY_HOLD_PICKS = (".csv", ".tsv", ".json", ".txt", ".xml")
"""Of those, the ones that are looked into."""

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
    files = [Path(p) for p in paths]
    fits = all(f.exists() and (format_suffix(f) in known or holds_picks(f)) for f in files)
    return read_layers if paths and fits else None


def read_layers(path: PathOrPaths) -> list[LayerData]:
    """Read files into napari's layer tuples, each in its place in Å.

    A crystal's map covers a model of its cell that is read together with it or open already,
    unless it contains it by itself; so does one that is open when the model comes.

    Raises
    ------
    MapscopeError
        If a file cannot be read; the message says why.
    """
    paths = [path] if isinstance(path, str) else path
    viewer = napari.current_viewer()
    nouns = _read_all(paths, viewer)
    models = [noun for noun in nouns if isinstance(noun, Structure)]
    around = [*models, *_open_models(viewer)]
    nouns = [covering(noun, around) if isinstance(noun, Volume) else noun for noun in nouns]
    layers: list[LayerData] = []
    for one, noun in zip(paths, nouns, strict=True):
        file = str(parse_address(one).path)
        name = Path(file).name
        levels = read_levels(file, permissive=True) if is_zarr(file) else ()
        role = PARTICLES if isinstance(noun, Particles) else role_of_file(name)
        new = layers_from_noun(noun, layer_name(name), role, levels)
        if not new:
            raise MapscopeError(f"{name} holds a {type(noun).__name__.lower()}, not a layer")
        for _, attributes, _ in new:
            attributes["metadata"]["file"] = name
        if any(attributes.get("multiscale") for _, attributes, _ in new) and not levels:
            build_pyramid(noun)
        layers += new
    _hide_second_halves(layers)
    if viewer is not None and any(isinstance(noun, Particles) for noun in nouns):
        reach_of(viewer)  # picks are seen in every slice that they cut
    for model in models if viewer is not None else ():
        cover_with_open_maps(viewer, model)
    return layers


def _read_all(paths: list[str], viewer: Any) -> list[Any]:
    """The nouns in files; lists of picks last, which want to know of their tomogram."""
    maps: dict[str, Volume] = {}
    for layer in viewer.layers if viewer is not None else ():
        tag = tag_of(layer)
        if tag is not None and isinstance(tag.noun, Volume):
            maps[layer.name] = tag.noun
    are_picks = [holds_picks(path) for path in paths]
    found: dict[int, Any] = {}
    for n in sorted(range(len(paths)), key=are_picks.__getitem__):
        around = tomogram_for(paths[n], maps) if are_picks[n] else None
        found[n] = _read_and_tell(paths[n], around)
        if isinstance(found[n], Volume):
            maps[layer_name(parse_address(paths[n]).path.name)] = found[n]
    return [found[n] for n in range(len(paths))]


def _open_models(viewer: Any) -> list[Structure]:
    """The atomic models that are open."""
    tags = [tag_of(layer) for layer in viewer.layers] if viewer is not None else []
    return [tag.noun for tag in tags if tag is not None and isinstance(tag.noun, Structure)]


def is_zarr(path: str) -> bool:
    """Whether a path is named as a Zarr folder, which may bring a pyramid of its own."""
    return format_suffix(Path(path)) == ZARR


def _read_and_tell(path: str, tomogram: Volume | None = None) -> Any:
    """The noun in a file, repaired where it can be; what was repaired is told, never hidden.

    Picks are read in the frame of their tomogram, where there is one.
    """
    with noted_repairs() as repairs:
        if tomogram is None:
            noun = _first_of(path)
        else:
            noun = read(path, permissive=True, tomogram=tomogram)
    name = parse_address(path).path.name
    for repair in repairs:
        show_warning(f"{name}: {repair}. The Info dock says more.")
    return noun


def _first_of(path: str) -> Any:
    """The noun in a file; of a stack of which nothing was chosen, the first volume."""
    try:
        return read(path, permissive=True)
    except MapFormatError as error:
        if error.code != "volume_stack":
            raise
    address = parse_address(path)
    (stack,) = [c for c in choices(address.path, address.options) if c.must_be_made]
    show_info(
        f"{address.path.name} is a stack of {len(stack.values)} volumes, the first of which is "
        "shown. Choose another one in the Info dock."
    )
    return read(path, permissive=True, index=0)


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
