"""Picks written for other programs, read back before the file is kept, and what came of that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QToolButton, QWidget

from mapscope.errors import MapscopeError
from mapscope.files.particles import FORMATS, ParticlesFormat, SelfCheck
from mapscope.files.registry import write_and_check
from mapscope.particles import TOMOGRAM, TOMOGRAM_SHAPE, VERDICT, VOXEL_SIZE, Particles, in_tomogram
from mapscope.volume import Volume

FIRST = ("relion5", "relion4", "dynamo", "copick", "warp", "imod", "csv")
"""Formats that stand on top of the list."""
NO_SIZE = " Here: open the tomogram, or choose one of the list's tomograms, whose map is open."


class ExportButton(QWidget):
    """A button that exports in the format that was used last; an arrow lists the others.

    Parameters
    ----------
    particles : callable () -> (Particles, str)
        What is exported, and a name for it.
    """

    said = Signal(str)

    def __init__(
        self, particles: Callable[[], tuple[Particles, str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._particles = particles
        self.known = formats()
        self.format = self.known[0]
        self.check: SelfCheck | None = None
        """Of the file that was written last."""
        self.button, self.arrow = QPushButton(), QToolButton()
        self.arrow.setText("▾")
        self.arrow.setToolTip("Other formats.")
        self.arrow.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.button, stretch=1)
        row.addWidget(self.arrow)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for one in self.known:
            action = menu.addAction(f"{one.title}…")
            action.setToolTip(" ".join(one.suffixes))
            action.triggered.connect(lambda _=False, f=one: self.export(f))
        self.arrow.setMenu(menu)
        self.arrow.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        self.button.clicked.connect(lambda: self.export(self.format))
        self._show()

    def export(self, file_format: ParticlesFormat) -> None:
        """Ask for a file and write it."""
        self.format = file_format
        self._show()
        particles, name = self._particles()
        proposal = f"{name}{file_format.suffixes[0]}"
        kinds = f"{file_format.title} ({' '.join(f'*{s}' for s in file_format.suffixes)})"
        path, _ = QFileDialog.getSaveFileName(self, "Export picks", proposal, kinds)
        if not path:
            return
        try:
            self.said.emit(self._write(particles, Path(path), file_format))
        except (MapscopeError, OSError) as error:
            hint = "" if VOXEL_SIZE in particles.columns else NO_SIZE
            self.said.emit(f"Not exported: {error}.{hint}")

    def _write(self, particles: Particles, path: Path, file_format: ParticlesFormat) -> str:
        """Write a file; gives what is said of it."""
        written, self.check = write_and_check(path, particles, file_format=file_format.name)
        return f"{len(particles):,} picks in {written.name}, {self.check}."

    def _show(self) -> None:
        """Name the format."""
        self.button.setText(f"Export {short_title(self.format)}…")
        self.button.setToolTip(
            "Write the picks that are kept. The file is read back before it stays, and the "
            "largest displacement and rotation are told. The arrow lists other formats."
        )


def formats() -> list[ParticlesFormat]:
    """Formats that can be written, the usual ones first."""
    known = {one.name: one for one in FORMATS if one.writes}
    first = [known[name] for name in FIRST if name in known]
    return first + [one for one in known.values() if one not in first]


def short_title(file_format: ParticlesFormat) -> str:
    """A format's title without its suffix.

    Examples
    --------
    >>> [short_title(one) for one in formats()[:3]]
    ['RELION 5', 'RELION 4', 'Dynamo']
    """
    words = file_format.title.split()
    last = words[-1]
    return " ".join(words[:-1]) if len(words) > 1 and last in ("STAR", ".tbl") else " ".join(words)


def exported(particles: Particles, volume: Volume | None, tomogram: str) -> Particles:
    """Picks as they are written: with what files need to know of their tomogram.

    Parameters
    ----------
    particles : Particles
        What is kept.
    volume : Volume, optional
        Their tomogram, asked where the list does not say its size and is of one tomogram.
    tomogram : str
        Its name, taken where the list names none.
    """
    columns = {name: values for name, values in particles.columns.items() if name != VERDICT}
    particles = replace(particles, columns=columns)
    names = set(columns.get(TOMOGRAM, np.empty(0, dtype=str)).tolist())
    if volume is None or TOMOGRAM_SHAPE in columns or len(names) > 1:
        return particles  # of several tomograms one map does not tell the size
    return in_tomogram(particles, volume.grid, tomogram if names <= {""} else "")
