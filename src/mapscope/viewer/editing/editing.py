"""The edits of one viewer: which layer is the view of which log, and one undo for all."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import label_colormap
from qtpy.QtCore import QObject, Signal

from mapscope.edits import (
    Change,
    EditLog,
    EditSession,
    LabelsChange,
    LabelsState,
    Noun,
    Step,
)
from mapscope.errors import InputError, MapscopeError
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.viewer.editing.adoption import data_path_of, noun_for_editing, prepare_layer
from mapscope.viewer.editing.keys import bind_keys, unbind_keys
from mapscope.viewer.editing.labels_editor import LabelsEditor, labels_layer
from mapscope.viewer.editing.points_editor import PointsEditor, points_layer
from mapscope.viewer.layers import KEY, SEPARATOR, Tag, base_name, edited, noun_from_layer
from mapscope.viewer.roles import PROTECTED
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.viewer.workspace import bare_viewer
from mapscope.volume import Grid, Volume

Editor: TypeAlias = PointsEditor | LabelsEditor
ORANGE = 0.52
"""Seed with which napari's first label is orange, which shows on grey maps."""

NEW_POINTS, NEW_LABELS = "points", "labels"


class Editing(QObject):
    """Everything that is edited in one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    changed = Signal()
    """Something was edited, undone, opened or closed."""
    told = Signal(str)
    """Something that the user should read."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self.session = EditSession()
        self.editors: list[Editor] = []
        self.has_keys = False
        viewer.layers.events.removed.connect(self._on_removed)
        weakref.finalize(viewer, self.session.close)

    def editor_of(self, layer: Any) -> Editor | None:
        """The editor of a layer, or None where it is not under edit."""
        return next((e for e in self.editors if e.layer is layer), None)

    def layer_of(self, log: EditLog) -> Any:
        """The layer that shows a log, or None."""
        return next((e.layer for e in self.editors if e.log is log), None)

    def adopt(self, layer: Any) -> Editor:
        """Begin to edit a layer: everything that happens to it is kept from now on.

        Raises
        ------
        InputError
            If it cannot be edited; the message says why.
        """
        noun = noun_for_editing(layer)
        log = EditLog.create(noun, name=layer.name, data=data_path_of(layer))
        prepare_layer(layer, log)
        return self._bind(layer, log)

    def new_points(self, beside: Any = None) -> Editor:
        """A new points layer, ready to click points into.

        Parameters
        ----------
        beside : layer, optional
            The map or tomogram that they are picked in: the edits lie beside its file.
        """
        noun = Particles(np.empty((0, 3)), species=(), score=np.empty(0))
        editor = self._new(noun, self._name(beside, NEW_POINTS), beside)
        editor.layer.mode = "add"
        return editor

    def new_labels(self, beside: Any, word: str = NEW_LABELS) -> Editor:
        """A new labels layer on the grid of a map, ready to be painted.

        Parameters
        ----------
        beside : layer
            The map.
        word : str
            What they are, for the layer's name; those called ``"protected"`` are of that role.

        Raises
        ------
        InputError
            If the layer is no map with a known place.
        """
        if beside is None:
            raise InputError("select a map first: labels are painted on its grid")
        noun = noun_from_layer(beside)
        if not isinstance(noun, Volume | Labels):
            raise InputError(f"{beside.name} has no grid: select a map")
        labels = empty_labels(noun.grid)
        editor = self._new(labels, self._name(beside, word), beside)
        editor.layer.mode = "paint"
        editor.layer.selected_label = 1
        return editor

    def open_log(self, path: Path) -> Editor:
        """The layer of a log in a file, in the state in which it was left.

        Raises
        ------
        MapscopeError, OSError
            If the log cannot be read.
        """
        already = next((e for e in self.editors if e.log.path == path), None)
        if already is not None:
            return already
        log = EditLog.open(path)
        editor = self._show(log, log.name)
        for note in log.notes:
            self.told.emit(f"{log.name}: {note}.")
        return editor

    def do(self, log: EditLog, change: Change) -> None:
        """Make a change in a log and show it in its layer."""
        self.session.do(log, change)
        self._show_steps([Step(log, change)])

    def do_together(self, log: EditLog, changes: Sequence[Change | Callable[[], Change]]) -> None:
        """Make several changes in a log as one edit, and show them in its layer.

        Parameters
        ----------
        log : EditLog
            The log.
        changes : sequence of Change or callable () -> Change
            A change that stands on the one before it comes as a function that gives it.
        """
        steps: list[Step] = []
        try:
            with self.session.group():
                for change in changes:
                    made = change() if callable(change) else change
                    self.session.do(log, made)
                    steps.append(Step(log, made))
        finally:
            self._show_steps(steps)

    def plan(
        self, log: EditLog, plan: Callable[[LabelsState], Change | None], label: str = ""
    ) -> Run:
        """Work out an edit of labels beside the window, and make it.

        Parameters
        ----------
        log : EditLog
            Labels.
        plan : callable (state) -> change
            Looks at the labels, which stay as they are meanwhile.
        label : str
            What is being done, for the message when it fails.
        """
        sequence, frozen = log.sequence, log.labels.frozen(log.snapshot())

        def work(progress: Any) -> Change | None:
            progress(0, 1, label)
            change = plan(frozen)
            if isinstance(change, LabelsChange) and change.runs is not None:
                change.runs.gains  # noqa: B018  counted here rather than in the window's thread
            return change

        def done(change: Change | None) -> None:
            if log.sequence != sequence:
                self.told.emit(f"{label}: the labels were edited meanwhile, please do it again.")
            elif change is not None and log in self.session.logs:
                self.do(log, change)

        run = Run(work)
        run.succeeded.connect(done)
        run.failed.connect(lambda error: self.told.emit(str(error)))
        return run.start(BACKGROUND)

    def undo(self) -> None:
        """Take back the last edit in any layer."""
        self._move(self.session.undo, "undo")

    def redo(self) -> None:
        """Do again what was undone last."""
        self._move(self.session.redo, "redo")

    def bind_keys(self) -> None:
        """Let Ctrl+Z and Ctrl+Shift+Z undo and redo here."""
        self.has_keys = True
        for target in (self._viewer(), *(e.layer for e in self.editors)):
            if target is not None:
                bind_keys(target, self.undo, self.redo)

    def unbind_keys(self) -> None:
        """Give the keys back to napari."""
        self.has_keys = False
        for target in (self._viewer(), *(e.layer for e in self.editors)):
            if target is not None:
                unbind_keys(target)

    def close(self) -> None:
        """Write everything, and let go of every layer and log."""
        for editor in list(self.editors):
            self._release(editor)
        self.session.close()

    def _move(self, move: Callable[[], list[Step]], word: str) -> None:
        """Undo or redo, unless something is being dragged."""
        if any(editor.is_busy for editor in self.editors):
            self.told.emit(f"Let go of the mouse first: {word} waits for the end of the drag.")
            return
        text = self.session.undo_text if word == "undo" else self.session.redo_text
        steps = move()
        self._show_steps(steps)
        names = ", ".join(dict.fromkeys(step.log.name for step in steps))
        done = "Undone" if word == "undo" else "Done again"
        self.told.emit(f"{done}: {text} in {names}." if steps else f"Nothing to {word}.")

    def _show_steps(self, steps: Sequence[Step]) -> None:
        """Show changes of logs in their layers."""
        for step in steps:
            for editor in self.editors:
                if editor.log is step.log:
                    editor.show(step.change)
        self.changed.emit()

    def _new(self, noun: Noun, name: str, beside: Any) -> Editor:
        """A layer for a new document, selected."""
        data = None if beside is None else data_path_of(beside)
        return self._show(EditLog.create(noun, name=name, data=data), name)

    def _show(self, log: EditLog, name: str) -> Editor:
        """A layer that shows a log."""
        make = points_layer if log.header["kind"] == "Particles" else labels_layer
        data, attributes, kind = make(log, name)
        role = PROTECTED if log.name.split(SEPARATOR)[-1] == PROTECTED else kind
        attributes["metadata"] = {KEY: Tag(log.snapshot(), role, None)}
        if role == PROTECTED:
            attributes["colormap"] = label_colormap(seed=ORANGE)
        layer = Layer.create(data, attributes, kind)
        viewer = self._viewer()
        assert viewer is not None
        editor = self._bind(layer, log)
        viewer.layers.append(layer)
        viewer.layers.selection.active = layer
        return editor

    def _bind(self, layer: Any, log: EditLog) -> Editor:
        """Make a layer the view of a log."""
        is_points = log.header["kind"] == "Particles"
        editor = (PointsEditor if is_points else LabelsEditor)(layer, log, partial(self._send, log))
        self.editors.append(editor)
        self.session.add(log)
        edited[layer] = editor
        if self.has_keys:
            bind_keys(layer, self.undo, self.redo)
        self.changed.emit()
        return editor

    def _send(self, log: EditLog, changes: Sequence[Change | Callable[[], Change]]) -> None:
        """Make changes that a layer shows already, as one edit."""
        try:
            with self.session.group():
                for change in changes:
                    self.session.do(log, change() if callable(change) else change)
        except MapscopeError as error:
            self.told.emit(str(error))
            raise
        finally:
            self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        """A layer was deleted: its edits stay in their file."""
        editor = self.editor_of(event.value)
        if editor is not None:
            self._release(editor)
            self.session.remove(editor.log)
            editor.log.close()
            self.changed.emit()

    def _release(self, editor: Editor) -> None:
        """Let go of a layer."""
        editor.close()
        self.editors.remove(editor)
        edited.pop(editor.layer, None)
        unbind_keys(editor.layer)

    def _name(self, beside: Any, word: str) -> str:
        """A name for a new layer."""
        return word if beside is None else f"{base_name(beside.name)}{SEPARATOR}{word}"


def empty_labels(grid: Grid) -> Labels:
    """Labels without any region on a grid."""
    zeros = np.broadcast_to(np.zeros(1, dtype=np.int16), grid.shape)
    return Labels(zeros, grid.voxel_size, grid.origin)


_editings: WeakKeyDictionary[Any, Editing] = WeakKeyDictionary()


def editing_of(viewer: Any) -> Editing:
    """The one :class:`Editing` of a viewer, made when first asked for."""
    viewer = bare_viewer(viewer)
    if viewer not in _editings:
        _editings[viewer] = Editing(viewer)
    return _editings[viewer]
