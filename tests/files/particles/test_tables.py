"""Dynamo tables, motive lists and STOPGAP: their columns, shifts and first voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import InputError, MapFormatError
from mapscope.files.particles import self_check
from mapscope.files.particles.angles import from_dynamo, from_tom, swapped
from mapscope.particles import Particles

TextFile = Callable[..., Path]
PLACE = "500.5 400.5 300.5"
TABLE = (
    f"43 1 1 -1.25 2.5 3.75 -32.745 7.6126 -96.518 0.155 0 0 1 -60 60 -60 60 0 0 7 1 2 0 {PLACE} "
    "0 0 0 0 0 1 0 1 0\n"
)
STOPGAP = """
data_stopgap_motivelist

loop_
_motl_idx
_tomo_num
_object
_subtomo_num
_halfset
_orig_x
_orig_y
_orig_z
_score
_x_shift
_y_shift
_z_shift
_phi
_psi
_the
_class

 5 2 1 9 A 11 21 31 0.25 -1.5 2 3 10 30 20 4
"""


def motl_bytes(rows: list[list[float]], code: int, order: str = "<") -> bytes:
    """An EM file of motive lists."""
    header = bytearray(512)
    header[0], header[3] = (6 if order == "<" else 5), code
    header[4:16] = np.array([len(rows[0]), len(rows), 1], order + "i4").tobytes()
    return bytes(header) + np.array(rows, f"{order}f{4 if code == 5 else 8}").tobytes()


ROW = [0.5, 0, 0, 17, 126, 3, 0, 11, 21, 31, -1.5, 2, 3, 0, 0, 0, 10, 30, 20, 4]


def test_dynamo_adds_shifts_and_names_what_it_keeps(text_file: TextFile) -> None:
    picks = read(text_file("a.tbl", TABLE), voxel_size=2.0)
    np.testing.assert_allclose(picks.positions, [[608.5, 806.0, 998.5]])
    expected = swapped(from_dynamo(np.array([[-32.745, 7.6126, -96.518]])))
    np.testing.assert_allclose(picks.rotations, expected)
    assert (picks.species, picks.columns["tomogram"].tolist()) == (("2",), ["7"])
    assert picks.score is not None
    assert picks.score.tolist() == [0.155]
    kept = {name: picks.columns[f"dynamo.{name}"][0] for name in ("tag", "ymintilt", "ref")}
    assert kept == {"tag": 43, "ymintilt": -60, "ref": 1}


def test_dynamo_when_written_says_its_voxel_size_and_keeps_columns(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("a.tbl", TABLE), voxel_size=2.0)
    path = write(tmp_path / "b.tbl", picks)
    words = path.read_text("utf-8").split()
    before = TABLE.split()
    assert len(words) == 40
    assert [float(w) for w in words[:6]] == [float(w) for w in before[:6]]
    assert words[23:26] == PLACE.split()
    np.testing.assert_allclose([float(w) for w in words[6:35]], [float(w) for w in before[6:35]])
    again = read(path)
    np.testing.assert_allclose(again.positions, picks.positions)
    assert again.columns["voxel_size"].tolist() == [2.0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3\n", "has 26 columns or more, with x, y, z in columns 24 to 26, got 3"),
        (TABLE + "1 2 3\n", "line 2 has 3 columns, the first 35"),
        (TABLE.replace("500.5", "abc"), "x: expected a number, got 'abc'"),
        (TABLE.replace("500.5", "nan"), "expected finite numbers"),
        ("   \n", "26 columns or more"),
    ],
)
def test_dynamo_when_malformed_is_refused(text: str, message: str, text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.tbl", text), voxel_size=1.0)


def test_dynamo_takes_columns_that_are_no_numbers_as_text(text_file: TextFile) -> None:
    """Dynamo writes complex numbers into daxis now and then."""
    picks = read(
        text_file("a.tbl", TABLE.replace(f"{PLACE} 0 0", f"{PLACE} 0 0+1.2e-06i")), voxel_size=1.0
    )
    assert picks.columns["dynamo.daxis"].tolist() == ["0+1.2e-06i"]
    assert self_check(picks, "dynamo").lost == ()


@pytest.mark.parametrize(("code", "order"), [(5, "<"), (9, "<"), (9, ">"), (5, ">")])
def test_motl_counts_from_1_in_either_precision_and_byte_order(
    code: int, order: str, text_file: TextFile
) -> None:
    picks = read(text_file("a.em", motl_bytes([ROW, ROW], code, order)), voxel_size=2.0)
    np.testing.assert_allclose(picks.positions, [[66.0, 44.0, 17.0]] * 2)
    np.testing.assert_allclose(picks.rotations, swapped(from_tom(np.array([[10.0, 20, 30]] * 2))))
    assert (picks.species, picks.columns["tomogram"].tolist()) == (("4", "4"), ["126", "126"])
    assert picks.columns["motl.subtomo_id"].tolist() == [17, 17]


def test_motl_when_written_is_double_precision_with_the_same_rows(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("a.em", motl_bytes([ROW, ROW], 5)), voxel_size=2.0)
    content = write(tmp_path / "b.em", picks).read_bytes()
    assert content[3] == 9
    np.testing.assert_allclose(
        np.frombuffer(content[512:], "<f8").reshape(2, 20), [ROW, ROW], atol=1e-12
    )


@pytest.mark.parametrize("width", [19, 21])
def test_motl_with_another_number_of_rows_is_refused(width: int, text_file: TextFile) -> None:
    rows = [[0.0] * width] * 3
    with pytest.raises(MapFormatError, match=f"has 20 rows of numbers, got {width}"):
        read(text_file("a.em", motl_bytes(rows, 9)))


def test_motl_that_is_cut_off_or_holds_no_numbers_is_refused(text_file: TextFile) -> None:
    whole = motl_bytes([ROW, ROW], 9)
    with pytest.raises(MapFormatError, match=r"expected 320 bytes for 2 particles, found 319"):
        read(text_file("a.em", whole[:-1]), voxel_size=1.0)
    bad = motl_bytes([[np.nan, *ROW[1:]]], 9)
    with pytest.raises(MapFormatError, match="expected finite numbers"):
        read(text_file("b.em", bad), voxel_size=1.0)


def test_em_volumes_are_still_volumes(tmp_path: Path) -> None:
    from mapscope.volume import Volume

    volume = Volume(np.ones((3, 4, 20), np.float32), (2.0,) * 3)
    assert isinstance(read(write(tmp_path / "a.em", volume)), Volume)


def test_stopgap_counts_from_1_and_keeps_half_sets(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.star", STOPGAP), voxel_size=2.0)
    np.testing.assert_allclose(picks.positions, [[66.0, 44.0, 17.0]])
    np.testing.assert_allclose(picks.rotations, swapped(from_tom(np.array([[10.0, 20.0, 30.0]]))))
    assert picks.columns["stopgap.halfset"].tolist() == ["A"]
    text = write(tmp_path / "b.star", picks).read_text("utf-8")
    assert "#" not in text
    assert text.splitlines()[0] == "data_stopgap_motivelist"
    again = read(tmp_path / "b.star", voxel_size=2.0)
    assert again.checksum() == picks.checksum()


def test_particles_set_by_hand_get_numbers_that_no_other_has(
    text_file: TextFile, tmp_path: Path
) -> None:
    """Dynamo and STOPGAP name files of particles by these numbers."""
    table = TABLE + TABLE.replace("43 ", "12 ", 1).replace(" 0 0 0 0 0 1 0", " 0 0+1i 0 0 0 1 0")
    listed: dict[str, tuple[str | bytes, dict[str, list[Any]]]] = {
        "a.tbl": (table, {"dynamo.tag": [43, 12, 44, 45]}),
        "a.star": (
            STOPGAP + " 4 2 1 3 B 1 2 3 0.5 0 0 0 0 0 0 1\n",
            {
                "stopgap.motl_idx": [5, 4, 6, 7],
                "stopgap.subtomo_num": [9, 3, 10, 11],
                "stopgap.halfset": ["A", "B", "A", "B"],
            },
        ),
        "a.em": (motl_bytes([ROW, ROW], 9), {"motl.subtomo_id": [17, 17, 18, 19]}),
    }
    for name, (content, expected) in listed.items():
        picks = read(text_file(name, content), voxel_size=2.0)
        blank = {"f": np.nan, "i": 0, "U": ""}
        columns = {
            k: np.concatenate([v, np.full(2, blank[v.dtype.kind])])
            for k, v in picks.columns.items()
        }
        more = Particles(np.concatenate([picks.positions, np.ones((2, 3))]), columns=columns)
        again = read(write(tmp_path / f"b{Path(name).suffix}", more), voxel_size=2.0)
        np.testing.assert_allclose(again.positions, more.positions, atol=1e-9)
        assert {k: again.columns[k].tolist() for k in expected} == expected


def test_a_list_in_which_every_score_is_0_has_none(text_file: TextFile) -> None:
    lists = {
        "a.tbl": TABLE.replace(" 0.155 ", " 0 ") * 2,
        "a.em": motl_bytes([[0.0, *ROW[1:]]] * 2, 9),
        "a.star": STOPGAP.replace(" 0.25 ", " 0 "),
    }
    for name, content in lists.items():
        picks = read(text_file(name, content), voxel_size=2.0)
        assert picks.score is None
        assert "score" not in self_check(picks, str(picks.columns["file_format"][0])).lost


def test_stopgap_when_a_column_is_missing_names_it(text_file: TextFile) -> None:
    path = text_file("a.star", STOPGAP.replace("_the\n", "_theta\n"))
    with pytest.raises(MapFormatError, match="motive list of STOPGAP lacks the"):
        read(path, voxel_size=1.0)


@pytest.mark.parametrize("name", ["motl", "stopgap", "pytom", "deepfinder"])
def test_lists_of_one_voxel_size_refuse_two(name: str, picks: Particles) -> None:
    sizes = np.array([8.0] * 6 + [4.0])
    mixed = replace(picks, columns={**picks.columns, "voxel_size": sizes})
    with pytest.raises(InputError, match=r"voxels of \[4.0, 8.0\] Å: write each tomogram apart"):
        self_check(mixed, name)


def test_names_that_become_numbers_are_told(picks: Particles) -> None:
    named = replace(
        picks, species=("ribosome",) * 7, columns={**picks.columns, "tomogram": np.full(7, "TS_3")}
    )
    check = self_check(named, "dynamo")
    assert check.lost == ("species", "tomogram")
    assert check.caution == "tomogram 1 is TS_3; species 1 is ribosome"
    assert str(check).endswith(f"; without species, tomogram; {check.caution}")
    assert (self_check(picks, "dynamo").lost, self_check(picks, "dynamo").caution) == ((), "")
    many = np.array([f"TS_{n}" for n in (9, 8, 7, 7, 3, 2, 1)])
    several = replace(picks, columns={**picks.columns, "tomogram": many})
    for name in ("motl", "stopgap", "deepfinder"):
        assert self_check(several, name).caution == (
            "tomogram 1 is TS_9, 2 is TS_8, 3 is TS_7, 4 is TS_3, 5 is TS_2, 6 is TS_1"
        )
    all_apart = np.array([f"TS_{n}" for n in range(7)])
    told = self_check(replace(picks, columns={**picks.columns, "tomogram": all_apart}), "motl")
    assert told.caution.endswith("5 is TS_4, …, 7 is TS_6")
