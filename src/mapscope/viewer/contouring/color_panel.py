"""How the chosen surface is coloured: by what, in which colours, between which values."""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QDoubleRangeSlider

from mapscope.errors import MapscopeError
from mapscope.viewer.contouring.contours import Contours
from mapscope.viewer.contouring.surface import COLORMAPS, Coloring, MapSurface
from mapscope.viewer.inputs import LayerChoice
from mapscope.viewer.layers import role_of, tag_of
from mapscope.viewer.partners import is_of_same_run
from mapscope.viewer.roles import CHANCES
from mapscope.volume import Volume

WAYS = (
    ("one colour", "constant"),
    ("a second map", "map"),
    ("height z", "height"),
    ("distance from the centre", "radial"),
)
NO_SURFACE = "Make a surface first."
NO_COLORS = "The surface has one colour: choose above what to colour it by."


class ColorPanel(QWidget):
    """Controls for the colours of one surface.

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
        self.by = QComboBox()
        for words, by in WAYS:
            self.by.addItem(words, by)
        self.source = LayerChoice(Volume, optional=False)
        self.colormap = QComboBox()
        self.colormap.addItems(COLORMAPS)
        self.inverted = QCheckBox("inverted")
        self.range = QDoubleRangeSlider(Qt.Orientation.Horizontal)
        self.low, self.high = _spin(), _spin()
        self.fit_button = QPushButton("Fit")
        self.caption = QLineEdit()
        self.has_bar = QCheckBox("colour bar")
        self._tips: dict[QWidget, str] = {
            self.by: "What the colours of the surface show.",
            self.source: "The second map, on any grid; it is looked up at each vertex.",
            self.colormap: "Colours from the low value to the high one.",
            self.inverted: "Let the colours run the other way.",
            self.range: "Values of the first and the last colour.",
            self.low: "Value of the first colour.",
            self.high: "Value of the last colour.",
            self.fit_button: "Spread the colours from the 2 to the 98 % quantile on the surface.",
            self.caption: "What the colour bar says; put the unit in brackets.",
            self.has_bar: "Draw the colour bar in the view, and so in screenshots.",
        }
        self._lay_out()
        self.by.activated.connect(self._recolor)
        self.source.activated.connect(self._recolor)
        self.colormap.textActivated.connect(lambda name: self._restyle(colormap=name))
        self.inverted.toggled.connect(lambda on: self._restyle(is_inverted=on))
        self.range.valueChanged.connect(self._restrict)
        for spin in (self.low, self.high):
            spin.valueChanged.connect(lambda _: self._restrict(self._typed()))
        self.fit_button.clicked.connect(lambda: self._restyle(limits=None))
        self.caption.editingFinished.connect(self._name)
        self.has_bar.toggled.connect(lambda on: self._restyle(has_bar=on))
        self.show_surface(None)

    def _lay_out(self) -> None:
        """Put the controls into rows."""
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Colour by", self.by)
        form.addRow("Second map", self.source)
        form.addRow("Colours", _row(self.colormap, self.inverted))
        form.addRow("Range", _row(self.low, self.high, self.fit_button, wide=2))
        form.addRow("", self.range)
        form.addRow("Caption", _row(self.caption, self.has_bar))
        self._form = form
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)

    def fill(self, layers: list[Any]) -> None:
        """List the maps that a surface can be coloured by."""
        self.source.fill(layers)

    def show_surface(self, surface: MapSurface | None) -> None:
        """Show how a surface is coloured; without one the controls are grey and say why."""
        self.surface = surface
        by = "constant" if surface is None else surface.coloring.by
        blocked = [QSignalBlocker(widget) for widget in self._tips]
        self.by.setCurrentIndex([way for _, way in WAYS].index(by))
        is_map = by == "map"
        self.source.setVisible(is_map)
        label = self._form.labelForField(self.source)
        if label is not None:
            label.setVisible(is_map)
        why = NO_SURFACE if surface is None else ("" if by != "constant" else NO_COLORS)
        for widget, tip in self._tips.items():
            reason = NO_SURFACE * (surface is None) if widget is self.by else why
            widget.setEnabled(not reason)
            widget.setToolTip(reason or tip)
        if surface is not None:
            self._show_coloring(surface)
        del blocked

    def _show_coloring(self, surface: MapSurface) -> None:
        """Show colours, range and caption."""
        coloring, made = surface.coloring, surface.made
        if coloring.by == "map":
            self._show_source(coloring)
        if self.colormap.findText(coloring.colormap) < 0:
            self.colormap.addItem(coloring.colormap)
        self.colormap.setCurrentText(coloring.colormap)
        self.inverted.setChecked(coloring.is_inverted)
        self.has_bar.setChecked(coloring.has_bar)
        self.caption.setText(coloring.caption)
        values = None if made is None else made.mesh.values
        if made is None or values is None or not values.size:
            return
        low, high = coloring.limits or made.limits
        first, last = min(low, float(values.min())), max(high, float(values.max()))
        room = max(last - first, 1e-9)
        for spin in (self.low, self.high):
            spin.setSingleStep(room / 100)
            spin.setDecimals(2 if room > 1 else 4)
        self.low.setValue(low)
        self.high.setValue(high)
        self.range.setRange(first, last)
        self.range.setSingleStep(room / 200)
        self.range.setValue((low, high))

    def _show_source(self, coloring: Coloring) -> None:
        """Show which second map it is, where it is still open."""
        for layer in self.source.listed():
            tag = tag_of(layer)
            if tag is not None and tag.noun is coloring.source:
                self.source.choose(layer)

    def _typed(self) -> tuple[float, float]:
        return self.low.value(), self.high.value()

    def _recolor(self, *_: Any) -> None:
        """Colour the surface by what is chosen now."""
        if self.surface is None:
            return
        by = self.by.currentData()
        if by == "constant":
            self._contours.color(self.surface, self.surface.coloring.color)
            return
        source: Any = self.source_map() if by == "map" else by
        if source is None:
            self.said.emit("Open a second map first, such as a local-resolution map.")
            self.show_surface(self.surface)
            return
        try:
            self._contours.color_by(self.surface, source)
        except MapscopeError as error:
            self.said.emit(str(error))
            self.show_surface(self.surface)

    def source_map(self) -> Image | None:
        """The second map that is chosen: at first what says how far to believe the surface's map.

        Where there is none, it is another than the surface's own, if there is one.
        """
        assert self.surface is not None
        if self.surface.coloring.by == "map":
            return self.source.layer
        shown = self.surface.map
        others = [layer for layer in self.source.listed() if layer is not shown]
        own = [layer for layer in others if role_of(layer) in CHANCES]
        best = [layer for layer in own if is_of_same_run(layer, shown)] or others
        self.source.choose(best[0] if best else self.source.layer)
        return self.source.layer

    def _restrict(self, limits: tuple[float, float]) -> None:
        """Spread the colours between two values."""
        low, high = float(limits[0]), float(limits[1])
        if high > low:
            self._restyle(limits=(low, high))

    def _name(self) -> None:
        if self.surface is not None and self.caption.text() != self.surface.coloring.caption:
            self._restyle(caption=self.caption.text())

    def _restyle(self, **changes: Any) -> None:
        if self.surface is not None:
            self._contours.restyle(self.surface, **changes)


def _spin() -> QDoubleSpinBox:
    """A number of any size."""
    spin = QDoubleSpinBox()
    spin.setRange(-1e9, 1e9)
    spin.setKeyboardTracking(False)
    spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return spin


def _row(*widgets: QWidget, wide: int = 1) -> QWidget:
    """Widgets beside each other, the first `wide` of them as wide as there is room."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for n, widget in enumerate(widgets):
        layout.addWidget(widget, stretch=1 if n < wide else 0)
    return row
