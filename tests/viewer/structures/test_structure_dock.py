"""The Structure dock drives all that, and says why a control is grey."""

from __future__ import annotations

import gc
from time import perf_counter

import gemmi
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtTest import QAbstractItemModelTester, QTest
from tests.depiction.conftest import peptide, structure_of
from tests.viewer.structures.conftest import Bench, click, density, mixed, pickers

from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.docks.structure import NOTHING_OPEN, StructureDock
from mapscope.viewer.structures.coloring_rows import NO_TABLE, ONLY_NUMBERS
from mapscope.viewer.structures.look import WAYS
from mapscope.viewer.structures.place_rows import NO_MAP, NOTHING_SELECTED
from mapscope.viewer.structures.tree import ResidueTree
from mapscope.viewer.workspace import workspace_of
from mapscope.volume import Volume


def _all_grey(bench: Bench, reason: str) -> None:
    """Every control is grey and says why."""
    for widget in bench.dock._tips:
        assert not widget.isEnabled()
        assert reason in widget.toolTip()


def test_dock_when_nothing_is_open_is_grey_and_says_why(bench: Bench) -> None:
    _all_grey(bench, NOTHING_OPEN)
    assert bench.dock.browser.tree.rowCount() == 0


def test_dock_when_only_foreign_layers_are_there_stays_grey(bench: Bench) -> None:
    bench.viewer.add_layer(Points(np.zeros((3, 3)), name="picks"))
    bench.viewer.add_layer(Image(np.zeros((4, 4, 4)), name="foreign"))
    bench.viewer.layers.selection.active = bench.viewer.layers[0]
    _all_grey(bench, NOTHING_OPEN)
    bench.add(mixed())
    assert bench.dock.styles.isEnabled()
    assert [bench.dock.places.maps.itemText(k) for k in range(bench.dock.places.maps.count())] == [
        NO_MAP
    ], "a map without a voxel size is not offered"


def test_dock_when_a_structure_is_open_needs_a_selection_for_its_neighbourhood(
    opened: Bench,
) -> None:
    rows = opened.dock.places
    for widget in rows.needs_selection:
        assert (widget.isEnabled(), widget.toolTip()) == (False, NOTHING_SELECTED)
    assert rows.place.isEnabled()
    opened.drawn(lambda: opened.scene.select("A/121"))
    for widget in rows.needs_selection:
        assert widget.isEnabled()
        assert widget.toolTip() != NOTHING_SELECTED


def test_dock_when_atoms_were_moved_by_hand_says_so(opened: Bench) -> None:
    opened.viewer.layers[0].translate = (5, 0, 0)
    opened.viewer.layers.selection.active = opened.viewer.layers[0]
    opened.viewer.layers.selection.active = opened.viewer.layers[1]
    _all_grey(opened, "moved or edited by hand")


def test_dock_when_its_structure_is_deleted_is_as_at_first(opened: Bench) -> None:
    opened.drawn(lambda: opened.scene.go_to("A/121"))
    opened.viewer.layers.clear()
    assert opened.dock.structures.count() == 0
    _all_grey(opened, NOTHING_OPEN)


def test_dock_when_two_maps_on_other_grids_are_open_offers_both_but_no_mask(
    opened: Bench, structure: Structure
) -> None:
    opened.add(density(structure), "fine")
    opened.add(density(structure, voxel=2.0, margin=9), "coarse")
    opened.add(Volume(np.zeros((4, 4, 4), np.float32)), "mask")
    maps = opened.dock.places.maps
    assert [maps.itemText(k) for k in range(maps.count())][:2] == ["fine", "coarse"]


def test_style_when_chosen_in_the_box_is_drawn(opened: Bench) -> None:
    box = opened.dock.styles
    box.setCurrentIndex(0)
    opened.drawn(lambda: box.activated.emit(0))
    assert opened.names()[-1] == "model · ribbons"
    assert box.currentText() == "Ribbons"


def test_place_when_typed_and_entered_goes_there_or_says_why_not(
    opened: Bench, structure: Structure
) -> None:
    field = opened.dock.places.place
    field.setText("A/124")
    opened.drawn(lambda: QTest.keyClick(field, Qt.Key.Key_Return))
    center = structure.positions[opened.figure.mask].mean(axis=0)
    assert np.allclose(opened.camera.center[-2:], center[1:])
    field.setText("C/1")
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert opened.dock.message.text() == "chain C is not there: A, N"
    assert not opened.dock.message.isHidden()
    opened.drawn(opened.dock.places.clear_button.click)
    assert opened.figure.mask is None
    assert opened.dock.message.isHidden()


def test_row_when_chosen_in_the_list_moves_camera_and_slice_there(
    opened: Bench, structure: Structure
) -> None:
    opened.viewer.dims.ndisplay = 2
    tree = opened.dock.browser.tree
    opened.drawn(lambda: opened.dock.browser.list.setCurrentIndex(tree.index_of(9)))
    center = np.array(opened.figure.residues.center(structure, 9))
    assert opened.figure.chosen.tolist() == [9]
    assert np.allclose(opened.camera.center[-2:], center[1:])
    assert opened.viewer.dims.point[0] == pytest.approx(center[0], abs=0.51)


def test_click_in_the_view_when_two_structures_are_open_turns_the_dock_to_the_one(
    opened: Bench,
) -> None:
    other = structure_of(peptide(5, -57.8, -47, chain="Z"))
    moved = Structure.from_gemmi(_shifted(other, 200.0))
    opened.add(moved, "other")
    opened.qtbot.waitUntil(lambda: opened.figure.name == "other")
    opened.viewer.layers.selection.active = opened.viewer.layers[0]
    opened.qtbot.waitUntil(lambda: opened.figure.name == "model")
    opened.viewer.dims.ndisplay = 2
    opened.drawn(lambda: click(opened.viewer, moved.positions[5]))
    assert opened.figure.name == "other"
    assert opened.dock.browser.tree.residue(opened.dock.browser.list.currentIndex()) == 1


def _shifted(structure: Structure, by: float) -> gemmi.Structure:
    model = structure.model.clone()
    for site in model[0].all():
        old = site.atom.pos
        site.atom.pos = gemmi.Position(old.x + by, old.y, old.z)
    return model


def test_colours_when_chosen_show_a_legend_or_limits_with_their_unit(opened: Bench) -> None:
    rows = opened.dock.coloring
    opened.drawn(lambda: opened.scene.show(opened.figure, "tubes"))
    assert "A" in rows.legend.text()
    assert (rows.low.isEnabled(), rows.low.toolTip()) == (False, ONLY_NUMBERS)
    rows.ways.setCurrentIndex(WAYS.index("B-factor"))
    opened.drawn(lambda: rows.ways.activated.emit(0))
    assert rows.low.isEnabled()
    assert rows.low.suffix() == " Å²"
    assert rows.legend.isHidden()
    low, high = rows.low.value(), rows.high.value()
    rows.high.setValue(40.0)
    opened.drawn(rows.high.editingFinished.emit)
    body = opened.figure.layers["body"]
    assert tuple(body.contrast_limits) == (low, 40.0)
    opened.drawn(rows.spread.click)
    assert rows.high.value() == high
    before = body.vertex_colors.copy()
    opened.drawn(rows.inverted.click)
    assert not np.allclose(body.vertex_colors, before)
    rows.bar.click()
    assert not body.colorbar.visible


def test_score_when_no_table_names_residues_is_grey_and_else_offered(opened: Bench) -> None:
    ways = opened.dock.coloring.ways
    last = ways.model().item(ways.count() - 1)
    assert (last.isEnabled(), last.toolTip()) == (False, NO_TABLE)
    workspace_of(opened.viewer).show_table(
        Table(
            {
                "chain": np.array(["A", "A"]),
                "number": np.array([120, 121]),
                "ringer": np.array([1.0, 2.0]),
            }
        )
    )
    ways.setCurrentIndex(ways.findText("ringer (table)"))
    opened.drawn(lambda: ways.activated.emit(0))
    assert opened.figure.look.score is not None
    assert opened.figure.look.score.name == "ringer"
    assert ways.currentText() == "ringer"
    row = opened.dock.browser.tree.index_of(1)
    assert opened.dock.browser.tree.data(row.siblingAtColumn(1)) == "2"


def test_path_when_coloured_by_more_than_chains_says_what_to_do(opened: Bench) -> None:
    rows = opened.dock.coloring
    rows.ways.setCurrentIndex(WAYS.index("element"))
    opened.drawn(lambda: rows.ways.activated.emit(0))
    assert "show ribbons or tubes" in opened.dock.message.text()


def test_neighbourhood_when_pressed_shows_and_leaves(opened: Bench, structure: Structure) -> None:
    (image,) = opened.add(density(structure), "map")
    image.iso_threshold = 0.5
    button = opened.dock.places.near_button
    opened.drawn(lambda: opened.scene.go_to("A/124"))
    with opened.qtbot.waitSignal(opened.scene.around.ready, timeout=15_000):
        button.click()
    opened.rest()
    assert button.isChecked()
    assert "map · neighbourhood" in opened.names()
    opened.drawn(button.click)
    assert "map · neighbourhood" not in opened.names()


def test_dock_when_closed_takes_no_more_clicks_and_hears_of_nothing(
    qtbot: QtBot, structure: Structure
) -> None:
    viewer = ViewerModel()
    dock = StructureDock(viewer)
    assert len(pickers(viewer)) == 1
    dock.deleteLater()
    qtbot.wait(20)
    del dock
    gc.collect()
    assert pickers(viewer) == []
    bench = Bench(viewer, None, None, qtbot)  # type: ignore[arg-type]
    bench.add(structure)
    viewer.layers.selection.active = viewer.layers[0]
    viewer.layers.clear()


def test_dock_when_closed_and_opened_again_works(opened: Bench) -> None:
    second = StructureDock(opened.viewer)
    opened.qtbot.addWidget(second)
    assert second.figure is opened.figure
    assert len(pickers(opened.viewer)) == 1


def test_dock_when_narrow_fits_its_column(opened: Bench) -> None:
    assert opened.dock.minimumSizeHint().width() <= 400
    inner = opened.dock.scroll.widget()
    assert inner.minimumSizeHint().width() <= 390


def test_tree_when_filled_filters_by_words_and_selections(structure: Structure) -> None:
    tree = ResidueTree()
    tree.show(structure)
    assert (tree.rowCount(), tree.count) == (2, 23)
    chain = tree.index(1, 0)
    assert tree.data(chain) == "Chain N"
    first = tree.index(0, 0, chain)
    assert tree.data(first) == "DC 1"
    assert tree.parent(first) == chain
    assert tree.residue(first) == 15
    assert tree.rowCount(first) == 0
    for text, count in (("hem", 1), ("A/121-123", 3), ("DC", 8), ("124A", 1), ("zzz", 0), ("", 23)):
        tree.filter(text)
        assert tree.count == count, text
    tree.filter("DC")
    assert not tree.index_of(0).isValid()


def test_tree_when_checked_by_qt_keeps_its_contract(structure: Structure) -> None:
    tree = ResidueTree()
    tester = QAbstractItemModelTester(tree, QAbstractItemModelTester.FailureReportingMode.Fatal)
    tree.show(structure)
    tree.filter("A")
    tree.show_numbers(np.arange(23.0), "x")
    tree.filter("")
    tree.show(None)
    del tester


@pytest.mark.slow
def test_list_when_of_ten_thousand_residues_is_filled_and_filtered_at_once(
    bench: Bench,
) -> None:
    chains = [peptide(1000, -139, 135, chain=f"C{k}") for k in range(10)]
    bench.add(structure_of(*chains), "big")
    figure = bench.figure
    assert len(figure.residues) == 10_000
    for action in (
        lambda: bench.dock._show_structure(),
        lambda: bench.dock.browser.search.setText("C3/10-500"),
        lambda: bench.dock.browser.search.setText("ala 77"),
        lambda: bench.dock.browser.search.setText(""),
        lambda: bench.scene.go_to("C7/512"),
    ):
        best = min(_seconds(action) for _ in range(3))
        assert best < 0.15
    bench.rest()


def _seconds(action: object) -> float:
    """Time that something takes."""
    begun = perf_counter()
    action()  # type: ignore[operator]
    return perf_counter() - begun


def test_chain_when_chosen_in_the_list_is_selected_whole(opened: Bench) -> None:
    browser = opened.dock.browser
    opened.drawn(lambda: browser.list.setCurrentIndex(browser.tree.index(1, 0)))
    assert opened.figure.chosen.tolist() == list(range(15, 23))
    opened.drawn(lambda: browser.list.setCurrentIndex(browser.tree.index_of(2)))
    assert opened.figure.chosen.tolist() == [2]
