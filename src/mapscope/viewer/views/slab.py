"""A slab: slices that show some ångströms of depth, projected onto one plane."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.space import angstroms_per_world_unit, frame_of, reason_against_map

Projection = Literal["mean", "max", "min"]

LARGEST_BYTES = 512 * 2**20
"""A slab is read anew for each slice: more than this at once would make the view wait."""

SHOWN_EDGE = 1024
"""Voxels that a map with coarser copies shows at most along an edge of the canvas."""


class Slab:
    """The slab of a viewer, off at first.

    Maps are projected, atoms and picks inside the slab are shown. When it is switched off,
    all is as it was.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.thickness = 0.0
        self.projection: Projection = "mean"
        self._borrowed = Borrowed()
        self._is_connected = False

    @property
    def is_on(self) -> bool:
        """Whether slices show depth."""
        return self.thickness > 0

    def show(self, thickness: float, projection: Projection = "mean") -> list[str]:
        """Let slices show some depth.

        Parameters
        ----------
        thickness : float
            Depth in Å.
        projection : str
            What of the depth is drawn: its mean, its highest or its lowest density.

        Returns
        -------
        list of str
            Maps that stay thin because so much of them cannot be read for each slice.
        """
        self.thickness, self.projection = thickness, projection
        self._connect()
        depth = thickness / angstroms_per_world_unit(self.viewer)
        dims = self.viewer.dims
        margins = (0.0,) * (dims.ndim - 3) + (depth / 2,) * min(dims.ndim, 3)
        self._borrowed.set(dims, "margin_left", margins)
        self._borrowed.set(dims, "margin_right", margins)
        return [layer.name for layer in self.viewer.layers if not self._adopt(layer)]

    def off(self) -> None:
        """Show slices as they were."""
        self.thickness = 0.0
        self._borrowed.give_back()
        self._disconnect()

    def _adopt(self, layer: Any) -> bool:
        """Give a layer its part in the slab; False where it is too large for that."""
        kind = type(layer).__name__
        if kind == "Image" and not reason_against_map(layer):
            fits = self._bytes(layer) <= LARGEST_BYTES
            self._borrowed.set(layer, "projection_mode", self.projection if fits else "none")
            return fits
        if kind in ("Points", "Vectors"):
            self._borrowed.set(layer, "projection_mode", "all")
        return True

    def _bytes(self, layer: Any) -> float:
        """Bytes of a map that are read for one slice, at most."""
        frame = frame_of(self.viewer, layer)
        data = layer.data[0] if layer.multiscale else layer.data
        depth = self.thickness / angstroms_per_world_unit(self.viewer)
        shown = np.minimum(frame.shape, SHOWN_EDGE) if layer.multiscale else np.array(frame.shape)
        planes = np.minimum(np.ceil(depth / frame.step), frame.shape)
        return float(max(planes * (np.prod(shown) / shown)) * data.dtype.itemsize)

    def _connect(self) -> None:
        if not self._is_connected:
            self.viewer.layers.events.inserted.connect(self._inserted)
            self.viewer.layers.events.removed.connect(self._removed)
            self._is_connected = True

    def _disconnect(self) -> None:
        if self._is_connected:
            self.viewer.layers.events.inserted.disconnect(self._inserted)
            self.viewer.layers.events.removed.disconnect(self._removed)
            self._is_connected = False

    def _inserted(self, *_: Any) -> None:
        self.show(self.thickness, self.projection)

    def _removed(self, event: Any) -> None:
        self._borrowed.forget(event.value)
