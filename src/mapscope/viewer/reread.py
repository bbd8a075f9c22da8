"""Read a layer's file again with other options, and show the result in the layer's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from napari.layers import Layer
from napari.utils.notifications import show_error, show_info

from mapscope.errors import MapscopeError
from mapscope.files import cover_that_helps, read, text_of_cover
from mapscope.files.findings import noted_repairs
from mapscope.record import source_of
from mapscope.structure import Structure
from mapscope.viewer.layers import KEY, LayerData, layers_from_noun, noun_from_layer, tag_of
from mapscope.viewer.pyramid import build_pyramid
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.workspace import workspace_of
from mapscope.volume import Volume

NEW_NUMBERS = {"columns", "kind"}
"""Options after which contrast and contour level are measured anew."""

KEPT = ("name", "visible", "opacity", "blending")
PLACE = ("scale", "translate")


@dataclass(frozen=True)
class Reading:
    """What came out of a file that was read again: the noun, and layers that show it."""

    noun: Any
    layers: list[LayerData]


def reread(viewer: Any, noun: Any, changes: Mapping[str, Any]) -> Run:
    """Read the file of a noun again beside the window, and show it where the noun was shown.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    noun : noun
        What was read before; all layers that show it are changed.
    changes : mapping of str to value
        Options of :func:`mapscope.files.read` to set; None leaves one out.
    """
    tag = next(tag for layer in _showing(viewer, noun) if (tag := tag_of(layer)) is not None)
    run = Run(lambda progress: _read(noun, tag.role, changes, progress))
    run.succeeded.connect(lambda found: show_instead(viewer, noun, found, changes.keys()))
    return run.start(BACKGROUND)


def _read(noun: Any, role: str, changes: Mapping[str, Any], progress: Any) -> Reading:
    """In the worker thread: the noun read anew, and its layers made ready."""
    source = source_of(noun)
    assert source.path is not None
    options: dict[str, Any] = {**source.options, **changes}
    given = {name: value for name, value in options.items() if value is not None}
    with noted_repairs():  # told when the file was opened
        found = read(source.path, permissive=True, **given)
    progress(1, 2, "reading")
    return Reading(found, layers_from_noun(found, "", role))


def _showing(viewer: Any, noun: Any) -> list[Layer]:
    """The layers that show a noun."""
    tags = [(layer, tag_of(layer)) for layer in viewer.layers]
    return [layer for layer, tag in tags if tag is not None and tag.noun is noun]


def show_instead(viewer: Any, noun: Any, found: Reading, changed: Any) -> None:
    """Let the layers that show `noun` show what was found, in their places and looks."""
    by_kind = {kind: (data, attributes, kind) for data, attributes, kind in found.layers}
    active = viewer.layers.selection.active
    for layer in _showing(viewer, noun):
        new = by_kind.get(type(layer).__name__.lower(), found.layers[0])
        fits = new[2] == "image" and type(layer).__name__ == "Image"
        if fits and not layer.multiscale and not new[1]["multiscale"]:
            _fill(layer, new, measures_anew=bool(NEW_NUMBERS & set(changed)))
        else:
            fresh = _replace(viewer, layer, new)
            active = fresh if layer is active else active
    if active in viewer.layers:
        viewer.layers.selection.active = active
    if any(attributes.get("multiscale") for _, attributes, _ in found.layers):
        build_pyramid(found.noun)


def _fill(layer: Any, new: LayerData, *, measures_anew: bool) -> None:
    """Give an image layer other data in another place, and its look where that must change."""
    data, attributes, _ = new
    layer.metadata[KEY] = attributes["metadata"][KEY]
    layer.data = data
    for name in PLACE:
        if tuple(getattr(layer, name)) != tuple(attributes[name]):
            setattr(layer, name, attributes[name])
    if measures_anew:
        layer.reset_contrast_limits_range()
        layer.contrast_limits = attributes["contrast_limits"]
        layer.iso_threshold = attributes["iso_threshold"]


def _replace(viewer: Any, layer: Any, new: LayerData) -> Layer:
    """The new layer, in the place of one that cannot show it."""
    data, attributes, kind = new
    kept = {name: getattr(layer, name) for name in KEPT}
    if kind != type(layer).__name__.lower():
        kept = {name: kept[name] for name in ("name", "visible")}
    metadata = {**layer.metadata, **attributes["metadata"]}
    place = viewer.layers.index(layer)
    viewer.layers.remove(layer)
    fresh = Layer.create(data, {**attributes, **kept, "metadata": metadata}, kind)
    viewer.layers.insert(place, fresh)
    return fresh


def covering(volume: Volume, models: list[Structure]) -> Volume:
    """A crystal's map that covers the first model of its cell that it would not contain.

    The same map where there is no such model, or the box around it is too large.
    """
    model = next((m for m in models if cover_that_helps(volume, m)), None)
    if model is None:
        return volume
    source = source_of(volume)
    assert source.path is not None
    options: dict[str, Any] = {**source.options, "cover": model}
    try:
        with noted_repairs():
            found: Volume = read(source.path, permissive=True, **options)
    except MapscopeError:
        return volume
    _tell(found, model)
    return found


def cover_with_open_maps(viewer: Any, model: Structure) -> list[Run]:
    """Read the open maps of a model's crystal again where they do not contain it.

    Nothing changes by itself any more once a job was run in this viewer.
    """
    runs = []
    seen: list[Any] = []
    for layer in [] if workspace_of(viewer).entries else list(viewer.layers):
        volume = noun_as_read(layer)
        is_new = isinstance(volume, Volume) and not any(volume is one for one in seen)
        if is_new and cover_that_helps(volume, model):
            seen.append(volume)
            run = reread(viewer, volume, {"cover": text_of_cover(model)})
            run.succeeded.connect(lambda found: _tell(found.noun, model))
            run.succeeded.connect(lambda found: _show_both(viewer, found.noun, model))
            run.failed.connect(lambda error: show_error(str(error)))
            runs.append(run)
    return runs


def _show_both(viewer: Any, volume: Volume, model: Structure) -> None:
    """Bring a map and its model into view, unless something else is open that is looked at."""
    tags = [tag_of(layer) for layer in viewer.layers]
    if all(tag is not None and (tag.noun is volume or tag.noun is model) for tag in tags):
        viewer.reset_view()


def noun_as_read(layer: Any) -> Any:
    """The noun that a layer was made from, or None where it is not what the layer shows."""
    tag = tag_of(layer)
    try:
        return tag.noun if tag is not None and noun_from_layer(layer) is tag.noun else None
    except MapscopeError:
        return None


def _tell(volume: Volume, model: Structure) -> None:
    """Say that a map was continued to where a model lies."""
    name = (source_of(volume).path or "").rpartition("/")[2]
    show_info(
        f"{name}: the crystal's map covers {model.name or 'the model'} with 5 Å around it, which "
        "lies outside of what it covered. Choose otherwise in the Info dock."
    )
