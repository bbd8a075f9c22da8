"""A slab projects maps through some ångströms of depth and gives everything back."""

from __future__ import annotations

from typing import Any

import pytest
from napari.components import ViewerModel
from tests.viewer.views.conftest import add, add_foreign

from mapscope.viewer.views.slab import Slab


def state(viewer: Any) -> Any:
    """All that a slab changes."""
    modes = [str(layer.projection_mode) for layer in viewer.layers]
    return modes, viewer.dims.margin_left, viewer.dims.margin_right


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
    model.layers["coarse"].projection_mode = "sum"
    before = state(model)
    slab = Slab(model)
    slab.show(10.0, "max")
    assert slab.is_on
    assert [str(layer.projection_mode) for layer in model.layers[:2]] == ["max", "max"]
    assert str(points.projection_mode) == "all"
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
    assert str(late.projection_mode) == "max"
    del model.layers["fine"]
    slab.off()
    assert str(late.projection_mode) == "none"
    again = add(model, fine, "again")
    assert str(again.projection_mode) == "none"


def test_slab_when_a_map_is_too_large_then_it_stays_thin_and_is_named(
    model: ViewerModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = model.layers["coarse"]
    monkeypatch.setattr("mapscope.viewer.views.slab.LARGEST_BYTES", 4 * 20 * 24 * 5)
    assert Slab(model).show(10.0) == ["fine"]
    assert (str(model.layers["fine"].projection_mode), str(coarse.projection_mode)) == (
        "none",
        "mean",
    )
