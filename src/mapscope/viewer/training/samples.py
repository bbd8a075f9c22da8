"""What a network in training says of a few samples, as small pictures."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from mapscope.labels import Labels
from mapscope.volume import Array, Volume

EDGE = 76
"""Pixels of a picture's edge."""

GAP = 4
STRENGTH = 0.65
"""How much of a class's colour lies over the density."""


_WHAT = {
    1: "middle section, as it goes in, as it comes out and as it should",
    2: "middle section, as it says (left) and as it is",
    4: "each map",
}
"""What pictures show, by how many of them stand in a row."""


class SamplesPanel(QWidget):
    """A button with a picture for each sample; a click shows its layers."""

    asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.title = QLabel()
        self.title.setWordWrap(True)
        self.grid = QGridLayout()
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setSpacing(4)
        self.buttons: list[QToolButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.title)
        layout.addLayout(self.grid)
        self.setVisible(False)

    def show_samples(self, samples: tuple[Any, ...]) -> None:
        """Show what *Show sample* gave for each sample; nothing where there are none."""
        self.setVisible(bool(samples))
        while self.grid.count():
            widget = self.grid.takeAt(0).widget()
            widget.hide()  # until Qt deletes it, it would lie over the others
            widget.deleteLater()
        self.buttons = [self._button(n, sample) for n, sample in enumerate(samples)]
        if not samples:
            return
        first = samples[0]
        columns = 1 if first.said_map is not None else 4 if first.said is None else 2
        for n, button in enumerate(self.buttons):
            self.grid.addWidget(button, n // columns, n % columns, Qt.AlignmentFlag.AlignLeft)
        self.grid.setColumnStretch(columns, 1)
        self.title.setText(f"Samples at step {first.step}: {_WHAT[columns]}")

    def _button(self, number: int, sample: Any) -> QToolButton:
        """A picture with what is said under it."""
        picture = picture_of(sample)
        height, width = picture.shape[:2]
        image = QImage(picture.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
        button = QToolButton()
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIcon(QIcon(QPixmap.fromImage(image)))
        button.setIconSize(QSize(width, height))
        button.setText(caption_of(sample))
        button.setAutoRaise(True)
        button.setToolTip("Show this map, what the network says and what is true as layers.")
        button.clicked.connect(partial(self._click, number + 1))
        return button

    def _click(self, number: int, _checked: bool = False) -> None:
        self.asked.emit(number)


def caption_of(sample: Any) -> str:
    """What the network says of a sample, in a few words."""
    if sample.said_map is not None:
        if sample.correlation is None or sample.input_correlation is None:
            return ""
        return f"correlation {sample.input_correlation:.2f} → {sample.correlation:.2f}"
    if sample.said is not None:
        return "" if sample.accuracy is None else f"{sample.accuracy:.0%} right"
    if sample.said_class == sample.true_class:
        return f"{sample.said_class}, {sample.probability:.0%}"
    return f"{sample.said_class}?\nis {sample.true_class}"


def picture_of(sample: Any) -> Array:
    """The middle section of a sample, uint8 (y, x, 3): beside each other what is said and true.

    Of maps that of what went in stands before them.
    """
    gray = _gray(sample.map)
    if sample.said_map is not None:
        return _beside(gray, _gray(sample.said_map), _gray(sample.true_map))
    if sample.said is None:
        return np.ascontiguousarray(gray)
    return _beside(_painted(gray, sample.said), _painted(gray, sample.truth))


def _beside(*pictures: Array) -> Array:
    """Pictures (y, x, 3) in a row, with gaps between."""
    gap = np.zeros((EDGE, GAP, 3), np.uint8)
    parts = [part for picture in pictures for part in (gap, picture)][1:]
    return np.ascontiguousarray(np.concatenate(parts, axis=1))


def _section(data: Array) -> Array:
    """The middle section, stretched to the picture's size by the nearest voxel."""
    section = data[data.shape[0] // 2]
    rows = np.arange(EDGE) * section.shape[0] // EDGE
    columns = np.arange(EDGE) * section.shape[1] // EDGE
    picked: Array = section[rows][:, columns]
    return picked


def _gray(volume: Volume) -> Array:
    """Density as grey, from the 1st to the 99.5th percentile."""
    section = _section(volume.float32())
    low, high = np.percentile(section, [1, 99.5])
    scaled = np.clip((section - low) / ((high - low) or 1.0), 0, 1)
    return np.repeat((255 * scaled).astype(np.uint8)[..., None], 3, axis=-1)


def _painted(gray: Array, labels: Labels) -> Array:
    """Grey density with the colours of classes over it."""
    numbers = _section(labels.data)
    picture = gray.astype(np.float32)
    for number, color in labels.colors.items():
        here = numbers == number
        tint = 255 * np.asarray(color, dtype=np.float32)
        picture[here] = (1 - STRENGTH) * picture[here] + STRENGTH * tint
    return picture.astype(np.uint8)
