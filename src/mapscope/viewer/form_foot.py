"""The foot of a form: its buttons, how far a run is, how long it takes, what came out."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from mapscope.errors import MapscopeError


class FormButtons(QWidget):
    """Run, which becomes Cancel, Save, and Save report once there is something to report.

    Parameters
    ----------
    is_probe : bool
        Whether the job is run by clicks in the view.
    """

    def __init__(self, *, is_probe: bool) -> None:
        super().__init__()
        self.run, self.save, self.report = (
            QPushButton(text) for text in ("Run", "Save…", "Save report…")
        )
        self.save.setToolTip("Write the result to a file, with the record of this run.")
        self.save.setEnabled(False)
        self.report.setToolTip("All of the result on one HTML page, with its plots.")
        if is_probe:
            self.run.setText("Click in the view")
            self.run.setCheckable(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.run, stretch=2)
        row.addWidget(self.save, stretch=1)
        row.addWidget(self.report, stretch=1)
        self.report.setVisible(False)

    @property
    def parts(self) -> tuple[QPushButton, QPushButton, QPushButton]:
        """Run, Save and Save report."""
        return self.run, self.save, self.report


class FormFoot(QWidget):
    """Estimate, bar and message of a job's form, below what scrolls.

    Parameters
    ----------
    title : str
        The job's name in words.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.estimate, self.message = QLabel(), QLabel()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.bar, self.estimate, self.message):
            layout.addWidget(widget)
        for label in (self.estimate, self.message):
            label.setWordWrap(True)
        for hidden in (self.bar, self.message):
            hidden.setVisible(False)

    @property
    def parts(self) -> tuple[QLabel, QProgressBar, QLabel]:
        """Estimate, bar and message."""
        return self.estimate, self.bar, self.message

    def say(self, text: str, tip: str = "") -> None:
        """Show a line; the estimate takes its place while there is none."""
        self.message.setText(text)
        self.message.setToolTip(tip)
        self.message.setVisible(bool(text))
        self.estimate.setVisible(not text)

    def say_error(self, error: BaseException) -> None:
        """Show one readable sentence."""
        text = " ".join(str(error).split()) or type(error).__name__
        if not isinstance(error, MapscopeError):
            text = f"{self._title} failed: {type(error).__name__}: {text}"
        self.say(f'<span style="color:#ff7b72">{escape(text)}</span>')

    def begin(self) -> None:
        """Show the bar, at its beginning."""
        self.bar.setValue(0)
        self.bar.setVisible(True)
        self.estimate.setVisible(False)

    def show_progress(self, share: float, message: str) -> None:
        """Show how far it is."""
        self.bar.setValue(round(1000 * share))
        self.bar.setFormat(f"{message} %p%" if message else "%p%")

    def end(self) -> None:
        """Hide the bar."""
        self.bar.setVisible(False)
