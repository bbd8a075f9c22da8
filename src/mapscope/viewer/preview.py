"""Live jobs: the result on a small region, computed again while a slider moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import MapscopeError
from mapscope.job import Job
from mapscope.viewer.layers import KEY, SPACE, Tag
from mapscope.viewer.runner import Run
from mapscope.volume import Grid, HalfMaps, Region, Volume

EDGE = 96
"""Longest edge of the region in voxels: small enough for several results a second."""

DELAY = 60
"""Milliseconds of rest before a change is computed."""

NAME = "preview"


class Preview(QObject):
    """Runs a live job on a region; the newest request wins and one layer is updated.

    Parameters
    ----------
    job : Job
        A live job; it takes a `region`.
    viewer : napari.Viewer
        Where the preview is shown.
    values : callable () -> dict
        Gives the nouns and parameters of the form.
    """

    failed = Signal(object)
    answered = Signal(object)
    updated = Signal()

    def __init__(self, job: Job, viewer: Any, values: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self.job = job
        self.viewer = viewer
        self._values = values
        self._run: Run | None = None
        self._layer: Image | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._begin)

    @property
    def layer(self) -> Image | None:
        """The preview layer while there is one."""
        return self._layer if self._layer in self.viewer.layers else None

    def request(self) -> None:
        """Compute again soon; what runs for an older request is stopped."""
        if self._run is not None and not self._run.is_over:
            self._run.cancel()
        self._timer.start(DELAY)

    def cancel(self) -> None:
        """Stop computing."""
        self._timer.stop()
        if self._run is not None:
            self._run.cancel()

    def pause(self) -> None:
        """Stop computing and hide the preview: napari takes 0.2 s to take a layer away."""
        self.cancel()
        if self.layer is not None:
            self.layer.visible = False

    def stop(self) -> None:
        """Stop computing and take the preview away."""
        self.cancel()
        if self.layer is not None:
            self.viewer.layers.remove(self.layer)
        self._layer = None

    def _begin(self) -> None:
        """Start the newest request in the worker thread."""
        try:
            values = self._values()
            grid = _grid_of(values)
            values["region"] = region_around(grid, self.viewer.dims.point[-3:], EDGE)
            values = self.job.check(**values)
        except MapscopeError as error:
            self.failed.emit(error)
            return
        run = Run(lambda progress: self.job(**values, progress=progress))
        run.succeeded.connect(lambda result: self._show(run, result))
        run.failed.connect(self.failed.emit)
        self._run = run
        run.start()

    def _show(self, run: Run, result: Any) -> None:
        """Show the newest result; an older one that came late is dropped."""
        if run is not self._run or run.is_cancelling:
            return
        volume = next(noun for _, noun in self.job.nouns_of(result) if isinstance(noun, Volume))
        if self.layer is not None and self.layer.data.shape == volume.shape:
            self.layer.data = volume.data
            self.layer.translate = volume.origin
        else:
            self._replace(volume)
        assert self._layer is not None
        self._layer.metadata[KEY] = Tag(volume, NAME, volume.data)
        self.answered.emit(self.job.scalars_of(result))
        self.updated.emit()

    def _replace(self, volume: Volume) -> None:
        """Add the preview layer, on top of everything."""
        if self.layer is not None:
            self.viewer.layers.remove(self.layer)
        low, high = np.percentile(volume.data, (1, 99.9))
        self._layer = Image(
            volume.data,
            name=NAME,
            scale=volume.voxel_size,
            translate=volume.origin,
            contrast_limits=(float(low), float(max(high, low + 1e-6))),
            rendering="iso",
            iso_threshold=float(np.percentile(volume.data, 98)),
            projection_mode="none",
            metadata={KEY: Tag(volume, NAME, volume.data)},
            **SPACE,
        )
        active = self.viewer.layers.selection.active
        self.viewer.add_layer(self._layer)
        self.viewer.layers.selection.active = active


def _grid_of(values: dict[str, Any]) -> Grid:
    """The grid of the first map among a job's values.

    Raises
    ------
    MapscopeError
        If there is none.
    """
    for value in values.values():
        if isinstance(value, Volume | HalfMaps):
            return value.grid
    raise MapscopeError("choose a map first")


def region_around(grid: Grid, position: tuple[float, ...], edge: int) -> Region:
    """Box of at most `edge` voxels a side around a position in Å, inside the grid."""
    centre = np.round(grid.index_from_world(position)).astype(int)
    size = np.minimum(grid.shape, edge)
    lower = np.clip(centre - size // 2, 0, np.asarray(grid.shape) - size)
    return Region(tuple(lower), tuple(lower + size))
