"""Columns of numbers or text, with units, and how to plot them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mapscope.errors import InputError
from mapscope.volume import Array, checksum_of_arrays, read_only


@dataclass(frozen=True)
class Plot:
    """Which columns of a table make a plot, and what stands beside them.

    Parameters
    ----------
    x : str
        Column along the horizontal axis.
    y : tuple of str
        Columns drawn as curves.
    x_label, y_label : str
        Axis labels with units.
    title : str
        What the plot shows.
    levels : mapping of str to float
        Horizontal lines and their names, such as ``{"0.143": 0.143}``.
    marks : mapping of str to float
        Vertical lines and their names, at values of `x`.
    reciprocal_x : bool
        Whether `x` is a spatial frequency in 1/Å, to be labelled in Å as well.
    headline : str
        The result in one line, shown in large type.
    bars : str
        Column of text: the first of `y`, shares of 1, is drawn as bars with these names.
    """

    x: str
    y: tuple[str, ...]
    x_label: str = ""
    y_label: str = ""
    title: str = ""
    levels: Mapping[str, float] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    reciprocal_x: bool = False
    headline: str = ""
    bars: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Parameters
    ----------
    columns : mapping of str to array (n,)
        Numbers or text.
    units : mapping of str to str
        Unit of a column where it has one, such as ``"1/Å"``.
    plot : Plot, optional
        How to draw it.

    Raises
    ------
    InputError
        If the columns differ in length or the plot names a column that is missing.
    """

    columns: Mapping[str, Array]
    units: Mapping[str, str] = field(default_factory=dict)
    plot: Plot | None = None

    def __post_init__(self) -> None:
        columns = {name: read_only(np.atleast_1d(v)) for name, v in self.columns.items()}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the columns of a table must be equally long, got {lengths}")
        object.__setattr__(self, "columns", MappingProxyType(columns))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
        plot = self.plot
        wanted = () if plot is None else (plot.x, *plot.y, *([plot.bars] if plot.bars else []))
        missing = [name for name in wanted if name not in columns]
        if missing:
            raise InputError(f"the plot needs columns {missing} that the table does not have")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> npt.NDArray[np.generic]:
        return self.columns[name]

    def records(self) -> list[dict[str, object]]:
        """One dictionary of plain Python values for each row; NaN becomes None."""
        rows = zip(*(values.tolist() for values in self.columns.values()), strict=True)
        clean = ([None if v != v else v for v in row] for row in rows)
        return [dict(zip(self.columns, row, strict=True)) for row in clean]

    def checksum(self) -> str:
        """Hash of the columns and their units, as written into records."""
        text = repr((tuple(self.columns), sorted(self.units.items()), self.records()))
        return checksum_of_arrays("table", text)
