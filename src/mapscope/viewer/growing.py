"""A result in the making: one layer, which shows what is finished until the whole is there."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from napari.layers import Layer

from mapscope.viewer.layers import LayerData

_LOOK = ("contrast_limits", "iso_threshold")
"""What of a layer's look follows its data, until somebody sets it by hand."""


_OF_POINTS = ("features", "size", "face_color", "border_color")
"""What is said of each point, or of all."""


class Growing:
    """The layer of a result in the making.

    Parameters
    ----------
    viewer : napari.Viewer
        Where it is shown.
    layer : Layer
        The layer; its metadata say that it is no input for any job yet.
    hidden : Layer, optional
        One that was hidden under it.
    """

    def __init__(self, viewer: Any, layer: Layer, hidden: Layer | None = None) -> None:
        self._viewer = ref(viewer)  # as for its workspace, which holds this
        self._layer: Layer | None = layer
        self._hidden = hidden
        self._looked = _look_of(layer)

    @property
    def layer(self) -> Layer | None:
        """The layer, while it is there: whoever removes it does not get it back."""
        return self._layer if self._is_there(self._layer) else None

    def update(self, new: LayerData) -> None:
        """Show more of the same result."""
        data, attributes, _ = new
        layer = self.layer
        if layer is None:
            return
        if new[2] == "points":
            _put_points(layer, new)
            return
        is_by_hand = self._looked != _look_of(layer)
        layer.data = data
        if not is_by_hand:
            for name in _LOOK:
                if name in attributes and hasattr(layer, name):
                    setattr(layer, name, attributes[name])
            self._looked = _look_of(layer)  # to see later whether somebody changed it

    def finish(self, new: LayerData) -> Layer | None:
        """Make the layer the one of a finished result, if it is that one; gives it."""
        self._hidden = None  # which the result hides, too
        layer, attributes = self.layer, new[1]
        if layer is None or not _fits(layer, new):
            return None
        self.update(new)
        layer.name, layer.metadata = attributes["name"], attributes["metadata"]
        self._layer = None
        return layer

    def end(self) -> None:
        """Take the layer away where no result came, and show again what it has hidden."""
        viewer = self._viewer()
        if viewer is not None and self.layer is not None:
            viewer.layers.remove(self.layer)
        if self._hidden is not None and self._is_there(self._hidden):
            self._hidden.visible = True
        self._layer = self._hidden = None

    def _is_there(self, layer: Layer | None) -> bool:
        viewer = self._viewer()
        return viewer is not None and layer in viewer.layers


def _put_points(layer: Any, new: LayerData) -> None:
    """Other points in a layer of points, however many there are."""
    data, attributes, _ = new
    layer.selected_data = set()
    layer.data = data
    for name in _OF_POINTS:
        setattr(layer, name, attributes[name])


def _look_of(layer: Any) -> dict[str, Any]:
    """What of a layer's look follows its data."""
    there = {name: getattr(layer, name) for name in _LOOK if hasattr(layer, name)}
    return {name: tuple(np.ravel(value).tolist()) for name, value in there.items()}


def _fits(layer: Any, new: LayerData) -> bool:
    """Whether layer data are of a layer's kind, in its place and of its size; points never are.

    A list of picks is edited and undone from its first state on: it gets a layer of its own.
    """
    data, attributes, kind = new
    if kind == "points":
        return False
    finest = data[0] if isinstance(data, list) else data
    shown = layer.data[0] if getattr(layer, "multiscale", False) else layer.data
    place = (layer.scale, layer.translate)
    return (
        type(layer).__name__.lower() == kind
        and np.allclose(place, (attributes["scale"], attributes["translate"]))
        and finest.shape == shown.shape
    )
