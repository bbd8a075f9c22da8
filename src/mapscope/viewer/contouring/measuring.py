"""What the levels of each map mean, measured beside the window and remembered."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from mapscope.viewer.contouring.levels import MapLevels
from mapscope.viewer.contouring.making import import_ahead
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.runner import Run

QUEUE = "levels"
"""A queue of its own: a histogram does not wait for a long job."""


class Measurements(QObject):
    """The levels of a viewer's maps, each measured once while its data and voxel size stay."""

    measured = Signal(object)
    failed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._known: WeakKeyDictionary[Any, tuple[Any, Any, MapLevels | None]] = WeakKeyDictionary()

    def levels_of(self, layer: Image) -> MapLevels | None:
        """What the levels of a map mean; None at first, until `measured` is emitted.

        Raises
        ------
        InputError
            If the layer is no map; the message says why.
        """
        volume = noun_from_layer(layer)
        data = layer.data[0] if layer.multiscale else layer.data
        known = self._known.get(layer)
        if known is not None and known[0] is data and known[1] == volume.voxel_size:
            return known[2]
        self._known[layer] = entry = (data, volume.voxel_size, None)

        def note(levels: MapLevels) -> None:
            if self._known.get(layer) is entry:
                self._known[layer] = (*entry[:2], levels)
                self.measured.emit(layer)

        def measure(progress: Any) -> MapLevels:
            levels = MapLevels.of(volume, progress=progress)
            import_ahead()
            return levels

        run = Run(measure)
        run.succeeded.connect(note)
        run.failed.connect(lambda error: self.failed.emit(str(error)))
        run.start(QUEUE)
        return None
