"""The colour bar of a structure, drawn in the view with what it shows and its unit."""

from __future__ import annotations

from typing import Any

from napari.components.overlays import TextOverlay

from mapscope.viewer.structures.figure import BODY, Figure

PLACE = "bottom_left"
"""A corner of its own: contours of maps take the others first."""

KEY = "mapscope_structure_caption"
BAR_SIZE = (22.0, 170.0)
FONT_SIZE = 12.0


def show_bar(viewer: Any, figures: list[Figure]) -> None:
    """Show the colour bar of the last structure that is coloured by numbers, and no other."""
    barred = [f for f in figures if BODY in f.layers and f.has_bar and _is_numeric(f)]
    shown = barred[-1] if barred else None
    for figure in figures:
        body = figure.layers.get(BODY)
        if body is not None:
            _show(body, is_shown=figure is shown)
    overlays = viewer.canvas.overlays
    if shown is None:
        if KEY in overlays:
            overlays[KEY].visible = False
        return
    if KEY not in overlays:
        overlays[KEY] = TextOverlay(position=PLACE, font_size=FONT_SIZE)
        setattr(viewer.canvas.overlay_tiling, PLACE, "vertical")
    assert shown.made is not None
    overlays[KEY].text = shown.made.order.look.caption
    overlays[KEY].visible = shown.layers[BODY].visible


def _is_numeric(figure: Figure) -> bool:
    """Whether the colours that are shown stand for numbers."""
    return figure.made is not None and figure.made.order.look.is_numeric


def _show(body: Any, *, is_shown: bool) -> None:
    """Draw a layer's colour bar in our corner, or not."""
    bar = body.colorbar
    if is_shown:
        bar.size, bar.font_size, bar.position, bar.tick_length = BAR_SIZE, FONT_SIZE, PLACE, 6
    bar.visible = is_shown
