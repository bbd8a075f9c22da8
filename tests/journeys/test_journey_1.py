"""Journey 1, "Is my map any good?", from two dropped half maps to a saved sharpened map."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gemmi
import numpy as np
import pytest
from napari.utils.interactions import mouse_wheel_callbacks
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QPushButton, QSlider, QWidget

from mapscope import read, record_of
from mapscope.viewer.layers import tag_of
from mapscope.viewer.window import open_docks

MOST_CLICKS = 8


class Hand:
    """Clicks with a real mouse on widgets that are in sight, and counts."""

    def __init__(self) -> None:
        self.clicks = 0

    def click(self, widget: QWidget, at: QPoint | None = None) -> None:
        assert not widget.visibleRegion().isEmpty(), f"{widget} cannot be seen"
        assert widget.isEnabled(), f"{widget} cannot be clicked"
        self.clicks += 1
        place = at if at is not None else widget.rect().center()
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place)

    def turn_wheel_with_shift(self, viewer: Any, notches: int) -> None:
        self.clicks += 1
        event = SimpleNamespace(
            modifiers=("Shift",), delta=(0, notches), handled=False, type="mouse_wheel"
        )
        mouse_wheel_callbacks(viewer, event)


@pytest.fixture
def dropped(sample_folder: Path, tmp_path: Path) -> list[str]:
    """Two half maps in a folder of the user's."""
    names = ["four_helix_bundle_half_1.mrc.gz", "four_helix_bundle_half_2.mrc.gz"]
    return [str(shutil.copy(sample_folder / name, str(tmp_path / name))) for name in names]


def _suggestion(dock: Any, title: str) -> QPushButton:
    return next(b for b in dock.suggestion_buttons() if b.text() == title)


def test_journey_when_half_maps_are_dropped_leads_to_a_saved_sharpened_map(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    dropped: list[str],
    tmp_path: Path,
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    jobs, plot = docks["Jobs"], docks["Plot"]
    qtbot.wait(200)
    hand = Hand()

    # Drop: what napari's window does with dropped files, without asking for a reader.
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    assert [layer.visible for layer in viewer.layers] == [True, False]
    assert viewer.layers.units is not None

    # Shell correlation is offered first; Run; the Plot dock shows curve, line and resolution.
    assert jobs.suggestion_buttons()[0].text() == "Shell correlation"
    hand.click(_suggestion(jobs, "Shell correlation"))
    qtbot.wait(100)
    hand.click(jobs.form.run_button)
    qtbot.waitUntil(lambda: jobs.form.entry is not None and jobs.form.entry.run.is_over)
    assert jobs.form.entry.state == "done"
    qtbot.waitUntil(lambda: not plot.visibleRegion().isEmpty())
    assert plot.headline.text() == "3.43 Å at FSC 0.143"
    assert 0.143 in plot.table.plot.levels.values()
    assert plot.headline.font().pointSizeF() > 1.5 * jobs.search.font().pointSizeF()

    # Sharpen by B-factor: Run with the fitted B.
    hand.click(_suggestion(jobs, "Sharpen by B-factor"))
    qtbot.wait(100)
    form = jobs.form
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.run.is_over)
    assert form.entry.state == "done"
    fitted = form.entry.scalars["b_factor"]
    sharpened = viewer.layers.selection.active
    assert sharpened.name == f"four_helix_bundle · sharpened (B −{abs(fitted):.0f})"
    assert [la.visible for la in viewer.layers if la is not sharpened] == [False, False]

    # The slider for B updates a region as it moves.
    slider = form.settings["b_factor"].editor.native.findChild(QSlider)
    assert slider is not None
    slider.setFocus()
    hand.clicks += 1
    slider.setValue(slider.value() - 40 * slider.singleStep())
    qtbot.waitUntil(lambda: form.preview.layer is not None, timeout=5000)
    first_preview = np.array(form.preview.layer.data)
    with qtbot.waitSignal(form.preview.updated, timeout=5000):
        slider.setValue(slider.value() - 40 * slider.singleStep())
    assert not np.allclose(form.preview.layer.data, first_preview)
    assert [la.name for la in viewer.layers].count("preview") == 1

    # Run with that B: the preview goes, the result stays.
    chosen = form.settings["b_factor"].value
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry.run.is_over, timeout=20_000)
    assert form.entry.scalars["b_factor"] == pytest.approx(chosen)
    assert "preview" not in [la.name for la in viewer.layers]
    result = viewer.layers.selection.active

    canvas = viewer.screenshot(canvas_only=True, flash=False)
    assert (canvas[..., :3].max(axis=-1) > 30).mean() > 0.01

    # Contour with the mouse wheel, in 3D (and back: software takes seconds to draw that).
    viewer.dims.ndisplay = 3
    level = result.iso_threshold
    hand.turn_wheel_with_shift(viewer, 2)
    assert result.iso_threshold > level
    viewer.dims.ndisplay = 2

    # Save.
    target = tmp_path / "sharpened.mrc"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    hand.click(form.save_button)
    assert hand.clicks <= MOST_CLICKS

    _assert_in_place(target, Path(dropped[0]))
    assert np.array_equal(read(target).data, result.data)
    tag = tag_of(result)
    assert tag is not None
    assert record_of(tag.noun) is not None
    assert target.with_name("sharpened.mrc.record.json").exists()


def _assert_in_place(written: Path, source: Path) -> None:
    """Both files give the same grid, start, origin and cell to gemmi."""
    ours, theirs = (gemmi.read_ccp4_map(str(p), setup=False) for p in (written, source))
    for word in (1, 2, 3, 5, 6, 7, 8, 9, 10, 17, 18, 19):
        assert ours.header_i32(word) == theirs.header_i32(word)
    for word in (11, 12, 13, 14, 15, 16, 50, 51, 52):
        assert ours.header_float(word) == theirs.header_float(word)
