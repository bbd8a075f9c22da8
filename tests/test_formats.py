"""What is written and printed is what docs/formats.md says."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import pytest
from tests.path_settings import path_settings

from mapscope import cli, read, write
from mapscope.files.result import plan_files, write_nouns, write_result
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.record import record_of
from mapscope.structure import Structure
from mapscope.table import Plot, Table
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

PAGE = (Path(__file__).parent.parent / "docs" / "formats.md").read_text("utf-8")
SCHEMAS: dict[str, Any] = {
    schema["title"]: schema
    for schema in map(
        json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    )
}
JOBS = all_jobs()


def assert_valid(name: str, document: Any) -> None:
    schema = SCHEMAS[name]
    kind = jsonschema.Draft202012Validator
    kind.check_schema(schema)
    checker = jsonschema.FormatChecker()
    kind(schema, format_checker=checker).validate(document)


def test_page_has_a_schema_for_each_document() -> None:
    documents = {"record", "answer", "inspection", "table", "log of edits", "edit", "model card"}
    documents |= {"progress line", "training"}
    assert set(SCHEMAS) == documents


def test_progress_when_told_by_lines_is_as_its_schema_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MAPSCOPE_PROGRESS", "json")
    volume = write(tmp_path / "a.mrc", example_noun(Volume))
    out = ["--out", str(tmp_path / "b.mrc")]
    assert cli.main(["filter-map", str(volume), "--low-pass", "6", *out]) == 0
    assert cli.main(["filter-map", str(tmp_path / "none.mrc"), *out]) == 2
    lines = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    for line in lines:
        assert_valid("progress line", line)
    kinds = [line["kind"] for line in lines]
    assert kinds[0] == "start"
    assert kinds[-3:] == ["start", "message", "end"]
    assert [line["code"] for line in lines if line["kind"] == "end"] == [0, 2]
    assert "none.mrc" in lines[-2]["text"]
    with pytest.raises(jsonschema.ValidationError):
        assert_valid("progress line", {"kind": "progress", "share": 2, "message": ""})


def test_record_of_a_run_that_was_stopped_says_how_much_of_it_is_done() -> None:
    record = record_of(JOBS["make_mask"](example_noun(Volume)))
    assert record is not None
    stopped = replace(record, share=0.34).to_json()
    assert_valid("record", record.to_json())
    assert_valid("record", stopped)
    assert stopped == {**record.to_json(), "share": 0.34}
    with pytest.raises(jsonschema.ValidationError):
        assert_valid("record", {**stopped, "share": 1})


def test_facts_of_a_training_are_as_their_schema_says() -> None:
    folder = Path(path_settings("show_training")["run_folder"])
    content = json.loads((folder / "run.json").read_text("utf-8"))
    assert_valid("training", content)
    assert "ended" in content
    noted = {"process": {"pid": 7, "started": 1.5}, "stopped": True, "failed": "why"}
    assert_valid("training", content | noted)


@pytest.fixture
def chained(tmp_path: Path) -> dict[str, Any]:
    """Record of a run on a file, on a result of another run, and on a layer made by hand."""
    volume = read(write(tmp_path / "a.mrc", example_noun(Volume)))
    mask = JOBS["make_mask"](volume)
    edited = volume.with_data(volume.data * 2)
    result = JOBS["subtract_maps"](JOBS["flip_hand"](volume), edited, mask)
    (written,) = write_nouns({"difference": result.difference}, tmp_path / "b.mrc")
    beside = written.path.with_name("b.mrc.record.json")
    content: dict[str, Any] = json.loads(beside.read_text("utf-8"))
    return content


def test_record_when_written_is_as_its_schema_says(chained: dict[str, Any]) -> None:
    assert_valid("record", chained)
    sources = [i["sources"][0] for i in chained["inputs"]]
    assert [sorted(s) for s in sources] == [["field", "record"], [], ["field", "record"]]
    assert sorted(sources[0]["record"]["inputs"][0]["sources"][0]) == ["path"]


def test_record_when_a_file_was_read_with_options_is_as_its_schema_says(
    reflections_file: Path,
) -> None:
    box = ((0.0, 0.0, 0.0), (9.0, 9.0, 9.0))
    volume = read(reflections_file, columns="DELFWT,PHDELWT", cover=box, kind="volume")
    record = record_of(JOBS["flip_hand"](volume))
    assert record is not None
    content = record.to_json()
    assert_valid("record", content)
    options = content["inputs"][0]["sources"][0]["options"]
    assert sorted(options) == ["columns", "cover", "kind"]
    for wrong in ({"colums": "F,PHI"}, {"index": -1}, {}):
        content["inputs"][0]["sources"][0]["options"] = wrong
        with pytest.raises(jsonschema.ValidationError):
            assert_valid("record", content)


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 2},
        {"job": "Make mask"},
        {"outputs": {"mask": "abc"}},
        {"parameters": {"region": {"lower": 1}}},
        {"seconds": -1},
        {"colour": "red"},
        {"inputs": [{"parameter": "volume"}]},
    ],
)
def test_record_when_it_is_another_than_the_schema_says_is_refused(
    chained: dict[str, Any], change: dict[str, Any]
) -> None:
    with pytest.raises(jsonschema.ValidationError):
        assert_valid("record", chained | change)


def test_answer_when_printed_is_as_its_schema_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = example_noun(HalfMaps)
    paths = [
        str(write(tmp_path / f"{n}.mrc", h)) for n, h in ((1, halves.first), (2, halves.second))
    ]
    words = ["sharpen-by-b-factor", "--half-maps", *paths, "--out", f"{tmp_path}/out/", "--json"]
    assert cli.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert_valid("answer", answer)
    assert_valid("record", answer["record"])
    assert len(answer["guinier"]) > 3
    assert answer["b_factor"] < 0
    for wrong in ({"files": None}, {"guinier": [[1, 2]]}, {"extra": {"a": {"b": 1}}}):
        with pytest.raises(jsonschema.ValidationError):
            assert_valid("answer", answer | wrong)


def test_table_when_written_as_json_is_as_its_schema_says(tmp_path: Path) -> None:
    table = Table(
        {"x": np.array([1.0, np.inf]), "t": np.array(["a", "b"])}, {"x": "Å"}, Plot("x", ("x",))
    )
    content = json.loads(write(tmp_path / "a.json", table).read_text("utf-8"))
    assert_valid("table", content)
    assert content["records"][1] == {"x": None, "t": "b"}


def test_fsc_xml_on_the_page_is_what_is_written(tmp_path: Path) -> None:
    table = Table(
        {"f": np.array([0.1]), "fsc": np.array([0.5])},
        plot=Plot("f", ("fsc",), reciprocal_x=True),
    )
    shown = re.search(r"^```xml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert write(tmp_path / "a.xml", table).read_text("utf-8") == shown[1]


KINDS: dict[str, type] = {"map": Volume, "model": Structure, "curve": Table, "second": Volume}


@pytest.mark.parametrize(
    ("out", "save", "names"),
    [
        ("x.mrc", (), ["x.mrc", "x_model.cif", "x_curve.csv", "x_second.mrc"]),
        ("a.b_2.5A.map.GZ", ("map", "curve"), ["a.b_2.5A.map.GZ", "a.b_2.5A_curve.csv"]),
        ("x.mrc", ("second",), ["x_second.mrc"]),
        ("x.csv", ("curve",), ["x.csv"]),
        ("x.xml", (), ["x_map.mrc", "x_model.cif", "x.xml", "x_second.mrc"]),
        ("new/", (), ["map.mrc", "model.cif", "curve.csv", "second.mrc"]),
        ("", ("model",), ["model.cif"]),
    ],
)
def test_plan_files_when_asked_gives_the_names_that_the_page_says(
    tmp_path: Path, out: str, save: tuple[str, ...], names: list[str]
) -> None:
    paths = plan_files(KINDS, f"{tmp_path}/{out}", save)
    assert [p.name for p in paths.values()] == names
    assert {p.parent for p in paths.values()} == {tmp_path / out if out.endswith("/") else tmp_path}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "save", "message"),
    [
        ("x.xyz", (), "map cannot be written as .xyz; possible: .mrc.* folder/"),
        ("x", (), "a file without suffix"),
        ("x.mrc", ("colour",), "cannot save 'colour': this result has map, model, curve, second"),
        ("no/x.mrc", (), "no does not exist: make it first"),
    ],
)
def test_plan_files_when_it_cannot_be_says_why_and_what_could(
    tmp_path: Path, out: str, save: tuple[str, ...], message: str
) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        plan_files(KINDS, tmp_path / out, save)


def test_plan_files_when_a_noun_has_no_format_says_so_unless_it_is_left_out(tmp_path: Path) -> None:
    kinds: dict[str, type] = {"map": Volume, "halves": HalfMaps}
    with pytest.raises(ValueError, match="halves: a HalfMaps has no file format yet"):
        plan_files(kinds, f"{tmp_path}/")
    assert list(plan_files(kinds, f"{tmp_path}/", ["map"])) == ["map"]


def test_write_result_when_given_one_noun_or_many_writes_each_with_its_record(
    tmp_path: Path,
) -> None:
    volume = example_noun(Volume)
    assert [w.path.name for w in write_result(tmp_path / "labels.mrc", example_noun(Labels))] == [
        "labels.mrc"
    ]
    assert not (tmp_path / "labels.mrc.record.json").exists()
    result = JOBS["sharpen_by_b_factor"](volume, b_factor=-20.0)
    written = write_result(tmp_path / "s.mrc", result)
    assert [w.path.name for w in written] == ["s.mrc", "s_guinier.csv"]
    for one in written:
        assert one.path.with_name(one.path.name + ".record.json").is_file()


def test_info_when_printed_as_json_is_as_its_schema_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume = example_noun(Volume)
    path = write(tmp_path / "a.mrc", Volume(-volume.data, (1.0, 1.0, 1.0)))
    assert cli.main(["info", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["findings"]
    assert_valid("inspection", answer)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"format_version": 2},
        {"name": "../a"},
        {"tile": -1},
        {"voxel_size": 0.0},
        {"outputs": []},
        {"outputs": [{"name": "map", "kind": "picture", "features": 1}]},
        {"training": {"scores": {"accuracy": "good"}}},
        {"program": "x"},
    ],
)
def test_model_card_and_its_schema_take_and_refuse_the_same(change: dict[str, Any]) -> None:
    from mapscope.errors import ModelFormatError
    from mapscope.inference.card import Card, Output

    output = Output(name="class", kind="classes", features=3, of="map")
    content = Card(name="a", architecture="dense_2019", outputs=(output,)).to_json() | change
    if not change:
        assert_valid("model card", content)
        assert Card.from_json(content).to_json() == content
        return
    with pytest.raises(jsonschema.ValidationError):
        assert_valid("model card", content)
    with pytest.raises(ModelFormatError):
        Card.from_json(content)
