"""A button that makes an input of a job, such as a template, from a structure that is open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton

from mapscope.errors import MapscopeError
from mapscope.job import Job, Parameter
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.viewer.inputs import InputChoice, reason_for_kind
from mapscope.viewer.layers import base_name, noun_from_layer
from mapscope.viewer.workspace import Entry, workspace_of
from mapscope.volume import Volume


class MakeButton(QPushButton):
    """Makes an input by another job, in one click; out of sight where nothing can make it.

    Parameters
    ----------
    job : Job
        What makes it; it needs a structure, and takes the map of the form where it can.
    choice : InputChoice
        The input.
    viewer : napari.Viewer
        Where the structure is.
    """

    failed = Signal(object)
    made = Signal()
    """The input is there and chosen."""

    def __init__(self, job: Job, choice: InputChoice, viewer: Any) -> None:
        super().__init__(job.title)
        self.job, self.choice, self._viewer = job, choice, viewer
        self.entry: Entry | None = None
        """The run that was started last."""
        self._volume: Any = None
        self.clicked.connect(self.start)

    def refresh(self, volume: Any) -> None:
        """Be in sight as long as the input is empty and a structure is open.

        Parameters
        ----------
        volume : layer, optional
            The map of the form.
        """
        self._volume = volume
        structure = self._structure()
        self.setVisible(structure is not None and not self.choice.layers)
        if structure is not None:
            self.setText(f"{self.job.title} from {base_name(structure.name)}")
            self.setToolTip(self.job.summary)

    def start(self) -> None:
        """Make it, and choose it once it is there."""
        structure = self._structure()
        if structure is None:
            return
        try:
            values = self.job.check(**self._values(structure))
        except MapscopeError as error:
            self.failed.emit(error)
            return
        start = workspace_of(self._viewer).start
        self.entry = start(self.job, values, base_name(structure.name), structure)
        self.entry.run.failed.connect(self.failed)
        self.entry.run.ended.connect(self._end)
        self.setEnabled(False)

    def _end(self) -> None:
        """Choose what was made; it lies in a frame of its own, so the map is looked at further."""
        self.setEnabled(True)
        if self.entry is None or self.entry.state != "done":
            return
        noun = self.entry.nouns.get(self.job.outputs[0].name)
        for layer in self.choice.choices[0].listed():
            if noun is not None and noun_from_layer(layer) is noun:
                layer.visible = False
                self.choice.choose(layer)
                if self._volume in self._viewer.layers:
                    self._viewer.layers.selection.active = self._volume
                self.made.emit()

    def _structure(self) -> Any:
        """The layer of the structure that was opened last, or None."""
        layers = self._viewer.layers
        return next((la for la in reversed(layers) if not reason_for_kind(la, Structure)), None)

    def _values(self, structure: Any) -> dict[str, Any]:
        """What the job is given: the structure, and the map of the form where it takes one."""
        nouns = {Structure: structure, Volume: self._volume}
        given = {p.name: nouns.get(p.noun) for p in self.job.inputs if p.noun is not None}
        return {name: noun_from_layer(la) for name, la in given.items() if la is not None}


def makers_of(choices: Iterable[InputChoice], viewer: Any) -> list[MakeButton]:
    """A button for each input that may be left out and that a structure alone can give."""
    found = ((maker_of(choice.parameter), choice) for choice in choices)
    return [MakeButton(job, choice, viewer) for job, choice in found if job is not None]


def maker_of(parameter: Parameter) -> Job | None:
    """The job that makes an input that may be left out from a structure alone, or None."""
    if not parameter.optional:
        return None
    return next((job for job in all_jobs().values() if _makes(job, parameter)), None)


def _makes(job: Job, parameter: Parameter) -> bool:
    """Whether a job needs nothing but a structure and gives what an input is called."""
    first = job.outputs[0]
    needs = [p.noun for p in job.inputs if p.required]
    return (first.name, first.noun) == (parameter.name, parameter.noun) and needs == [Structure]
