"""Keys and mouse in a window: verdicts, lasso, adding in slices and in 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget
from tests.viewer.picks.conftest import PicksDesk, particles, tomogram_of

from mapscope.particles import ACCEPTED, REJECTED, VERDICT, Particles
from mapscope.viewer.views.space import right_direction

Modifier = Qt.KeyboardModifier
LEFT = Qt.MouseButton.LeftButton


def canvas(desk: PicksDesk) -> QWidget:
    widget: QWidget = desk.viewer.window._qt_viewer.canvas.native
    return widget


def on_canvas(desk: PicksDesk, place: Any) -> QPoint:
    """Where a place in Å is drawn, in slices along z."""
    camera, widget = desk.viewer.scene.camera, canvas(desk)
    offset = (np.asarray(place)[1:] - np.asarray(camera.center)[-2:]) * camera.zoom
    middle = widget.rect().center()
    return QPoint(round(middle.x() + offset[1]), round(middle.y() + offset[0]))


def drag(widget: QWidget, points: list[QPoint], modifier: Any = Modifier.NoModifier) -> None:
    QTest.mousePress(widget, LEFT, modifier, points[0])
    for point in points[1:]:
        event_with(widget, point, modifier)
        QTest.qWait(30)  # napari passes over moves that come faster
    QTest.mouseRelease(widget, LEFT, modifier, points[-1])


def event_with(widget: QWidget, point: QPoint, modifier: Any) -> None:
    """Tell of a move with the button down, which QTest does not."""
    at, everywhere = QPointF(point), QPointF(widget.mapToGlobal(point))
    event = QMouseEvent(QEvent.Type.MouseMove, at, everywhere, LEFT, LEFT, modifier)
    QApplication.sendEvent(widget, event)


@pytest.fixture
def noun() -> Particles:
    return particles(30)


@pytest.fixture
def open_desk(shown_desk: PicksDesk, noun: Particles) -> PicksDesk:
    """A tomogram with its picks, in slices."""
    shown_desk.add(tomogram_of(noun), "TS_01")
    shown_desk.open(noun)
    shown_desk.viewer.dims.ndisplay = 2
    shown_desk.viewer.reset_view()
    shown_desk.qtbot.wait(300)
    QApplication.setActiveWindow(canvas(shown_desk).window())  # there is no window manager
    return shown_desk


def test_keys_judge_and_name_the_current_pick_wherever_the_focus_is(open_desk: PicksDesk) -> None:
    dock = open_desk.dock
    assert open_desk.dock.list.log is not None
    open_desk.qtbot.waitUntil(lambda: len(dock.gallery.order) > 0, timeout=20_000)
    order = dock.gallery.order.tolist()
    dock.visit(order[0])
    canvas(open_desk).setFocus()
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_A)
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_R)
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_2)
    now = open_desk.snapshot()
    verdicts = now.columns[VERDICT]
    assert (verdicts[order[0]], verdicts[order[1]]) == (ACCEPTED, REJECTED)
    assert now.species is not None
    assert now.species[order[2]] == "ribosome"
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_P)
    assert dock.list.current == order[1]


def test_letters_typed_into_a_field_judge_nothing(open_desk: PicksDesk) -> None:
    dock = open_desk.dock
    dock.visit(3)
    dock.pages.bring(dock.edit)
    field = dock.edit.name.lineEdit()
    field.setFocus()
    field.clear()
    QTest.keyClicks(field, "Arp2")
    assert field.text() == "Arp2"
    assert VERDICT not in open_desk.snapshot().columns
    dock.edit.name_button.click()
    species = open_desk.snapshot().species
    assert species is not None
    assert species[3] == "Arp2"


def test_keys_are_naparis_own_while_the_dock_is_out_of_sight(open_desk: PicksDesk) -> None:
    dock = open_desk.dock
    dock.visit(3)
    dock.parent().hide()
    canvas(open_desk).setFocus()
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_R)
    assert VERDICT not in open_desk.snapshot().columns


def test_dock_has_undo_redo_and_delete_of_its_own(open_desk: PicksDesk, noun: Particles) -> None:
    dock = open_desk.dock
    dock.visit(3)
    dock.pages.bring(dock.table)
    dock.table.setFocus()
    QTest.keyClick(dock.table, Qt.Key.Key_Delete)
    left = open_desk.snapshot()
    np.testing.assert_array_equal(left.positions, np.delete(noun.positions, 3, axis=0))
    QTest.keyClick(dock.table, Qt.Key.Key_Z, Modifier.ControlModifier)
    assert open_desk.snapshot().checksum() == noun.checksum()
    both = Modifier.ControlModifier | Modifier.ShiftModifier
    QTest.keyClick(dock.table, Qt.Key.Key_Z, both)
    assert open_desk.snapshot().checksum() == left.checksum()


def test_lasso_selects_what_the_slab_shows_and_r_rejects_it(
    open_desk: PicksDesk, noun: Particles
) -> None:
    viewer, dock = open_desk.viewer, open_desk.dock
    z = 120.0
    viewer.dims.set_point(0, z)
    open_desk.qtbot.wait(100)
    corners = [(z, 100, 100), (z, 100, 400), (z, 400, 400), (z, 400, 100)]
    drag(canvas(open_desk), [on_canvas(open_desk, c) for c in corners], Modifier.ShiftModifier)
    places = noun.positions
    inside = (places[:, 1:] > 100).all(axis=1) & (places[:, 1:] < 400).all(axis=1)
    inside &= np.abs(places[:, 0] - viewer.dims.point[0]) <= dock.radius
    margin = np.abs(places[:, 1:] - np.array([100, 400])[:, None, None]).min(axis=(0, 2)) > 8
    selected = np.zeros(len(noun), dtype=bool)
    selected[open_desk.editor.selected()] = True
    assert inside.any()
    np.testing.assert_array_equal(selected[margin], inside[margin])
    assert not dock.gestures.outline.is_placed
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_R)
    rejected = open_desk.snapshot().columns[VERDICT] == REJECTED
    np.testing.assert_array_equal(rejected, selected)
    dock.editing.undo()
    assert open_desk.snapshot().checksum() == noun.checksum()
    assert viewer.scene.camera.mouse_pan


def test_delete_takes_what_the_lasso_selected_whatever_layer_was_active(
    open_desk: PicksDesk, noun: Particles
) -> None:
    viewer = open_desk.viewer
    viewer.dims.set_point(0, 120.0)
    viewer.layers.selection.active = viewer.layers["TS_01"]
    open_desk.qtbot.wait(100)
    corners = [(120.0, y, x) for y, x in ((100, 100), (100, 400), (400, 400), (400, 100))]
    drag(canvas(open_desk), [on_canvas(open_desk, c) for c in corners], Modifier.ShiftModifier)
    selected = open_desk.editor.selected()
    assert selected
    canvas(open_desk).setFocus()
    QTest.keyClick(canvas(open_desk), Qt.Key.Key_Delete)
    left = np.delete(noun.positions, selected, axis=0)
    np.testing.assert_array_equal(open_desk.snapshot().positions, left)
    assert "TS_01" in viewer.layers


def test_click_with_ctrl_adds_a_pick_in_the_slice(open_desk: PicksDesk, noun: Particles) -> None:
    viewer = open_desk.viewer
    viewer.dims.set_point(0, 100.0)
    open_desk.qtbot.wait(100)
    at = on_canvas(open_desk, (100.0, 210.0, 330.0))
    QTest.mouseClick(canvas(open_desk), LEFT, Modifier.ControlModifier, at)
    new = open_desk.snapshot()
    assert len(new) == len(noun) + 1
    np.testing.assert_allclose(new.positions[-1], (100.0, 210.0, 330.0), atol=6)
    assert new.score is not None
    assert np.isnan(new.score[-1])
    assert open_desk.dock.list.current == len(noun)


def test_click_in_3d_adds_a_pick_at_the_densest_place_under_the_cursor(
    open_desk: PicksDesk, noun: Particles
) -> None:
    viewer, dock = open_desk.viewer, open_desk.dock
    missing = int(np.argmax(noun.positions[:, 0]))
    dock.list.remove([missing])
    viewer.dims.ndisplay = 3
    viewer.reset_view()
    viewer.scene.camera.angles = (0, 0, 90)
    open_desk.qtbot.wait(300)
    target = noun.positions[missing]
    camera = viewer.scene.camera
    offset = target - np.asarray(camera.center)
    right, up = right_direction(viewer), np.asarray(camera.up_direction)
    middle = canvas(open_desk).rect().center()
    at = QPoint(
        round(middle.x() + camera.zoom * float(offset @ right)),
        round(middle.y() - camera.zoom * float(offset @ up)),
    )
    before = len(open_desk.snapshot())
    dock.buttons["add"].setChecked(True)
    QTest.mouseClick(canvas(open_desk), LEFT, Modifier.NoModifier, at)
    open_desk.qtbot.waitUntil(lambda: len(open_desk.snapshot()) == before + 1, timeout=20_000)
    found = open_desk.snapshot().positions[-1]
    nearest = np.linalg.norm(noun.positions - found, axis=1).min()
    assert nearest < 15, "it is where there is a particle"
    across = found - target
    direction = np.asarray(camera.view_direction)
    assert np.linalg.norm(across - (across @ direction) * direction) < dock.radius


def test_click_on_a_pick_makes_it_the_current_one(open_desk: PicksDesk, noun: Particles) -> None:
    viewer, dock = open_desk.viewer, open_desk.dock
    viewer.dims.set_point(0, float(noun.positions[5, 0]))
    open_desk.qtbot.wait(100)
    QTest.mouseClick(
        canvas(open_desk), LEFT, Modifier.NoModifier, on_canvas(open_desk, noun.positions[5])
    )
    offset = noun.positions - noun.positions[5]
    offset[:, 0] = noun.positions[:, 0] - viewer.dims.point[0]
    assert dock.list.current is not None
    assert np.linalg.norm(offset[dock.list.current]) <= max(dock.radius, 10)
