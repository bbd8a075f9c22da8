"""A residue's neighbourhood: what is near it as sticks, in the density that is near them."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from napari.layers import Image, Surface
from napari.utils import Colormap
from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.density.neighbourhood import surface_near
from mapscope.depiction.selection import near_atoms
from mapscope.errors import InputError
from mapscope.mesh import Mesh
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import KEY, SEPARATOR, SPACE, Tag, noun_from_layer, tag_of
from mapscope.viewer.runner import Run
from mapscope.viewer.structures.figure import Figure
from mapscope.volume import Volume

RADIUS = 5.0
"""Å from the selection within which residues are shown."""

CARVE = 2.2
"""Å from their atoms within which the density is shown: a little over its own width."""

MARGIN = 4.0
"""Å around all that, in the view."""

COLOR = "#9ec5f0"
OPACITY = 0.35
REST = 200
"""Milliseconds of rest after which a level that moved gets its surface."""

QUEUE = "structures"


class Neighbourhood(QObject):
    """Shows one neighbourhood at a time.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    ready = Signal(object)
    failed = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self.figure: Figure | None = None
        self.map: Image | None = None
        self.radius = RADIUS
        self.layer: Surface | None = None
        self._hidden: list[Any] = []
        self._run: Run | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._make)
        viewer.dims.events.ndisplay.connect(self._arrange)

    @property
    def is_on(self) -> bool:
        """Whether a neighbourhood is shown."""
        return self.figure is not None

    def show(self, figure: Figure, layer: Image | None, radius: float) -> None:
        """Show what lies around the selection of a structure, in the density of a map or in none.

        Raises
        ------
        InputError
            If nothing is selected or the layer is no map.
        """
        if figure.mask is None or not figure.mask.any():
            raise InputError("select a residue first, such as A/127")
        if layer is not None and not isinstance(noun_from_layer(layer), Volume):
            raise InputError(f"{layer.name}: density needs a map")
        if self.figure is not None and self.figure is not figure:
            self.figure.around = None
        self._watch(layer)
        self.figure, self.map, self.radius = figure, layer, radius
        figure.around = near_atoms(figure.structure, figure.mask, radius)
        self._arrange()
        self._make()

    def leave(self) -> Figure | None:
        """Show what was shown before; the structure that has to be drawn anew."""
        figure, self.figure = self.figure, None
        if figure is not None:
            figure.around = None
        if self._run is not None:
            self._run.cancel()
        self._timer.stop()
        self._watch(None)
        self.map = None
        self._remove()
        self._arrange()
        return figure

    def forget(self, layer: Any) -> None:
        """A layer was removed from the viewer."""
        if layer is self.layer:
            self.layer = None
        if layer is self.map:
            self._watch(None)
            self.map = None
            self._remove()
        self._hidden = [other for other in self._hidden if other is not layer]

    def _watch(self, layer: Image | None) -> None:
        """Follow the contour level of a map, and no longer that of the one before."""
        if self.map is not None:
            self.map.events.iso_threshold.disconnect(self._level_moved)
        if layer is not None:
            layer.events.iso_threshold.connect(self._level_moved)

    def _level_moved(self, *_: Any) -> None:
        """Make the surface anew when the level comes to rest."""
        self._timer.start(REST)

    def _make(self) -> None:
        """Contour the density near the sticks, in the worker."""
        if self._run is not None:
            self._run.cancel()
        if self.figure is None or self.figure.around is None or self.map is None:
            self._remove()
            return
        volume, level = noun_from_layer(self.map), float(self.map.iso_threshold)
        positions = self.figure.structure.positions[self.figure.around]
        run = Run(lambda progress: surface_near(volume, level, positions, CARVE, progress=progress))
        run.succeeded.connect(self._put)
        run.failed.connect(self._fail)
        self._run = run.start(QUEUE)

    def _fail(self, error: Any) -> None:
        """Say why there is no surface."""
        self.failed.emit(str(error))

    def _put(self, mesh: Mesh) -> None:
        """Show the surface that was made."""
        viewer, figure = self._viewer(), self.figure
        if viewer is None or figure is None or self.map is None:
            return
        if len(mesh.faces) == 0:
            self._remove()
            self.failed.emit(
                f"{self.map.name} has no density near there at {self.map.iso_threshold:.4g}: "
                "lower the contour level"
            )
        else:
            self._fill(viewer, mesh)
        self.ready.emit(mesh)

    def _fill(self, viewer: Any, mesh: Mesh) -> None:
        """Put a mesh into its layer."""
        assert self.map is not None
        parts = (np.array(mesh.vertices), np.array(mesh.faces))
        if self.layer is None:
            active = viewer.layers.selection.active
            self.layer = Surface(
                parts,
                colormap=Colormap([COLOR, COLOR], name=COLOR),
                opacity=OPACITY,
                shading="smooth",
                blending="translucent",
                name=f"{self.map.name}{SEPARATOR}neighbourhood",
                metadata={KEY: Tag(mesh, "neighbourhood", parts)},
                **SPACE,
            )
            viewer.layers.insert(len(viewer.layers), self.layer)
            viewer.layers.selection.active = active
            if self.figure is not None:
                self.figure.raise_label(viewer)
            return
        self.layer.visible = False  # a visible one would compute its shading twice
        self.layer.data = parts
        self.layer.metadata[KEY] = Tag(mesh, "neighbourhood", parts)
        self.layer.visible = True

    def _remove(self) -> None:
        """Take the surface away."""
        viewer, layer = self._viewer(), self.layer
        self.layer = None
        if viewer is not None and layer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)

    def _arrange(self, *_: Any) -> None:
        """In 3D hide what covers the neighbourhood, show it again in slices and afterwards."""
        viewer = self._viewer()
        if viewer is None:
            return
        if self.figure is None or self.map is None or viewer.dims.ndisplay == 2:
            hidden, self._hidden = self._hidden, []
            for layer in hidden:
                layer.visible = True
            contours_of(viewer).set_aside(is_aside=False)
            return
        contours_of(viewer).set_aside(is_aside=True)
        for layer in viewer.layers:
            if layer.visible and layer is not self.layer and _covers(layer):
                self._hidden.append(layer)
                layer.visible = False


def _covers(layer: Any) -> bool:
    """Whether a layer is a map's surface, which would hide what is inside."""
    tag = tag_of(layer)
    is_mesh = isinstance(layer, Surface) and tag is not None and isinstance(tag.noun, Mesh)
    return is_mesh or (isinstance(layer, Image) and layer.ndim == 3)
