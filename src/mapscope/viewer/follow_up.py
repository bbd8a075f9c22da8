"""A live job that goes on from a result: its slider, a region at once, and all of it on demand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from mapscope.errors import InputError, MapscopeError
from mapscope.job import Job, in_words
from mapscope.viewer.inputs import InputChoice, choose_defaults
from mapscope.viewer.layers import base_name, role_of, tag_of
from mapscope.viewer.partners import is_of_same_run
from mapscope.viewer.preview import Preview
from mapscope.viewer.settings import Setting
from mapscope.viewer.workspace import Entry, workspace_of


class FollowUp(QWidget):
    """The slider of a live job whose inputs are the layers of one result.

    Parameters
    ----------
    job : Job
        A live job with a slider.
    viewer : napari.Viewer
        Where the layers are.
    """

    failed = Signal(object)
    progressed = Signal(float, str)
    began = Signal()
    ended = Signal()

    def __init__(self, job: Job, viewer: Any) -> None:
        super().__init__()
        self.job, self.viewer = job, viewer
        self.anchor: Any = None
        self.entry: Entry | None = None
        self.inputs = [InputChoice(p) for p in job.inputs]
        self.setting = Setting(next(p for p in job.settings if p.show.slider is not None))
        self.preview = Preview(job, viewer, self.values)
        self.apply_button = QPushButton("Apply")
        self.apply_button.setToolTip(f"{job.title}: all of the map, as a layer of its own.")
        ends = [in_words(choice.parameter.name) for choice in self.inputs[:2]]
        label = QLabel(f"{ends[0]} ⇄ {ends[1].lower()}")
        label.setToolTip(self.setting.parameter.help)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label)
        row.addWidget(self.setting.row, stretch=1)
        row.addWidget(self.apply_button)
        self.setting.changed.connect(self.preview.request)
        self.apply_button.clicked.connect(self._apply_or_cancel)
        self.preview.failed.connect(self.failed)
        self.destroyed.connect(self.preview.cancel)

    @property
    def is_running(self) -> bool:
        """Whether all of the map is in the making."""
        return self.entry is not None and not self.entry.run.is_over

    @property
    def shown(self) -> Any:
        """The layer of what came out last; before that the first one of the result."""
        nouns = [] if self.entry is None else list(self.entry.nouns.values())[:1]
        made = [la for la in self.viewer.layers if nouns and shows(la, nouns[0])]
        return made[0] if made else self.anchor

    def begin(self, anchor: Any, scalars: Mapping[str, Any]) -> None:
        """Be about the result whose first layer this is; its slider begins where that stands.

        Parameters
        ----------
        anchor : layer
            The first layer of the result.
        scalars : mapping of str to value
            Numbers of the result; one may be called like the slider.
        """
        self.preview.stop()
        self.anchor, self.entry = anchor, None
        value = scalars.get(self.setting.parameter.name)
        if value is not None:
            with self.setting.editor.changed.blocked():
                self.setting.value = value

    def values(self) -> dict[str, Any]:
        """Nouns and parameters; what the job requires are layers of the one result.

        Raises
        ------
        MapscopeError
            If one of these was closed, or an input does not fit.
        """
        layers = list(self.viewer.layers)
        for choice in self.inputs:
            choice.fill(layers)
        choose_defaults(self.inputs, layers, self.anchor)
        self._require_result()
        nouns = {choice.parameter.name: choice.noun() for choice in self.inputs}
        given = {name: noun for name, noun in nouns.items() if noun is not None}
        return given | {self.setting.parameter.name: self.setting.value}

    def _require_result(self) -> None:
        """Raise where a layer of the result is needed that is no longer open.

        Raises
        ------
        InputError
            Naming it.
        """
        for choice in self.inputs:
            name, layers = choice.parameter.name, choice.layers
            is_of_result = [
                role_of(la) == name and is_of_same_run(la, self.anchor) for la in layers
            ]
            if choice.parameter.required and not (layers and all(is_of_result)):
                raise InputError(
                    f"{self.job.title} needs the {name} of this result, which was closed: run the "
                    "job again"
                )

    def stop(self) -> None:
        """Take the region away and compute no more of it."""
        self.preview.stop()

    def _apply_or_cancel(self) -> None:
        if self.is_running:
            assert self.entry is not None
            self.entry.run.cancel()
        else:
            self.apply()

    def apply(self) -> None:
        """Compute all of the map; what keeps it from that is told by `failed`."""
        try:
            values = self.job.check(**self.values())
        except MapscopeError as error:
            self.failed.emit(error)
            return
        self.preview.stop()
        seen = self.shown
        self.entry = workspace_of(self.viewer).start(self.job, values, base_name(seen.name), seen)
        run = self.entry.run
        run.progressed.connect(self.progressed)
        run.failed.connect(self.failed)
        run.ended.connect(self._rest)
        self.window().destroyed.connect(run.leave)
        self.apply_button.setText("Cancel")
        self.began.emit()

    def _rest(self) -> None:
        """Apply is there again."""
        self.apply_button.setText("Apply")
        self.ended.emit()


def shows(layer: Any, noun: Any) -> bool:
    """Whether a layer shows this very noun."""
    tag = tag_of(layer)
    return tag is not None and tag.noun is noun
