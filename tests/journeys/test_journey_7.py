"""Journey 7, "Make it interpretable": half maps enhanced, judged, corrected, reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QSlider, QWidget
from tests.hand import Hand
from tests.tiny_models import blob_map, write_enhancer

from mapscope import HalfMaps, Volume, write
from mapscope.jobs import blend
from mapscope.viewer.contouring.contours import contours_of
from mapscope.viewer.layers import role_of
from mapscope.viewer.preview import EDGE as PREVIEW_EDGE
from mapscope.viewer.preview import region_around
from mapscope.viewer.questions import QUESTIONS
from mapscope.viewer.window import open_docks
from mapscope.volume import Region

MOST_CLICKS = 9
SOON = 120_000
"""Milliseconds: the first model of a session imports torch."""

EDGE, VOXEL_SIZE, ORIGIN = 64, 1.0, (10.0, -20.0, 30.0)
QUESTION = next(q for group in QUESTIONS.values() for q in group if q.job == "enhance")
TABLE = ((0.2, 0.9), (0.6, 0.5), (1.0, 0.1))


def halves() -> HalfMaps:
    """Half maps of a heap of atoms at 4 Å, in noise."""
    truth = blob_map(4.0, 7, EDGE, VOXEL_SIZE)
    random = np.random.default_rng(0)
    noise = 0.5 * truth.std() * random.standard_normal((2, *truth.shape))
    first, second = ((truth + n).astype(np.float32) for n in noise)
    return HalfMaps(Volume(first, VOXEL_SIZE, ORIGIN), Volume(second, VOXEL_SIZE, ORIGIN))


@pytest.fixture
def dropped(tmp_path: Path) -> list[str]:
    """The half maps in a folder of the user's."""
    made = halves()
    paths = (tmp_path / f"heap_half_{n}.mrc" for n in (1, 2))
    nouns = (made.first, made.second)
    return [str(write(path, half)) for path, half in zip(paths, nouns, strict=True)]


@pytest.fixture
def tiny_enhancer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose answers are known, in the place of the one that comes with Mapscope."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MAPSCOPE_MODELS", str(folder))
    write_enhancer(folder / "enhancer.safetensors", lift=0.5, confidence=TABLE)


def stroke(hand: Hand, viewer: Any) -> None:
    """Paint a short stroke in the middle of the canvas, as one click and drag."""
    canvas: QWidget = viewer.window._qt_viewer.canvas.native
    middle = canvas.rect().center()
    hand.clicks += 1
    left = Qt.MouseButton.LeftButton
    QTest.mousePress(canvas, left, pos=middle)
    for step in range(1, 5):
        QTest.mouseMove(canvas, middle + QPoint(3 * step, 0), 10)
    QTest.mouseRelease(canvas, left, pos=middle + QPoint(12, 0))


def walk(
    viewer: Any, qtbot: Any, dropped: list[str], report: Path, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """The whole journey; gives the form and asserts on the way."""
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    jobs = docks["Jobs"]
    qtbot.wait(200)
    hand = Hand()
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    viewer.dims.ndisplay = 2
    qtbot.wait(100)

    # Enhance: three previews of a box come by themselves; choose one; Run.
    hand.click(jobs.start.buttons[QUESTION])
    form = jobs.form
    assert form.job.name == "enhance"
    qtbot.waitUntil(lambda: form.pictures.has_pictures, timeout=SOON)
    qtbot.wait(100)
    assert list(form.pictures.pictures) == ["gentle", "medium", "strong"]
    hand.click(form.pictures.pictures["strong"])
    assert form.settings["strength"].value == "strong"
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.state != "running", timeout=SOON)
    assert form.entry.state == "done", form.entry.message
    nouns, steps = form.entry.nouns, form.next_steps
    shown = viewer.layers.selection.active
    assert shown.name == "heap · enhanced (strong)"
    assert [la.name for la in viewer.layers if la.visible] == [shown.name]
    np.testing.assert_array_equal(nouns["enhanced"].data, nouns["prior"].data)

    # Slider data ⇄ prior, live on a region.
    slider = steps.follow.setting.editor.native.findChild(QSlider)
    qtbot.wait(100)
    with qtbot.waitSignal(steps.follow.preview.updated, timeout=SOON):
        hand.click(slider, QPoint(slider.width() // 4, slider.height() // 2))
    share = steps.follow.setting.value
    assert share == pytest.approx(0.9), "it began at the strength that was run"
    np.testing.assert_allclose(
        steps.follow.preview.layer.data, blended(form, viewer, share).data, atol=1e-5
    )

    # The surface coloured by confidence.
    hand.click(steps.color_button)
    qtbot.waitUntil(lambda: viewer.dims.ndisplay == 3, timeout=SOON)
    (surface,) = contours_of(viewer).surfaces
    assert surface.map is shown
    assert (surface.coloring.caption, surface.coloring.limits) == ("confidence", (0.0, 1.0))
    assert surface.made is not None
    assert surface.made.mesh.values is not None
    assert np.ptp(surface.made.mesh.values) > 0.05

    # Paint over the ligand: it stays as the data show it.
    hand.click(steps.protect_button)
    assert viewer.dims.ndisplay == 2
    qtbot.wait(200)
    with qtbot.waitSignal(steps.follow.preview.updated, timeout=SOON):
        stroke(hand, viewer)
    protected = next(la for la in viewer.layers if role_of(la) == "protected")
    marked = np.asarray(protected.data) > 0
    assert marked.sum() > 50
    region = preview_region(form, viewer)
    inside = marked[region.slices]
    data, seen = nouns["data"].data[region.slices], steps.follow.preview.layer.data
    np.testing.assert_allclose(seen[inside], data[inside], atol=1e-5)
    assert not np.allclose(seen, data, atol=1e-5)

    # Before and after with a wipe.
    hand.click(steps.wipe_button)
    comparison = docks["View"].compare_form.comparison
    assert comparison.mode == "wipe"
    assert (comparison.first.name, comparison.second) == ("heap · data", shown)

    # The report.
    given = staticmethod(lambda *_, **__: (str(report), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", given)
    hand.click(form.report_button)
    assert hand.clicks <= MOST_CLICKS
    page = report.read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "<svg" in page
    assert "prior" in page
    docks["View"].compare_form.end()
    return form


def preview_region(form: Any, viewer: Any) -> Region:
    """The box that the slider shows."""
    return region_around(form.entry.nouns["data"].grid, viewer.dims.point, PREVIEW_EDGE)


def blended(form: Any, viewer: Any, share: float) -> Volume:
    """What the slider should show."""
    nouns = form.entry.nouns
    region, pair = preview_region(form, viewer), form.values()["half_maps"]
    result = blend(nouns["data"], nouns["prior"], pair, prior_share=share, region=region)
    return result.blended


@pytest.mark.usefixtures("tiny_enhancer")
def test_journey_with_a_model_whose_answers_are_known_leads_from_half_maps_to_a_report(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    dropped: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = make_napari_viewer(show=True)
    form = walk(viewer, qtbot, dropped, tmp_path / "report.html", monkeypatch)
    first = halves().first
    for name in ("enhanced", "data", "prior", "confidence"):
        assert form.entry.nouns[name].grid.matches(first.grid)


@pytest.mark.slow
def test_journey_with_the_model_that_comes_with_mapscope_sharpens_a_real_looking_map(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    dropped: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = make_napari_viewer(show=True)
    form = walk(viewer, qtbot, dropped, tmp_path / "report.html", monkeypatch)
    truth = blob_map(4.0, 7, EDGE, VOXEL_SIZE)
    nouns = form.entry.nouns
    raw = (halves().first.data + halves().second.data) / 2
    found = [np.corrcoef(m.ravel(), truth.ravel())[0, 1] for m in (raw, nouns["prior"].data)]
    assert found[1] > found[0]
