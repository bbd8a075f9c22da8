"""Two maps on different grids side by side, wiped and blinking; and everything as before."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.interactions import (
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)
from tests.viewer.views.conftest import add, add_foreign
from wrapt import ObjectProxy

from mapscope.errors import InputError
from mapscope.viewer.layers import reason_against
from mapscope.viewer.views.compare import Comparison
from mapscope.viewer.views.cut import part_of
from mapscope.viewer.views.space import Frame, frame_of, position_at_share, share_at_position
from mapscope.viewer.views.wipe import DIVIDER, LEFT_NAME, RIGHT_NAME

MODES: Any = ["side by side", "wipe", "blink"]


@pytest.fixture
def comparison(model: ViewerModel) -> Comparison:
    """A comparison of both maps."""
    return Comparison(model, model.layers["fine"], model.layers["coarse"])


def state(viewer: Any) -> Any:
    """All that a comparison may change."""
    grid, camera = viewer.canvas.grid, viewer.scene.camera
    return (
        [(layer.name, layer.visible, layer.name_overlay.visible) for layer in viewer.layers],
        [len(layer.experimental_clipping_planes) for layer in viewer.layers],
        viewer.layers.selection.active,
        (grid.enabled, grid.shape, grid.stride, grid.spacing),
        (camera.center, camera.zoom, camera.angles),
        sorted(viewer.canvas.overlays),
        len(viewer.mouse_drag_callbacks),
        sorted(map(str, viewer.keymap)),
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ndisplay", [2, 3])
def test_comparison_when_off_then_everything_is_as_it_was(
    model: ViewerModel, comparison: Comparison, mode: Any, ndisplay: int
) -> None:
    add_foreign(model)
    model.layers["coarse"].visible = False
    model.layers.selection.active = model.layers["fine"]
    model.dims.ndisplay = ndisplay
    before = state(model)
    comparison.show(mode)
    assert state(model) != before
    comparison.show("off")
    assert state(model) == before


@pytest.mark.parametrize("mode", MODES)
def test_comparison_when_another_way_is_chosen_then_nothing_of_the_first_is_left(
    model: ViewerModel, comparison: Comparison, mode: Any
) -> None:
    before = state(model)
    comparison.show(mode)
    alone = state(model)
    comparison.show("off")
    for other in MODES:
        comparison.show(other)
    comparison.show("off")
    comparison.show(mode)
    assert state(model)[1:] == alone[1:]
    comparison.end()
    assert state(model) == before


@pytest.mark.parametrize("order", [("fine", "coarse"), ("coarse", "fine")])
def test_side_by_side_shows_a_on_the_left_and_b_on_the_right(
    model: ViewerModel, order: tuple[str, str]
) -> None:
    foreign = add_foreign(model)
    first, second = (model.layers[name] for name in order)
    Comparison(model, first, second).show("side by side")
    grid = model.canvas.grid
    places = [grid.position(model.layers.index(layer), model.layers) for layer in (first, second)]
    assert places == [(0, 0), (0, 1)]
    assert grid.actual_shape(model.layers) == (1, 2)
    assert not foreign.visible


def test_wipe_in_slices_shows_each_map_on_its_side_of_the_divider(
    model: ViewerModel, comparison: Comparison, fine: Any, coarse: Any
) -> None:
    comparison.show("wipe")
    assert not model.layers["fine"].visible
    left, right = (model.layers[f"{name} (wipe)"] for name in ("fine", "coarse"))
    for share in (0.3, 0.5, 0.62):
        comparison.share = share
        x = position_at_share(model, share)[-1]
        for layer, volume, is_left in ((left, fine, True), (right, coarse, False)):
            index = int(
                np.clip(
                    round((model.dims.point[0] - volume.origin[0]) / volume.voxel_size[0]),
                    0,
                    volume.shape[0] - 1,
                )
            )
            seen = np.asarray(layer.data[index])
            centres = volume.origin[2] + volume.voxel_size[2] * np.arange(volume.shape[2])
            half = volume.voxel_size[2] / 2
            sure = centres + half <= x if is_left else centres - half >= x
            never = centres - half > x if is_left else centres + half < x
            np.testing.assert_array_equal(seen[:, sure], volume.data[index][:, sure])
            assert np.isnan(seen[:, never]).all()
            assert sure.any()
            assert never.any()


def test_wipe_at_the_ends_shows_one_map_only(model: ViewerModel, comparison: Comparison) -> None:
    comparison.show("wipe")
    left, right = (model.layers[f"{name} (wipe)"] for name in ("fine", "coarse"))
    comparison.share = 1.0
    assert not np.isnan(np.asarray(left.data)).any()
    assert np.isnan(np.asarray(right.data)).all()
    comparison.share = -3.0
    assert comparison.share == 0.0
    assert np.isnan(np.asarray(left.data)).all()
    assert not np.isnan(np.asarray(right.data)).any()


def test_wipe_when_the_view_is_moved_then_the_divider_stays_and_the_maps_are_cut_there(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("wipe")
    left = model.layers["fine (wipe)"]
    columns = np.isnan(np.asarray(left.data[16])).all(axis=0).sum()
    place = model.canvas.overlays[DIVIDER].position
    center = model.scene.camera.center
    model.scene.camera.center = (*center[:2], center[2] - 10.0)
    assert model.canvas.overlays[DIVIDER].position == place
    assert np.isnan(np.asarray(left.data[16])).all(axis=0).sum() == columns + 5


def test_wipe_when_the_axes_are_rolled_then_the_cut_runs_along_the_axis_to_the_right(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("wipe")
    model.dims.order = (2, 0, 1)
    left = model.layers["fine (wipe)"]
    hidden = np.isnan(np.asarray(left.data))
    assert hidden.any()
    assert (hidden == hidden[:1, :, :1]).all()


def test_wipe_in_3d_cuts_along_the_view_through_the_divider(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("wipe")
    model.dims.ndisplay = 3
    assert [layer.name for layer in model.layers] == ["fine", "coarse"]
    comparison.share = 0.3
    for angles in ((0, 0, 90), (20, -35, 60)):
        model.scene.camera.angles = angles
        planes = [layer.experimental_clipping_planes[0] for layer in model.layers]
        view, up = model.scene.camera.view_direction, model.scene.camera.up_direction
        for plane in planes:
            assert np.dot(plane.normal, view) == pytest.approx(0, abs=1e-6)
            assert np.dot(plane.normal, up) == pytest.approx(0, abs=1e-6)
            assert share_at_position(model, plane.position) == pytest.approx(0.3)
        assert np.array(planes[0].normal) == pytest.approx(-np.array(planes[1].normal))


def test_wipe_keeps_the_clipping_planes_that_were_there(
    model: ViewerModel, comparison: Comparison
) -> None:
    model.dims.ndisplay = 3
    planes = model.layers["fine"].experimental_clipping_planes
    planes.add_plane(position=(1, 2, 3))
    own = planes[0]
    comparison.show("wipe")
    assert len(planes) == 2
    comparison.end()
    assert list(planes) == [own]


def test_wipe_cuts_the_surfaces_of_a_map_as_well(model: ViewerModel) -> None:
    mesh = np.eye(3) * 20, np.array([[0, 1, 2]])
    surface = model.add_surface(mesh, name="fine · surface", units="angstrom")
    other = model.add_surface(mesh, name="else · surface", units="angstrom")
    model.dims.ndisplay = 3
    comparison = Comparison(model, model.layers["fine"], model.layers["coarse"])
    comparison.show("wipe")
    assert len(surface.experimental_clipping_planes) == 1
    assert len(other.experimental_clipping_planes) == 0
    comparison.end()
    assert len(surface.experimental_clipping_planes) == 0


def test_wipe_when_contrast_changes_then_what_stands_in_follows(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("wipe")
    model.layers["coarse"].contrast_limits = (0.5, 4.5)
    model.layers["coarse"].colormap = "viridis"
    stand_in = model.layers["coarse (wipe)"]
    assert stand_in.contrast_limits == [0.5, 4.5]
    assert stand_in.colormap.name == "viridis"


def test_wipe_stand_ins_are_not_offered_to_jobs(model: ViewerModel, comparison: Comparison) -> None:
    comparison.show("wipe")
    assert "only a part" in reason_against(model.layers["fine (wipe)"])
    assert reason_against(model.layers["fine"]) == ""


@pytest.mark.parametrize("gone", ["fine", "coarse", "fine (wipe)", "coarse (wipe)"])
def test_wipe_when_a_map_or_its_stand_in_is_deleted_then_it_ends(
    model: ViewerModel, comparison: Comparison, gone: str
) -> None:
    ended: list[bool] = []
    comparison.ended.connect(lambda: ended.append(True))
    comparison.show("wipe")
    model.layers.remove(model.layers[gone])
    assert ended == [True]
    assert {layer.name for layer in model.layers} == {"fine", "coarse"} - {gone}
    assert all(layer.visible for layer in model.layers)
    assert not {DIVIDER, LEFT_NAME, RIGHT_NAME} & set(model.canvas.overlays)
    model.scene.camera.zoom = 2.0


def test_divider_when_dragged_with_the_mouse_then_it_follows_and_tells(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("wipe")
    told: list[float] = []
    comparison.changed.connect(lambda: told.append(comparison.share))

    def event(kind: str, share: float) -> Any:
        x = position_at_share(model, share)[-1]
        position = (model.dims.point[0], 30.0, x)
        is_dragging = kind == "mouse_move"
        return SimpleNamespace(
            type=kind, position=position, handled=False, modifiers=(), is_dragging=is_dragging
        )

    def press_at(share: float) -> None:
        # napari's window hands on a proxy, and puts later events of the drag into it.
        mouse_press_callbacks(model, ObjectProxy(event("mouse_press", share)))

    press_at(0.505)
    assert not model.scene.camera.mouse_pan
    mouse_move_callbacks(model, event("mouse_move", 0.7))
    mouse_release_callbacks(model, event("mouse_release", 0.7))
    assert comparison.share == pytest.approx(0.7)
    assert told == [pytest.approx(0.7)]
    assert model.scene.camera.mouse_pan
    press_at(0.3)
    assert model.scene.camera.mouse_pan
    mouse_move_callbacks(model, event("mouse_move", 0.4))
    mouse_release_callbacks(model, event("mouse_release", 0.4))
    assert comparison.share == pytest.approx(0.7)


def test_blink_when_the_key_is_pressed_then_the_other_map_is_shown(
    model: ViewerModel, comparison: Comparison
) -> None:
    comparison.show("blink")
    assert comparison.shown == "A"
    seen = []
    for _ in range(3):
        seen.append([layer.visible for layer in model.layers])
        next(iter(fn for key, fn in model.keymap.items() if str(key) == "Shift+B"))(model)
    assert seen == [[True, False], [False, True], [True, False]]


def test_comparison_of_what_are_not_two_maps_then_it_says_why(
    model: ViewerModel,
) -> None:
    fine, points = model.layers["fine"], model.add_points([[1, 2, 3]], name="picks")
    for pair, reason in (
        ((fine, fine), "two different maps"),
        ((fine, None), "Open two maps"),
        ((fine, points), "picks: not a map"),
    ):
        with pytest.raises(InputError, match=reason):
            Comparison(model, *pair)


def test_comparison_of_a_foreign_map_without_units_works(model: ViewerModel) -> None:
    foreign = add_foreign(model)
    comparison = Comparison(model, model.layers["fine"], foreign)
    for mode in MODES:
        comparison.show(mode)
    comparison.end()


def test_parts_of_two_maps_leave_no_gap_and_cover_every_voxel() -> None:
    for step, count in ((2.0, 40), (3.0, 24), (0.7, 11)):
        frame = Frame(np.full(3, step), np.full(3, 4.0), (count,) * 3)
        for x in np.linspace(-5, 100, 173):
            lower = part_of(frame, count, 2, x, is_lower=True)
            upper = part_of(frame, count, 2, x, is_lower=False)
            assert lower[0] == 0
            assert upper[1] == count
            assert 0 <= lower[1] - upper[0] <= 1


def test_wipe_of_a_pyramid_cuts_every_level_at_the_same_place(model: ViewerModel) -> None:
    data = np.random.default_rng(0).random((16, 16, 32)).astype(np.float32)
    levels = [data, data[::2, ::2, ::2]]
    pyramid = model.add_image(levels, multiscale=True, scale=(2,) * 3, units="angstrom")
    comparison = Comparison(model, pyramid, model.layers["coarse"])
    comparison.show("wipe")
    comparison.share = 0.5
    stand_in = next(layer for layer in model.layers if layer.name == f"{pyramid.name} (wipe)")
    x = position_at_share(model, 0.5)[-1]
    edge = (x - frame_of(model, pyramid).lower[2]) / 64
    for level in stand_in.data:
        shown = (~np.isnan(np.asarray(level))).all(axis=(0, 1)).sum()
        assert shown == pytest.approx(edge * level.shape[2], abs=1)


def test_wipe_in_3d_is_drawn_where_the_divider_is(
    make_napari_viewer: Callable[..., Any], fine: Any, coarse: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(700, 400)
    for noun, name, color in ((fine, "fine", "red"), (coarse, "coarse", "green")):
        layer = add(viewer, noun, name)
        layer.colormap, layer.rendering = color, "mip"
        layer.contrast_limits = (float(noun.data.min()), float(noun.data.max()))
    viewer.dims.ndisplay = 3
    viewer.fit_to_view()
    comparison = Comparison(viewer, viewer.layers["fine"], viewer.layers["coarse"])
    comparison.share = 0.4
    comparison.show("wipe")
    viewer.canvas.overlays[DIVIDER].visible = False
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :2].astype(int)
    middle = picture[picture.shape[0] // 2 - 3 : picture.shape[0] // 2 + 3].mean(axis=0)
    border = round(0.4 * len(middle))
    red, green = middle[:, 0] > 40, middle[:, 1] > 40
    assert red[:border].any()
    assert green[border:].any()
    # A ray is cut at one of its samples: about a voxel.
    near = round(3.0 * viewer.scene.camera.zoom)
    assert not red[border + near :].any()
    assert not green[: border - near].any()
