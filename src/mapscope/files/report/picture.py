"""What a plot of a report shows, before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mapscope.files.report.axis import Tick

Floats = npt.NDArray[np.float64]

WIDE, NARROW = 980.0, 480.0
"""Widths of a picture, in px."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What a plot shows.

    Parameters
    ----------
    title : str
        What it is; read out where it cannot be seen.
    description : str
        What can be seen in it, in words.
    x : float64 array (n,)
        Where the points of all curves lie.
    curves : mapping of str to float64 array (n,)
        By name; NaN makes a gap.
    starts : sequence of int
        Points at which a curve begins anew.
    x_label, y_label : str
        With units.
    levels, marks : mapping of str to float
        Horizontal and vertical lines.
    reciprocal_x : bool
        Whether `x` is a spatial frequency in 1/Å, to be labelled in Å as well.
    x_ticks : sequence of Tick, optional
        Where the horizontal axis is not one of round numbers.
    bands : mapping of str to (float, float)
        Stretches of `x` that have a name.
    y_range : (float, float), optional
        What the vertical axis holds at least.
    width : float
        Of the picture, in px.
    """

    title: str
    description: str
    x: Floats
    curves: Mapping[str, Floats]
    starts: Sequence[int] = ()
    x_label: str = ""
    y_label: str = ""
    levels: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    reciprocal_x: bool = False
    x_ticks: Sequence[Tick] | None = None
    bands: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    y_range: tuple[float, float] | None = None
    width: float = NARROW

    @property
    def is_empty(self) -> bool:
        """Whether no curve has a point."""
        return not any((np.isfinite(self.x) & np.isfinite(y)).any() for y in self.curves.values())
