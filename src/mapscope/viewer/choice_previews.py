"""The row of a form that shows what each value of a choice would give, before it is run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from mapscope.errors import MapscopeError
from mapscope.job import Job, in_words
from mapscope.parameter import Parameter
from mapscope.viewer.choice_pictures import EDGE, Picture, box_of, pictures_of
from mapscope.viewer.preview import centre_of_view, is_same
from mapscope.viewer.runner import Run, cancel_all
from mapscope.viewer.settings import Setting

SIDE = 104
"""Width and height of a picture in the form, in pixels."""

AT_ONCE = 320**3
"""Voxels of a map up to which the pictures are there without being asked for."""

CHOSEN = "QToolButton:checked {border: 2px solid #3b9cff; border-radius: 4px}"


class ChoicePreviews(QWidget):
    """A button that asks the job for a small box at each value, and the pictures that come.

    A click on a picture chooses its value. What is computed is stopped by the same button, or
    when the pictures would no longer be those of what stands in the form.

    Parameters
    ----------
    job : Job
        A job whose parameter can be previewed.
    choice : Parameter
        That parameter.
    viewer : napari.Viewer
        Says where the box lies.
    values : callable () -> dict
        Gives the nouns and parameters of the form.
    """

    chosen = Signal(str)
    failed = Signal(object)
    made = Signal()
    began = Signal()

    def __init__(
        self, job: Job, choice: Parameter, viewer: Any, values: Callable[[], dict[str, Any]]
    ) -> None:
        super().__init__()
        self.job, self.choice, self.viewer = job, choice, viewer
        self._values = values
        self._runs: list[Run] = []
        self._asked: tuple[Any, ...] | None = None
        self._title = f"Preview {choice.label.lower()}s"
        self.button = QPushButton(self._title)
        self.button.setToolTip(
            f"Show {_listed(choice.choices)} side by side, in a box of {EDGE} voxels "
            "where you look."
        )
        self.pictures = {value: self._picture_button(value) for value in choice.choices}
        self._strip = QWidget()
        strip = QHBoxLayout(self._strip)
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(4)
        for button in self.pictures.values():
            strip.addWidget(button)
        self._strip.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._strip)
        self.button.clicked.connect(self._start_or_cancel)
        self.destroyed.connect(partial(cancel_all, self._runs))

    @property
    def is_running(self) -> bool:
        """Whether pictures are in the making."""
        return bool(self._runs)

    @property
    def has_pictures(self) -> bool:
        """Whether there are pictures of what stands in the form."""
        return not self._strip.isHidden()

    def start(self) -> None:
        """Ask the job, beside the window; what keeps it from that is told by `failed`."""
        self.stop()
        try:
            values = self.job.check(**self._values())
            box = box_of(values["region"], self.job, values, centre_of_view(self.viewer))
        except MapscopeError as error:
            self.failed.emit(error)
            return
        self.began.emit()
        self._asked = _fingerprint(values, self.choice)
        run = Run(partial(pictures_of, self.job, values, self.choice, box))
        self._runs.append(run)
        run.succeeded.connect(partial(self._show, run))
        run.failed.connect(partial(self._fail, run))
        run.ended.connect(partial(self._rest, run))
        run.progressed.connect(partial(self._say_progress, run))
        self.button.setText(f"Cancel: {self._title.lower()}")
        run.start()

    def start_if_quick(self) -> None:
        """Ask by itself, where the inputs are complete and not so large that it takes long."""
        try:
            values = self.job.check(**self._values())
            voxels = math.prod(self.job.region_grid(values).shape)
        except MapscopeError:
            return
        if voxels <= AT_ONCE:
            self.start()

    def stop(self) -> None:
        """Ask for no pictures any more; those that are there stay."""
        if self._runs:
            cancel_all(self._runs)
            self.button.setText(self._title)

    def forget_others(self) -> None:
        """Take the pictures away unless they are of what stands in the form now."""
        if self._asked is None:
            return
        try:
            now = _fingerprint(self.job.check(**self._values()), self.choice)
        except MapscopeError:
            now = ()
        if not _are_equal(now, self._asked):
            self.stop()
            self._asked = None
            self._strip.setVisible(False)

    def follow(self, setting: Setting) -> None:
        """Let a click on a picture set the choice, and mark the picture of what is chosen."""
        self.chosen.connect(partial(setattr, setting, "value"))
        setting.changed.connect(lambda: self.mark(setting.value))
        self.mark(setting.value)

    def mark(self, value: str) -> None:
        """Show which value stands in the form."""
        for name, button in self.pictures.items():
            button.setChecked(name == value)

    def _picture_button(self, value: str) -> QToolButton:
        """A picture with its value below it."""
        button = QToolButton()
        button.setText(in_words(value))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(SIDE, SIDE))
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setStyleSheet(CHOSEN)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setToolTip(f"Choose {value}.")
        button.clicked.connect(partial(self._choose, value))
        return button

    def _choose(self, value: str, _is_down: bool = True) -> None:
        self.mark(value)
        self.chosen.emit(value)

    def _start_or_cancel(self) -> None:
        if self.is_running:
            self.stop()
        else:
            self.start()

    def _say_progress(self, run: Run, share: float, _message: str) -> None:
        if run in self._runs:
            self.button.setText(f"Cancel: {self._title.lower()}, {share:.0%}".replace("%", " %"))

    def _show(self, run: Run, pictures: Mapping[str, Picture]) -> None:
        """Show the pictures unless they were given up meanwhile."""
        if run not in self._runs:
            return
        for value, picture in pictures.items():
            self.pictures[value].setIcon(_icon(picture))
        self._strip.setVisible(True)
        self.made.emit()

    def _fail(self, run: Run, error: Exception) -> None:
        if run in self._runs:
            self.failed.emit(error)

    def _rest(self, run: Run) -> None:
        """The button starts again what it would have stopped."""
        if run in self._runs:
            self._runs.remove(run)
            self.button.setText(self._title)


def choice_previews_of(
    job: Job, viewer: Any, values: Callable[[], dict[str, Any]]
) -> ChoicePreviews | None:
    """Previews of the one choice of a job that can be previewed; None where there is none."""
    choice = next((p for p in job.settings if p.show.preview), None)
    return None if choice is None else ChoicePreviews(job, choice, viewer, values)


def _icon(picture: Picture) -> QIcon:
    """A picture (y, x, 4) as an icon that stays as it is when it is pressed or grey."""
    height, width, _ = picture.shape
    data = np.ascontiguousarray(picture)
    image = QImage(data.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
    smooth = Qt.TransformationMode.SmoothTransformation
    keep = Qt.AspectRatioMode.KeepAspectRatio
    return QIcon(QPixmap.fromImage(image.scaled(QSize(2 * SIDE, 2 * SIDE), keep, smooth)))


def _fingerprint(values: Mapping[str, Any], choice: Parameter) -> tuple[Any, ...]:
    """What pictures depend on: every value but that of the choice."""
    return tuple(value for name, value in values.items() if name != choice.name)


def _are_equal(values: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
    """Whether two fingerprints hold the very same nouns and equal parameters."""
    return len(values) == len(others) and all(map(is_same, values, others))


def _listed(words: tuple[str, ...]) -> str:
    """Words with commas and an *and*."""
    return f"{', '.join(words[:-1])} and {words[-1]}"
