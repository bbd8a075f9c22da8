"""A real map enhanced in the docks, for the pictures of ``scripts/pictures.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from first_light import run_in_form
from picture_walk import wait
from qtpy.QtTest import QTest

from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.window import PLUGIN

ANGLES = (0, 20, 90)
CLOSER = 0.9
"""How much closer the camera goes than to see all of the box."""

HIGHER = 1.4
"""Level of the surfaces, as a multiple of the first one."""


def previewed_strengths(
    viewer: Any, docks: dict[str, Any], path: Path, name: str, resolution: float
) -> Any:
    """The form of *Enhance* with a picture of each strength; gives the form."""
    viewer.open(str(path), plugin=PLUGIN)
    viewer.layers[0].name = name
    form = docks["Jobs"].open("enhance")
    form.settings["resolution"].value = resolution
    form.pictures.button.click()
    wait(lambda: form.pictures.has_pictures)
    form.pictures.pictures["strong"].click()
    QTest.qWait(300)
    return form


def confident_surface(viewer: Any, form: Any) -> None:
    """What comes out of that form, its surface coloured by confidence."""
    run_in_form(form)
    form.next_steps.color_button.click()
    wait(lambda: viewer.dims.ndisplay == 3)
    _raise(viewer, contours_of(viewer).surfaces[0])
    viewer.reset_view()
    viewer.scene.camera.angles = ANGLES
    viewer.scene.camera.zoom *= CLOSER
    QTest.qWait(500)


def before_and_after(viewer: Any, form: Any) -> None:
    """The surface of the data on the left of a divider, that of the enhanced map on the right."""
    contours = contours_of(viewer)
    (enhanced,) = contours.surfaces
    contours.color(enhanced, enhanced.coloring.color)
    data = contours.show(next(la for la in viewer.layers if la.name.endswith("data")))
    wait(lambda: data.made is not None and not enhanced.is_being_made)
    _raise(viewer, data)
    form.next_steps.wipe_button.click()
    QTest.qWait(1000)


def _raise(viewer: Any, surface: Any) -> None:
    """Contour a map a little higher."""
    level = HIGHER * surface.level
    contours_of(viewer).show(surface.map, level)
    wait(lambda: surface.made is not None and surface.made.order.level == level)
    QTest.qWait(200)
