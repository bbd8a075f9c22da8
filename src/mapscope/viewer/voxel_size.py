"""Ask for the voxel size of a layer that came without one, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QWidget

from mapscope.viewer.layers import angstroms_per_unit


class VoxelSizeRow(QWidget):
    """A question, a number in Å and a button; out of sight while no layer needs it."""

    given = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._layer: Any = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.question = QLabel()
        self.question.setWordWrap(True)
        self.size = QDoubleSpinBox()
        self.size.setRange(0.01, 1000.0)
        self.size.setDecimals(4)
        self.size.setValue(1.0)
        self.size.setSuffix(" Å")
        self.button = QPushButton("Set")
        self.button.clicked.connect(self._give)
        layout.addWidget(self.question, stretch=1)
        layout.addWidget(self.size)
        layout.addWidget(self.button)

    def ask(self, layers: Sequence[Any]) -> bool:
        """Ask for the first of these layers that counts pixels; whether there is one."""
        self._layer = next((la for la in layers if lacks_voxel_size(la)), None)
        self.setVisible(self._layer is not None)
        if self._layer is not None:
            self.question.setText(f"{self._layer.name} has no voxel size:")
        return self._layer is not None

    def _give(self) -> None:
        """Put the layer into space with the voxel size that the user typed."""
        layer, self._layer = self._layer, None
        if layer is None:
            return
        layer.scale = (self.size.value(),) * layer.ndim
        layer.units = ("angstrom",) * layer.ndim
        layer.axis_labels = ("z", "y", "x")
        self.given.emit()


def lacks_voxel_size(layer: Any) -> bool:
    """Whether a layer is a map that counts pixels."""
    return type(layer).__name__ == "Image" and angstroms_per_unit(layer) is None
