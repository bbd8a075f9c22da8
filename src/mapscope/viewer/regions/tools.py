"""The tools that take parts out of the chosen map: zone, eraser sphere, crop box."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from mapscope.errors import InputError, MapscopeError
from mapscope.jobs.maps.crop_map import crop_map
from mapscope.jobs.maps.erase_sphere import erase_sphere
from mapscope.jobs.maps.zone_map import zone_map
from mapscope.viewer.inputs import reason_for_kind
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.box import CropBox
from mapscope.viewer.regions.box_panel import BoxPanel
from mapscope.viewer.regions.dragging import Dragging
from mapscope.viewer.regions.escape import Escape
from mapscope.viewer.regions.running import MapJobs
from mapscope.viewer.regions.sphere import Sphere
from mapscope.viewer.regions.sphere_panel import SpherePanel
from mapscope.viewer.regions.starting import (
    centre_in_view,
    fitting_radius,
    region_of_density,
    selection_text,
)
from mapscope.viewer.regions.zone_panel import ZonePanel
from mapscope.viewer.structures.figure import ATOMS, Figure
from mapscope.viewer.structures.scene import structures_of
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.workspace import bare_viewer
from mapscope.volume import Volume

NO_MAP = "Open a map, or select one, to take a part of it."
RUNNING = "Wait until the job that is under way is done, or cancel it."


class RegionTools(QWidget):
    """Zone, eraser and crop box for one map; results are layers that are seen in its place.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    chosen_layer : callable () -> Layer or None
        Gives the map that the tools are about; call `refresh` when it gives another.
    """

    HELP = "regions"

    def __init__(self, viewer: Any, chosen_layer: Callable[[], Any]) -> None:
        super().__init__()
        self.viewer = bare_viewer(viewer)
        self._chosen_layer = chosen_layer
        self.scene = structures_of(viewer)
        self.jobs = MapJobs(self.viewer)
        self.sphere, self.box = Sphere(self.viewer), CropBox(self.viewer)
        self.zone_panel = ZonePanel()
        self.sphere_panel, self.box_panel = SpherePanel(self.sphere), BoxPanel(self.box)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop the job; nothing is changed.")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self._connect()
        self._follow_selection()
        self.refresh()

    def _lay_out(self) -> None:
        """Put the three tools below each other."""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        parts = (
            ("Zone near a structure", self.zone_panel),
            ("Eraser sphere", self.sphere_panel),
            ("Crop box", self.box_panel),
        )
        for number, (title, panel) in enumerate(parts):
            if number:
                column.addWidget(_line())
            column.addWidget(QLabel(f"<b>{title}</b>"))
            column.addWidget(panel)
        last = QHBoxLayout()
        last.addWidget(self.message, stretch=1)
        last.addWidget(self.cancel_button)
        column.addLayout(last)

    def _connect(self) -> None:
        """Listen to the panels, the viewer, and the selection in structures."""
        self.zone_panel.pressed.connect(self.zone)
        self.sphere_panel.placed.connect(self.place_sphere)
        self.sphere_panel.erased.connect(self.erase)
        self.box_panel.placed.connect(self.place_box)
        self.box_panel.cropped.connect(self.crop)
        self.cancel_button.clicked.connect(self.jobs.cancel)
        for panel in (self.zone_panel, self.box_panel, self.jobs):
            panel.said.connect(self.say)
        for changing in (self.sphere, self.box):
            changing.changed.connect(self._tool_changed)
        self.jobs.changed.connect(self._explain)
        self.scene.selected.connect(self._follow)
        self.scene.opened.connect(self.refresh_soon)
        self._dragging = Dragging(self.viewer, (self.box, self.sphere))
        self._escape = Escape(self.viewer, (self.sphere, self.box))
        connections = Connections()
        layers = self.viewer.layers
        connections.add(layers.events.removed, self._layer_removed)
        for event in (
            layers.events.inserted,
            layers.events.removed,
            layers.selection.events.active,
        ):
            connections.add(event, self.refresh_soon)
        parts = (connections.end, self._escape.end, partial(self._dragging.listen, on=False))
        tools = (self.sphere.take_away, self.box.take_away)
        self.destroyed.connect(partial(_call_all, (*parts, *tools)))

    # What is shown

    @property
    def layer(self) -> Any:
        """The map that the tools are about, or None."""
        layer = self._chosen_layer()
        return layer if layer is not None and layer in self.viewer.layers else None

    def refresh_soon(self, *_: Any) -> None:
        """Refresh when everybody else has heard of what happened."""
        self._timer.start(0)

    def refresh(self, *_: Any) -> None:
        """Follow the chosen map: the box stays in place in it, without a map tools go."""
        self.zone_panel.fill(list(self.viewer.layers))
        layer = self.layer
        if layer is None:
            self.done()
        elif self.box.is_placed and not self._reason():
            self.box.adapt(noun_from_layer(layer).grid)
        self._explain()

    def _reason(self) -> str:
        """Why nothing can be done with the chosen layer, or an empty text."""
        layer = self.layer
        if layer is None:
            return NO_MAP
        reason = reason_for_kind(layer, Volume)
        return f"{layer.name}: {reason}." if reason else ""

    def _explain(self, *_: Any) -> None:
        """Grey what cannot be used, and say why."""
        reason = self._reason() or (RUNNING if self.jobs.is_running else "")
        for panel in (self.zone_panel, self.sphere_panel, self.box_panel):
            panel.explain(reason)
        self.cancel_button.setVisible(self.jobs.is_running)

    def say(self, text: str) -> None:
        """Show a line at the bottom."""
        self.message.setText(text)

    def _tool_changed(self) -> None:
        """A tool was placed, moved or put away."""
        is_placed = self.sphere.is_placed or self.box.is_placed
        self._dragging.listen(on=is_placed)
        self._escape.listen(on=is_placed)
        self._explain()

    def _layer_removed(self, event: Any) -> None:
        """A tool that the user deleted is put away; a map that was covered is seen again."""
        for tool in (self.sphere, self.box):
            tool.forget(event.value)
        self.jobs.forget(event.value)

    # Structures

    def select(self, text: str, layer: Any = None) -> None:
        """Take these atoms for the zone, such as ``"A/127"``; of a structure's layer if given."""
        if layer is not None:
            self.zone_panel.structures.choose(layer)
        self.zone_panel.atoms.setText(text)

    def _follow_selection(self) -> None:
        """Begin with what is selected in a structure already."""
        for figure in self.scene.figures:
            if figure.mask is not None:
                self._follow(figure)
                return

    def _follow(self, figure: Figure) -> None:
        """Take what was selected in a structure for the zone."""
        self.zone_panel.fill(list(self.viewer.layers))
        text = "" if figure.mask is None else selection_text(figure.structure, figure.mask)
        self.select(text, figure.layers.get(ATOMS))
        self._explain()

    # What users do

    def zone(self) -> None:
        """Keep the density of the map near the atoms that are chosen."""
        self._try(
            lambda: self.jobs.start(
                zone_map,
                self._map(),
                structure=self.zone_panel.structure(),
                selection=self.zone_panel.selection,
                radius=self.zone_panel.radius.value(),
            )
        )

    def place_sphere(self) -> None:
        """Show a sphere in the middle of the view."""
        self._try(self._place_sphere)

    def _place_sphere(self) -> None:
        grid = noun_from_layer(self._map()).grid
        radius = self.sphere.radius
        radius = radius if self.sphere.is_placed else fitting_radius(grid, radius)
        self.sphere.place(grid, centre_in_view(self.viewer, grid), radius)
        self.say("Drag the sphere in a slice or in 3D.")

    def erase(self, side: str) -> None:
        """Set the density ``"inside"`` or ``"outside"`` the sphere to 0."""
        centre, radius = self.sphere.centre, self.sphere.radius
        self._try(
            lambda: self.jobs.start(
                erase_sphere, self._map(), centre=centre, radius=radius, erase=side
            )
        )

    def place_box(self) -> None:
        """Show a box around the density above the map's contour level."""
        self._try(self._place_box)

    def _place_box(self) -> None:
        layer = self._map()
        volume = noun_from_layer(layer)
        self.box.place(volume.grid, region_of_density(layer, volume))
        self.say("Drag the squares on the faces of the box, in a slice or in 3D.")

    def crop(self) -> None:
        """Cut the box out of the map."""
        self._try(lambda: self.jobs.start(crop_map, self._map(), region=self.box.region))

    def done(self) -> None:
        """Put sphere and box away."""
        for tool in (self.sphere, self.box):
            tool.take_away()

    def _map(self) -> Any:
        """The chosen map.

        Raises
        ------
        InputError
            If there is none, or the chosen layer cannot be one.
        """
        reason = self._reason()
        if reason:
            raise InputError(reason)
        return self.layer

    def _try(self, act: Callable[[], object]) -> None:
        """Do it, or say why not."""
        self.say("")
        try:
            act()
        except MapscopeError as error:
            self.say(" ".join(str(error).split()))


def _call_all(calls: tuple[Callable[[], object], ...], *_: Any) -> None:
    """Call one after the other; at the very end of a session some objects are gone already."""
    for call in calls:
        with suppress(RuntimeError):
            call()


def _line() -> QFrame:
    """A thin line between two tools."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFrameShadow(QFrame.Shadow.Sunken)
    return line
