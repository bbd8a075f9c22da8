"""Controls of how particles are drawn, which act on all of a layer."""

from __future__ import annotations

from functools import partial
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
)

from mapscope.errors import MapscopeError
from mapscope.structure import Structure
from mapscope.viewer.layers import noun_from_layer, reason_against, role_of, tag_of
from mapscope.viewer.particles.axes import MANY, axes_of, reason_against_axes, show_axes
from mapscope.viewer.particles.layers import ROLE
from mapscope.viewer.particles.look import color_by, radius_of, set_radius, ways_for
from mapscope.viewer.particles.surface import Copies, copies_job, show_copies
from mapscope.viewer.runner import BACKGROUND, Run, cancel_all

POINTERS = "arrows along their z axes"
AUTOMATIC = -1e6


class ParticlesForm(QGroupBox):
    """Radius, colours, axes and surfaces of one layer of particles.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    said = Signal(str)
    drawn = Signal(object)
    """The surface layer of the copies of a template."""

    def __init__(self, viewer: Any) -> None:
        super().__init__("Particles")
        self.viewer = viewer
        self.layers, self.colors, self.template = QComboBox(), QComboBox(), QComboBox()
        self.radius = QDoubleSpinBox()
        self.radius.setRange(1.0, 5000.0)
        self.radius.setDecimals(0)
        self.radius.setSuffix(" Å")
        self.radius.setToolTip("Radius of every particle of the list, in all slices that cut it.")
        self.colors.setToolTip("What the colours of all particles of the list mean.")
        self.axes = QCheckBox("Axes")
        self.level = QDoubleSpinBox()
        self.level.setRange(AUTOMATIC, -AUTOMATIC)
        self.level.setDecimals(4)
        self.level.setSpecialValueText("Auto")
        self.level.setValue(AUTOMATIC)
        self.level.setToolTip("Density at which the template's surface is drawn.")
        self.surfaces = QPushButton("Show surfaces")
        self.nothing = QLabel("Open a list of particles to set how it is drawn.")
        self.nothing.setWordWrap(True)
        self._runs: list[Run] = []
        self.destroyed.connect(partial(cancel_all, self._runs))
        self._arrange()
        self._connect()
        self.refresh()

    def _arrange(self) -> None:
        layout = QFormLayout(self)
        row = QHBoxLayout()
        row.addWidget(self.colors, stretch=1)
        row.addWidget(self.axes)
        last = QHBoxLayout()
        for widget in (QLabel("Level"), self.level, self.surfaces):
            last.addWidget(widget)
        layout.addRow(self.nothing)
        layout.addRow("List", self.layers)
        layout.addRow("Radius", self.radius)
        layout.addRow("Colour by", row)
        layout.addRow("Surface", self.template)
        layout.addRow(last)

    def _connect(self) -> None:
        self.layers.currentIndexChanged.connect(self._show_layer)
        self.radius.valueChanged.connect(self._set_radius)
        self.colors.currentTextChanged.connect(self._color)
        self.axes.toggled.connect(self._show_axes)
        self.template.currentIndexChanged.connect(self._show_level)
        self.surfaces.clicked.connect(self.draw_surfaces)

    @property
    def layer(self) -> Any:
        """The layer of particles that is set, or None."""
        return self.layers.currentData()

    def refresh(self) -> None:
        """List the layers that are there."""
        lists = [layer for layer in self.viewer.layers if role_of(layer) == ROLE]
        active = self.viewer.layers.selection.active
        wanted = active if active in lists else self.layer
        with QSignalBlocker(self.layers), QSignalBlocker(self.template):
            _fill(self.layers, [(layer.name, layer) for layer in lists], wanted)
            templates: list[tuple[str, Any]] = [(POINTERS, None)]
            templates += [(la.name, la) for la in self.viewer.layers if _can_be_template(la)]
            _fill(self.template, templates, self.template.currentData())
        self.nothing.setVisible(not lists)
        self._show_layer()

    def end(self) -> None:
        """Make no surface any more; what is drawn stays."""
        cancel_all(self._runs)

    def _show_layer(self, *_: Any) -> None:
        """Show how the layer is drawn."""
        layer = self.layer
        for widget in (self.radius, self.colors, self.template, self.surfaces):
            widget.setEnabled(layer is not None)
        reason = "Open a list of particles first." if layer is None else reason_against_axes(layer)
        self.axes.setEnabled(not reason)
        self.axes.setToolTip(
            reason
            or "Arrows along the z (blue), y (green) and x (red) axes. Of over "
            f"{MANY:,} particles the z axes, in slices of those nearest to them."
        )
        self._show_level()
        if layer is None:
            return
        with QSignalBlocker(self.radius), QSignalBlocker(self.colors), QSignalBlocker(self.axes):
            self.radius.setValue(radius_of(layer))
            words: list[tuple[str, Any]] = [(way, way) for way in ways_for(layer)]
            _fill(self.colors, words, layer.metadata.get("colored by", words[0][0]))
            self.axes.setChecked(axes_of(layer) is not None)

    def _show_level(self, *_: Any) -> None:
        """Only maps and labels have a level."""
        layer = self.template.currentData()
        is_map = self.layer is not None and type(layer).__name__ == "Image"
        self.level.setEnabled(is_map)

    def _set_radius(self, radius: float) -> None:
        if self.layer is not None:
            set_radius(self.layer, radius)

    def _color(self, way: Any) -> None:
        if self.layer is not None and way:
            self.layer.metadata["colored by"] = way
            color_by(self.layer, way)

    def _show_axes(self, is_wanted: bool) -> None:
        if self.layer is not None:
            show_axes(self.viewer, self.layer, is_shown=is_wanted)

    def draw_surfaces(self) -> None:
        """Put copies of the template where the particles are, beside the window."""
        layer, template = self.layer, self.template.currentData()
        level = None if self.level.value() == AUTOMATIC else self.level.value()
        self.said.emit("")
        try:
            noun = None if template is None else noun_from_layer(template)
            make = copies_job(layer, noun, level, self.colors.currentText())
        except MapscopeError as error:
            self.said.emit(str(error))
            return
        cancel_all(self._runs)
        run = Run(make)
        self._runs.append(run)
        run.succeeded.connect(partial(self._show_copies, run, layer))
        run.failed.connect(self._say)
        self.surfaces.setEnabled(False)
        run.ended.connect(self._end)
        run.start(BACKGROUND)

    def _say(self, error: Exception) -> None:
        self.said.emit(str(error))

    def _end(self) -> None:
        self.surfaces.setEnabled(self.layer is not None)

    def _show_copies(self, run: Run, layer: Any, copies: Copies) -> None:
        if run in self._runs and layer in self.viewer.layers:
            self.drawn.emit(show_copies(self.viewer, layer, copies))


def _fill(box: QComboBox, items: list[tuple[str, Any]], wanted: Any) -> None:
    """Put items into a list, and choose the wanted one if it is there."""
    box.clear()
    for words, data in items:
        box.addItem(words, data)
    found = [n for n, (_, data) in enumerate(items) if data is wanted or data == wanted]
    box.setCurrentIndex(found[0] if found else 0 if items else -1)


def _can_be_template(layer: Any) -> bool:
    """Whether a layer is a small map, a structure or a surface that can be copied."""
    tag = tag_of(layer)
    if tag is not None and isinstance(tag.noun, Structure):
        return type(layer).__name__ == "Points" and not reason_against(layer)
    is_map = type(layer).__name__ == "Image" and not getattr(layer, "multiscale", False)
    return is_map and layer.ndim == 3 and not reason_against(layer) and max(layer.data.shape) <= 400
