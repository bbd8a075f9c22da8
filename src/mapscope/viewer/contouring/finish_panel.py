"""What else can be done with a surface: hide its dust, look at a part of it, save it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from mapscope.files.chimerax import write_chimerax
from mapscope.viewer.contouring import exporting
from mapscope.viewer.contouring.color_panel import NO_SURFACE
from mapscope.viewer.contouring.contours import Contours
from mapscope.viewer.contouring.surface import MapSurface
from mapscope.viewer.layers import base_name
from mapscope.viewer.runner import Run

SAVING = "saving"
"""A queue of its own: files are written beside everything else."""

LARGEST_DUST = 10_000.0
PART_TIP = (
    "A huge map is contoured coarsely as a whole, or in full detail around the middle of the "
    "view. Move the view and press Make again for another part."
)
NOTHING = "There is no surface at this level."


class FinishPanel(QWidget):
    """Dust, full detail of huge maps, and saving.

    Parameters
    ----------
    contours : Contours
        Where changes go.
    """

    said = Signal(str)

    def __init__(self, contours: Contours) -> None:
        super().__init__()
        self._contours = contours
        self.surface: MapSurface | None = None
        self.saving: Run | None = None
        self.dust = QDoubleSpinBox()
        self.dust.setRange(0.0, LARGEST_DUST)
        self.dust.setDecimals(0)
        self.dust.setSuffix(" Å")
        self.dust.setSpecialValueText("off")
        self.dust.setKeyboardTracking(False)
        self.around_view = QCheckBox("full detail around the view's centre")
        self.save_button = QPushButton("Save surface…")
        self.chimerax_button = QPushButton("Save for ChimeraX…")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for pair in ((QLabel("Hide pieces below"), self.dust), (self.around_view,)):
            layout.addLayout(beside(*pair))
        layout.addLayout(beside(self.save_button, self.chimerax_button))
        self.dust.valueChanged.connect(self._hide_dust)
        self.around_view.toggled.connect(self._look_around)
        self.save_button.clicked.connect(self._ask_mesh)
        self.chimerax_button.clicked.connect(self._ask_chimerax)
        self.show_surface(None, is_huge=False)

    def show_surface(self, surface: MapSurface | None, *, is_huge: bool) -> None:
        """Show the settings of a surface; without one the controls are grey and say why."""
        self.surface = surface
        self.around_view.setVisible(is_huge)
        no_surface = NO_SURFACE if surface is None else ""
        no_mesh = no_surface or (NOTHING if surface and surface.made is None else "")
        tips: dict[Any, tuple[str, str]] = {
            self.dust: (no_surface, "Hide pieces whose longest extent is smaller than this."),
            self.around_view: (
                no_surface,
                PART_TIP,
            ),
            self.save_button: (no_mesh, "Write the surface as PLY, OBJ or GLB, with its values."),
            self.chimerax_button: (
                no_mesh,
                "Write a .cxc file that opens all surfaces in ChimeraX as they look here.",
            ),
        }
        for widget, (reason, tip) in tips.items():
            widget.setEnabled(not reason)
            widget.setToolTip(reason or tip)
        with QSignalBlocker(self.dust), QSignalBlocker(self.around_view):
            self.dust.setValue(0.0 if surface is None else surface.smallest)
            self.around_view.setChecked(surface is not None and surface.around_view)

    def _hide_dust(self, smallest: float) -> None:
        if self.surface is not None:
            self._contours.hide_dust(self.surface, smallest)

    def _look_around(self, on: bool) -> None:
        if self.surface is not None:
            self._contours.look_around(self.surface, around_view=on)

    def _ask_mesh(self) -> None:
        """Ask for a file name and write the surface."""
        surface = self.surface
        if surface is None:
            return
        name = f"{base_name(surface.map.name)}_surface.ply"
        kinds = exporting.mesh_kinds()
        path, _ = QFileDialog.getSaveFileName(self, "Save the surface", name, kinds)
        if path and surface.made is not None:
            mesh = surface.made.mesh
            self._save(lambda: exporting.save_mesh(mesh, path))

    def _ask_chimerax(self) -> None:
        """Ask for a file name and write all surfaces as they look."""
        surfaces = self._contours.surfaces
        if not surfaces:
            return
        name = f"{base_name(surfaces[0].map.name)}.cxc"
        kinds = "ChimeraX commands (*.cxc)"
        path, _ = QFileDialog.getSaveFileName(self, "Save for ChimeraX", name, kinds)
        if path:
            items = exporting.appearances_of(surfaces)
            self._save(lambda: write_chimerax(path, items)[-1])

    def _save(self, act: Callable[[], Path]) -> None:
        """Write something beside the window, and say where it is or why not."""
        self.saving = Run(lambda progress: act())  # noqa: ARG005  the contract of a run
        self.saving.succeeded.connect(self._saved)
        self.saving.failed.connect(self._not_saved)
        self.saving.start(SAVING)
        self.said.emit("Saving…")

    def _saved(self, path: Path) -> None:
        self.said.emit(f"Saved {path.name} in {path.parent}")

    def _not_saved(self, error: BaseException) -> None:
        self.said.emit(str(error))


def beside(*widgets: QWidget) -> QHBoxLayout:
    """Widgets beside each other."""
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget)
    return row


def line() -> QFrame:
    """A thin line between two parts of a dock."""
    frame = QFrame()
    frame.setFrameShape(QFrame.Shape.HLine)
    frame.setFrameShadow(QFrame.Shadow.Sunken)
    return frame
