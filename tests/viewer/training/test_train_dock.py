"""The Train dock begins, shows, stops and resumes trainings, and hands on their models."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from mapscope.errors import InputError
from mapscope.inference import list_models
from mapscope.jobs import all_jobs
from mapscope.preferences import trainings_folder
from mapscope.process import living_process, this_process
from mapscope.training import extra
from mapscope.viewer.docks.train import TrainDock
from mapscope.viewer.training import trainings
from mapscope.viewer.training.look import look
from mapscope.viewer.training.samples import EDGE, GAP, caption_of, picture_of
from mapscope.viewer.training.trainings import remove_leftovers
from mapscope.viewer.workspace import PROCESS, workspace_of

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

Trained = Callable[[str], Path]


@pytest.fixture
def dock(make_napari_viewer: Callable[..., Any], qtbot: Any) -> Any:
    """The dock alone in a viewer."""
    made = TrainDock(make_napari_viewer())
    qtbot.addWidget(made)
    yield made
    made.trainings.end()
    made.measuring.end()


def seen(dock: TrainDock, qtbot: Any) -> None:
    """Wait until the dock has looked."""
    with qtbot.waitSignal(dock.trainings.looked, timeout=20_000):
        dock.trainings.look()


def note(folder: Path, **facts: Any) -> None:
    """Write other facts of a training."""
    path = folder / "run.json"
    content = {k: v for k, v in json.loads(path.read_text()).items() if k != "ended"}
    path.write_text(json.dumps(content | facts))


def test_dock_when_woken_lists_recipes_with_what_they_are_for_and_a_free_name(
    dock: TrainDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trainings_folder() / "voxel_kind_1").mkdir(parents=True)
    monkeypatch.setattr(dock.measuring, "ask", lambda _: None)
    dock.wake()
    panel = dock.new_panel
    names = [panel.recipe_box.itemText(n) for n in range(panel.recipe_box.count())]
    recipes = all_jobs()["list_recipes"]().recipes
    assert names == [*recipes["recipe"].tolist(), "Other recipe…"]
    assert panel.recipe == "voxel_kind"
    assert "amino acid" in panel.about.text()
    assert (panel.name_edit.text(), panel.minutes) == ("voxel_kind_2", 20.0)
    numbers = {"parameters": 96267, "step_seconds": 0.5, "minutes": 20.0, "about": "What for."}
    dock.measuring.measured.emit("voxel_kind", numbers)
    assert panel.facts.text() == "Learns 96,267 numbers; about 0.5 s a step, 2,400 steps in 20 min."
    panel.minutes_box.setValue(2)
    assert "240 steps in 2 min" in panel.facts.text()
    panel.limit_box.setChecked(False)
    assert panel.minutes is None
    assert panel.facts.text() == "Learns 96,267 numbers; about 0.5 s a step."


def test_dock_when_packages_are_missing_says_what_to_install_and_starts_nothing(
    dock: TrainDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extra, "PACKAGES", ("lightning_that_is_not_there",))
    monkeypatch.setattr(dock.measuring, "ask", lambda _: None)
    dock.wake()
    assert "pip install 'napari-mapscope[train]'" in dock.missing.text().replace("&#x27;", "'")
    assert dock.missing.isVisibleTo(dock)
    assert not dock.new_panel.start_button.isEnabled()


def test_start_when_something_is_missing_says_what(dock: TrainDock, trained: Trained) -> None:
    trained("there_1")
    start = dock.new_panel.started.emit
    start("voxel_kind", "", "new_1", None)
    assert "choose a corpus" in dock.message.text()
    start("voxel_kind", "", "there_1", None)
    assert "choose another name" in dock.message.text()
    assert [p.name for p in trainings_folder().iterdir()] == ["there_1"]


def test_start_when_one_of_that_name_has_just_begun_leaves_its_folder_alone(
    dock: TrainDock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dock.trainings, "is_followed", lambda folder: folder.name == "new_1")
    dock.new_panel.started.emit("voxel_kind", __file__, "new_1", None)
    assert "choose another name" in dock.message.text()
    assert not trainings_folder().exists()


def test_dock_when_the_folder_cannot_be_looked_at_says_why(
    dock: TrainDock, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise PermissionError("the folder may not be read")

    monkeypatch.setattr(trainings, "look", fail)
    dock.trainings.look()
    qtbot.waitUntil(lambda: "may not be read" in dock.message.text(), timeout=5000)


def test_training_that_has_ended_is_shown_and_its_model_is_listed_at_once(
    dock: TrainDock, trained: Trained, qtbot: Any
) -> None:
    folder = trained("tiny_1")
    changed: list[bool] = []
    workspace_of(dock.viewer).models_changed.connect(lambda: changed.append(True))
    seen(dock, qtbot)
    qtbot.waitUntil(lambda: bool(changed) and dock.panel.isVisibleTo(dock), timeout=20_000)
    assert [m.name for m in list_models() if m.origin == "own"] == ["tiny_1"]
    assert "tiny_1 is among your models" in dock.message.text()
    qtbot.waitUntil(lambda: "model tiny_1" in dock.panel.headline.text(), timeout=20_000)
    item = dock.list.topLevelItem(0)
    assert (item.text(0), item.text(1)) == ("tiny_1", "ended")
    assert "has ended" in dock.panel.headline.text()
    assert dock.panel.resume_button.text() == "Train longer"
    assert not dock.panel.stop_button.isVisibleTo(dock)
    shown = all_jobs()["show_training"](run_folder=folder)
    x, y = dock.panel.plot.validation.getData()
    assert (x.tolist(), y.tolist()) == ([2.0], [pytest.approx(shown.validation_loss)])
    assert dock.panel.plot.trivial.value() == pytest.approx(np.log(3))
    assert dock.new_panel.corpus_edit.text() == shown.corpus
    changed.clear()
    seen(dock, qtbot)
    qtbot.wait(300)
    assert changed == []


def test_model_of_another_training_with_the_name_is_never_replaced_unasked(
    trained: Trained, tmp_path: Path
) -> None:
    first, keep = trained("tiny_1"), all_jobs()["keep_model"]
    keep(run_folder=first)
    kept = {m.name: m.path for m in list_models() if m.origin == "own"}
    content = kept["tiny_1"].read_bytes()
    other = tmp_path / "elsewhere" / "tiny_1"
    shutil.copytree(first, other)
    note(other, kept={})
    with pytest.raises(InputError, match="choose another name, or replace it"):
        keep(run_folder=other, name="tiny_1")
    keep(run_folder=other)
    assert {m.name for m in list_models() if m.origin == "own"} == {"tiny_1", "tiny_1_2"}
    assert kept["tiny_1"].read_bytes() == content
    keep(run_folder=first)
    keep(run_folder=other, name="tiny_1", replace=True)
    assert {m.name for m in list_models() if m.origin == "own"} == {"tiny_1", "tiny_1_2"}


def test_state_of_a_training_whose_process_is_gone_is_interrupted(
    dock: TrainDock, trained: Trained, qtbot: Any
) -> None:
    folder = trained("tiny_1")
    gone = {**this_process(), "started": 1.0}
    assert living_process(gone) is None
    note(folder, process=gone)
    seen(dock, qtbot)
    qtbot.waitUntil(lambda: dock.panel.isVisibleTo(dock), timeout=20_000)
    assert dock.list.topLevelItem(0).text(1) == "interrupted"
    assert "was interrupted" in dock.panel.headline.text()
    assert dock.panel.resume_button.text() == "Resume"
    assert "goes on from what it last wrote" in dock.panel.said.text()
    assert [m for m in list_models() if m.origin == "own"] == []


def test_training_begun_in_a_shell_is_shown_running_and_stopped_there(
    dock: TrainDock, trained: Trained, qtbot: Any
) -> None:
    note(trained("tiny_1"), process=this_process())
    seen(dock, qtbot)
    qtbot.waitUntil(lambda: dock.panel.isVisibleTo(dock), timeout=20_000)
    assert dock.list.topLevelItem(0).text(1) == "running"
    assert not dock.panel.stop_button.isEnabled()
    assert "Ctrl+C" in dock.panel.stop_button.toolTip()


def test_a_second_process_is_refused_while_one_trains(trained: Trained, tiny: Any) -> None:
    folder = trained("tiny_1")
    other = {"pid": os.getppid(), "started": 0.0}
    import psutil

    other["started"] = psutil.Process(os.getppid()).create_time()
    note(folder, process=other)
    with pytest.raises(InputError, match="is being trained already"):
        all_jobs()["resume_training"](run_folder=folder)


def test_samples_are_pictures_with_what_is_said_and_a_click_shows_layers(
    dock: TrainDock, trained: Trained, qtbot: Any
) -> None:
    folder = trained("tiny_1")
    seen(dock, qtbot)
    qtbot.waitUntil(lambda: bool(dock.panel.samples.buttons), timeout=20_000)
    samples = look(trainings_folder(), [], folder, "").samples
    assert samples is not None
    assert [b.text() for b in dock.panel.samples.buttons] == [caption_of(s) for s in samples]
    assert picture_of(samples[0]).shape == (EDGE, EDGE, 3)
    with qtbot.waitSignal(dock.workspace.changed, timeout=5000):
        dock.panel.samples.buttons[0].click()
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 1, timeout=20_000)
    layer = dock.viewer.layers[0]
    assert layer.name == "tiny_1 sample 1 · map"
    np.testing.assert_array_equal(layer.data, samples[0].map.data)
    assert tuple(layer.scale) == (6.0, 6.0, 6.0)


def test_picture_of_voxel_classes_shows_what_is_said_beside_what_is_true() -> None:
    from mapscope.jobs.training.show_sample import ShownSample
    from mapscope.labels import Labels
    from mapscope.volume import Volume

    data = np.zeros((8, 8, 8), np.float32)
    left, right = np.zeros((2, 8, 8, 8), np.int8)
    left[:, :4], right[:, 4:] = 1, 1
    colors = {1: (1.0, 0.0, 0.0)}
    said, truth = (Labels(d, names={1: "a"}, colors=colors) for d in (left, right))
    sample = ShownSample(Volume(data), said, truth, 5, 1, "", "", None, 0.25)
    picture = picture_of(sample)
    assert picture.shape == (EDGE, 2 * EDGE + GAP, 3)
    red = picture[..., 0] > 0
    assert red[: EDGE // 2, :EDGE].all()
    assert not red[EDGE // 2 :, :EDGE].any()
    assert red[EDGE // 2 :, -EDGE:].all()
    assert caption_of(sample) == "25% right"


def test_picture_of_maps_shows_what_goes_in_comes_out_and_should() -> None:
    from mapscope.jobs.training.show_sample import ShownSample
    from mapscope.volume import Volume

    def ramp(axis: int) -> Volume:
        values = np.moveaxis(np.broadcast_to(np.arange(8.0), (8, 8, 8)), 2, axis)
        return Volume(np.ascontiguousarray(values, dtype=np.float32))

    sample = ShownSample(ramp(2), None, None, 5, 1, "", "", None, None, ramp(1), ramp(2), 0.75, 0.5)
    picture = picture_of(sample)
    assert picture.shape == (EDGE, 3 * EDGE + 2 * GAP, 3)
    given, said, true = (picture[:, n * (EDGE + GAP) :][:, :EDGE] for n in range(3))
    np.testing.assert_array_equal(given, true)
    np.testing.assert_array_equal(said, given.transpose(1, 0, 2))
    assert not picture[:, EDGE : EDGE + GAP].any()
    assert caption_of(sample) == "correlation 0.50 → 0.75"
    constant = ShownSample(ramp(2), None, None, 5, 1, "", "", None, None, ramp(1), ramp(2))
    assert caption_of(constant) == ""


def test_headline_of_maps_says_their_correlation_and_curves_may_fall_below_0(qtbot: Any) -> None:
    from mapscope.jobs.training.show_training import ShownTraining
    from mapscope.table import Plot, Table
    from mapscope.viewer.training.curves import CurvesPlot
    from mapscope.viewer.training.progress_panel import headline

    table = Table(
        {
            "step": np.array([10, 20]),
            "loss": np.array([0.5, -1.0]),
            "validation_loss": np.array([np.nan, -2.0]),
        },
        plot=Plot("step", ("loss", "validation_loss"), levels={"trivial": 0.25}),
    )
    shown = ShownTraining(
        table, "running", "a", "b", 20, 1.0, None, -2.0, 0.25, None, 0.63, 0.305, False, "", ""
    )
    assert headline(shown) == (
        "runs · step 20, 1.0 min · loss -2 (trivial 0.25) · correlation 0.630 (input 0.305)"
    )
    plot = CurvesPlot()
    qtbot.addWidget(plot)
    plot.show_curves(table)
    low, high = plot.plot.viewRange()[1]
    assert low < -2.0
    assert high > 0.5
    assert plot.trivial.value() == 0.25


def test_open_folder_shows_a_training_that_lies_elsewhere_or_says_why_not(
    dock: TrainDock, tiny: Any, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(path: str) -> None:
        monkeypatch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_: path))

    answer(str(tmp_path))
    dock.open_button.click()
    assert "holds no training" in dock.message.text()
    answer(tiny["run_folder"])
    dock.open_button.click()
    qtbot.waitUntil(lambda: dock.panel.isVisibleTo(dock), timeout=20_000)
    assert dock.list.topLevelItem(0).text(0) == "run"


def test_leftovers_of_a_training_that_never_began_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    (folder / PROCESS).mkdir(parents=True)
    (folder / PROCESS / "progress.jsonl").touch()
    remove_leftovers(folder)
    assert not folder.exists()
    (folder / PROCESS).mkdir(parents=True)
    (folder / "mine.txt").touch()
    remove_leftovers(folder)
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]


def longer(tiny: dict[str, Any], folder: Path) -> Path:
    """The tiny recipe with steps for minutes."""
    text = Path(tiny["recipe"]).read_text()
    path = folder / "longer.toml"
    text = text.replace("steps = 2,", "steps = 1000000, save_every = 5,")
    path.write_text(text.replace("validate_every = 2,", "validate_every = 20,"))
    return path


@pytest.mark.slow
def test_training_started_left_found_again_stopped_and_resumed_by_its_buttons(
    desk: Desk, tiny: dict[str, Any], tmp_path: Path
) -> None:
    dock, qtbot = desk.docks["Train"], desk.qtbot
    panel = dock.new_panel
    dock.wake()
    panel.add_recipe(longer(tiny, tmp_path))
    panel.corpus_edit.setText(tiny["corpus"])
    panel.name_edit.setText("My try")
    panel.limit_box.setChecked(False)
    panel.start_button.click()
    folder = trainings_folder() / "my_try"
    qtbot.waitUntil(lambda: bool(dock.panel.samples.buttons), timeout=120_000)
    assert dock.panel.stop_button.isEnabled()
    dock.trainings.end()
    later = TrainDock(desk.viewer)
    qtbot.addWidget(later)
    later.trainings.look()
    qtbot.waitUntil(lambda: later.panel.isVisibleTo(later), timeout=60_000)
    qtbot.waitUntil(lambda: later.panel.stop_button.isEnabled(), timeout=60_000)
    later.panel.stop_button.click()
    qtbot.waitUntil(lambda: "my_try is among your models" in later.message.text(), timeout=60_000)
    assert later.list.topLevelItem(0).text(1) == "stopped"
    assert "my_try" in [m.name for m in list_models()]
    before = all_jobs()["show_training"](run_folder=folder).steps
    later.panel.resume_button.click()
    qtbot.waitUntil(
        lambda: all_jobs()["show_training"](run_folder=folder).steps > before + 5, timeout=120_000
    )
    pid = json.loads((folder / "run.json").read_text())["process"]["pid"]
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: "without a word" in later.message.text(), timeout=20_000)
    seen(later, qtbot)
    assert later.list.topLevelItem(0).text(1) == "interrupted"
    later.trainings.end()


@pytest.mark.slow
def test_minutes_of_a_training_are_kept_within_5_percent(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    from time import monotonic

    recipe = longer(tiny, tmp_path)
    recipe.write_text(recipe.read_text().replace("validate_every = 20,", "validate_every = 200,"))
    began = monotonic()
    run = tmp_path / "run"
    done = all_jobs()["train"](
        recipe=str(recipe), corpus=tiny["corpus"], run_folder=run, minutes=1.0
    )
    assert monotonic() - began == pytest.approx(60, rel=0.05)
    assert done.minutes == pytest.approx(1, rel=0.05)
