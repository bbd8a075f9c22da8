"""The scale bar in Å or nm, the arrows of the axes, and the outlines of maps."""

from __future__ import annotations

from math import floor, log10
from typing import Any, Literal

from napari.components.overlays import TextOverlay

from mapscope.viewer.views.borrowed import Borrowed
from mapscope.viewer.views.space import (
    angstroms_per_world_unit,
    names_without_unit,
    reason_against_map,
)

Unit = Literal["Å", "nm"]
ANGSTROMS: dict[Unit, float] = {"Å": 1.0, "nm": 10.0}
LABEL = "mapscope_scale"
BAR_SHARE = 0.2
"""Longest bar as a share of the canvas's width."""

UNSEEN = 0.01
"""Font size in points of napari's own label: it knows no nm, and calls 1000 Å 1 kÅ."""


class ScaleBar:
    """napari's scale bar with a label of its own, so that it can be in nm.

    napari takes the unit from the layers, which stay in Å; here the bar gets a round length
    in the unit that is wanted, and a text overlay at its side says it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.unit: Unit | None = None
        self._borrowed = Borrowed()

    def reason_against(self) -> str:
        """Why no length can be told, or an empty text where it can."""
        names = names_without_unit(self.viewer)
        if not len(self.viewer.layers):
            return "Open a map first."
        if names:
            return f"{names[0]} has no voxel size, so lengths are not known."
        return ""

    def show(self, unit: Unit) -> None:
        """Show the bar with a label in Å or nm."""
        overlays = self.viewer.canvas.overlays
        if self.unit is None:
            bar = overlays.scale_bar
            # Overlays are stacked from the edge in the order in which they are first seen: this
            # one below the bar, which keeps the room of its own label above itself.
            label = TextOverlay(position=bar.position, font_size=12, visible=True)
            overlays[LABEL] = label
            for events in self._events():
                events.connect(self._update)
            self._borrowed.set(overlays.scale_bar, "font_size", UNSEEN)
            self._borrowed.set(overlays.scale_bar, "visible", True)
        self.unit = unit
        self._update()

    def off(self) -> None:
        """Take the bar away, or leave napari's own as it was."""
        if self.unit is None:
            return
        self.unit = None
        for events in self._events():
            events.disconnect(self._update)
        self._borrowed.give_back()
        self.viewer.canvas.overlays.pop(LABEL, None)

    def _events(self) -> tuple[Any, ...]:
        viewer = self.viewer
        return (
            viewer.scene.camera.events.zoom,
            viewer.canvas.events.size,
            viewer.layers.events.inserted,
            viewer.layers.events.removed,
            viewer.layers.events.units,
        )

    def _update(self, *_: Any) -> None:
        """Give the bar a round length that fits, and say it."""
        viewer, unit = self.viewer, self.unit
        label = viewer.canvas.overlays.get(LABEL)
        if unit is None or label is None:
            return
        is_known = not self.reason_against()
        self._borrowed.set(viewer.canvas.overlays.scale_bar, "visible", is_known)
        label.visible = is_known
        per_world_unit = angstroms_per_world_unit(viewer) / ANGSTROMS[unit]
        widest = BAR_SHARE * viewer.canvas.size[1] / viewer.scene.camera.zoom * per_world_unit
        length = round_length(widest)
        bar = viewer.canvas.overlays.scale_bar
        self._borrowed.set(bar, "length", length / per_world_unit)
        # napari draws a new length at an unchanged zoom only when the font changes as well.
        self._borrowed.set(bar, "font_size", UNSEEN if bar.font_size != UNSEEN else 2 * UNSEEN)
        label.text = f"{length:g} {unit}"


def round_length(most: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above `most`.

    Examples
    --------
    >>> round_length(73.0), round_length(0.3), round_length(200.0)
    (50.0, 0.2, 200.0)
    """
    power = 10.0 ** floor(log10(most))
    factor = max(f for f in (1, 2, 5) if f * power <= most * (1 + 1e-9))
    return float(f"{factor * power:.6g}")


class Outlines:
    """The box around each map, thin and grey.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.is_on = False
        self._borrowed = Borrowed()

    def show(self) -> None:
        """Draw the boxes of all maps, and of those that come."""
        if not self.is_on:
            self.viewer.layers.events.inserted.connect(self._draw)
            self.is_on = True
        self._draw()

    def off(self) -> None:
        """Take the boxes away."""
        if self.is_on:
            self.viewer.layers.events.inserted.disconnect(self._draw)
            self._borrowed.give_back()
            self.is_on = False

    def _draw(self, *_: Any) -> None:
        for layer in self.viewer.layers:
            if not reason_against_map(layer):
                box = layer.bounding_box
                for name, value in (("points", False), ("line_color", "gray"), ("visible", True)):
                    self._borrowed.set(box, name, value)
