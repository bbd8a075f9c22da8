"""Curves as SVG paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mapscope.files.report.axis import Axis
from mapscope.files.report.markup import Markup, element
from mapscope.files.report.picture import Floats, Picture

_STYLES = 5


def curves_of(picture: Picture, x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """One path for each curve."""
    paths = []
    places = x_axis.place(picture.x)
    for number, values in enumerate(picture.curves.values()):
        d = path_of(places, y_axis.place(values), picture.starts)
        if d:
            paths.append(element("path", class_=curve_class(number), d=d))
    return paths


def curve_class(number: int) -> str:
    """Style of a curve."""
    return f"curve c{number % _STYLES}"


def path_of(x: Floats, y: Floats, starts: Sequence[int] = ()) -> str:
    """Moves and lines through points on the page; a point alone becomes a dot."""
    known = np.isfinite(x) & np.isfinite(y)
    is_first = known & ~np.concatenate([[False], known[:-1]])
    is_first[list(starts)] = True
    bounds = np.flatnonzero(is_first & known).tolist()
    pieces = []
    for start, end in zip(bounds, [*bounds[1:], len(x)], strict=True):
        rows = np.flatnonzero(known[start:end]) + start
        rows = _thinned(x[rows], y[rows], rows)
        points = [
            f"{a:.1f} {b:.1f}" for a, b in zip(x[rows].tolist(), y[rows].tolist(), strict=True)
        ]
        rest = f"L{' '.join(points[1:])}" if len(points) > 1 else "h0"
        pieces.append(f"M{points[0]}{rest}")
    return "".join(pieces)


def _thinned(x: Floats, y: Floats, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The rows that can be seen: first, lowest, highest and last within each pixel's width."""
    column = np.floor(x)
    edges = np.flatnonzero(np.diff(column, prepend=np.nan) != 0)
    if len(rows) <= 4 * len(edges):
        return rows
    kept = set()
    for start, end in zip(edges.tolist(), [*edges[1:].tolist(), len(rows)], strict=True):
        piece = y[start:end]
        kept |= {start, end - 1, start + int(piece.argmin()), start + int(piece.argmax())}
    return rows[sorted(kept)]
