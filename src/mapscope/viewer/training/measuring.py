"""How long a step of a recipe takes here: measured once for each recipe, then remembered."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import MapscopeError
from mapscope.jobs import all_jobs
from mapscope.jobs.training.measure_recipe import known_numbers
from mapscope.viewer.runner import ProcessRun
from mapscope.viewer.workspace import Workspace

DELAY = 0.4
"""Seconds that a recipe has to be chosen for before it is measured."""

JOB = "measure_recipe"


class Measuring(QObject):
    """Asks *Measure recipe*, in a process of its own, for one recipe after the other.

    Parameters
    ----------
    workspace : Workspace
        Starts the process.
    """

    measured = Signal(str, object)

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.run: ProcessRun | None = None
        self._wanted = self._measuring = ""
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(round(1000 * DELAY))
        self._timer.timeout.connect(self._measure)

    def ask(self, recipe: str) -> None:
        """Tell `measured` the numbers of a recipe, at once where they are known."""
        self._wanted = recipe
        self._timer.stop()
        try:
            known = known_numbers(recipe)
        except (MapscopeError, OSError) as error:
            self.measured.emit(recipe, error)
            return
        if known is None:
            self._timer.start()
        else:
            self.measured.emit(recipe, known)

    def end(self, *_: Any) -> None:
        """Measure no more."""
        with suppress(RuntimeError):  # the window took the timer with it
            self._timer.stop()
        if self.run is not None:
            self.run.leave()

    def _measure(self) -> None:
        """Begin, unless one is being measured; then the last one wanted comes after it."""
        if self.run is not None or not self._wanted:
            return
        self._measuring = recipe = self._wanted
        job = all_jobs()[JOB]
        self.run = self.workspace.process(job, job.check(recipe=recipe), recipe)
        self.run.succeeded.connect(lambda outcome: self.measured.emit(recipe, outcome.scalars))
        self.run.failed.connect(lambda error: self.measured.emit(recipe, error))
        self.run.ended.connect(self._next)

    def _next(self) -> None:
        """Measure the recipe that was chosen meanwhile, where it is another."""
        self.run = None
        if self._wanted != self._measuring:
            self.ask(self._wanted)
