"""Controls of the filter through which maps are looked at, and of their contrast."""

from __future__ import annotations

from math import log
from typing import Any

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QPushButton,
    QSlider,
    QVBoxLayout,
)

from mapscope.viewer.layers import place_of
from mapscope.viewer.views.look import look_of
from mapscope.viewer.views.space import names_without_unit, reason_against_map

FINEST, COARSEST, USUAL = 2.0, 40.0, 6.0
"""Of the slider: resolutions in voxels."""

STEPS = 200
GREY = {"gray": "gray_r", "gray_r": "gray"}


class FilterForm(QGroupBox):
    """A low-pass filter for the eye, and contrast that suits what is seen.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__("Noise and contrast")
        self.viewer, self.look = viewer, look_of(viewer)
        self.low_pass = QCheckBox("Low-pass")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.resolution = QDoubleSpinBox()
        self.resolution.setRange(0.5, 2000.0)
        self.resolution.setDecimals(1)
        self.resolution.setSuffix(" Å")
        for widget in (self.slider, self.resolution):
            widget.setToolTip("Amplitudes are halved at this resolution, and lowered beyond.")
        self.fit = QPushButton("Fit contrast")
        self.invert = QPushButton("Invert")
        self._voxel = 0.0
        self._arrange()
        self._connect()
        self.refresh()

    def _arrange(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for widget in (self.low_pass, self.slider, self.resolution):
            first.addWidget(widget)
        for button in (self.fit, self.invert):
            second.addWidget(button)
        second.addStretch()
        layout = QVBoxLayout(self)
        layout.addLayout(first)
        layout.addLayout(second)

    def _connect(self) -> None:
        self.low_pass.toggled.connect(self._show)
        self.resolution.valueChanged.connect(self._typed)
        self.slider.valueChanged.connect(self._slid)
        self.fit.clicked.connect(self.look.fit_contrast)
        self.invert.clicked.connect(self._invert)

    def refresh(self) -> None:
        """Grey what cannot be used now, and say why."""
        reason = self._reason()
        self.low_pass.setEnabled(not reason or self.low_pass.isChecked())
        self.low_pass.setToolTip(
            reason
            or "Only for the eye: jobs, and files, get the map as it is. Of a large one "
            "only what is in view is filtered."
        )
        for widget in (self.slider, self.resolution):
            widget.setEnabled(self.low_pass.isEnabled())
        maps = self._maps()
        for button, words in (
            (self.fit, "Black and white at the 0.5 and 99.5 percentiles of slices as they are."),
            (self.invert, "Dark is bright and bright is dark, for the eye only."),
        ):
            button.setEnabled(bool(maps))
            button.setToolTip(words if maps else "Open a map first.")
        self._take_voxel(maps)

    def end(self) -> None:
        """Show maps as they are."""
        self.look.filter(None)
        self.low_pass.setChecked(False)

    def _maps(self) -> list[Any]:
        return [layer for layer in self.viewer.layers if not reason_against_map(layer)]

    def _reason(self) -> str:
        if not self._maps():
            return "Open a map first."
        names = names_without_unit(self.viewer)
        if len(names) == len(self.viewer.layers):
            return f"{names[0]} has no voxel size, so a resolution in Å means nothing."
        return ""

    def _take_voxel(self, maps: list[Any]) -> None:
        """Let the slider reach as far as the coarsest voxels ask for."""
        known = [la for la in maps if la.name not in names_without_unit(self.viewer)]
        voxel = max((max(place_of(layer)[0]) for layer in known), default=0.0)
        if voxel in (0.0, self._voxel):
            return
        self._voxel = voxel
        if not self.low_pass.isChecked():
            with QSignalBlocker(self.resolution):
                self.resolution.setValue(USUAL * voxel)
        self._place_slider()

    def _place_slider(self) -> None:
        share = log(self.resolution.value() / (FINEST * self._voxel)) / log(COARSEST / FINEST)
        with QSignalBlocker(self.slider):
            self.slider.setValue(round(STEPS * float(np.clip(share, 0, 1))))

    def _slid(self, step: int) -> None:
        """Take the slider's resolution, and filter: whoever drags it wants to see it."""
        if self._voxel:
            value = FINEST * self._voxel * (COARSEST / FINEST) ** (step / STEPS)
            with QSignalBlocker(self.resolution):
                self.resolution.setValue(value)
            self._filter()

    def _typed(self, _value: float) -> None:
        if self._voxel:
            self._place_slider()
            self._filter()

    def _filter(self) -> None:
        if self.low_pass.isChecked():
            self._show()
        else:
            self.low_pass.setChecked(True)

    def _show(self, *_: Any) -> None:
        self.look.filter(self.resolution.value() if self.low_pass.isChecked() else None)

    def _invert(self) -> None:
        """Turn the grey values of all maps that are drawn in grey."""
        for layer in self._maps():
            if layer.colormap.name in GREY:
                layer.colormap = GREY[layer.colormap.name]
