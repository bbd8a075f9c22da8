"""Jobs that take long run in a process of their own, and can be followed again."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytestqt.qtbot import QtBot
from tests.path_settings import path_settings

from mapscope import read
from mapscope.errors import InputError, MapscopeError
from mapscope.files import write
from mapscope.job import Job
from mapscope.jobs import all_jobs
from mapscope.process import living_process, this_process
from mapscope.record import checksum_of, record_of
from mapscope.testing import example_noun
from mapscope.viewer import runner
from mapscope.viewer.child import PROGRESS, answer_of, words_of
from mapscope.viewer.runner import ProcessRun
from mapscope.volume import HalfMaps, Volume

if TYPE_CHECKING:
    from tests.viewer.conftest import Desk

TELL = """
import json, os, signal, sys, time
from mapscope.progress import JsonLines
lines = JsonLines(sys.stderr)
"""


def started(folder: Path, code: str, **how: Any) -> ProcessRun:
    """A process that does what the code says."""
    run = ProcessRun(folder, lambda: "what came out", **how)
    return run.start([sys.executable, "-c", TELL + code])


def heard(run: ProcessRun) -> list[tuple[Any, ...]]:
    """A list that fills with what the run's signals bring."""
    found: list[tuple[Any, ...]] = []
    for name in ("progressed", "previewed", "said", "succeeded", "failed"):
        getattr(run, name).connect(lambda *content, n=name: found.append((n, *content)))
    for name in ("cancelled", "ended"):
        getattr(run, name).connect(lambda n=name: found.append((n,)))
    return found


def until_over(run: ProcessRun, qtbot: QtBot) -> None:
    with qtbot.waitSignal(run.ended, timeout=20_000):
        pass


def test_process_when_it_tells_then_its_run_passes_it_on_in_order(
    tmp_path: Path, qtbot: QtBot
) -> None:
    preview = tmp_path / "x.json"
    code = (
        "lines.begin('train'); lines(1, 4, 'a quarter'); lines.preview(__import__('pathlib')"
        f".Path({str(preview)!r})); lines.say('a word'); print('no JSON at all', file=sys.stderr)\n"
        "sys.stderr.flush(); time.sleep(0.5); lines(4, 4, 'all'); lines.end(0)"
    )
    run = started(tmp_path / "deep" / "process", code)
    found = heard(run)
    until_over(run, qtbot)
    assert found == [
        ("previewed", str(preview)),
        ("said", "a word"),
        ("progressed", 0.25, "a quarter"),
        ("progressed", 1.0, "all"),
        ("succeeded", "what came out"),
        ("ended",),
    ]
    assert run.is_over


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("lines.say('wrong', 'error'); lines.end(2)", InputError, "wrong"),
        ("lines.say('broke', 'error'); lines.end(1)", MapscopeError, "broke"),
        ("os.kill(os.getpid(), signal.SIGKILL)", MapscopeError, "without a word"),
    ],
)
def test_process_when_it_fails_then_its_run_says_why(
    tmp_path: Path, qtbot: QtBot, code: str, error: type, text: str
) -> None:
    run = started(tmp_path, code)
    found = heard(run)
    until_over(run, qtbot)
    (failed,) = [content[1] for content in found if content[0] == "failed"]
    assert type(failed) is error
    assert text in str(failed)


def test_process_when_cancelled_then_it_is_interrupted_and_ends_as_cancelled(
    tmp_path: Path, qtbot: QtBot
) -> None:
    code = (
        "lines.begin('x')\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    lines.end(130)"
    )
    run = started(tmp_path, code)
    found = heard(run)
    qtbot.waitUntil(lambda: (tmp_path / PROGRESS).stat().st_size > 0, timeout=10_000)
    run.cancel()
    assert run.is_cancelling
    until_over(run, qtbot)
    assert found == [("cancelled",), ("ended",)]


def test_process_when_it_does_not_heed_then_it_is_terminated_after_a_while(
    tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runner.PATIENCE == 10.0
    monkeypatch.setattr(runner, "PATIENCE", 0.5)
    code = "signal.signal(signal.SIGINT, signal.SIG_IGN); lines.begin('x'); time.sleep(60)"
    run = started(tmp_path, code)
    found = heard(run)
    qtbot.waitUntil(lambda: (tmp_path / PROGRESS).stat().st_size > 0, timeout=10_000)
    began = time.monotonic()
    run.cancel()
    until_over(run, qtbot)
    assert 0.4 < time.monotonic() - began < 5
    assert found == [("cancelled",), ("ended",)]


def test_process_when_left_and_attached_again_then_it_went_on_and_all_is_heard(
    tmp_path: Path, qtbot: QtBot
) -> None:
    code = (
        "print('a warning of an import', file=sys.stderr)\n"
        "lines.begin('x'); lines(1, 2, 'half')\n"
        f"while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.05)\n"
        "lines(2, 2, 'whole'); lines.end(0)"
    )
    first = started(tmp_path, code, is_lasting=True)
    found = heard(first)
    qtbot.waitUntil(lambda: bool(found), timeout=10_000)
    first.leave()
    second = ProcessRun(tmp_path, lambda: "what came out", is_lasting=True).attach()
    found = heard(second)
    qtbot.waitUntil(lambda: found == [("progressed", 0.5, "half")], timeout=5000)
    (tmp_path / "go").touch()
    os.waitpid(json.loads((tmp_path / PROGRESS).read_text().splitlines()[1])["pid"], 0)
    until_over(second, qtbot)
    assert found[1:] == [("progressed", 1.0, "whole"), ("succeeded", "what came out"), ("ended",)]
    with pytest.raises(InputError, match="no process runs"):
        ProcessRun(tmp_path, lambda: None).attach()


def test_process_when_left_and_not_lasting_then_it_is_asked_to_stop(
    tmp_path: Path, qtbot: QtBot
) -> None:
    code = (
        "lines.begin('x')\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    lines.end(130)"
    )
    run = started(tmp_path, code)
    qtbot.waitUntil(lambda: (tmp_path / PROGRESS).stat().st_size > 0, timeout=10_000)
    run.leave()
    qtbot.waitUntil(lambda: '"end"' in (tmp_path / PROGRESS).read_text(), timeout=5000)


def test_living_process_when_the_number_is_used_again_then_it_is_another() -> None:
    mine = this_process()
    found = living_process(mine)
    assert found is not None
    assert found.pid == os.getpid()
    for other in ({**mine, "started": mine["started"] - 60}, {}, None, {"pid": "a", "started": 1}):
        assert living_process(other) is None
    set_meanwhile = {**mine, "started": mine["started"] + 1}  # the clock, as far as one sees that
    assert living_process(set_meanwhile) is not None
    assert living_process({"pid": 2**31 - 2, "started": mine["started"]}) is None


def run_in_child(job: Job, values: dict[str, Any], folder: Path, qtbot: QtBot) -> Any:
    """Nouns and numbers of a job that ran in a process."""
    folder.mkdir()
    checked = job.check(**values)
    run = ProcessRun(folder, lambda: answer_of(job, checked, folder))
    found = heard(run)
    run.start(words_of(job, checked, folder))
    with qtbot.waitSignal(run.ended, timeout=60_000):
        pass
    results = [content[1] for content in found if content[0] == "succeeded"]
    assert results, found
    return results[0]


def test_job_when_run_in_a_process_then_its_nouns_and_record_are_those_of_a_call(
    tmp_path: Path, qtbot: QtBot
) -> None:
    job = all_jobs()["subtract_maps"]
    first = read(write(tmp_path / "first.mrc", example_noun(Volume)))
    maps = {"volume": first, "other": example_noun(Volume, 1)}
    called = job(**maps)
    nouns, scalars = run_in_child(job, maps, tmp_path / "process", qtbot)
    assert scalars == pytest.approx(job.scalars_of(called))
    for name, noun in job.nouns_of(called):
        assert checksum_of(nouns[name]) == checksum_of(noun)
        ours, theirs = record_of(nouns[name]), record_of(noun)
        assert ours is not None
        assert theirs is not None
        assert (ours.key, ours.outputs, ours.cite) == (theirs.key, theirs.outputs, theirs.cite)
        assert [i.paths for i in ours.inputs] == [(str(tmp_path / "first.mrc"),), None]


def test_half_maps_when_they_are_in_no_file_then_they_are_written_for_the_process(
    tmp_path: Path,
) -> None:
    job = all_jobs()["sharpen_by_b_factor"]
    values = job.check(half_maps=example_noun(HalfMaps), b_factor=-40.0)
    words = words_of(job, values, tmp_path)
    place = words.index("--half-maps")
    assert all(Path(word).is_file() for word in words[place + 1 : place + 3])
    assert words[words.index("--b-factor") + 1] == "-40.0"


def test_form_of_a_process_job_when_run_then_what_came_out_is_recorded(desk: Desk) -> None:
    form = desk.form("build_corpus")
    for name, value in path_settings("build_corpus").items():
        form.settings[name].value = value
    entry = desk.run_well(form)
    assert entry.scalars["kept"] == 1
    assert entry.record is not None
    assert entry.record.parameters["min_residues"] == 50
    assert desk.docks["Plot"].table is entry.nouns["entries"]
