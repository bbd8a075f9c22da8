"""A plot as SVG: axes with units, curves with gaps, levels and marks by name, a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mapscope.files.report.axis import Axis, Tick, resolution_ticks, round_ticks
from mapscope.files.report.curves import curves_of
from mapscope.files.report.lines import (
    LETTER,
    LINE,
    legend_of,
    legend_rows,
    levels_of,
    marks_of,
    text,
)
from mapscope.files.report.markup import Markup, element
from mapscope.files.report.picture import NARROW, Picture

_HEIGHT, _RIGHT, _BOTTOM = 300.0, 14.0, 46.0
_APART = 40.0


def svg_of(picture: Picture, name: str) -> Markup:
    """A picture as an SVG element.

    Parameters
    ----------
    picture : Picture
        With one point at least.
    name : str
        Identifier that no other element of the page has.
    """
    rows = legend_rows(picture)
    top = (
        LINE * len(rows)
        + (36.0 if picture.reciprocal_x else 0.0)
        + (14.0 if picture.bands else 8.0)
    )
    y_axis = _y_axis(picture, top)
    y_ticks = round_ticks(y_axis.low, y_axis.high, 6)
    left = 30.0 + LETTER * max(len(tick.text) for tick in y_ticks)
    x_axis = _x_axis(picture, left)
    parts = [
        element("title", picture.title, id=f"{name}-title"),
        element("desc", picture.description, id=f"{name}-desc"),
        *legend_of(rows, left),
        *_bands(picture, x_axis, y_axis),
        *_vertical_axis(picture, x_axis, y_axis, y_ticks),
        *_horizontal_axis(picture, x_axis, y_axis),
        *(_resolution_axis(x_axis, y_axis) if picture.reciprocal_x else ()),
        *curves_of(picture, x_axis, y_axis),
        *levels_of(picture, x_axis, y_axis),
        *marks_of(picture, x_axis, y_axis),
    ]
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        class_="wide" if picture.width > NARROW else None,
        viewBox=f"0 0 {picture.width:g} {_HEIGHT:g}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def _y_axis(picture: Picture, top: float) -> Axis:
    """The vertical axis: all that is known, and a little room."""
    known = np.concatenate(
        [y[np.isfinite(y) & np.isfinite(picture.x)] for y in picture.curves.values()]
    )
    low, high = float(known.min()), float(known.max())
    if picture.reciprocal_x and max(-low, high) <= 1.001:
        low, high = min(low, 0.0), 1.0
    if picture.y_range is not None:
        low, high = min(low, picture.y_range[0]), max(high, picture.y_range[1])
    room = 0.05 * (high - low or abs(high) or 1.0)
    return Axis(low - room, high + room, _HEIGHT - _BOTTOM, top)


def _x_axis(picture: Picture, left: float) -> Axis:
    """The horizontal axis; a spatial frequency begins at 0."""
    known = picture.x[np.isfinite(picture.x)]
    low, high = float(known.min()), float(known.max())
    room = 0.0 if picture.reciprocal_x else 0.01 * (high - low) or 0.5
    low = 0.0 if picture.reciprocal_x else low - room
    return Axis(low, high + room, left, picture.width - _RIGHT)


def _bands(picture: Picture, x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """Every other named stretch shaded, and the names where there is room."""
    parts, free = [], 0.0
    for number, (name, (low, high)) in enumerate(picture.bands.items()):
        start, end = (float(p) for p in x_axis.place(np.array([low, high])))
        if number % 2:
            parts.append(
                element(
                    "rect",
                    class_="band",
                    x=f"{start:.1f}",
                    y=f"{y_axis.end:.1f}",
                    width=f"{end - start:.1f}",
                    height=f"{y_axis.start - y_axis.end:.1f}",
                )
            )
        half, middle = LETTER * len(name) / 2, (start + end) / 2
        if middle - half >= free:
            parts.append(text(name, middle, y_axis.end - 3, "small", "middle"))
            free = middle + half + 4
    return parts


def _vertical_axis(
    picture: Picture, x_axis: Axis, y_axis: Axis, ticks: Sequence[Tick]
) -> list[Markup]:
    """Lines across the plot, numbers beside it, and the label along it."""
    parts = []
    for tick in ticks:
        y = float(y_axis.place(tick.at))
        parts.append(
            element("path", class_="grid", d=f"M{x_axis.start:.1f} {y:.1f}H{x_axis.end:.1f}")
        )
        parts.append(text(tick.text, x_axis.start - 6, y + 4, "", "end"))
    middle = (y_axis.start + y_axis.end) / 2
    turned = f"rotate(-90 13 {middle:.1f})"
    is_long = LETTER * len(picture.y_label) > y_axis.start - y_axis.end
    label = element(
        "text",
        picture.y_label,
        x="13",
        y=f"{middle:.1f}",
        text_anchor="middle",
        transform=turned,
        class_="tight" if is_long else None,
    )
    return [*parts, *([label] if picture.y_label else [])]


def _horizontal_axis(picture: Picture, x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """The line below the plot with its ticks, numbers and label."""
    ticks = picture.x_ticks
    if ticks is None:
        ticks = round_ticks(x_axis.low, x_axis.high, int(picture.width // 75))
    base = y_axis.start
    parts = [element("path", class_="axis", d=f"M{x_axis.start:.1f} {base:.1f}H{x_axis.end:.1f}")]
    free = 0.0
    for tick in ticks:
        x, half = float(x_axis.place(tick.at)), LETTER * len(tick.text) / 2
        if x - half >= free:
            parts.append(element("path", class_="axis", d=f"M{x:.1f} {base:.1f}v4"))
            parts.append(text(tick.text, x, base + 17, "", "middle"))
            free = x + half + 6
    middle = (x_axis.start + x_axis.end) / 2
    return [*parts, text(picture.x_label, middle, base + 37, "", "middle")]


def _resolution_axis(x_axis: Axis, y_axis: Axis) -> list[Markup]:
    """The line above the plot, in Å."""
    top = y_axis.end
    parts = [element("path", class_="axis", d=f"M{x_axis.start:.1f} {top:.1f}H{x_axis.end:.1f}")]
    for tick in resolution_ticks(x_axis, _APART):
        x = float(x_axis.place(tick.at))
        parts.append(element("path", class_="axis", d=f"M{x:.1f} {top:.1f}v-4"))
        parts.append(text(tick.text, x, top - 8, "", "middle"))
    middle = (x_axis.start + x_axis.end) / 2
    return [*parts, text("resolution (Å)", middle, top - 25, "", "middle")]
