"""The Edit dock: points and labels that can be edited without ever losing an edit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import time
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mapscope.edits.folders import note_closed
from mapscope.errors import MapscopeError
from mapscope.files import writable_suffixes
from mapscope.files.result import write_nouns
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.viewer.editing.adoption import data_path_of, reason_against_editing
from mapscope.viewer.editing.earlier_panel import EarlierPanel
from mapscope.viewer.editing.editing import Editor, editing_of
from mapscope.viewer.editing.labels_editor import LabelsEditor
from mapscope.viewer.editing.offers import Offer, offers
from mapscope.viewer.editing.regions_panel import RegionsPanel
from mapscope.viewer.editing.tools_panel import ToolsPanel
from mapscope.viewer.editing.voxel_row import EditVoxelRow
from mapscope.viewer.editing.wording import layer_text, state_text
from mapscope.viewer.help import add_help
from mapscope.viewer.layers import NO_VOXEL_SIZE, reason_against
from mapscope.viewer.manifest import NAME
from mapscope.viewer.protecting import begin_painting
from mapscope.viewer.views.connections import Connections
from mapscope.viewer.workspace import bare_viewer, workspace_of

TICK_MS = 1000
TIPS = {
    "edit": "Edit the selected points or labels: every change is kept and can be undone.",
    "points": "A new points layer: click where particles are. It is kept beside the selected map.",
    "labels": "A new labels layer on the grid of the selected map, with the brush ready.",
    "protect": "The same for what jobs are to leave as it was measured, such as a ligand.",
}


class EditDock(QWidget):
    """Edits points and labels, undoes and redoes across all layers, and brings edits back.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "edit"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.editing = editing_of(napari_viewer)
        self.about = _text()
        self.edit_button = QPushButton("Edit this layer")
        self.points_button = QPushButton("New points")
        self.labels_button = QPushButton("New labels")
        self.protect_button = QPushButton("Protect")
        self.voxel_row = EditVoxelRow()
        self.tools = ToolsPanel()
        self.regions = RegionsPanel(self.editing, self.viewer)
        self.undo_button = QPushButton("Undo")
        self.redo_button = QPushButton("Redo")
        self.save_button = QPushButton("Save…")
        self.state = _text()
        self.message = _text()
        self.earlier = EarlierPanel(self._reopen, self._discard)
        self._connections = Connections()
        self._timer = QTimer(self)
        self._lay_out()
        self._connect()
        self.editing.bind_keys()
        self.refresh()
        self.look_for_earlier()

    @property
    def layer(self) -> Any:
        """The layer that is selected, or None."""
        return self.viewer.layers.selection.active

    @property
    def editor(self) -> Editor | None:
        """The editor of the selected layer, or None."""
        return self.editing.editor_of(self.layer)

    def say(self, text: str) -> None:
        """Show a message."""
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _lay_out(self) -> None:
        """Put everything into one column that scrolls where it is short."""
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(self.about)
        layout.addLayout(
            _beside(self.edit_button, self.points_button, self.labels_button, self.protect_button)
        )
        layout.addWidget(self.voxel_row)
        layout.addWidget(self.tools)
        layout.addWidget(self.regions, stretch=1)
        layout.addLayout(_beside(self.undo_button, self.redo_button, self.save_button))
        for widget in (self.state, self.message, self.earlier):
            layout.addWidget(widget)
        layout.addStretch(0)
        self.message.setVisible(False)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(column)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        add_help(self, outer)

    def _connect(self) -> None:
        """Listen to the widgets, the viewer and the edits."""
        self.edit_button.clicked.connect(lambda: self._try(self._adopt))
        self.points_button.clicked.connect(lambda: self._try(self._new_points))
        self.labels_button.clicked.connect(lambda: self._try(self._new_labels))
        self.protect_button.clicked.connect(lambda: self._try(self._protect))
        self.undo_button.clicked.connect(self.editing.undo)
        self.redo_button.clicked.connect(self.editing.redo)
        self.save_button.clicked.connect(self.save)
        self.voxel_row.given.connect(self.refresh)
        self.regions.said.connect(self.say)
        self.editing.changed.connect(self.refresh)
        self.editing.told.connect(self.say)
        layers = self.viewer.layers
        for event in (layers.events.inserted, layers.events.removed):
            self._connections.add(event, self._layers_changed)
        self._connections.add(layers.selection.events.active, self.refresh)
        for sequence, call in (
            (QKeySequence.StandardKey.Undo, self.editing.undo),
            ("Ctrl+Shift+Z", self.editing.redo),
        ):
            shortcut = QShortcut(QKeySequence(sequence), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(call)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)
        connections, editing, tools = self._connections, self.editing, self.tools
        for end in (connections.end, tools.let_go, editing.unbind_keys):
            self.destroyed.connect(partial(_call, end))

    def refresh(self, *_: Any) -> None:
        """Show what can be done with the selected layer, and the state of its edits."""
        layer, editor = self.layer, self.editor
        reason = reason_against_editing(layer)
        self.about.setText(layer_text(layer, editor, reason))
        no_place = "" if layer is None else reason_against(layer)
        if type(layer).__name__ not in ("Image", "Labels") or layer is None:
            no_place = "select a map first: labels are painted on its grid"
        reasons = {
            self.edit_button: reason,
            self.points_button: "",
            self.labels_button: no_place,
            self.protect_button: no_place,
        }
        for (button, why), tip in zip(reasons.items(), TIPS.values(), strict=True):
            button.setEnabled(not why)
            button.setToolTip(_sentence(why) if why else tip)
        self.voxel_row.ask_for(layer if NO_VOXEL_SIZE in (reason, no_place) else None)
        self.tools.follow(editor)
        labels = editor if isinstance(editor, LabelsEditor) else None
        self.regions.follow(labels)
        self.regions.setVisible(labels is not None)
        self._show_moves()
        self._show_save()
        self._tick()

    def look_for_earlier(self) -> None:
        """List the edits that could be opened again."""
        data = [path for path in map(data_path_of, self.viewer.layers) if path is not None]
        self.earlier.show_offers(offers(data, [log.path for log in self.editing.session.logs]))

    def save(self) -> None:
        """Ask for a file name and write the layer as it is now."""
        editor = self.editor
        if editor is None:
            return
        suffixes = writable_suffixes(_noun_of(editor))
        proposal = editor.log.name.replace(" · ", "_").replace("/", "_") + suffixes[0]
        name = _noun_of(editor).__name__
        kinds = f"{name} ({' '.join(f'*{suffix}' for suffix in suffixes)})"
        path, _ = QFileDialog.getSaveFileName(self, "Save the layer", proposal, kinds)
        if path:
            self._try(lambda: self._write(editor.snapshot(), Path(path)))

    def _write(self, noun: Any, path: Path) -> None:
        (written,) = write_nouns({"layer": noun}, path)
        self.say(f"Saved {written}.")

    def _show_moves(self) -> None:
        """Say what undo and redo would do."""
        session = self.editing.session
        moves = (
            (self.undo_button, session.undo_text, "undo", "Take back", "Ctrl+Z"),
            (self.redo_button, session.redo_text, "redo", "Do again", "Ctrl+Shift+Z"),
        )
        for button, text, word, what, key in moves:
            button.setEnabled(bool(text))
            button.setText(f"{word.capitalize()}: {text}" if text else word.capitalize())
            button.setToolTip(
                f"{what} the last edit in any layer ({key})." if text else f"Nothing to {word} yet."
            )

    def _show_save(self) -> None:
        """Grey *Save* where there is nothing to save."""
        reason = "Select a layer that is under edit first." if self.editor is None else ""
        self.save_button.setEnabled(not reason)
        self.save_button.setToolTip(reason or "Write the layer as it is now to a file.")

    def _tick(self) -> None:
        """Say whether everything is on the disk."""
        self.state.setText(state_text(self.editing.session, time()))

    def _layers_changed(self, _event: Any = None) -> None:
        """A file was opened, which may have edits beside it, or a layer removed."""
        self.refresh()
        self.look_for_earlier()

    def _adopt(self) -> None:
        editor = self.editing.adopt(self.layer)
        self.say(f"Every edit of {editor.layer.name} is kept in {editor.log.path.name}.")

    def _new_points(self) -> None:
        self.editing.new_points(self.layer)

    def _new_labels(self) -> None:
        self.editing.new_labels(self.layer)

    def _protect(self) -> None:
        begin_painting(self.viewer, self.layer)

    def _reopen(self, offer: Offer) -> None:
        """Open a log, and its data file where it is not open yet."""
        self._try(lambda: self._open_log(offer))
        self.look_for_earlier()

    def _open_log(self, offer: Offer) -> None:
        is_open = offer.data in [data_path_of(layer) for layer in self.viewer.layers]
        if offer.data is not None and offer.data.exists() and not is_open:
            self.viewer.open(str(offer.data), plugin=NAME)
        self.say("")
        self.editing.open_log(offer.path)

    def _discard(self, offer: Offer) -> None:
        """Remove a log for good, after the user was asked."""
        self._try(offer.path.unlink)
        note_closed(offer.path)
        self.look_for_earlier()

    def _try(self, call: Callable[[], Any]) -> None:
        """Do something, or say why it cannot be done."""
        try:
            call()
        except (MapscopeError, OSError) as error:
            self.say(_sentence(str(error)))


def _call(end: Callable[[], None], *_: Any) -> None:
    """Call what wants no arguments: nothing of the dock itself, which is gone by then."""
    end()


def _text() -> QLabel:
    """A line of text that wraps and can be selected."""
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _noun_of(editor: Editor) -> type:
    """What kind of noun an editor's layer shows."""
    return Labels if isinstance(editor, LabelsEditor) else Particles


def _beside(*buttons: QPushButton) -> QHBoxLayout:
    """Buttons in a row."""
    row = QHBoxLayout()
    row.setSpacing(2)
    for button in buttons:
        row.addWidget(button)
    return row


def _sentence(text: str) -> str:
    """A message with a capital and a stop."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
