"""Rows of a form: what goes in, the settings, and those that are folded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QLabel, QScrollArea, QSizePolicy, QWidget
from superqt import QCollapsible

from mapscope.table import Table
from mapscope.viewer.inputs import InputChoice
from mapscope.viewer.making import MakeButton
from mapscope.viewer.settings import Setting


def input_and_setting_rows(
    inputs: Sequence[InputChoice], settings: Sequence[Setting], makers: Sequence[MakeButton] = ()
) -> QFormLayout:
    """Inputs and the first settings; no layer holds a table, so that none is asked for.

    Below an input stands the button that makes it, if there is one.
    """
    rows = form_layout()
    for choice in inputs:
        if choice.parameter.noun is Table:
            continue
        names = ["first", "second"] if choice.is_pair else [""]
        for box, name in zip(choice.choices, names, strict=True):
            box.setToolTip(choice.parameter.help)
            label = choice.parameter.label + (f", {name}" if name else "")
            rows.addRow(label.replace("maps, ", "map, "), box)
        for maker in makers:
            if maker.choice is choice:
                rows.addRow("", maker)
    for setting in settings:
        if not setting.parameter.show.more:
            rows.addRow(row_label(setting), setting.row)
    return rows


def folded_rows(folded: Sequence[Setting]) -> QCollapsible:
    """The settings that few people change."""
    more = QCollapsible("More")
    inner = QWidget()
    rows = form_layout()
    inner.setLayout(rows)
    for setting in folded:
        rows.addRow(row_label(setting), setting.row)
    more.addWidget(inner)
    return more


def form_layout() -> QFormLayout:
    """Labels left, widgets right and as wide as there is room for."""
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    rows.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
    return rows


def row_label(setting: Setting) -> QLabel:
    """A setting's name, with its help as tooltip; a tick carries its own."""
    label = QLabel("" if setting.parameter.kind == "flag" else setting.parameter.label)
    label.setToolTip(setting.parameter.help)
    label.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Preferred)
    return label


def scroll_to(area: QScrollArea, widget: QWidget) -> None:
    """Bring a widget into sight, once it is laid out."""
    timer = QTimer(widget)  # which goes with the widget
    timer.setSingleShot(True)
    timer.timeout.connect(partial(area.ensureWidgetVisible, widget))
    timer.timeout.connect(timer.deleteLater)
    timer.start(0)
