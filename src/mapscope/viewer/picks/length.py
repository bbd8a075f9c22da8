"""A box in which a length is typed."""

from __future__ import annotations

from qtpy.QtWidgets import QDoubleSpinBox

MOST = 1e5


def length_box(tip: str, *, zero: str = "") -> QDoubleSpinBox:
    """A box for a length in Å.

    Parameters
    ----------
    tip : str
        Its tooltip.
    zero : str
        What stands there instead of 0 Å, which then asks nothing.
    """
    box = QDoubleSpinBox()
    box.setRange(0.0, MOST)
    box.setDecimals(0)
    box.setSingleStep(10)
    box.setSuffix(" Å")
    box.setSpecialValueText(zero)
    box.setKeyboardTracking(False)
    box.setToolTip(tip)
    return box
