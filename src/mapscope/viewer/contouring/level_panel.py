"""The level of a map: histogram, slider, and a number whose meaning can be chosen."""

from __future__ import annotations

import math
from typing import Any, cast

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from mapscope.viewer.contouring.histogram import Histogram
from mapscope.viewer.contouring.levels import MEANINGS, MapLevels, Meaning

STEPS = 10_000
LARGEST = 1e12
SLIDER_TIP = "Contour level. In 3D the map follows while you drag; the surface is made on release."
NUMBER_TIP = "Contour level as a number; press Enter. What it means is chosen on the left."
MEANING_TIP = (
    "What the number means: the density itself, standard deviations of all voxels above "
    "the mean, or how much is enclosed, as a volume or as protein at 0.81 Da/Å³."
)


class LevelPanel(QWidget):
    """Shows the contour level of a map in every way, and tells when someone moves it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    moved = Signal(float)
    released = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self.levels: MapLevels | None = None
        self._level = 0.0
        self.histogram = Histogram(viewer)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.meaning = QComboBox()
        for meaning, (words, unit) in MEANINGS.items():
            self.meaning.addItem(f"{words} ({unit.strip()})" if unit else words, meaning)
        self.meaning.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.number = QDoubleSpinBox()
        self.number.setKeyboardTracking(False)
        self.number.setRange(-LARGEST, LARGEST)
        self.number.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout()
        row.addWidget(self.meaning, stretch=3)
        row.addWidget(self.number, stretch=2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.histogram)
        layout.addWidget(self.slider)
        layout.addLayout(row)
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderReleased.connect(self.released)
        self.histogram.moved.connect(self._move)
        self.histogram.released.connect(self.released)
        self.number.valueChanged.connect(self._typed)
        self.meaning.currentIndexChanged.connect(self._meant)
        self.show_levels(None, "Choose a map first.")

    def show_levels(self, levels: MapLevels | None, reason: str = "") -> None:
        """Show the densities of a map; without any, the controls are grey and say why."""
        self.levels = levels
        self.histogram.show_levels(levels)
        tips = ((self.slider, SLIDER_TIP), (self.number, NUMBER_TIP), (self.meaning, MEANING_TIP))
        for widget, tip in tips:
            widget.setEnabled(levels is not None)
            widget.setToolTip(tip if levels is not None else reason)
        self._scale_number()

    def show_level(self, level: float) -> None:
        """Show where the level is, without telling anyone."""
        self._level = level
        if self.levels is None:
            return
        low, high = self.levels.low, self.levels.high
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            share = min(max((level - low) / (high - low), 0.0), 1.0)
            self.slider.setValue(round(STEPS * share))
            self.number.setValue(self.levels.number(level, self._meaning()))
        self.histogram.show_level(level)

    def _meaning(self) -> Meaning:
        return cast("Meaning", self.meaning.currentData())

    def _meant(self, *_: Any) -> None:
        """Show the same level in another meaning."""
        self._scale_number()
        self.show_level(self._level)

    def _scale_number(self) -> None:
        """Unit, digits and steps of the number."""
        meaning = self._meaning()
        with QSignalBlocker(self.number):
            self.number.setSuffix(MEANINGS[meaning][1])
            decimals, step = {"sigma": (2, 0.1), "volume": (0, 100.0), "mass": (1, 1.0)}.get(
                meaning, (4, 0.01)
            )
            if meaning == "value" and self.levels is not None:
                size = math.floor(math.log10(self.levels.high - self.levels.low))
                decimals, step = min(max(4 - size, 0), 10), 10.0 ** (size - 2)
            self.number.setDecimals(decimals)
            self.number.setSingleStep(step)

    def _slid(self, place: int) -> None:
        if self.levels is not None:
            self._move(self.levels.low + (self.levels.high - self.levels.low) * place / STEPS)

    def _typed(self, number: float) -> None:
        if self.levels is not None:
            self._move(self.levels.level(number, self._meaning()))
            self.released.emit()

    def _move(self, level: float) -> None:
        """Someone moves the level."""
        self.show_level(level)
        self.moved.emit(level)
