"""The eraser's sphere: dragged in slices and in 3D, and what it erases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from napari.utils.key_bindings import KeymapHandler

from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.regions.conftest import Bench

from tests.viewer.regions.conftest import places

CENTRE = (40.0, 2.0, 66.0)


@pytest.fixture
def placed(bench: Bench, layer: Any) -> Bench:
    """The sphere in the view, at a place that is no voxel's."""
    bench.viewer.dims.set_point(0, 40.0)
    bench.tools.sphere_panel.place_button.click()
    bench.tools.sphere.move(CENTRE)
    bench.tools.sphere_panel.radius.setValue(8.0)
    bench.settle()
    return bench


def test_sphere_when_placed_is_in_the_middle_of_the_view_and_the_map_stays_selected(
    bench: Bench, layer: Any
) -> None:
    bench.viewer.scene.camera.center = (0, 1.0, 60.0)
    bench.viewer.dims.set_point(0, 40.0)
    bench.tools.place_sphere()
    np.testing.assert_allclose(bench.tools.sphere.centre[1:], (1.0, 60.0))
    assert bench.tools.sphere.centre[0] == bench.viewer.dims.point[0]
    assert bench.viewer.layers.selection.active is layer


def test_sphere_when_the_view_looks_beside_the_map_is_placed_in_the_map(
    bench: Bench, layer: Any, volume: Volume
) -> None:
    bench.viewer.scene.camera.center = (0, 1e4, -1e4)
    bench.tools.place_sphere()
    assert volume.grid.contains(bench.tools.sphere.centre)
    assert bench.viewer.layers.index(layer) == 0


def test_sphere_when_dragged_in_a_slice_moves_in_the_slice(placed: Bench) -> None:
    start = np.array(CENTRE) + np.array((0, 3, -2))
    placed.drag(start, start + np.array((0, 1, 1)), start + np.array((0, 4, -5)))
    np.testing.assert_allclose(placed.tools.sphere.centre, np.array(CENTRE) + np.array((0, 4, -5)))


def test_sphere_when_dragged_in_3d_moves_in_the_plane_of_the_view(placed: Bench) -> None:
    placed.viewer.dims.ndisplay = 3
    direction = np.array((0.6, 0.0, 0.8))
    start, across = np.array(CENTRE) - 90 * direction, np.array((0.8, 0.0, -0.6))
    placed.drag(start, start + 5 * across + 7 * direction, direction=direction)
    np.testing.assert_allclose(placed.tools.sphere.centre, np.array(CENTRE) + 5 * across)


def test_mouse_when_beside_the_sphere_leaves_it(placed: Bench) -> None:
    start = np.array(CENTRE) + np.array((0, 8.5, 0))
    placed.drag(start, start + np.array((0, 4, 4)))
    assert placed.tools.sphere.centre == CENTRE


def test_sphere_when_its_point_is_moved_with_naparis_own_tool_follows(placed: Bench) -> None:
    layer = placed.tools.sphere.layers[0]
    layer.data = np.array(layer.data) + np.array((0, 2.0, 3.0)) / layer.scale
    np.testing.assert_allclose(placed.tools.sphere.centre, np.array(CENTRE) + np.array((0, 2, 3)))


def test_slice_shows_the_disc_that_it_cuts_out_of_the_sphere(placed: Bench) -> None:
    layer = placed.tools.sphere.layers[0]
    for away in (0.0, 6.0, 9.0):
        placed.viewer.dims.set_point(0, CENTRE[0] + away)
        placed.settle()
        apart = placed.viewer.dims.point[0] - CENTRE[0]
        assert layer.shown[0] == (apart < 8)
        where = (placed.viewer.dims.point[0], *CENTRE[1:])
        np.testing.assert_allclose(layer.data[0] * layer.scale, where)
        if apart < 8:
            radius = np.sqrt(64 - apart**2)
            np.testing.assert_allclose(layer.size[0] * layer.scale[0], 2 * radius)
    placed.viewer.dims.ndisplay = 3
    np.testing.assert_allclose(layer.size[0] * layer.scale[0], 16.0)
    np.testing.assert_allclose(layer.data[0] * layer.scale, CENTRE)


def test_fields_when_typed_move_the_sphere_and_when_it_moves_follow(placed: Bench) -> None:
    panel = placed.tools.sphere_panel
    placed.tools.sphere.move((41.23, 2.0, 66.0))
    assert panel.centre[0].value() == 41.2
    panel.centre[2].setValue(50.5)
    assert placed.tools.sphere.centre == (41.23, 2.0, 50.5)


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_density_on_one_side_when_erased_is_0_and_the_rest_is_as_it_was(
    placed: Bench, layer: Any, volume: Volume, side: str
) -> None:
    panel = placed.tools.sphere_panel
    (panel.inside_button if side == "inside" else panel.outside_button).click()
    result = placed.result()
    is_inside = np.linalg.norm(places(volume) - CENTRE, axis=-1) <= 8.0
    gone = is_inside if side == "inside" else ~is_inside
    np.testing.assert_array_equal(noun_from_layer(result).data, np.where(gone, 0, volume.data))
    assert 50 < is_inside.sum() < 1000
    assert result is not layer
    assert (result.visible, layer.visible) == (True, False)
    assert noun_from_layer(result).grid == volume.grid


def test_map_when_results_are_deleted_is_seen_again(placed: Bench, layer: Any) -> None:
    placed.tools.erase("inside")
    first = placed.result()
    placed.tools.sphere.move((50.0, 2.0, 66.0))
    placed.tools.erase("inside")
    second = placed.result()
    assert [la.visible for la in (layer, first, second)] == [False, False, True]
    placed.viewer.layers.remove(second)
    assert [la.visible for la in (layer, first)] == [False, True]
    placed.viewer.layers.remove(first)
    assert layer.visible


def test_map_when_its_result_is_made_again_stays_hidden_under_the_new_one(
    placed: Bench, layer: Any
) -> None:
    placed.tools.erase("inside")
    first = placed.result()
    placed.viewer.layers.selection.active = layer
    placed.settle()
    placed.tools.erase("inside")
    second = placed.result()
    assert first not in placed.viewer.layers
    assert [la.visible for la in (layer, second)] == [False, True]
    placed.viewer.layers.remove(second)
    assert layer.visible


def test_tools_when_esc_is_pressed_go_one_after_the_other(placed: Bench) -> None:
    placed.tools.place_box()
    keys = KeymapHandler()
    keys.keymap_providers = [placed.viewer]
    keys.press_key("Escape")
    assert (placed.tools.sphere.is_placed, placed.tools.box.is_placed) == (False, True)
    keys.press_key("Escape")
    assert placed.names() == ["block"]
    assert not placed.viewer.keymap


def test_esc_when_somebody_had_bound_it_is_given_back(bench: Bench, layer: Any) -> None:
    pressed = []
    bench.viewer.bind_key("Escape", lambda _viewer: pressed.append(1))
    bench.tools.place_sphere()
    bench.tools.done()
    keys = KeymapHandler()
    keys.keymap_providers = [bench.viewer]
    keys.press_key("Escape")
    assert pressed == [1]


def test_tools_are_layers_of_no_use_to_jobs(placed: Bench) -> None:
    placed.tools.place_box()
    for layer in (*placed.tools.sphere.layers, *placed.tools.box.layers):
        assert role_of(layer) == "tool"
        assert all(str(unit) == "angstrom" for unit in layer.units)
