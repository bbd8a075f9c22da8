"""How far a viewer's slices move at one step: by a voxel of its maps, also beside points."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from mapscope.viewer.views.space import frame_of, reason_against_map

_NEARLY = 1e-6


class Steps:
    """Keeps the steps of a viewer's slices at the planes of its finest map.

    napari takes the smallest scale of all layers, which of points is 1 Å: of ten steps nine
    would show the same plane of a map with voxels of 10 Å, and each would be drawn twice, as
    asked for and at the next step.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = ref(viewer)
        viewer.dims.events.range.connect(self.update)
        self.update()

    def update(self, *_: Any) -> None:
        """Let the slider stop at planes, and reach as far as all layers do."""
        viewer = self._viewer()
        if viewer is None:
            return
        frames = [frame_of(viewer, la) for la in viewer.layers if not reason_against_map(la)]
        if not frames:
            return
        ranges = list(viewer.dims.range)
        for axis, (start, stop, _) in enumerate(ranges[-3:], start=len(ranges) - 3):
            finest = min(frames, key=lambda frame: float(frame.step[axis - len(ranges)]))
            step, origin = (float(v[axis - len(ranges)]) for v in (finest.step, finest.origin))
            first, last = (np.array([start, stop]) - origin) / step
            before, after = np.floor(first + _NEARLY), np.ceil(last - _NEARLY)
            ranges[axis] = (origin + before * step, origin + after * step, step)
        if not np.allclose(ranges, viewer.dims.range):
            viewer.dims.range = tuple(ranges)
