"""Colours of surfaces: right values on any grid, the chosen range, a bar with its unit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from tests.viewer.contouring.conftest import CENTRE, Bench, ball

from mapscope.errors import InputError
from mapscope.viewer.contouring.painting import GREY
from mapscope.viewer.contouring.wording import caption_of
from mapscope.volume import Volume


def expected(second: Volume, vertices: Any) -> Any:
    """Values of a second map at positions, by scipy and the map's own frame."""
    index = (vertices.astype(np.float64) - second.origin) / second.voxel_size
    return map_coordinates(second.data.astype(np.float64), index.T, order=1)


def coloured(bench: Bench, layer: Any, second: Volume, role: str = "local_resolution") -> Any:
    """A surface at 0.5, coloured by a second map."""
    surface = bench.show(layer, 0.5)
    other = bench.add(second, "other", role)
    bench.contours.color_by(surface, other)
    return bench.ready(surface)


def test_values_when_coloured_by_a_map_on_another_grid_equal_an_independent_interpolation(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = coloured(bench, layer, second)
    chosen = np.random.default_rng(0).choice(len(surface.layer.vertices), 200, replace=False)
    wanted = expected(second, surface.layer.vertices[chosen])
    found = surface.layer.vertex_values[chosen]
    assert np.abs(found - wanted).max() <= 1e-3 * second.data.std()
    assert surface.layer.vertex_colors is None


def test_range_when_nobody_chose_is_from_the_2_to_the_98_percent_quantile(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = coloured(bench, layer, second)
    values = expected(second, surface.layer.vertices)
    wanted = tuple(np.quantile(values, (0.02, 0.98)))
    assert tuple(surface.layer.contrast_limits) == pytest.approx(wanted, abs=1e-3)
    bench.contours.restyle(surface, limits=(5.0, 30.0))
    bench.contours.show(layer, 0.4)
    bench.ready(surface)
    assert tuple(surface.layer.contrast_limits) == (5.0, 30.0)
    bench.contours.restyle(surface, limits=None)
    assert tuple(surface.layer.contrast_limits) == pytest.approx(surface.made.limits)


def test_vertices_when_outside_the_second_map_are_grey_and_said_so(
    bench: Bench, layer: Any
) -> None:
    z, y, x = (float(c) for c in CENTRE)
    data = np.arange(20 * 40 * 40, dtype=np.float32).reshape(20, 40, 40)
    half = Volume(data, (1.5, 1.5, 1.5), (z, y - 30, x - 30))
    surface = coloured(bench, layer, half)
    above = surface.layer.vertices[:, 0] >= CENTRE[0]
    assert 0.4 < above.mean() < 0.6
    colors = surface.layer.vertex_colors
    np.testing.assert_allclose(colors[~above], np.broadcast_to(GREY, colors[~above].shape))
    assert (np.ptp(colors[above][:, :3], axis=1) > 0.1).all()
    assert np.isfinite(surface.layer.vertex_values).all()
    assert f"{100 * (1 - above.mean()):.0f} % of the surface lies outside" in surface.note

    before = colors.copy()
    surface.layer.contrast_limits = (0.0, 1e6)
    changed = (surface.layer.vertex_colors != before).any(axis=1)
    assert changed[above].any()
    assert not changed[~above].any()
    bench.contours.color(surface, "#336699")
    bench.ready(surface)
    assert surface.layer.vertex_colors is None


def test_colours_when_the_level_moves_are_looked_up_anew(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = coloured(bench, layer, second)
    bench.contours.show(layer, 0.3)
    bench.ready(surface)
    wanted = expected(second, surface.layer.vertices)
    assert np.abs(surface.layer.vertex_values - wanted).max() <= 1e-3 * second.data.std()


def test_second_map_when_deleted_goes_on_colouring(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = bench.show(layer, 0.5)
    other = bench.add(second, "other")
    bench.contours.color_by(surface, other)
    bench.viewer.layers.remove(other)
    bench.ready(surface)
    bench.contours.show(layer, 0.4)
    bench.ready(surface)
    wanted = expected(second, surface.layer.vertices)
    assert np.abs(surface.layer.vertex_values - wanted).max() <= 1e-3 * second.data.std()


def test_height_and_radius_when_shown_are_in_angstrom(bench: Bench, layer: Any) -> None:
    surface = bench.show(layer, 0.5)
    bench.contours.color_by(surface, "height")
    bench.ready(surface)
    np.testing.assert_allclose(surface.layer.vertex_values, surface.layer.vertices[:, 0])
    assert surface.coloring.caption == "height z (Å)"
    bench.contours.color_by(surface, "radial", colormap="viridis")
    bench.ready(surface)
    middle = CENTRE - 0.75  # of the map, half a voxel from the ball's
    wanted = np.linalg.norm(surface.layer.vertices - middle, axis=1)
    np.testing.assert_allclose(surface.layer.vertex_values, wanted, atol=1e-3)
    assert surface.layer.colormap.name == "viridis"


def test_colour_bar_when_a_map_colours_carries_its_unit_and_goes_with_the_colours(
    bench: Bench, layer: Any, second: Volume
) -> None:
    bars = bench.contours.workshop.bars
    bench.viewer.dims.ndisplay = 3
    surface = coloured(bench, layer, second)
    assert surface.layer.colorbar.visible
    assert bars.captions() == ["local resolution (Å)"]
    bench.contours.restyle(surface, caption="confidence (%)")
    assert bars.captions() == ["confidence (%)"]
    bench.contours.set_shown(surface, is_shown=False)
    assert bars.captions() == []
    bench.contours.set_shown(surface, is_shown=True)
    bench.contours.restyle(surface, has_bar=False)
    assert not surface.layer.colorbar.visible
    bench.contours.restyle(surface, has_bar=True)
    bench.contours.color(surface, "#336699")
    bench.ready(surface)
    assert not surface.layer.colorbar.visible
    assert bars.captions() == []


def test_colour_bars_of_two_surfaces_when_shown_stand_in_corners_of_their_own(
    bench: Bench, layer: Any
) -> None:
    bench.viewer.dims.ndisplay = 3
    tiling = str(bench.viewer.canvas.overlay_tiling.top_right)
    first = bench.show(layer, 0.5)
    second = bench.ready(bench.contours.add(layer, 0.2))
    for surface, by in ((first, "height"), (second, "radial")):
        bench.contours.color_by(surface, by)
        bench.ready(surface)
    places = {str(s.layer.colorbar.position) for s in (first, second)}
    assert len(places) == 2
    assert sorted(bench.contours.workshop.bars.captions()) == [
        "distance from the centre (Å)",
        "height z (Å)",
    ]
    for surface in (first, second):
        bench.contours.remove(surface)
    assert bench.contours.workshop.bars.captions() == []
    assert str(bench.viewer.canvas.overlay_tiling.top_right) == tiling


def test_colours_when_chosen_in_naparis_own_controls_are_taken_over(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = coloured(bench, layer, second)
    surface.layer.contrast_limits = (4.0, 20.0)
    surface.layer.colormap = "magma"
    assert surface.coloring.limits == (4.0, 20.0)
    assert surface.coloring.colormap == "magma"
    bench.contours.show(layer, 0.4)
    bench.ready(surface)
    assert surface.layer.colormap.name == "magma"
    assert tuple(surface.layer.contrast_limits) == (4.0, 20.0)


def test_inverted_colours_when_drawn_run_the_other_way(
    bench: Bench, layer: Any, second: Volume
) -> None:
    surface = coloured(bench, layer, second)
    ends = surface.layer.colormap.map(np.array([0.0, 1.0]))
    bench.contours.restyle(surface, is_inverted=True)
    np.testing.assert_allclose(surface.layer.colormap.map(np.array([1.0, 0.0])), ends, atol=1e-5)


def test_color_by_when_the_source_is_none_says_why(bench: Bench, layer: Any) -> None:
    surface = bench.show(layer, 0.5)
    foreign = bench.viewer.add_image(ball(), name="foreign")
    with pytest.raises(InputError, match="foreign: no voxel size"):
        bench.contours.color_by(surface, foreign)
    with pytest.raises(InputError, match="height"):
        bench.contours.color_by(surface, "depth")
    assert surface.coloring.by == "constant"


@pytest.mark.parametrize(
    ("name", "role", "caption"),
    [
        ("run7", "local_resolution", "local resolution (Å)"),
        ("run7_locres_filtered", "map", "local resolution (Å)"),
        ("apo · difference", "difference", "difference"),
        ("EMD-1234", "map", "EMD-1234"),
    ],
)
def test_caption_of_a_map_is_its_quantity_with_unit_or_its_name(
    bench: Bench, second: Volume, name: str, role: str, caption: str
) -> None:
    assert caption_of(bench.add(second, name, role)) == caption
