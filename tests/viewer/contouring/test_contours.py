"""Surfaces belong to maps: made at their level, in their place, and gone with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.viewer.contouring.conftest import CENTRE, Bench, ball, radius_of

from mapscope.density.contour import isosurface
from mapscope.errors import InputError
from mapscope.structure import Structure
from mapscope.viewer.contouring import making, ordering
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.contouring.following import REST
from mapscope.viewer.layers import layers_from_noun, noun_from_layer, role_of, tag_of
from mapscope.volume import Volume


def radii(surface: Any) -> np.ndarray[Any, Any]:
    """Distance of each vertex of a layer, in the viewer's world, from the ball's centre."""
    layer = surface.layer
    world = np.array([layer.data_to_world(v) for v in layer.vertices[::7]])
    return np.asarray(np.linalg.norm(world - CENTRE, axis=1))


def test_show_when_the_mesh_is_made_adds_a_layer_on_the_density(bench: Bench, layer: Any) -> None:
    with bench.qtbot.waitSignal(bench.contours.ready, timeout=15_000) as blocker:
        surface = bench.contours.show(layer, 0.5)
    assert blocker.args == [surface]

    assert layer.iso_threshold == pytest.approx(0.5)
    assert surface.layer.name == "ball · surface"
    assert bench.viewer.layers.index(surface.layer) == bench.viewer.layers.index(layer) + 1
    assert bench.viewer.layers.selection.active is layer
    assert radii(surface) == pytest.approx(radius_of(0.5), rel=0.01)
    assert [str(u) for u in surface.layer.units] == ["angstrom"] * 3
    assert surface.layer.axis_labels == ("z", "y", "x")
    assert surface.layer.shading == "smooth"


def test_surface_layer_when_asked_for_its_noun_gives_the_mesh_of_the_engine(
    bench: Bench, layer: Any, volume: Volume
) -> None:
    surface = bench.show(layer, 0.4)
    wanted = isosurface(volume, 0.4)
    assert role_of(surface.layer) == "surface"
    np.testing.assert_array_equal(noun_from_layer(surface.layer).vertices, wanted.vertices)
    np.testing.assert_array_equal(surface.layer.faces, wanted.faces)


def test_surface_when_its_map_was_moved_by_hand_lies_there(bench: Bench, layer: Any) -> None:
    surface = bench.show(layer, 0.5)
    layer.translate = np.add(layer.translate, (10.0, 0.0, 0.0))
    bench.ready(surface)
    world = surface.layer.vertices.mean(axis=0)
    assert world == pytest.approx(np.add(CENTRE, (10, 0, 0)), abs=0.05)


def test_level_when_moved_by_anyone_takes_the_surface_along_after_a_rest(
    bench: Bench, layer: Any
) -> None:
    surface = bench.show(layer, 0.5)
    for level in (0.45, 0.4, 0.3):
        layer.iso_threshold = level
    assert surface.made is not None
    assert surface.made.order.level == 0.5
    bench.qtbot.waitUntil(
        lambda: surface.made is not None and surface.made.order.level == 0.3, timeout=5000
    )
    assert radii(surface) == pytest.approx(radius_of(0.3), rel=0.01)


def test_surface_that_comes_while_the_level_moves_on_is_not_shown(bench: Bench, layer: Any) -> None:
    bench.viewer.dims.ndisplay = 3
    surface = bench.show(layer, 0.5)
    shown: list[bool] = []
    surface.layer.events.visible.connect(lambda event: shown.append(event.source.visible))
    bench.contours.set_level(layer, 0.4)
    bench.contours.release(layer)
    bench.contours.set_level(layer, 0.3)
    bench.ready(surface)
    assert shown == [False]
    bench.contours.release(layer)
    bench.ready(surface)
    assert shown == [False, True]
    assert radii(surface) == pytest.approx(radius_of(0.3), rel=0.01)


def test_release_when_the_level_moved_makes_the_surface_without_a_rest(
    bench: Bench, layer: Any
) -> None:
    surface = bench.show(layer, 0.5)
    bench.contours.set_level(layer, 0.3)
    assert not surface.is_being_made
    bench.contours.release(layer)
    assert surface.is_being_made
    bench.ready(surface)
    assert surface.made is not None
    assert surface.made.order.level == pytest.approx(0.3)


def test_set_level_when_it_lies_beyond_the_contrast_widens_that(bench: Bench, layer: Any) -> None:
    high = layer.contrast_limits[1]
    bench.contours.set_level(layer, high + 0.05)
    assert layer.iso_threshold == pytest.approx(high + 0.05)
    assert layer.contrast_limits[1] >= layer.iso_threshold


def test_several_surfaces_when_the_level_moves_follow_only_where_chosen(
    bench: Bench, layer: Any
) -> None:
    first = bench.show(layer, 0.5)
    second = bench.ready(bench.contours.add(layer, 0.2))
    assert first.coloring.color != second.coloring.color
    assert bench.contours.of(layer) == [first, second]

    bench.contours.set_level(layer, 0.25)
    bench.contours.release(layer)
    bench.ready(second)
    assert (first.level, second.level) == pytest.approx((0.5, 0.25))

    bench.contours.choose(first)
    assert layer.iso_threshold == 0.5
    assert not first.is_being_made
    bench.contours.set_level(layer, 0.6)
    bench.contours.release(layer)
    bench.ready(first)
    assert (first.level, second.level) == pytest.approx((0.6, 0.25))
    assert radii(first) == pytest.approx(radius_of(0.6), rel=0.01)
    assert radii(second) == pytest.approx(radius_of(0.25), rel=0.01)


def test_surface_when_transparent_is_drawn_after_the_solid_ones(bench: Bench, layer: Any) -> None:
    first = bench.show(layer, 0.2)
    second = bench.ready(bench.contours.add(layer, 0.5))
    layers = bench.viewer.layers
    assert [la.name for la in layers] == ["ball", "ball · surface", "ball · surface 2"]
    wait = bench.qtbot.waitUntil
    first.layer.opacity = 0.4
    wait(lambda: list(layers) == [layer, second.layer, first.layer])
    second.layer.opacity = 0.6
    bench.qtbot.wait(50)
    assert list(layers) == [layer, second.layer, first.layer]
    first.layer.opacity = 1.0
    wait(lambda: list(layers) == [layer, first.layer, second.layer])
    assert (layer.visible, first.is_shown, second.is_shown) == (True, True, True)


def test_level_when_nothing_reaches_it_hides_the_surface_and_says_so(
    bench: Bench, layer: Any
) -> None:
    bench.viewer.dims.ndisplay = 3
    surface = bench.show(layer, 0.5)
    bench.contours.set_level(layer, 1.5)
    bench.contours.release(layer)
    bench.ready(surface)
    assert surface.made is None
    assert not surface.layer.visible
    assert layer.visible
    assert "no density" in surface.note
    bench.contours.set_level(layer, 0.5)
    bench.contours.release(layer)
    bench.ready(surface)
    assert surface.layer.visible


def test_map_when_its_data_are_replaced_gets_its_surface_anew(bench: Bench, layer: Any) -> None:
    surface = bench.show(layer, 0.5)
    layer.data = np.roll(ball(), 4, axis=2)
    bench.ready(surface)
    assert surface.layer.vertices.mean(axis=0) == pytest.approx(np.add(CENTRE, (0, 0, 6)), abs=0.05)


def test_surface_when_made_in_3d_hides_its_map_and_in_slices_it_is_hidden(
    bench: Bench, layer: Any
) -> None:
    surface = bench.show(layer, 0.5)
    assert (layer.visible, surface.layer.visible) == (True, False)
    bench.viewer.dims.ndisplay = 3
    assert (layer.visible, surface.layer.visible) == (False, True)
    bench.viewer.dims.ndisplay = 2
    assert (layer.visible, surface.layer.visible) == (True, False)


def test_level_when_it_moves_in_3d_shows_the_map_until_the_surface_is_made(
    bench: Bench, layer: Any
) -> None:
    bench.viewer.dims.ndisplay = 3
    surface = bench.show(layer, 0.5)
    bench.contours.set_level(layer, 0.4)
    assert (layer.visible, surface.layer.visible) == (True, False)
    bench.contours.release(layer)
    bench.ready(surface)
    assert (layer.visible, surface.layer.visible) == (False, True)


def test_surface_when_its_eye_is_clicked_in_either_list_gives_its_map_back(
    bench: Bench, layer: Any
) -> None:
    bench.viewer.dims.ndisplay = 3
    surface = bench.show(layer, 0.5)
    surface.layer.visible = False
    assert (surface.is_shown, layer.visible) == (False, True)
    bench.contours.set_shown(surface, is_shown=True)
    assert (surface.layer.visible, layer.visible) == (True, False)


def test_map_when_hidden_by_the_user_stays_hidden(bench: Bench, layer: Any) -> None:
    surface = bench.show(layer, 0.5)
    layer.visible = False
    bench.viewer.dims.ndisplay = 3
    bench.viewer.dims.ndisplay = 2
    assert (layer.visible, surface.layer.visible) == (False, False)


@pytest.mark.parametrize("while_running", [False, True])
def test_map_when_deleted_takes_its_surface_along(
    bench: Bench, layer: Any, while_running: bool
) -> None:
    surface = bench.show(layer, 0.5)
    if while_running:
        bench.contours.show(layer, 0.4)
    bench.viewer.layers.remove(layer)
    bench.ready(surface)
    bench.qtbot.wait(50)
    assert bench.contours.surfaces == []
    assert list(bench.viewer.layers) == []


@pytest.mark.parametrize("while_running", [False, True])
def test_surface_layer_when_deleted_is_forgotten_and_the_map_is_seen(
    bench: Bench, layer: Any, while_running: bool
) -> None:
    bench.viewer.dims.ndisplay = 3
    surface = bench.show(layer, 0.5)
    if while_running:
        bench.contours.show(layer, 0.4)
    bench.viewer.layers.remove(surface.layer)
    bench.ready(surface)
    bench.qtbot.wait(50)
    assert bench.contours.surfaces == []
    assert list(bench.viewer.layers) == [layer]
    assert layer.visible
    layer.iso_threshold = 0.3
    bench.qtbot.wait(REST + 50)
    assert list(bench.viewer.layers) == [layer]


def test_remove_when_it_was_never_made_cancels_it(bench: Bench, layer: Any) -> None:
    surface = bench.contours.show(layer, 0.5)
    bench.contours.remove(surface)
    bench.ready(surface)
    bench.qtbot.wait(50)
    assert list(bench.viewer.layers) == [layer]
    assert surface.layer is None


def test_show_when_the_layer_is_no_map_says_why(bench: Bench, sample_folder: Any) -> None:
    from mapscope.files import read

    structure = read(next(sample_folder.glob("*.cif")))
    assert isinstance(structure, Structure)
    from napari.layers import Layer

    atoms = bench.viewer.add_layer(Layer.create(*layers_from_noun(structure, "model")[0]))
    with pytest.raises(InputError, match="a structure, not a map"):
        bench.contours.show(atoms)
    pixels = bench.viewer.add_image(ball(), name="foreign")
    with pytest.raises(InputError, match="foreign: no voxel size"):
        bench.contours.show(pixels)
    assert bench.contours.surfaces == []


def test_dust_when_hidden_takes_small_pieces_and_brings_them_back(bench: Bench) -> None:
    data = ball()
    data[2:5, 2:5, 2:5] = 1.0
    layer = bench.add(Volume(data))
    surface = bench.show(layer, 0.5)
    with_dust = len(surface.layer.vertices)
    bench.contours.hide_dust(surface, 6.0)
    bench.ready(surface)
    assert surface.layer.vertices.min() > 6
    bench.contours.hide_dust(surface, 0.0)
    bench.ready(surface)
    assert len(surface.layer.vertices) == with_dust
    bench.contours.hide_dust(surface, 500.0)
    bench.ready(surface)
    assert "smaller than the dust" in surface.note


def test_dark_density_when_contoured_is_enclosed_as_well(bench: Bench) -> None:
    layer = bench.add(Volume(-ball(), (1.5,) * 3, (3.0, -6.0, 4.5), contrast=-1))
    surface = bench.show(layer, -0.5)
    assert radii(surface) == pytest.approx(radius_of(0.5), rel=0.01)


def test_contours_when_asked_for_again_are_those_of_the_viewer(bench: Bench, layer: Any) -> None:
    assert contours_of(bench.viewer) is bench.contours
    tag = tag_of(bench.show(layer, 0.5).layer)
    assert tag is not None
    assert tag.role == "surface"


def test_huge_map_when_contoured_is_coarse_and_says_so_or_a_part_in_full_detail(
    bench: Bench, layer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "MOST_VOXELS", 16**3)
    monkeypatch.setattr(ordering, "VIEW_EDGE", 12)
    surface = bench.show(layer, 0.5)
    assert surface.made is not None
    assert surface.made.order.step == 2
    assert "every second voxel" in surface.note
    assert radii(surface) == pytest.approx(radius_of(0.5), rel=0.03)
    coarse = len(surface.layer.faces)

    bench.dock.refresh()
    assert bench.dock.finish.around_view.isVisibleTo(bench.dock)
    edge = np.add(CENTRE, (0, 0, radius_of(0.5)))
    bench.viewer.dims.set_point(range(3), edge)
    bench.viewer.scene.camera.center = tuple(edge)
    bench.dock.finish.around_view.click()
    bench.ready(surface)
    assert surface.made.order.step == 1
    assert surface.made.order.region is not None
    assert surface.made.order.region.shape == (12, 12, 12)
    assert np.ptp(surface.layer.vertices, axis=0).max() <= 12 * 1.5
    assert np.abs(surface.layer.vertices - edge).max() <= 10 * 1.5
    assert "Only 18 × 18 × 18 Å around the view's centre" in surface.note
    bench.dock.finish.around_view.click()
    bench.ready(surface)
    assert len(surface.layer.faces) == coarse
