"""The History dock: every run, and how to do it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari.viewer import Viewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.files import writable_suffixes, write
from mapscope.record import Record, RecordedInput
from mapscope.replay import as_command, as_script
from mapscope.viewer.help import add_help
from mapscope.viewer.saving import save_entry
from mapscope.viewer.workspace import Entry, bare_viewer, workspace_of


class HistoryDock(QWidget):
    """A list of runs, the newest first, with the record of the chosen one.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "history"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["Run", "State", "Seconds"])
        self.list.setRootIsDecorated(False)
        self.list.setColumnWidth(0, 210)
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.command_button = QPushButton("Copy as command")
        self.script_button = QPushButton("Copy as script")
        self.save_button = QPushButton("Save…")
        self.message = QLabel()
        self.message.setWordWrap(True)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.list)
        splitter.addWidget(self.details)
        buttons = QHBoxLayout()
        for button in (self.command_button, self.script_button, self.save_button):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(splitter, stretch=1)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        add_help(self, layout)
        self.list.currentItemChanged.connect(self._chosen)
        self.command_button.clicked.connect(self._copy_command)
        self.script_button.clicked.connect(self._copy_script)
        self.save_button.clicked.connect(self._save)
        self.workspace.changed.connect(self._update)
        for entry in self.workspace.entries:
            self._update(entry)
        self._chosen()

    @property
    def entry(self) -> Entry | None:
        """The run that is chosen."""
        item = self.list.currentItem()
        return None if item is None else item.data(0, Qt.ItemDataRole.UserRole)

    def _update(self, entry: Entry) -> None:
        """List a new run first, or write down what became of one."""
        item = self._item(entry)
        if item is None:
            item = QTreeWidgetItem([entry.title])
            item.setData(0, Qt.ItemDataRole.UserRole, entry)
            self.list.insertTopLevelItem(0, item)
            self.list.setCurrentItem(item)
        item.setText(1, entry.state_text)
        item.setToolTip(0, entry.title)
        item.setToolTip(1, entry.message)
        item.setText(2, "" if entry.record is None else f"{entry.record.seconds:.1f}")
        self._chosen()

    def _item(self, entry: Entry) -> QTreeWidgetItem | None:
        items = [self.list.topLevelItem(n) for n in range(self.list.topLevelItemCount())]
        return next((i for i in items if i.data(0, Qt.ItemDataRole.UserRole) is entry), None)

    def _chosen(self, *_: Any) -> None:
        """Show the record of the chosen run and enable what can be done with it."""
        entry = self.entry
        record = None if entry is None else entry.record
        text = "" if entry is None else entry.message
        if record is not None:
            text = json.dumps(record.to_json(), indent=1, ensure_ascii=False)
        self.details.setPlainText(text)
        from_files = record is not None and as_command(record, "out.mrc") is not None
        self.command_button.setEnabled(from_files)
        self.command_button.setToolTip(
            "The shell command that repeats this run."
            if from_files
            else "An input is not a file: copy as script instead."
        )
        self.script_button.setEnabled(record is not None)
        self.save_button.setEnabled(bool(entry and entry.nouns))

    def _copy_command(self) -> None:
        """Put the shell command of the chosen run on the clipboard."""
        entry = self.entry
        if entry is None or entry.record is None:
            return
        command = as_command(entry.record, _out_name(entry))
        QApplication.clipboard().setText(command or "")
        self.message.setText("The command is on the clipboard.")

    def _copy_script(self) -> None:
        """Put a Python script for the chosen run on the clipboard, and write what it needs."""
        entry = self.entry
        if entry is None or entry.record is None:
            return
        unsaved = [r for step in entry.record.chain() for r in _unsaved(step)]
        folder = None
        if unsaved:
            names = ", ".join(sorted({r.parameter for r in unsaved}))
            title = f"Folder for copies of what is in no file: {names}"
            chosen = QFileDialog.getExistingDirectory(self, title)
            if not chosen:
                return
            folder = Path(chosen)
        try:
            script = as_script(entry.record, _out_name(entry), self._snapshots(folder))
        except (MapscopeError, OSError) as error:
            self.message.setText(str(error))
            return
        QApplication.clipboard().setText(script)
        self.message.setText("The script is on the clipboard.")

    def _snapshots(self, folder: Path | None) -> Any:
        """A function that writes an input that is in no file into `folder`."""

        def snapshot(recorded: RecordedInput, part: int) -> str:
            kept = [e.unsaved.get((recorded.checksum, part)) for e in self.workspace.entries]
            noun = next((n for n in kept if n is not None), None)
            if noun is None or folder is None:
                raise MapscopeError(f"the {recorded.parameter} of this run is in no file")
            suffix = writable_suffixes(type(noun))[0]
            path = folder / f"{recorded.parameter}_{recorded.checksum[:8]}_{part}{suffix}"
            return str(write(path, noun))

        return snapshot

    def _save(self) -> None:
        if self.entry is not None:
            save_entry(self, self.entry, self.message.setText)


def _unsaved(record: Record) -> list[RecordedInput]:
    """Inputs of a run that are neither a file nor another run's result."""
    return [r for r in record.inputs if any(s.path is None and s.record is None for s in r.sources)]


def _out_name(entry: Entry) -> str:
    """A file name for the first output of a run, whose layer may be gone by now."""
    first = next(o for o in entry.job.outputs if entry.record and o.name in entry.record.outputs)
    assert first.noun is not None
    return f"{first.name}{writable_suffixes(first.noun)[0]}"
