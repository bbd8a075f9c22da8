"""Which format a file is in, how it is read, and what is told before it is kept."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import cli, read, write
from mapscope.errors import DataError, FileFormatError, InputError, UnknownFormatError
from mapscope.files import FileWarning, readable_suffixes, writable_suffixes
from mapscope.files.particles import SelfCheck, format_names, self_check
from mapscope.files.particles.imod import ImodFormat
from mapscope.files.particles.layout import Layout
from mapscope.files.registry import write_and_check
from mapscope.files.result import write_nouns
from mapscope.inspection import inspect
from mapscope.particles import Particles, in_tomogram
from mapscope.record import source_of
from mapscope.volume import Grid, Volume

TextFile = Callable[..., Path]


def test_particles_know_their_suffixes_and_csv_is_the_usual_one() -> None:
    written = writable_suffixes(Particles)
    assert written[0] == ".csv"
    expected = {
        ".star",
        ".tbl",
        ".em",
        ".mod",
        ".json",
        ".box",
        ".cbox",
        ".coords",
        ".xml",
        ".ndjson",
    }
    assert expected <= set(written) & set(readable_suffixes())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.star", "rlnCenteredCoordinateXAngst"),
        ("a.relion4.star", "rlnTomoTiltSeriesPixelSize"),
        ("a.relion3.1.star", "rlnMicrographName"),
        ("a.relion3.0.star", "rlnMagnification"),
        ("a.warp.STAR", ".tomostar"),
        ("a.stopgap.star", "data_stopgap_motivelist"),
        ("a.json", "pickable_object_name"),
        ("a.eman2.json", "boxes_3d"),
        ("a.xml", "objlist"),
        ("a.pytom.xml", "ParticleList"),
    ],
)
def test_the_name_of_a_file_chooses_the_format(
    name: str, words: str, picks: Particles, tmp_path: Path
) -> None:
    path, check = write_and_check(tmp_path / name, picks)
    assert words in path.read_text("utf-8")
    assert check is not None
    assert check.displacement < 1e-9


def test_a_list_is_written_in_the_format_that_it_came_from(
    picks: Particles, grid: Grid, tmp_path: Path
) -> None:
    path, _ = write_and_check(tmp_path / "a.star", picks, file_format="stopgap")
    again = read(path, tomogram=grid)
    assert set(again.columns["file_format"]) == {"stopgap"}
    assert "stopgap" in write(tmp_path / "b.star", again).read_text("utf-8")
    with pytest.raises(UnknownFormatError, match=r"STOPGAP STAR is written as .star"):
        write(tmp_path / "b.tbl", again, file_format="stopgap")
    with pytest.raises(UnknownFormatError, match="'apple'; possible: csv, stopgap"):
        write(tmp_path / "b.star", again, file_format="apple")
    with pytest.raises(InputError, match="file_format is an option of particles"):
        write(tmp_path / "b.mrc", Volume(np.ones((2, 2, 2), np.float32)), file_format="relion5")


def test_without_a_size_of_the_tomogram_star_is_relion_4(picks: Particles, tmp_path: Path) -> None:
    columns = {k: v for k, v in picks.columns.items() if k != "tomogram_shape"}
    path = write(tmp_path / "a.star", replace(picks, columns=columns))
    assert "rlnCoordinateX" in path.read_text("utf-8")


@pytest.mark.parametrize("name", sorted(set(format_names()) - {"csv", "copick"}))
def test_without_a_voxel_size_formats_that_count_in_voxels_say_what_to_do(
    name: str, tmp_path: Path
) -> None:
    bare = Particles(np.array([[0.0, 2.0, 3.0]]), species=("1bxn",))
    with pytest.raises(InputError, match=r"in_tomogram tells them"):
        self_check(bare, name)
    assert self_check(bare, "csv").displacement == 0


def test_tomogram_and_voxel_size_place_a_list(text_file: TextFile, tmp_path: Path) -> None:
    path = text_file("a.coords", "1 2 3\n")
    grid = Grid((50, 60, 70), (8.0,) * 3, (100.0, 0.0, -4.0))
    volume = Volume(np.zeros(grid.shape, np.float32), grid.voxel_size, grid.origin)
    tomogram = write(tmp_path / "t.mrc", volume)
    for given in (grid, volume, tomogram, str(tomogram)):
        picks = read(path, tomogram=given)
        np.testing.assert_array_equal(picks.positions, [[124, 16, 4]])
        assert picks.columns["tomogram_shape"].tolist() == [[50, 60, 70]]
    unbinned = read(path, tomogram=grid, voxel_size=2.0)
    np.testing.assert_array_equal(unbinned.positions, [[106, 4, -2]])
    assert unbinned.columns["voxel_size"].tolist() == [8.0]
    for sizes in ("voxel_size=8&tomogram=50,60,70:100,0,-4", "tomogram=50,60,70@8:100,0,-4"):
        picks = read(f"{path}?{sizes}")
        np.testing.assert_array_equal(picks.positions, [[124, 16, 4]])
        assert picks.columns["tomogram_shape"].tolist() == [[50, 60, 70]]


@pytest.mark.parametrize("name", ["a.tbl", "a.mod", "a.relion4.star", "a.relion3.1.star", "a.csv"])
def test_a_file_that_says_its_voxels_counts_in_them_in_a_binned_tomogram_too(
    name: str, picks: Particles, grid: Grid, tmp_path: Path
) -> None:
    """Picks from voxels of 8 Å, seen in a copy with voxels of 32 Å."""
    binned = Grid((10, 16, 21), (32.0,) * 3, grid.origin)
    again = read(write(tmp_path / name, picks), tomogram=binned)
    np.testing.assert_allclose(again.positions, picks.positions, atol=1e-3)
    assert set(again.columns["voxel_size"]) == {32.0}
    assert read(str(source_of(again).address)).checksum() == again.checksum()


def _with_one_by_hand(picks: Particles) -> Particles:
    """The same picks, and one at their first voxel of which nothing is known but its place."""
    blank = {"f": np.nan, "i": 0, "U": ""}
    columns = {
        name: np.concatenate([values, np.full((1, *values.shape[1:]), blank[values.dtype.kind])])
        for name, values in picks.columns.items()
    }
    first = np.concatenate([picks.positions, picks.columns["tomogram_origin"][:1]])
    return Particles(first, columns=columns)


def test_a_pick_set_by_hand_lies_in_the_tomogram_of_the_others(
    picks: Particles, grid: Grid, tmp_path: Path
) -> None:
    more = _with_one_by_hand(picks)
    for name in ("a.coords", "a.json", "a.relion5.star", "a.tbl"):
        again = read(write(tmp_path / name, more), tomogram=grid)
        np.testing.assert_allclose(again.positions, more.positions, atol=1e-9)
    assert self_check(more, "relion5").lost == ()
    columns = dict(more.columns)
    columns["tomogram_origin"] = np.concatenate([np.zeros((1, 3)), columns["tomogram_origin"][1:]])
    columns["tomogram"] = np.array(["1"] + ["2"] * (len(more) - 2) + [""])
    with pytest.raises(InputError, match="particle 8 does not say which tomogram it lies in"):
        self_check(replace(more, columns=columns), "csv")


def test_a_pick_of_no_class_leaves_the_numbers_of_the_others(
    picks: Particles, tmp_path: Path
) -> None:
    mixed = replace(picks, species=("3", "12", "", "3", "3", "12", "3"))
    again = read(write(tmp_path / "a.tbl", mixed))
    assert again.species == ("3", "12", "0", "3", "3", "12", "3")
    star = read(write(tmp_path / "a.star", mixed))
    assert star.columns["rlnClassNumber"].tolist() == [3, 12, 0, 3, 3, 12, 3]
    one = replace(picks, species=("ribosome", "", "ribosome", "", "", "", ""))
    assert read(write(tmp_path / "a.json", one)).species == ("ribosome",) * 7
    assert self_check(one, "copick").lost == ()
    scored = replace(picks, score=np.array([0.5, np.nan, *range(5)]))
    assert self_check(scored, "dynamo").lost == ("score",)


def test_csv_keeps_the_frame_of_the_tomogram(picks: Particles, grid: Grid, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", picks)
    again = read(path)
    np.testing.assert_allclose(again.positions, picks.positions, atol=1e-9)
    for name in ("tomogram_origin", "tomogram_shape", "voxel_size", "tomogram"):
        np.testing.assert_array_equal(again.columns[name], picks.columns[name])
    moved = read(path, tomogram=Grid(grid.shape, grid.voxel_size, (0.0, 0.0, 0.0)))
    np.testing.assert_allclose(moved.positions, picks.positions - grid.origin, atol=1e-9)
    assert "tomogram_origin" not in moved.columns


def test_csv_of_two_tomograms_read_with_one_keeps_the_frame_of_the_other(
    picks: Particles, grid: Grid, tmp_path: Path
) -> None:
    other = in_tomogram(picks, Grid((99, 88, 77), (5.0,) * 3, (7.0, 8.0, -9.0)), "other")
    columns = {k: np.concatenate([v, other.columns[k]]) for k, v in picks.columns.items()}
    both = Particles(np.concatenate([picks.positions, other.positions]), columns=columns)
    again = read(write(tmp_path / "a.csv", both), tomogram=grid)
    np.testing.assert_allclose(again.positions, both.positions, atol=1e-9)
    for name in ("tomogram_origin", "tomogram_shape", "voxel_size"):
        np.testing.assert_array_equal(again.columns[name], columns[name])


def test_how_a_list_was_read_stands_in_its_source(text_file: TextFile, tmp_path: Path) -> None:
    path = text_file("a.coords", "1 2 3\n")
    tomogram = write(tmp_path / "t.mrc", Volume(np.zeros((4, 5, 6), np.float32), (8.0,) * 3))
    picks = read(path, tomogram=tomogram)
    assert dict(source_of(picks).options) == {"tomogram": str(tomogram)}
    again = read(str(source_of(picks).address))
    assert again.checksum() == picks.checksum()
    gridded = read(path, tomogram=Grid((4, 5, 6), (8.0,) * 3, (1.0, 2.0, 3.0)))
    assert dict(source_of(gridded).options) == {"tomogram": "4,5,6@8.0:1.0,2.0,3.0"}
    assert read(str(source_of(gridded).address)).checksum() == gridded.checksum()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voxel_size": -1.0}, "voxel_size is the edge of a voxel in Å, got -1.0"),
        ({"voxel_size": float("nan")}, "got nan"),
        ({"tomogram": "1,2,3"}, r"are sizes in voxels: give their edge .* tomogram=1,2,3@10"),
        ({"tomogram": "1,2,3@big"}, r"tomogram=1,2,3@big: expected Z,Y,X@edge"),
        ({"tomogram": Grid((4, 5, 6), (8.0, 8.0, 9.0))}, "count in cubic voxels"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: dict[str, Any], message: str, text_file: TextFile
) -> None:
    with pytest.raises(ValueError, match=message):
        read(text_file("a.coords", "1 2 3\n"), **options)


def test_a_tomogram_that_is_none_is_refused(text_file: TextFile) -> None:
    path = text_file("a.coords", "1 2 3\n")
    with pytest.raises(InputError, match=r"particles lie in a tomogram, but .* holds a table"):
        read(path, tomogram=text_file("t.csv", "a,b\n1,2\n"))
    with pytest.raises(FileNotFoundError, match=r"tomograms\.star"):
        read(path, tomogram="tomograms.star")
    with pytest.raises(InputError, match=r"voxel_size=big is no number of Å"):
        read(f"{path}?voxel_size=big")


def test_permissive_reading_takes_voxels_of_1_angstrom_and_empty_files(
    text_file: TextFile,
) -> None:
    with pytest.warns(FileWarning, match="take voxels of 1.0 Å"):
        picks = read(text_file("a.coords", "1 2 3\n"), permissive=True)
    np.testing.assert_array_equal(picks.positions, [[3, 2, 1]])
    for suffix in (".box", ".cbox", ".star", ".tbl", ".coords"):
        empty = text_file(f"empty{suffix}", "")
        with pytest.raises(FileFormatError, match="the file is empty"):
            read(empty)
        with pytest.warns(FileWarning, match="list without particles"):
            assert len(read(empty, permissive=True)) == 0


@pytest.mark.parametrize("name", ["a.tloc", "a.tumap", "a.temb", "a.pkl"])
def test_pickles_are_refused(name: str, text_file: TextFile) -> None:
    path = text_file(name, pickle.dumps({"x": [1]}))
    with pytest.raises(UnknownFormatError, match="pickled Python objects can run anything"):
        read(path)


class CrookedFormat(ImodFormat):
    """A format that loses its way."""

    name = "crooked"
    lost = 0.0

    def content(self, layout: Layout) -> bytes:
        noun = layout.particles
        return super().content(Layout(replace(noun, positions=noun.positions + self.lost)))


@pytest.mark.parametrize(("moved", "is_kept"), [(0.0, True), (0.04, True), (0.2, False)])
def test_an_export_that_would_move_particles_is_refused(
    moved: float, is_kept: bool, picks: Particles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundredth of a voxel is allowed: 0.08 Å here."""
    from mapscope.files import registry

    crooked = CrookedFormat()
    crooked.lost = moved
    monkeypatch.setattr(registry, "format_for", lambda *_: crooked)
    if is_kept:
        _, check = write_and_check(tmp_path / "a.mod", picks)
        assert check is not None
        assert check.displacement == pytest.approx(moved * np.sqrt(3), abs=1e-3)
        return
    with pytest.raises(DataError, match=r"would move particles by up to 0\.346 Å"):
        write_and_check(tmp_path / "a.mod", picks)
    assert not (tmp_path / "a.mod").exists()


def test_what_has_no_room_is_told_in_words_and_by_a_warning(
    picks: Particles, tmp_path: Path
) -> None:
    check = self_check(picks, "coords")
    assert check.lost == ("rotations", "score", "tomogram")
    assert str(SelfCheck(1.5e-12, 0.0, ("score",))) == (
        "read back with 1.5e-12 Å and 0° at most; without score"
    )
    with pytest.warns(FileWarning, match=r"a.coords has no room for rotations, score, tomogram"):
        write(tmp_path / "a.coords", picks)
    (written,) = write_nouns({"picks": picks}, tmp_path / "b.coords")
    assert written.check == check


def test_labels_of_the_score_and_the_class_are_not_called_lost(
    picks: Particles, tmp_path: Path
) -> None:
    score = np.array([0.5, np.nan, *range(5)])
    again = read(write(tmp_path / "a.star", replace(picks, score=score)))
    assert {"rlnAutopickFigureOfMerit", "rlnClassNumber"} <= again.columns.keys()
    assert self_check(again, "csv").lost == ()
    assert self_check(again, "ndjson").lost == ("species", "score", "tomogram")


def test_every_export_is_logged_with_its_figures(
    picks: Particles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="mapscope.files"):
        write(tmp_path / "a.star", picks)
    (line,) = [r.getMessage() for r in caplog.records]
    assert re.fullmatch(r"a\.star: RELION 5 STAR, read back with \S+ Å and \S+° at most", line)


def test_info_says_what_a_list_holds(picks: Particles, tmp_path: Path, capsys: Any) -> None:
    path = write(tmp_path / "a.relion5.star", picks)
    facts = inspect(path).facts
    assert facts["particles"] == 7
    assert (facts["file_format"], facts["tomogram"], facts["oriented"]) == ("relion5", "3", "yes")
    assert facts["species"] == "1"
    assert cli.main(["info", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "particles"
    plain = tmp_path / "b.coords"
    plain.write_text("1 2 3\n")
    assert [f.code for f in inspect(plain).findings] == ["voxel_size_unsaid"]
    plain.write_text("1 2 3 4 5\n")
    assert [f.code for f in inspect(plain).findings] == ["no_particles"]
