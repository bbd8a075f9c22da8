"""Box and sphere in a whole window: the docks and forms take no notice of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mapscope.viewer.editing.adoption import reason_against_editing
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.tools import RegionTools
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


@pytest.fixture
def tools(desk: Desk, volume: Volume) -> RegionTools:
    """The tools about a map in a window, with box and sphere placed."""
    layer = desk.add(volume, "bundle")
    made = RegionTools(desk.viewer, lambda: layer)
    desk.qtbot.addWidget(made)
    made.place_box()
    made.place_sphere()
    return made


def texts(box: Any) -> list[str]:
    """What a list offers, grey lines too."""
    return [box.itemText(n) for n in range(box.count())]


def test_forms_when_tools_are_in_the_view_do_not_list_them(desk: Desk, tools: RegionTools) -> None:
    form = desk.form("crop_map")
    offered = [text for choice in form.inputs for box in choice.choices for text in texts(box)]
    assert "bundle" in offered
    assert not [text for text in offered if "Box" in text or "Sphere" in text]
    assert tools.box.is_placed


def test_form_when_tools_come_and_go_keeps_what_was_chosen(
    desk: Desk, tools: RegionTools, volume: Volume
) -> None:
    tools.done()
    other = desk.add(Volume(volume.data[:20], volume.voxel_size), "other")
    form = desk.form("crop_map")
    form.inputs[0].choose(desk.viewer.layers["bundle"])
    desk.viewer.layers.selection.active = other
    tools.place_box()
    tools.place_sphere()
    tools.done()
    assert form.inputs[0].layers == [desk.viewer.layers["bundle"]]


def test_region_when_copied_crops_the_same_part_in_the_form(
    desk: Desk, tools: RegionTools, volume: Volume
) -> None:
    tools.box_panel.upper[0].setValue(15)
    form = desk.form("crop_map")
    part = desk.run_well(_with_region(form, str(tools.box.region))).nouns["cropped"]
    np.testing.assert_array_equal(part.data, volume.data[tools.box.region.slices])


def _with_region(form: Any, text: str) -> Any:
    """A form with a region typed into it."""
    form.settings["region"].value = text
    return form


def test_tool_when_selected_is_no_map_for_the_other_docks(desk: Desk, tools: RegionTools) -> None:
    for layer in (*tools.box.layers, *tools.sphere.layers):
        desk.viewer.layers.selection.active = layer
        assert not desk.docks["Info"].save_button.isEnabled()
        assert reason_against_editing(layer)
        with pytest.raises(ValueError, match="a tool that marks a place"):
            noun_from_layer(layer)
    assert "a tool" in reason_against_editing(tools.sphere.layers[0])
