"""The average of picks at a glance: its middle sections, beside those of the template."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from mapscope.viewer.inputs import LayerChoice
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.picks.length import length_box
from mapscope.viewer.picks.tiles import EDGES, picture_of
from mapscope.viewer.workspace import Entry
from mapscope.volume import Array, Volume

AXES = ("z", "y", "x")
NOTHING = "Average cuts out what is kept and shows its middle sections here, its FSC in Plot."
TIP = "What the picks were found with, about its middle voxel: shown beside the average, with FSC."
BOX_TIP = (
    "Edge of the average in Å. Auto: that of the template, four times the radius that the list "
    "names, or 64 voxels."
)
SHOWN = {"average": "Average", "template": "Template"}
"""Outputs of the job that are shown, from the left."""
LARGE, SMALL = EDGES[0], 54
"""Pixels of a picture of one map, and of two, which fit into a narrow dock."""


class AverageView(QWidget):
    """Sections of an average and of its template along three axes; template and box are chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.template = LayerChoice(Volume, optional=True)
        self.template.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.template.setToolTip(TIP)
        self.box = length_box(BOX_TIP, zero="auto")
        self.headline = QLabel(NOTHING)
        self.headline.setWordWrap(True)
        layout, choice = QVBoxLayout(self), QHBoxLayout()
        layout.setContentsMargins(2, 4, 2, 2)
        choice.addWidget(QLabel("Template"))
        choice.addWidget(self.template, stretch=2)
        choice.addWidget(QLabel("Box"))
        choice.addWidget(self.box, stretch=1)
        self.sections = {name: Sections(title) for name, title in SHOWN.items()}
        beside = QHBoxLayout()
        for sections in self.sections.values():
            beside.addWidget(sections)
        layout.addLayout(beside)
        layout.addLayout(choice)
        layout.addWidget(self.headline)
        layout.addStretch()

    @property
    def settings(self) -> dict[str, Any]:
        """What is set, as inputs and parameters of the job.

        Raises
        ------
        InputError
            If the template's layer cannot be taken.
        """
        template, box = self.template.layer, self.box.value()
        found: dict[str, Any] = {} if template is None else {"template": noun_from_layer(template)}
        return {**found, "box": box} if box else found

    def show_result(self, entry: Entry) -> None:
        """Show what the job gave."""
        nouns = entry.nouns
        for name, sections in self.sections.items():
            sections.show_volume(nouns.get(name), SMALL if "template" in nouns else LARGE)
        plot = nouns["curves"].plot
        against = ""
        if "template" in nouns:
            best = entry.scalars.get("template_resolution")
            where = "no end in this box" if best is None else f"{best:.1f} Å"
            against = f"; with the template {where} at FSC 0.5"
        note = entry.scalars.get("note", "")
        self.headline.setText(f"<b>{plot.headline}</b>{against}{'<br>' if note else ''}{note}")


class Sections(QWidget):
    """The three middle sections of a map, out of sight where there is no map."""

    def __init__(self, title: str) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(2)
        grid.addWidget(QLabel(title), 0, 0, 1, len(AXES), Qt.AlignmentFlag.AlignCenter)
        self.pictures: list[QLabel] = []
        for column, axis in enumerate(AXES):
            picture = QLabel()
            picture.setToolTip(f"{title}: the middle section, seen along {axis}.")
            grid.addWidget(picture, 1, column, Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(QLabel(axis), 2, column, Qt.AlignmentFlag.AlignCenter)
            self.pictures.append(picture)
        self.setVisible(False)

    def show_volume(self, volume: Volume | None, edge: int) -> None:
        """Show a map, in pictures of so many pixels, or none."""
        self.setVisible(volume is not None)
        if volume is None:
            return
        smooth = Qt.TransformationMode.SmoothTransformation
        for picture, section in zip(self.pictures, middle_sections(volume), strict=True):
            picture.setPixmap(picture_of(section).scaledToWidth(edge, smooth))


def middle_sections(volume: Volume) -> list[Array]:
    """The sections through voxel n // 2 along z, y and x, with one contrast, from 0 to 1."""
    data = volume.float32()
    low, high = (float(np.percentile(data, q)) for q in (1.0, 99.9))
    middle = [n // 2 for n in data.shape]
    sections = [data.take(place, axis) for axis, place in enumerate(middle)]
    return [np.clip((one - low) / ((high - low) or 1.0), 0, 1) for one in sections]
