"""The Edit dock: every button, every grey button's reason, keys, recovery, and its end."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QColorDialog, QFileDialog, QMessageBox

from mapscope.edits import EditLog, noted_logs
from mapscope.files import read, write
from mapscope.labels import Labels
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.testing import example_noun
from mapscope.viewer.docks.edit import EditDock
from mapscope.viewer.editing.region_table import COLOR, KIND, NAME
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.window import PLUGIN
from mapscope.volume import Volume

pytestmark = pytest.mark.slow  # each opens a window with all docks

if TYPE_CHECKING:
    from tests.viewer.editing.conftest import Bench

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
SPACE = {"units": "angstrom", "axis_labels": ("z", "y", "x")}
COLUMN_WIDTH = 400


def reasons(dock: EditDock) -> dict[str, str]:
    """The tooltips of the buttons that are grey."""
    buttons = {
        "edit": dock.edit_button,
        "points": dock.points_button,
        "labels": dock.labels_button,
        "undo": dock.undo_button,
        "redo": dock.redo_button,
        "save": dock.save_button,
        **dock.regions.buttons,
    }
    return {name: b.toolTip() for name, b in buttons.items() if not b.isEnabled()}


def canvas_of(bench: Bench) -> Any:
    """The widget that napari draws on."""
    return bench.viewer.window._qt_viewer.canvas.native


def press(bench: Bench, key: Any, modifiers: Any) -> None:
    QTest.keyClick(canvas_of(bench), key, modifiers)


def test_dock_without_a_layer_says_what_to_do_and_each_grey_button_why(bench: Bench) -> None:
    dock = bench.dock
    assert "Select points or labels" in dock.about.text()
    grey = reasons(dock)
    assert set(grey) == {"edit", "labels", "undo", "redo", "save", "go", "merge", "split", "delete"}
    assert all(tip.endswith(".") and len(tip) > 10 for tip in grey.values())
    assert dock.regions.isHidden()
    assert dock.voxel_row.isHidden()
    assert dock.earlier.isHidden()
    dock.points_button.click()
    assert bench.viewer.layers.selection.active.name == "points"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda v: v.add_image(np.zeros((3, 4, 5)), **SPACE), "only points and labels"),
        (lambda v: v.add_shapes([np.zeros((4, 3))], **SPACE), "only points and labels"),
        (lambda v: v.add_points(np.zeros((2, 2))), "three dimensions"),
        (lambda v: v.add_labels(np.zeros((4, 4), int)), "three dimensions"),
        (
            lambda v: v.add_labels(np.zeros((4, 4, 4), int), rotate=(20, 0, 0), **SPACE),
            "rotated",
        ),
        (
            lambda v: v.add_points(np.zeros((4, 3)), rotate=(20, 0, 0), **SPACE),
            "rotated",
        ),
        (
            lambda v: v.add_labels([np.zeros((4, 4, 4), int), np.zeros((2, 2, 2), int)], **SPACE),
            "three dimensions",
        ),
    ],
)
def test_wrong_layer_is_refused_with_its_reason(
    bench: Bench, make: Callable[[Any], Any], reason: str
) -> None:
    layer = make(bench.viewer)
    bench.viewer.layers.selection.active = layer
    assert not bench.dock.edit_button.isEnabled()
    assert reason in bench.dock.edit_button.toolTip().lower()
    assert reason in bench.dock.about.text()


def test_atoms_of_a_structure_cannot_be_edited(bench: Bench) -> None:
    from mapscope.structure import Structure

    for data, attributes, kind in layers_from_noun(example_noun(Structure), "model"):
        if kind == "points":
            bench.viewer.add_points(data, **attributes)
    assert "atoms of a structure" in bench.dock.edit_button.toolTip()


def test_surface_selected_greys_all_but_points(bench: Bench) -> None:
    for data, attributes, _ in layers_from_noun(example_noun(Mesh), "mesh"):
        bench.viewer.add_surface(data, **attributes)
    assert {"edit", "labels"} <= set(reasons(bench.dock))


@pytest.mark.parametrize("kind", ["points", "labels"])
def test_layer_without_units_is_asked_once_for_its_voxel_size(bench: Bench, kind: str) -> None:
    if kind == "points":
        layer = bench.viewer.add_points(np.array([[1.0, 2, 3]]))
    else:
        layer = bench.viewer.add_labels(np.eye(4, dtype=int)[None].repeat(4, 0))
    dock = bench.dock
    assert not dock.voxel_row.isHidden()
    assert not dock.edit_button.isEnabled()
    dock.voxel_row.size.setValue(3.0)
    dock.voxel_row.button.click()
    assert dock.voxel_row.isHidden()
    dock.edit_button.click()
    assert dock.editor is not None
    noun = dock.editor.snapshot()
    if isinstance(noun, Particles):
        assert noun.positions.tolist() == [[3.0, 6.0, 9.0]]
        layer.add([[1, 1, 1]])
        noun = dock.editor.snapshot()
        assert isinstance(noun, Particles)
        assert noun.positions[1].tolist() == [3.0, 3.0, 3.0]
    else:
        assert isinstance(noun, Labels)
        assert noun.voxel_size == (3.0, 3.0, 3.0)


def test_map_without_units_is_asked_for_its_voxel_size_before_labels_are_put_on_it(
    bench: Bench,
) -> None:
    bench.viewer.add_image(np.zeros((4, 5, 6)))
    dock = bench.dock
    assert "no voxel size" in dock.labels_button.toolTip().lower()
    dock.voxel_row.size.setValue(2.0)
    dock.voxel_row.button.click()
    dock.labels_button.click()
    assert dock.editor is not None
    noun = dock.editor.snapshot()
    assert isinstance(noun, Labels)
    assert (noun.data.shape, noun.voxel_size) == ((4, 5, 6), (2.0, 2.0, 2.0))


def test_keys_undo_and_redo_across_layers_in_place_of_naparis_own(
    shown_bench: Bench, labels: Labels
) -> None:
    bench = shown_bench
    points, regions = bench.add_points(), bench.add(labels, "regions", "labels")
    for layer in (points, regions):
        bench.viewer.layers.selection.active = layer
        bench.dock.edit_button.click()
    before = regions.data.copy()
    regions.paint((1, 1, 1), 7)
    points.add([[1, 1, 1]])
    assert bench.viewer.layers.selection.active is regions
    press(bench, Qt.Key.Key_Z, CTRL)
    assert len(points.data) == 6  # the last edit anywhere, not the labels' own
    assert regions.data[1, 1, 1] == 7
    press(bench, Qt.Key.Key_Z, CTRL)
    np.testing.assert_array_equal(regions.data, before)
    press(bench, Qt.Key.Key_Z, CTRL)
    assert "Nothing to undo" in bench.dock.message.text()
    press(bench, Qt.Key.Key_Z, CTRL | SHIFT)
    assert regions.data[1, 1, 1] == 7
    bench.viewer.layers.selection.active = points
    press(bench, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
    assert len(points.data) == 7
    press(bench, Qt.Key.Key_Z, CTRL)
    bench.check()
    # Also while a list or button of the dock has the focus.
    bench.dock.undo_button.setFocus()
    QTest.keyClick(bench.dock, Qt.Key.Key_Z, CTRL)
    bench.check()


def test_keys_when_the_dock_is_gone_are_naparis_again(shown_bench: Bench, labels: Labels) -> None:
    bench = shown_bench
    layer = bench.viewer.add_labels(np.array(labels.data), name="foreign", **SPACE)
    layer.paint((1, 1, 1), 7)
    press(bench, Qt.Key.Key_Z, CTRL)
    assert layer.data[1, 1, 1] == 0  # not under edit: napari's own undo
    bench.dock.edit_button.click()
    layer.paint((1, 1, 1), 7)
    editing = bench.editing
    bench.viewer.window.remove_dock_widget("all")
    bench.dock.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # deferred deletions
    QApplication.processEvents()
    assert not editing.has_keys
    assert not bench.viewer.keymap
    assert not layer.keymap
    bench.viewer.add_image(np.zeros((3, 3, 3)))  # nothing calls back what is gone
    layer.paint((2, 2, 2), 7)
    layer.brush_size = 3
    assert editing.session.logs[0].sequence == 2


def test_brush_drawn_by_the_mouse_is_one_edit(shown_bench: Bench, volume: Volume) -> None:
    bench = shown_bench
    layer = bench.add(volume, "map")
    bench.viewer.dims.ndisplay = 2
    bench.dock.labels_button.click()
    painted = bench.dock.editor
    assert painted is not None
    assert painted.layer.mode == "paint"
    assert bench.dock.tools.brush.modes.buttons["paint"].isChecked()
    bench.viewer.reset_view()
    bench.qtbot.wait(100)
    canvas = canvas_of(bench)
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    left = Qt.MouseButton.LeftButton
    QTest.mouseMove(canvas, middle)
    QTest.mousePress(canvas, left, Qt.KeyboardModifier.NoModifier, middle)
    for step in range(1, 5):
        QTest.mouseMove(canvas, middle + QPoint(6 * step, 0))
        bench.qtbot.wait(10)
    QTest.mouseRelease(canvas, left, Qt.KeyboardModifier.NoModifier, middle + QPoint(24, 0))
    assert painted.log.labels.counts[1] >= 1
    assert len(painted.log.done) == 1
    assert bench.dock.undo_button.text() == "Undo: paint"
    bench.dock.undo_button.click()
    assert not painted.layer.data.any()
    assert layer in bench.viewer.layers


def test_brush_panel_sets_size_in_angstrom_ball_and_region(bench: Bench, volume: Volume) -> None:
    bench.add(volume, "map")
    bench.dock.labels_button.click()
    brush, layer = bench.dock.tools.brush, bench.viewer.layers.selection.active
    brush.size.setValue(9.0)
    assert layer.brush_size == 6  # along the finest axis, 1.5 Å
    layer.brush_size = 10
    assert brush.size.value() == 15.0
    brush.is_ball.setChecked(True)
    assert layer.n_edit_dimensions == 3
    layer.paint((6, 6, 6), 1)
    brush.new_button.click()
    assert (layer.selected_label, brush.number.value()) == (2, 2)
    brush.modes.buttons["erase"].click()
    assert layer.mode == "erase"


def test_points_panel_removes_what_is_selected(bench: Bench) -> None:
    layer = bench.add_points()
    bench.dock.edit_button.click()
    panel = bench.dock.tools.points
    assert not panel.remove_button.isEnabled()
    assert "Select points first" in panel.remove_button.toolTip()
    layer.selected_data = {1, 3}
    panel.remove_button.click()
    assert panel.count.text() == "4 points, 0 selected"
    bench.dock.undo_button.click()
    assert panel.count.text() == "6 points, 0 selected"
    bench.check()


@pytest.fixture
def regions(bench: Bench, labels: Labels) -> Any:
    """The panel of regions, with three of them under edit."""
    bench.add(labels, "regions", "labels")
    bench.dock.edit_button.click()
    return bench.dock.regions


def rows(panel: Any) -> list[list[str]]:
    model = panel.table.model()
    return [
        [str(model.index(row, column).data()) for column in range(1, 6)]
        for row in range(model.rowCount())
    ]


def test_regions_are_listed_with_number_name_and_size(regions: Any) -> None:
    volume = 1.5 * 2.0 * 2.5
    assert rows(regions) == [
        ["1", "one", "", "64", f"{64 * volume:,.0f}"],
        ["2", "", "", "64", f"{64 * volume:,.0f}"],
        ["3", "", "", "7", f"{7 * volume:,.0f}"],
    ]


def test_regions_when_merged_split_deleted_and_undone(bench: Bench, regions: Any) -> None:
    assert "two or more" in reasons(bench.dock)["merge"]
    regions.table.select(2, 1)
    assert "one region" in reasons(bench.dock)["split"]
    regions.buttons["merge"].click()
    bench.wait_for_plan()
    assert [row[0] for row in rows(regions)] == ["1", "3"]
    regions.table.select(3)
    regions.buttons["split"].click()
    bench.wait_for_plan()
    assert [(row[0], row[3]) for row in rows(regions)] == [("1", "128"), ("3", "6"), ("4", "1")]
    bench.qtbot.waitUntil(lambda: not regions.buttons["merge"].isEnabled())
    regions.table.select(4)
    regions.buttons["delete"].click()
    bench.wait_for_plan()
    assert [row[0] for row in rows(regions)] == ["1", "3"]
    bench.check()
    for _ in range(3):
        bench.dock.undo_button.click()
    assert [(row[0], row[3]) for row in rows(regions)] == [("1", "64"), ("2", "64"), ("3", "7")]
    bench.check()


def test_region_in_one_piece_when_split_says_so(bench: Bench, regions: Any) -> None:
    regions.table.select(1)
    regions.buttons["split"].click()
    bench.qtbot.waitUntil(lambda: "one piece" in bench.dock.message.text())
    bench.qtbot.waitUntil(lambda: regions.buttons["split"].isEnabled())


def test_region_when_renamed_in_the_table_is_named_in_log_and_snapshot(
    bench: Bench, regions: Any
) -> None:
    model = regions.table.model()
    assert model.setData(model.index(1, NAME), "membrane")
    assert model.setData(model.index(1, KIND), "lipid")
    assert rows(regions)[1][1:3] == ["membrane", "lipid"]
    assert bench.dock.undo_button.text() == "Undo: relabel"
    noun = bench.dock.editor.snapshot()  # type: ignore[union-attr]
    assert isinstance(noun, Labels)
    assert noun.names == {1: "one", 2: "membrane"}
    bench.editing.undo()
    bench.editing.undo()
    assert rows(regions)[1][1:3] == ["", ""]


def test_region_when_its_colour_is_chosen_is_drawn_in_it_and_others_keep_theirs(
    bench: Bench, regions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = bench.viewer.layers.selection.active
    before = [layer.get_color(n) for n in (1, 2, 3)]
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor(255, 0, 0))
    index = regions.table.model().index(1, COLOR)
    regions.table.doubleClicked.emit(index)
    np.testing.assert_allclose(layer.get_color(2), (1, 0, 0, 1), atol=1e-6)
    np.testing.assert_allclose(layer.get_color(1), before[0], atol=1e-6)
    np.testing.assert_allclose(layer.get_color(3), before[2], atol=1e-6)
    layer.paint((0, 0, 0), 6)
    assert not np.allclose(layer.get_color(6), layer.get_color(99))
    bench.editing.undo()
    bench.editing.undo()
    np.testing.assert_allclose(layer.get_color(2), before[1], atol=1e-6)


def test_go_to_brings_view_and_slice_to_the_region(bench: Bench, regions: Any) -> None:
    layer = bench.viewer.layers.selection.active
    regions.table.select(3)
    regions.buttons["go"].click()
    at = layer.world_to_data(bench.viewer.dims.point)
    assert layer.data[tuple(np.round(at).astype(int))] == 3
    np.testing.assert_allclose(bench.viewer.scene.camera.center, bench.viewer.dims.point, atol=1.5)


def test_labels_are_saved_as_a_map_of_whole_numbers(
    bench: Bench, regions: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "regions.mrc"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    layer = bench.viewer.layers.selection.active
    layer.paint((1, 1, 1), 9)
    bench.dock.save_button.click()
    assert "Saved regions.mrc" in bench.dock.message.text()
    np.testing.assert_array_equal(np.asarray(read(path).data), layer.data)


def test_points_are_saved_as_particles_that_were_read_back(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = bench.add_points()
    bench.dock.edit_button.click()
    path = tmp_path / "picks.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    bench.dock.save_button.click()
    text = bench.dock.message.text()
    assert "Saved picks.csv, read back with 0 Å" in text
    scale, translate = np.asarray(layer.scale), np.asarray(layer.translate)
    np.testing.assert_allclose(read(path).positions, layer.data * scale + translate)


def test_points_when_saved_by_napari_then_the_file_holds_them_as_edited(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("mapscope.viewer.writer.show_info", said.append)
    layer = bench.add_points()
    bench.dock.edit_button.click()
    before = len(layer.data)
    layer.add([[1.0, 2.0, 3.0]])
    (path,) = layer.save(str(tmp_path / "picks.tsv"), plugin="napari-mapscope")
    again = read(path)
    assert len(again) == before + 1
    scale, translate = np.asarray(layer.scale), np.asarray(layer.translate)
    np.testing.assert_allclose(again.positions, layer.data * scale + translate, atol=1e-9)
    (text,) = said
    assert text.startswith("Saved picks.tsv, read back with 0 Å and 0° at most")


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from mapscope.edits import EditLog
from mapscope.particles import Particles
data = Path(sys.argv[1]) if len(sys.argv) > 1 else None
log = EditLog.create(Particles(np.zeros((0, 3)), species=(), score=[]), name="lost", data=data)
for n in range(3):
    log.do(log.points.added({"position": [[n, n, n]]}))
log.flush()
os._exit(9)
"""


def kill_while_editing(*arguments: str) -> None:
    subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)


def test_edits_of_a_killed_program_are_recovered_with_their_map(
    bench: Bench, volume: Volume, tmp_path: Path
) -> None:
    data = write(tmp_path / "tomo.mrc", volume)
    kill_while_editing(str(data))
    bench.dock.look_for_earlier()
    panel = bench.dock.earlier
    assert not panel.isHidden()
    (offer,) = panel.offers
    assert (offer.edits, offer.name) == (3, "lost")
    assert "not closed properly" in offer.text
    recover, _ = panel.buttons(0)
    assert recover.text() == "Recover"
    recover.click()
    assert [layer.name for layer in bench.viewer.layers] == ["tomo", "lost"]
    assert bench.viewer.layers[1].data.tolist() == [[n, n, n] for n in range(3)]
    assert panel.isHidden()
    bench.dock.undo_button.click()
    assert len(bench.viewer.layers[1].data) == 2
    bench.check()


def test_edits_beside_a_file_that_is_opened_are_offered(
    bench: Bench, volume: Volume, tmp_path: Path
) -> None:
    data = write(tmp_path / "tomo.mrc", volume)
    bench.viewer.open(str(data), plugin=PLUGIN)
    bench.dock.labels_button.click()
    layer = bench.viewer.layers.selection.active
    layer.paint((3, 3, 3), 1)
    path = bench.dock.editor.log.path  # type: ignore[union-attr]
    assert path == tmp_path / "tomo.mrc.edits.jsonl"
    bench.viewer.layers.clear()
    assert bench.dock.earlier.offers == []
    bench.viewer.open(str(data), plugin=PLUGIN)
    (offer,) = bench.dock.earlier.offers
    assert offer.text.startswith("tomo · labels: 1 edit of ")
    open_button, _ = bench.dock.earlier.buttons(0)
    assert open_button.text() == "Open"
    open_button.click()
    assert bench.viewer.layers[-1].data[3, 3, 3] == 1
    assert len(bench.viewer.layers) == 2


def test_earlier_edits_are_discarded_only_when_that_is_meant(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_while_editing()
    bench.dock.look_for_earlier()
    (offer,) = bench.dock.earlier.offers
    _, discard = bench.dock.earlier.buttons(0)
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers.pop(0))
    discard.click()
    assert offer.path.exists()
    discard.click()
    assert not offer.path.exists()
    assert noted_logs() == []
    assert bench.dock.earlier.isHidden()


def test_damaged_log_when_opened_says_what_was_left_out(bench: Bench, edits_folder: Path) -> None:
    kill_while_editing()
    (path,) = edits_folder.glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = b"{]\n"
    path.write_bytes(b"".join(lines))
    bench.dock.look_for_earlier()
    bench.dock.earlier.buttons(0)[0].click()
    assert "damaged" in bench.dock.message.text()
    assert len(bench.viewer.layers[-1].data) == 1


def test_log_that_is_no_log_says_so(bench: Bench, edits_folder: Path) -> None:
    kill_while_editing()
    bench.dock.look_for_earlier()
    (path,) = edits_folder.glob("*.jsonl")
    path.write_text("{}\n" * 5, "utf-8")
    bench.dock.earlier.buttons(0)[0].click()
    assert "no log of edits" in bench.dock.message.text()
    assert list(bench.viewer.layers) == []


def test_log_open_elsewhere_is_shown_and_not_edited(bench: Bench) -> None:
    log = EditLog.create(Particles(np.zeros((2, 3))), name="shared")
    log.do(log.points.removed([0]))
    log.flush()
    editor = bench.editing.open_log(log.path)
    assert "looked at only" in bench.dock.about.text()
    assert not editor.layer.editable
    assert not bench.dock.tools.points.isEnabled()
    assert "undo" in reasons(bench.dock)
    log.close()


def test_state_line_tells_of_saved_edits_and_of_a_full_disk(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = bench.add_points()
    bench.dock.edit_button.click()
    layer.add([[1, 1, 1]])
    assert "1 edit · undo: add" in bench.dock.state.text()
    bench.editing.session.flush()
    bench.dock._tick()
    assert bench.dock.state.text() == "Saved just now · 1 edit · undo: add"

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        layer.add([[1, 1, 1]])
        bench.editing.session.flush()
        bench.dock._tick()
        assert "No space left" in bench.dock.state.text()
    bench.editing.session.flush()
    bench.dock._tick()
    assert bench.dock.state.text().startswith("Saved just now · 2 edits")


def test_dock_fits_the_column(bench: Bench, regions: Any) -> None:
    inner = bench.dock.findChild(type(bench.dock.regions)).parentWidget()
    assert inner.minimumSizeHint().width() <= COLUMN_WIDTH
    bench.add_points()
    bench.dock.edit_button.click()
    assert inner.minimumSizeHint().width() <= COLUMN_WIDTH


def test_layer_deleted_leaves_a_dock_that_works(bench: Bench, regions: Any) -> None:
    bench.viewer.layers.clear()
    assert regions.isHidden()
    assert bench.dock.editor is None
    assert {"undo", "save", "edit"} <= set(reasons(bench.dock))
    regions.go()
    regions.merge()
    bench.dock.save()
    bench.dock.points_button.click()
    assert bench.dock.editor is not None


def test_viewer_when_closed_closes_its_logs(
    make_napari_viewer: Callable[..., Any], edits_folder: Path
) -> None:
    viewer = make_napari_viewer()
    dock = EditDock(viewer)
    viewer.window.add_dock_widget(dock, name="Edit")
    dock.points_button.click()
    viewer.layers[0].add([[1, 2, 3]])
    path = dock.editing.session.logs[0].path
    assert noted_logs() == [path.resolve()]
    dock.editing.close()
    assert noted_logs() == []
    assert len(EditLog.open(path).points) == 1
    del viewer, dock
    gc.collect()


@pytest.mark.slow
def test_merge_on_256_cubed_never_blocks_the_window(shown_bench: Bench) -> None:
    bench = shown_bench
    random = np.random.default_rng(0)
    coarse = random.integers(0, 5, (16, 16, 16)).astype(np.int16)
    data = coarse.repeat(16, 0).repeat(16, 1).repeat(16, 2)
    layer = bench.add(Labels(data), "big", "labels")
    bench.dock.edit_button.click()
    bench.qtbot.wait(200)
    longest = []
    for _ in range(3):
        times, sequence = [perf_counter()], bench.editing.session.logs[0].sequence
        bench.dock.regions.table.select(1, 2)
        bench.dock.regions.buttons["merge"].click()
        while bench.editing.session.logs[0].sequence == sequence:
            QApplication.processEvents()
            times.append(perf_counter())
        started = perf_counter()
        bench.dock.undo_button.click()
        longest.append(max(*np.diff(times), perf_counter() - started))
        np.testing.assert_array_equal(layer.data, data)
    print(f"256³: merge and undo, longest block {1e3 * min(longest):.0f} ms")
    assert min(longest) <= 0.150
