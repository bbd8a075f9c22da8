"""Small controls that the tools for parts of a map share."""

from __future__ import annotations

from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSizePolicy, QSpinBox, QWidget

FARTHEST = 1e6


def length_box(least: float, most: float, value: float) -> QDoubleSpinBox:
    """A number in Å that is told when it is complete."""
    box = QDoubleSpinBox()
    box.setRange(least, most)
    box.setDecimals(1)
    box.setValue(value)
    box.setSuffix(" Å")
    box.setKeyboardTracking(False)
    box.setMinimumWidth(60)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box


def voxel_box() -> QSpinBox:
    """A number of voxels that is told when it is complete."""
    box = QSpinBox()
    box.setKeyboardTracking(False)
    box.setMinimumWidth(60)
    return box


def enable(widget: QWidget, reason: str, tip: str) -> None:
    """Make a control grey and say why, or ready and say what it does."""
    widget.setEnabled(not reason)
    widget.setToolTip(reason or tip)


def beside(*widgets: QWidget) -> QHBoxLayout:
    """Widgets beside each other, all equally wide."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, stretch=1)
    return row
