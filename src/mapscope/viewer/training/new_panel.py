"""What a new training needs: recipe, data, name and time."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.jobs import all_jobs
from mapscope.jobs.training.keep_model import model_name
from mapscope.preferences import trainings_folder
from mapscope.viewer.form_rows import form_layout
from mapscope.viewer.training.measuring import Measuring

OTHER = "Other recipe…"
LONGEST = 100_000.0
"""Most minutes that can be typed."""


class NewTrainingPanel(QWidget):
    """The form of a new training.

    Parameters
    ----------
    measuring : Measuring
        Says how large a recipe is, and how long its steps take.
    """

    started = Signal(str, str, str, object)
    corpus_wanted = Signal()

    def __init__(self, measuring: Measuring) -> None:
        super().__init__()
        self.measuring = measuring
        self._abouts: dict[str, str] = {}
        self._minutes: dict[str, float | None] = {}
        self._seconds: dict[str, float] = {}
        self._numbers = ""
        self.recipe_box = QComboBox()
        self.recipe_box.setToolTip("What is trained on what, and how.")
        self.recipe_box.setMinimumContentsLength(12)
        self.about = _words()
        self.facts = _words()
        self.corpus_edit = QLineEdit()
        self.corpus_edit.setPlaceholderText("a file made by Build corpus")
        self.corpus_edit.setToolTip("The structures to learn from, in one file.")
        self.browse_button = QPushButton("…")
        self.browse_button.setFixedWidth(28)
        self.browse_button.setToolTip("Choose a corpus.")
        self.build_button = QPushButton("Build…")
        self.build_button.setToolTip("Make a corpus of a folder of structures: the job's form.")
        self.name_edit = QLineEdit()
        self.name_edit.setToolTip("Of the training's folder, and of the model that it gives.")
        self.limit_box = QCheckBox("at most")
        self.limit_box.setToolTip("End after so many minutes; without, the recipe's steps count.")
        self.minutes_box = QDoubleSpinBox()
        self.minutes_box.setRange(0.1, LONGEST)
        self.minutes_box.setDecimals(1)
        self.minutes_box.setSuffix(" min")
        self.minutes_box.setToolTip("How long the training may take, the last validation included.")
        self.start_button = QPushButton("Start")
        self.start_button.setToolTip("Train, in a process of its own: the window may be closed.")
        self._arrange()
        self._connect()

    def _arrange(self) -> None:
        corpus, minutes = QHBoxLayout(), QHBoxLayout()
        for widget in (self.corpus_edit, self.browse_button, self.build_button):
            corpus.addWidget(widget)
        minutes.addWidget(self.limit_box)
        minutes.addWidget(self.minutes_box)
        minutes.addStretch()
        rows = form_layout()
        rows.addRow("Recipe", self.recipe_box)
        rows.addRow(self.about)
        rows.addRow(self.facts)
        rows.addRow("Data", corpus)
        rows.addRow("Name", self.name_edit)
        rows.addRow("Time", minutes)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(rows)
        layout.addWidget(self.start_button)

    def _connect(self) -> None:
        self.recipe_box.currentIndexChanged.connect(self._recipe_chosen)
        self.browse_button.clicked.connect(self._browse)
        self.build_button.clicked.connect(self.corpus_wanted)
        self.limit_box.toggled.connect(self._limit_toggled)
        self.minutes_box.valueChanged.connect(self._show_facts)
        self.start_button.clicked.connect(self._start)
        self.measuring.measured.connect(self._measured)

    @property
    def recipe(self) -> str:
        """Name of the recipe, or its file."""
        return str(self.recipe_box.currentData() or "")

    @property
    def minutes(self) -> float | None:
        """How long it may take, or None where only the steps count."""
        return float(self.minutes_box.value()) if self.limit_box.isChecked() else None

    def fill(self, recipes: Iterable[dict[str, Any]]) -> None:
        """List recipes, as *List recipes* gives them."""
        self.recipe_box.blockSignals(True)
        self.recipe_box.clear()
        for row in recipes:
            self._abouts[row["recipe"]] = row["about"]
            self._minutes[row["recipe"]] = row["minutes"]
            self.recipe_box.addItem(row["recipe"], row["recipe"])
        self.recipe_box.addItem(OTHER, None)
        smallest = self.recipe_box.findData("voxel_kind")
        self.recipe_box.setCurrentIndex(max(smallest, 0))
        self.recipe_box.blockSignals(False)
        self._recipe_chosen()

    def add_recipe(self, path: Path) -> None:
        """List a recipe's file, and choose it."""
        if self.recipe_box.findData(str(path)) < 0:
            self.recipe_box.insertItem(self.recipe_box.count() - 1, path.name, str(path))
        self.recipe_box.setCurrentIndex(self.recipe_box.findData(str(path)))

    def suggest_corpus(self, path: str) -> None:
        """Propose a corpus where none is chosen yet."""
        if not self.corpus_edit.text().strip() and Path(path).is_file():
            self.corpus_edit.setText(path)

    def suggest_name(self) -> None:
        """Propose a name that no training has."""
        stem = model_name(Path(self.recipe).stem)
        taken = {p.name for p in trainings_folder().glob("*")}
        number = next(n for n in range(1, len(taken) + 2) if f"{stem}_{n}" not in taken)
        self.name_edit.setText(f"{stem}_{number}")

    def _recipe_chosen(self, *_: Any) -> None:
        if self.recipe_box.currentText() == OTHER and self.recipe_box.currentData() is None:
            self._ask_recipe()
            return
        self.about.setText(self._abouts.get(self.recipe, ""))
        self._set_minutes(self._minutes.get(self.recipe))
        self.facts.setText("Measuring how long a step takes…")
        self.suggest_name()
        self.measuring.ask(self.recipe)

    def _set_minutes(self, minutes: float | None) -> None:
        self.limit_box.setChecked(minutes is not None)
        self.minutes_box.setEnabled(minutes is not None)
        if minutes is not None:
            self.minutes_box.setValue(minutes)

    def _measured(self, recipe: str, found: Any) -> None:
        """Write down what was measured; an error in a recipe's file says what is wrong."""
        if recipe != self.recipe:
            return
        if isinstance(found, BaseException):
            self.facts.setText(escape(str(found)))
            return
        if recipe not in self._minutes:
            self._set_minutes(found["minutes"])
        self._abouts[recipe] = found["about"]
        self._minutes[recipe] = found["minutes"]
        self._seconds[recipe] = found["step_seconds"] or 0.0
        self.about.setText(found["about"])
        self._numbers = f"{found['parameters']:,}"
        self._show_facts()

    def _show_facts(self, *_: Any) -> None:
        """How large the network is, how long a step takes, and how many there is time for."""
        seconds = self._seconds.get(self.recipe)
        if seconds is None:
            return
        text = f"Learns {self._numbers} numbers"
        if not seconds:
            self.facts.setText(f"{text}; too large to be tried in the memory that is free.")
            return
        text += f"; about {seconds:.2g} s a step"
        if self.minutes is not None:
            text += f", {60 * self.minutes / seconds:,.0f} steps in {self.minutes:g} min"
        self.facts.setText(f"{text}.")

    def _limit_toggled(self, is_on: bool) -> None:
        self.minutes_box.setEnabled(is_on)
        self._show_facts()

    def _ask_recipe(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "A recipe", "", "Recipes (*.toml)")
        if path:
            self.add_recipe(Path(path))
        else:
            self.recipe_box.setCurrentIndex(0)

    def _browse(self) -> None:
        kinds = "Corpora (*.safetensors)"
        path, _ = QFileDialog.getOpenFileName(self, "Structures to learn from", "", kinds)
        if path:
            self.corpus_edit.setText(path)

    def _start(self) -> None:
        corpus, name = self.corpus_edit.text().strip(), self.name_edit.text().strip()
        self.started.emit(self.recipe, corpus, model_name(name), self.minutes)


def recipes_listed() -> tuple[list[dict[str, Any]], str]:
    """What *List recipes* gives, and what has to be installed first."""
    found = all_jobs()["list_recipes"]()
    return found.recipes.records(), found.missing


def _words() -> QLabel:
    """A line or more of small text."""
    label = QLabel()
    label.setWordWrap(True)
    return label
