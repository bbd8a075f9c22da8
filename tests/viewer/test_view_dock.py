"""The View dock: real widgets, every awkward state, and each grey control's reason."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Layer
from PIL import Image
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import QAbstractButton, QComboBox, QScrollArea, QSlider, QSpinBox, QWidget

from mapscope.viewer.docks.view import ViewDock
from mapscope.viewer.layers import layers_from_noun
from mapscope.viewer.views.scale import LABEL
from mapscope.viewer.views.wipe import DIVIDER
from mapscope.volume import Volume

# A whole window with all docks for each test: minutes together.
pytestmark = pytest.mark.slow


def add(viewer: Any, noun: Any, name: str) -> Any:
    """Show a noun."""
    for data, attributes, kind in layers_from_noun(noun, name):
        viewer.add_layer(Layer.create(data, attributes, kind))
    return viewer.layers[-1]


@pytest.fixture
def viewer(make_napari_viewer: Callable[..., Any]) -> Any:
    """A window that is not shown."""
    return make_napari_viewer()


@pytest.fixture
def dock(viewer: Any, qtbot: QtBot) -> ViewDock:
    """The dock in it."""
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    return dock


@pytest.fixture
def pair(viewer: Any, volume: Volume) -> tuple[Any, Any]:
    """Two maps on different grids."""
    other = Volume(5 * volume.data[::2, ::2, ::2], (3.0,) * 3, volume.origin)
    return add(viewer, volume, "first"), add(viewer, other, "second")


def click(qtbot: QtBot, widget: QWidget) -> None:
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)  # type: ignore[no-untyped-call]


def press(dock: ViewDock, mode: Any) -> None:
    """Press the button of a way to compare."""
    button = dock.compare_form.ways[mode]
    assert button.isEnabled(), button.toolTip()
    button.click()


def controls(dock: ViewDock) -> list[Any]:
    """Everything that can be clicked or typed into."""
    kinds = (QAbstractButton, QComboBox, QSlider, QSpinBox)
    return [w for form in dock.forms for kind in kinds for w in form.findChildren(kind)]


def test_dock_when_there_is_no_layer_then_every_grey_control_says_why(
    dock: ViewDock, qtbot: QtBot
) -> None:
    grey = [widget for widget in controls(dock) if not widget.isEnabled()]
    assert dock.compare_form.ways["wipe"] in grey
    assert dock.compare_form.ways["wipe"].toolTip() == "Open two maps to compare them."
    for widget in (dock.picture_form.save, dock.picture_form.movie, dock.scale_form.bar):
        assert not widget.isEnabled()
        assert widget.toolTip() == "Open a map first."
    assert dock.slice_form.thick.toolTip() == "Open a map first."
    dock.refresh()
    dock.end()


def test_dock_every_control_has_a_tooltip(
    dock: ViewDock, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    without = [w for w in controls(dock) if not w.toolTip() and w.isVisibleTo(dock)]
    assert [type(w).__name__ + w.objectName() for w in without] == []


def test_dock_when_a_wrong_layer_or_a_foreign_one_is_there_then_it_says_so(
    dock: ViewDock, viewer: Any, volume: Volume, qtbot: QtBot
) -> None:
    viewer.add_points([[1, 2, 3]], name="picks", units="angstrom")
    viewer.add_image(np.zeros((4, 5)), name="flat")
    qtbot.wait(20)
    assert dock.compare_form.first.layer is None
    assert dock.compare_form.ways["blink"].toolTip() == "Open two maps to compare them."
    assert dock.scale_form.bar.toolTip() == "flat has no voxel size, so lengths are not known."
    assert dock.scale_form.boxes.toolTip() == "Open a map first."
    viewer.layers.clear()
    add(viewer, volume, "one")
    foreign = viewer.add_image(np.random.default_rng(0).random((6, 7, 8)), name="foreign")
    qtbot.wait(20)
    assert dock.compare_form.ways["wipe"].isEnabled()
    press(dock, "wipe")
    assert "foreign (wipe)" in [layer.name for layer in viewer.layers]
    dock.compare_form.link.setCurrentIndex(1)
    assert "no voxel size" in dock.message.text()
    assert dock.compare_form.link.currentIndex() == 0
    viewer.layers.remove(foreign)
    qtbot.wait(20)
    assert [layer.name for layer in viewer.layers] == ["one"]
    assert dock.compare_form.ways["off"].isChecked()
    assert not dock.compare_form.divider.isEnabled()


def test_dock_when_the_wipe_is_moved_by_the_slider_then_the_divider_moves(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    form = dock.compare_form
    assert {form.first.layer, form.second.layer} == set(pair)
    assert form.divider.toolTip() == "Choose Wipe above."
    press(dock, "wipe")
    qtbot.wait(50)
    assert dock.compare_form.ways["wipe"].isChecked()
    form.divider.setValue(250)
    assert form.place.text() == "25 %"
    x = viewer.canvas.overlays[DIVIDER].position[0][1]
    assert x == pytest.approx(0.25 * viewer.canvas.size[1])
    press(dock, "off")
    assert DIVIDER not in viewer.canvas.overlays
    assert [layer.name for layer in viewer.layers] == ["first", "second"]
    assert form.comparison is None


def test_dock_when_levels_are_linked_then_they_stay_linked_from_way_to_way(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    form = dock.compare_form
    form.link.setCurrentIndex(2)
    assert form.comparison is not None
    levels = form.comparison.levels
    qtbot.waitUntil(lambda: levels.is_ready, timeout=10_000)
    one, other = form.first.layer, form.second.layer
    for mode in ("wipe", "side by side", "blink", "off"):
        press(dock, mode)
        qtbot.wait(20)
        one.iso_threshold += 0.01
        assert other.iso_threshold == one.iso_threshold
        assert form.link.currentIndex() == 2
    form.link.setCurrentIndex(0)
    assert form.comparison is None
    before = other.iso_threshold
    one.iso_threshold += 0.1
    assert other.iso_threshold == before


def test_dock_when_another_map_is_chosen_then_it_is_compared_in_the_same_way(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], volume: Volume, qtbot: QtBot
) -> None:
    third = add(viewer, volume, "third")
    qtbot.wait(20)
    form = dock.compare_form
    dock.compare(*pair).show("blink")
    assert form.ways["blink"].isChecked()
    form.second.choose(third)
    assert form.comparison is not None
    assert (form.comparison.mode, form.comparison.second) == ("blink", third)
    assert pair[1].visible
    assert not third.visible
    click(qtbot, form.swap)
    assert third.visible
    assert not pair[0].visible
    form.second.choose(form.first.layer)
    assert form.comparison is None
    assert form.ways["wipe"].toolTip() == "Choose two different maps."
    assert third.visible
    assert pair[0].visible


def test_dock_slab_and_scale_bar_by_their_boxes(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    slices, scale = dock.slice_form, dock.scale_form
    slices.thickness.setValue(9.0)
    assert not slices.slab.is_on
    slices.thick.click()
    slices.projection.setCurrentText("max")
    assert viewer.dims.thickness == (9.0, 9.0, 9.0)
    assert [str(layer.projection_mode) for layer in pair] == ["max", "max"]
    slices.thick.click()
    assert viewer.dims.thickness == (0.0, 0.0, 0.0)
    scale.bar.click()
    assert viewer.canvas.overlays[LABEL].text.endswith(" Å")
    scale.nanometre.click()
    assert viewer.canvas.overlays[LABEL].text.endswith(" nm")
    scale.bar.click()
    assert LABEL not in viewer.canvas.overlays
    scale.axes.click()
    assert viewer.canvas.overlays.axes.visible
    scale.boxes.click()
    assert all(layer.bounding_box.visible for layer in pair)


def test_dock_planes_are_added_below_and_taken_away(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    dock.slice_form.planes.click()
    views = dock.slice_form.orthogonal
    assert views is not None
    assert "Three planes" in viewer.window.dock_widgets
    views.move_to(0, 10.0)
    assert viewer.dims.point[0] == pytest.approx(10.0, abs=1.0)
    dock.slice_form.planes.click()
    assert "Three planes" not in viewer.window.dock_widgets
    dock.slice_form.planes.click()
    assert dock.slice_form.orthogonal not in (None, views)
    dock.end()
    assert dock.slice_form.orthogonal is None
    assert not dock.slice_form.planes.isChecked()


def test_dock_picture_is_one_click_and_its_place_is_linked(
    make_napari_viewer: Callable[..., Any],
    volume: Volume,
    qtbot: QtBot,
    tmp_path: Path,
    answer_dialog: Callable[[Path], None],
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1000, 500)
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    add(viewer, volume, "a & b")
    qtbot.wait(30)
    form = dock.picture_form
    answer_dialog(tmp_path)
    form.where.click()
    form.save.click()
    path = tmp_path / "a _ b.png"
    assert Image.open(path).size[0] > 50
    assert QUrl.fromLocalFile(str(path)).toString() in form.message.text()
    form.save.click()
    assert (tmp_path / "a _ b 2.png").exists()
    form.copy.click()
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == Image.open(path).size
    assert form.movie.toolTip() == "A turntable turns the 3D view: switch from 2D to 3D."
    form._folder = tmp_path / "gone"
    form.save.click()
    assert "could not be written" in form.message.text()


def test_dock_turntable_shows_progress_and_can_be_cancelled(
    dock: ViewDock,
    viewer: Any,
    pair: tuple[Any, Any],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    picture = np.zeros((20, 30, 4), dtype=np.uint8)
    monkeypatch.setattr("mapscope.viewer.views.turntable.picture_of", lambda _viewer: picture)
    for layer in pair:
        layer.visible = False
    viewer.dims.ndisplay = 3
    qtbot.wait(20)
    form = dock.picture_form
    form._folder = tmp_path
    form.frames.setValue(700)
    form.movie.click()
    assert form.movie.text() == "Cancel"
    assert form.turntable is not None
    with qtbot.waitSignal(form.turntable.cancelled, timeout=5000):
        form.movie.click()
    assert form.movie.text() == "Save turntable"
    assert form.message.text() == "Cancelled; no movie was written."
    form.frames.setValue(4)
    form.movie.click()
    with qtbot.waitSignal(form.turntable.succeeded, timeout=10_000):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["view.gif"]
    assert "view.gif" in form.message.text()


def test_dock_when_closed_while_it_does_everything_then_nothing_fails(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    dock.slice_form.thick.click()
    dock.scale_form.bar.click()
    press(dock, "wipe")
    viewer.window.remove_dock_widget(viewer.window._qt_window.findChild(QWidget, "View"))
    dock.deleteLater()
    del dock
    gc.collect()
    qtbot.wait(50)
    assert [layer.name for layer in viewer.layers] == ["first", "second"]
    assert not {DIVIDER, LABEL} & set(viewer.canvas.overlays)
    assert viewer.dims.thickness == (0.0, 0.0, 0.0)
    viewer.dims.set_point(0, 10.0)
    viewer.scene.camera.zoom = 3.0
    viewer.layers.clear()


def test_dock_when_the_window_is_closed_while_it_does_everything_then_nothing_fails(
    dock: ViewDock, viewer: Any, pair: tuple[Any, Any], qtbot: QtBot
) -> None:
    qtbot.wait(20)
    dock.slice_form.thick.click()
    dock.slice_form.planes.click()
    dock.scale_form.bar.click()
    press(dock, "wipe")
    viewer.close()
    qtbot.wait(50)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_dock_fits_its_column(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot, volume: Volume, theme: str
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.theme = theme
    dock = ViewDock(viewer)
    viewer.window.add_dock_widget(dock, name="View", area="right")
    add(viewer, volume, "a map with a name that is as long as the names of maps often are")
    dock.setFixedWidth(400)
    dock._say("A message that is long enough to need two or three lines below the buttons.")
    qtbot.wait(50)
    scroll = dock.findChild(QScrollArea)
    assert scroll.horizontalScrollBar().maximum() == 0


def test_save_for_chimerax_when_clicked_writes_what_is_in_view_beside_the_last_file(
    dock: ViewDock, viewer: Any, volume: Volume, tmp_path: Path, qtbot: QtBot
) -> None:
    form = dock.picture_form
    assert not form.chimerax.isEnabled()
    assert form.chimerax.toolTip() == "Open a map first."
    add(viewer, volume, "seen")
    add(viewer, volume, "hidden").visible = False
    viewer.add_shapes([[[0, 0, 0], [0, 5, 5]]], shape_type="line", name="drawn")
    dock.refresh()
    form._folder = tmp_path

    form.chimerax.click()
    qtbot.waitUntil(lambda: "Saved" in form.message.text(), timeout=10_000)

    script = next(tmp_path.glob("*.cxc"))
    text = script.read_text(encoding="utf-8")
    assert [p.name for p in tmp_path.glob("*.mrc")] == [f"{script.stem}_seen.mrc"]
    assert f"{script.stem}_seen.mrc" in text
    assert "Left out: drawn." in form.message.text()


def test_save_for_chimerax_when_nothing_can_be_shown_says_so(
    dock: ViewDock, viewer: Any, tmp_path: Path
) -> None:
    viewer.add_shapes([[[0, 0, 0], [0, 5, 5]]], shape_type="line", name="drawn")
    dock.refresh()
    dock.picture_form._folder = tmp_path
    dock.picture_form.chimerax.click()
    assert "nothing is in view" in dock.picture_form.message.text()
    assert not list(tmp_path.iterdir())
