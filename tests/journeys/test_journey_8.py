"""Journey 8, "Clean my picks": a tomogram and a RELION STAR judged, averaged, exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QWidget
from scipy.spatial.transform import Rotation
from tests.hand import Hand

from mapscope import Volume, read, write
from mapscope.particles import ACCEPTED, REJECTED, VERDICT, Particles, in_tomogram
from mapscope.viewer.views.space import right_direction
from mapscope.viewer.window import open_docks

MOST_CLICKS = 10
SOON = 120_000

SHAPE, VOXEL_SIZE, COUNT, FALSE = (40, 96, 96), 10.0, 24, 10
PARTS = ((0.0, 0.0, 0.0, 1.0), (35.0, 0.0, 10.0, 0.8), (0.0, -30.0, 20.0, 0.6))
"""Places z, y, x in Å of the blobs that a particle is made of, and how dense they are."""
WIDTH = 15.0
ICE = 60.0
"""Å around a pick that are taken for ice."""
THRESHOLD = 0.5


def density(grid: Any, particles: Particles) -> Any:
    """What the particles look like on places (..., 3) in Å."""
    found = np.zeros(grid.shape[:-1])
    assert particles.rotations is not None
    for place, turn in zip(particles.positions, particles.rotations, strict=True):
        for z, y, x, weight in PARTS:
            centre = place + turn @ np.array([z, y, x])
            found += weight * np.exp(-((grid - centre) ** 2).sum(axis=-1) / (2 * WIDTH**2))
    return found


def truth() -> Particles:
    """Where particles are: apart from each other, the last one high up and in the middle."""
    random = np.random.default_rng(3)
    places = [np.array([300.0, 480.0, 480.0])]
    while len(places) < COUNT:
        place = random.uniform((80, 80, 80), (310, 870, 870))
        is_apart = min(np.linalg.norm(place - other) for other in places) > 130
        is_beside = np.linalg.norm((place - places[0])[1:]) > 130
        if is_apart and is_beside:
            places.append(place)
    positions = np.array(places[::-1])
    rotations = Rotation.random(COUNT, random_state=1).as_matrix()
    return Particles(positions, rotations, score=random.uniform(0.6, 0.9, COUNT))


def picked() -> Particles:
    """What a picker found of it: all but the last, and as many again that are nothing."""
    random = np.random.default_rng(5)
    real = truth()
    assert real.rotations is not None
    assert real.score is not None
    low = random.uniform((80, 80, 80), (310, 870, 870), (FALSE, 3))
    return Particles(
        np.concatenate([real.positions[:-1], low]),
        np.concatenate([real.rotations[:-1], Rotation.random(FALSE, random_state=2).as_matrix()]),
        score=np.concatenate([real.score[:-1], random.uniform(0.1, 0.4, FALSE)]),
    )


@pytest.fixture
def dropped(tmp_path: Path) -> list[str]:
    """The tomogram and the list, in a folder of the user's."""
    axes = [VOXEL_SIZE * np.arange(n) for n in SHAPE]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    data = density(grid, truth())
    data += 0.15 * np.random.default_rng(0).standard_normal(SHAPE)
    tomogram = Volume(data.astype(np.float32), VOXEL_SIZE)
    particles = in_tomogram(picked(), tomogram.grid, "TS_01")
    paths = [write(tmp_path / "TS_01.mrc", tomogram), write(tmp_path / "TS_01.star", particles)]
    return [str(path) for path in paths]


def drag(hand: Hand, widget: QWidget, points: list[QPoint], modifier: Any) -> None:
    """Press, move and let go, which counts as one click."""
    left = Qt.MouseButton.LeftButton
    assert not widget.visibleRegion().isEmpty()
    hand.clicks += 1
    QTest.mousePress(widget, left, modifier, points[0])
    for point in points[1:]:
        at, everywhere = QPointF(point), QPointF(widget.mapToGlobal(point))
        move = QMouseEvent(QEvent.Type.MouseMove, at, everywhere, left, left, modifier)
        QApplication.sendEvent(widget, move)
        QTest.qWait(30)  # napari passes over moves that come faster
    QTest.mouseRelease(widget, left, modifier, points[-1])


def drag_threshold(hand: Hand, histogram: Any, score: float) -> None:
    """Take the line in the histogram to a score."""
    port = histogram.viewport()

    def at(value: float) -> QPoint:
        middle = sum(histogram.viewRange()[1]) / 2
        place = histogram.plotItem.vb.mapViewToScene(QPointF(value, middle))
        return histogram.mapFromScene(place)

    start, end = at(float(histogram.line.value())), at(score)
    steps = [QPoint(start.x() + n * (end.x() - start.x()) // 8, start.y()) for n in range(9)]
    drag(hand, port, [*steps, QPoint(end.x(), start.y())], Qt.KeyboardModifier.NoModifier)


def press(hand: Hand, widget: QWidget, key: Any, modifier: Any = None) -> None:
    """Press a key."""
    hand.clicks += 1
    QTest.keyClick(widget, key, modifier or Qt.KeyboardModifier.NoModifier)


def seen_at(viewer: Any, canvas: QWidget, place: Any) -> QPoint:
    """Where the canvas shows a place in Å."""
    camera = viewer.scene.camera
    offset = np.asarray(place) - np.asarray(camera.center)
    if viewer.dims.ndisplay == 2:
        right, up = np.array([0.0, 0, 1]), np.array([0.0, -1, 0])
    else:
        right, up = right_direction(viewer), np.asarray(camera.up_direction)
    middle = canvas.rect().center()
    across, along = camera.zoom * float(offset @ right), camera.zoom * float(offset @ up)
    return QPoint(round(middle.x() + across), round(middle.y() - along))


@pytest.mark.slow
def test_journey_from_a_tomogram_and_a_star_leads_to_clean_picks_their_average_and_a_file(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    dropped: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAPSCOPE_EDITS", str(tmp_path / "edits"))
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    dock, canvas = docks["Picks"], viewer.window._qt_viewer.canvas.native
    qtbot.wait(200)
    hand = Hand()
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    viewer.dims.ndisplay = 2
    QApplication.setActiveWindow(dock.window())

    # The list is open in the dock, with its histogram and a gallery from the worst score on.
    qtbot.waitUntil(lambda: len(dock.gallery.order) > 0, timeout=SOON)
    assert not dock.visibleRegion().isEmpty()
    found = picked()
    np.testing.assert_allclose(dock.list.picks.positions, found.positions, atol=0.01)
    assert dock.volume() is not None

    # Drag the threshold: what falls is hidden, and counted.
    assert found.score is not None
    drag_threshold(hand, dock.histogram, THRESHOLD)
    threshold = dock.list.choice.threshold
    assert threshold == pytest.approx(THRESHOLD, abs=0.03)
    assert (dock.list.fate.kept, dock.list.fate.falling) == (COUNT - 1, FALSE)
    np.testing.assert_array_equal(dock.list.editor.layer.shown, found.score >= threshold)

    # Gallery sorted by score: A and R, one after the other.
    worst = np.argsort(found.score)[FALSE:].tolist()
    qtbot.waitUntil(lambda: dock.gallery.order.tolist() == worst, timeout=SOON)
    assert dock.list.current == worst[0]
    press(hand, canvas, Qt.Key.Key_A)
    press(hand, canvas, Qt.Key.Key_R)
    verdicts = dock.list.snapshot().columns[VERDICT]
    assert (verdicts[worst[0]], verdicts[worst[1]]) == (ACCEPTED, REJECTED)

    # Lasso away the ice, and undo.
    qtbot.wait(200)
    ice = found.positions[worst[2]]
    corners = ICE * np.array([(0, -1, -1), (0, -1, 1), (0, 1, 1), (0, 1, -1)])
    outline = [seen_at(viewer, canvas, ice + corner) for corner in corners]
    drag(hand, canvas, outline, Qt.KeyboardModifier.ShiftModifier)
    assert worst[2] in dock.list.editor.selected()
    press(hand, canvas, Qt.Key.Key_R)
    assert dock.list.snapshot().columns[VERDICT][worst[2]] == REJECTED
    press(hand, canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(dock.list.snapshot().columns[VERDICT], verdicts)

    # Add one in 3D.
    hand.click(viewer.window._qt_viewer.viewerButtons.ndisplayButton)
    assert viewer.dims.ndisplay == 3
    viewer.reset_view()
    qtbot.wait(300)
    missing = truth().positions[-1]
    hand.clicks += 1
    QTest.mouseClick(
        canvas,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        seen_at(viewer, canvas, missing),
    )
    qtbot.waitUntil(lambda: len(dock.list.picks) == COUNT - 1 + FALSE + 1, timeout=SOON)
    new = dock.list.snapshot()
    assert np.linalg.norm(new.positions[-1] - missing) < 4 * WIDTH
    assert new.score is not None
    assert np.isnan(new.score[-1])

    # Average the rest: the FSC is in the Plot dock.
    hand.click(dock.average_button)
    entry = dock.average_button.entry
    qtbot.waitUntil(lambda: entry.state != "running", timeout=SOON)
    assert entry.state == "done", entry.message
    average = entry.nouns["average"]
    middle = tuple(slice(n // 2 - 8, n // 2 + 9) for n in average.shape)
    seen = np.corrcoef(average.data[middle].ravel(), expected(average)[middle].ravel())[0, 1]
    assert seen > 0.8
    assert docks["Plot"].table is not None
    assert docks["Plot"].table.plot.reciprocal_x

    # Export to RELION 5, with the self-check shown.
    path = tmp_path / "clean.star"
    given = staticmethod(lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", given)
    hand.click(dock.export_button.button)
    assert hand.clicks <= MOST_CLICKS
    assert "read back with" in dock.message.text()
    clean = read(path)
    is_kept = found.score >= THRESHOLD
    is_kept[worst[1]] = False
    np.testing.assert_allclose(clean.positions[:-1], found.positions[is_kept], atol=0.01)
    np.testing.assert_allclose(clean.positions[-1], new.positions[-1], atol=0.01)


def expected(average: Volume) -> Any:
    """The particle in the box of an average, its centre in voxel n // 2."""
    axes = [VOXEL_SIZE * (np.arange(n) - n // 2) for n in average.shape]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return density(grid, Particles(np.zeros((1, 3)), np.eye(3)[None]))
