"""Controls of the linked slices and of the slab."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
)

from mapscope.viewer.views.orthogonal import OrthogonalViews
from mapscope.viewer.views.slab import Slab
from mapscope.viewer.views.space import names_without_unit

AREA, NAME, HEIGHT = "bottom", "Three planes", 300
THICKNESS = 10.0


class SliceForm(QGroupBox):
    """Three planes at right angles, and how deep slices are.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    said = Signal(str)

    def __init__(self, viewer: Any) -> None:
        super().__init__("Slices")
        self.viewer, self.slab = viewer, Slab(viewer)
        self.orthogonal: OrthogonalViews | None = None
        self._frame: Any = None
        self.planes = QCheckBox("Three planes below the main view")
        self.planes.setToolTip(
            "xy, xz and yz planes of all visible maps, labels and atoms through one position. "
            "Drag the lines, or click, to move the main view's slices, and the other way round."
        )
        self.thick = QCheckBox("Slab")
        self.thickness = QDoubleSpinBox()
        self.thickness.setRange(0.1, 10_000.0)
        self.thickness.setDecimals(1)
        self.thickness.setValue(THICKNESS)
        self.thickness.setSuffix(" Å")
        self.thickness.setToolTip("Depth of the slab, centred on the slice.")
        self.projection = QComboBox()
        self.projection.addItems(["mean", "max", "min"])
        self.projection.setToolTip(
            "What of the depth is drawn: the mean density, the highest or the lowest."
        )
        layout = QFormLayout(self)
        layout.addRow(self.planes)
        layout.addRow(self.thick, self.thickness)
        layout.addRow("Projection", self.projection)
        self.planes.toggled.connect(self._show_planes)
        self.thick.toggled.connect(self._show_slab)
        self.thickness.valueChanged.connect(self._show_slab)
        self.projection.currentTextChanged.connect(self._show_slab)
        self.refresh()

    def refresh(self) -> None:
        """Grey what cannot be used now, and say why."""
        reason = self._reason_against_slab()
        self.thick.setEnabled(not reason or self.slab.is_on)
        self.thick.setToolTip(
            reason or "Slices show some depth: maps are projected, atoms and picks within it shown."
        )
        for widget in (self.thickness, self.projection):
            widget.setEnabled(self.thick.isEnabled())

    def end(self) -> None:
        """Show slices as they were, and take the planes away."""
        self.slab.off()
        self._close_planes()
        for box in (self.thick, self.planes):
            box.setChecked(False)

    def _reason_against_slab(self) -> str:
        names = names_without_unit(self.viewer)
        if not len(self.viewer.layers):
            return "Open a map first."
        if len(names) == len(self.viewer.layers):
            return f"{names[0]} has no voxel size, so a depth in Å means nothing."
        if self.viewer.dims.ndisplay == 3:
            return "A slab is for slices: switch from 3D to 2D."
        return ""

    def _show_slab(self, *_: Any) -> None:
        if not self.thick.isChecked():
            self.slab.off()
            self.said.emit("")
            return
        thin = self.slab.show(self.thickness.value(), self.projection.currentText())
        self.said.emit(
            f"{thin[0]} is too large for a slab so thick: it stays thin." if thin else ""
        )

    def _show_planes(self, is_wanted: bool) -> None:
        """Add the planes below the canvas, or take them away."""
        if not is_wanted:
            self._close_planes()
            return
        self.orthogonal = OrthogonalViews(self.viewer)
        self.orthogonal.setMinimumHeight(HEIGHT // 2)
        self._frame = self.viewer.window.add_dock_widget(self.orthogonal, name=NAME, area=AREA)
        self.orthogonal.destroyed.connect(self._planes_gone)

    def _close_planes(self) -> None:
        orthogonal, self.orthogonal = self.orthogonal, None
        if orthogonal is None:
            return
        orthogonal.destroyed.disconnect(self._planes_gone)
        orthogonal.end()
        with suppress(AttributeError, RuntimeError):  # a window being closed takes it along
            self.viewer.window.remove_dock_widget(self._frame)
        orthogonal.deleteLater()

    def _planes_gone(self, *_: Any) -> None:
        """Untick when somebody else has closed them."""
        self.orthogonal = None
        self.planes.setChecked(False)
