"""The tools together: zones, what is grey and why, and layers that go while they are in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gemmi
import numpy as np
import pytest
from qtpy.QtWidgets import QWidget

from mapscope.depiction.selection import select
from mapscope.structure import Structure
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import noun_from_layer
from mapscope.viewer.regions.box_panel import NOT_PLACED as NO_BOX
from mapscope.viewer.regions.sphere_panel import NOT_PLACED as NO_SPHERE
from mapscope.viewer.regions.starting import selection_text
from mapscope.viewer.regions.tools import NO_MAP, RUNNING, RegionTools
from mapscope.viewer.regions.zone_panel import NO_STRUCTURE
from mapscope.viewer.structures.scene import structures_of
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.regions.conftest import Bench

from tests.depiction.conftest import peptide, structure_of
from tests.viewer.regions.conftest import VOXEL, places


def grey(tools: RegionTools) -> dict[str, str]:
    """Tooltips of the controls that are grey."""
    zone, sphere, box = tools.zone_panel, tools.sphere_panel, tools.box_panel
    controls: dict[str, QWidget] = {
        "structure": zone.structures,
        "atoms": zone.atoms,
        "zone": zone.button,
        "place sphere": sphere.place_button,
        "sphere done": sphere.done_button,
        "centre": sphere.centre[0],
        "inside": sphere.inside_button,
        "outside": sphere.outside_button,
        "place box": box.place_button,
        "box done": box.done_button,
        "from": box.lower[0],
        "length": box.lengths[2],
        "crop": box.crop_button,
        "copy": box.copy_button,
    }
    return {name: w.toolTip() for name, w in controls.items() if not w.isEnabled()}


def near(volume: Volume, positions: Any, radius: float) -> Any:
    """Voxels within a distance of any position, one position at a time."""
    found = np.zeros(volume.shape, dtype=bool)
    for position in positions:
        found |= np.linalg.norm(places(volume) - position, axis=-1) <= radius
    return found


@pytest.fixture
def opened(bench: Bench, layer: Any, structure: Structure) -> Bench:
    """The map and a structure in it; the map is selected."""
    bench.add(structure, "model")
    bench.viewer.layers.selection.active = layer
    bench.settle()
    return bench


# Zones


@pytest.mark.parametrize(
    ("text", "residues"), [("", range(120, 132)), ("A/127", [127]), ("A/121-123", [121, 122, 123])]
)
def test_zone_keeps_the_density_near_the_atoms_and_nothing_else(
    opened: Bench, volume: Volume, structure: Structure, text: str, residues: Any, layer: Any
) -> None:
    panel = opened.tools.zone_panel
    panel.atoms.setText(text)
    panel.radius.setValue(3.5)
    panel.button.click()
    result = opened.result()
    atoms = np.isin(structure.residue_numbers, list(residues)) | (text == "")
    kept = near(volume, structure.positions[atoms], 3.5)
    np.testing.assert_array_equal(noun_from_layer(result).data, np.where(kept, volume.data, 0))
    assert kept.any()
    assert not kept.all()
    assert (result.visible, layer.visible) == (True, False)
    assert result.iso_threshold == layer.iso_threshold
    opened.viewer.layers.remove(result)
    assert layer.visible


def test_zone_when_a_residue_was_selected_in_the_structure_is_one_click(
    opened: Bench, volume: Volume, structure: Structure
) -> None:
    structures_of(opened.viewer).select("near 4 A/127")
    mask = structures_of(opened.viewer).figures[0].mask
    assert mask is not None
    assert opened.tools.zone_panel.atoms.text() == selection_text(structure, mask)
    opened.tools.zone_panel.button.click()
    kept = near(volume, structure.positions[mask], 4.0)
    found = noun_from_layer(opened.result()).data
    np.testing.assert_array_equal(found, np.where(kept, volume.data, 0))


def test_tools_when_made_later_begin_with_what_is_selected(opened: Bench, layer: Any) -> None:
    structures_of(opened.viewer).select("A/127")
    tools = RegionTools(opened.viewer, lambda: layer)
    opened.qtbot.addWidget(tools)
    assert tools.zone_panel.atoms.text() == "A/127"


@pytest.mark.parametrize(
    ("text", "words"),
    [("A/121-124", "A/121-124"), ("B", "B/7"), ("A/120,A/122-123,B/7", "A/120,A/122-123,B/7")],
)
def test_selection_in_words_names_the_same_atoms(
    structure: Structure, text: str, words: str
) -> None:
    mask = select(structure, text)
    assert selection_text(structure, mask) == words
    np.testing.assert_array_equal(select(structure, words), mask)


def test_selection_with_an_insertion_between_its_numbers_is_named_without_it() -> None:
    chain = peptide(6, -57.8, -47.0, first=50)
    chain[3].seqid = gemmi.SeqId(52, "A")
    chain[4].seqid, chain[5].seqid = gemmi.SeqId(53, " "), gemmi.SeqId(54, " ")
    made = structure_of(chain)
    mask = np.ones(len(made), dtype=bool)
    mask[12:16] = False
    words = selection_text(made, mask)
    assert words == "A/50-51,A/52,A/53-54"
    np.testing.assert_array_equal(select(made, words), mask)
    mask[:] = False
    mask[8:16] = True
    np.testing.assert_array_equal(select(made, selection_text(made, mask)), mask)


def test_selection_of_everything_is_an_empty_text(structure: Structure) -> None:
    assert selection_text(structure, np.ones(len(structure), dtype=bool)) == ""


def test_zone_when_the_selection_names_nothing_says_so_in_one_line(opened: Bench) -> None:
    panel, before = opened.tools.zone_panel, opened.names()
    panel.atoms.setText("C/5")
    panel.atoms.editingFinished.emit()
    opened.qtbot.waitUntil(lambda: "chain" in opened.said, timeout=5000)
    assert "\n" not in opened.said
    opened.tools.say("")
    panel.button.click()
    opened.qtbot.waitUntil(lambda: not opened.tools.jobs.is_running, timeout=5000)
    assert "chain" in opened.said
    assert opened.names() == before
    panel.atoms.setText("A/127")
    panel.atoms.editingFinished.emit()
    opened.qtbot.waitUntil(lambda: opened.said == "", timeout=5000)


def test_zone_when_the_atoms_lie_outside_the_map_says_so_and_leaves_it(
    opened: Bench, volume: Volume
) -> None:
    far = opened.add(Volume(volume.data, VOXEL, (900.0, 0.0, 0.0)), "far")
    before = opened.names()
    opened.tools.zone()
    opened.qtbot.waitUntil(lambda: not opened.tools.jobs.is_running, timeout=15_000)
    opened.settle()
    assert "outside" in opened.said
    assert opened.names() == before
    assert far.visible


def test_zone_of_a_map_whose_surface_is_shown_gets_one_and_hides_that(
    opened: Bench, layer: Any
) -> None:
    contours = contours_of(opened.viewer)
    surface = contours.show(layer)
    opened.qtbot.waitUntil(lambda: not surface.is_being_made, timeout=15_000)
    opened.tools.zone()
    result = opened.result()
    assert not surface.is_shown
    (made,) = contours.of(result)
    assert made.level == surface.level
    opened.qtbot.waitUntil(lambda: not made.is_being_made, timeout=15_000)
    opened.viewer.layers.remove(result)
    assert surface.is_shown


# What is grey


def test_tools_when_there_is_no_layer_are_grey_and_say_why(bench: Bench) -> None:
    found = grey(bench.tools)
    assert found["zone"] == found["place sphere"] == found["place box"] == NO_MAP
    assert found["crop"] == found["inside"] == NO_MAP
    assert found["structure"] == found["atoms"] == NO_STRUCTURE
    assert found["copy"] == NO_BOX
    for act in (bench.tools.zone, bench.tools.place_box, bench.tools.place_sphere):
        act()
        assert bench.said == NO_MAP


def test_tools_when_there_is_a_map_wait_for_structure_sphere_and_box(
    bench: Bench, layer: Any
) -> None:
    assert layer is bench.tools.layer
    found = grey(bench.tools)
    assert found["zone"] == NO_STRUCTURE
    assert found["inside"] == found["outside"] == found["sphere done"] == NO_SPHERE
    assert found["crop"] == found["from"] == found["length"] == NO_BOX
    assert {"place sphere", "place box"}.isdisjoint(found)
    bench.tools.place_box()
    bench.tools.place_sphere()
    assert set(grey(bench.tools)) == {"structure", "atoms", "zone"}


def test_tools_when_a_map_has_no_voxel_size_say_so_until_it_has(bench: Bench) -> None:
    foreign = bench.viewer.add_image(np.random.default_rng(0).random((8, 9, 10)), name="foreign")
    bench.settle()
    assert grey(bench.tools)["place box"] == "foreign: no voxel size."
    foreign.scale, foreign.units = (2.0,) * 3, ("angstrom",) * 3
    bench.tools.refresh()
    assert "place box" not in grey(bench.tools)


def test_tools_when_a_layer_that_is_no_map_is_selected_stay_with_the_map(
    bench: Bench, layer: Any
) -> None:
    bench.tools.place_box()
    picks = bench.viewer.add_points(np.zeros((2, 3)), name="picks")
    bench.viewer.layers.selection.active = picks
    bench.settle()
    assert bench.tools.layer is layer
    assert bench.tools.box.is_placed


def test_tools_when_the_map_is_turned_say_so(bench: Bench, layer: Any) -> None:
    layer.rotate = 20
    bench.tools.refresh()
    assert "rotated" in grey(bench.tools)["place sphere"]


def test_tools_while_a_job_runs_are_grey_and_offer_to_cancel(bench: Bench, layer: Any) -> None:
    bench.tools.place_sphere()
    bench.tools.erase("inside")
    assert grey(bench.tools)["inside"] == RUNNING
    assert not bench.tools.cancel_button.isHidden()
    bench.tools.cancel_button.click()
    bench.qtbot.waitUntil(lambda: not bench.tools.jobs.is_running, timeout=15_000)
    bench.settle()
    assert bench.tools.cancel_button.isHidden()
    assert "Cancelled" in bench.said
    assert bench.names() == ["block", "Sphere"]
    assert "inside" not in grey(bench.tools)


# Layers that go


def test_box_and_sphere_when_the_map_is_deleted_go_with_it(bench: Bench, layer: Any) -> None:
    bench.tools.place_box()
    bench.tools.place_sphere()
    bench.viewer.layers.remove(layer)
    bench.settle()
    assert bench.names() == []
    assert grey(bench.tools)["crop"] == NO_MAP
    assert not bench.viewer.keymap


@pytest.mark.parametrize("which", [0, 1])
def test_box_when_one_of_its_layers_is_deleted_is_put_away(
    bench: Bench, layer: Any, which: int
) -> None:
    bench.tools.place_box()
    bench.viewer.layers.remove(bench.tools.box.layers[which])
    bench.settle()
    assert not bench.tools.box.is_placed
    assert bench.names() == [layer.name]
    bench.tools.place_box()
    assert bench.tools.box.is_placed


def test_box_when_its_squares_are_deleted_as_points_is_put_away(bench: Bench, layer: Any) -> None:
    bench.tools.place_box()
    handles = bench.tools.box.layers[1]
    handles.selected_data = set(range(len(handles.data)))
    handles.remove_selected()
    assert bench.names() == [layer.name]


def test_box_when_one_of_its_squares_is_deleted_shows_it_again(bench: Bench, layer: Any) -> None:
    bench.tools.place_box()
    handles, region = bench.tools.box.layers[1], bench.tools.box.region
    handles.selected_data = {0}
    handles.remove_selected()
    assert len(handles.data) == 4
    assert bench.tools.box.region == region


def test_all_layers_when_cleared_at_once_take_the_tools_along(bench: Bench, layer: Any) -> None:
    bench.tools.place_box()
    bench.tools.place_sphere()
    bench.viewer.layers.clear()
    bench.settle()
    assert bench.names() == []
    assert not bench.tools.box.is_placed
    assert not bench.tools.sphere.is_placed


def test_zone_when_the_structure_is_deleted_is_grey_and_the_run_under_way_ends_well(
    opened: Bench, layer: Any
) -> None:
    opened.tools.zone()
    for other in [la for la in opened.viewer.layers if la is not layer]:
        opened.viewer.layers.remove(other)
    assert opened.result().visible
    assert grey(opened.tools)["zone"] == NO_STRUCTURE


def test_map_when_deleted_while_a_job_runs_gets_its_result_all_the_same(
    bench: Bench, layer: Any
) -> None:
    bench.tools.place_sphere()
    bench.tools.erase("outside")
    bench.viewer.layers.remove(layer)
    result = bench.result()
    assert result.name == "block · erased"
    assert result.visible


def test_tools_when_destroyed_leave_the_viewer_as_it_was(bench: Bench, layer: Any) -> None:
    already = len(bench.viewer.mouse_drag_callbacks)
    other = RegionTools(bench.viewer, lambda: layer)
    other.place_box()
    other.place_sphere()
    assert len(bench.viewer.mouse_drag_callbacks) == already + 1
    other.deleteLater()
    bench.qtbot.waitUntil(lambda: bench.names() == ["block"], timeout=2000)
    assert len(bench.viewer.mouse_drag_callbacks) == already
    assert not bench.viewer.keymap
    bench.viewer.layers.selection.active = None
    bench.viewer.layers.remove(layer)
    bench.settle()


def test_tools_fit_a_column_of_400_pixels(bench: Bench) -> None:
    assert bench.tools.minimumSizeHint().width() <= 380
