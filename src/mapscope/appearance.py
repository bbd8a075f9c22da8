"""How a noun is drawn, in words that no viewer owns: what files for other viewers say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np

from mapscope.errors import InputError
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.volume import Array, Triple, Volume, read_only

Shown: TypeAlias = Volume | Labels | Mesh | Structure | Particles | Table
Style: TypeAlias = Literal[
    "surface", "mesh", "image", "projection", "cartoon", "atoms", "atoms and cartoon"
]

GRAY: Triple = (0.7, 0.7, 0.7)
VIRIDIS: tuple[Triple, ...] = (
    (0.267, 0.005, 0.329),
    (0.230, 0.322, 0.546),
    (0.128, 0.567, 0.551),
    (0.369, 0.789, 0.383),
    (0.993, 0.906, 0.144),
)


@dataclass(frozen=True)
class ColorScale:
    """Colours for a range of values.

    Parameters
    ----------
    low, high : float
        Values of the first and the last colour; what lies outside gets these.
    colors : sequence of (red, green, blue)
        Two or more, evenly spread over the range, each from 0 to 1.
    label : str
        What the values are, with their unit, for the key; no key is drawn where empty.

    Raises
    ------
    InputError
        If the range is empty or not finite, or a colour is none.
    """

    low: float
    high: float
    colors: tuple[Triple, ...] = VIRIDIS
    label: str = ""

    def __post_init__(self) -> None:
        if not np.isfinite([self.low, self.high]).all() or not self.low < self.high:
            raise InputError(
                f"a colour scale runs from a lower to a higher number, got {self.low} to "
                f"{self.high}"
            )
        if len(self.colors) < 2:
            raise InputError(f"a colour scale needs two colours or more, got {len(self.colors)}")
        object.__setattr__(self, "colors", tuple(_color(c) for c in self.colors))

    def at(self, values: Array) -> Array:
        """Colours (n, 3) of values (n,), from 0 to 1; those of the low end for NaN."""
        clean = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=self.low)
        stops = np.linspace(self.low, self.high, len(self.colors))
        parts = np.asarray(self.colors).T
        return np.stack([np.interp(clean, stops, part) for part in parts], axis=-1)


@dataclass(frozen=True, eq=False)
class Appearance:
    """A noun and how it is drawn.

    Parameters
    ----------
    noun : Volume, Labels, Mesh, Structure, Particles or Table
        What is shown; a table has no picture.
    name : str
        What it is called; any text.
    style : {"surface", "mesh", "image", "projection", "cartoon", "atoms", "atoms and cartoon"}
        Volumes: contour surface, its wires, translucent density, or the maximum along the
        line of sight. Meshes: surface or wires. Structures: cartoon, atoms or both.
    levels : sequence of float
        Contour levels of a volume; empty leaves the choice to the program that draws it.
    color : (red, green, blue)
        From 0 to 1, for a surface without `scale` and for particles.
    opacity : float
        From 0 (not to be seen) to 1.
    visible : bool
        Whether it is shown at first.
    scale : ColorScale, optional
        Colours of a volume's densities as an image, of a mesh's values, or, with `sample`, of
        the values of that volume on the surface.
    sample : Volume, optional
        A second volume whose values colour the surface of the first, in place by its own grid.
    sample_name : str
        What that is called.
    vertex_colors : array (n, 3) or (n, 4), optional
        Colours of a mesh's vertices from 0 to 1; they go before `scale`.
    label_colors : mapping of int to (red, green, blue)
        Colours of labels; they go before the labels' own.
    radius : float
        Of particles, in Å.

    Raises
    ------
    InputError
        If a number is not finite, a colour none, or `sample` comes without `scale`.
    """

    noun: Shown
    name: str
    style: Style = "surface"
    levels: tuple[float, ...] = ()
    color: Triple = GRAY
    opacity: float = 1.0
    visible: bool = True
    scale: ColorScale | None = None
    sample: Volume | None = None
    sample_name: str = "colours"
    vertex_colors: Array | None = None
    label_colors: Mapping[int, Triple] = field(default_factory=dict)
    radius: float = 10.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(float(level) for level in self.levels))
        object.__setattr__(self, "color", _color(self.color))
        colors = {int(n): _color(c) for n, c in self.label_colors.items()}
        object.__setattr__(self, "label_colors", MappingProxyType(colors))
        if not np.isfinite([*self.levels, self.radius]).all() or not 0 <= self.opacity <= 1:
            raise InputError(
                f"{self.name}: levels and radius are finite and opacity runs from 0 to 1, "
                f"got {self.levels}, {self.radius} and {self.opacity}"
            )
        if self.sample is not None and self.scale is None:
            raise InputError(f"{self.name}: a surface coloured by a volume needs a colour scale")
        if self.vertex_colors is not None:
            self._check_vertex_colors(self.vertex_colors)

    def _check_vertex_colors(self, colors: Array) -> None:
        """Raise unless there is a colour for every vertex of a mesh."""
        count = len(self.noun.vertices) if isinstance(self.noun, Mesh) else 0
        if np.shape(colors) not in ((count, 3), (count, 4)):
            raise InputError(
                f"{self.name}: {count} vertices need as many colours, got {np.shape(colors)}"
            )
        object.__setattr__(self, "vertex_colors", read_only(np.clip(colors, 0, 1)))


def _color(color: object) -> Triple:
    """Three numbers from 0 to 1.

    Raises
    ------
    InputError
        If they are something else.
    """
    try:
        parts = np.asarray(color, dtype=np.float64)
    except (TypeError, ValueError):
        parts = np.empty(0)
    if parts.shape != (3,) or not np.isfinite(parts).all():
        raise InputError(f"a colour is (red, green, blue), each from 0 to 1, got {color!r}")
    red, green, blue = np.clip(parts, 0, 1).tolist()
    return (red, green, blue)
