"""The rows that ask which atoms a zone is around, and how wide it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QLineEdit, QPushButton, QWidget

from mapscope.depiction.selection import EXAMPLES, select
from mapscope.errors import InputError, MapscopeError
from mapscope.structure import Structure
from mapscope.viewer.inputs import LayerChoice
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.controls import enable, length_box
from mapscope.viewer.runner import BACKGROUND, Run

NO_STRUCTURE = "Open a structure to make a zone around its atoms."
ALL = "all"
LONGEST = 1_000_000
"""Letters of a selection that may come from another dock."""


class ZonePanel(QWidget):
    """Structure, atoms, radius and a button.

    A selection that names nothing is said in one line.
    """

    pressed = Signal()
    said = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._run: Run | None = None
        self._is_refused = False
        self.structures = LayerChoice(Structure, optional=False)
        self.atoms = QLineEdit()
        self.atoms.setPlaceholderText("all atoms, or A/127, near 5 A/127")
        self.atoms.setClearButtonEnabled(True)
        self.atoms.setMaxLength(LONGEST)
        self.radius = length_box(0.5, 100.0, 4.0)
        self.button = QPushButton("Zone")
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addWidget(QLabel("Around"), 0, 0)
        rows.addWidget(self.structures, 0, 1, 1, 2)
        rows.addWidget(QLabel("Atoms"), 1, 0)
        rows.addWidget(self.atoms, 1, 1, 1, 2)
        rows.addWidget(QLabel("Within"), 2, 0)
        rows.addWidget(self.radius, 2, 1)
        rows.addWidget(self.button, 2, 2)
        rows.setColumnStretch(1, 1)
        rows.setColumnStretch(2, 1)
        self.button.clicked.connect(self.pressed)
        self.atoms.editingFinished.connect(self._check)
        self.structures.activated.connect(self._check)

    @property
    def selection(self) -> str:
        """The atoms in words that jobs understand."""
        return self.atoms.text().strip() or ALL

    def structure(self) -> Structure:
        """The structure that is chosen.

        Raises
        ------
        InputError
            If there is none, or its layer was moved by hand.
        """
        if self.structures.layer is None:
            raise InputError(NO_STRUCTURE)
        noun: Structure = noun_from_layer(self.structures.layer)
        return noun

    def fill(self, layers: Iterable[Any]) -> None:
        """Offer the structures among these layers."""
        self.structures.fill(layers)

    def explain(self, reason: str) -> None:
        """Make the controls grey and say why, or ready where there is no reason."""
        none = NO_STRUCTURE if self.structures.layer is None else ""
        enable(self.structures, none, "The structure whose atoms the zone is around.")
        enable(self.atoms, none, f"Which of its atoms; empty is all of them. {EXAMPLES}.")
        enable(self.radius, none, "Density farther than this from every atom becomes 0.")
        enable(self.button, reason or none, "Keep the density near these atoms, as a new layer.")

    def _check(self, *_: Any) -> None:
        """Find out beside the window whether the selection names something."""
        if self._run is not None:
            self._run.cancel()
        try:
            structure, words = self.structure(), self.selection
        except MapscopeError as error:
            self._refuse(error)
            return
        run = Run(lambda progress: select(structure, words))  # noqa: ARG005
        # Bound methods of a widget: Qt forgets the connections when the dock is closed.
        run.failed.connect(self._refuse)
        run.succeeded.connect(self._accept)
        self._run = run.start(BACKGROUND)

    def _refuse(self, error: Any) -> None:
        """Say what is wrong with the selection."""
        self._is_refused = True
        self.said.emit(" ".join(str(error).split()))

    def _accept(self, _found: Any) -> None:
        """Take back what was said against the selection before."""
        if self._is_refused:
            self._is_refused = False
            self.said.emit("")
