"""The tools of the layer under edit: brush and its size in Å, or adding and choosing points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from mapscope.edits.runs import MOST_NUMBER
from mapscope.viewer.editing.editing import Editor
from mapscope.viewer.editing.labels_editor import LabelsEditor
from mapscope.viewer.editing.points_editor import PointsEditor

LABEL_MODES = (
    ("paint", "Brush", "Paint the region below with the brush."),
    ("erase", "Erase", "Make voxels background with the brush."),
    ("fill", "Fill", "Give all connected voxels of one number to the region below."),
    ("pan_zoom", "Move view", "Turn, shift and zoom without painting."),
)
POINT_MODES = (
    ("add", "Add", "Click where a point shall be, in a slice or in 3D."),
    ("select", "Select", "Click or frame points, drag them to move them."),
    ("pan_zoom", "Move view", "Turn, shift and zoom without editing."),
)


class ModeRow(QWidget):
    """A row of buttons of which the layer's mode is down."""

    def __init__(self, modes: Sequence[tuple[str, str, str]]) -> None:
        super().__init__()
        self.buttons: dict[str, QPushButton] = {}
        self._layer: Any = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        group = QButtonGroup(self)
        for mode, title, tip in modes:
            button = QPushButton(title)
            button.setCheckable(True)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, m=mode: self._choose(m))
            group.addButton(button)
            layout.addWidget(button)
            self.buttons[mode] = button

    def follow(self, layer: Any) -> None:
        """Show and set the mode of a layer, and no longer that of the one before."""
        if self._layer is not None:
            self._layer.events.mode.disconnect(self._show)
        self._layer = layer
        if layer is not None:
            layer.events.mode.connect(self._show)
            self._show()

    def _choose(self, mode: str) -> None:
        if self._layer is not None:
            self._layer.mode = mode

    def _show(self, _event: Any = None) -> None:
        button = self.buttons.get(str(self._layer.mode))
        if button is not None:
            button.setChecked(True)


class BrushPanel(QWidget):
    """Brush, eraser and fill for labels, the brush's size in Å, and which region is painted."""

    def __init__(self) -> None:
        super().__init__()
        self.editor: LabelsEditor | None = None
        self.modes = ModeRow(LABEL_MODES)
        self.size = QDoubleSpinBox()
        self.size.setRange(0.1, 10_000.0)
        self.size.setDecimals(1)
        self.size.setSuffix(" Å")
        self.size.setToolTip("Diameter of the brush in Å.")
        self.is_ball = QCheckBox("3D brush")
        self.is_ball.setToolTip("Paint a ball through the slices instead of a disk in this one.")
        self.number = QSpinBox()
        self.number.setRange(1, MOST_NUMBER)
        self.number.setToolTip("Number of the region that is painted.")
        self.new_button = QPushButton("New region")
        self.new_button.setToolTip("Paint a region with a number of its own from now on.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.modes)
        layout.addLayout(_row("Size", self.size, self.is_ball))
        layout.addLayout(_row("Region", self.number, self.new_button))
        self.size.valueChanged.connect(self._set_size)
        self.is_ball.toggled.connect(self._set_ball)
        self.number.valueChanged.connect(self._set_number)
        self.new_button.clicked.connect(self._new_region)

    def follow(self, editor: LabelsEditor | None) -> None:
        """Be about an editor's layer, and no longer about the one before."""
        for one, change in ((self.editor, "disconnect"), (editor, "connect")):
            for name in ("brush_size", "n_edit_dimensions", "selected_label") if one else ():
                assert one is not None
                getattr(getattr(one.layer.events, name), change)(self._show)
        self.editor = editor
        self.modes.follow(None if editor is None else editor.layer)
        self._show()

    def _show(self, _event: Any = None) -> None:
        """Show what the layer has."""
        if self.editor is None:
            return
        layer = self.editor.layer
        for box, value in (
            (self.size, layer.brush_size * self._voxel_size()),
            (self.number, max(1, int(layer.selected_label))),
        ):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        self.is_ball.blockSignals(True)
        self.is_ball.setChecked(layer.n_edit_dimensions == 3)
        self.is_ball.blockSignals(False)

    def _voxel_size(self) -> float:
        """Å in one voxel, along the finest axis: that is how napari measures a brush."""
        assert self.editor is not None
        return min(self.editor.log.labels.grid.voxel_size)

    def _set_size(self, size: float) -> None:
        if self.editor is not None:
            self.editor.layer.brush_size = max(1, round(size / self._voxel_size()))

    def _set_ball(self, is_ball: bool) -> None:
        if self.editor is not None:
            self.editor.layer.n_edit_dimensions = 3 if is_ball else 2

    def _set_number(self, number: int) -> None:
        if self.editor is not None:
            self.editor.layer.selected_label = number

    def _new_region(self) -> None:
        if self.editor is not None:
            self.editor.layer.selected_label = self.editor.log.labels.next_number()


class PointsPanel(QWidget):
    """Adding, choosing and removing points, and how large they are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.editor: PointsEditor | None = None
        self.modes = ModeRow(POINT_MODES)
        self.size = QDoubleSpinBox()
        self.size.setRange(0.1, 10_000.0)
        self.size.setDecimals(1)
        self.size.setSuffix(" Å")
        self.size.setToolTip("Diameter in which the points are drawn, in Å; it changes no data.")
        self.remove_button = QPushButton("Remove selected")
        self.count = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.modes)
        layout.addLayout(_row("Size", self.size, self.remove_button))
        layout.addWidget(self.count)
        self.size.valueChanged.connect(self._set_size)
        self.remove_button.clicked.connect(self._remove)

    def follow(self, editor: PointsEditor | None) -> None:
        """Be about an editor's layer, and no longer about the one before."""
        for one, change in ((self.editor, "disconnect"), (editor, "connect")):
            if one is not None:
                getattr(one.layer.events.highlight, change)(self.refresh)
        self.editor = editor
        self.modes.follow(None if editor is None else editor.layer)
        if editor is not None:
            self.size.blockSignals(True)
            self.size.setValue(float(editor.layer.current_size) * editor.layer.scale[-1])
            self.size.blockSignals(False)
        self.refresh()

    def refresh(self, _event: Any = None) -> None:
        """Show how many points there are, and whether some can be removed."""
        if self.editor is None:
            return
        chosen = len(self.editor.layer.selected_data)
        self.count.setText(f"{len(self.editor.layer.data):,} points, {chosen:,} selected")
        self.remove_button.setEnabled(chosen > 0)
        self.remove_button.setToolTip(
            "Remove the selected points; undo brings them back."
            if chosen
            else "Select points first: press Select and click one."
        )

    def _set_size(self, size: float) -> None:
        if self.editor is not None:
            layer = self.editor.layer
            layer.size = size / layer.scale[-1]
            layer.current_size = size / layer.scale[-1]

    def _remove(self) -> None:
        if self.editor is not None:
            self.editor.layer.remove_selected()


class ToolsPanel(QWidget):
    """The tools that fit the layer under edit."""

    def __init__(self) -> None:
        super().__init__()
        self.brush = BrushPanel()
        self.points = PointsPanel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.brush)
        layout.addWidget(self.points)
        self.follow(None)

    def follow(self, editor: Editor | None) -> None:
        """Show the tools for an editor's layer, or none."""
        labels = editor if isinstance(editor, LabelsEditor) else None
        points = editor if isinstance(editor, PointsEditor) else None
        if labels is not self.brush.editor:
            self.brush.follow(labels)
        if points is not self.points.editor:
            self.points.follow(points)
        self.points.refresh()
        self.brush.setVisible(labels is not None)
        self.points.setVisible(points is not None)
        is_free = editor is not None and not editor.log.is_read_only
        for panel in (self.brush, self.points):
            panel.setEnabled(is_free)
            panel.setToolTip("" if is_free else "These edits are open elsewhere.")

    def let_go(self) -> None:
        """Listen to no layer any more; called when the widgets are gone."""
        self.brush.follow(None)
        self.points.follow(None)


def _row(title: str, *widgets: QWidget) -> QHBoxLayout:
    """A title and widgets beside it."""
    row = QHBoxLayout()
    label = QLabel(title)
    label.setMinimumWidth(52)
    row.addWidget(label)
    for n, widget in enumerate(widgets):
        row.addWidget(widget, stretch=n == 0)
    return row
