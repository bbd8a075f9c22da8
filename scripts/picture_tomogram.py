"""The sample tomogram with its particles in 3D, for the pictures of ``scripts/pictures.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QScrollArea

from mapscope.viewer.start import open_dock
from mapscope.viewer.views.look import look_of
from mapscope.viewer.window import PLUGIN

RESOLUTION, SLAB = 60.0, 60.0


def tomogram_in_3d(viewer: Any) -> None:
    """Copies of the template where the particles are, axes, and the tomogram's brightest voxels."""
    viewer.open_sample(PLUGIN, "simulated_tomogram")
    tomogram, picks = (viewer.layers[name] for name in ("tomogram", "tomogram_particles"))
    dock = open_dock(viewer, "View")
    form = dock.particles_form
    viewer.layers.selection.active = picks
    dock.refresh()
    form.radius.setValue(100.0)
    picks.shown = np.array(picks.features["species"] == "ring")
    form.axes.click()
    form.template.setCurrentText("tomogram_template")
    surfaces: list[Any] = []
    form.drawn.connect(surfaces.append)
    form.surfaces.click()
    for _ in range(3000):
        if surfaces:
            break
        QTest.qWait(20)
    picks.visible = False
    dock.findChild(QScrollArea).ensureWidgetVisible(form)
    look_of(viewer).filter(RESOLUTION)
    tomogram.opacity = 0.35
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 35, 50)
    viewer.scene.camera.zoom *= 1.25
    QTest.qWait(200)
