"""One contour surface of a map: which map, which level, how it is coloured, and its layer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mapscope.viewer.contouring.making import By, Made
from mapscope.viewer.runner import Run
from mapscope.volume import Volume

COLORS = ("#a9c7e8", "#f0c48a", "#a5d6a0", "#e7a2ab", "#c4b4ea", "#d8d28c", "#8fd3d1", "#c9c9c9")
"""Colours of surfaces in their order: pale, so that light and shade show their shape."""

COLORMAPS = (
    "turbo",
    "viridis",
    "plasma",
    "inferno",
    "magma",
    "cividis",
    "hsv",
    "PiYG",
    "twilight",
    "gray",
)
"""Colour maps that are offered, those that suit a resolution first."""


@dataclass(frozen=True)
class Coloring:
    """How a surface is coloured.

    Parameters
    ----------
    by : {"constant", "height", "radial", "map"}
        Alike everywhere, by the height z, by the distance from the map's centre, or by the
        values of a second map.
    color : str
        Colour of a surface that is coloured alike.
    source : Volume, optional
        The second map.
    source_name : str
        Its layer's name.
    caption : str
        What the colour bar shows, with its unit.
    limits : tuple of float, optional
        Values of the first and the last colour; None takes the 2 and 98 % quantiles of the
        values on the surface.
    is_inverted : bool
        Whether the colours run the other way.
    has_bar : bool
        Whether the colour bar is drawn in the view.
    colormap : str
        Name of napari's colour map.
    """

    by: By = "constant"
    color: str = COLORS[0]
    source: Volume | None = None
    source_name: str = ""
    caption: str = ""
    limits: tuple[float, float] | None = None
    is_inverted: bool = False
    has_bar: bool = True
    colormap: str = COLORMAPS[0]


def recolored(coloring: Coloring, layer: Any, what: str) -> Coloring:
    """The colours of a surface after someone changed those of its layer."""
    if what == "colormap":
        return replace(coloring, colormap=layer.colormap.name, is_inverted=False)
    low, high = layer.contrast_limits
    return replace(coloring, limits=(float(low), float(high)))


@dataclass(eq=False)
class MapSurface:
    """A contour surface that belongs to a map.

    Parameters
    ----------
    map : napari.layers.Image
        The map.
    level : float
        Density of the surface.
    coloring : Coloring
        How it is coloured.
    smallest : float
        Pieces of a smaller extent, in Å, are hidden.
    around_view : bool
        Of a huge map, only a box around the view's centre, in full detail.
    is_shown : bool
        Whether it is to be seen; in 3D only, slices show the map.
    layer : napari.layers.Surface, optional
        Its layer, once it was made.
    made : Made, optional
        What the layer shows; None while nothing of the map reaches the level.
    note : str
        What someone who looks at it should know.
    """

    map: Any
    level: float
    coloring: Coloring = field(default_factory=Coloring)
    smallest: float = 0.0
    around_view: bool = False
    is_shown: bool = True
    layer: Any = None
    made: Made | None = None
    note: str = ""
    run: Run | None = None
    is_filling: bool = False

    @property
    def is_being_made(self) -> bool:
        """Whether a newer state of it is being made."""
        return self.is_filling or (self.run is not None and not self.run.is_over)
