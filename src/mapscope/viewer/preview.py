"""Live jobs: the result on a small region, computed again while a slider moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.density.level import contrast_limits, first_contour_level
from mapscope.errors import DataError, MapscopeError
from mapscope.job import NOUNS, Job
from mapscope.progress import Progress
from mapscope.viewer.layers import KEY, SEE_THROUGH, SPACE, Tag
from mapscope.viewer.runner import Run
from mapscope.volume import Grid, HalfMaps, Region, Volume

EDGE = 96
"""Longest edge of the region in voxels: small enough for several results a second."""

DELAY = 60
"""Milliseconds in which changes are gathered before they are computed."""

PATIENCE = 0.5
"""Seconds that a result in the making is waited for when a newer one is wanted."""

NAME = "preview"


@dataclass(frozen=True)
class Shown:
    """A result on a region, and how it is drawn.

    Parameters
    ----------
    volume : Volume
        The first map of the result.
    scalars : dict of str to value
        Its numbers.
    limits : tuple of float
        Densities drawn black and white.
    level : float
        Density of the contour.
    """

    volume: Volume
    scalars: dict[str, Any]
    limits: tuple[float, float]
    level: float


class Preview(QObject):
    """Runs a live job on a region; the newest request wins and one layer is updated.

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
        self._layer: Image | None = None
        self._look: tuple[tuple[float, float], float] | None = None
        self._shown: dict[str, Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._begin)

    @property
    def layer(self) -> Image | None:
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
        volume = shown.volume
        place = len(self.viewer.layers) if self.job.grid is None else 0
        while place and type(self.viewer.layers[place - 1]).__name__ == "Labels":
            place -= 1
        self._layer = Image(
            volume.data,
            name=NAME,
            scale=volume.voxel_size,
            translate=volume.origin,
            contrast_limits=shown.limits,
            rendering="iso",
            iso_threshold=shown.level,
            projection_mode="none",
            metadata={KEY: Tag(volume, NAME, volume.data)},
            **SPACE,
            **({} if self.job.grid is None else SEE_THROUGH),
        )
        self._note_look(self._layer)
        active = self.viewer.layers.selection.active
        self.viewer.layers.insert(place, self._layer)
        self.viewer.layers.selection.active = active

    def _update(self, layer: Image, shown: Shown) -> None:
        """Put another result into the layer, whatever its grid: it never leaves the view.

        Contrast and contour follow the densities until somebody sets them by hand.
        """
        volume = shown.volume
        is_by_hand = self._look != _look_of(layer)
        place = (layer.data.shape, tuple(layer.scale), tuple(layer.translate))
        if place == (volume.shape, volume.voxel_size, volume.origin):
            layer.data = volume.data
        else:
            # Each of these events makes napari slice all layers: the last one is enough.
            with layer.events.data.blocker(), layer.events.scale.blocker():
                layer.data = volume.data
                layer.scale = volume.voxel_size
            layer.translate = volume.origin
        if not is_by_hand:
            layer.contrast_limits = shown.limits
            layer.iso_threshold = shown.level
            self._note_look(layer)
        layer.metadata[KEY] = Tag(volume, NAME, volume.data)

    def _note_look(self, layer: Image) -> None:
        """Remember contrast and contour, to see later whether somebody changed them."""
        self._look = _look_of(layer)


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


def _look_of(layer: Image) -> tuple[tuple[float, float], float]:
    """Contrast and contour of a layer."""
    low, high = layer.contrast_limits
    return (float(low), float(high)), float(layer.iso_threshold)


def _compute(
    job: Job, values: Mapping[str, Any], centre: tuple[float, ...], progress: Progress
) -> Shown:
    """In the worker thread: the job on the region around a position, ready to be drawn."""
    region = region_around(job.region_grid(values), centre, EDGE)
    result = job(**{**values, "region": region}, progress=progress)
    volume = next(noun for _, noun in job.nouns_of(result) if isinstance(noun, Volume))
    limits = contrast_limits(volume)
    try:
        level = first_contour_level(volume)
    except DataError:
        level = limits[1]  # a region without density has no surface at any level
    return Shown(volume, job.scalars_of(result), limits, level)


def centre_of_view(viewer: Any) -> tuple[float, ...]:
    """The position in Å (z, y, x) that a viewer is turned to: the cursor, or in 3D its centre."""
    point = viewer.scene.camera.center if viewer.dims.ndisplay == 3 else viewer.dims.point[-3:]
    return tuple(float(x) for x in point)


def region_around(grid: Grid, position: tuple[float, ...], edge: int) -> Region:
    """Box of at most `edge` voxels a side around a position in Å, inside the grid."""
    centre = np.round(grid.index_from_world(position)).astype(int)
    size = np.minimum(grid.shape, edge)
    lower = np.clip(centre - size // 2, 0, np.asarray(grid.shape) - size)
    return Region(tuple(lower), tuple(lower + size))
