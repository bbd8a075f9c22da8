"""The contour surfaces of a viewer: they belong to maps and follow the levels of their maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from mapscope.viewer.contouring.following import Following
from mapscope.viewer.contouring.levels import MapLevels
from mapscope.viewer.contouring.making import By
from mapscope.viewer.contouring.measuring import Measurements
from mapscope.viewer.contouring.surface import COLORS, Coloring, MapSurface
from mapscope.viewer.contouring.wording import coloring_by
from mapscope.viewer.contouring.workshop import Workshop
from mapscope.viewer.workspace import bare_viewer


class Contours(QObject):
    """Makes contour surfaces of maps, colours them, and keeps them with their maps.

    The surface chosen last of a map follows its contour level; the others stay where they
    are. In 3D a surface hides its map; in slices the map is seen and its surfaces are not.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer; use `contours_of`, which gives the one object of a viewer.

    Attributes
    ----------
    surfaces : list of MapSurface
        All surfaces, in the order in which they were asked for.
    """

    changed = Signal()
    level_changed = Signal(object)
    measured = Signal(object)
    ready = Signal(object)
    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.surfaces: list[MapSurface] = []
        self.workshop = Workshop(viewer, self.surfaces)
        self._measurements = Measurements()
        self._following = Following(self.workshop, self.surfaces)
        self._asked_for = 0
        self._following.level_changed.connect(self.level_changed)
        self.workshop.changed.connect(self.changed)
        self.workshop.ready.connect(self.ready)
        self.workshop.said.connect(self.said)
        self._measurements.measured.connect(self.measured)
        self._measurements.failed.connect(self.said)
        viewer.layers.events.removed.connect(self._layer_removed)
        viewer.dims.events.ndisplay.connect(self._arrange_all)

    def show(self, layer: Image, level: float | None = None) -> MapSurface:
        """The surface of a map at its level or another; `ready` is emitted when it is there.

        Parameters
        ----------
        layer : napari.layers.Image
            The map.
        level : float, optional
            Density of the surface; None takes the map's contour level.

        Raises
        ------
        InputError
            If the layer is no map; the message says why.
        """
        surface = self.current(layer)
        if surface is None:
            return self.add(layer, level)
        self.workshop.check(surface)
        if level is not None:
            self._following.put_level(layer, level)
        surface.level = float(layer.iso_threshold)
        self.workshop.make(surface, is_fresh=True)
        return surface

    def add(self, layer: Image, level: float | None = None) -> MapSurface:
        """One more surface of a map, which from now on follows the map's level.

        Raises
        ------
        InputError
            If the layer is no map; the message says why.
        """
        color = COLORS[self._asked_for % len(COLORS)]
        surface = MapSurface(layer, 0.0, Coloring(color=color))
        self.workshop.check(surface)
        if level is not None:
            self._following.put_level(layer, level)
        surface.level = float(layer.iso_threshold)
        if not self.of(layer):
            self._following.begin(layer)
        self._asked_for += 1
        self.surfaces.append(surface)
        self._following.current[layer] = surface
        self.workshop.make(surface)
        return surface

    def remove(self, surface: MapSurface) -> None:
        """Take a surface away, with its layer."""
        if surface not in self.surfaces:
            return
        layer = surface.map
        self.surfaces.remove(surface)
        rest = self.of(layer)
        if self.current(layer) is surface:
            self._following.current.pop(layer)
            if rest:
                self.choose(rest[-1])
        if not rest:
            self._following.end(layer)
        self.workshop.withdraw(surface)

    def set_level(self, layer: Image, level: float) -> None:
        """Move the contour level of a map; its surface follows when the level comes to rest."""
        self._following.put_level(layer, level, is_following=True)

    def release(self, layer: Image) -> None:
        """Make the surface of a map whose level moved at once."""
        self._following.release(layer)

    def choose(self, surface: MapSurface) -> None:
        """Let this surface of its map be the one that follows the map's level."""
        self._following.current[surface.map] = surface
        self._following.put_level(surface.map, surface.level)
        self.level_changed.emit(surface.map)
        self.changed.emit()

    def color(self, surface: MapSurface, color: str) -> None:
        """Colour a surface alike everywhere, as ``#rrggbb``."""
        self.workshop.recolor(surface, replace(surface.coloring, by="constant", color=color))

    def color_by(
        self,
        surface: MapSurface,
        source: Image | By,
        *,
        colormap: str | None = None,
        limits: tuple[float, float] | None = None,
        caption: str | None = None,
    ) -> None:
        """Colour a surface by a second map on any grid, by ``"height"`` or ``"radial"`` distance.

        Parameters
        ----------
        surface : MapSurface
            The surface.
        source : napari.layers.Image or str
            The second map, or what else the colours are to show.
        colormap : str, optional
            Name of a colour map of napari; None leaves it as it is.
        limits : tuple of float, optional
            Values of the first and the last colour; None takes the 2 and 98 % quantiles, and 0
            and 1 for a map of chances.
        caption : str, optional
            What the colour bar shows, with its unit; None makes it from the second map.

        Raises
        ------
        InputError
            If the layer is no map; the message says why.
        """
        coloring = coloring_by(source, surface.coloring)
        if limits is not None:
            coloring = replace(coloring, limits=limits)
        if colormap is not None:
            coloring = replace(coloring, colormap=colormap, is_inverted=False)
        if caption is not None:
            coloring = replace(coloring, caption=caption)
        self.workshop.recolor(surface, coloring)

    def restyle(self, surface: MapSurface, **changes: Any) -> None:
        """Change how a surface is coloured: fields of `Coloring` by name."""
        self.workshop.recolor(surface, replace(surface.coloring, **changes))

    def hide_dust(self, surface: MapSurface, smallest: float) -> None:
        """Hide pieces of a surface that extend over less than this, in Å; 0 hides none."""
        if smallest != surface.smallest:
            surface.smallest = smallest
            self.workshop.make(surface)

    def look_around(self, surface: MapSurface, *, around_view: bool) -> None:
        """Of a huge map, show a box around the view's centre in full detail, or all coarsely."""
        surface.around_view = around_view
        self.workshop.make(surface)

    def set_aside(self, *, is_aside: bool) -> None:
        """Leave it to somebody else for a while which maps and surfaces are seen."""
        self.workshop.visibility.is_aside = is_aside

    def set_shown(self, surface: MapSurface, *, is_shown: bool) -> None:
        """Show or hide a surface."""
        surface.is_shown = is_shown
        self.workshop.arrange(surface.map)
        self.changed.emit()

    def of(self, layer: Any) -> list[MapSurface]:
        """The surfaces of a map, in the order in which they were asked for."""
        return [surface for surface in self.surfaces if surface.map is layer]

    def current(self, layer: Any) -> MapSurface | None:
        """The surface of a map that follows its level."""
        return self._following.current.get(layer)

    def surface_of(self, layer: Any) -> MapSurface | None:
        """The surface that a surface layer shows."""
        return next((s for s in self.surfaces if s.layer is layer and layer is not None), None)

    def levels_of(self, layer: Image) -> MapLevels | None:
        """What the levels of a map mean; None at first, until `measured` is emitted.

        Raises
        ------
        InputError
            If the layer is no map; the message says why.
        """
        return self._measurements.levels_of(layer)

    def _arrange_all(self, *_: Any) -> None:
        for layer in {surface.map for surface in self.surfaces}:
            self.workshop.arrange(layer)

    def _layer_removed(self, event: Any) -> None:
        """A surface goes with its map; one whose layer was deleted is forgotten."""
        for surface in list(self.surfaces):
            if event.value is surface.map or event.value is surface.layer:
                self.remove(surface)


_contours: WeakKeyDictionary[Any, Contours] = WeakKeyDictionary()


def contours_of(viewer: Any) -> Contours:
    """The one `Contours` of a viewer, made when first asked for."""
    viewer = bare_viewer(viewer)
    if viewer not in _contours:
        _contours[viewer] = Contours(viewer)
    return _contours[viewer]
