"""Everything that is in view, as files that ChimeraX opens as it looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mapscope.appearance import Appearance
from mapscope.errors import InputError
from mapscope.files.chimerax import write_chimerax
from mapscope.viewer.appearance import appearances_of_layers
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.contouring.exporting import appearance_of
from mapscope.viewer.runner import BACKGROUND, Run


def scene_of(viewer: Any) -> tuple[list[Appearance], list[str]]:
    """What is in view and how it looks, and the names of layers that ChimeraX cannot be given.

    A contour surface goes as the contour of its map, so that its level can be moved there.
    """
    contours = contours_of(viewer)
    shown: list[Any] = []
    items: list[Appearance] = []
    left_out: list[str] = []
    for layer in viewer.layers:
        surface = contours.surface_of(layer)
        if not layer.visible:
            continue
        if surface is not None and surface.made is not None:
            items.append(appearance_of(surface))
            continue
        try:
            appearances_of_layers([layer])
        except InputError:
            left_out.append(layer.name)
        else:
            shown.append(layer)
    return [*appearances_of_layers(shown), *items], left_out


def save_scene(viewer: Any, path: Path) -> tuple[Run, list[str]]:
    """Begin to write what is in view as a ChimeraX command file and the files that it opens.

    Returns
    -------
    run : Run
        It succeeds with the paths written, the command file last.
    left_out : list of str
        Names of layers in view that are not in it.

    Raises
    ------
    InputError
        If nothing that is in view can be given to ChimeraX.
    """
    items, left_out = scene_of(viewer)
    if not items:
        raise InputError("nothing is in view that ChimeraX can open: show a map or a structure")
    return Run(lambda progress: write_chimerax(path, items)).start(BACKGROUND), left_out  # noqa: ARG005
