"""The scale bar says the truth in Å and nm at every zoom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.components import ViewerModel
from tests.viewer.views.conftest import add, add_foreign

from mapscope.viewer.views.scale import LABEL, UNSEEN, Outlines, ScaleBar, round_length


@given(st.floats(1e-3, 1e6))
def test_round_length_is_the_largest_of_its_kind_that_fits(most: float) -> None:
    length = round_length(most)
    assert length <= most * (1 + 1e-6) < length * 2.5 * (1 + 1e-5)
    digits = f"{length:e}"[0]
    assert digits in "125"


@pytest.mark.parametrize("unit", ["Å", "nm"])
def test_bar_when_zoomed_then_its_length_and_label_agree(model: ViewerModel, unit: Any) -> None:
    bar = ScaleBar(model)
    bar.show(unit)
    for zoom in (0.3, 2.0, 7.0, 90.0):
        model.scene.camera.zoom = zoom
        length = model.canvas.overlays.scale_bar.length
        number, word = model.canvas.overlays[LABEL].text.split()
        assert word == unit
        assert float(number) * (10 if unit == "nm" else 1) == pytest.approx(length)
        assert 0.05 * 800 < length * zoom <= 0.2 * 800 * (1 + 1e-9)
    assert [str(u) for layer in model.layers for u in layer.units] == ["angstrom"] * 6


def test_bar_when_layers_are_in_nm_then_the_world_is_and_the_label_still_agrees() -> None:
    model = ViewerModel()
    model.add_image(np.zeros((4, 4, 4)), scale=(0.2,) * 3, units="nm")
    bar = ScaleBar(model)
    bar.show("Å")
    number, _ = model.canvas.overlays[LABEL].text.split()
    assert float(number) == pytest.approx(10 * model.canvas.overlays.scale_bar.length)


def test_bar_when_off_then_napari_s_own_is_as_it_was(model: ViewerModel) -> None:
    own = model.canvas.overlays.scale_bar
    own.font_size, own.visible, own.length = 14, False, None
    bar = ScaleBar(model)
    bar.show("Å")
    bar.show("nm")
    model.scene.camera.zoom = 3.0
    assert own.visible
    bar.off()
    assert (own.font_size, own.visible, own.length) == (14, False, None)
    assert LABEL not in model.canvas.overlays
    model.scene.camera.zoom = 5.0
    assert own.length is None


def test_bar_when_a_layer_has_no_voxel_size_then_it_is_hidden_and_says_why(
    model: ViewerModel,
) -> None:
    bar = ScaleBar(model)
    bar.show("Å")
    foreign = add_foreign(model)
    assert not model.canvas.overlays.scale_bar.visible
    assert not model.canvas.overlays[LABEL].visible
    assert bar.reason_against() == "foreign has no voxel size, so lengths are not known."
    model.layers.remove(foreign)
    assert model.canvas.overlays.scale_bar.visible
    assert ScaleBar(ViewerModel()).reason_against() == "Open a map first."


def test_outlines_when_off_then_boxes_are_as_they_were(model: ViewerModel, fine: Any) -> None:
    box = model.layers["coarse"].bounding_box
    box.visible, box.points = True, True
    outlines = Outlines(model)
    outlines.show()
    late = add(model, fine, "late")
    assert all(layer.bounding_box.visible for layer in model.layers)
    outlines.off()
    assert [layer.bounding_box.visible for layer in model.layers] == [False, True, False]
    assert box.points
    assert late.bounding_box.points


def test_bar_in_a_picture_is_as_long_as_its_label_says(
    make_napari_viewer: Callable[..., Any], fine: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    add(viewer, fine, "fine").visible = False
    viewer.fit_to_view()
    bar = ScaleBar(viewer)
    bar.show("Å")
    for zoom in (4.0, 9.0):  # a new length has to be drawn, not only set
        viewer.scene.camera.zoom = zoom
        qtbot.wait(100)
        picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].max(axis=-1) > 128
        # Ticks at both ends make the longest row of lit pixels the bar itself.
        longest = max(_runs(row) for row in picture)
        wanted = viewer.canvas.overlays.scale_bar.length * zoom
        assert longest == pytest.approx(wanted, abs=6)
    assert viewer.canvas.overlays.scale_bar.font_size <= 2 * UNSEEN


def _runs(row: Any) -> int:
    """Length of the longest stretch of lit pixels."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))
