"""Live jobs: the result on a small region, computed again while a slider moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import MapscopeError
from mapscope.job import NOUNS, Job
from mapscope.particles import Particles
from mapscope.progress import Progress
from mapscope.viewer.previewed import Shown, layer_of, look_of, put_into, shown_of
from mapscope.viewer.runner import Run
from mapscope.viewer.views.reach import reach_of
from mapscope.volume import Grid, HalfMaps, Region

EDGE = 96
"""Longest edge of the region in voxels: small enough for several results a second."""

SLAB = (48, 256, 256)
"""Edges of the region in which particles are looked for: of 96 voxels there are few in a cube."""

DELAY = 60
"""Milliseconds in which changes are gathered before they are computed."""

PATIENCE = 0.5
"""Seconds that a result in the making is waited for when a newer one is wanted."""


class Preview(QObject):
    """Runs a live job on a region; the newest request wins and one layer is updated.

    Of a list of particles all is computed.

    While a slider moves, results that are ready soon are shown on the way; one that takes
    longer gives way to the newest request.

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
        self._started = 0.0
        self._is_wanted = False
        self._layer: Layer | None = None
        self._look: tuple[tuple[float, float], float] | None = None
        self._shown: dict[str, Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._begin)

    @property
    def layer(self) -> Layer | None:
        """The preview layer while there is one."""
        return self._layer if self._layer in self.viewer.layers else None

    def request(self) -> None:
        """Compute again soon; what takes long for an older request is stopped."""
        self._is_wanted = True
        if self._is_running() and monotonic() - self._started > PATIENCE:
            assert self._run is not None
            self._run.cancel()
        if not self._timer.isActive():
            self._timer.start(DELAY)

    def cancel(self) -> None:
        """Stop computing."""
        self._is_wanted = False
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
        self._layer, self._look, self._shown = None, None, {}

    def _is_running(self) -> bool:
        """Whether a result is in the making that nobody gave up."""
        return self._run is not None and not (self._run.is_over or self._run.is_cancelling)

    def _begin(self) -> None:
        """Start the newest request in the worker thread, once the one before is over."""
        if not self._is_wanted or self._is_running():
            return
        self._is_wanted = False
        try:
            values = self.job.check(**self._values())
        except MapscopeError as error:
            self._shown = {}
            self.failed.emit(error)
            return
        wanted = {**values, "region": centre_of_view(self.viewer)}
        if self.layer is not None and _are_equal(wanted, self._shown):
            return
        run = Run(partial(_compute, self.job, values, centre_of_view(self.viewer)))
        run.succeeded.connect(lambda _shown: self._note(run, wanted))
        run.succeeded.connect(lambda shown: self._show(run, shown))
        run.failed.connect(lambda error: self._fail(run, error))
        run.ended.connect(self._begin)
        self._run, self._started = run, monotonic()
        run.start()

    def _note(self, run: Run, wanted: dict[str, Any]) -> None:
        """Remember what is shown, so that it is not computed again."""
        if run is self._run:
            self._shown = wanted

    def _fail(self, run: Run, error: Exception) -> None:
        """Tell why there is no result; an older run's failure is of no interest."""
        if run is self._run and not run.is_cancelling:
            self._shown = {}
            self.failed.emit(error)

    def _show(self, run: Run, shown: Shown) -> None:
        """Show a result unless it was given up meanwhile."""
        if run is not self._run or run.is_cancelling:
            return
        if self.layer is None:
            self._add(shown)
        else:
            self._update(self.layer, shown)
        self.answered.emit(shown.scalars)
        self.updated.emit()

    def _add(self, shown: Shown) -> None:
        """Add the preview layer: over its map, or under the structure that it is made of.

        Labels that lie on top stay there: somebody may be painting them.
        """
        if _gives_particles(self.job):
            reach_of(self.viewer)  # picks are seen in every slice that they cut
        is_under = self.job.grid is not None and not _gives_particles(self.job)
        place = 0 if is_under else len(self.viewer.layers)
        while place and type(self.viewer.layers[place - 1]).__name__ == "Labels":
            place -= 1
        self._layer = layer_of(shown, is_see_through=is_under)
        self._look = look_of(self._layer)
        active = self.viewer.layers.selection.active
        self.viewer.layers.insert(place, self._layer)
        self.viewer.layers.selection.active = active

    def _update(self, layer: Layer, shown: Shown) -> None:
        """Put another result into the layer.

        Contrast and contour follow the densities until somebody sets them by hand.
        """
        is_by_hand = self._look != look_of(layer)
        put_into(layer, shown, keeps_look=is_by_hand)
        if not is_by_hand:
            self._look = look_of(layer)


def _are_equal(values: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether two sets of values hold the very same nouns and equal parameters."""
    return values.keys() == others.keys() and all(
        is_same(value, others[name]) for name, value in values.items()
    )


def is_same(value: Any, other: Any) -> bool:
    """Whether two values are one noun, half maps of the same two maps, or equal."""
    if isinstance(value, HalfMaps) and isinstance(other, HalfMaps):
        return value.first is other.first and value.second is other.second
    return value is other or (not isinstance(value, NOUNS) and bool(value == other))


def _compute(
    job: Job, values: Mapping[str, Any], centre: tuple[float, ...], progress: Progress
) -> Shown:
    """In the worker thread: the job on the region around a position, ready to be drawn."""
    if not _gives_particles(job):
        values = {**values, "region": region_around(job.region_grid(values), centre, EDGE)}
    elif job.grid is None:
        values = {**values, "region": region_around(job.region_grid(values), centre, SLAB)}
    return shown_of(job, job(**values, progress=progress))


def _gives_particles(job: Job) -> bool:
    """Whether a job makes a list of particles; out of another one, where it has a `grid`."""
    return job.outputs[0].type is Particles


def centre_of_view(viewer: Any) -> tuple[float, ...]:
    """The position in Å (z, y, x) that a viewer is turned to: the cursor, or in 3D its centre."""
    point = viewer.scene.camera.center if viewer.dims.ndisplay == 3 else viewer.dims.point[-3:]
    return tuple(float(x) for x in point)


def region_around(
    grid: Grid, position: tuple[float, ...], edge: int | tuple[int, int, int]
) -> Region:
    """Box of at most `edge` voxels, along each side or z, y and x, around a position in Å.

    It lies inside the grid.
    """
    centre = np.round(grid.index_from_world(position)).astype(int)
    size = np.minimum(grid.shape, edge)
    lower = np.clip(centre - size // 2, 0, np.asarray(grid.shape) - size)
    return Region(tuple(lower), tuple(lower + size))
