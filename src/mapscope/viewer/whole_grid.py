"""The grid of the map that a form would make, where no map among its inputs says it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from mapscope.errors import MapscopeError
from mapscope.job import Job
from mapscope.progress import Progress
from mapscope.viewer.runner import BACKGROUND, Run
from mapscope.volume import Grid

DELAY = 100
"""Milliseconds of rest before a change is looked at."""


class WholeGrid(QObject):
    """Asks a job for the grid of its whole map, beside the window; the newest question wins.

    Parameters
    ----------
    job : Job
        A job with a `grid`.
    values : callable () -> dict
        Gives the nouns and parameters of the form.
    """

    found = Signal(object)
    """The grid, or None where there is none with these values."""

    def __init__(self, job: Job, values: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self.job = job
        self.grid: Grid | None = None
        self._values = values
        self._run: Run | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask)

    def request(self) -> None:
        """Ask again soon."""
        self._timer.start(DELAY)

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._run = None

    def _ask(self) -> None:
        """Start the newest question in the worker thread."""
        try:
            values = self.job.check(**self._values())
        except MapscopeError:
            self._tell(None)
            return
        run = self._run = Run(partial(_grid, self.job, values))
        run.succeeded.connect(lambda grid: self._hear(run, grid))
        run.failed.connect(lambda _error: self._hear(run, None))
        run.start(BACKGROUND)

    def _hear(self, run: Run, grid: Grid | None) -> None:
        """Take the answer to the newest question."""
        if run is self._run:
            self._tell(grid)

    def _tell(self, grid: Grid | None) -> None:
        self.grid = grid
        self.found.emit(grid)


def _grid(job: Job, values: dict[str, Any], progress: Progress) -> Grid:
    """In the worker thread: what the job says."""
    del progress
    return job.region_grid(values)
