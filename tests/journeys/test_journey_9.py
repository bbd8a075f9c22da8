"""Journey 9, "Find my particles": a tomogram and a PDB file lead to picks, average and a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import numpy.typing as npt
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation
from tests.hand import Hand

from mapscope import Volume, read, write
from mapscope.particles import Particles
from mapscope.viewer.layers import noun_from_layer, role_of
from mapscope.viewer.roles import FIT, TEMPLATE
from mapscope.viewer.window import open_docks

MOST_CLICKS = 7
SOON = 300_000

SHAPE, VOXEL_SIZE, COUNT = (56, 96, 96), 10.0, 16
BALLS = ((0, 0, 60), (0, 52, 30), (0, 52, -30), (0, 0, -60), (35, -45, -35), (60, -20, 0))
"""Places z, y, x in Å of what the particle is made of: no way round looks like another."""
ATOMS, WIDTH = 150, 9.0
"""Of each ball: carbons, and their spread in Å."""
MARGIN, APART = 120.0, 190.0
NOISE = 3.0
"""Standard deviation, in that of the density inside particles."""
SHARE = 0.65
"""Of the highest score, where the threshold goes: between particles and half-right matches."""
NEAR = 20.0
"""Å from a particle that a pick on it lies at most."""


def atoms() -> npt.NDArray[np.float64]:
    """Places of the carbons in Å, x, y, z as in a file, far from the origin."""
    random = np.random.default_rng(1)
    centres = np.repeat(np.array(BALLS, float), ATOMS, axis=0)
    places = (centres + random.normal(0, WIDTH, centres.shape))[:, ::-1] + (100, 120, 140)
    return np.asarray(places.round(3))


def model() -> gemmi.Structure:
    """The particle as a model: each carbon a residue of its own."""
    chain = gemmi.Chain("A")
    for number, place in enumerate(atoms(), start=1):
        residue, atom = gemmi.Residue(), gemmi.Atom()
        residue.name, residue.seqid = "ALA", gemmi.SeqId(str(number))
        atom.name, atom.element, atom.b_iso = "CA", gemmi.Element("C"), 30.0
        atom.pos = gemmi.Position(*place.tolist())
        residue.add_atom(atom)
        chain.add_residue(residue)
    found = gemmi.Structure()
    found.add_model(gemmi.Model(1))
    found[0].add_chain(chain)
    found.setup_entities()
    return found


def truth() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Where particles are (n, 3) and which way round (n, 3, 3), z, y, x."""
    random = np.random.default_rng(3)
    upper = np.array(SHAPE) * VOXEL_SIZE - MARGIN
    places: list[npt.NDArray[np.float64]] = []
    while len(places) < COUNT:
        place = random.uniform(MARGIN, upper)
        if all(np.linalg.norm(place - other) > APART for other in places):
            places.append(place)
    return np.array(places), Rotation.random(COUNT, random_state=1).as_matrix()


def tomogram() -> Volume:
    """Particles in noise."""
    zyx = atoms()[:, ::-1]
    around = zyx - zyx.mean(axis=0)
    positions, rotations = truth()
    everywhere = (around @ rotations.transpose(0, 2, 1) + positions[:, None]).reshape(-1, 3)
    edges = [VOXEL_SIZE * (np.arange(n + 1) - 0.5) for n in SHAPE]
    data = gaussian_filter(np.histogramdd(everywhere, edges)[0], 0.8)
    data /= data[data > 0.2 * data.max()].std()
    data += NOISE * np.random.default_rng(0).standard_normal(SHAPE)
    return Volume(data.astype(np.float32), (VOXEL_SIZE,) * 3)


@pytest.fixture
def dropped(tmp_path: Path) -> list[str]:
    """The tomogram and the model, in a folder of the user's."""
    model().write_pdb(str(tmp_path / "ring.pdb"))
    return [str(write(tmp_path / "TS_01.mrc", tomogram())), str(tmp_path / "ring.pdb")]


def found_of(positions: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Å from each particle to the nearest of some places."""
    offsets = truth()[0][:, None] - np.asarray(positions, float).reshape(-1, 3)
    return np.asarray(np.linalg.norm(offsets, axis=-1).min(axis=1, initial=np.inf))


def drag_threshold(hand: Hand, histogram: Any, score: float) -> None:
    """Take the line in the histogram to a score, which counts as one click."""
    port, left = histogram.viewport(), Qt.MouseButton.LeftButton

    def at(value: float) -> QPoint:
        middle = sum(histogram.viewRange()[1]) / 2
        return histogram.mapFromScene(histogram.plotItem.vb.mapViewToScene(QPointF(value, middle)))

    start, end = at(float(histogram.line.value())), at(score)
    assert not port.visibleRegion().isEmpty()
    hand.clicks += 1
    QTest.mousePress(port, left, Qt.KeyboardModifier.NoModifier, start)
    for n in range(1, 10):
        point = QPoint(start.x() + n * (end.x() - start.x()) // 9, start.y())
        place, everywhere = QPointF(point), QPointF(port.mapToGlobal(point))
        none = Qt.KeyboardModifier.NoModifier
        move = QMouseEvent(QEvent.Type.MouseMove, place, everywhere, left, left, none)
        QApplication.sendEvent(port, move)
        QTest.qWait(30)
    QTest.mouseRelease(port, left, Qt.KeyboardModifier.NoModifier, QPoint(end.x(), start.y()))


@pytest.mark.slow
def test_journey_from_a_tomogram_and_a_model_leads_to_picks_their_average_and_a_file(
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
    qtbot.wait(200)
    hand = Hand()
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    QApplication.setActiveWindow(docks["Jobs"].window())

    # Template matching is offered first; the template is made of the model by one click.
    hand.click(docks["Jobs"].suggestion_buttons()[0])
    form = docks["Jobs"].form
    assert form.job.name == "match_template"
    (maker,) = form.makers
    hand.click(maker)
    qtbot.waitUntil(lambda: maker.entry.state != "running", timeout=SOON)
    assert maker.entry.state == "done", maker.entry.message
    chosen = {c.parameter.name: c.layers for c in form.inputs}
    assert [role_of(layer) for layer in chosen["template"]] == [TEMPLATE]
    assert [layer.name for layer in chosen["volume"]] == ["TS_01"]

    # What it finds in a slab where one looks is there without a further click.
    qtbot.waitUntil(lambda: form.preview.layer is not None, timeout=SOON)
    assert (found_of(form.preview.layer.data) < 2 * NEAR).sum() > COUNT // 2

    # Then everywhere: the histogram has the control beside the template.
    with qtbot.waitSignal(form.ended, timeout=SOON):
        hand.click(form.run_button)
    entry = form.entry
    assert entry.state == "done", entry.message
    table = docks["Plot"].table
    assert table.plot.y == ("template", "control")
    picks = noun_from_layer(viewer.layers["TS_01 · picks"])
    assert isinstance(picks, Particles)
    assert picks.score is not None
    assert (found_of(picks.positions) < NEAR).mean() > 0.85
    assert table["control"].sum() > 0
    threshold = SHARE * float(picks.score.max())
    highest_of_control = float(table["score"][np.flatnonzero(table["control"])[-1]])
    assert highest_of_control < threshold
    scores = next(la for la in viewer.layers if role_of(la) == FIT)
    assert not scores.visible
    assert viewer.layers["TS_01"].visible

    # The Picks dock is about them: drag the threshold far above what chance gives.
    hand.click_tab(docks["Picks"].window(), "Picks")
    dock = docks["Picks"]
    qtbot.waitUntil(lambda: len(dock.list.picks) == len(picks), timeout=SOON)
    assert dock.volume() is viewer.layers["TS_01"].metadata["mapscope"].noun
    drag_threshold(hand, dock.histogram, threshold)
    kept = np.asarray(picks.score) >= dock.list.choice.threshold
    assert dock.list.fate.kept == kept.sum()
    assert (found_of(picks.positions[kept]) < NEAR).mean() > 0.8
    offsets = truth()[0][:, None] - picks.positions[kept]
    assert (np.linalg.norm(offsets, axis=-1).min(axis=0) < NEAR).mean() > 0.9

    # Journey 8 goes on from here: their average, whose FSC is in the Plot dock, and a file.
    hand.click(dock.average_button)
    average = dock.average_button.entry
    qtbot.waitUntil(lambda: average.state != "running", timeout=SOON)
    assert average.state == "done", average.message
    assert docks["Plot"].table.plot.reciprocal_x
    path = tmp_path / "found.star"
    monkeypatch.setattr(
        QFileDialog, "getSaveFileName", staticmethod(lambda *_, **__: (str(path), ""))
    )
    hand.click(dock.export_button.button)
    assert "read back with" in dock.message.text()
    np.testing.assert_allclose(read(path).positions, picks.positions[kept], atol=0.01)
    assert hand.clicks <= MOST_CLICKS
