"""One training at close range: how far it is, its curves, its samples, and its buttons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.viewer.training.curves import CurvesPlot
from mapscope.viewer.training.look import RUNNING, Look
from mapscope.viewer.training.new_panel import LONGEST
from mapscope.viewer.training.samples import SamplesPanel
from mapscope.viewer.training.trainings import Trainings

STATES = {
    RUNNING: "runs",
    "ended": "has ended",
    "stopped": "was stopped",
    "interrupted": "was interrupted",
    "failed": "failed",
}
WHAT_TO_DO = {
    "interrupted": "Its process is gone without a word. Resume goes on from what it last wrote.",
    "stopped": "Resume goes on as if it had never stopped.",
}
IN_SHELL = "It was started in a shell: stop it there with Ctrl+C."


class ProgressPanel(QWidget):
    """What there is to see of the training that is chosen.

    Parameters
    ----------
    trainings : Trainings
        Where it comes from.
    """

    sample_asked = Signal(object, int)

    def __init__(self, trainings: Trainings) -> None:
        super().__init__()
        self.trainings = trainings
        self.headline = QLabel()
        self.headline.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.stop_button = QPushButton("Stop")
        self.stop_button.setToolTip("Stop, and keep the best weights as a model.")
        self.stop_button.setEnabled(False)
        self.resume_button = QPushButton("Resume")
        self.resume_button.setToolTip("Go on from where it stands, with the same result.")
        self.more_box = QDoubleSpinBox()
        self.more_box.setRange(0.1, LONGEST)
        self.more_box.setDecimals(1)
        self.more_box.setValue(10.0)
        self.more_box.setPrefix("for ")
        self.more_box.setSuffix(" min more")
        self.more_box.setToolTip("How much longer a training that has ended shall go on.")
        self.plot = CurvesPlot()
        self.samples = SamplesPanel()
        self.said = QLabel()
        self.said.setWordWrap(True)
        buttons = QHBoxLayout()
        for widget in (self.stop_button, self.resume_button, self.more_box):
            buttons.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.headline)
        layout.addWidget(self.bar)
        layout.addLayout(buttons)
        layout.addWidget(self.plot)
        layout.addWidget(self.said)
        layout.addWidget(self.samples)
        self.setVisible(False)
        self.stop_button.clicked.connect(self._stop)
        self.resume_button.clicked.connect(self._resume)
        self.samples.asked.connect(self._ask_sample)
        trainings.progressed.connect(self._progressed)

    @property
    def folder(self) -> Path | None:
        """Folder of the training that is shown."""
        return self.trainings.chosen

    def show_look(self, seen: Look) -> None:
        """Show what was seen of the training that is chosen."""
        shown = seen.shown if seen.chosen == self.folder else None
        if shown is None or seen.chosen is None:
            self._show_beginning()
            return
        self.setVisible(True)
        self.headline.setText(f"<b>{seen.chosen.name}</b> {headline(shown)}")
        self.headline.setToolTip(str(seen.chosen))
        self.plot.setVisible(len(shown.curves) > 0)
        self.plot.show_curves(shown.curves)
        text = WHAT_TO_DO.get(shown.state, shown.said if shown.state == "failed" else "")
        self.said.setText(text)
        self.said.setVisible(bool(text))
        if seen.samples is not None:
            self.samples.show_samples(seen.samples)
        self._enable(seen.chosen, shown)

    def _show_beginning(self) -> None:
        """Show a training that has not written anything yet; nothing where there is none."""
        folder = self.folder
        is_beginning = folder is not None and self.trainings.is_followed(folder)
        self.setVisible(is_beginning)
        if folder is None or not is_beginning:
            return
        self.headline.setText(f"<b>{folder.name}</b> begins")
        for widget in (self.plot, self.said, self.samples, self.resume_button, self.more_box):
            widget.setVisible(False)
        self.bar.setVisible(True)
        self.stop_button.setVisible(True)
        self.stop_button.setEnabled(self.trainings.can_stop(folder))

    def _enable(self, folder: Path, shown: Any) -> None:
        """Only the buttons that do something now."""
        is_running = shown.state == RUNNING or self.trainings.is_followed(folder)
        is_stopping = self.trainings.is_stopping(folder)
        self.bar.setVisible(is_running)
        self.stop_button.setVisible(is_running)
        self.stop_button.setText("Stopping…" if is_stopping else "Stop")
        self.stop_button.setEnabled(self.trainings.can_stop(folder))
        can_ever_stop = self.trainings.is_followed(folder)
        self.stop_button.setToolTip(
            "Stop, and keep the best weights as a model." if can_ever_stop else IN_SHELL
        )
        self.resume_button.setVisible(not is_running)
        has_ended = shown.state == "ended"
        self.resume_button.setText("Train longer" if has_ended else "Resume")
        self.more_box.setVisible(has_ended and not is_running)

    def _progressed(self, folder: Path, share: float, message: str) -> None:
        if folder == self.folder:
            self.bar.setValue(round(1000 * share))
            self.bar.setFormat("%p%" if message in ("", "training") else f"{message[:40]} %p%")

    def _stop(self) -> None:
        if self.folder is not None:
            self.trainings.stop(self.folder)
            self.stop_button.setText("Stopping…")
            self.stop_button.setEnabled(False)

    def _resume(self) -> None:
        if self.folder is None:
            return
        minutes = None
        shown = self.trainings.last.shown
        if self.more_box.isVisibleTo(self) and shown is not None:
            minutes = shown.minutes + self.more_box.value()
        self.trainings.resume(self.folder, minutes)

    def _ask_sample(self, number: int) -> None:
        if self.folder is not None:
            self.sample_asked.emit(self.folder, number)


def headline(shown: Any) -> str:
    """State, time and scores of a training in a line."""
    limit = "" if shown.most_minutes is None else f" of {shown.most_minutes:g}"
    parts = [STATES.get(shown.state, shown.state)]
    parts.append(f"step {shown.steps:,}, {shown.minutes:.1f}{limit} min")
    if shown.validation_loss is not None:
        parts.append(f"loss {shown.validation_loss:.3g} (trivial {shown.trivial_loss:.3g})")
    if shown.accuracy is not None:
        parts.append(f"{shown.accuracy:.1%} right")
    if shown.correlation is not None:
        parts.append(f"correlation {shown.correlation:.3f} (input {shown.input_correlation:.3f})")
    if shown.kept:
        parts.append(f"model {shown.kept}")
    return " · ".join(parts)
