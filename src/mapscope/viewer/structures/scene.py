"""The structures of a viewer: how they are shown, what is selected, and going there."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
from napari.layers import Image, Layer
from qtpy.QtCore import QObject, Signal

from mapscope.depiction.coloring import scores_of
from mapscope.depiction.selection import select
from mapscope.errors import InputError, MapscopeError
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.runner import Run
from mapscope.viewer.structures.around import CARVE, MARGIN, QUEUE, RADIUS, Neighbourhood
from mapscope.viewer.structures.bar import show_bar
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.look import SCORE, STYLES, WAYS, Look, Made, Score, Style, make
from mapscope.viewer.structures.opening import OpenStructures
from mapscope.viewer.structures.picker import Picker
from mapscope.viewer.structures.placing import fit_view, look_at
from mapscope.viewer.structures.scoring import show_scores
from mapscope.viewer.workspace import Entry, bare_viewer, workspace_of
from mapscope.volume import Array


class StructureScene(QObject):
    """Shows the open structures of a viewer; `structures_of` gives the one of a viewer.

    A structure is named by any of its layers. What has to be drawn is drawn in a worker;
    `drawn` is emitted when it is to be seen.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    opened = Signal()
    drawn = Signal(object)
    selected = Signal(object)
    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self._place: tuple[float, float, float] | None = None
        self.around = Neighbourhood(viewer)
        self.around.failed.connect(self.said)
        viewer.layers.events.removed.connect(lambda event: self.around.forget(event.value))
        self.open = OpenStructures(viewer)
        self.open.changed.connect(self.opened)
        self.open.closed.connect(self._closed)
        self.open.body_removed.connect(self._body_removed)
        self.picker = Picker(lambda: self.figures, self.select_residue)
        viewer.dims.events.ndisplay.connect(self._dimensions_changed)
        workspace_of(viewer).result_shown.connect(self._result_shown)

    # What is open

    @property
    def figures(self) -> list[Figure]:
        """The structures that are open."""
        return self.open.figures

    def figure(self, layer: Layer | Structure | Figure) -> Figure:
        """The open structure that a layer belongs to.

        Raises
        ------
        InputError
            If it belongs to none.
        """
        return self.open.figure(layer)

    def _closed(self, figure: Figure) -> None:
        """A structure is no longer open."""
        if self.around.figure is figure:
            self.around.leave()
        self._show_bar()

    def _body_removed(self, figure: Figure) -> None:
        """The picture of the backbone was deleted by hand: its path is shown again."""
        self._show_bar()
        self.drawn.emit(figure)

    def _show_bar(self) -> None:
        """Draw the colour bar that belongs to what is shown."""
        viewer = self._viewer()
        if viewer is not None:
            show_bar(viewer, self.figures)

    # How it looks

    def show(self, layer: Layer | Structure | Figure, style: Style) -> Figure:
        """Show a structure as ``"ribbons"``, ``"tubes"`` or ``"backbone path"``.

        Raises
        ------
        InputError
            If the layer is no open structure or there is no such style.
        """
        if style not in STYLES:
            raise InputError(f"no style {style!r}: choose one of {', '.join(STYLES)}")
        figure = self.figure(layer)
        figure.style = style
        self._draw(figure)
        return figure

    def color_by(
        self,
        layer: Layer | Structure | Figure,
        by: str,
        *,
        colormap: str | None = None,
        limits: tuple[float, float] | None = None,
        is_inverted: bool = False,
    ) -> Figure:
        """Colour a structure.

        Parameters
        ----------
        layer : Layer
            Any layer of the structure.
        by : str
            ``"chain"``, ``"element"``, ``"residue type"``, ``"secondary structure"``,
            ``"B-factor"``, ``"occupancy"`` or ``"score"``.
        colormap : str, optional
            Name of a ramp for numbers; None keeps the one of before.
        limits : tuple of float, optional
            Values at its ends; None takes 2 to 98 % of the values.
        is_inverted : bool
            Whether the ramp runs the other way.

        Raises
        ------
        InputError
            If there is no such way to colour, or no score yet.
        """
        figure = self.figure(layer)
        if by not in WAYS:
            raise InputError(f"no colours by {by!r}: choose one of {', '.join(WAYS)}")
        if by == SCORE and figure.look.score is None:
            raise InputError("there is no score of this structure yet: give one first")
        figure.look = Look(
            by, colormap or figure.look.colormap, is_inverted, limits, figure.look.score
        )
        self._draw(figure)
        return figure

    def color_by_score(
        self,
        layer: Layer | Structure | Figure,
        scores: Table | Array,
        column: str | None = None,
        *,
        name: str | None = None,
        unit: str = "",
        colormap: str | None = None,
        limits: tuple[float, float] | None = None,
        is_inverted: bool = False,
    ) -> Figure:
        """Colour a structure by a number of each residue.

        Parameters
        ----------
        layer : Layer
            Any layer of the structure.
        scores : Table or float array (residues,)
            A table needs columns ``chain`` and ``number``; residues that it does not name
            are grey, as are those whose number is NaN.
        column : str, optional
            The column of the numbers; None takes the first.
        name, unit : str, optional
            What the colour bar says.
        colormap, limits, is_inverted
            As in `color_by`.

        Raises
        ------
        InputError
            If the scores do not fit the structure.
        """
        figure = self.figure(layer)
        if isinstance(scores, Table):
            values = scores_of(figure.structure, scores, column)
            unit = unit or (scores.units.get(column, "") if column else "")
            name = name or column
        else:
            values = np.asarray(scores, dtype=np.float64)
            if values.shape != (len(figure.residues),):
                raise InputError(
                    f"expected a score for each of {len(figure.residues)} residues, "
                    f"got an array of shape {values.shape}"
                )
        score = Score(values, (name or SCORE).replace("_", " "), unit)
        ramp = colormap or figure.look.colormap
        figure.look = Look(SCORE, ramp, is_inverted, limits, score)
        self._draw(figure)
        return figure

    def _result_shown(self, entry: Entry) -> None:
        """Colour the structure that was scored."""
        try:
            show_scores(self, entry)
        except MapscopeError as error:
            self.said.emit(str(error))

    def show_atoms(self, layer: Layer | Structure | Figure, which: str) -> None:
        """Show ``"all"`` atoms as balls, those of the ``"selection"``, or ``"none"``."""
        figure, viewer = self.figure(layer), self._viewer()
        if viewer is not None:
            figure.show_atoms(viewer, which)

    def show_sticks(self, layer: Layer | Structure | Figure, *, on: bool) -> None:
        """Draw the selection of a structure as sticks, or not."""
        figure = self.figure(layer)
        figure.has_sticks = on
        self._draw(figure)

    def show_bar(self, layer: Layer | Structure | Figure, *, on: bool) -> None:
        """Draw the colour bar in the view, or not."""
        self.figure(layer).has_bar = on
        self._show_bar()

    def _draw(self, figure: Figure) -> None:
        """Draw a structure in the worker, as it is wanted now."""
        if figure.run is not None:
            figure.run.cancel()
        order, before = figure.order(), figure.made
        run = Run(lambda progress: (figure, make(order, before)))  # noqa: ARG005
        run.succeeded.connect(self._put)
        run.failed.connect(self._fail)
        figure.run = run.start(QUEUE)

    def _put(self, found: tuple[Figure, Made]) -> None:
        """Show what was drawn."""
        figure, made = found
        viewer = self._viewer()
        if viewer is None or figure not in self.figures:
            return
        figure.show(viewer, made)
        self._show_bar()
        self.drawn.emit(figure)

    def _fail(self, error: Any) -> None:
        """Say why nothing was drawn."""
        self.said.emit(str(error))

    # What is selected

    def select(self, text: str, layer: Layer | Structure | Figure | None = None) -> Figure:
        """Select atoms by words such as ``"A/127"``; the first structure where none is given.

        Raises
        ------
        InputError
            If no structure is open, or the words name nothing in it.
        """
        if layer is None and not self.figures:
            raise InputError("no structure is open: open a PDB or mmCIF file")
        figure = self.figures[0] if layer is None else self.figure(layer)
        figure.mask = select(figure.structure, text)
        self._selection_changed(figure)
        return figure

    def select_residue(self, figure: Figure, residue: int) -> None:
        """Select one residue by its index."""
        figure.mask = figure.residues.of_atoms == residue
        self._selection_changed(figure)

    def select_chain(self, figure: Figure, chain: str) -> None:
        """Select a chain by its name, and put it into the middle of the view."""
        figure.mask = figure.structure.chains == chain
        self._selection_changed(figure)
        self.look_at_selection(figure)

    def clear_selection(self, figure: Figure) -> None:
        """Select nothing."""
        figure.mask = None
        if self.around.figure is figure:
            self.around.leave()
        self._selection_changed(figure)

    def _selection_changed(self, figure: Figure) -> None:
        """Draw, label and tell what is selected now."""
        viewer = self._viewer()
        if viewer is None:
            return
        figure.show_label(viewer)
        if figure.atoms_shown == "selection":
            figure.show_atoms(viewer, "selection")
        if self.around.figure is figure and figure.mask is not None:
            self.around.show(figure, self.around.map, self.around.radius)
        self._draw(figure)
        self.selected.emit(figure)

    # Going there

    def go_to(self, text: str, layer: Layer | Structure | Figure | None = None) -> Figure:
        """Select by words such as ``"A/127"``, and put that into the middle of the view.

        Raises
        ------
        InputError
            If no structure is open, or the words name nothing in it.
        """
        figure = self.select(text, layer)
        self.look_at_selection(figure)
        return figure

    def go_to_residue(self, figure: Figure, residue: int) -> None:
        """Select a residue and put it into the middle of the view."""
        self.select_residue(figure, residue)
        self.look_at_selection(figure)

    def look_at_selection(self, figure: Figure) -> None:
        """Put what is selected into the middle of the view; slices go through it."""
        viewer, place = self._viewer(), figure.center()
        if viewer is not None and place is not None:
            self._place = place
            look_at(viewer, place)

    def _dimensions_changed(self, *_: Any) -> None:
        """Let slices begin where 3D looked at."""
        viewer, place = self._viewer(), self._place
        if viewer is not None and place is not None and viewer.dims.ndisplay == 2:
            look_at(viewer, place)

    def neighbourhood(
        self,
        map_layer: Image | None = None,
        radius: float = RADIUS,
        layer: Layer | Structure | Figure | None = None,
    ) -> Figure:
        """Show the residues around the selection as sticks, in the density that is near them.

        Parameters
        ----------
        map_layer : Image, optional
            The map whose contour is shown; None shows none.
        radius : float
            Residues with an atom within so many Å are shown.
        layer : Layer, optional
            The structure; the first with a selection where none is given.

        Raises
        ------
        InputError
            If nothing is selected or the layer is no map.
        """
        chosen = [f for f in self.figures if f.mask is not None and f.mask.any()]
        if layer is None and not chosen:
            raise InputError("select a residue first, such as A/127")
        figure = chosen[0] if layer is None else self.figure(layer)
        previous = self.around.figure
        self.around.show(figure, map_layer, radius)
        if previous is not None and previous is not figure:
            self._draw(previous)
        self._draw(figure)
        self.look_at_selection(figure)
        viewer = self._viewer()
        if viewer is not None:
            fit_view(viewer, 2 * (radius + CARVE + MARGIN))
        return figure

    def leave_neighbourhood(self) -> None:
        """Show what was shown before the neighbourhood."""
        figure = self.around.leave()
        if figure is not None and figure in self.figures:
            self._draw(figure)


_scenes: WeakKeyDictionary[Any, StructureScene] = WeakKeyDictionary()


def structures_of(viewer: Any) -> StructureScene:
    """The one scene of a viewer, made when first asked for."""
    viewer = bare_viewer(viewer)
    if viewer not in _scenes:
        _scenes[viewer] = StructureScene(viewer)
    return _scenes[viewer]
