"""The window: one column of docks on the right, everything in sight, something to see."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from mapscope.jobs import all_jobs
from mapscope.table import Table
from mapscope.testing import example_noun
from mapscope.viewer.window import PLUGIN, open_docks, open_job
from mapscope.viewer.workspace import workspace_of
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk


def frame_of(widget: Any) -> QDockWidget:
    """The dock that a widget lies in."""
    while not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def window_of(desk: Desk) -> QMainWindow:
    """napari's main window."""
    return frame_of(desk.docks["Jobs"]).window()


def is_in_sight(widget: QWidget) -> bool:
    """Whether all of a widget can be seen and clicked."""
    return bool(widget.visibleRegion().boundingRect() == widget.rect())


UPPER = ("Jobs", "Contour", "Structure", "View", "Edit", "Picks", "Train")
LOWER = ("Info", "Plot", "History")


def test_docks_are_one_column_on_the_right_what_acts_above_what_tells(shown_desk: Desk) -> None:
    desk = shown_desk
    desk.qtbot.wait(100)
    window = window_of(desk)
    frames = {name: frame_of(dock) for name, dock in desk.docks.items()}
    assert tuple(frames) == UPPER + LOWER
    for name, frame in frames.items():
        assert window.dockWidgetArea(frame) == Qt.DockWidgetArea.RightDockWidgetArea
        assert not frame.isFloating()
        assert frame.windowTitle() == name
    for first, *others in (UPPER, LOWER):
        beside = window.tabifiedDockWidgets(frames[first])
        assert set(beside) == {frames[name] for name in others}
    jobs, info = frames["Jobs"].geometry(), frames["Info"].geometry()
    assert jobs.bottom() < info.top()
    assert (jobs.left(), jobs.right()) == (info.left(), info.right())
    assert [name for name, dock in desk.docks.items() if is_in_sight(dock)] == ["Jobs", "Info"]


def test_docks_when_asked_for_twice_then_they_are_the_same_and_stay_as_they_are(
    shown_desk: Desk,
) -> None:
    desk = shown_desk
    window = window_of(desk)
    desk.qtbot.wait(50)
    count = len(window.findChildren(QDockWidget))
    frame_of(desk.docks["Plot"]).raise_()
    desk.qtbot.waitUntil(lambda: is_in_sight(desk.docks["Plot"]), timeout=2000)
    window.resizeDocks([frame_of(desk.docks["Jobs"])], [300], Qt.Orientation.Vertical)
    desk.qtbot.wait(50)
    height = desk.docks["Jobs"].height()
    assert open_docks(desk.viewer) == desk.docks
    form = open_job("flip_hand")
    desk.qtbot.wait(100)
    assert form is desk.docks["Jobs"].form
    assert len(window.findChildren(QDockWidget)) == count
    assert is_in_sight(desk.docks["Plot"])
    assert abs(desk.docks["Jobs"].height() - height) <= 2


def test_run_button_of_every_form_is_in_sight_on_a_small_screen(
    shown_desk: Desk, volume: Volume
) -> None:
    desk = shown_desk
    desk.viewer.window.resize(1366, 768)
    desk.add(volume, "a map with a name that is as long as the names of maps often are")
    desk.qtbot.wait(100)
    window = window_of(desk)
    assert (window.width(), window.height()) == (1366, 768)
    hidden = []
    for name in all_jobs():
        form = desk.form(name)
        form.foot.say("A message that is long enough to need two or three lines below the button.")
        form.bar.setVisible(True)
        desk.qtbot.wait(20)
        if not (is_in_sight(form.run_button) and is_in_sight(form.message)):
            hidden.append(name)
    assert hidden == []
    assert (window.width(), window.height()) == (1366, 768)
    assert frame_of(desk.docks["Jobs"]).width() < 480


def test_canvas_when_the_sample_is_shown_as_a_surface_then_it_is_lit(shown_desk: Desk) -> None:
    desk = shown_desk
    desk.viewer.open_sample(PLUGIN, "four_helix_bundle")
    desk.viewer.dims.ndisplay = 3
    for layer in desk.viewer.layers[1:]:
        layer.visible = False
    desk.viewer.reset_view()
    desk.qtbot.wait(50)
    picture = desk.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    lit = (picture.max(axis=-1) > 60).mean()
    assert 0.01 < lit < 0.9
    desk.viewer.layers[0].visible = False
    dark = desk.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    assert (dark.max(axis=-1) > 60).mean() < 0.005
    assert np.abs(picture.astype(int) - dark).max() > 100


def test_workspace_is_one_for_a_viewer_and_goes_with_it(desk: Desk) -> None:
    assert desk.docks["History"].workspace is workspace_of(desk.viewer)
    viewer = ViewerModel()
    workspace = ref(workspace_of(viewer))
    assert workspace_of(viewer) is workspace()
    del viewer
    gc.collect()
    assert workspace() is None


def test_docks_when_the_window_is_closed_then_nothing_keeps_them_nor_the_viewer(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot
) -> None:
    viewer = make_napari_viewer()
    docks = open_docks(viewer)
    workspace_of(viewer).show_table(example_noun(Table))
    kept = {name: ref(dock) for name, dock in docks.items()} | {"viewer": ref(viewer)}
    viewer.close()
    del viewer, docks
    qtbot.wait(20)  # Qt deletes the window when its loop comes round
    gc.collect()
    assert [name for name, reference in kept.items() if reference() is not None] == []


def test_docks_when_the_window_is_closed_at_once_then_nothing_fails(
    make_napari_viewer: Callable[..., Any], qtbot: QtBot
) -> None:
    viewer = make_napari_viewer()
    open_docks(viewer)
    viewer.close()
    qtbot.wait(20)
