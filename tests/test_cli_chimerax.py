"""`--out x.cxc` writes a result whole, with a script that draws it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.density.level import first_contour_level
from mapscope.testing import example_noun
from mapscope.volume import Volume


@pytest.fixture
def map_file(tmp_path: Path) -> Path:
    """A map."""
    path: Path = write(tmp_path / "a.mrc", example_noun(Volume))
    return path


def test_run_when_out_is_a_script_then_every_output_and_its_record_lie_beside_it(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my map.cxc"
    words = ["sharpen-by-b-factor", str(map_file), "--b-factor", "-40", "--out", str(out)]
    assert cli.main(words) == 0
    told = capsys.readouterr().out.splitlines()[-3:]
    names = ["my_map_sharpened.mrc", "my_map_guinier.csv", "my map.cxc"]
    assert told == [str(tmp_path / name) for name in names]
    assert sorted(p.name for p in tmp_path.glob("my*.record.json")) == sorted(
        f"{name}.record.json" for name in names[:2]
    )
    sharpened = read(tmp_path / names[0])
    (line,) = [t for t in out.read_text(encoding="utf-8").splitlines() if t.startswith("volume ")]
    level = float(line.split(" level ")[1].split()[0])
    assert level == pytest.approx(first_contour_level(sharpened), rel=1e-6)
    assert sharpened.grid.matches(read(map_file).grid)


def test_run_when_saved_in_part_and_as_json_then_only_that_is_written(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["sharpen-by-b-factor", str(map_file), "--b-factor", "-40", "--json"]
    words += ["--out", str(tmp_path / "x.cxc"), "--save", "sharpened"]
    assert cli.main(words) == 0
    answer = json.loads(capsys.readouterr().out)
    (file,) = answer["files"]
    assert file["path"] == str(tmp_path / "x_sharpened.mrc")
    assert file["checksum"] == read(file["path"]).checksum()
    assert sorted(p.name for p in tmp_path.glob("x*")) == [
        "x.cxc",
        "x_sharpened.mrc",
        "x_sharpened.mrc.record.json",
    ]


def test_run_when_there_is_nothing_to_draw_then_it_is_wrong_input_before_anything_is_computed(
    map_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.cxc"
    words = ["shell-correlation", str(map_file), str(map_file), "--out", str(out)]
    assert cli.main(words) == cli.WRONG_INPUT
    assert "no map, model or surface" in capsys.readouterr().err
    assert not out.exists()


def test_map_when_constant_then_the_script_leaves_the_level_to_chimerax(tmp_path: Path) -> None:
    file = write(tmp_path / "flat.mrc", Volume(np.ones((8, 8, 8), dtype=np.float32)))
    assert cli.main(["flip-hand", str(file), "--out", str(tmp_path / "x.cxc")]) == 0
    assert " level " not in (tmp_path / "x.cxc").read_text(encoding="utf-8")
