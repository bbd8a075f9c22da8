"""The crop box: its faces follow the mouse and the fields, from voxel to voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.box import FACES, LOWER, PALE, UPPER
from mapscope.volume import Region, Volume

if TYPE_CHECKING:
    from tests.viewer.regions.conftest import Bench

from tests.viewer.regions.conftest import BLOCK, ORIGIN, SHAPE, VOXEL

START = Region((6, 8, 10), (14, 20, 26))
SLANTED = np.array((0.5, 0.6, -0.62)) / np.linalg.norm((0.5, 0.6, -0.62))


@pytest.fixture
def placed(bench: Bench, layer: Any) -> Bench:
    """The box around the block, placed with its button."""
    bench.tools.box_panel.place_button.click()
    return bench


def moved(axis: int, side: int, voxels: int) -> Region:
    """The first region with one face moved."""
    ends = [list(START.lower), list(START.upper)]
    ends[side][axis] += voxels
    return Region(tuple(ends[0]), tuple(ends[1]))  # type: ignore[arg-type]


def test_box_when_placed_fits_the_density_above_the_level(placed: Bench) -> None:
    assert placed.tools.box.region == START
    lower, upper = placed.tools.box.bounds
    first = np.array(ORIGIN) + np.array(VOXEL) * START.lower
    last = np.array(ORIGIN) + np.array(VOXEL) * (np.array(START.upper) - 1)
    np.testing.assert_allclose(lower, first - np.array(VOXEL) / 2)
    np.testing.assert_allclose(upper, last + np.array(VOXEL) / 2)


def test_box_when_dark_is_dense_fits_what_is_below_the_level(bench: Bench, volume: Volume) -> None:
    bench.add(Volume(-volume.data, VOXEL, ORIGIN, contrast=-1), "dark")
    bench.tools.place_box()
    assert bench.tools.box.region == START


def test_box_when_nothing_is_above_the_level_is_around_all(bench: Bench, layer: Any) -> None:
    layer.contrast_limits = (0, 9)
    layer.iso_threshold = 8.0
    bench.tools.place_box()
    assert bench.tools.box.region == Region((0, 0, 0), SHAPE)


def test_box_when_a_map_is_shown_through_coarser_copies_is_found_in_them(
    bench: Bench, volume: Volume
) -> None:
    coarse = volume.data[::2, ::2, ::2]
    layer = bench.viewer.add_image(
        [volume.data, coarse], scale=VOXEL, translate=ORIGIN, units="angstrom", multiscale=True
    )
    layer.metadata.update(bench.add(volume).metadata)
    layer.iso_threshold = 0.5
    bench.viewer.layers.selection.active = layer
    found = bench.tools
    found.place_box()
    assert (np.array(found.box.region.lower) <= START.lower).all()
    assert (np.array(found.box.region.upper) >= START.upper).all()
    assert (np.array(found.box.region.shape) <= np.array(START.shape) + 4).all()


@pytest.mark.parametrize("face", [(1, LOWER), (1, UPPER), (2, LOWER), (2, UPPER)])
def test_face_when_its_square_is_dragged_in_a_slice_moves_along_its_axis(
    placed: Bench, face: tuple[int, int]
) -> None:
    axis, side = face
    start = placed.tools.box.handle(axis, side)
    step = np.array([0.0, 4.1, 4.1])
    step[axis] = -2.2 * VOXEL[axis]
    placed.drag(start, start + step / 2, start + step)
    assert placed.tools.box.region == moved(axis, side, -2)


@pytest.mark.parametrize("face", FACES)
def test_face_when_its_square_is_dragged_in_3d_follows_the_line_of_sight(
    placed: Bench, face: tuple[int, int]
) -> None:
    placed.viewer.dims.ndisplay = 3
    axis, side = face
    start = placed.tools.box.handle(axis, side)
    end = start.copy()
    end[axis] += 3.3 * VOXEL[axis]
    eye = 200 * SLANTED
    placed.drag(start - eye, end - eye / 2, direction=SLANTED)
    assert placed.tools.box.region == moved(axis, side, 3)


def test_face_when_looked_at_along_its_axis_in_3d_stays(placed: Bench) -> None:
    placed.viewer.dims.ndisplay = 3
    start = placed.tools.box.handle(0, LOWER)
    placed.drag(start, start + np.array((0, 5, 5)), direction=(1.0, 0, 0))
    assert placed.tools.box.region == START


def test_mouse_when_elsewhere_leaves_the_box_and_the_camera_alone(placed: Bench) -> None:
    middle = np.mean(placed.tools.box.bounds, axis=0)
    placed.drag(middle, middle + np.array((0, 9, 9)))
    assert placed.tools.box.region == START
    assert placed.viewer.scene.camera.mouse_pan


def test_mouse_when_it_drags_a_face_does_not_shift_the_view(placed: Bench) -> None:
    box, camera, seen = placed.tools.box, placed.viewer.scene.camera, []
    box.changed.connect(lambda: seen.append(camera.mouse_pan))
    start = box.handle(2, UPPER)
    placed.drag(start, start + np.array((0, 0, 6)))
    assert seen == [False]
    assert camera.mouse_pan


def test_mouse_when_another_layer_is_being_painted_is_left_to_it(placed: Bench) -> None:
    labels = placed.viewer.add_labels(np.zeros(SHAPE, dtype=np.uint8))
    labels.mode = "paint"
    start = placed.tools.box.handle(2, UPPER)
    placed.drag(start, start + np.array((0, 0, 6)))
    assert placed.tools.box.region == START


def test_face_when_dragged_beyond_the_map_or_the_other_face_stops_there(placed: Bench) -> None:
    box = placed.tools.box
    box.move_face(0, UPPER, 1e5)
    assert box.region.upper[0] == SHAPE[0]
    box.move_face(0, LOWER, -1e5)
    assert box.region.lower[0] == 0
    box.move_face(0, LOWER, 1e5)
    assert (box.region.lower[0], box.region.upper[0]) == (SHAPE[0] - 1, SHAPE[0])


def test_face_when_its_point_is_moved_with_naparis_own_tool_follows(placed: Bench) -> None:
    box = placed.tools.box
    handles = box.layers[1]
    data = np.array(handles.data)
    which = FACES[2:].index((2, UPPER))
    data[which] += np.array((0.0, 7.0, 4.2)) / handles.scale
    handles.data = data
    assert box.region == moved(2, UPPER, 2)
    shown = np.array(handles.data)[which] * handles.scale
    np.testing.assert_allclose(shown, box.handle(2, UPPER))


def test_squares_when_the_slice_moves_come_along_and_the_outline_pales_outside(
    placed: Bench,
) -> None:
    edges, handles = placed.tools.box.layers
    for z, is_inside in ((40.0, True), (61.0, False), (31.0, True)):
        placed.viewer.dims.set_point(0, z)
        placed.settle()
        here = placed.viewer.dims.point[0]
        np.testing.assert_allclose(np.array(handles.data)[:, 0] * handles.scale[0], here)
        assert len(handles.data) == 4
        assert handles.shown.all()
        pale = tuple(int(PALE[k : k + 2], 16) / 255 for k in (1, 3, 5))
        assert (not np.allclose(edges.edge_color[0][:3], pale, atol=0.01)) == is_inside


def test_squares_when_the_axes_are_rolled_are_those_of_the_axes_that_are_seen(
    placed: Bench,
) -> None:
    placed.viewer.dims.order = (1, 0, 2)
    box = placed.tools.box
    start = box.handle(0, UPPER)
    placed.drag(start, start + np.array((6.1, 0, 0)))
    assert box.region == moved(0, UPPER, 2)


def test_outline_when_in_3d_has_the_twelve_edges_between_the_corners(placed: Bench) -> None:
    placed.viewer.dims.ndisplay = 3
    edges = placed.tools.box.layers[0]
    lines = np.array(edges.data) * edges.scale
    assert len(lines) == 12
    ends = np.vstack([lines[:, 0], lines.sum(axis=1)])
    corners = np.unique(np.round(ends, 6), axis=0)
    lower, upper = placed.tools.box.bounds
    assert len(corners) == 8
    np.testing.assert_allclose(corners.min(axis=0), lower)
    np.testing.assert_allclose(corners.max(axis=0), upper)


def test_sliders_when_the_box_is_placed_keep_the_steps_of_the_map(bench: Bench, layer: Any) -> None:
    before = bench.viewer.dims.range
    bench.tools.place_box()
    bench.tools.place_sphere()
    assert bench.viewer.dims.range == before


def test_fields_when_typed_move_the_box_and_when_it_moves_follow(placed: Bench) -> None:
    panel, box = placed.tools.box_panel, placed.tools.box
    assert [f.value() for f in (*panel.lower, *panel.upper)] == [*START.lower, *START.upper]
    assert [f.value() for f in panel.lengths] == [24.0, 18.0, 32.0]
    panel.upper[1].setValue(24)
    assert box.region.upper == (14, 24, 26)
    assert panel.lengths[1].value() == 24.0
    panel.lengths[2].setValue(25.0)
    assert box.region.shape[2] == 12
    assert (box.region.lower[2], box.region.upper[2]) == (12, 24)
    assert panel.lengths[2].value() == 24.0
    box.move_face(0, LOWER, -1e5)
    assert panel.lower[0].value() == 0


def test_region_when_copied_is_in_the_clipboard_as_jobs_take_it(placed: Bench) -> None:
    placed.tools.box_panel.copy_button.click()
    assert QApplication.clipboard().text() == "6:14,8:20,10:26"
    assert Region.parse(QApplication.clipboard().text()) == START
    assert "6:14,8:20,10:26" in placed.said


def test_crop_when_pressed_gives_the_part_in_its_place_with_the_map_s_look(
    placed: Bench, layer: Any, volume: Volume
) -> None:
    placed.tools.box.move_face(2, UPPER, 1e5)
    placed.tools.box_panel.crop_button.click()
    result = placed.result()
    part = noun_from_layer(result)
    np.testing.assert_array_equal(part.data, volume.data[BLOCK[0], BLOCK[1], 10:])
    np.testing.assert_allclose(part.origin, np.array(ORIGIN) + np.array(VOXEL) * START.lower)
    assert result.iso_threshold == layer.iso_threshold
    assert not layer.visible
    # The box is now that of the part, in the same place.
    assert placed.tools.box.region == Region((0, 0, 0), part.shape)
    placed.viewer.layers.remove(result)
    assert layer.visible


def test_box_when_another_map_is_chosen_stays_in_place(placed: Bench, volume: Volume) -> None:
    lower, upper = placed.tools.box.bounds
    fine = Volume(np.repeat(volume.data, 2, axis=1), (3.0, 0.75, 2.0), (10.0, -20.375, 30.0))
    placed.add(fine, "fine")
    assert placed.tools.box.grid == fine.grid
    np.testing.assert_allclose(placed.tools.box.bounds, (lower, upper))
    placed.add(Volume(volume.data, VOXEL, (900.0, 0.0, 0.0)), "far")
    assert placed.tools.box.region == Region((0, 0, 0), SHAPE)
