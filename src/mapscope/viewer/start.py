"""The start panel: questions in a user's words, each of which opens what answers it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from mapscope import preferences
from mapscope.viewer.preferences import PLUGIN, preferences_action, set_preference
from mapscope.viewer.questions import QUESTIONS, Question, reason_against_asking

SAMPLE = "four_helix_bundle"
QUESTION_SHARE = 2
"""Width of a question, as a multiple of that of its answer."""


class StartPanel(QWidget):
    """A list of questions; a click on one opens the job's form or the dock that answers it.

    Parameters
    ----------
    viewer : napari.Viewer
        Its layers decide which questions can be asked.
    """

    asked = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.viewer = viewer
        self.buttons: dict[Question, QPushButton] = {}
        self.answers: dict[Question, QLabel] = {}
        self.again_box = QCheckBox("Show at start")
        self.again_box.setToolTip("Show this list whenever the window opens.")
        self.again_box.setChecked(preferences.flag("start_panel"))
        self.preferences_button = QPushButton("Preferences…")
        self.preferences_button.setToolTip(
            "Memory, caches, autosave: napari's Preferences, on the page Mapscope."
        )
        bottom = QHBoxLayout()
        bottom.addWidget(self.again_box)
        bottom.addStretch()
        bottom.addWidget(self.preferences_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._first_step())
        layout.addWidget(self._list(), stretch=1)
        layout.addLayout(bottom)
        self._note_variable()
        self.again_box.toggled.connect(self._remember)
        self.preferences_button.clicked.connect(self._open_preferences)
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Grey the questions that the open layers do not allow, and say why."""
        layers = list(self.viewer.layers)
        self.first_step.setVisible(not layers)
        for question, button in self.buttons.items():
            reason = reason_against_asking(question, layers)
            button.setEnabled(not reason)
            button.setToolTip(reason or question.tip)
            self.answers[question].setEnabled(not reason)
            self.answers[question].setToolTip(reason or question.tip)

    def _first_step(self) -> QWidget:
        """What to do while nothing is open."""
        self.first_step = QWidget()
        self.sample_button = QPushButton("Open the sample")
        self.sample_button.setToolTip("Two half maps of a small protein, and its structure.")
        self.sample_button.clicked.connect(self._open_sample)
        row = QHBoxLayout(self.first_step)
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(QLabel("Drop a file into the window, or"))
        row.addWidget(self.sample_button)
        row.addStretch()
        return self.first_step

    def _open_sample(self) -> None:
        self.viewer.open_sample(PLUGIN, SAMPLE)

    def _list(self) -> QScrollArea:
        """The questions, group by group."""
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(2, 2, 2, 2)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, QUESTION_SHARE)
        grid.setColumnStretch(1, 1)
        for title, questions in QUESTIONS.items():
            self._add_group(grid, title, [q for q in questions if q.is_there])
        grid.setRowStretch(grid.rowCount(), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        return area

    def _add_group(self, grid: QGridLayout, title: str, questions: Sequence[Question]) -> None:
        """A heading, and a line for each question."""
        if not questions:
            return
        grid.addWidget(QLabel(f"<b>{title}</b>"), grid.rowCount(), 0, 1, 2)
        for question in questions:
            button = QPushButton(question.words)
            button.setStyleSheet("text-align: left; padding: 3px 5px;")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(partial(self._ask, question))
            self.buttons[question] = button
            self.answers[question] = QLabel(question.answer)
            self.answers[question].setWordWrap(True)
            row = grid.rowCount()
            grid.addWidget(button, row, 0)
            grid.addWidget(self.answers[question], row, 1)

    def _ask(self, question: Question, _checked: bool = False) -> None:
        self.asked.emit(question)

    def _note_variable(self) -> None:
        """Grey the tick where an environment variable decides."""
        if preferences.state_of("start_panel").origin == "environment":
            variable = preferences.preference("start_panel").variable
            self.again_box.setEnabled(False)
            self.again_box.setToolTip(f"The environment variable {variable} says so.")

    def _remember(self, is_on: bool) -> None:
        set_preference("start_panel", is_on)

    def _open_preferences(self) -> None:
        """Open napari's dialog."""
        action = preferences_action(self.viewer)
        if action is not None:
            action.trigger()


def open_dock(viewer: Any, name: str) -> Any:
    """Show one of Mapscope's docks, in front of those that share its place; gives its widget."""
    from mapscope.viewer.window import open_docks

    open_docks(viewer)
    frame, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name, tabify=True)
    frame.setWindowTitle(name)
    frame.show()
    frame.raise_()
    return widget
