"""Which structures are open, as layers come and go."""

from __future__ import annotations

from typing import Any
from weakref import ref

from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.viewer.layers import base_name, reason_against, role_of, tag_of
from mapscope.viewer.structures.figure import ATOMS, BODY, PATH, Figure

OWN = (ATOMS, PATH)
"""Roles of the layers that come with a structure's file."""


class OpenStructures(QObject):
    """The open structures of a viewer, each with its layers.

    A structure is open while its atoms, its backbone path or a picture of it is there.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    changed = Signal()
    closed = Signal(object)
    body_removed = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = ref(viewer)
        self.figures: list[Figure] = []
        viewer.layers.events.inserted.connect(self._list)
        viewer.layers.events.removed.connect(self._removed)
        self._list()

    def figure(self, layer: Layer | Structure | Figure) -> Figure:
        """The open structure that a layer belongs to.

        Raises
        ------
        InputError
            If it belongs to none.
        """
        for figure in self.figures:
            if layer is figure or layer is figure.structure or layer in figure.layers.values():
                return figure
        raise InputError(f"{getattr(layer, 'name', layer)}: not a structure that is open")

    def reason_against(self, figure: Figure) -> str:
        """Why a structure cannot be shown otherwise, or an empty text."""
        reasons = [reason_against(figure.layers[role]) for role in OWN if role in figure.layers]
        why = next((reason for reason in reasons if reason), "")
        return f"{figure.name}: {why}" if why else ""

    def _list(self, *_: Any) -> None:
        """Take in the structures that were opened."""
        viewer = self._viewer()
        if viewer is None:
            return
        count = len(self.figures)
        for layer in viewer.layers:
            tag, role = tag_of(layer), role_of(layer)
            if tag is not None and isinstance(tag.noun, Structure) and role in OWN:
                self._figure_of(tag.noun, layer.name).take(role, layer)
        if len(self.figures) != count:
            self.changed.emit()

    def _figure_of(self, structure: Structure, name: str) -> Figure:
        """The figure of a structure, made when it is first met."""
        found = next((f for f in self.figures if f.structure is structure), None)
        if found is None:
            found = Figure(structure, base_name(name))
            self.figures.append(found)
        return found

    def _removed(self, event: Any) -> None:
        """Let go of a layer, and of a structure whose last layer it was."""
        for figure in list(self.figures):
            had_body = BODY in figure.layers
            if not figure.forget(event.value):
                continue
            if not {*OWN, BODY} & set(figure.layers):
                self._close(figure)
            elif had_body and BODY not in figure.layers:
                self._show_path(figure)

    def _show_path(self, figure: Figure) -> None:
        """The picture of the backbone was deleted by hand: show its path."""
        figure.style, figure.made = "backbone path", None
        if PATH in figure.layers:
            figure.layers[PATH].visible = True
        self.body_removed.emit(figure)

    def _close(self, figure: Figure) -> None:
        """A structure is no longer open: its sticks and labels go too."""
        viewer = self._viewer()
        self.figures.remove(figure)
        if figure.run is not None:
            figure.run.cancel()
        self.closed.emit(figure)
        if viewer is not None:
            for layer in list(figure.layers.values()):
                if layer in viewer.layers:
                    viewer.layers.remove(layer)
        self.changed.emit()
