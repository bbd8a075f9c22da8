"""Lists as CSV and TSV: Mapscope's own, copick's, and those of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import MapFormatError
from mapscope.files.particles import self_check
from mapscope.particles import Particles
from mapscope.table import Table
from mapscope.volume import Grid

TextFile = Callable[..., Path]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_own_csv_gives_everything_back_exactly(
    suffix: str, picks: Particles, grid: Grid, tmp_path: Path
) -> None:
    score = np.array([0.1, np.nan, 1 / 3, 0, 1, 2, 3])
    columns = {**picks.columns, "note": np.array(list("abcdefg")), "rlnVoltage": np.full(7, 300.0)}
    noun = replace(picks, score=score, species=("a, b",) * 6 + ("",), columns=columns)
    path = write(tmp_path / f"a{suffix}", noun)
    again = read(path, tomogram=grid)
    np.testing.assert_allclose(again.positions, noun.positions, atol=1e-12)
    np.testing.assert_array_equal(again.rotations, noun.rotations)
    np.testing.assert_array_equal(again.score, score)
    assert again.species == noun.species
    for name in (
        "tomogram",
        "voxel_size",
        "tomogram_shape",
        "tomogram_origin",
        "note",
        "rlnVoltage",
    ):
        np.testing.assert_array_equal(again.columns[name], noun.columns[name])


def test_own_csv_has_copicks_columns(picks: Particles, tmp_path: Path) -> None:
    titles = write(tmp_path / "a.csv", picks).read_text("utf-8").splitlines()[0].split(",")
    matrix = [f"transform_{row}{column}" for row in range(4) for column in range(4)]
    assert {"run_name", "x", "y", "z", "score", *matrix} <= set(titles)


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "1\t2\t3\n4\t5\t6\n",
        "x,y,z\n1,2,3\n4,5,6\n",
        "x|y|z\n1|2|3\n4|5|6\n",
        "X (px);Y (px);Z (px)\n1;2;3\n4;5;6\n",
        "z,y,x\n3,2,1\n6,5,4\n",
        "tomo_id,z,y,x\na,3,2,1\na,6,5,4\n",
        "1,2,3,0.5,here\n4,5,6,0.25,there\n",
        "1 2 3\n4 5 6\n",
    ],
)
def test_tables_of_others_count_in_voxels(text: str, text_file: TextFile) -> None:
    path = text_file("a.csv", text)
    picks = read(path, voxel_size=10.0)
    np.testing.assert_array_equal(picks.positions, [[30, 20, 10], [60, 50, 40]])
    with pytest.raises(MapFormatError, match="does not say how large they are: give voxel_size"):
        read(path)


@pytest.mark.parametrize("unit", ["[A]", "(Å)", "(Angstrom)"])
def test_titles_may_say_angstrom(unit: str, text_file: TextFile) -> None:
    path = text_file("a.csv", f"IDs,X {unit},Y {unit},Z {unit}\n0,4,8,12\n1,6,4,2\n")
    picks = read(path)
    np.testing.assert_array_equal(picks.positions, [[12, 8, 4], [2, 4, 6]])
    assert picks.columns["IDs"].tolist() == [0, 1]


def test_score_and_species_of_others_are_known_by_their_titles(text_file: TextFile) -> None:
    text = "x,y,z,score,species\n1,2,3,0.5,gold\n4,5,6,,ribosome\n7,8,9,NaN,ribosome\n"
    picks = read(text_file("a.csv", text), voxel_size=1.0)
    assert picks.species == ("gold", "ribosome", "ribosome")
    np.testing.assert_array_equal(picks.score, [0.5, np.nan, np.nan])


def test_rows_of_tomograms_without_a_motor_are_left_out(text_file: TextFile) -> None:
    axes = "Motor axis 0,Motor axis 1,Motor axis 2,Array shape (axis 0),Array shape (axis 1)"
    head = f"row_id,tomo_id,{axes},Voxel spacing,conf\n"
    path = text_file(
        "a.csv", head + "0,a,-1.0,-1.0,-1.0,500,1912,6.5,1.0\n1,b,3.0,2.0,1.0,300,959,10,0.5\n"
    )
    picks = read(path)
    np.testing.assert_array_equal(picks.positions, [[30, 20, 10]])
    assert picks.columns["tomogram"].tolist() == ["b"]
    assert picks.columns["voxel_size"].tolist() == [10.0]
    assert picks.score is not None
    assert picks.score.tolist() == [0.5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y,z\n1,2\n", "row 1 has 2 cells for 3 columns"),
        ("x,y,z\n1,2,three\n", "z: expected a number, got 'three'"),
        ("x,y,z,z,score\n1,2,3,4,5\n", "column titles must differ"),
        ("x (Å),y (Å),z (px)\n1,2,3\n", "x, y and z have different units"),
        ("tomo_id,motor_zyx\na,[]\n", r"a row of it is a tomogram.*give each particle a row"),
        ("1,2,3,4,5\n1,2,3\n", "row 2 has 3 cells for 5 columns"),
    ],
)
def test_a_malformed_list_is_refused_with_what_is_wrong(
    text: str, message: str, text_file: TextFile
) -> None:
    path = text_file("a.csv", text)
    with pytest.raises(MapFormatError, match=message):
        read(path, voxel_size=1.0)


def test_tables_stay_tables(text_file: TextFile, tmp_path: Path) -> None:
    directions = Table(
        {
            "z": np.array([1.0]),
            "y": np.array([2.0]),
            "x": np.array([3.0]),
            "mean_fsc": np.array([0.5]),
        }
    )
    places = replace(directions, units=dict.fromkeys("zyx", "Å"))
    for noun in (directions, places, Table({"frequency": np.array([0.1]), "fsc": np.array([1.0])})):
        assert isinstance(read(write(tmp_path / "a.csv", noun)), Table)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('x,y,"z', "this is no table"),
        ('"a"b,x,y,z', "this is no table"),
        (",,", "column titles must differ"),
    ],
)
def test_a_table_with_a_broken_first_line_is_refused_as_a_table(
    head: str, message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.csv", f"{head}\n1,2,3\n"))


def test_places_that_fit_only_the_other_way_round_are_refused(text_file: TextFile) -> None:
    path = text_file("a.tsv", "20\t300\t400\t0.5\n10\t30\t40\t0.25\n")
    grid = Grid((100, 500, 500), (2.0,) * 3)
    with pytest.raises(MapFormatError, match=r"as z, y, x they fit: give titles"):
        read(path, tomogram=grid)
    titled = text_file("b.tsv", "z\ty\tx\tscore\n20\t300\t400\t0.5\n10\t30\t40\t0.25\n")
    np.testing.assert_array_equal(read(titled, tomogram=grid).positions[0], [40, 600, 800])


def test_what_some_picks_lack_stays_empty_and_numbers_stay_numbers(
    picks: Particles, tmp_path: Path
) -> None:
    columns = {
        **picks.columns,
        "verdict": np.array(["accepted", *[""] * 6]),
        "radius": np.array([np.nan, 60.0, *[55.5] * 5]),
    }
    again = read(write(tmp_path / "a.csv", replace(picks, columns=columns)))
    for name in ("verdict", "radius"):
        np.testing.assert_array_equal(again.columns[name], columns[name])
    star = read(write(tmp_path / "a.star", replace(picks, columns=columns)))
    assert star.columns["verdict"].tolist() == ["accepted", *["None"] * 6]


def test_columns_of_other_formats_survive_in_csv(picks: Particles, tmp_path: Path) -> None:
    motl = replace(picks, columns={**picks.columns, "motl.geom1": np.arange(7.0)})
    assert self_check(motl, "csv").lost == ()
    assert self_check(motl, "dynamo").lost == ("motl.geom1",)
