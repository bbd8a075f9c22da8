"""The axes of oriented particles: arrows kept where the particles are."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import numpy.typing as npt
from napari.layers import Vectors
from qtpy.QtCore import QObject, QTimer

from mapscope.errors import MapscopeError
from mapscope.particles import Particles
from mapscope.picking.orientation import axes_of_rotations
from mapscope.viewer.layers import (
    KEY,
    PASSING,
    SEPARATOR,
    SPACE,
    edited,
    noun_from_layer,
    tag_of,
)
from mapscope.viewer.particles.look import radius_of

COLORS = ("#5b8def", "#57c278", "#e8594f")
"""Of z, y and x."""

LENGTH = 1.3
"""Of an arrow, in radii of the particle."""

MANY = 3000
"""Of more particles than this only the z axis is drawn, in slices of those nearest to them."""

NEAREST = 300
"""About how many arrows of many a slice shows: napari also draws each into a thumbnail."""

EVENTS = ("data", "features", "set_data")


class Axes(QObject):
    """The arrows of one layer of particles.

    Parameters
    ----------
    viewer : napari.Viewer
        Where they are drawn.
    layer : Points
        The particles.
    """

    def __init__(self, viewer: Any, layer: Any) -> None:
        super().__init__()
        self._viewer, self._points = ref(viewer), ref(layer)
        self.arrows = Vectors(
            np.zeros((0, 2, 3)),
            name=f"{layer.name}{SEPARATOR}axes",
            ndim=3,
            vector_style="line",
            length=1.0,
            metadata={KEY: PASSING},
            **SPACE,
        )
        self._drawn: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.update)
        active = viewer.layers.selection.active
        viewer.layers.insert(viewer.layers.index(layer) + 1, self.arrows)
        viewer.layers.selection.active = active
        for name in EVENTS:
            getattr(layer.events, name).connect(self._soon)
        viewer.layers.events.removed.connect(self._removed)
        self.update()

    @property
    def is_shown(self) -> bool:
        """Whether the arrows are in the viewer."""
        viewer = self._viewer()
        return viewer is not None and self.arrows in viewer.layers

    def update(self) -> None:
        """Draw the arrows where the particles are now."""
        layer = self._points()
        if layer is None or not self.is_shown or self._drawn == state_of(layer):
            return
        try:
            noun = noun_from_layer(layer)
        except MapscopeError:
            return  # the layer says itself why it is no list of particles now
        self._drawn = state_of(layer)
        if isinstance(noun, Particles) and noun.rotations is not None:
            length = LENGTH * radius_of(layer)
            rows = shown_rows(layer, len(noun))
            arrows, colors = arrows_of(noun, rows, length)
            depth = depth_of(noun.positions[rows])
            self.arrows.projection_mode = "all" if depth is None else "none"
            # Without projection a slice shows half a unit of the data to either side.
            unit = depth or 1.0
            self.arrows.scale = (unit,) * 3
            self.arrows.data = arrows / unit
            self.arrows.edge_width = length / 12 / unit
            if len(colors):
                self.arrows.edge_color = colors

    def end(self) -> None:
        """Take the arrows away."""
        self._timer.stop()
        viewer, layer = self._viewer(), self._points()
        if layer is not None:
            for name in EVENTS:
                getattr(layer.events, name).disconnect(self._soon)
        if viewer is not None:
            viewer.layers.events.removed.disconnect(self._removed)
            if self.arrows in viewer.layers:
                viewer.layers.remove(self.arrows)

    def _soon(self, *_: Any) -> None:
        """Draw anew once for many changes of one moment."""
        self._timer.start(0)

    def _removed(self, event: Any) -> None:
        if event.value is self._points():
            self.end()


def arrows_of(
    particles: Particles, is_shown: npt.NDArray[np.bool_], length: float
) -> tuple[npt.NDArray[np.float64], list[str]]:
    """Arrows for each particle that is shown, and their colours.

    Parameters
    ----------
    particles : Particles
        With rotations.
    is_shown : bool array (n,)
        Which of them.
    length : float
        Of an arrow in Å.

    Returns
    -------
    float64 array (3 m, 2, 3) or (m, 2, 3)
        Start and direction of each, in Å, z, y, x: the axes z, y, x of each particle; the z
        axis alone of more than `MANY`.
    list of str
        A colour for each.
    """
    assert particles.rotations is not None
    count = int(is_shown.sum())
    each = 3 if count <= MANY else 1
    directions = axes_of_rotations(particles.rotations[is_shown])[:, :each].reshape(-1, 3)
    starts = np.repeat(particles.positions[is_shown], each, axis=0)
    return np.stack([starts, directions * length], axis=1), list(COLORS[:each]) * count


def depth_of(positions: npt.NDArray[np.float64]) -> float | None:
    """Å of depth in which slices show arrows; None draws those of all particles that they cut."""
    if len(positions) <= MANY:
        return None
    thinnest = float(np.ptp(positions, axis=0).min())
    return max(thinnest * NEAREST / len(positions), 1.0)


def state_of(layer: Any) -> tuple[Any, ...]:
    """What changes whenever a layer shows other particles, or the same ones otherwise."""
    log, tag = getattr(edited.get(layer), "log", None), tag_of(layer)
    known = tag.noun if log is None and tag is not None else getattr(log, "sequence", 0)
    return known, len(layer.data), np.asarray(layer.shown).tobytes(), radius_of(layer)


def shown_rows(layer: Any, count: int) -> npt.NDArray[np.bool_]:
    """Which particles a layer shows; all while it is behind its list."""
    shown = np.asarray(layer.shown, dtype=bool)
    return shown if len(shown) == count else np.ones(count, dtype=bool)


def reason_against_axes(layer: Any) -> str:
    """Why a layer's particles have no axes, or an empty text where they have."""
    try:
        noun = noun_from_layer(layer)
    except MapscopeError as error:
        return str(error)
    if not isinstance(noun, Particles):
        return "only particles have axes"
    return "" if noun.rotations is not None else "its particles have no orientation"


_axes: WeakKeyDictionary[Any, Axes] = WeakKeyDictionary()


def axes_of(layer: Any) -> Axes | None:
    """The arrows of a layer, or None where none are shown."""
    axes = _axes.get(layer)
    return axes if axes is not None and axes.is_shown else None


def show_axes(viewer: Any, layer: Any, *, is_shown: bool = True) -> Axes | None:
    """Show the axes of a layer's particles, or take them away."""
    axes = axes_of(layer)
    if axes is None and is_shown and not reason_against_axes(layer):
        axes = _axes[layer] = Axes(viewer, layer)
    elif axes is not None and not is_shown:
        axes.end()
        _axes.pop(layer, None)
    return axes if is_shown else None
