"""The Structure dock: how a structure is shown and coloured, and going from residue to residue."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ref

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.table import Table
from mapscope.viewer.help import add_help
from mapscope.viewer.structures.browser import ResidueBrowser
from mapscope.viewer.structures.coloring_rows import ColoringRows
from mapscope.viewer.structures.figure import Figure
from mapscope.viewer.structures.look import STYLES
from mapscope.viewer.structures.place_rows import NOTHING_SELECTED, PlaceRows
from mapscope.viewer.structures.scene import structures_of
from mapscope.viewer.workspace import bare_viewer, workspace_of

NOTHING_OPEN = "No structure is open: open a PDB or mmCIF file."
ATOMS_SHOWN = {"none": "No atoms", "selection": "Of the selection", "all": "All atoms"}


class StructureDock(QWidget):
    """Shows the open structures, their colours, and a list of their chains and residues.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "structure"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.scene = structures_of(napari_viewer)
        self.structures = QComboBox()
        self.structures.setToolTip("The structure that everything here is about.")
        self.styles = QComboBox()
        self.styles.addItems([style.capitalize() for style in STYLES])
        self.atoms = QComboBox()
        for which, text in ATOMS_SHOWN.items():
            self.atoms.addItem(text, which)
        self.coloring = ColoringRows()
        self.places = PlaceRows()
        self.browser = ResidueBrowser()
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.message.setVisible(False)
        self._chain: tuple[Figure, str] | None = None
        self._active: Any = None
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.timeout.connect(self._turn_to_active)
        self._tips = self._tooltips()
        self._lay_out()
        self._connect()
        self._list_structures()

    # Building

    def _tooltips(self) -> dict[QWidget, str]:
        """What each control does, while it can be used."""
        return {
            self.styles: "Ribbons show helices and strands, tubes the course of each chain.",
            self.atoms: "Atoms as balls: all, those of the selection, or none.",
            self.coloring.ways: "What the colours of the structure stand for.",
            **self.places.tips,
            **self.browser.tips,
        }

    def _lay_out(self) -> None:
        """Put the parts into a column that scrolls where it is too high."""
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(4, 4, 4, 4)
        column.addLayout(_rows(("Show as", self.styles), ("Atoms", self.atoms)))
        column.addWidget(self.coloring)
        column.addWidget(self.places)
        column.addWidget(self.message)
        column.addWidget(self.browser, stretch=1)
        self.scroll = scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        top = QHBoxLayout()
        top.setContentsMargins(4, 4, 4, 0)
        top.addWidget(self.structures, stretch=1)
        layout.addLayout(top)
        layout.addWidget(scroll)
        add_help(self, layout)
        self.setMinimumWidth(340)

    def _connect(self) -> None:
        """Follow the viewer, the scene and the controls."""
        self.structures.activated.connect(self._show_structure)
        self.styles.activated.connect(self._style_chosen)
        self.atoms.activated.connect(self._atoms_chosen)
        self.coloring.chosen.connect(self._colors_chosen)
        self.coloring.bar_toggled.connect(self._bar_toggled)
        self.places.place.returnPressed.connect(self.go)
        self.places.go_button.clicked.connect(self.go)
        self.places.clear_button.clicked.connect(self._deselect)
        self.places.sticks.clicked.connect(self._sticks_toggled)
        self.places.near_button.clicked.connect(self._neighbourhood_changed)
        self.places.maps.activated.connect(self._neighbourhood_changed)
        self.places.radius.valueChanged.connect(self._neighbourhood_changed)
        self.browser.residue_chosen.connect(self._residue_chosen)
        self.browser.chain_chosen.connect(self._chain_chosen)
        # Bound methods of a widget: Qt and napari forget them when the dock is closed.
        self.scene.opened.connect(self._list_structures)
        self.scene.drawn.connect(self._drawn)
        self.scene.selected.connect(self._selected)
        self.scene.said.connect(self._say)
        self.scene.around.ready.connect(self._hush)
        self.workspace.table_shown.connect(self._table_shown)
        layers = self.viewer.layers
        layers.selection.events.active.connect(self._active_changed)
        for event in (layers.events.inserted, layers.events.removed):
            event.connect(self._list_maps)
        self.scene.picker.listen(self.viewer, on=True)
        self.destroyed.connect(partial(_let_go, self.viewer, ref(self)))

    def unhear(self) -> None:
        """Hear no more of the viewer's layers."""
        layers = self.viewer.layers
        layers.selection.events.active.disconnect(self._active_changed)
        for event in (layers.events.inserted, layers.events.removed):
            event.disconnect(self._list_maps)

    # What is shown

    @property
    def figure(self) -> Figure | None:
        """The structure that the dock is about."""
        found: Figure | None = self.structures.currentData()
        return found

    def _list_structures(self) -> None:
        """Offer the structures that are open."""
        before = self.figure
        self.structures.clear()
        for figure in self.scene.figures:
            self.structures.addItem(figure.name, figure)
        if before in self.scene.figures:
            self.structures.setCurrentIndex(self.scene.figures.index(before))
        self._list_maps()
        self._show_structure()

    def _active_changed(self, *_: Any) -> None:
        """Look who is selected once that has settled: a new layer is for a moment."""
        self._enable()
        self._settled.start(0)

    def _turn_to_active(self) -> None:
        """Turn to the structure whose layer the user selected."""
        active = self.viewer.layers.selection.active
        if active is self._active:
            return
        self._active = active
        for k, figure in enumerate(self.scene.figures):
            if active in figure.layers.values() and figure is not self.figure:
                self.structures.setCurrentIndex(k)
                self._show_structure()

    def _list_maps(self, *_: Any) -> None:
        """Offer the maps whose density can be shown."""
        self.places.list_maps(self.viewer.layers)
        self._enable()

    def _show_structure(self, *_: Any) -> None:
        """Show how the chosen structure looks, and its residues."""
        self._hush()
        self.browser.show_figure(self.figure)
        self._show_look()

    def _show_look(self) -> None:
        """Show style, colours and numbers of the chosen structure."""
        figure = self.figure
        self.coloring.show(figure, self.workspace.table)
        if figure is not None:
            self.styles.setCurrentIndex(STYLES.index(figure.style))
            self.atoms.setCurrentIndex(list(ATOMS_SHOWN).index(figure.atoms_shown))
            self.places.sticks.setChecked(figure.has_sticks)
            self.browser.show_numbers(figure)
        self._enable()

    def _enable(self) -> None:
        """Grey what cannot be used, and say why."""
        figure = self.figure
        reason = NOTHING_OPEN if figure is None else self.scene.open.reason_against(figure)
        has_selection = figure is not None and figure.mask is not None and figure.mask.any()
        self.structures.setEnabled(figure is not None)
        self.structures.setToolTip(
            NOTHING_OPEN if figure is None else "The structure that everything here is about."
        )
        for widget, tip in self._tips.items():
            why = reason
            if not why and widget in self.places.needs_selection and not has_selection:
                why = NOTHING_SELECTED
            widget.setEnabled(not why)
            widget.setToolTip(why or tip)
        self.coloring.setEnabled(not reason)
        self.places.near_button.setChecked(self.scene.around.is_on)

    # What the user does

    def go(self) -> None:
        """Go to what is typed."""
        figure = self.figure
        if figure is not None:
            self._try(lambda: self.scene.go_to(self.places.place.text(), figure))

    def ask_where_to(self) -> None:
        """Put the cursor where a residue is typed."""
        self.places.place.setFocus()
        self.places.place.selectAll()

    def _deselect(self) -> None:
        if self.figure is not None:
            self.scene.clear_selection(self.figure)

    def _style_chosen(self, index: int) -> None:
        figure = self.figure
        if figure is not None:
            self._try(lambda: self.scene.show(figure, STYLES[index]))

    def _atoms_chosen(self, *_: Any) -> None:
        figure, which = self.figure, self.atoms.currentData()
        if figure is not None:
            self._try(lambda: self.scene.show_atoms(figure, which))

    def _colors_chosen(self) -> None:
        """Colour as the rows say."""
        figure, rows = self.figure, self.coloring
        if figure is None:
            return
        by, column = rows.way
        look = {
            "colormap": rows.colormaps.currentText(),
            "limits": rows.limits,
            "is_inverted": rows.inverted.isChecked(),
        }
        table = self.workspace.table
        if column is not None and isinstance(table, Table):
            self._try(lambda: self.scene.color_by_score(figure, table, column, **look))
        else:
            self._try(lambda: self.scene.color_by(figure, by, **look))
        if figure.style == "backbone path" and by != "chain":
            self._say("The backbone path has one colour for each chain: show ribbons or tubes.")

    def _bar_toggled(self, on: bool) -> None:
        if self.figure is not None:
            self.scene.show_bar(self.figure, on=on)

    def _sticks_toggled(self, on: bool) -> None:
        if self.figure is not None:
            self.scene.show_sticks(self.figure, on=on)

    def _neighbourhood_changed(self, *_: Any) -> None:
        """Show the neighbourhood of the selection as the row says, or leave it."""
        figure = self.figure
        if not self.places.near_button.isChecked():
            self.scene.leave_neighbourhood()
            self._hush()
        elif figure is not None:
            layer, radius = self.places.maps.currentData(), self.places.radius.value()
            self._try(lambda: self.scene.neighbourhood(layer, radius, figure))
        self._enable()

    def _residue_chosen(self, residue: int) -> None:
        """Go to the residue that was chosen in the list; twice does no harm."""
        figure = self.figure
        if figure is None:
            return
        if figure.chosen.tolist() != [residue]:
            self.scene.go_to_residue(figure, residue)
        else:
            self.scene.look_at_selection(figure)

    def _chain_chosen(self, chain: str) -> None:
        """Select the chain that was chosen in the list, unless it is selected."""
        figure = self.figure
        if figure is not None and self._chain != (figure, chain):
            self._chain = (figure, chain)
            self.scene.select_chain(figure, chain)

    def _try(self, action: Callable[[], object]) -> None:
        """Do something, and show why it cannot be done."""
        self._hush()
        try:
            action()
        except MapscopeError as error:
            self._say(str(error))

    # What happened

    def _drawn(self, figure: Figure) -> None:
        if figure is self.figure:
            self._show_look()

    def _selected(self, figure: Figure) -> None:
        """Turn to the structure that was selected in, and show its residue in the list."""
        self._hush()
        if figure is not self.figure and figure in self.scene.figures:
            self.structures.setCurrentIndex(self.scene.figures.index(figure))
            self._show_structure()
            return
        if len(figure.chosen) == 1 or figure.mask is None:
            self._chain = None
            self.browser.mark(figure)
        self._enable()

    def _table_shown(self, *_: Any) -> None:
        self.coloring.show(self.figure, self.workspace.table)
        self._enable()

    def _say(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _hush(self, *_: Any) -> None:
        self._say("")


def _let_go(viewer: Any, reference: ref[StructureDock]) -> None:
    """Take no more clicks, and let napari tell a dock that is closed nothing more."""
    structures_of(viewer).picker.listen(viewer, on=False)
    dock = reference()
    if dock is not None:
        dock.unhear()


def _rows(*pairs: tuple[str, QWidget]) -> QFormLayout:
    """Labels left, widgets right and as wide as there is room for."""
    rows = QFormLayout()
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    for label, widget in pairs:
        rows.addRow(label, widget)
    return rows
