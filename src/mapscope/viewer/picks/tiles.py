"""Pictures of picks side by side, each with its verdict, class and score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QImage, QMouseEvent, QPainter, QPen, QPixmap, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from mapscope.particles import ACCEPTED, REJECTED
from mapscope.volume import Array

EDGES = (96, 84, 72, 60)
"""Pixels of a picture: the largest of which two rows fit, or else one."""
GAP, FOOT = 4, 14
"""Pixels between two pictures, and of the line below."""
ROWS = (2, 1)
VERDICT_COLORS = {ACCEPTED: "#4caf50", REJECTED: "#e5484d"}
CURRENT_COLOR = "#ffd60a"
CONTRAST = (0.5, 99.5)
"""Percentiles of a page that are drawn black and white."""


@dataclass(frozen=True)
class Caption:
    """What is said of a pick below its picture.

    Parameters
    ----------
    pick : int
        Its id.
    text : str
        Score, or that it was picked by hand.
    color : str
        Of its class.
    verdict : str
        Accepted, rejected, or neither.
    """

    pick: int
    text: str
    color: str
    verdict: str = ""


class Tiles(QWidget):
    """A page of pictures.

    `chosen` gives the id of the pick that was clicked on, `turned` by how many pages the wheel
    was turned, `resized` that another number of pictures fits.
    """

    chosen = Signal(int)
    turned = Signal(int)
    resized = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.captions: list[Caption] = []
        self.current: int | None = None
        self.note = ""
        self._pictures: list[QPixmap] = []
        self._capacity = 0
        self.setMinimumHeight(EDGES[-1] + FOOT + 2 * GAP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setToolTip("Click a picture to go to its pick; the wheel turns pages.")

    @property
    def edge(self) -> int:
        """Pixels of a picture."""
        heights = ((rows * (e + FOOT + GAP) + GAP, e) for rows in ROWS for e in EDGES)
        return next((edge for height, edge in heights if height <= self.height()), EDGES[-1])

    @property
    def columns(self) -> int:
        """Pictures side by side."""
        return max(1, (int(self.width()) - GAP) // (self.edge + GAP))

    @property
    def capacity(self) -> int:
        """Pictures on a page."""
        return self.columns * max(1, (int(self.height()) - GAP) // (self.edge + FOOT + GAP))

    def sizeHint(self) -> QSize:  # noqa: N802  Qt's name
        """Two rows of four large ones."""
        edge = EDGES[0]
        return QSize(4 * (edge + GAP) + GAP, ROWS[0] * (edge + FOOT + GAP) + GAP)

    def show_page(self, pictures: Array | None, captions: Sequence[Caption], note: str) -> None:
        """Draw a page.

        Parameters
        ----------
        pictures : float32 array (n, height, width), optional
            Slices; None where there is nothing to cut them from.
        captions : sequence of Caption
            One for each.
        note : str
            What stands where there is no picture.
        """
        self.captions, self.note = list(captions), note
        grey = None if pictures is None or not len(pictures) else _as_grey(pictures)
        self._pictures = [] if grey is None else [_pixmap(one) for one in grey]
        self.update()

    def show_captions(self, captions: Sequence[Caption]) -> None:
        """Say other things of the same pictures."""
        self.captions = list(captions)
        self.update()

    def show_current(self, pick: int | None) -> None:
        """Frame the picture of a pick."""
        self.current = pick
        self.update()

    def rect_of(self, place: int) -> QRect:
        """Where a picture and its line are."""
        row, column = divmod(place, self.columns)
        left, top = GAP + column * (self.edge + GAP), GAP + row * (self.edge + FOOT + GAP)
        return QRect(left, top, self.edge, self.edge + FOOT)

    def place_at(self, point: QPoint) -> int | None:
        """Which picture is at a point."""
        for place in range(len(self.captions)):
            if self.rect_of(place).contains(point):
                return place
        return None

    # What Qt asks

    def paintEvent(self, _event: Any) -> None:  # noqa: N802  Qt's name
        """Draw every picture."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if not self._pictures:
            painter.setPen(self.palette().color(self.foregroundRole()))
            flags = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(self.rect().adjusted(8, 8, -8, -8), flags, self.note)
            return
        font = QFont(painter.font())
        font.setPixelSize(FOOT - 3)
        painter.setFont(font)
        for place, (picture, caption) in enumerate(
            zip(self._pictures, self.captions, strict=False)
        ):
            self._draw(painter, self.rect_of(place), picture, caption)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802  Qt's name
        """Choose what is clicked on."""
        place = self.place_at(event.pos())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(self.captions[place].pick)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  Qt's name
        """Turn pages."""
        steps = event.angleDelta().y()
        if steps:
            self.turned.emit(-1 if steps > 0 else 1)
        event.accept()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802  Qt's name
        """Tell when more or fewer pictures fit."""
        super().resizeEvent(event)
        if self.capacity != self._capacity:
            self._capacity = self.capacity
            self.resized.emit()

    def _draw(self, painter: QPainter, rect: QRect, picture: QPixmap, caption: Caption) -> None:
        """One picture with its frame and its line."""
        square = QRect(rect.left(), rect.top(), rect.width(), rect.width())
        painter.drawPixmap(square, picture)
        color = VERDICT_COLORS.get(caption.verdict)
        if color is not None:
            painter.setPen(QPen(QColor(color), 3))
            painter.drawRect(square.adjusted(1, 1, -2, -2))
        if caption.verdict == REJECTED:
            painter.drawLine(square.topLeft(), square.bottomRight())
        if caption.pick == self.current:
            painter.setPen(QPen(QColor(CURRENT_COLOR), 2))
            painter.drawRect(square.adjusted(-1, -1, 0, 0))
        dot = QRect(rect.left() + 1, square.bottom() + 4, 8, 8)
        painter.fillRect(dot, QColor(caption.color))
        painter.setPen(self.palette().color(self.foregroundRole()))
        line = QRect(rect.left() + 12, square.bottom() + 1, rect.width() - 12, FOOT)
        painter.drawText(line, int(Qt.AlignmentFlag.AlignVCenter), caption.text)


def _as_grey(pictures: Array) -> Array:
    """Bytes (n, height, width), with one contrast for the whole page."""
    low, high = np.percentile(pictures, CONTRAST)
    span = float(high - low) or 1.0
    return np.asarray(255 * np.clip((pictures - low) / span, 0, 1), dtype=np.uint8)


def picture_of(section: Array) -> QPixmap:
    """A picture of densities from 0, black, to 1, white."""
    return _pixmap((255 * section).astype(np.uint8))


def _pixmap(grey: Array) -> QPixmap:
    """A picture as large as it is drawn at most."""
    data = np.ascontiguousarray(grey)
    height, width = data.shape
    image = QImage(data.data, width, height, width, QImage.Format.Format_Grayscale8)
    mode = Qt.TransformationMode.SmoothTransformation
    return QPixmap.fromImage(
        image.scaled(EDGES[0], EDGES[0], Qt.AspectRatioMode.KeepAspectRatioByExpanding, mode)
    )
