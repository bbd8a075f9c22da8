"""Colour bars with their unit, drawn in the view so that pictures of it carry them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari.components.overlays import TextOverlay

from mapscope.viewer.contouring.surface import MapSurface

PLACES = ("top_right", "bottom_right", "top_left", "bottom_left")
"""Corners that bars take, one each; further ones share the last."""

BAR_SIZE = (22.0, 190.0)
FONT_SIZE = 12.0
_PREFIX = "mapscope_caption_"


class ColorBars:
    """The colour bars of a viewer's surfaces: a caption in a corner, and the bar below it.

    Parameters
    ----------
    viewer : napari.Viewer
        The viewer.
    """

    def __init__(self, viewer: Any) -> None:
        self._overlays = viewer.canvas.overlays
        self._tiling = viewer.canvas.overlay_tiling
        self._before: dict[str, Any] = {}

    def show(self, surfaces: Sequence[MapSurface]) -> None:
        """Show the bars of these surfaces and no others of ours."""
        barred = [s for s in surfaces if has_bar(s)]
        for surface in surfaces:
            if surface.layer is not None and surface not in barred:
                surface.layer.colorbar.visible = False
        wanted = {}
        for n, surface in enumerate(barred):
            place = PLACES[min(n, len(PLACES) - 1)]
            wanted[f"{_PREFIX}{place}"] = (place, surface)
            self._show_bar(surface, place)
        for place in PLACES:
            self._show_caption(place, wanted.get(f"{_PREFIX}{place}"))

    def _show_bar(self, surface: MapSurface, place: str) -> None:
        """Draw the bar of a surface in a corner."""
        bar = surface.layer.colorbar
        bar.size, bar.font_size, bar.position, bar.tick_length = BAR_SIZE, FONT_SIZE, place, 6
        bar.visible = True

    def _show_caption(self, place: str, shown: tuple[str, MapSurface] | None) -> None:
        """Write what a corner's bar shows, or take that away."""
        key = f"{_PREFIX}{place}"
        if shown is None:
            if key in self._overlays:
                self._overlays[key].visible = False
            if place in self._before:
                setattr(self._tiling, place, self._before.pop(place))
            return
        if key not in self._overlays:
            self._overlays[key] = TextOverlay(position=place, font_size=FONT_SIZE)
        caption = self._overlays[key]
        caption.text, caption.visible = shown[1].coloring.caption, shown[1].layer.visible
        if place not in self._before:
            self._before[place] = getattr(self._tiling, place)
            setattr(self._tiling, place, "vertical")

    def captions(self) -> list[str]:
        """What the bars that are drawn say."""
        found = [o for key, o in self._overlays.items() if key.startswith(_PREFIX) and o.visible]
        return [overlay.text for overlay in found]


def has_bar(surface: MapSurface) -> bool:
    """Whether a colour bar belongs to a surface."""
    coloring = surface.coloring
    return bool(surface.layer is not None and coloring.by != "constant" and coloring.has_bar)
