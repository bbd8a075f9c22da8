"""Journey 6, "How good is it at a glance?": a dropped map, its class, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.hand import Hand
from tests.tiny_models import blob_map, resolution_model_file

from mapscope import Volume, read, write
from mapscope.density.fourier import low_pass
from mapscope.inference.resolution_class import BUNDLED, range_text
from mapscope.viewer.questions import QUESTIONS
from mapscope.viewer.window import open_docks

MOST_CLICKS = 2
SOON = 60_000
"""Milliseconds: the first model of a session imports torch."""

RESOLUTION = 7.5


def headline_after_two_clicks(viewer: Any, qtbot: Any, path: Path) -> str:
    """What the Plot dock says in large type of a map that was dropped."""
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    jobs, plot = docks["Jobs"], docks["Plot"]
    qtbot.wait(200)
    viewer.window._qt_viewer._qt_open([str(path)], stack=False)
    viewer.dims.ndisplay = 2
    qtbot.wait(100)
    hand = Hand()
    asked = next(q for group in QUESTIONS.values() for q in group if q.job == "classify_resolution")
    hand.click(jobs.start.buttons[asked])
    qtbot.wait(100)
    form = jobs.form
    assert form.chosen_layers() == [viewer.layers[0]]
    assert form.settings["model"].value == BUNDLED
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.run.is_over, timeout=SOON)
    assert form.entry.state == "done", form.entry.message
    assert hand.clicks <= MOST_CLICKS
    qtbot.waitUntil(lambda: not plot.visibleRegion().isEmpty())
    assert plot.headline.text()[1:] in form.message.text()  # which begins with a capital letter
    assert len(plot.table) == 4
    text: str = plot.headline.text()
    return text


def cut_at_a_level(volume: Volume) -> Volume:
    data = volume.float32()
    return volume.with_data(np.where(data > 0.3 * data.max(), data, 0))


@pytest.mark.parametrize(
    ("change", "begin"),
    [
        (lambda volume: volume, f"medium ({range_text('medium')}), "),
        (cut_at_a_level, "outside what I know: it is masked tightly"),
    ],
)
def test_journey_with_a_model_that_was_trained_here_says_the_class_or_why_there_is_none(
    change: Callable[[Volume], Volume],
    begin: str,
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAPSCOPE_MODELS", str(resolution_model_file().parent))
    volume = Volume(blob_map(RESOLUTION, 100, 40, 1.5), (1.5,) * 3)
    path = write(tmp_path / "from_a_colleague.mrc", change(volume))
    viewer = make_napari_viewer(show=True)
    assert headline_after_two_clicks(viewer, qtbot, path).startswith(begin)


def test_journey_when_a_map_is_dropped_leads_to_the_class_of_its_resolution(
    make_napari_viewer: Callable[..., Any], qtbot: Any, sample_folder: Path, tmp_path: Path
) -> None:
    sample = read(sample_folder / "four_helix_bundle.mrc.gz")
    assert isinstance(sample, Volume)
    path = write(tmp_path / "from_a_colleague.mrc", low_pass(sample, RESOLUTION))
    viewer = make_napari_viewer(show=True)
    found = headline_after_two_clicks(viewer, qtbot, path)
    assert found.startswith(f"medium ({range_text('medium')}), ")
    assert found.endswith(" %")
