"""The start panel: every question opens what answers it, or says what has to be opened first."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QDockWidget
from tests.tiny_models import resolution_model_file

from mapscope import preferences
from mapscope.inference import model_list
from mapscope.jobs import all_jobs
from mapscope.particles import Particles
from mapscope.viewer.docks.jobs import JobsDock
from mapscope.viewer.questions import QUESTIONS, Question
from mapscope.viewer.window import PLUGIN

pytestmark = pytest.mark.slow  # each opens a window with all docks

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

ALL = [question for questions in QUESTIONS.values() for question in questions]


@pytest.fixture(autouse=True)
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a model for every question that needs one."""
    monkeypatch.setenv("MAPSCOPE_MODELS", str(resolution_model_file().parent))


def frame_of(widget: Any) -> QDockWidget:
    while not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def is_on_top(dock: Any) -> bool:
    """Whether a dock lies before those that share its place."""
    return not dock.visibleRegion().isEmpty()


@pytest.mark.parametrize("question", ALL, ids=lambda q: q.words)
def test_question_is_answered_by_something_that_is_there(question: Question) -> None:
    assert question.is_there
    assert bool(question.job) != bool(question.dock)
    assert question.tip.endswith(".")
    assert question.answer


def test_question_that_needs_a_model_is_not_asked_without_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path))
    monkeypatch.setattr(model_list, "bundled_folder", lambda: tmp_path)
    assert [q.job for q in ALL if not q.is_there] == ["classify_resolution", "enhance"]


def test_questions_name_everything_once() -> None:
    assert len({question.words for question in ALL}) == len(ALL)
    assert {q.dock for q in ALL if q.dock} >= {"Info", "Contour", "Structure", "View", "Edit"}


@pytest.mark.slow
def test_every_question_when_clicked_then_what_answers_it_is_shown(shown_desk: Desk) -> None:
    desk = shown_desk
    desk.viewer.open_sample(PLUGIN, "four_helix_bundle")
    for name in ("picks", "truth"):
        desk.add(Particles(np.zeros((3, 3))), name)
    jobs = desk.docks["Jobs"]
    assert list(jobs.start.buttons) == [question for question in ALL if question.is_there]
    for question, button in jobs.start.buttons.items():
        frame_of(jobs).raise_()
        if not jobs.start_button.isChecked():
            jobs.start_button.click()
        assert jobs.pages.currentWidget() is jobs.start
        assert button.isEnabled(), f"{question.words}: {button.toolTip()}"
        button.click()
        if question.job:
            assert jobs.form.job.name == question.job
            assert jobs.pages.currentWidget() is jobs.form
            assert not jobs.start_button.isChecked()
        else:
            dock = desk.docks[question.dock]
            desk.qtbot.waitUntil(partial(is_on_top, dock), timeout=2000)


def test_questions_when_nothing_is_open_then_they_are_grey_and_say_why(desk: Desk) -> None:
    panel = desk.docks["Jobs"].start
    reasons = {q.words: b.toolTip() for q, b in panel.buttons.items() if not b.isEnabled()}
    enabled = [q.dock or q.job for q, b in panel.buttons.items() if b.isEnabled()]
    assert enabled == ["simulate_tomogram", "Edit", "Train"]
    assert reasons["What is this file? Is it sound?"].startswith("Open a file first")
    assert reasons["Is my map any good?"] == "Open both half maps first."
    assert reasons["Sharpen my map"] == "Open a map first."
    assert reasons["Show a structure in density"].startswith("Open a structure")
    assert not panel.first_step.isHidden()


def test_questions_when_layers_come_and_go_then_they_follow(desk: Desk) -> None:
    panel = desk.docks["Jobs"].start
    of = {q.words: b for q, b in panel.buttons.items()}
    layer = desk.viewer.add_image(np.zeros((8, 8, 8), np.float32), name="without units")
    assert of["Sharpen my map"].isEnabled(), "a form asks for the voxel size"
    assert of["Compare two maps"].toolTip() == "Open a second map first."
    assert of["Put a map on another's grid"].toolTip() == "Open a second map first."
    assert not of["Is my map any good?"].isEnabled()
    assert panel.first_step.isHidden()
    other = desk.viewer.add_image(np.zeros((9, 9, 9), np.float32))
    assert of["Compare two maps"].isEnabled()
    desk.viewer.layers.remove(other)
    assert not of["Compare two maps"].isEnabled()
    desk.viewer.layers.remove(layer)
    assert not of["Sharpen my map"].isEnabled()
    desk.viewer.add_points(np.zeros((3, 3)))
    assert of["Sharpen my map"].toolTip() == "Open a map first."
    desk.add(Particles(np.zeros((3, 3))), "picks")
    judged = of["How many did I find of what is there?"]
    assert judged.toolTip() == "Open a second list first: of where the particles truly are."
    desk.add(Particles(np.ones((3, 3))), "truth")
    assert judged.isEnabled()
    assert of["What is this file? Is it sound?"].isEnabled()


def test_sample_when_its_button_is_clicked_then_it_is_open(desk: Desk) -> None:
    panel = desk.docks["Jobs"].start
    panel.sample_button.click()
    assert len(desk.viewer.layers) > 2
    grey = {question.words for question, button in panel.buttons.items() if not button.isEnabled()}
    assert grey == {  # the sample has no picks
        "Clean my picks",
        "Are my picks any good?",
        "How many did I find of what is there?",
    }


def test_panel_is_shown_at_the_first_start_and_not_once_the_tick_is_gone(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    first = JobsDock(viewer)
    assert first.pages.currentWidget() is first.start
    assert first.start_button.isChecked()
    first.start.again_box.click()
    assert preferences.flag("start_panel") is False
    second = JobsDock(viewer)
    assert second.pages.currentWidget() is second.tree
    assert second.all_button.isChecked()
    assert not second.start.again_box.isChecked()
    second.start_button.click()
    assert second.pages.currentWidget() is second.start
    second.start.again_box.click()
    assert preferences.flag("start_panel") is True


def test_tick_when_a_variable_decides_then_it_is_grey_and_says_so(
    make_napari_viewer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_START_PANEL", "0")
    dock = JobsDock(make_napari_viewer())
    assert dock.pages.currentWidget() is dock.tree
    assert not dock.start.again_box.isEnabled()
    assert "MAPSCOPE_START_PANEL" in dock.start.again_box.toolTip()


def test_pages_when_buttons_are_clicked_then_one_is_pressed_and_its_page_is_shown(
    desk: Desk,
) -> None:
    dock = desk.docks["Jobs"]

    def state() -> tuple[Any, bool, bool]:
        return (
            dock.pages.currentWidget(),
            dock.start_button.isChecked(),
            dock.all_button.isChecked(),
        )

    assert state() == (dock.start, True, False)
    dock.start_button.click()
    assert state() == (dock.tree, False, True), "there is no form yet"
    dock.all_button.click()
    assert state() == (dock.tree, False, True)
    form = dock.open("flip_hand")
    assert state() == (form, False, False)
    dock.start_button.click()
    assert state() == (dock.start, True, False)
    dock.start_button.click()
    assert state() == (form, False, False)
    dock.search.setText("mask")
    assert state() == (dock.tree, False, True)
    dock.start_button.click()
    dock.all_button.click()
    assert state() == (dock.tree, False, True)


def test_dock_when_it_is_gone_then_new_layers_do_not_reach_it(
    make_napari_viewer: Callable[..., Any],
) -> None:
    viewer = make_napari_viewer()
    dock = JobsDock(viewer)
    dock.deleteLater()
    QApplication.sendPostedEvents(dock, QEvent.Type.DeferredDelete)
    gc.collect()
    viewer.add_image(np.zeros((4, 4, 4), np.float32))
    viewer.layers.clear()


def test_estimate_when_more_is_needed_than_allowed_then_the_form_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAPSCOPE_MEMORY_GB", "0.0001")
    desk.viewer.open_sample(PLUGIN, "four_helix_bundle")
    form = desk.form("flip_hand")
    assert "the preferences allow 0.0001 GB" in form.estimate.text()
    entry = desk.run(form)
    assert entry.state == "failed"
    assert "the preferences allow" in form.message.text()
    assert all_jobs()["flip_hand"] is form.job
