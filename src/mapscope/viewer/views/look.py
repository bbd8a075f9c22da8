"""How a viewer looks at its maps: a depth for slices and a low-pass filter, for the eye only."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np

from mapscope.viewer.layers import as_given
from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.contrast import limits_as_seen
from mapscope.viewer.views.seen import Looking, Projection, Seen
from mapscope.viewer.views.space import angstroms_per_world_unit, frame_of, reason_against_map

LARGEST_BYTES = 512 * 2**20
"""A slab is read anew for each slice: more than this at once would make the view wait."""

SHOWN_EDGE = 1024
"""Voxels that a map with coarser copies shows at most along an edge of the canvas."""


class Look:
    """Shows the maps of a viewer through a slab and a filter; their data stay what they are.

    A layer that is looked at so holds `Seen` arrays; `noun_from_layer` gives what is behind
    them, and so do jobs and files. When all is off, layers hold their own arrays again.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = ref(viewer)
        self.looking = Looking()
        self.thin: list[str] = []
        """Maps that stay thin because so much of them cannot be read for each slice."""
        self._borrowed = Borrowed()
        self._is_changing = False
        viewer.layers.events.inserted.connect(self._inserted)
        viewer.layers.events.removed.connect(self._removed)

    def project(self, depth: float, projection: Projection = "mean") -> None:
        """Let slices show some depth in Å; 0 is one plane."""
        self.looking.depth, self.looking.projection = depth, projection
        self._show()

    def filter(self, resolution: float | None) -> None:
        """Halve amplitudes at a resolution in Å, and lower those beyond; None does not."""
        self.looking.resolution = resolution
        self._show()

    def off(self) -> None:
        """Show maps as they are."""
        self.project(0.0)
        self.filter(None)

    def fit_contrast(self) -> None:
        """Let the contrast of each map follow its percentiles in slices as they are seen."""
        for layer in self._maps():
            layer.contrast_limits = limits_as_seen(layer)
            self._borrowed.forget(layer)

    def _maps(self) -> list[Any]:
        viewer = self._viewer()
        layers = [] if viewer is None else viewer.layers
        return [layer for layer in layers if _can_be_looked_at(layer)]

    def _show(self) -> None:
        """Draw all maps as they are looked at now."""
        maps = self._maps()
        self.thin = [la.name for la in maps if self.looking.depth > 0 and not self._fits(la)]
        for layer in maps:
            self._adopt(layer)
        if self.looking.is_plain:
            self._borrowed.give_back()

    def _adopt(self, layer: Any) -> None:
        """Give a layer what it shows: its own arrays, or these as they are seen."""
        own = as_given(layer.data)
        self._is_changing = True
        try:
            if self._is_plain_for(layer) and not _is_seen(layer):
                return
            if self._is_plain_for(layer):
                layer.events.data.disconnect(self._replaced)
                layer.data = own
                if self.looking.is_plain:
                    return  # it gets its own contrast back
            elif not _is_seen(layer):
                layer.events.data.disconnect(self._replaced)  # of none, it does nothing
                layer.events.data.connect(self._replaced)
                layer.data = self._seen(layer, own)
            elif _looking_of(layer) == self._looking_for(layer):
                layer.refresh(extent=False)
            else:
                layer.data = self._seen(layer, own)
        finally:
            self._is_changing = False
        self._follow_contrast(layer)

    def _follow_contrast(self, layer: Any) -> None:
        """Fit the contrast to what is seen, unless somebody has set it meanwhile."""
        if not self._borrowed.is_changed(layer, "contrast_limits"):
            self._borrowed.set(layer, "contrast_limits", limits_as_seen(layer))

    def _seen(self, layer: Any, own: Any) -> Any:
        """A layer's arrays as they are seen."""
        levels = list(own) if layer.multiscale else [own]
        frame, factor = self._frame(layer)
        looking = self._looking_for(layer)
        shape = np.asarray(levels[0].shape)
        seen = [Seen(a, frame.step * factor * shape / np.asarray(a.shape), looking) for a in levels]
        return seen if layer.multiscale else seen[0]

    def _looking_for(self, layer: Any) -> Looking:
        """How one map is looked at: as all are, or thin."""
        if layer.name not in self.thin:
            return self.looking
        return Looking(resolution=self.looking.resolution)

    def _is_plain_for(self, layer: Any) -> bool:
        return self._looking_for(layer).is_plain

    def _frame(self, layer: Any) -> tuple[Any, float]:
        viewer = self._viewer()
        return frame_of(viewer, layer), angstroms_per_world_unit(viewer)

    def _fits(self, layer: Any) -> bool:
        """Whether what is read of a map for one slice is little enough."""
        frame, factor = self._frame(layer)
        own = as_given(layer.data)
        data = own[0] if layer.multiscale else own
        shown = np.minimum(frame.shape, SHOWN_EDGE) if layer.multiscale else np.array(frame.shape)
        coarser = np.asarray(frame.shape) / shown if layer.multiscale else 1.0
        step = frame.step * factor * coarser
        planes = np.minimum(np.ceil(self.looking.depth / step), frame.shape)
        most = float(max(planes * (np.prod(shown.astype(float)) / shown)))
        return bool(most * data.dtype.itemsize <= LARGEST_BYTES)

    def _inserted(self, event: Any) -> None:
        if not self.looking.is_plain and _can_be_looked_at(event.value):
            self._show()

    def _removed(self, event: Any) -> None:
        self._borrowed.forget(event.value)

    def _replaced(self, event: Any) -> None:
        """Look so at other data, such as a pyramid that was built meanwhile."""
        if not self._is_changing and not _is_seen(event.source):
            self._adopt(event.source)


def _can_be_looked_at(layer: Any) -> bool:
    """Whether a layer is a map that lies straight."""
    return type(layer).__name__ == "Image" and not reason_against_map(layer)


def _is_seen(layer: Any) -> bool:
    return isinstance(layer.data[0] if layer.multiscale else layer.data, Seen)


def _looking_of(layer: Any) -> Looking:
    seen = layer.data[0] if layer.multiscale else layer.data
    looking: Looking = seen.looking
    return looking


_looks: WeakKeyDictionary[Any, Look] = WeakKeyDictionary()


def look_of(viewer: Any) -> Look:
    """How a viewer looks at its maps, made when first asked for."""
    if viewer not in _looks:
        _looks[viewer] = Look(viewer)
    return _looks[viewer]
