"""The command line is a contract, and every job keeps it."""

from __future__ import annotations

import inspect
import json
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.path_settings import path_settings

from mapscope import cli, read, write
from mapscope.errors import Cancelled, MapscopeError
from mapscope.files.result import plan_files
from mapscope.job import Job, Parameter
from mapscope.jobs import all_jobs
from mapscope.mesh import Mesh
from mapscope.particles import Particles
from mapscope.record import record_of
from mapscope.replay import as_command
from mapscope.structure import Structure
from mapscope.table import Table
from mapscope.testing import example_call, example_noun
from mapscope.volume import HalfMaps, Volume

JOBS = all_jobs()

# What a job needs beside its required nouns (or its first one), where its defaults are not
# enough. A job whose test says so needs a line here.
SETTINGS: dict[str, dict[str, Any]] = {
    "filter_map": {"low_pass": 6.0},
    "find_symmetry": {"most_fold": 2},
    "pick_blobs": {"diameter": 6.0},
    "average_particles": {"box": 14.4},
    "resample": {"voxel_size": 1.8},
    "score_picks": {"radius": 6.0},
    "sharpen_by_b_factor": {"b_factor": -40.0},
}
READABLE = {".mrc", ".csv"}
WITH_SEVERAL_NOUNS = [
    n
    for n, j in JOBS.items()
    if sum(o.is_noun for o in j.outputs) > 1
    and n not in ("apply_model", "average_particles", "show_sample")  # whose others are optional
]


def example_of(job: Job) -> dict[str, Any]:
    """Nouns and settings with which a job runs."""
    call = example_call(job) | SETTINGS.get(job.name, {}) | path_settings(job.name)
    try:
        job.check(**call)
        job(**call)
    except MapscopeError as error:
        pytest.fail(
            f"{job.name} does not run on example nouns with its defaults ({error}): "
            "add what it needs to SETTINGS in tests/test_cli.py"
        )
    return call


@dataclass(frozen=True)
class Command:
    """A job's example as a command.

    Parameters
    ----------
    job : Job
        The job.
    inputs : dict
        File names of each noun that is given, by parameter.
    call : dict
        Arguments of the job in Python, read from these files.
    """

    job: Job
    inputs: dict[str, list[str]]
    call: dict[str, Any]

    @property
    def name(self) -> str:
        return self.job.name.replace("_", "-")

    @property
    def settings(self) -> list[str]:
        """Words that set what is no noun."""
        words = []
        for name, value in self.call.items():
            if name not in self.inputs:
                numbers = value if isinstance(value, tuple) else (value,)
                words += [flag(name), *map(str, numbers)]
        return words

    @property
    def words(self) -> list[str]:
        """The command without ``--out``, inputs by name."""
        named = [w for name, paths in self.inputs.items() for w in (flag(name), *paths)]
        return [self.name, *named, *self.settings]

    @property
    def first_suffix(self) -> str:
        kind = next(o.noun for o in self.job.outputs if o.noun)
        suffixes = {Table: ".csv", Mesh: ".ply", Structure: ".cif", Particles: ".csv"}
        return suffixes.get(kind, ".mrc")


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


@pytest.fixture
def command(tmp_path: Path) -> Callable[[str], Command]:
    """Writes the nouns of a job's example into files."""

    def make(name: str) -> Command:
        job = JOBS[name]
        call = example_of(job)
        inputs: dict[str, list[str]] = {}
        for parameter in job.inputs:
            noun = call.get(parameter.name)
            if noun is not None:
                inputs[parameter.name] = write_noun(tmp_path, parameter.name, noun)
                call[parameter.name] = read_noun(inputs[parameter.name])
        return Command(job, inputs, call)

    return make


def write_noun(folder: Path, name: str, noun: Any) -> list[str]:
    """Names of the files that a noun was written to."""
    parts = {name: noun}
    if isinstance(noun, HalfMaps):
        parts = {f"{name}_1": noun.first, f"{name}_2": noun.second}
    folder = folder / "inputs"
    folder.mkdir(exist_ok=True)
    kinds = {part: type(value) for part, value in parts.items()}
    paths = plan_files(kinds, f"{folder}/")
    return [str(write(paths[part], value)) for part, value in parts.items()]


def read_noun(paths: list[str]) -> Any:
    parts = [read(path) for path in paths]
    return HalfMaps(*parts) if len(parts) == 2 else parts[0]


def run(capsys: pytest.CaptureFixture[str], words: list[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    capsys.readouterr()
    code = cli.main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def assert_refused(capsys: pytest.CaptureFixture[str], words: list[str], *reasons: str) -> None:
    """Exit code 2, nothing on standard output and one line on standard error."""
    code, out, err = run(capsys, words)
    assert (code, out) == (2, ""), err
    assert err.startswith("mapscope: ")
    assert err.count("\n") == 1
    for reason in reasons:
        assert reason in err


def assert_holds(path: Path, noun: Any) -> None:
    """What is in the file is the noun; a kind that nothing reads is written again to compare."""
    if path.suffix not in READABLE:
        again = write(path.with_name(f"again{path.suffix}"), noun)
        assert again.read_bytes() == path.read_bytes()
        again.unlink()
        return
    found = read(path)
    if isinstance(noun, Particles):  # which files round
        np.testing.assert_allclose(found.positions, noun.positions, atol=1e-9)
        return
    assert found.checksum() == noun.checksum()
    if isinstance(noun, Volume):
        np.testing.assert_array_equal(found.data, noun.data)


@pytest.mark.parametrize("name", JOBS)
def test_help_of_a_job_names_and_describes_every_parameter(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, [name.replace("_", "-"), "--help"])
    assert (code, err) == (0, "")
    assert JOBS[name].summary in " ".join(out.split())
    for parameter in JOBS[name].parameters:
        assert flag(parameter.name) in out
        assert parameter.help.split()[0] in out
    for option in ("--out", "--save", "--json"):
        assert option in out


def test_help_without_a_job_lists_every_job(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, ["--help"])
    assert code == 0
    for name in JOBS:
        assert f" {name.replace('_', '-')} " in out


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    from mapscope import __version__

    assert run(capsys, ["--version"]) == (0, f"{__version__}\n", "")


@pytest.mark.parametrize("name", JOBS)
def test_run_with_json_prints_one_object_with_all_that_came_out(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    this = command(name)
    out = tmp_path / f"result{this.first_suffix}"
    code, text, _ = run(capsys, [*this.words, "--out", str(out), "--json"])
    assert code == 0
    assert text.endswith("}\n")
    answer = json.loads(text)
    expected = this.job(**this.call)
    nouns = dict(this.job.nouns_of(expected))
    tables = {n: noun for n, noun in nouns.items() if isinstance(noun, Table)}
    scalars = this.job.scalars_of(expected)
    assert set(answer) == {*scalars, *tables, "files", "record"}
    assert {name: answer[name] for name in scalars} == scalars
    for field, table in tables.items():
        assert [list(row) for row in answer[field]] == [list(table.columns)] * len(table)
    assert [f["field"] for f in answer["files"]] == list(nouns)
    assert answer["files"][0]["path"] == str(out)
    for entry in answer["files"]:
        path, noun = Path(entry["path"]), nouns[entry["field"]]
        assert entry["checksum"] == answer["record"]["outputs"][entry["field"]]
        assert entry["checksum"] == noun.checksum()
        assert_holds(path, noun)
        beside = json.loads(path.with_name(path.name + ".record.json").read_text("utf-8"))
        assert beside == answer["record"]
    assert answer["record"]["job"] == name
    assert set(answer["record"]["parameters"]) == {p.name for p in this.job.settings}
    assert [i["parameter"] for i in answer["record"]["inputs"]] == list(this.inputs)


@pytest.mark.parametrize("name", JOBS)
def test_run_when_inputs_come_by_position_gives_the_same_as_by_name_and_in_python(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    this = command(name)
    folders = [tmp_path / "named", tmp_path / "placed"]
    placed = [this.name, *(p for paths in this.inputs.values() for p in paths), *this.settings]
    for folder, words in zip(folders, (this.words, placed), strict=True):
        assert run(capsys, [*words, "--out", f"{folder}/"])[0] == 0
    for field, noun in this.job.nouns_of(this.job(**this.call)):
        for folder in folders:
            (path,) = (p for p in folder.glob(f"{field}.*") if p.suffix != ".json")
            assert_holds(path, noun)


@pytest.mark.parametrize("name", WITH_SEVERAL_NOUNS)
def test_save_when_given_writes_only_what_it_names_under_the_same_names(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    this = command(name)
    last = [o for o in this.job.outputs if o.is_noun][-1]
    out = tmp_path / f"x{this.first_suffix}"
    code, text, _ = run(capsys, [*this.words, "--out", str(out), "--save", last.name, "--json"])
    assert code == 0
    (entry,) = json.loads(text)["files"]
    assert entry["field"] == last.name
    assert Path(entry["path"]).name.startswith(f"x_{last.name}.")
    assert sorted(p.name for p in tmp_path.glob("x*")) == sorted(
        [Path(entry["path"]).name, Path(entry["path"]).name + ".record.json"]
    )


@pytest.mark.parametrize("name", JOBS)
def test_run_without_out_prints_tables_and_refuses_everything_else(
    name: str, command: Callable[[str], Command], capsys: pytest.CaptureFixture[str]
) -> None:
    this = command(name)
    if all(o.noun is Table for o in this.job.outputs if o.is_noun):
        code, text, _ = run(capsys, [*this.words, "--json"])
        assert code == 0
        assert json.loads(text)["files"] == []
        assert_refused(capsys, [*this.words, "--save", this.job.outputs[0].name], "--out PATH")
    else:
        assert_refused(capsys, this.words, f"{this.name} writes files", "--out PATH")


def one_wrong_value(parameter: Parameter) -> tuple[str, ...] | None:
    """Words that a parameter must refuse, or None for one that takes anything."""
    low, high = parameter.bounds
    if parameter.kind in ("number", "integer") and (low, high) != (None, None):
        return (str(int(low - 1) if low is not None else int(high + 1)),)  # type: ignore[operator]
    wrong = {
        "number": ("many",),
        "integer": ("1.5",),
        "choice": ("another",),
        "region": ("1:2",),
        "triple": ("1", "2", "nan"),
    }
    return wrong.get(parameter.kind)


@pytest.mark.parametrize("name", JOBS)
def test_run_when_something_given_is_wrong_exits_with_2_and_one_line(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    this = command(name)
    out = ["--out", f"{tmp_path}/out/"]
    for first in list(this.inputs)[:1]:  # a job that takes paths has none
        missing = [str(tmp_path / "missing.mrc")] * len(this.inputs[first])
        rest = [w for n, paths in this.inputs.items() if n != first for w in (flag(n), *paths)]
        words = [this.name, *this.settings, *rest, flag(first)]
        assert_refused(capsys, [*words, *missing, *out], "there is no file", missing[0])
        table = str(write(tmp_path / "table.csv", example_noun(Table)))
        wrong_kind = [table] * len(missing)
        needs = f"{flag(first)} needs a"
        assert_refused(capsys, [*words, *wrong_kind, *out], needs, "holds a table")
    assert_refused(capsys, [*this.words, "--colour", "red", *out], "--colour")
    assert_refused(capsys, [*this.words, *out, "--save", "nothing"], "cannot save 'nothing'")
    assert_refused(capsys, [*this.words, "--out", str(tmp_path / "x.pkl")], ".pkl", "possible")
    nowhere = str(tmp_path / "no" / f"x{this.first_suffix}")
    assert_refused(capsys, [*this.words, "--out", nowhere], "no does not exist")
    for parameter in this.job.settings:
        wrong = one_wrong_value(parameter)
        if wrong is not None:
            plain = without(this.words, parameter.name)
            assert_refused(capsys, [*plain, flag(parameter.name), *wrong, *out], *wrong[-1:])
    assert not (tmp_path / "out").exists()


def without(words: list[str], name: str) -> list[str]:
    """A command's words without one option and its values."""
    if flag(name) not in words:
        return words
    begin = words.index(flag(name))
    end = next((n for n in range(begin + 1, len(words)) if words[n].startswith("--")), len(words))
    return words[:begin] + words[end:]


@pytest.mark.parametrize("name", [n for n, j in JOBS.items() if any(p.required for p in j.inputs)])
def test_run_when_a_required_input_is_left_out_exits_with_2(
    name: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    required = next(p for p in JOBS[name].inputs if p.required)
    words = [name.replace("_", "-"), "--out", f"{tmp_path}/"]
    assert_refused(capsys, words, flag(required.name))


@pytest.mark.parametrize("name", JOBS)
def test_run_when_the_job_breaks_exits_with_1_and_when_cancelled_with_130(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    this = command(name)
    words = [*this.words, "--out", f"{tmp_path}/out/"]
    signature = inspect.signature(this.job.function)
    errors: list[tuple[BaseException, int, str]] = [
        (ZeroDivisionError("a bug\nof ours"), 1, "mapscope: ZeroDivisionError: a bug of ours\n"),
        (Cancelled("by the user"), 130, "mapscope: cancelled\n"),
        (KeyboardInterrupt(), 130, "mapscope: cancelled\n"),
    ]
    for error, code, line in errors:

        def broken(error: BaseException = error, **_: Any) -> None:
            raise error

        broken.__signature__ = signature  # type: ignore[attr-defined]
        monkeypatch.setattr(this.job, "function", broken)
        assert run(capsys, words) == (code, "", line)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", JOBS)
def test_as_command_of_a_result_is_a_command_that_gives_it_again(
    name: str,
    command: Callable[[str], Command],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    this = command(name)
    code, text, _ = run(capsys, [*this.words, "--out", f"{tmp_path}/first/", "--json"])
    assert code == 0
    nouns = dict(this.job.nouns_of(this.job(**this.call)))
    record = record_of(next(iter(nouns.values())))
    assert record is not None
    line = as_command(record, f"{tmp_path}/second/")
    assert line is not None
    assert run(capsys, [*shlex.split(line)[1:], "--json"])[0] == 0
    for entry in json.loads(text)["files"]:
        first = Path(entry["path"])
        assert (tmp_path / "second" / first.name).read_bytes() == first.read_bytes()


def test_run_when_interrupted_in_the_middle_exits_with_130_and_leaves_no_file(
    tmp_path: Path,
) -> None:
    size = 256
    source = write(tmp_path / "large.mrc", Volume(np.zeros((size,) * 3, np.float32)))
    out = tmp_path / "out.mrc"
    words = ["filter-map", str(source), "--low-pass", "5", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mapscope.cli", *words], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "Fourier transform\n"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=20)
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "mapscope: cancelled"
    assert "Traceback" not in rest
    assert [p.name for p in tmp_path.iterdir()] == ["large.mrc"]


def test_run_when_a_person_reads_it_prints_headline_numbers_and_files(
    command: Callable[[str], Command], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    this = command("sharpen_by_b_factor")
    code, text, err = run(capsys, [*this.words, "--out", str(tmp_path / "a.mrc")])
    assert code == 0
    lines = text.splitlines()
    assert lines[:2] == ["B-factor −40.0 Å²", "b factor: -40"]
    assert lines[-2:] == [str(tmp_path / "a.mrc"), str(tmp_path / "a_guinier.csv")]
    assert "Fourier transform" in err
