"""What was run can be run again: as a command where all inputs are files, else as a script."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication, QFileDialog
from tests.path_settings import path_settings

from mapscope.errors import MapscopeError
from mapscope.files import read, writable_suffixes, write
from mapscope.jobs import all_jobs
from mapscope.mesh import Mesh
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.viewer.workspace import Entry
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

SETTINGS: dict[str, dict[str, Any]] = {
    "crop_map": {"region": "2:20,3:21,4:24"},
    "filter_map": {"low_pass": 8.3, "high_pass": 30.1, "region": "0:20,2:24,1:19"},
    "pad_map": {"margin": 3},
    "resample": {"voxel_size": 1.9},
    "sharpen_by_b_factor": {"b_factor": -20.0, "weight_by_fsc": False},
}
"""Settings that are not the defaults, to see that they are written down."""

QUICK = {"contour_map", "crop_map", "filter_map", "sharpen_by_b_factor", "zone_map"}
"""Jobs tried in every run of the tests; the others with the slow ones."""

ELSEWHERE = "calibrate_confidence"
"""It wants a training of half maps, which takes longer than all of these tests."""

JOBS = sorted(name for name, job in all_jobs().items() if not job.probe and name != ELSEWHERE)


@pytest.fixture
def full_desk(
    desk: Desk,
    half_files: tuple[Path, Path],
    mask_file: Path,
    map_file: Path,
    volume: Volume,
    tmp_path: Path,
) -> Desk:
    """A window with files of all that most jobs may want; one has a space in its name."""
    other = Volume(volume.data[::-1], volume.voxel_size, volume.origin)
    desk.open(*half_files, mask_file, write(tmp_path / "the other.mrc", other), map_file)
    return desk


def run(desk: Desk, name: str) -> Entry:
    """Run a job with the settings above."""
    form = desk.form(name)
    for parameter, value in (SETTINGS.get(name, {}) | path_settings(name)).items():
        form.settings[parameter].value = value
    return desk.run_well(form)


def start(words: list[str] | str, folder: Path) -> subprocess.Popen[str]:
    """Start a script, or a command in a shell, in an empty folder."""
    folder.mkdir()
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.Popen(
        words,
        cwd=folder,
        shell=isinstance(words, str),
        env={**os.environ, "PATH": places},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> None:
    """Wait until it is done, and done well."""
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said


def assert_same(folder: Path, nouns: dict[str, Any]) -> None:
    """Compare the files in a folder with nouns."""
    first = next(iter(nouns))
    for name, noun in nouns.items():
        suffix = writable_suffixes(type(noun))[0]
        path = folder / (f"{first}{suffix}" if name == first else f"{first}_{name}{suffix}")
        if isinstance(noun, Mesh):
            assert path.read_bytes() == write(folder / f"again{suffix}", noun).read_bytes()
            continue
        again = read(path)
        if isinstance(noun, Table):
            assert list(again.columns) == list(noun.columns)
            for column in noun.columns:
                np.testing.assert_array_equal(again[column], noun[column], err_msg=column)
        elif isinstance(noun, Structure):
            np.testing.assert_allclose(again.positions, noun.positions, atol=1e-3)
            assert list(again.atom_names) == list(noun.atom_names)
        else:
            assert np.array_equal(again.data, noun.data)
            assert again.grid.matches(noun.grid)


def copied(button: Any) -> str:
    """What a button puts on the clipboard."""
    QApplication.clipboard().setText("")
    button.click()
    return str(QApplication.clipboard().text())


def run_script(text: str, folder: Path) -> subprocess.Popen[str]:
    """Save a script and start it in a folder of its own."""
    path = folder.with_suffix(".py")
    path.write_text(text, encoding="utf-8")
    return start([sys.executable, str(path)], folder)


@pytest.mark.parametrize(
    "name",
    [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in JOBS],
)
def test_copies_of_a_run_on_files_give_the_same_data(
    full_desk: Desk, name: str, structure_file: Path, tmp_path: Path
) -> None:
    if any(p.noun is Structure for p in all_jobs()[name].inputs):
        full_desk.open(structure_file)
        full_desk.viewer.dims.ndisplay = 2
    entry = run(full_desk, name)
    history = full_desk.docks["History"]
    assert history.entry is entry
    command = copied(history.command_button)
    assert command.startswith(f"mapscope {name.replace('_', '-')} ")
    running = [start(command, tmp_path / "command")]
    running.append(run_script(copied(history.script_button), tmp_path / "script"))
    for process in running:
        finish(process)
    assert_same(tmp_path / "command", entry.nouns)
    assert_same(tmp_path / "script", entry.nouns)


def test_run_on_a_result_is_copied_as_a_script_of_the_whole_chain(
    full_desk: Desk, tmp_path: Path
) -> None:
    run(full_desk, "sharpen_by_b_factor")
    entry = run(full_desk, "filter_map")
    assert "sharpened" in full_desk.docks["Jobs"].form.chosen_layers()[0].name
    history = full_desk.docks["History"]
    assert not history.command_button.isEnabled()
    assert "copy as script" in history.command_button.toolTip()
    script = copied(history.script_button)
    assert script.index("sharpen_by_b_factor(") < script.index("filter_map(")
    finish(run_script(script, tmp_path / "script"))
    assert_same(tmp_path / "script", entry.nouns)


@pytest.mark.parametrize("kind", ["foreign", "edited", "moved"])
def test_run_on_what_is_in_no_file_is_copied_as_a_script_with_snapshots(
    desk: Desk,
    map_file: Path,
    volume: Volume,
    tmp_path: Path,
    answer_dialog: Callable[[Path], None],
    kind: str,
) -> None:
    if kind == "foreign":
        place = {"scale": (0.15,) * 3, "translate": (1, 2, 3), "units": ("nm",) * 3}
        desk.viewer.add_image(volume.data * 3, name="raw", **place)
    else:
        (layer,) = desk.open(map_file)
        if kind == "edited":
            layer.data = volume.data + 1
        else:
            layer.translate = (1, 2, 3)
    entry = run(desk, "flip_hand")
    history = desk.docks["History"]
    assert not history.command_button.isEnabled()
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    answer_dialog(snapshots)
    finish(run_script(copied(history.script_button), tmp_path / "script"))
    assert len(list(snapshots.iterdir())) == 1
    assert_same(tmp_path / "script", entry.nouns)


def test_half_maps_of_which_one_was_edited_are_copied_with_one_snapshot(
    desk: Desk,
    half_files: tuple[Path, Path],
    halves: HalfMaps,
    tmp_path: Path,
    answer_dialog: Callable[[Path], None],
) -> None:
    desk.open(*half_files)
    desk.viewer.layers[1].data = halves.second.data[::-1]
    form = desk.form("shell_correlation")
    for choice, layer in zip(form.inputs[0].choices, desk.viewer.layers, strict=True):
        choice.choose(layer)
    entry = desk.run_well(form)
    history = desk.docks["History"]
    snapshots = tmp_path / "snapshots"
    snapshots.mkdir()
    answer_dialog(snapshots)
    finish(run_script(copied(history.script_button), tmp_path / "script"))
    assert len(list(snapshots.iterdir())) == 1
    assert_same(tmp_path / "script", entry.nouns)


def test_script_when_no_folder_is_chosen_then_nothing_is_copied(
    desk: Desk, volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add(volume, "made in memory")
    run(desk, "flip_hand")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_, **__: ""))
    assert copied(desk.docks["History"].script_button) == ""


def test_run_when_its_layer_is_removed_then_it_can_still_be_copied(
    desk: Desk, map_file: Path
) -> None:
    desk.open(map_file)
    entry = run(desk, "flip_hand")
    desk.viewer.layers.remove("bundle · flipped")
    history = desk.docks["History"]
    assert copied(history.command_button).endswith("--out flipped.mrc")
    assert "write_result('flipped.mrc'" in copied(history.script_button)
    assert entry.state == "done"


def test_history_lists_runs_newest_first_and_shows_the_record(full_desk: Desk) -> None:
    run(full_desk, "flip_hand")
    entry = run(full_desk, "crop_map")
    history = full_desk.docks["History"]
    rows = [history.list.topLevelItem(n) for n in range(history.list.topLevelItemCount())]
    assert [row.text(0) for row in rows] == ["Crop map · bundle", "Flip hand · bundle"]
    assert all(row.text(1) == "done" for row in rows)
    assert float(rows[0].text(2)) >= 0
    assert entry.record is not None
    assert json.loads(history.details.toPlainText()) == entry.record.to_json()
    history.list.setCurrentItem(rows[1])
    assert json.loads(history.details.toPlainText())["job"] == "flip_hand"


def test_history_when_a_run_failed_then_its_reason_is_shown_and_nothing_can_be_copied(
    desk: Desk, volume: Volume
) -> None:
    desk.add(Volume(np.zeros_like(volume.data)), "empty")
    entry = desk.run(desk.form("make_mask"))
    history = desk.docks["History"]
    assert entry.state == history.list.topLevelItem(0).text(1) == "failed"
    assert "constant" in history.details.toPlainText()
    buttons = (history.command_button, history.script_button, history.save_button)
    assert not any(button.isEnabled() for button in buttons)


def test_history_when_saved_then_files_and_records_are_written(
    full_desk: Desk, tmp_path: Path, answer_dialog: Callable[[Path], None]
) -> None:
    run(full_desk, "sharpen_by_b_factor")
    history = full_desk.docks["History"]
    (tmp_path / "out").mkdir()
    answer_dialog(tmp_path / "out" / "a.mrc")
    history.save_button.click()
    assert history.message.text() == "Saved a.mrc, a_guinier.csv"
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"a.mrc", "a.mrc.record.json", "a_guinier.csv", "a_guinier.csv.record.json"}
    answer_dialog(tmp_path / "missing" / "a.mrc")
    history.save_button.click()
    assert "does not exist" in history.message.text()


def test_snapshot_of_what_nobody_kept_is_refused(desk: Desk, volume: Volume) -> None:
    desk.add(volume, "made in memory")
    entry = run(desk, "flip_hand")
    assert entry.record is not None
    entry.unsaved.clear()
    snapshot = desk.docks["History"]._snapshots(None)
    with pytest.raises(MapscopeError, match="in no file"):
        snapshot(entry.record.inputs[0], 0)
