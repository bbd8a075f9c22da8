"""The Train dock: begin a training, watch it, stop it, go on with it, use what it gives."""

from __future__ import annotations

from html import escape
from pathlib import Path

from napari.viewer import Viewer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QScrollArea,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mapscope.errors import MapscopeError
from mapscope.jobs import all_jobs
from mapscope.viewer.help import add_help
from mapscope.viewer.training.look import RUNNING, Look
from mapscope.viewer.training.measuring import Measuring
from mapscope.viewer.training.new_panel import NewTrainingPanel, recipes_listed
from mapscope.viewer.training.progress_panel import ProgressPanel
from mapscope.viewer.training.trainings import Trainings
from mapscope.viewer.workspace import Entry, bare_viewer, workspace_of

MOST_ROWS = 5
"""Trainings that are listed before the list scrolls."""

FOLDER = Qt.ItemDataRole.UserRole


class TrainDock(QWidget):
    """A form for a new training, the list of all, and the one that is chosen at close range.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer.
    """

    HELP = "train"

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = bare_viewer(napari_viewer)
        self.workspace = workspace_of(napari_viewer)
        self.trainings = Trainings(self.workspace)
        self.measuring = Measuring(self.workspace)
        self.missing = QLabel()
        self.new_panel = NewTrainingPanel(self.measuring)
        self.new_button = QPushButton("New training")
        self.new_button.setCheckable(True)
        self.new_button.setChecked(True)
        self.new_button.setToolTip("Show or hide the form of a new training.")
        self.list = QTreeWidget()
        self.open_button = QPushButton("Open folder…")
        self.open_button.setToolTip("Show a training that lies in another folder.")
        self.panel = ProgressPanel(self.trainings)
        self.message = QLabel()
        self._is_awake = False
        self._arrange()
        self._connect(napari_viewer)

    def _arrange(self) -> None:
        """All below each other, scrolled where the column is short; messages always in sight."""
        self.list.setHeaderLabels(["Training", "State", "Loss"])
        self.list.setRootIsDecorated(False)
        self.list.header().setStretchLastSection(False)
        self.list.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in (1, 2):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            self.list.setColumnWidth(column, 84)
        for label in (self.missing, self.message):
            label.setWordWrap(True)
            label.setVisible(False)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        inner = QWidget()
        rows = QVBoxLayout(inner)
        rows.setContentsMargins(2, 2, 2, 2)
        for widget in (self.missing, self.new_panel, self.list, self.panel):
            rows.addWidget(widget)
        rows.addStretch()
        top = QHBoxLayout()
        top.addWidget(self.new_button)
        top.addWidget(self.open_button)
        top.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addLayout(top)
        layout.addWidget(area, stretch=1)
        layout.addWidget(self.message)
        add_help(self, layout)
        self._fit_list(0)

    def _connect(self, napari_viewer: Viewer) -> None:
        self.new_button.toggled.connect(self.new_panel.setVisible)
        self.new_panel.started.connect(self._start)
        self.new_panel.corpus_wanted.connect(lambda: self.workspace.job_opened.emit("build_corpus"))
        # Not currentItemChanged: Qt makes the first row current when the list gets the focus.
        for signal in (self.list.itemClicked, self.list.itemActivated):
            signal.connect(self._chosen)
        self.open_button.clicked.connect(self._open)
        self.trainings.looked.connect(self._show)
        self.trainings.said.connect(self._say)
        self.panel.sample_asked.connect(self._show_layers)
        self.workspace.changed.connect(self._entry_changed)
        napari_viewer.events.theme.connect(self.panel.plot.theme)
        self.destroyed.connect(self.trainings.end)
        self.destroyed.connect(self.measuring.end)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802  Qt's name
        """Fill the dock when it is seen for the first time."""
        super().showEvent(event)
        QTimer.singleShot(0, self.wake)

    def wake(self) -> None:
        """List recipes and trainings; those that run are followed from now on."""
        if self._is_awake:
            self.trainings.look()
            return
        self._is_awake = True
        recipes, missing = recipes_listed()
        self.missing.setText(f"Before anything can be trained: {escape(missing)}")
        self.missing.setVisible(bool(missing))
        self.new_panel.start_button.setEnabled(not missing)
        if missing:
            self.new_panel.start_button.setToolTip(missing)
        self.new_panel.fill(recipes)
        self.trainings.look()

    def _start(self, recipe: str, corpus: str, name: str, minutes: float | None) -> None:
        self._say("")
        try:
            folder = self.trainings.start(recipe, Path(corpus).expanduser(), name, minutes)
        except MapscopeError as error:
            self._say(str(error))
            return
        self._say(f"{folder.name} has begun. The window may be closed: it goes on.")
        self.new_button.setChecked(False)
        self.new_panel.suggest_name()

    def _show(self, seen: Look) -> None:
        """List what was seen, and show the chosen one."""
        self.list.blockSignals(True)
        folders = [t.folder for t in seen.trainings]
        items = [self.list.topLevelItem(n) for n in range(self.list.topLevelItemCount())]
        if [item.data(0, FOLDER) for item in items] != folders:
            self.list.clear()
            items = [QTreeWidgetItem(self.list) for _ in folders]
        for item, training in zip(items, seen.trainings, strict=True):
            item.setData(0, FOLDER, training.folder)
            item.setText(0, training.name)
            item.setText(1, training.state)
            item.setText(2, "" if training.loss is None else f"{training.loss:.3g}")
            item.setToolTip(0, f"{training.recipe}, {training.steps} steps\n{training.folder}")
            item.setToolTip(1, training.state)
            if training.folder == self.trainings.chosen:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self._fit_list(len(items))
        if self.trainings.chosen is None and seen.trainings:
            self.new_button.setChecked(False)
            running = [t.folder for t in seen.trainings if t.state == RUNNING]
            self.trainings.choose((running or folders)[0])
        if seen.shown is not None:
            self.new_panel.suggest_corpus(seen.shown.corpus)
        self.panel.show_look(seen)

    def _fit_list(self, count: int) -> None:
        """Give the list the height of its rows, up to a few; none where there are none."""
        self.list.setVisible(count > 0)
        row = self.list.sizeHintForRow(0) if count else 0
        self.list.setFixedHeight(self.list.header().height() + min(count, MOST_ROWS) * row + 6)

    def _chosen(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        self.trainings.choose(item.data(0, FOLDER))

    def _open(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of a training")
        if not path:
            return
        try:
            self.trainings.add(Path(path))
        except (MapscopeError, OSError, ValueError, KeyError) as error:
            self._say(str(error))

    def _show_layers(self, folder: Path, number: int) -> None:
        """Show a sample's map, and what is said of it and true, as layers."""
        job = all_jobs()["show_sample"]
        values = job.check(run_folder=folder, sample=number)
        self.workspace.start(job, values, f"{folder.name} sample {number}", None)

    def _entry_changed(self, entry: Entry) -> None:
        """Take a corpus that was just built."""
        if entry.job.name == "build_corpus" and entry.state == "done" and entry.record is not None:
            self.new_panel.corpus_edit.setText(str(entry.record.parameters["output"]))

    def _say(self, text: str) -> None:
        """Show a line under everything."""
        self.message.setText(escape(text))
        self.message.setVisible(bool(text))
