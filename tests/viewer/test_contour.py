"""Shift and the mouse wheel move the contour level of the selected map, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.interactions import mouse_wheel_callbacks

from mapscope.viewer.contour import STEP, connect_wheel
from mapscope.viewer.layers import layers_from_noun
from mapscope.volume import Volume


@pytest.fixture
def viewer(volume: Volume) -> ViewerModel:
    """Two maps in 3D, the second selected."""
    viewer = ViewerModel(ndisplay=3)
    connect_wheel(viewer)
    connect_wheel(viewer)
    for name in ("one", "two"):
        viewer.add_layer(Layer.create(*layers_from_noun(volume, name)[0]))
    return viewer


def turn(viewer: ViewerModel, notches: float, *modifiers: str) -> Any:
    """Turn the mouse wheel in the view."""
    event = SimpleNamespace(
        type="mouse_wheel", modifiers=modifiers, delta=(0.0, notches), handled=False
    )
    mouse_wheel_callbacks(viewer, event)
    return event


def state(viewer: ViewerModel) -> Any:
    """All that the wheel must leave alone."""
    return viewer.layers[0].iso_threshold, viewer.camera.zoom, viewer.dims.point


def test_wheel_with_shift_moves_the_selected_maps_level_by_one_step(viewer: ViewerModel) -> None:
    layer, before = viewer.layers[1], state(viewer)
    low, high = layer.contrast_limits
    level = layer.iso_threshold
    event = turn(viewer, 1, "Shift")
    assert layer.iso_threshold == pytest.approx(level + STEP * (high - low))
    assert event.handled
    assert f"two: contour at {layer.iso_threshold:.4g}" in str(viewer.status)
    turn(viewer, -2, "Shift")
    assert layer.iso_threshold == pytest.approx(level - STEP * (high - low))
    assert state(viewer) == before


def test_wheel_with_shift_never_leaves_the_contrast_limits(viewer: ViewerModel) -> None:
    layer = viewer.layers[1]
    turn(viewer, 1000, "Shift")
    assert layer.iso_threshold == pytest.approx(layer.contrast_limits[1])
    turn(viewer, -1000, "Shift")
    assert layer.iso_threshold == pytest.approx(layer.contrast_limits[0])


def test_wheel_when_it_is_not_for_the_contour_then_levels_stay(viewer: ViewerModel) -> None:
    levels = [layer.iso_threshold for layer in viewer.layers]
    assert not turn(viewer, 1).handled
    viewer.dims.ndisplay = 2
    assert not turn(viewer, 1, "Shift").handled
    viewer.dims.ndisplay = 3
    viewer.layers.selection.clear()
    assert not turn(viewer, 1, "Shift").handled
    points = viewer.add_points([[0, 0, 0]])
    viewer.layers.selection.active = points
    assert not turn(viewer, 1, "Shift").handled
    assert [layer.iso_threshold for layer in viewer.layers[:2]] == levels
