"""Controls of the scale bar, the axes and the outlines."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QGroupBox,
    QHBoxLayout,
    QRadioButton,
    QVBoxLayout,
)

from mapscope.viewer.views.scale import Outlines, ScaleBar
from mapscope.viewer.views.space import reason_against_map


class ScaleForm(QGroupBox):
    """What is drawn over the canvas to tell size and direction.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__("Size and direction")
        self.viewer = viewer
        self.scale_bar, self.outlines = ScaleBar(viewer), Outlines(viewer)
        self.bar = QCheckBox("Scale bar")
        self.angstrom, self.nanometre = QRadioButton("Å"), QRadioButton("nm")
        self.angstrom.setChecked(True)
        self.units = QButtonGroup(self)
        for button in (self.angstrom, self.nanometre):
            self.units.addButton(button)
            button.setToolTip("Unit of the scale bar. The layers stay in Å.")
        self.axes = QCheckBox("Axes")
        self.axes.setChecked(viewer.canvas.overlays.axes.visible)
        self.axes.setToolTip("Arrows along x, y and z in the corner of the view.")
        self.boxes = QCheckBox("Outlines of maps")
        row = QHBoxLayout()
        for widget in (self.bar, self.angstrom, self.nanometre):
            row.addWidget(widget)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.axes)
        layout.addWidget(self.boxes)
        self.bar.toggled.connect(self._show_bar)
        self.nanometre.toggled.connect(self._show_bar)
        self.axes.toggled.connect(self._show_axes)
        self.boxes.toggled.connect(self._show_boxes)
        self.refresh()

    def refresh(self) -> None:
        """Grey what cannot be used now, and say why."""
        reason = self.scale_bar.reason_against()
        self.bar.setEnabled(not reason or self.bar.isChecked())
        self.bar.setToolTip(reason or "A bar of a round length in the corner of the view.")
        for button in (self.angstrom, self.nanometre):
            button.setEnabled(self.bar.isEnabled())
        has_map = any(not reason_against_map(layer) for layer in self.viewer.layers)
        self.boxes.setEnabled(has_map or self.boxes.isChecked())
        self.boxes.setToolTip(
            "The edges of the box of each map." if has_map else "Open a map first."
        )

    def end(self) -> None:
        """Leave the canvas as it was."""
        self.scale_bar.off()
        self.outlines.off()
        for box in (self.bar, self.boxes):
            box.setChecked(False)

    def _show_bar(self, *_: Any) -> None:
        if self.bar.isChecked():
            self.scale_bar.show("nm" if self.nanometre.isChecked() else "Å")
        else:
            self.scale_bar.off()

    def _show_axes(self, is_wanted: bool) -> None:
        self.viewer.canvas.overlays.axes.visible = is_wanted

    def _show_boxes(self, is_wanted: bool) -> None:
        if is_wanted:
            self.outlines.show()
        else:
            self.outlines.off()
