"""A log loses nothing: killed programs, torn and damaged files, two programs at once."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope.edits import (
    EditLog,
    EditSession,
    is_in_use,
    logs_beside,
    logs_in_data_folder,
    noted_logs,
    regions,
)
from mapscope.errors import InputError, MapFormatError
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.particles import Particles
from mapscope.record import Source, record_of, source_of
from mapscope.replay import as_command
from mapscope.volume import Volume

LOST_AFTER = 5.0
TRIES = 3


def add(log: EditLog, *positions: float) -> None:
    log.do(log.points.added({"position": np.array([positions])}))


@pytest.fixture
def closed(points: Particles) -> Path:
    """The file of a log with ten edits, one of them undone."""
    log = EditLog.create(points, name="picks")
    for n in range(10):
        add(log, n, 0, 0)
    log.undo()
    log.close()
    return log.path


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def rewrite(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    lines = lines_of(path)
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def test_log_when_closed_and_opened_holds_every_number(points: Particles, labels: Labels) -> None:
    for noun in (points, labels):
        log = EditLog.create(noun, name="é/x")
        if isinstance(noun, Particles):
            log.do(log.points.removed([1]))
        else:
            log.do(regions.split_into_pieces(log.labels, 3))
        before = log.snapshot()
        log.close()
        again = EditLog.open(log.path)
        assert again.name == "é/x"
        assert again.notes == ()
        assert again.snapshot().checksum() == before.checksum()
        again.undo()
        first = again.snapshot()
        assert type(first) is type(noun)
        if isinstance(noun, Labels) and isinstance(first, Labels):
            np.testing.assert_array_equal(first.data, noun.data)
            assert (first.names, first.colors, first.grid) == (noun.names, noun.colors, noun.grid)
        else:
            assert first.checksum() == noun.checksum()
        again.close()


def test_file_is_only_ever_appended_to(closed: Path) -> None:
    before = closed.read_bytes()
    log = EditLog.open(closed)
    log.redo()
    log.undo()
    add(log, 1, 2, 3)
    log.close()
    assert closed.read_bytes().startswith(before)
    ops = [line.get("op") for line in lines_of(closed)]
    assert ops == [None, "base", *["add"] * 10, "undo", "redo", "undo", "add"]


def test_log_without_any_edit_leaves_no_file(points: Particles) -> None:
    log = EditLog.create(points, name="picks")
    assert log.path.is_file()
    log.close()
    assert not log.path.exists()
    assert noted_logs() == []


def test_log_of_a_data_file_lies_beside_it_and_a_second_one_too(
    points: Particles, labels: Labels, tmp_path: Path
) -> None:
    data = tmp_path / "a [1].mrc"
    data.touch()
    logs = [EditLog.create(noun, name="x", data=data) for noun in (points, labels)]
    assert [log.path.name for log in logs] == [
        "a [1].mrc.edits.jsonl",
        "a [1].mrc.2.edits.jsonl",
    ]
    assert logs_beside(data) == [log.path for log in logs]
    assert logs_beside(tmp_path / "a 1.mrc") == []
    assert logs[0].data_path == data


@pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
def test_log_when_the_folder_cannot_be_written_lies_in_the_users_folder(
    points: Particles, tmp_path: Path, edits_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)  # root may write everywhere
    log = EditLog.create(points, name="my picks", data=tmp_path / "a.mrc")
    assert log.path.parent == edits_folder
    assert log.path.name.startswith("my_picks_")
    assert logs_in_data_folder() == [log.path]


def test_last_line_when_cut_off_is_dropped_with_a_note_and_the_log_goes_on(closed: Path) -> None:
    whole = closed.read_bytes()
    closed.write_bytes(whole[:-9])
    log = EditLog.open(closed)
    assert len(log.points) == 15  # the undo was cut off
    assert "cut off" in log.notes[0]
    add(log, 0, 0, 0)
    log.close()
    again = EditLog.open(closed)
    assert again.notes == ()
    assert len(again.points) == 16


@pytest.mark.parametrize("cut", range(0, 900, 37))
def test_file_when_cut_anywhere_opens_or_says_why(closed: Path, cut: int) -> None:
    whole = closed.read_bytes()
    cut = min(len(whole) - 1, cut * len(whole) // 900)
    closed.write_bytes(whole[:cut])
    complete = whole[:cut].count(b"\n")
    if complete < 2:
        with pytest.raises(MapFormatError):
            EditLog.open(closed)
        return
    log = EditLog.open(closed)
    assert len(log.points) == 5 + complete - 2


def test_damaged_line_in_the_middle_is_where_the_log_ends_and_the_rest_is_kept(
    closed: Path,
) -> None:
    lines = closed.read_bytes().splitlines(keepends=True)
    lines[6] = lines[6].replace(b"{", b"\x00", 1)
    damaged = b"".join(lines)
    closed.write_bytes(damaged)
    log = EditLog.open(closed)
    assert len(log.points) == 5 + 4
    assert "edit 5" in log.notes[0]
    copy = closed.with_name(closed.name + ".damaged")
    assert copy.name in log.notes[0]
    assert copy.read_bytes() == damaged
    add(log, 0, 0, 0)
    log.close()
    assert EditLog.open(closed).notes == ()


HUGE = {"dtype": "<i8", "shape": [10**15], "zlib": "eJwDAAAAAAE="}
BOMB = {
    "dtype": "<f8",
    "shape": [1, 3],
    "zlib": base64.b64encode(zlib.compress(bytes(10**7))).decode(),
}


@pytest.mark.parametrize(
    "change",
    [
        {"ids": [10**12]},
        {"ids": [-1]},
        {"ids": [2.5]},
        {"ids": ["a"]},
        {"ids": None},
        {"ids": HUGE},
        {"ids": [9, 10]},
        {"op": "explode"},
        {"op": "merge"},
        {"op": None},
        {"n": 17},
        {"n": "5"},
        {"after": None},
        {"after": {"position": [[1, 2]]}},
        {"after": {"position": [[1, 2, None]]}},
        {"after": {"position": [["a", 2, 3]]}},
        {"after": {"position": BOMB}},
        {"after": {"colour": [1]}},
        {"after": {"rotation": [[[2, 0, 0], [0, 1, 0], [0, 0, 1]]], "position": [[1, 2, 3]]}},
        {"after": {"species": [3], "position": [[1, 2, 3]]}},
        {"after": 5},
        {"g": None, "t": "yesterday"},
    ],
)
def test_entry_when_it_is_impossible_is_where_the_log_ends(
    closed: Path, change: dict[str, Any]
) -> None:
    rewrite(closed, lambda lines: lines[6].update(change))
    log = EditLog.open(closed)
    assert len(log.points) == 5 + 4
    assert "edit 5" in log.notes[0]
    assert len(log.snapshot()) == 9  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"runs": [[10**9, 1, 0, 1]]},
        {"runs": [[-1, 1, 0, 1]]},
        {"runs": [[0, 0, 0, 1]]},
        {"runs": [[0, 961, 0, 1]]},
        {"runs": [[0, 1, 0, -2]]},
        {"runs": [[0, 1, 0, 2**40]]},
        {"runs": [[0, 1, 0]]},
        {"runs": [[0, 1, 0, "x"]]},
        {"runs": [[2**62, 1, 0, 1], [2**62, 1, 0, 1], [2**62, 1, 0, 1]]},
        {"runs": HUGE},
        {"runs": {**HUGE, "shape": [10**15, 4]}},
        {"runs": {"dtype": "<i8", "shape": [1, 4], "zlib": "!"}},
        {"runs": {"dtype": "<f8", "shape": [1, 4], "zlib": "eJwDAAAAAAE="}},
        {"runs": {}},
        {"runs": 3},
        {"after": {"x": {}}},
        {"after": {"1": {"color": [2, 0, 0]}}},
        {"after": {"1": {"name": 3}}},
        {"after": []},
        {"ids": "abc"},
    ],
)
def test_entry_of_labels_when_it_is_impossible_is_where_the_log_ends(
    labels: Labels, change: dict[str, Any]
) -> None:
    log = EditLog.create(labels, name="regions")
    for into in (2, 3):
        log.do(regions.merged(log.labels, [into - 1], into))
    log.close()
    rewrite(log.path, lambda lines: lines[3].update(change))
    again = EditLog.open(log.path)
    assert "edit 2" in again.notes[0]
    assert again.labels.numbers == [2, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "was written by"),
        ({"format_version": None}, "no log"),
        ({"kind": "Volume"}, "no log"),
        ({"kind": "Labels"}, "damaged"),
        ({"columns": {"position": {"dtype": "<f8", "shape": [10**9]}}}, "damaged"),
        ({"columns": {"a": {"dtype": "object", "shape": []}}}, "damaged"),
        ({"columns": 3}, "damaged"),
    ],
)
def test_header_when_it_is_impossible_is_refused(
    closed: Path, change: dict[str, Any], message: str
) -> None:
    rewrite(closed, lambda lines: lines[0].update(change))
    before = closed.read_bytes()
    with pytest.raises(MapFormatError, match=message):
        EditLog.open(closed)
    assert closed.read_bytes() == before
    assert not is_in_use(closed)


@pytest.mark.parametrize(
    "grid",
    [
        {"shape": [10**6] * 3},
        {"shape": [1, 2]},
        {"shape": [0, 1, 1]},
        {"shape": [2.5, 1, 1]},
        {"voxel_size": [0, 1, 1]},
        {"origin": [None, 1, 1]},
    ],
)
def test_grid_when_it_is_impossible_is_refused(labels: Labels, grid: dict[str, Any]) -> None:
    log = EditLog.create(labels, name="regions")
    log.do(regions.deleted(log.labels, [1]))
    log.close()
    rewrite(log.path, lambda lines: lines[0]["grid"].update(grid))
    with pytest.raises(MapFormatError, match="damaged"):
        EditLog.open(log.path)


def test_log_when_open_already_is_opened_to_be_looked_at(points: Particles) -> None:
    log = EditLog.create(points, name="picks")
    add(log, 1, 2, 3)
    log.flush()
    assert is_in_use(log.path)
    other = EditLog.open(log.path)
    assert other.is_read_only
    assert "another window or program" in other.notes[0]
    assert len(other.points) == 6
    for edit in (other.undo, other.redo, lambda: add(other, 0, 0, 0)):
        with pytest.raises(InputError, match="another window or program"):
            edit()
    session = EditSession()
    session.add(other)
    assert (session.undo(), session.undo_text) == ([], "")
    other.close()
    log.close()
    assert not is_in_use(log.path)
    assert len(EditLog.open(log.path).points) == 6


def test_log_when_the_disk_is_full_keeps_edits_and_writes_them_later(
    points: Particles, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = EditLog.create(points, name="picks")
    log.flush()
    size = log.path.stat().st_size
    with monkeypatch.context() as patch:

        def full(_file: int) -> None:
            raise OSError(28, "No space left on device")

        patch.setattr(os, "fsync", full)
        add(log, 1, 2, 3)
        log.flush()
        assert "No space left" in log.problem
        assert not log.is_saved
        assert log.path.stat().st_size == size
    log.flush()
    assert (log.problem, log.is_saved) == ("", True)
    log.close()
    assert len(EditLog.open(log.path).points) == 6


def test_edits_are_written_by_themselves_within_seconds(points: Particles) -> None:
    log = EditLog.create(points, name="picks")
    log.flush()
    size, started = log.path.stat().st_size, time.monotonic()
    add(log, 1, 2, 3)
    while log.path.stat().st_size == size:
        assert time.monotonic() - started < LOST_AFTER
        time.sleep(0.02)
    log.close()


def test_snapshot_is_kept_until_the_next_edit_and_does_not_change_with_it(
    labels: Labels,
) -> None:
    log = EditLog.create(labels, name="regions")
    first = log.snapshot()
    assert log.snapshot() is first
    before = first.checksum()
    log.do(regions.deleted(log.labels, [1]))
    assert log.snapshot() is not first
    assert first.checksum() == before
    assert isinstance(first, Labels)
    assert not first.data.flags.writeable
    assert source_of(first) == Source(edits=str(log.path), sequence=0)
    assert source_of(log.snapshot()) == Source(edits=str(log.path), sequence=1)


def test_record_of_a_job_on_a_snapshot_names_log_and_edit(labels: Labels) -> None:
    log = EditLog.create(labels, name="regions")
    log.do(regions.deleted(log.labels, [1]))
    noun = log.snapshot()
    assert isinstance(noun, Labels)
    volume = Volume(noun.data.astype(np.float32), noun.voxel_size, noun.origin)
    from mapscope.record import remember

    remember(volume, source_of(noun))
    result = all_jobs()["invert_contrast"](volume)
    parts = [result] if record_of(result) else list(vars(result).values())
    record = record_of(parts[0])
    assert record is not None
    sources = record.to_json()["inputs"][0]["sources"]
    assert sources == [{"edits": str(log.path), "sequence": 1}]
    assert as_command(record, "out.mrc") is None


def test_notes_on_open_logs_are_there_while_they_are_open(points: Particles) -> None:
    log = EditLog.create(points, name="picks")
    add(log, 1, 2, 3)
    assert noted_logs() == [log.path.resolve()]
    log.close()
    assert noted_logs() == []
    log = EditLog.open(log.path)
    assert noted_logs() == [log.path.resolve()]
    log.close()


CHILD = """
import sys, time
import numpy as np
from mapscope.edits import EditLog
from mapscope.particles import Particles
log = EditLog.create(Particles(np.zeros((1, 3))), name="killed")
print("path", log.path, flush=True)
n = 0
while True:
    n += 1
    log.do(log.points.added({"position": np.full((1, 3), float(n))}))
    print(n, time.time(), flush=True)
    time.sleep(0.004)
"""


def killed_after(seconds: float, environment: dict[str, str]) -> tuple[Path, list[float], float]:
    """A program that edits is killed: its log, when it made each edit, and when it was killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert child.stdout is not None
    path = Path(child.stdout.readline().split(maxsplit=1)[1].strip())
    time.sleep(seconds)
    killed = time.time()
    child.send_signal(signal.SIGKILL)
    said = child.stdout.read().splitlines()
    child.wait()
    child.stdout.close()
    whole = [line.split() for line in said if len(line.split()) == 2]
    return path, [float(when) for _, when in whole], killed


def check_kills(count: int, longest: float) -> None:
    random = np.random.default_rng(count)
    kept, oldest_lost = [], 0.0
    for seconds in random.uniform(0.0, longest, count):
        path, times, killed = killed_after(float(seconds), dict(os.environ))
        try:
            log = EditLog.open(path)
        except MapFormatError:
            assert killed - times[0] < LOST_AFTER
            continue
        edits = len(log.done)
        positions = log.points.rows(log.points.ids)["position"][1:]
        np.testing.assert_array_equal(positions, np.arange(1.0, edits + 1)[:, None].repeat(3, 1))
        lost = times[edits:]
        oldest_lost = max([oldest_lost, *(killed - when for when in lost)])
        kept.append(edits)
        assert path.resolve() in noted_logs()
        log.close()
        path.unlink(missing_ok=True)
    print(f"{count} kills, edits kept: {sorted(kept)}, oldest edit lost: {oldest_lost:.2f} s old")
    assert oldest_lost < LOST_AFTER
    assert max(kept) > 0


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_killed_program_loses_nothing_that_was_older_than_five_seconds() -> None:
    check_kills(3, 3.0)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is of POSIX")
def test_program_killed_at_fifty_random_moments_loses_nothing_older_than_five_seconds() -> None:
    check_kills(50, 8.0)


@pytest.mark.slow
def test_log_of_hundred_thousand_edits_opens_in_two_seconds() -> None:
    count = 100_000
    positions = np.random.default_rng(0).random((20_000, 3))
    log = EditLog.create(Particles(positions, score=positions[:, 0]), name="picks")
    add(log, 1, 2, 3)
    log.close()
    with log.path.open("a", encoding="utf-8") as file:
        file.writelines(many_edits(count))
    seconds = []
    for _ in range(TRIES):
        started = time.process_time()  # reading is one thread's work, whoever else is busy
        again = EditLog.open(log.path)
        seconds.append(time.process_time() - started)
        assert (again.notes, again.sequence) == ((), count + 1)
        assert len(again.points) == 20_001 + count // 4
        again.close()
        del again
    print(f"{count} edits opened in {min(seconds):.2f} s of processor time")
    assert min(seconds) < 2.0


def many_edits(count: int) -> list[str]:
    """Lines that add, move, score and name points."""
    lines = []
    for n in range(count):
        entry: dict[str, Any] = {"n": n + 2, "t": 1.7e9 + n, "g": f"{n:012x}", "op": "set"}
        if n % 4 == 0:
            entry |= {"op": "add", "ids": [20_001 + n // 4]}
            entry["after"] = {"position": [[n * 0.1, 1.25, -3.5]], "score": [None]}
        elif n % 4 == 1:
            before, after = [[n * 0.1, 1.25, -3.5]], [[n * 0.2, 1.125, -3.5]]
            entry |= {"ids": [n % 20_000]}
            entry |= {"before": {"position": before}, "after": {"position": after}}
        else:
            entry |= {"ids": [n % 20_000], "before": {"score": [0.5]}, "after": {"score": [n]}}
        lines.append(json.dumps(entry, separators=(",", ":")) + "\n")
    return lines
