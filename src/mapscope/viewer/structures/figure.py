"""One open structure: its layers, and what is shown and selected of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.layers import Layer, Points, Surface

from mapscope.depiction.coloring import Coloring
from mapscope.depiction.residues import ResidueList, residues_of
from mapscope.depiction.selection import Mask, selected_residues
from mapscope.depiction.sweep import Depiction
from mapscope.structure import Structure
from mapscope.viewer.layers import KEY, SEPARATOR, SPACE, Tag, layers_from_noun
from mapscope.viewer.runner import Run
from mapscope.viewer.structures.look import Look, Made, Order, Style, colormap_of

ATOMS, PATH, BODY, STICKS, LABEL = "structure", "backbone", "body", "sticks", "label"
"""Roles of a structure's layers; the first two come with the file."""

ATOM_SIZE = 1.2
MANY_VERTICES = 30_000
"""Of a mesh whose shading takes longer to compute than hiding its layer."""

LABEL_COLOR = "#ff9f1c"
"""Seen on a black and on a white view."""


@dataclass(eq=False)
class Figure:
    """An open structure and how it is shown.

    Parameters
    ----------
    structure : Structure
        The model.
    name : str
        What its layers are named after.
    """

    structure: Structure
    name: str
    style: Style = "backbone path"
    look: Look = field(default_factory=Look)
    has_bar: bool = True
    mask: Mask | None = None
    around: Mask | None = None
    has_sticks: bool = True
    has_label: bool = True
    has_few_atoms: bool = False
    made: Made | None = None
    run: Run | None = None
    layers: dict[str, Layer] = field(default_factory=dict)
    _atoms_have: Coloring | None = None

    @property
    def residues(self) -> ResidueList:
        """The residues of the structure."""
        return residues_of(self.structure)

    @property
    def chosen(self) -> npt.NDArray[np.int64]:
        """Indices of the selected residues."""
        if self.mask is None:
            return np.zeros(0, dtype=np.int64)
        return selected_residues(self.structure, self.mask)

    @property
    def atoms_shown(self) -> str:
        """Which atoms are to be seen as balls: ``"all"``, ``"selection"`` or ``"none"``."""
        if ATOMS not in self.layers or not self.layers[ATOMS].visible:
            return "none"
        return "selection" if self.has_few_atoms else "all"

    @property
    def is_visible(self) -> bool:
        """Whether any of its layers is to be seen."""
        return any(layer.visible for layer in self.layers.values())

    def forget(self, layer: Layer) -> bool:
        """Whether a layer was one of its; it is no longer."""
        roles = [role for role, known in self.layers.items() if known is layer]
        for role in roles:
            del self.layers[role]
        return bool(roles)

    def center(self) -> tuple[float, float, float] | None:
        """Mean position of the selected atoms in Å, z, y, x."""
        if self.mask is None or not self.mask.any():
            return None
        z, y, x = self.structure.positions[self.mask].mean(axis=0)
        return float(z), float(y), float(x)

    def order(self) -> Order:
        """What is to be drawn now."""
        return Order(self.structure, self.style, self.look, self._stick_atoms())

    def _stick_atoms(self) -> Mask | None:
        """What is to be drawn as sticks: the very mask of before where it is the same."""
        parts = [self.mask if self.has_sticks else None, self.around]
        masks = [part for part in parts if part is not None and part.any()]
        wanted = np.logical_or.reduce(masks) if masks else None
        before = None if self.made is None else self.made.order.sticks
        if wanted is not None and before is not None and np.array_equal(wanted, before):
            return before
        return wanted

    # Layers

    def show(self, viewer: Any, made: Made) -> None:
        """Show what was drawn, and hide the path where the backbone has a mesh."""
        before, self.made = self.made, made
        beside = self.layers.get(PATH) or self.layers.get(ATOMS)
        is_same = before is not None and before.body is made.body
        self._show_mesh(viewer, BODY, made.body, is_same=is_same, beside=beside)
        is_same = before is not None and before.sticks is made.sticks
        self._show_mesh(viewer, STICKS, made.sticks, is_same=is_same, beside=None)
        if PATH in self.layers and (before is None or before.body is not made.body):
            self.layers[PATH].visible = BODY not in self.layers
        self._color_atoms()
        if BODY in self.layers and made.limits is not None:
            body = self.layers[BODY]
            body.contrast_limits_range = body.contrast_limits = made.limits
            body.colormap = colormap_of(made.order.look)
        self.raise_label(viewer)

    def _show_mesh(
        self, viewer: Any, role: str, picture: Depiction | None, *, is_same: bool, beside: Any
    ) -> None:
        """Put a mesh into its layer; only its colours where the mesh is there already."""
        assert self.made is not None
        layer = self.layers.get(role)
        if picture is None:
            self._remove(viewer, role)
            return
        colors = self.made.coloring.of(picture)
        if layer is not None and is_same:
            if not np.array_equal(layer.vertex_colors, colors):
                layer.vertex_colors = colors
            return
        if layer is None or role == BODY:
            self._remove(viewer, role)
            name = self.made.order.style if role == BODY else role
            self.layers[role] = self._surface(picture, name)
            _insert(viewer, self.layers[role], beside)
            return
        if len(colors) > MANY_VERTICES:
            _set_visible(layer, on=False)  # a visible one would compute its shading at each step
        layer.vertex_colors = None
        layer.data = (np.array(picture.mesh.vertices), np.array(picture.mesh.faces))
        layer.vertex_colors = colors
        _set_visible(layer, on=True)

    def _surface(self, picture: Depiction, name: str) -> Surface:
        """A layer of a picture in the colours of now."""
        assert self.made is not None
        parts = (np.array(picture.mesh.vertices), np.array(picture.mesh.faces))
        return Surface(
            parts,
            vertex_colors=self.made.coloring.of(picture),
            shading="smooth",
            name=f"{self.name}{SEPARATOR}{name}",
            metadata={KEY: Tag(self.structure, name, parts)},
            **SPACE,
        )

    def take(self, role: str, layer: Layer) -> None:
        """Take in a layer that came with the structure's file."""
        if role in self.layers:
            return
        self.layers[role] = layer
        if role == ATOMS:
            layer.events.visible.connect(self._color_atoms)

    def _color_atoms(self, *_: Any) -> None:
        """Give atoms the colours of now once they are seen; unless some were deleted."""
        layer, made = self.layers.get(ATOMS), self.made
        if layer is None or made is None or self._atoms_have is made.coloring:
            return
        if layer.visible and len(layer.data) == len(made.coloring.atoms):
            self._atoms_have = made.coloring
            layer.face_color = made.coloring.atoms

    def show_label(self, viewer: Any) -> None:
        """Write the name of the selected residue beside it, or take it away."""
        place, chosen = self.center(), self.chosen
        layer = self.layers.get(LABEL)
        if place is None or not self.has_label:
            if layer is not None:
                _set_visible(layer, on=False)
            return
        text = self.residues.label(int(chosen[0])) if len(chosen) == 1 else ""
        if layer is None:
            layer = Points(
                np.array([place]),
                size=0.1,
                opacity=1.0,
                face_color="transparent",
                border_color="transparent",
                blending="translucent_no_depth",
                features={"label": [text]},
                text={
                    "string": "{label}",
                    "color": LABEL_COLOR,
                    "size": 14,
                    "blending": "translucent_no_depth",
                },
                name=f"{self.name}{SEPARATOR}{LABEL}",
                **SPACE,
            )
            self.layers[LABEL] = layer
            _insert(viewer, layer, None)
        else:
            layer.data = np.array([place])
            layer.features = {"label": [text]}
        _set_visible(layer, on=bool(text))
        self.raise_label(viewer)

    def raise_label(self, viewer: Any) -> None:
        """Let nothing be drawn over the label."""
        layer = self.layers.get(LABEL)
        if layer is not None and viewer.layers[-1] is not layer:
            viewer.layers.move(viewer.layers.index(layer), len(viewer.layers))

    def show_atoms(self, viewer: Any, which: str) -> None:
        """Show ``"all"`` atoms as balls, those of the ``"selection"``, or ``"none"``."""
        layer = self.layers.get(ATOMS)
        self.has_few_atoms = which == "selection"
        if which == "none":
            if layer is not None:
                layer.visible = False
            return
        if layer is None:
            layer = Layer.create(*layers_from_noun(self.structure, self.name)[0])
            self.take(ATOMS, layer)
            self._atoms_have = None
            _insert(viewer, layer, None)
        count = len(self.structure)
        nothing = np.zeros(count, dtype=np.bool_)
        chosen = nothing if self.mask is None else self.mask
        layer.shown = np.ones(count, dtype=np.bool_) if which == "all" else chosen
        layer.visible = True

    def _remove(self, viewer: Any, role: str) -> None:
        """Take a layer of ours away."""
        layer = self.layers.pop(role, None)
        if layer is not None and layer in viewer.layers:
            viewer.layers.remove(layer)


def _set_visible(layer: Layer, *, on: bool) -> None:
    """Show or hide a layer; napari draws the whole view anew even where nothing changes."""
    if layer.visible != on:
        layer.visible = on


def _insert(viewer: Any, layer: Layer, beside: Layer | None) -> None:
    """Put a layer above another, or above all, without selecting it."""
    active = viewer.layers.selection.active
    place = len(viewer.layers)
    if beside is not None and beside in viewer.layers:
        place = viewer.layers.index(beside) + 1
    viewer.layers.insert(place, layer)
    viewer.layers.selection.active = active
