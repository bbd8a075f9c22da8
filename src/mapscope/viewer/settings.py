"""One row of a form for one plain parameter of a job."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from magicgui.types import Undefined
from magicgui.widgets import create_widget
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QHBoxLayout, QLabel, QSlider, QWidget

from mapscope.job import Parameter, in_words

AUTOMATIC = "auto"
BROWSE = {"file": "r", "folder": "d", "new file": "w"}
"""magicgui's word for what a button of a path looks for."""
HUGE = 1e6
STEPS_OF_A_PAGE = 10


class Setting(QObject):
    """A widget for one parameter, with its unit, and a tick for *auto* where None is allowed.

    Parameters
    ----------
    parameter : Parameter
        A parameter that is no noun.
    """

    changed = Signal()

    def __init__(self, parameter: Parameter) -> None:
        super().__init__()
        self.parameter = parameter
        self._more_choices: list[str] = []
        self.editor = create_widget(
            value=self._first_value(),
            annotation=self._base_type(),
            name=parameter.name,
            label=parameter.label,
            options=self._options(),
        )
        self.digits = self._show_digits()
        self.row = QWidget()
        layout = QHBoxLayout(self.row)
        layout.setContentsMargins(0, 0, 0, 0)
        self.automatic = QCheckBox(AUTOMATIC)
        self.automatic.setVisible(parameter.optional)
        if parameter.optional:
            self.automatic.setChecked(parameter.default is None)
            layout.addWidget(self.automatic)
        layout.addWidget(self.editor.native, stretch=1)
        self.nothing = QLabel(parameter.show.if_none)
        self.nothing.setWordWrap(True)
        layout.addWidget(self.nothing, stretch=1)
        if parameter.show.unit:
            layout.addWidget(QLabel(parameter.show.unit))
        self.row.setToolTip(parameter.help)
        self._enable()
        self._show_whether_empty()
        self.automatic.toggled.connect(self._toggled)
        self.editor.changed.connect(self._edited)

    @property
    def value(self) -> Any:
        """The value as the job takes it."""
        if self.parameter.optional and self.automatic.isChecked():
            return None
        value = self.editor.value
        if self.digits is not None:
            return round(value, self.digits)  # a slider stops between what it shows
        if self.parameter.kind in ("region", "triple") and isinstance(value, str):
            return value.strip() or None
        return value

    @value.setter
    def value(self, value: Any) -> None:
        if self.parameter.optional:
            self.automatic.setChecked(value is None)
        if self.parameter.show.choices is not None and value not in self.editor.choices:
            self._more_choices.append(value)
            self.refresh()
        if value is not None:
            self.editor.value = str(value) if self.parameter.kind == "region" else value

    def refresh(self) -> None:
        """List anew what may be chosen, where that can change."""
        if self.parameter.show.choices is not None:
            self.editor.reset_choices()
            self._show_whether_empty()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to choose from."""
        return self.parameter.show.choices is not None and not self._choices(None)

    def _show_whether_empty(self) -> None:
        """Say why there is nothing to choose, in place of an empty list."""
        self.editor.visible = not self.is_empty
        self.nothing.setVisible(self.is_empty)

    def _choices(self, _editor: Any) -> list[str]:
        """What may be chosen now, the default where that is nothing, and what was set by hand."""
        assert self.parameter.show.choices is not None
        default = [] if self.parameter.required else [self.parameter.default]
        found = list(self.parameter.show.choices()) or default
        return [*found, *(value for value in self._more_choices if value not in found)]

    def suggest(self, value: float) -> None:
        """Show what *auto* came to, without leaving *auto*."""
        if self.automatic.isChecked():
            with self.editor.changed.blocked():
                self.editor.value = value

    def _toggled(self) -> None:
        self._enable()
        self.changed.emit()

    def _edited(self) -> None:
        if self.parameter.show.slider is not None and self.automatic.isChecked():
            self.automatic.setChecked(False)
            return
        self.changed.emit()

    def _enable(self) -> None:
        """Grey the editor while *auto* is ticked; a slider may be moved at any time."""
        is_auto = self.parameter.optional and self.automatic.isChecked()
        self.editor.enabled = not is_auto or self.parameter.show.slider is not None

    def _base_type(self) -> Any:
        """The type that magicgui makes a widget for."""
        types: dict[str, Any] = {
            "number": float,
            "integer": int,
            "flag": bool,
            "choice": str,
            "text": str,
            "region": str,
            "triple": tuple[float, float, float],
            "path": Path,
        }
        return types[self.parameter.kind]

    def _first_value(self) -> Any:
        """What the editor shows at first."""
        default = self.parameter.default
        if self.parameter.show.choices is not None:
            found = self._choices(None)
            return default if default in found else next(iter(found), Undefined)
        if default is not None:
            return default
        low, high = self.parameter.show.slider or self.parameter.bounds
        if self.parameter.kind in ("number", "integer"):
            inside = 0 if low is None or low <= 0 else low
            return inside if high is None else min(inside, high)
        if self.parameter.kind == "path":
            return None
        return (0.0, 0.0, 0.0) if self.parameter.kind == "triple" else ""

    def _show_digits(self) -> int | None:
        """Show one digit more than a slider's step has; None for what is no such slider."""
        if self.parameter.show.slider is None or self.parameter.kind != "number":
            return None
        digits = 1 - round(math.log10(_step(self.parameter.show.slider)))
        for box in self.editor.native.findChildren(QDoubleSpinBox):
            box.setDecimals(max(digits, 0))
        for slider in self.editor.native.findChildren(QSlider):
            slider.setPageStep(STEPS_OF_A_PAGE * slider.singleStep())  # a click beside the handle
        return digits

    def _options(self) -> dict[str, Any]:
        """Bounds, steps, choices and the kind of widget, as magicgui names them."""
        parameter = self.parameter
        options: dict[str, Any] = {"tooltip": parameter.help}
        if parameter.kind == "choice":
            options |= {"choices": [(in_words(c), c) for c in parameter.choices]}
        if parameter.show.choices is not None:
            options |= {"choices": self._choices, "widget_type": "ComboBox"}
        if parameter.kind == "path":
            options |= {"mode": BROWSE[parameter.show.browse], "nullable": True}
        if parameter.kind in ("number", "integer"):
            low, high = parameter.show.slider or parameter.bounds
            options |= {
                "min": -HUGE if low is None else low,
                "max": HUGE if high is None else high,
            }
        if parameter.kind == "number":
            options["step"] = _step(parameter.show.slider, parameter.default)
        if parameter.show.slider is not None:
            options["widget_type"] = "FloatSlider" if parameter.kind == "number" else "Slider"
        return options


def _step(slider: tuple[float, float] | None, default: Any = None) -> float:
    """Step of a number: of a slider, a power of ten under a hundredth of its range.

    Without one it is small enough to show a small default, since it sets the digits as well.

    Examples
    --------
    >>> _step((-400.0, 100.0)), _step((1.0, 20.0)), _step(None), _step(None, 0.004)
    (1.0, 0.1, 0.1, 0.001)
    """
    if slider is None:
        is_small = isinstance(default, float) and 0 < abs(default) < 0.01
        return float(10.0 ** math.floor(math.log10(abs(default)))) if is_small else 0.1
    return float(10.0 ** (math.floor(math.log10(slider[1] - slider[0])) - 2))
