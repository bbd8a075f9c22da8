"""A result appears while it is in the making, in one layer, and a cancel keeps what is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Semaphore
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from tests.tiny_models import VOXEL_SIZE, known_chances, voxel_model_file
from tests.viewer.test_forms import items_of, patched

from mapscope.errors import Cancelled
from mapscope.inference import model_list
from mapscope.job import Job
from mapscope.jobs import apply_model, filter_map
from mapscope.particles import Particles
from mapscope.progress import show_so_far
from mapscope.record import Record
from mapscope.viewer import runner
from mapscope.viewer.adding import add_layers, begin_growing
from mapscope.viewer.facts import facts_of_layer
from mapscope.viewer.layers import layers_from_noun, noun_from_layer, reason_against, tag_of
from mapscope.volume import Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

    from mapscope.viewer.workspace import Entry

DENSITY = np.random.default_rng(0).standard_normal((40, 30, 36), dtype=np.float32)
MAP = Volume(DENSITY, (VOXEL_SIZE,) * 3, (4.0, 8.0, -6.0))
TRUTH = known_chances(DENSITY).argmax(axis=0)
MAKING = "bundle · classes (in the making)"
DONE = "bundle · classes (density_kind)"
CHANCE = "bundle · probability (density_kind)"


@pytest.fixture(autouse=True)
def _one_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """There is one model, and what is done is looked at after every batch."""
    monkeypatch.setenv("MAPSCOPE_MODELS", str(voxel_model_file().parent))
    monkeypatch.setattr(model_list, "bundled_folder", lambda: tmp_path / "none")
    monkeypatch.setattr("mapscope.inference.predict._PREVIEW", -1.0)
    monkeypatch.setattr(runner, "SHOW_INTERVAL", 0.0)
    monkeypatch.setattr(runner, "SHOW_SHARE", 1e6)


class Steps:
    """Lets a job go on only so far, step by step."""

    def __init__(self, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may_go, self.waits = Event(), Event()
        self.at_step = 3
        self.calls = 0

        def call(*args: Any, progress: Any, **kwargs: Any) -> Any:
            return original(*args, progress=_Held(progress, self), **kwargs)

        original = patched(monkeypatch, job, call)

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.at_step:
            self.waits.set()
            assert self.may_go.wait(30)


class _Held:
    """A progress that waits after the look at a step."""

    def __init__(self, progress: Any, steps: Steps) -> None:
        self._progress, self._steps = progress, steps

    def __call__(self, *told: Any) -> None:
        self._progress(*told)

    def show(self, make: Any) -> None:
        self._progress.show(make)
        self._steps.step()


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    """What holds *Apply model* at its third look."""
    held = Steps(apply_model, monkeypatch)
    yield held
    held.may_go.set()


def begun(desk: Desk, steps: Steps) -> Any:
    """The form of a run that waits in mid-volume, with its layer shown."""
    desk.add(MAP, "bundle")
    form = desk.form("apply_model")
    form.settings["batch"].value = 1
    form.settings["precision"].value = "fp32"
    form.run_button.click()
    desk.qtbot.waitUntil(steps.waits.is_set, timeout=30_000)
    desk.qtbot.waitUntil(lambda: MAKING in desk.names(), timeout=5000)
    return form


def ended(desk: Desk, form: Any, steps: Steps) -> None:
    with desk.qtbot.waitSignal(form.ended, timeout=30_000):
        steps.may_go.set()


def record(layer: Any) -> Record:
    tag = tag_of(layer)
    assert tag is not None
    assert tag.record is not None
    return tag.record


def test_tiles_that_are_done_appear_in_one_layer_which_becomes_the_result(
    desk: Desk, steps: Steps
) -> None:
    form = begun(desk, steps)
    layer = desk.viewer.layers[MAKING]
    seen = np.asarray(layer.data)
    assert 0 < (seen >= 0).sum() < seen.size
    np.testing.assert_array_equal(seen[seen >= 0], TRUTH[seen >= 0])
    np.testing.assert_allclose(layer.scale, MAP.voxel_size)
    np.testing.assert_allclose(layer.translate, MAP.origin)
    assert desk.names() == ["bundle", MAKING]
    assert "in the making" in reason_against(layer)
    ended(desk, form, steps)
    assert form.entry.state == "done", form.entry.message
    assert desk.names() == [CHANCE, "bundle", DONE]
    assert desk.viewer.layers[DONE] is layer
    np.testing.assert_array_equal(np.asarray(layer.data), TRUTH)
    assert noun_from_layer(layer).names[2] == "dense"
    assert record(layer).share == 1
    assert desk.viewer.layers["bundle"].visible
    assert layer.visible
    chance = desk.viewer.layers[CHANCE]
    assert not chance.visible
    assert tuple(chance.contrast_limits) == (0, 1)
    other = desk.form("filter_map")
    assert other.chosen_layers()[0].name == "bundle"
    assert items_of(other.inputs[0].choices[0])[CHANCE]  # by hand it can be chosen


def test_cancel_in_mid_volume_keeps_what_is_done_until_a_whole_run_replaces_it(
    desk: Desk, steps: Steps
) -> None:
    form = begun(desk, steps)
    layer = desk.viewer.layers[MAKING]
    form.run_button.click()
    ended(desk, form, steps)
    share = form.entry.record.share
    assert 0 < share < 1
    words = f"{round(100 * share)} % done"
    name = f"bundle · classes (density_kind, {words})"
    assert desk.viewer.layers[name] is layer
    assert f"bundle · probability (density_kind, {words})" in desk.names()
    assert (
        form.message.text() == f"Cancelled; {words.replace('done', 'is done')} and kept as a layer."
    )
    assert record(layer).share == share
    done = np.asarray(layer.data) >= 0
    assert done.mean() == pytest.approx(share)
    np.testing.assert_array_equal(np.asarray(layer.data)[done], TRUTH[done])
    assert not reason_against(layer)
    assert ("Done", f"{words.removesuffix(' done')}, then cancelled") in facts_of_layer(layer)
    history = desk.docks["History"]
    assert history.list.topLevelItem(0).text(1) == words
    assert history.list.topLevelItem(0).toolTip(1) == form.message.text()
    assert f'"share": {round(share, 6)}' in history.details.toPlainText()
    assert form.save_button.isEnabled()

    assert desk.run(form).state == "done"
    assert sorted(desk.names()) == sorted([CHANCE, "bundle", DONE])
    again = steps_again(steps)
    form.run_button.click()
    desk.qtbot.waitUntil(again.waits.is_set, timeout=30_000)
    desk.qtbot.waitUntil(lambda: MAKING in desk.names(), timeout=5000)
    desk.viewer.layers.remove(MAKING)
    form.run_button.click()
    ended(desk, form, again)
    assert {CHANCE, "bundle", DONE} < set(desk.names())
    assert len(desk.viewer.layers) == 5


def steps_again(steps: Steps) -> Steps:
    """The same, to wait once more."""
    steps.waits.clear()
    steps.may_go.clear()
    steps.at_step = steps.calls + 3
    return steps


def growing_map(
    looked: Semaphore | None = None, fail: type[Exception] | None = None
) -> Callable[..., Volume]:
    """A job that hands over a map plane by plane, and waits for some looks at it."""

    def call(volume: Volume, *, progress: Any, **_: Any) -> Volume:
        data = np.zeros(volume.shape, np.float32)
        for z in range(len(data)):
            data[z] = volume.data[z]
            show_so_far(progress, lambda: volume.with_data(data))
            if looked is not None and z < 5:
                assert looked.acquire(timeout=30)
            progress(z + 1, len(data), "")
            if z == 20 and fail is not None:
                raise fail("it broke")
        return volume.with_data(data)

    return call


def test_map_of_any_job_grows_with_the_look_set_by_hand_and_goes_when_the_job_fails(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Semaphore(0)
    patched(monkeypatch, filter_map, growing_map(looked))
    source = desk.add(MAP, "bundle")
    form = desk.form("filter_map")
    form.settings["low_pass"].value = 8.0
    planes, limits = list[int](), list[float]()

    def look(_layers: Any) -> None:
        QTimer.singleShot(0, looked.release)
        if "bundle · filtered (in the making)" not in desk.names():
            return  # comes before the workspace hears of the first
        layer = desk.viewer.layers["bundle · filtered (in the making)"]
        planes.append(int(np.asarray(layer.data).any(axis=(1, 2)).sum()))
        limits.append(float(layer.contrast_limits[1]))
        if len(planes) == 2:
            layer.contrast_limits = (-1.0, 1.0)

    def listen(entry: Entry) -> None:
        if entry.state == "running":
            entry.run.shown.connect(look)

    form.workspace.changed.connect(listen)
    desk.run_well(form)
    form.workspace.changed.disconnect(listen)
    assert planes[:4] == [2, 3, 4, 5]
    assert limits[0] != limits[1]  # follows the data
    assert limits[2] == limits[3] == 1.0
    layer = desk.viewer.layers["bundle · filtered"]
    assert tuple(layer.contrast_limits) == (-1.0, 1.0)
    np.testing.assert_array_equal(np.asarray(layer.data), DENSITY)
    assert desk.names() == ["bundle · filtered", "bundle"]
    assert not source.visible

    desk.viewer.layers.remove(layer)
    source.visible = True
    for error in (ValueError, Cancelled):
        patched(monkeypatch, filter_map, growing_map(fail=error))
        entry = desk.run(form)
        assert entry.state == ("failed" if error is ValueError else "cancelled")
        assert desk.names() == ["bundle"]
        assert source.visible
    assert form.message.text() == "Cancelled; nothing was changed."


def test_looks_come_at_most_so_often_and_only_once_the_last_was_seen(
    monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    monkeypatch.setattr(runner, "SHOW_INTERVAL", 0.2)
    made = list[float]()

    def call(progress: Any) -> None:
        until = monotonic() + 30
        while len(made) < 3 and monotonic() < until:
            progress.show(lambda: made.append(monotonic()))
            progress(0, 1, "")

    run = runner.Run(call)
    seen = list[Any]()
    run.shown.connect(seen.append)
    with qtbot.waitSignal(run.ended, timeout=40_000):
        run.start()
    assert len(seen) == len(made) == 3
    assert min(np.diff(made)) >= 0.19


def test_form_without_a_model_says_so_and_cannot_run_until_there_is_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAPSCOPE_MODELS", str(tmp_path / "empty"))
    desk.add(MAP, "bundle")
    form = desk.form("apply_model")
    setting = form.settings["model"]
    assert "no model of voxels yet: train one (Train dock)" in setting.nothing.text()
    assert setting.nothing.isVisibleTo(form)
    assert not form.run_button.isEnabled()
    setting.value = str(voxel_model_file())  # by hand, as a script does
    assert form.run_button.isEnabled()
    monkeypatch.setenv("MAPSCOPE_MODELS", str(voxel_model_file().parent))
    form.workspace.models_changed.emit()
    assert "density_kind" in setting.editor.choices
    assert not setting.nothing.isVisibleTo(form)
    assert form.run_button.isEnabled()


def test_picks_in_the_making_grow_in_one_layer_and_give_way_to_the_result(desk: Desk) -> None:
    lists = [Particles(np.full((n, 3), 10.0 * n), None, ("a",) * n, np.ones(n)) for n in (2, 5)]
    (first,), (more,) = (layers_from_noun(p, "picks (in the making)") for p in lists)
    growing = begin_growing(desk.viewer, first, None)
    layer = growing.layer
    assert layer is not None
    assert reason_against(layer)
    growing.update(more)
    np.testing.assert_array_equal(layer.data, lists[1].positions)
    assert layer.features["species"].tolist() == ["a"] * 5
    added = add_layers(desk.viewer, [more], None, None, growing)
    assert added[0] is not layer
    growing.end()
    assert layer not in desk.viewer.layers
    assert len(noun_from_layer(added[0])) == 5
