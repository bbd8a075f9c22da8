"""A record says enough to judge a result and to make it again."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import gemmi
import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.jobs import all_jobs
from mapscope.labels import Labels
from mapscope.record import (
    Record,
    RecordedInput,
    Source,
    checksum_of,
    plain,
    record_of,
    recorded_input,
    save_record,
    source_of,
)
from mapscope.replay import as_command, as_script
from mapscope.structure import Structure
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Region, Volume

JOBS = all_jobs()


@pytest.fixture
def map_path(tmp_path: Path) -> Path:
    path: Path = write(tmp_path / "a map.mrc", example_noun(Volume))
    return path


def record(noun: Any) -> Record:
    found = record_of(noun)
    assert found is not None
    return found


def no_snapshot(_input: RecordedInput, _part: int) -> str:
    raise AssertionError("this input is no layer made by hand")


def test_key_when_runs_are_equal_is_equal_and_else_differs(map_path: Path) -> None:
    volume = read(map_path)
    first, second = (JOBS["filter_map"](volume, low_pass=8) for _ in range(2))
    other_input = volume.with_data(volume.data * 2)
    others = [
        JOBS["filter_map"](volume, low_pass=8.5),
        JOBS["filter_map"](volume, high_pass=8),
        JOBS["filter_map"](other_input, low_pass=8),
        JOBS["make_mask"](volume, low_pass=8),
    ]
    assert record(first).key == record(second).key
    assert len({record(first).key, *(record(o).key for o in others)}) == 5


def test_key_when_inputs_change_places_differs() -> None:
    a, b = example_noun(Volume, 1), example_noun(Volume, 2)
    keys = {record(JOBS["subtract_maps"](*pair).difference).key for pair in ((a, b), (b, a))}
    assert len(keys) == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, np.float32(math.nan)])
def test_plain_when_a_number_is_not_finite_is_none(value: float) -> None:
    assert plain(value) is None
    assert plain((1.0, value)) == [1.0, None]


def test_plain_gives_what_json_can_hold() -> None:
    region = Region((0, 1, 2), (3, 4, 5))
    values = (np.int32(3), np.float32(0.5), np.bool_(True), region, Path("a"), "b", None)
    assert plain(values) == [3, 0.5, True, "0:3,1:4,2:5", "a", "b", None]
    assert json.dumps(plain(values)) == '[3, 0.5, true, "0:3,1:4,2:5", "a", "b", null]'


def test_save_record_when_read_again_is_the_same(tmp_path: Path, map_path: Path) -> None:
    mask = JOBS["make_mask"](read(map_path))
    beside = save_record(tmp_path / "mask.mrc", record(mask))
    assert beside.name == "mask.mrc.record.json"
    assert json.loads(beside.read_text("utf-8")) == record(mask).to_json()


def test_save_record_when_a_number_is_not_finite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_record(tmp_path / "a.mrc", Record("a", {"x": math.nan}))


def test_recorded_input_when_half_maps_come_from_files_names_both(tmp_path: Path) -> None:
    halves = example_noun(HalfMaps)
    paths = [write(tmp_path / f"{n}.mrc", h) for n, h in ((1, halves.first), (2, halves.second))]
    read_again = HalfMaps(read(paths[0]), read(paths[1]))
    recorded = recorded_input("half_maps", read_again)
    assert recorded.paths == tuple(str(p.resolve()) for p in paths)
    assert recorded.kind == "HalfMaps"
    assert recorded.checksum == halves.checksum() == checksum_of(read_again)


def test_recorded_input_when_made_in_memory_has_no_path() -> None:
    recorded = recorded_input("volume", example_noun(Volume))
    assert recorded.paths is None
    assert recorded.to_json()["sources"] == [{}]


def test_chain_when_jobs_follow_each_other_starts_with_the_first(map_path: Path) -> None:
    volume = read(map_path)
    mask = JOBS["make_mask"](volume, low_pass=8)
    padded = JOBS["pad_map"](volume, margin=2)
    grown = JOBS["fit_grid"](mask, padded)
    chain = record(grown).chain()
    assert [r.job for r in chain] == ["make_mask", "pad_map", "fit_grid"]
    assert chain[-1] is record(grown)


def test_chain_when_an_input_is_used_twice_has_it_once(map_path: Path) -> None:
    mask = JOBS["make_mask"](read(map_path))
    result = JOBS["subtract_maps"](JOBS["flip_hand"](mask), mask)
    assert [r.job for r in record(result.difference).chain()] == [
        "make_mask",
        "flip_hand",
        "subtract_maps",
    ]


def test_chain_when_a_run_is_repeated_later_stands_on_nothing_behind_it(map_path: Path) -> None:
    noun = read(map_path)
    for _ in range(3):
        noun = JOBS["flip_hand"](noun)
    chain = record(noun).chain()
    assert [r.job for r in chain] == ["flip_hand", "flip_hand"]
    script = as_script(record(noun), "out.mrc", no_snapshot)
    assert "result_1 = flip_hand(\n    volume=read(" in script
    assert script.index("result_1 =") < script.index("volume=result_1")
    assert "write_result('out.mrc', result_1)" in script


def test_as_command_when_inputs_are_files_names_everything_as_it_was(map_path: Path) -> None:
    filtered = JOBS["filter_map"](read(map_path), low_pass=1 / 0.3, region="0:9,1:8,2:7")
    assert as_command(record(filtered), "o u t.mrc") == (
        f"mapscope filter-map --volume '{map_path.resolve()}' --low-pass {1 / 0.3!r} "
        "--edge cosine --region 0:9,1:8,2:7 --out 'o u t.mrc'"
    )


def test_as_command_when_a_flag_is_off_or_a_point_negative_says_so(tmp_path: Path) -> None:
    run = Record(
        "some_job",
        {"is_on": True, "by_fsc": False, "position": [-1.5, 2.0, 3.0], "none": None, "count": 3},
        (RecordedInput("half_maps", "HalfMaps", "0", (Source(path="/a"), Source(path="/b"))),),
    )
    assert as_command(run, "x.csv") == (
        "mapscope some-job --half-maps /a /b --is-on --no-by-fsc "
        "--position -1.5 2.0 3.0 --count 3 --out x.csv"
    )


def test_as_command_when_an_input_is_no_file_is_none(map_path: Path) -> None:
    volume = read(map_path)
    made = volume.with_data(volume.data + 1)
    assert as_command(record(JOBS["flip_hand"](made)), "x.mrc") is None
    assert as_command(record(JOBS["flip_hand"](JOBS["flip_hand"](volume))), "x.mrc") is None


def test_as_command_when_run_writes_identical_data(tmp_path: Path) -> None:
    halves = example_noun(HalfMaps)
    paths = [write(tmp_path / f"{n}.mrc", h) for n, h in ((1, halves.first), (2, halves.second))]
    result = JOBS["sharpen_by_b_factor"](
        half_maps=HalfMaps(read(paths[0]), read(paths[1])), b_factor=-30.0, weight_by_fsc=False
    )
    command = as_command(record(result.sharpened), str(tmp_path / "again.mrc"))
    assert command is not None
    words = command.split()
    assert words[0] == "mapscope"
    assert cli.main(words[1:]) == 0
    again = read(tmp_path / "again.mrc")
    np.testing.assert_array_equal(again.data, result.sharpened.data)
    content = json.loads((tmp_path / "again.mrc.record.json").read_text("utf-8"))
    ours = record(result.sharpened).to_json()
    for name in ("job", "parameters", "inputs", "outputs", "cite"):
        assert content[name] == ours[name]


def test_as_script_when_run_repeats_the_chain_and_writes_identical_data(tmp_path: Path) -> None:
    halves = example_noun(HalfMaps)
    paths = [write(tmp_path / f"{n}.mrc", h) for n, h in ((1, halves.first), (2, halves.second))]
    pair = HalfMaps(read(paths[0]), read(paths[1]))
    edited = pair.first.with_data(pair.first.data * 2)
    mask = JOBS["make_mask"](edited, low_pass=6.0)
    result = JOBS["sharpen_by_b_factor"](half_maps=pair, mask=mask, region="2:20,2:22,3:24")
    asked: list[tuple[str, int]] = []

    def snapshot(recorded: RecordedInput, part: int) -> str:
        asked.append((recorded.parameter, part))
        return str(write(tmp_path / "edited.mrc", edited))

    script = as_script(record(result.sharpened), str(tmp_path / "again.mrc"), snapshot)
    assert asked == [("volume", 0)]
    (tmp_path / "script.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, tmp_path / "script.py"], check=True)
    again = read(tmp_path / "again.mrc")
    np.testing.assert_array_equal(again.data, result.sharpened.data)
    assert again.grid.matches(result.sharpened.grid, tolerance=1e-6)


def test_as_script_when_nothing_of_it_is_needed_imports_no_more(map_path: Path) -> None:
    script = as_script(record(JOBS["flip_hand"](read(map_path))), "x.mrc", no_snapshot)
    assert "from mapscope import read, write_result\n" in script
    assert "from mapscope.jobs import flip_hand\n" in script
    compile(script, "script", "exec")


def test_record_when_changed_in_a_copy_has_another_key() -> None:
    run = Record("a", {"x": 1.0})
    assert run.key != replace(run, parameters={"x": 2.0}).key
    assert run.key == replace(run, started="later", seconds=9.0).key


CELL = (30.0, 24.0, 36.0, 90.0, 104.0, 90.0)


@pytest.fixture(params=["columns", "index", "cover", "box", "assembly", "kind"])
def read_with_options(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    reflections_file: Path,
    model_far_away: Callable[..., Path],
) -> Any:
    """A noun for each option, read with it."""
    box = ((1.0, -2.0, 3.5), (20.0, 21.0, 22.0))
    makers: dict[str, Callable[[], Any]] = {
        "columns": lambda: read(reflections_file, columns="DELFWT,PHDELWT"),
        "index": lambda: read(_stack(tmp_path / "two 'maps'.mrc"), index=1),
        "cover": lambda: read(reflections_file, cover=model_far_away(CELL, "a & b?.cif")),
        "box": lambda: read(reflections_file, cover=box, columns="DELFWT,PHDELWT"),
        "assembly": lambda: read(_model_with_assembly(tmp_path / "model.cif"), assembly="1"),
        "kind": lambda: read(
            write(tmp_path / "labels.mrc", Labels(np.eye(30 * 8, dtype=int).reshape(30, 40, 48))),
            kind="volume",
        ),
    }
    return makers[request.param]()


def _stack(path: Path) -> Path:
    """A stack of two example volumes."""
    maps = np.concatenate([example_noun(Volume, seed).data for seed in (1, 2)])
    write(path, Volume(maps, (1.2,) * 3))
    raw = bytearray(path.read_bytes())
    depth, edge = len(maps) // 2, 1.2 * len(maps) / 2
    raw[36:40], raw[88:92] = (np.array(n, "<i4").tobytes() for n in (depth, 401))
    raw[48:52] = np.array(edge, "<f4").tobytes()
    path.write_bytes(raw)
    return path


def _model_with_assembly(path: Path) -> Path:
    """The example's atoms and an assembly of two copies, 40 Å apart."""
    model = example_noun(Structure).model.clone()
    model.setup_entities()
    model.assign_label_seq_id()
    assembly = gemmi.Assembly("1")
    generator = gemmi.Assembly.Gen()
    generator.chains = [chain.name for chain in model[0]]
    for shift in (0, 40):
        operator = gemmi.Assembly.Operator()
        operator.transform = gemmi.Transform(gemmi.Mat33(), gemmi.Vec3(shift, 0, 0))
        generator.operators.append(operator)
    assembly.generators.append(generator)
    model.assemblies.append(assembly)
    written: Path = write(path, Structure.from_gemmi(model))
    return written


def test_record_when_a_file_was_read_with_options_repeats_them(
    read_with_options: Any, tmp_path: Path
) -> None:
    noun = read_with_options
    source = recorded_input("input", noun).to_json()["sources"][0]
    assert source["options"] == dict(source_of(noun).options) != {}
    again = read(source["path"], **source["options"])
    assert checksum_of(again) == checksum_of(noun) == checksum_of(read(source_of(noun).address))
    if isinstance(noun, Structure):
        return
    result = JOBS["filter_map"](noun, low_pass=8.0)
    command = as_command(record(result), str(tmp_path / "by command.mrc"))
    assert command is not None
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(command, shell=True, check=True, env=environment)
    script = as_script(record(result), str(tmp_path / "by script.mrc"), no_snapshot)
    exec(compile(script, "script", "exec"), {})
    for name in ("by command.mrc", "by script.mrc"):
        written = read(tmp_path / name, kind="volume")
        np.testing.assert_array_equal(written.data, result.data)
        content = json.loads((tmp_path / f"{name}.record.json").read_text("utf-8"))
        ours = record(result).to_json()
        for key in ("job", "parameters", "inputs", "outputs"):
            assert content[key] == ours[key]
