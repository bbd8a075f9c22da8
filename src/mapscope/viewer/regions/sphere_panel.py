"""The rows of the eraser: a sphere, where it is, and which side of it is erased."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from mapscope.viewer.regions.controls import FARTHEST, beside, enable, length_box
from mapscope.viewer.regions.sphere import Sphere

NOT_PLACED = "Place the sphere first."
AXES = ("z", "y", "x")


class SpherePanel(QWidget):
    """Shows where the sphere is, and moves it.

    Parameters
    ----------
    sphere : Sphere
        The sphere.
    """

    placed = Signal()
    erased = Signal(str)

    def __init__(self, sphere: Sphere) -> None:
        super().__init__()
        self.sphere = sphere
        self.place_button = QPushButton("Place sphere")
        self.done_button = QPushButton("Done")
        self.radius = length_box(0.5, 10_000.0, sphere.radius)
        self.centre = [length_box(-FARTHEST, FARTHEST, 0.0) for _ in AXES]
        self.inside_button = QPushButton("Erase inside")
        self.outside_button = QPushButton("Erase outside")
        self._lay_out()
        self.place_button.clicked.connect(self.placed)
        self.done_button.clicked.connect(sphere.take_away)
        self.inside_button.clicked.connect(lambda: self.erased.emit("inside"))
        self.outside_button.clicked.connect(lambda: self.erased.emit("outside"))
        self.radius.valueChanged.connect(sphere.resize)
        for box in self.centre:
            box.valueChanged.connect(self._move)
        sphere.changed.connect(self.refresh)

    def _lay_out(self) -> None:
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(beside(self.place_button, self.done_button), 0, 0, 1, 3)
        rows.addWidget(QLabel("Radius"), 1, 0)
        rows.addWidget(self.radius, 1, 1, 1, 2)
        rows.addWidget(QLabel("Centre z, y, x"), 2, 0, 1, 3)
        for k, box in enumerate(self.centre):
            rows.addWidget(box, 3, k)
            rows.setColumnStretch(k, 1)
        rows.addLayout(beside(self.inside_button, self.outside_button), 4, 0, 1, 3)

    def refresh(self) -> None:
        """Show where the sphere is."""
        blocked = [QSignalBlocker(box) for box in (self.radius, *self.centre)]
        self.radius.setValue(self.sphere.radius)
        for box, value in zip(self.centre, self.sphere.centre, strict=True):
            box.setValue(value)
        del blocked

    def explain(self, reason: str) -> None:
        """Make the controls grey and say why, or ready where there is no reason."""
        is_placed = self.sphere.is_placed
        enable(
            self.place_button,
            reason,
            "Show a sphere in the middle of the view. Drag it; Esc puts it away.",
        )
        none = "" if is_placed else NOT_PLACED
        enable(self.done_button, none, "Put the sphere away (Esc).")
        enable(self.radius, "", "Radius of the sphere.")
        for box, axis in zip(self.centre, AXES, strict=True):
            enable(box, none, f"Position of the sphere's centre along {axis}.")
        enable(self.inside_button, reason or none, "Set density inside the sphere to 0.")
        enable(self.outside_button, reason or none, "Set density outside the sphere to 0.")

    def _move(self, *_: Any) -> None:
        """Put the sphere where the fields say; what they round away stays."""
        old = self.sphere.centre
        new = [box.value() for box in self.centre]
        self.sphere.move(
            [a if round(a, 1) == b else b for a, b in zip(old, new, strict=True)],
        )
