"""Surfaces written for other programs: a mesh, or a ChimeraX command file with its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mapscope.appearance import Appearance, ColorScale
from mapscope.files import writable_suffixes
from mapscope.files.result import write_nouns
from mapscope.mesh import Mesh
from mapscope.viewer.contouring.surface import MapSurface

STOPS = 9


def mesh_kinds() -> str:
    """The kinds of file that a mesh can be saved as, as a file dialog lists them."""
    suffixes = [s for s in writable_suffixes(Mesh) if s != ".cxc"]
    return ";;".join(f"{suffix[1:].upper()} (*{suffix})" for suffix in suffixes)


def save_mesh(mesh: Mesh, path: str | Path) -> Path:
    """Write a surface with its values, in its place: as PLY, OBJ or GLB.

    Raises
    ------
    UnknownFormatError
        If the suffix is another one.
    """
    return write_nouns({"surface": mesh}, path)[0].path


def appearances_of(surfaces: Sequence[MapSurface]) -> list[Appearance]:
    """How surfaces look: what `mapscope.files.chimerax.write_chimerax` takes."""
    return [appearance_of(surface) for surface in surfaces if surface.made is not None]


def appearance_of(surface: MapSurface) -> Appearance:
    """How a surface looks: as a contour of its map where ChimeraX can make that itself.

    Without dust, cut out of a huge map or coloured by its place it is a mesh.
    """
    made, layer, coloring = surface.made, surface.layer, surface.coloring
    assert made is not None
    is_contour = (
        coloring.by in ("constant", "map")
        and not surface.smallest
        and made.order.region is None
        and made.order.step == 1
    )
    red, green, blue = layer.colormap.map(np.array([1.0]))[0][:3].tolist()
    return Appearance(
        made.order.volume if is_contour else made.mesh,
        layer.name,
        style="mesh" if layer.wireframe.visible else "surface",
        levels=(made.order.level,) if is_contour else (),
        color=(red, green, blue),
        opacity=float(layer.opacity),
        visible=surface.is_shown,
        scale=None if coloring.by == "constant" else _scale(surface),
        sample=made.order.source if is_contour else None,
        sample_name=coloring.source_name or "colours",
        vertex_colors=None if is_contour else layer.vertex_colors,
    )


def _scale(surface: MapSurface) -> ColorScale:
    """The colours of a surface over its range, with the words of its colour bar."""
    low, high = surface.layer.contrast_limits
    colors = surface.layer.colormap.map(np.linspace(0, 1, STOPS))[:, :3].tolist()
    return ColorScale(
        float(low),
        float(high),
        tuple((r, g, b) for r, g, b in colors),
        surface.coloring.caption if surface.coloring.has_bar else "",
    )
