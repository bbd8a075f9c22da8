"""The rows of the box: its voxels, its lengths, and what is done with it."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QApplication, QGridLayout, QLabel, QPushButton, QWidget

from mapscope.viewer.regions.box import CropBox
from mapscope.viewer.regions.controls import FARTHEST, beside, enable, length_box, voxel_box

NOT_PLACED = "Place the box first."
AXES = ("z", "y", "x")
HEADS = ("from voxel", "up to", "length")


class BoxPanel(QWidget):
    """Shows where the box is, and moves its faces.

    Parameters
    ----------
    box : CropBox
        The box.
    """

    placed = Signal()
    cropped = Signal()
    said = Signal(str)

    def __init__(self, box: CropBox) -> None:
        super().__init__()
        self.box = box
        self.place_button = QPushButton("Place box")
        self.done_button = QPushButton("Done")
        self.lower = [voxel_box() for _ in AXES]
        self.upper = [voxel_box() for _ in AXES]
        self.lengths = [length_box(0.0, FARTHEST, 0.0) for _ in AXES]
        self.crop_button = QPushButton("Crop")
        self.copy_button = QPushButton("Copy region")
        self._lay_out()
        self.place_button.clicked.connect(self.placed)
        self.done_button.clicked.connect(box.take_away)
        self.crop_button.clicked.connect(self.cropped)
        self.copy_button.clicked.connect(self.copy)
        for field in (*self.lower, *self.upper):
            field.valueChanged.connect(self._move)
        for axis, length in enumerate(self.lengths):
            length.valueChanged.connect(partial(self._resize, axis))
        box.changed.connect(self.refresh)

    def _lay_out(self) -> None:
        rows = QGridLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.addLayout(beside(self.place_button, self.done_button), 0, 0, 1, 4)
        for k, head in enumerate(HEADS):
            rows.addWidget(QLabel(head), 1, k + 1, Qt.AlignmentFlag.AlignHCenter)
            rows.setColumnStretch(k + 1, 1)
        for axis, name in enumerate(AXES):
            rows.addWidget(QLabel(name), axis + 2, 0)
            for k, field in enumerate((self.lower, self.upper, self.lengths)):
                rows.addWidget(field[axis], axis + 2, k + 1)
        rows.addLayout(beside(self.crop_button, self.copy_button), 5, 0, 1, 4)

    @property
    def _fields(self) -> list[Any]:
        return [*self.lower, *self.upper, *self.lengths]

    def refresh(self) -> None:
        """Show where the box is."""
        blocked = [QSignalBlocker(field) for field in self._fields]
        region, grid = self.box.region, self.box.grid
        for axis, size in enumerate(self.box.size):
            step = grid.voxel_size[axis]
            self.lower[axis].setRange(0, region.upper[axis] - 1)
            self.upper[axis].setRange(region.lower[axis] + 1, grid.shape[axis])
            self.lengths[axis].setRange(step, grid.extent[axis])
            self.lengths[axis].setSingleStep(step)
            self.lower[axis].setValue(region.lower[axis])
            self.upper[axis].setValue(region.upper[axis])
            self.lengths[axis].setValue(float(size))
        del blocked

    def explain(self, reason: str) -> None:
        """Make the controls grey and say why, or ready where there is no reason."""
        none = "" if self.box.is_placed else NOT_PLACED
        enable(
            self.place_button,
            reason,
            "Show a box around the density above the contour level. Drag the squares on its faces.",
        )
        enable(self.done_button, none, "Put the box away.")
        for axis, name in enumerate(AXES):
            enable(self.lower[axis], none, f"First voxel in the box along {name}, from 0.")
            enable(self.upper[axis], none, f"First voxel beyond the box along {name}.")
            enable(self.lengths[axis], none, f"Length of the box along {name}; its middle stays.")
        enable(self.crop_button, reason or none, "Cut the box out of the map, as a new layer.")
        enable(
            self.copy_button,
            none,
            "Copy the box as z0:z1,y0:y1,x0:x1, as jobs and commands take a region.",
        )

    def copy(self) -> None:
        """Put the region into the clipboard."""
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText(str(self.box.region))
        self.said.emit(f"Copied {self.box.region}")

    def _move(self, *_: Any) -> None:
        """Put the box where the fields say."""
        self.box.set_region([f.value() for f in self.lower], [f.value() for f in self.upper])

    def _resize(self, axis: int, length: float) -> None:
        self.box.resize(axis, length)
        self.refresh()
