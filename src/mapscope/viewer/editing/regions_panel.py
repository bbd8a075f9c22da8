"""The regions of the labels under edit, and what can be done with them."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QModelIndex, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QGridLayout, QPushButton, QVBoxLayout, QWidget

from mapscope.edits import Region, regions
from mapscope.errors import MapscopeError
from mapscope.viewer.editing.editing import Editing
from mapscope.viewer.editing.labels_editor import LabelsEditor
from mapscope.viewer.editing.region_table import COLOR, RegionTable

TIPS = {
    "go": "Move the view and the slice to the middle of the selected region.",
    "merge": "Make the selected regions one; the uppermost keeps its number and name.",
    "split": "Make each connected piece of the selected region a region of its own.",
    "delete": "Make the selected regions background; undo brings them back.",
}
TITLES = {"go": "Go to", "merge": "Merge", "split": "Split pieces", "delete": "Delete"}


class RegionsPanel(QWidget):
    """The table of regions with its buttons.

    Parameters
    ----------
    editing : Editing
        What makes the edits.
    viewer : napari.Viewer
        The view that goes to a region.
    """

    said = Signal(str)

    def __init__(self, editing: Editing, viewer: Any) -> None:
        super().__init__()
        self.editing = editing
        self.viewer = viewer
        self.editor: LabelsEditor | None = None
        self.table = RegionTable()
        self.table.setMinimumHeight(150)
        self.buttons = {name: QPushButton(title) for name, title in TITLES.items()}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        row = QGridLayout()
        for column, button in enumerate(self.buttons.values()):
            row.addWidget(button, 0, column)
        layout.addLayout(row)
        calls = {"go": self.go, "merge": self.merge, "split": self.split, "delete": self.delete}
        for name, call in calls.items():
            self.buttons[name].clicked.connect(call)
        self.table.selectionModel().selectionChanged.connect(self._selected)
        self.table.doubleClicked.connect(self._double_clicked)
        self.table.regions.renamed.connect(self._rename)
        self.table.regions.modelReset.connect(self._show_buttons)

    def follow(self, editor: LabelsEditor | None) -> None:
        """List the regions of an editor's labels, or none."""
        chosen = self.table.selected if editor is self.editor else []
        self.editor = editor
        self.table.regions.show(editor)
        if not self.table.selected:
            self.table.select(*(n for n in chosen if n in self.table.regions.numbers))
        self._show_buttons()

    def go(self) -> None:
        """Move the view to the selected region."""
        if self.editor is None or not self.table.selected:
            return
        try:
            centre = regions.centre_of(self.editor.log.labels, self.table.selected[0])
        except MapscopeError as error:
            self.said.emit(str(error))
            return
        per_unit = [float((1 * unit).to("angstrom").magnitude) for unit in self.editor.layer.units]
        world = tuple(float(c / f) for c, f in zip(centre, per_unit, strict=True))
        axes = range(self.viewer.dims.ndim - 3, self.viewer.dims.ndim)
        self.viewer.dims.set_point(tuple(axes), world)
        self.viewer.scene.camera.center = world

    def merge(self) -> None:
        """Make the selected regions one."""
        numbers = self.table.selected
        self._plan("merge", lambda state: regions.merged(state, numbers, numbers[0]))

    def split(self) -> None:
        """Make the pieces of the selected region regions."""
        (number,) = self.table.selected[:1] or [0]
        self._plan("split", lambda state: regions.split_into_pieces(state, number))

    def delete(self) -> None:
        """Make the selected regions background."""
        numbers = self.table.selected
        self._plan("delete", lambda state: regions.deleted(state, numbers))

    def _plan(self, name: str, plan: Any) -> None:
        """Work an edit out beside the window; the button is grey meanwhile."""
        if self.editor is None or not self.buttons[name].isEnabled():
            return
        for button in self.buttons.values():
            button.setEnabled(False)
        run = self.editing.plan(self.editor.log, plan, TITLES[name])
        run.ended.connect(self._show_buttons)

    def _rename(self, number: int, region: Region) -> None:
        """Give a region another name, class or colour."""
        if self.editor is None:
            return
        try:
            change = regions.relabelled(self.editor.log.labels, number, region)
            if change is not None:
                self.editing.do(self.editor.log, change)
        except MapscopeError as error:
            self.said.emit(str(error))

    def _double_clicked(self, index: QModelIndex) -> None:
        """Ask for a colour."""
        if index.column() != COLOR or self.editor is None or self.editor.log.is_read_only:
            return
        number = self.table.number_at(index)
        before = QColor.fromRgbF(*self.editor.color(number))
        color = QColorDialog.getColor(before, self, f"Colour of region {number}")
        if color.isValid():
            region = self.table.regions.region(number)
            rgb = (round(color.redF(), 4), round(color.greenF(), 4), round(color.blueF(), 4))
            self._rename(number, Region(region.name, rgb, region.kind))

    def _selected(self, *_: Any) -> None:
        """Paint the region that is selected in the table."""
        if self.editor is not None and len(self.table.selected) == 1:
            number = self.table.selected[0]
            if number > 0:
                self.editor.layer.selected_label = number
        self._show_buttons()

    def _show_buttons(self, *_: Any) -> None:
        """Grey what cannot be done, and say why."""
        count = len(self.table.selected)
        wants_one = "" if count == 1 else "Select one region in the table first."
        reasons = {
            "go": wants_one,
            "split": wants_one,
            "merge": "" if count > 1 else "Select two or more regions in the table first.",
            "delete": "" if count else "Select a region in the table first.",
        }
        if self.editor is not None and self.editor.log.is_read_only:
            only = "These edits are open elsewhere and can be looked at only."
            reasons |= dict.fromkeys(("split", "merge", "delete"), only)
        for name, reason in reasons.items():
            self.buttons[name].setEnabled(not reason)
            self.buttons[name].setToolTip(reason or TIPS[name])
