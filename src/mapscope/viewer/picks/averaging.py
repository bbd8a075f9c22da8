"""The average of the picks that are kept, with its FSC in the Plot dock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from mapscope.errors import MapscopeError
from mapscope.jobs import all_jobs
from mapscope.viewer.layers import tag_of
from mapscope.viewer.workspace import Entry, workspace_of

JOB = "average_particles"
TIP = "Cut out and average the picks that are kept, and draw the half-set FSC in the Plot dock."


class AverageButton(QPushButton):
    """Runs the job on what is kept.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    inputs : callable () -> (mapping of str to object, str)
        The job's inputs and parameters by name, and what the results are named after. May raise a
        `MapscopeError` that says why there are none.
    """

    said = Signal(str)
    averaged = Signal(object)
    """The run that is done, an `Entry`."""

    def __init__(
        self,
        viewer: Any,
        inputs: Callable[[], tuple[Mapping[str, Any], str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Average", parent)
        self._viewer, self._inputs = viewer, inputs
        self._reason = ""
        self._active: Any = None
        self.entry: Entry | None = None
        """The run that was started last."""
        self.clicked.connect(self.start)

    def refresh(self, reason: str) -> None:
        """Grey where there is a reason against it."""
        self._reason = reason
        is_running = self.entry is not None and self.entry.state == "running"
        self.setEnabled(not reason and not is_running)
        self.setToolTip(reason or TIP)

    def start(self) -> None:
        """Average what is kept now."""
        try:
            values, name = self._inputs()
        except MapscopeError as error:
            self.said.emit(f"Not averaged: {error}.")
            return
        # Beside no layer: the average would take the place of the tomogram in the view.
        self.entry = workspace_of(self._viewer).start(all_jobs()[JOB], values, name, None)
        run = self.entry.run
        run.progressed.connect(lambda share, _: self.setText(f"Averaging {share:.0%}"))
        self._active = self._viewer.layers.selection.active
        run.ended.connect(self._end)
        self.setEnabled(False)
        self.setText("Averaging…")
        self.said.emit(f"{len(values['particles']):,} picks are being averaged.")

    def _end(self) -> None:
        """Say what came of it."""
        self.setText("Average")
        self.refresh(self._reason)
        entry = self.entry
        if entry is None or entry.state == "running":
            return
        if entry.state == "done":
            self._put_aside(entry)
            self.averaged.emit(entry)
        self.said.emit(entry.message or "The average is a layer, hidden; its FSC is in Plot.")

    def _put_aside(self, entry: Entry) -> None:
        """Hide the new layers, which lie in the tomogram's corner, and go on with the picks."""
        nouns = list(map(id, entry.nouns.values()))
        for layer in self._viewer.layers:
            tag = tag_of(layer)
            if tag is not None and id(tag.noun) in nouns:
                layer.visible = False
        if self._active in self._viewer.layers:
            self._viewer.layers.selection.active = self._active
