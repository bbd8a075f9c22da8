"""The lines across a plot and what is named in it: levels, marks, the legend."""

from __future__ import annotations

import numpy as np

from mapscope.files.report.axis import Axis
from mapscope.files.report.curves import curve_class
from mapscope.files.report.markup import Markup, element, joined
from mapscope.files.report.picture import Floats, Picture

LETTER, LINE = 6.6, 16.0
"""Width of a letter and height of a line of text, in px."""
_LONGEST_NAME = 6


def legend_rows(picture: Picture) -> list[list[tuple[str, str, float]]]:
    """Style, name and place of each key, row by row."""
    rows: list[list[tuple[str, str, float]]] = []
    at = picture.width
    for style, name in _keys(picture):
        wide = 46.0 + LETTER * len(name)
        if at + wide > picture.width - 60.0:
            rows.append([])
            at = 0.0
        rows[-1].append((style, name, at))
        at += wide
    return rows


def legend_of(rows: list[list[tuple[str, str, float]]], left: float) -> list[Markup]:
    """A short stroke and the name of each curve."""
    parts = []
    for row, keys in enumerate(rows):
        y = 11.0 + LINE * row
        for style, name, at in keys:
            x = left + at
            parts.append(element("path", class_=style, d=f"M{x:.1f} {y:.1f}h24"))
            parts.append(element("text", name, x=f"{x + 29:.1f}", y=f"{y + 4:.1f}"))
    return parts


def _keys(picture: Picture) -> list[tuple[str, str]]:
    """Style and name of what the legend names: levels with long names, and curves if not alone."""
    levels = [("line", f"{name}: {value:.3g}") for name, value in _long_levels(picture).items()]
    if len(picture.curves) < 2 and not levels:
        return []
    return [*((curve_class(n), name) for n, name in enumerate(picture.curves)), *levels]


def _long_levels(picture: Picture) -> dict[str, float]:
    """Levels whose names would cover the curves."""
    return {name: v for name, v in picture.levels.items() if len(name) > _LONGEST_NAME}


def levels_of(picture: Picture, x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """Horizontal lines; short names stand at that end and on that side where least is drawn."""
    parts = []
    x = np.concatenate([x_axis.place(picture.x)] * len(picture.curves))
    y = np.concatenate([y_axis.place(values) for values in picture.curves.values()])
    for name, value in picture.levels.items():
        if y_axis.holds(value):
            at = float(y_axis.place(value))
            d = f"M{x_axis.start:.1f} {at:.1f}H{x_axis.end:.1f}"
            parts.append(element("path", class_="line", d=d))
            if name not in _long_levels(picture):
                parts.append(_level_name(name, at, x_axis, (x, y)))
    return parts


def _level_name(name: str, at: float, x_axis: Axis, points: tuple[Floats, Floats]) -> Markup:
    """The name of a level whose line is drawn at height `at`."""
    wide, (x, y) = LETTER * len(name) + 6, points
    places = [(x_axis.end - 3, base, "end") for base in (at - 4, at + 13)]
    places += [(x_axis.start + 3, base, "start") for base in (at - 4, at + 13)]

    def crowd(place: tuple[float, float, str]) -> int:
        left = place[0] - (wide if place[2] == "end" else 0.0)
        over = (x >= left) & (x <= left + wide) & (y >= place[1] - 13) & (y <= place[1] + 4)
        return int(over.sum())

    left, base, anchor = min(places, key=crowd)
    return text(name, left, base, "name", anchor)


def marks_of(picture: Picture, x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """Vertical lines, named at the top, below each other where they are near."""
    parts: list[Markup] = []
    ends: list[float] = []
    inside = {n: v for n, v in picture.marks.items() if x_axis.holds(v)}
    for name, value in sorted(inside.items(), key=lambda item: item[1]):
        x, wide = float(x_axis.place(value)), LETTER * len(name) + 8
        is_left = x + wide > x_axis.end
        start = x - wide if is_left else x
        row = next((n for n, end in enumerate(ends) if end <= start), len(ends))
        ends[row : row + 1] = [start + wide]
        parts.append(
            element("path", class_="line", d=f"M{x:.1f} {y_axis.start:.1f}V{y_axis.end:.1f}")
        )
        y = y_axis.end + 13 + LINE * row
        parts.append(
            text(name, x - 4 if is_left else x + 4, y, "name", "end" if is_left else "start")
        )
    return parts


def text(words: str, x: float, y: float, class_: str, anchor: str) -> Markup:
    """A line of text."""
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text_anchor": anchor}
    return element("text", words, class_=class_ or None, **place) if words else joined()
