"""The Contour dock: the level of a map, its surfaces, and what colours them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.layers import Image
from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QFrame, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget
from superqt import QCollapsible

from mapscope.errors import MapscopeError
from mapscope.viewer.contouring.color_panel import ColorPanel
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.contouring.finish_panel import FinishPanel, beside, line
from mapscope.viewer.contouring.level_panel import LevelPanel
from mapscope.viewer.contouring.making import step_for
from mapscope.viewer.contouring.rows import SurfaceList
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.help import add_help
from mapscope.viewer.inputs import LayerChoice, reason_for_kind
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.tools import RegionTools
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.voxel_size import VoxelSizeRow, lacks_voxel_size
from mapscope.viewer.workspace import bare_viewer
from mapscope.volume import Volume

NO_MAP = "Open a map, or select one, to contour it."
MEASURING = "The map is being measured."


class ContourDock(QWidget):
    """Contours the selected map: level, surfaces, colours, dust and files.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "contour"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.contours = contours_of(napari_viewer)
        self.map_choice = LayerChoice(Volume, optional=False)
        self.voxel_row = VoxelSizeRow()
        self.level = LevelPanel(self.viewer)
        self.surface_button = QPushButton("Surface")
        self.add_button = QPushButton("Add another")
        self.automatic = QCheckBox("in 3D on release")
        self.automatic.setChecked(True)
        self.automatic.setToolTip("In 3D, make the surface whenever the level is let go.")
        self.rows = SurfaceList(self.contours)
        self.colors = ColorPanel(self.contours)
        self.finish = FinishPanel(self.contours)
        self.tools = RegionTools(napari_viewer, lambda: self.map)
        self._noted = ""
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        """Put everything into one column that scrolls where it is short."""
        column = QWidget()
        column.setObjectName("column")
        layout = QVBoxLayout(column)
        layout.setContentsMargins(4, 4, 4, 4)
        for widget in (self.voxel_row, self.level):
            layout.addWidget(widget)
        layout.addLayout(beside(self.surface_button, self.add_button, self.automatic))
        tools = QCollapsible("Zone, eraser, crop")
        tools.addWidget(self.tools)
        for widget in (self.rows, line(), self.colors, line(), self.finish, tools):
            layout.addWidget(widget)
        layout.addWidget(self.message)
        layout.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(column)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(beside(self.map_choice))
        outer.addWidget(area)
        add_help(self, outer)

    def _connect(self) -> None:
        """Listen to the widgets, the viewer and the surfaces."""
        self.map_choice.activated.connect(self._map_chosen)
        self.voxel_row.given.connect(self.refresh)
        self.level.moved.connect(self._move)
        self.level.released.connect(self._release)
        self.surface_button.clicked.connect(lambda: self._try(self._make))
        self.add_button.clicked.connect(lambda: self._try(self._add))
        self.rows.chosen.connect(self._row_chosen)
        self.colors.said.connect(self.say)
        self.finish.said.connect(self.say)
        self.contours.changed.connect(self._show_surfaces)
        self.contours.level_changed.connect(self._show_level)
        self.contours.measured.connect(self._show_measured)
        self.contours.said.connect(self.say)
        layers = self.viewer.layers
        self._connections, self._of_map = Connections(), Connections()
        for event in (
            layers.events.inserted,
            layers.events.removed,
            layers.selection.events.active,
        ):
            self._connections.add(event, self.refresh)
        self._watched: Any = None
        self.destroyed.connect(self._connections.end)
        self.destroyed.connect(self._of_map.end)

    # What is shown

    @property
    def map(self) -> Any:
        """The map that the dock is about, or None."""
        return self.map_choice.layer

    @property
    def surface(self) -> MapSurface | None:
        """The surface that the dock is about: the one of the map that follows its level."""
        return self.contours.current(self.map) if self.map is not None else None

    def refresh(self, *_: Any) -> None:
        """List the layers, follow the selection, and show the map's level and surfaces."""
        layers = list(self.viewer.layers)
        self.map_choice.fill(layers)
        self.colors.fill(layers)
        active = self.viewer.layers.selection.active
        owner = self.contours.surface_of(active)
        if owner is not None:
            self.map_choice.choose(owner.map)
            if self.contours.current(owner.map) is not owner:
                self.contours.choose(owner)
        elif active is not None and not reason_for_kind(active, Volume):
            self.map_choice.choose(active)
        self._show_map()

    def _watch(self, layer: Any) -> None:
        """Follow the level of a map, and no longer that of the one before."""
        self._of_map.end()
        if layer is not None:
            self._of_map.add(layer.events.iso_threshold, self._show_level)
            self._of_map.add(layer.events.data, self._show_map)
        self._watched = layer

    def _show_map(self, *_: Any) -> None:
        """Show the map's histogram and level, or say why there is none."""
        layer = self.map
        if layer is not self._watched:
            self._watch(layer)
        is_asking = self.voxel_row.ask([] if layer is None else [layer])
        self._show_reason(NO_MAP if layer is None else "It has no voxel size." * is_asking)
        self._show_surfaces()

    def _show_reason(self, reason: str) -> None:
        """Make the controls grey and say why, or ready where there is no reason."""
        levels = None
        if not reason:
            try:
                levels = self.contours.levels_of(self.map)
            except MapscopeError as error:
                reason = str(error)
        self.level.show_levels(levels, reason or MEASURING)
        tips = {
            self.surface_button: "Make the surface of the map at this level.",
            self.add_button: "Keep the surfaces that are there and make one more at this level.",
        }
        for button, tip in tips.items():
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)
        if not reason:
            self.level.show_level(float(self.map.iso_threshold))
        elif self.map is None:
            self.say(self._why_nothing())

    def _why_nothing(self) -> str:
        """Why the selected layer cannot be contoured."""
        active = self.viewer.layers.selection.active
        if active is None:
            return NO_MAP
        reason = reason_for_kind(active, Volume)
        return f"{active.name}: {reason}. {NO_MAP}" if reason else NO_MAP

    def _show_measured(self, layer: Any) -> None:
        if layer is self.map:
            self._show_map()

    def _show_level(self, event: Any = None) -> None:
        """Show where the map's level is."""
        layer = getattr(event, "source", event)
        if layer is self.map and layer is not None and not lacks_voxel_size(layer):
            self.level.show_level(float(layer.iso_threshold))

    def _show_surfaces(self) -> None:
        """Show the surfaces, and how the one that follows the level is coloured."""
        surface = self.surface
        self.rows.refresh(surface)
        self.colors.show_surface(surface)
        is_huge = False
        if self.map is not None and not reason_for_kind(self.map, Volume):
            is_huge = step_for(noun_from_layer(self.map).grid) > 1
        self.add_button.setVisible(surface is not None)
        self.surface_button.setText("Surface" if surface is None else "Make again")
        self.finish.show_surface(surface, is_huge=is_huge)
        note = "" if surface is None else surface.note
        if note != self._noted:
            self._noted = note
            self.say(note)

    def say(self, text: str) -> None:
        """Show a line under the buttons."""
        self.message.setText(text)

    # What users do

    def color_by_second_map(self) -> None:
        """Show the surface of the first map that is open, coloured by the last, in 3D."""
        maps = self.map_choice.listed()
        if len(maps) < 2:
            self.say("Open a second map first, such as a local-resolution map.")
            return
        self.viewer.layers.selection.active = maps[-1]
        self.viewer.dims.ndisplay = 3
        self._try(lambda: self._color(maps[-1], maps[0]))

    def _color(self, layer: Image, source: Image) -> None:
        surface = self.contours.current(layer) or self.contours.show(layer)
        self.contours.color_by(surface, source)
        source.visible = False  # it would cover what it colours

    def _map_chosen(self, *_: Any) -> None:
        """A map was chosen here: select it in the viewer as well."""
        if self.map is not None:
            self.viewer.layers.selection.active = self.map
        self._show_map()

    def _move(self, level: float) -> None:
        if self.map is not None:
            self.contours.set_level(self.map, level)

    def _release(self) -> None:
        """The level was let go: its surface is made now."""
        if self.map is None:
            return
        if self.surface is not None:
            self.contours.release(self.map)
        elif self.viewer.dims.ndisplay == 3 and self.automatic.isChecked():
            self._try(self._make)

    def _make(self) -> None:
        self.contours.show(self.map)

    def _add(self) -> None:
        self.contours.add(self.map)

    def _row_chosen(self, surface: MapSurface) -> None:
        """Another surface is to follow the level of its map."""
        self.map_choice.choose(surface.map)
        self.contours.choose(surface)
        if self.viewer.layers.selection.active is not surface.map:
            self.viewer.layers.selection.active = surface.map
        self._show_map()

    def _try(self, act: Callable[[], object]) -> None:
        """Do it, or say why not."""
        try:
            act()
        except (MapscopeError, OSError) as error:
            self.say(str(error))
