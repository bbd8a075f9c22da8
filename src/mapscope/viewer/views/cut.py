"""The left of one map and the right of another, in slices."""

from __future__ import annotations

from math import ceil
from typing import Any

from napari.layers import Image
from qtpy.QtCore import QCoreApplication, QEventLoop

from mapscope.viewer.layers import KEY, PASSING, SPACE
from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.masked import Masked
from mapscope.viewer.views.slices import levels_of
from mapscope.viewer.views.space import Frame, frame_of

LOOK = (
    "contrast_limits",
    "colormap",
    "gamma",
    "opacity",
    "blending",
    "interpolation2d",
    "projection_mode",
)


class CutMaps:
    """Two layers that stand in for two maps, each cut along the axis that runs to the right.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer, in slices.
    left, right : Image
        The maps, hidden while they are cut.
    axis : int
        The axis that runs to the right.
    """

    def __init__(self, viewer: Any, left: Any, right: Any, axis: int) -> None:
        self.viewer, self.axis = viewer, axis
        self._maps = (left, right)
        self._levels = [[Masked(d, axis) for d in levels_of(layer)] for layer in self._maps]
        self._borrowed = Borrowed()
        active = viewer.layers.selection.active
        self.layers = tuple(self._stand_in(n) for n in range(2))
        viewer.layers.selection.active = active
        for layer in self._maps:
            self._borrowed.set(layer, "visible", False)
            for name in LOOK:
                getattr(layer.events, name).connect(self._follow)

    def cut(self, position: float, *, is_flipped: bool = False) -> None:
        """Show the first map below a position along the axis and the second above it.

        Parameters
        ----------
        position : float
            In the viewer's unit.
        is_flipped : bool
            The axis runs to the left.
        """
        for number, (stand_in, layer) in enumerate(zip(self.layers, self._maps, strict=True)):
            frame, is_lower = frame_of(self.viewer, layer), (number == 0) != is_flipped
            is_changed = False
            for level in self._levels[number]:
                part = part_of(frame, level.shape[self.axis], self.axis, position, is_lower)
                is_changed |= level.range != part
                level.range = part
            if is_changed:
                stand_in.refresh(thumbnail=False, highlight=False, extent=False)

    def end(self) -> None:
        """Show both maps whole again."""
        for layer in self._maps:
            for name in LOOK:
                getattr(layer.events, name).disconnect(self._follow)
        for layer in self._maps:
            self._borrowed.set(layer, "visible", True)
        active = self.viewer.layers.selection.active
        for stand_in in self.layers:
            if stand_in in self.viewer.layers:
                self.viewer.layers.remove(stand_in)
        if active is not None and active in self.viewer.layers:
            self.viewer.layers.selection.active = active
        # napari 0.9.2 on Mesa crashes in OpenGL where the lower of two maps comes into sight
        # alone after layers were removed: both are drawn once before either may be hidden.
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        self._borrowed.give_back()

    def _stand_in(self, number: int) -> Any:
        """A layer that looks like a map, right above it."""
        layer, levels = self._maps[number], self._levels[number]
        stand_in = Image(
            levels if layer.multiscale else levels[0],
            name=f"{layer.name} (wipe)",
            multiscale=layer.multiscale,
            rgb=False,
            scale=layer.scale,
            translate=layer.translate,
            metadata={KEY: PASSING},
            **{name: getattr(layer, name) for name in LOOK},
            **(SPACE | {"units": layer.units}),
        )
        self.viewer.layers.insert(self.viewer.layers.index(layer) + 1, stand_in)
        return stand_in

    def _follow(self, event: Any) -> None:
        """Let the stand-ins look like their maps."""
        number = self._maps.index(event.source)
        for name in LOOK:
            value = getattr(event.source, name)
            if getattr(self.layers[number], name) is not value:
                setattr(self.layers[number], name, value)


def part_of(
    frame: Frame, count: int, axis: int, position: float, is_lower: bool
) -> tuple[int, int]:
    """The voxels on one side of a position along an axis, as a range.

    Parameters
    ----------
    frame : Frame
        Where the map lies.
    count : int
        Voxels along the axis: of the map, or of a coarser copy.
    axis : int
        Which axis.
    position : float
        In the viewer's unit.
    is_lower : bool
        The lower side, which takes the voxel that the position is in; the upper side takes the
        one whose edge is nearest, so that maps of different voxel size leave no gap.
    """
    length = frame.upper[axis] - frame.lower[axis]
    edge = (position - frame.lower[axis]) / length * count
    border = min(max(ceil(edge) if is_lower else round(edge), 0), count)
    return (0, border) if is_lower else (border, count)
