"""Pictures of the view carry the surface in its colours and the bar with its unit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Layer
from tests.viewer.contouring.conftest import ORIGIN, VOXEL, ball

from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import layers_from_noun
from mapscope.volume import Volume

CORNER = (slice(0, 260), slice(-220, None))
"""Rows and columns of the picture in which the bar and its caption stand."""


def picture(viewer: Any) -> np.ndarray[Any, Any]:
    """What a screenshot of the view shows, without transparency, as numbers from 0 to 1."""
    shot = viewer.screenshot(canvas_only=True, flash=False)
    return np.asarray(shot[..., :3], dtype=float) / 255


def test_picture_of_a_coloured_surface_has_its_colours_and_the_bar_with_its_caption(
    make_napari_viewer: Callable[..., Any], qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 700)
    layer = Layer.create(*layers_from_noun(Volume(ball(), VOXEL, ORIGIN), "ball")[0])
    viewer.add_layer(layer)
    contours = contours_of(viewer)
    surface = contours.show(layer, 0.3)
    qtbot.waitUntil(lambda: not surface.is_being_made, timeout=15_000)
    viewer.dims.ndisplay = 3  # only now: without a graphics card the map itself is drawn slowly
    viewer.reset_view()
    viewer.scene.camera.zoom *= 0.5
    plain = picture(viewer)
    assert plain.max(axis=2)[plain.shape[0] // 2, plain.shape[1] // 2] > 0.2
    assert np.ptp(plain[CORNER].max(axis=2)) < 0.05

    contours.color_by(surface, "height", colormap="turbo", caption="height (Å)")
    qtbot.waitUntil(lambda: not surface.is_being_made, timeout=15_000)
    coloured = picture(viewer)
    assert np.ptp(coloured, axis=2).max() > 0.5
    bar = np.ptp(coloured[CORNER], axis=2) > 0.4
    assert bar.any(axis=1).sum() > 150, "the bar is drawn, over 150 pixels high"
    first = int(np.flatnonzero(bar.any(axis=1))[0])
    above = coloured[CORNER][:first].min(axis=2)
    assert (above > 0.6).sum() > 50, "the caption stands in white above it"
    contours.remove(surface)
