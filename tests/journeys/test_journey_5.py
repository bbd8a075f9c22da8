"""Journey 5, "Does my model fit?", from a model that lies elsewhere to a saved report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog, QPushButton
from tests.hand import Hand

from mapscope import read, write
from mapscope.structure import Structure
from mapscope.viewer.questions import QUESTIONS
from mapscope.viewer.window import open_docks

MOST_CLICKS = 6
SOON = 120_000
"""Milliseconds: the first fit of a session imports torch."""

WHERE = next(q for q in QUESTIONS["Model and map"] if q.words == "Where does my model go?")


@pytest.fixture
def dropped(sample_folder: Path, tmp_path: Path) -> list[str]:
    """A map, and its model turned by 70° and 40 Å away."""
    density = shutil.copy(sample_folder / "four_helix_bundle.mrc.gz", tmp_path)
    moved = read(sample_folder / "four_helix_bundle.cif").model.clone()
    turn = np.radians(70)
    matrix = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    moved[0].transform_pos_and_adp(gemmi.Transform(gemmi.Mat33(matrix), gemmi.Vec3(40, -9, 12)))
    return [str(density), str(write(tmp_path / "elsewhere.cif", Structure.from_gemmi(moved)))]


def _suggestion(dock: Any, title: str) -> QPushButton:
    buttons: list[QPushButton] = dock.suggestion_buttons()
    assert buttons[0].text() == title, [button.text() for button in buttons]
    return buttons[0]


def _run(hand: Hand, form: Any, qtbot: Any) -> Any:
    """Press Run, wait until it is done, and give the run."""
    hand.click(form.run_button)
    qtbot.waitUntil(lambda: form.entry is not None and form.entry.state != "running", timeout=SOON)
    assert form.entry.state == "done", form.entry.message
    return form.entry


@pytest.mark.slow
def test_journey_when_a_model_lies_elsewhere_leads_to_its_worst_residues_and_a_report(
    make_napari_viewer: Callable[..., Any],
    qtbot: Any,
    dropped: list[str],
    sample_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1366, 768)
    docks = open_docks(viewer)
    jobs, plot, scene = docks["Jobs"], docks["Plot"], docks["Structure"].scene
    qtbot.wait(200)
    hand = Hand()
    viewer.window._qt_viewer._qt_open(dropped, stack=False)
    viewer.dims.ndisplay = 2  # software takes seconds to draw density in 3D

    # Fit structure puts it in, wherever it was.
    hand.click(jobs.start.buttons[WHERE])
    qtbot.wait(100)
    assert jobs.form.job.name == "fit_structure"
    assert jobs.form.settings["search"].value == "global"
    fitted = _run(hand, jobs.form, qtbot)
    assert fitted.scalars["is_true_fit"]
    assert "rue fit" in jobs.form.message.text()
    here = fitted.nouns["moved"]
    truth = read(sample_folder / "four_helix_bundle.cif")
    off = np.sqrt(((here.positions - truth.positions) ** 2).sum(axis=1).mean())
    assert off < 0.5

    # Score model in map: what was fitted is chosen, and then coloured by its Q-scores.
    qtbot.wait(100)
    hand.click(_suggestion(jobs, "Score model in map"))
    qtbot.wait(100)
    assert jobs.form.values()["structure"] is here
    scored = _run(hand, jobs.form, qtbot)
    figure = scene.figure(here)
    qtbot.waitUntil(lambda: figure.made is not None and figure.run.is_over, timeout=SOON)
    assert (figure.style, figure.look.by, figure.look.caption) == ("ribbons", "score", "Q-score")
    assert {f.look.by for f in scene.figures if f is not figure} == {"chain"}
    said = jobs.form.message.text()
    assert all(word in said for word in ("EMRinger", "CC_mask", "d_FSC"))
    assert scored.scalars["q_score"]["mean"] > 0.6

    # The worst residues stand first; a click goes there and shows density around χ1.
    qtbot.waitUntil(lambda: not plot.rows.visibleRegion().isEmpty())
    table = scored.nouns["residues"]
    worst = int(np.nanargmin(table["q_score"]))
    rows = plot.rows
    assert rows.rows.row_at(rows.rows.index(0, 0)) == worst
    hand.click(rows.viewport(), rows.visualRect(rows.rows.index(0, 0)).center())
    residue = figure.residues.label(int(figure.chosen[0]))
    chain, number, name = (table[key][worst] for key in ("chain", "number", "name"))
    assert residue == f"{name} {chain}/{number}"
    qtbot.waitUntil(lambda: residue in plot.headline.text(), timeout=SOON)
    assert set(plot.table.columns) == {"chi1", "density", "rotameric"}
    centre = here.positions[figure.mask].mean(axis=0)
    assert np.allclose(viewer.dims.point, centre, atol=1.0)

    # The report.
    path = tmp_path / "report.html"
    given = staticmethod(lambda *_, **__: (str(path), ""))
    monkeypatch.setattr(QFileDialog, "getSaveFileName", given)
    hand.click(plot.report_button)
    assert hand.clicks <= MOST_CLICKS
    page = path.read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "<svg" in page
    assert f"{scored.scalars['emringer']['score']:.2f}" in page
