"""The command ``mapscope info``, and commands that repair what they read."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.testing import example_noun
from mapscope.volume import HalfMaps, Volume

VOLUME: Volume = example_noun(Volume)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """A map with a missing voxel size and ten bytes too many."""
    path: Path = write(tmp_path / "map.mrc", VOLUME)
    raw = bytearray(path.read_bytes())
    raw[40:52] = bytes(12)
    path.write_bytes(raw + bytes(10))
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = cli.main(words)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_info_when_a_file_is_good_exits_with_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "good.mrc", VOLUME)
    code, out, _ = run(capsys, "info", str(path))
    assert code == 0
    assert out.startswith("good.mrc: map\n")
    assert "voxel size: 1.2 Å" in out


def test_info_when_a_file_is_damaged_prints_all_findings_and_exits_with_2(
    damaged: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "info", str(damaged))
    assert code == 2
    for title in ("error: Voxel size missing", "error: More bytes than the header says"):
        assert title in out
    code, out, _ = run(capsys, "info", str(damaged), "--json")
    answer = json.loads(out)
    assert code == 2
    assert out.count("\n") == 1
    assert [f["code"] for f in answer["findings"]] == ["voxel_size_missing", "bytes_beyond"]


def test_info_when_two_half_maps_are_given_compares_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    halves = example_noun(HalfMaps)
    first = str(write(tmp_path / "a_half1.mrc", halves.first))
    second = str(write(tmp_path / "a_half2.mrc", halves.second))
    assert run(capsys, "info", first, second)[0] == 0
    code, out, _ = run(capsys, "info", first, first, "--json")
    assert code == 2
    assert [f["code"] for f in json.loads(out)["findings"]] == ["halves_identical"]


def test_info_when_the_file_cannot_be_opened_exits_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "info", str(tmp_path / "missing.mrc"))
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_mend_map_when_strict_reading_refuses_the_file_mends_it_and_records_how(
    damaged: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.mrc"
    words = ["--voxel-size", "1.2", "--out", str(out), "--json"]
    assert run(capsys, "filter-map", str(damaged), "--low-pass", "5", "--out", str(out))[0] == 2
    code, text, err = run(capsys, "mend-map", str(damaged), *words)
    assert code == 0
    assert "there are bytes beyond" in err
    answer = json.loads(text)
    assert "leave them out" in answer["changes"]
    assert answer["record"]["answers"]["changes"] == answer["changes"]
    mended = read(out)
    assert mended.checksum() == read(write(tmp_path / "true.mrc", VOLUME)).checksum()
    np.testing.assert_array_equal(mended.data, VOLUME.data)
    assert run(capsys, "info", str(out))[0] == 0
