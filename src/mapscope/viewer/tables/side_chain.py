"""Density around the side chain of a residue that was chosen, computed beside the window."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from mapscope.depiction.residues import residues_of
from mapscope.jobs import all_jobs
from mapscope.structure import Structure
from mapscope.viewer.runner import Run
from mapscope.volume import Volume

QUEUE = "side chain"
JOB = "chi1_curve"


class SideChainCurve(QObject):
    """Runs the probe job of χ1 for one residue after another; the newest request wins.

    `found` gives the curve as a table, `failed` the reason why there is none.
    """

    found = Signal(object)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._run: Run | None = None

    def request(self, structure: Structure, volume: Volume, residue: int) -> None:
        """Ask for the curve of a residue, given by its index."""
        self.cancel()
        z, y, x = structure.positions[residues_of(structure).atoms(residue)][0].tolist()
        job, place = all_jobs()[JOB], (float(z), float(y), float(x))
        run = Run(
            lambda progress: job(structure, volume, position=place, progress=progress),
        )
        run.succeeded.connect(self.found)
        run.failed.connect(self.failed)
        self._run = run.start(QUEUE)

    def cancel(self, *_: Any) -> None:
        """Want no curve any more."""
        if self._run is not None:
            self._run.cancel()
            self._run = None
