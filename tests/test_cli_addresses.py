"""A file on the command line may be followed by how to read it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.record import record_of
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

CELL = (30.0, 24.0, 36.0, 90.0, 104.0, 90.0)


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The example's half maps as a stack of two volumes."""
    halves = example_noun(HalfMaps)
    maps = np.concatenate([halves.first.data, halves.second.data])
    path: Path = write(tmp_path / "stack.mrc", Volume(maps, (1.0,) * 3))
    raw = bytearray(path.read_bytes())
    depth = len(maps) // 2
    raw[36:40], raw[88:92] = (np.array(n, "<i4").tobytes() for n in (depth, 401))
    raw[48:52] = np.array(depth, "<f4").tobytes()
    path.write_bytes(raw)
    return path


def test_job_when_columns_are_named_makes_the_map_of_them(
    reflections_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"{reflections_file}?columns=DELFWT,PHDELWT"
    code, out, _ = run(
        capsys, "filter-map", address, "--low-pass", "8", "--out", tmp_path / "a.mrc", "--json"
    )
    assert code == 0
    expected = all_jobs()["filter_map"](
        read(reflections_file, columns="DELFWT,PHDELWT"), low_pass=8.0
    )
    np.testing.assert_array_equal(read(tmp_path / "a.mrc").data, expected.data)
    source = {"path": str(reflections_file), "options": {"columns": "DELFWT,PHDELWT"}}
    ours = record_of(expected)
    assert ours is not None
    assert json.loads(out)["record"]["inputs"] == ours.to_json()["inputs"]
    assert ours.to_json()["inputs"][0]["sources"] == [source]


def test_job_when_half_maps_are_a_stack_takes_both_of_it(
    stack: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, error = run(
        capsys, "shell-correlation", f"{stack}?index=0", f"{stack}?index=1", "--json"
    )
    assert code == 0, error
    answer = json.loads(out)
    options = [s["options"] for s in answer["record"]["inputs"][0]["sources"]]
    assert options == [{"index": 0}, {"index": 1}]
    paths = [write(tmp_path / f"{n}.mrc", read(stack, index=n)) for n in (0, 1)]
    plain = json.loads(run(capsys, "shell-correlation", *paths, "--json")[1])
    assert plain["record"]["outputs"] == answer["record"]["outputs"]


def test_job_when_a_crystal_shall_cover_a_model_reads_it_there(
    reflections_file: Path,
    model_far_away: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = model_far_away(CELL)
    words = ("flip-hand", f"{reflections_file}?columns=DELFWT,PHDELWT&cover={model}")
    assert run(capsys, *words, "--out", tmp_path / "a.mrc")[0] == 0
    expected = read(reflections_file, columns="DELFWT,PHDELWT", cover=model)
    assert read(tmp_path / "a.mrc").data.shape == expected.shape


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("columns=F,PHI", "there are: FWT,PHWT; DELFWT,PHDELWT"),
        ("column=FWT,PHWT", "is no reading option; there are columns=F,PHI of reflections; index="),
        ("index=1", "index is an option of .mrc, .map, .ccp4, .rec, not of .mtz"),
        ("cover=missing.cif", "there is no file missing.cif"),
    ],
)
def test_job_and_info_when_an_option_is_wrong_say_what_there_is(
    reflections_file: Path, capsys: pytest.CaptureFixture[str], option: str, message: str
) -> None:
    address = f"{reflections_file}?{option}"
    for words in (("filter-map", address, "--out", "x.mrc"), ("info", address)):
        code, out, error = run(capsys, *words)
        assert (code, out) == (2, "")
        assert message in error
        assert error.count("\n") == 1


def test_info_when_options_follow_tells_of_what_they_name(
    stack: Path, reflections_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    highest = []
    for index in (0, 1):
        code, out, _ = run(capsys, "info", f"{stack}?index={index}", "--json")
        assert code == 0
        found = json.loads(out)
        assert found["path"] == str(stack)
        highest.append(found["facts"]["highest"])
    assert highest == [float(read(stack, index=n).data.max()) for n in (0, 1)]
    code, out, _ = run(capsys, "info", stack)
    assert code == 2
    assert "choose one with index=0 to index=1" in " ".join(out.split())
    deviations = []
    for columns in ("FWT,PHWT", "DELFWT,PHDELWT"):
        out = run(capsys, "info", f"{reflections_file}?columns={columns}", "--json")[1]
        deviations.append(json.loads(out)["facts"]["deviation"])
    assert deviations[1] == pytest.approx(2 * deviations[0], rel=1e-5)


def test_job_when_a_file_holds_labels_says_how_to_read_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    regions = np.repeat(np.arange(8, dtype=np.int32), 512).reshape(16, 16, 16)
    path = write(tmp_path / "labels.mrc", Labels(regions))
    words = ("--out", tmp_path / "a.mrc")
    code, _, error = run(capsys, "flip-hand", path, *words)
    assert code == 2
    assert f"read it so: '{path}?kind=volume'" in error
    assert run(capsys, "flip-hand", f"{path}?kind=volume", *words)[0] == 0
    np.testing.assert_array_equal(np.unique(read(tmp_path / "a.mrc").data), np.arange(8))


def test_help_when_asked_says_how_a_file_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    pages = {words: " ".join(run(capsys, *words, "--help")[1].split()) for words in HELP}
    for words, text in HELP.items():
        assert text in pages[words]


HELP = {
    (): "'a.mtz?columns=FWT,PHWT'",
    ("filter-map",): "columns=FWT,PHWT (MTZ), index=0 (stack)",
    ("info",): "'a.mtz?columns=FWT,PHWT'",
    ("gui",): "'a.mtz?columns=FWT,PHWT'",
}
