"""A slab projects maps through some ångströms of depth and gives everything back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from tests.viewer.views.conftest import add, add_foreign

from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.views.contrast import limits_as_seen
from mapscope.viewer.views.look import look_of
from mapscope.viewer.views.reach import reach_of
from mapscope.viewer.views.seen import Seen
from mapscope.viewer.views.slab import Slab


def state(viewer: Any) -> Any:
    """All that a slab changes."""
    modes = [str(layer.projection_mode) for layer in viewer.layers]
    data = [id(la.data) for la in viewer.layers if type(la).__name__ == "Image"]
    limits = [tuple(la.contrast_limits) for la in viewer.layers if type(la).__name__ == "Image"]
    return modes, data, limits, viewer.dims.margin_left, viewer.dims.margin_right


def is_seen(layer: Any) -> bool:
    """Whether a layer shows a map through the slab."""
    return isinstance(layer.data, Seen)


@pytest.mark.parametrize("projection", ["mean", "max", "min"])
def test_slab_when_shown_then_maps_are_projected_through_its_depth(
    model: ViewerModel, fine: Any, projection: Any
) -> None:
    layer = model.layers["fine"]
    model.dims.set_point(0, 33.0)
    Slab(model).show(8.0, projection)
    assert model.dims.thickness == (8.0, 8.0, 8.0)
    # Planes at 29, 31 … 37 Å: 4 Å to either side of 33 Å.
    planes = fine.data[13:18]
    wanted = getattr(planes, projection)(axis=0)
    row, column = 12, 20
    position = layer.data_to_world((15, row, column))
    assert layer.get_value(position, world=True) == pytest.approx(
        float(wanted[row, column]), rel=1e-6
    )


def test_slab_when_off_then_layers_and_view_are_as_they_were(model: ViewerModel) -> None:
    points = model.add_points([[33, 30, 39]], units="angstrom", projection_mode="none")
    add_foreign(model)
    slab = Slab(model)
    before = state(model)
    slab.show(10.0, "max")
    assert slab.is_on
    assert [is_seen(layer) for layer in model.layers[:2]] == [True, True]
    assert str(points.projection_mode) == "all"
    assert state(model) != before
    slab.show(6.0, "min")
    slab.off()
    assert not slab.is_on
    assert state(model) == before


def test_slab_when_a_map_is_opened_or_deleted_then_it_goes_on(
    model: ViewerModel, fine: Any
) -> None:
    slab = Slab(model)
    slab.show(10.0, "max")
    late = add(model, fine, "late")
    assert is_seen(late)
    del model.layers["fine"]
    slab.off()
    assert late.data is fine.data
    again = add(model, fine, "again")
    assert again.data is fine.data


def test_slab_when_a_map_is_too_large_then_it_stays_thin_and_is_named(
    model: ViewerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mapscope.viewer.views.look.LARGEST_BYTES", 4 * 20 * 24 * 5)
    slab = Slab(model)
    assert slab.show(10.0) == ["fine"]
    assert [is_seen(model.layers[name]) for name in ("fine", "coarse")] == [False, True]
    assert slab.show(2.0) == []
    assert is_seen(model.layers["fine"])


def test_slab_when_it_grows_too_deep_for_a_map_then_its_plain_slices_get_their_contrast(
    model: ViewerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, slab = model.layers["fine"], Slab(model)
    plain = limits_as_seen(layer)
    assert slab.show(50.0) == []
    assert layer.contrast_limits[1] < 0.8 * plain[1]
    monkeypatch.setattr("mapscope.viewer.views.look.LARGEST_BYTES", 4 * 20 * 24 * 5)
    assert "fine" in slab.show(60.0)
    assert tuple(layer.contrast_limits) == pytest.approx(plain)


def test_jobs_when_a_map_is_seen_through_a_slab_then_they_get_the_map(
    model: ViewerModel, fine: Any
) -> None:
    Slab(model).show(10.0, "max")
    look_of(model).filter(12.0)
    noun = noun_from_layer(model.layers["fine"])
    assert noun is fine
    model.layers["fine"].scale = (4.0, 4.0, 4.0)
    assert np.shares_memory(noun_from_layer(model.layers["fine"]).data, fine.data)


def test_filter_when_on_then_the_slice_is_filtered_and_contrast_follows_until_set_by_hand(
    model: ViewerModel, fine: Any
) -> None:
    layer, look = model.layers["fine"], look_of(model)
    noisy = fine.with_data(fine.data + np.random.default_rng(1).normal(size=fine.shape))
    layer.data = noisy.data
    before = np.percentile(noisy.data, [0.5, 99.5])
    look.filter(20.0)
    assert np.ptp(layer.contrast_limits) < 0.4 * np.ptp(before)
    seen = np.asarray(layer.data[15])
    assert seen.std() < 0.5 * noisy.data[15].std()
    layer.contrast_limits = (-1.0, 3.0)
    look.filter(30.0)
    assert tuple(layer.contrast_limits) == (-1.0, 3.0)
    look.off()
    assert layer.data is noisy.data
    assert tuple(layer.contrast_limits) == (-1.0, 3.0)


def test_filter_when_data_are_replaced_meanwhile_then_the_new_ones_are_filtered(
    model: ViewerModel, fine: Any
) -> None:
    layer, look = model.layers["fine"], look_of(model)
    look.filter(20.0)
    other = np.asarray(fine.data[::-1])
    layer.data = other
    assert is_seen(layer)
    assert layer.data.behind is other
    look.off()
    assert layer.data is other


def test_picks_when_near_a_slice_then_the_circle_in_which_it_cuts_them_is_drawn(
    model: ViewerModel,
) -> None:
    reach_of(model)
    picks = model.add_points(
        [[33, 30, 39], [41, 20, 20]], size=20, units="angstrom", projection_mode="none"
    )
    for z in (33.0, 42.0, 44.0):
        model.dims.set_point(0, z)
        for number, (depth, row, column) in enumerate(picks.data):
            distance = abs(z - depth)
            radius = np.sqrt(max(100 - distance**2, 0.0))
            outside = picks.get_value((z, row, column + radius + 0.5), world=True)
            assert outside != number, (z, number)
            if distance < 10:
                assert picks.get_value((z, row, column + radius - 0.5), world=True) == number
    # Maps are not blurred by it.
    assert {str(model.layers[name].projection_mode) for name in ("fine", "coarse")} == {"none"}
    model.layers.remove(picks)
    assert model.dims.margin_left == (0.0, 0.0, 0.0)


def test_picks_when_their_radius_grows_then_more_slices_show_them(model: ViewerModel) -> None:
    reach_of(model)
    picks = model.add_points([[33, 30, 39]], size=4, units="angstrom")
    model.dims.set_point(0, 39.0)
    assert picks.get_value((39.0, 30.0, 39.0), world=True) is None
    picks.size = 20
    assert picks.get_value((39.0, 30.0, 46.0), world=True) == 0


def test_slices_beside_picks_still_move_by_a_voxel_of_the_map(model: ViewerModel) -> None:
    """Points of scale 1 would have them move by 1 Å, and stop between the planes."""
    reach_of(model)
    model.add_points([[33.5, 30, 39], [4.3, 7, 7]], size=20, units="angstrom")
    fine = model.layers["fine"]
    origin = fine.data_to_world((0, 0, 0))
    for axis, (start, stop, step) in enumerate(model.dims.range):
        assert step == 2.0
        assert start == origin[axis] + 2 * round((start - origin[axis]) / 2)
        lowest, highest = model.layers.extent.world[:, axis]
        assert lowest - 2 < start <= lowest
        assert highest <= stop < highest + 2
    model.layers.remove("fine")
    assert model.dims.range[0].step == 3.0
    model.layers.remove("coarse")
    assert model.dims.range[0].step == 1.0
