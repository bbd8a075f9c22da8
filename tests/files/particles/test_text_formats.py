"""Box files, CBOX, .coords, and lists of PyTom and SHREC as text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import DataError, InputError, MapFormatError
from mapscope.files.particles import self_check
from mapscope.particles import Particles
from mapscope.volume import Grid

TextFile = Callable[..., Path]
CBOX = """
data_global

_cbox_format_version   1.0

data_cryolo

loop_
_CoordinateX #1
_CoordinateY #2
_CoordinateZ #3
_Width #4
_Height #5
_Depth #6
_EstWidth #7
_EstHeight #8
_Confidence #9
_NumBoxes #10
_Angle #11
 12.5 27.5 50.0 25.0 15.0 25.0 <NA> <NA> <NA> <NA> <NA>
 65.0 39.0 60.0 25.0 15.0 25.0 20.0 21.0 0.75 3.0 <NA>

data_cryolo_include

loop_
_slice_index #1
50.0
60.0
"""


def test_box_holds_corners_and_sizes_and_no_z(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.box", "14 35 20 10\n26.5 57 20 10 -3\n"), voxel_size=2.0)
    np.testing.assert_array_equal(picks.positions, [[0, 80, 48], [0, 124, 73]])
    lines = write(tmp_path / "b.box", picks).read_text("utf-8").splitlines()
    assert [list(map(float, line.split())) for line in lines] == [
        [14, 35, 20, 10],
        [26.5, 57, 20, 10],
    ]


def test_box_refuses_particles_off_the_first_slice_with_the_figure(
    picks: Particles, tmp_path: Path
) -> None:
    highest = float((picks.positions[:, 0] - 16).max())
    with pytest.raises(
        DataError, match=rf"EMAN .box would move particles by up to {highest:.3g} Å"
    ):
        write(tmp_path / "a.box", picks)
    assert not (tmp_path / "a.box").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("24 40 0 0\nsixty 62 0 0\n", "x: expected a number, got 'sixty'"),
        ("24 40 0 0\n78 51 0\n", "line 2: expected x, y, width and height of a box, got '78 51 0'"),
    ],
)
def test_box_when_malformed_is_refused(text: str, message: str, text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.box", text), voxel_size=1.0)


def test_cbox_counts_x_and_y_from_the_corner_and_z_not(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.cbox", CBOX), voxel_size=2.0)
    np.testing.assert_array_equal(picks.positions, [[100, 70, 50], [120, 93, 155]])
    np.testing.assert_array_equal(picks.score, [np.nan, 0.75])
    text = write(tmp_path / "b.cbox", picks).read_text("utf-8")
    assert text.count("<NA>") == 6
    assert text.split("_slice_index #1\n")[1].split() == ["50.0", "60.0"]
    assert read(tmp_path / "b.cbox", voxel_size=2.0).checksum() == picks.checksum()


def test_cbox_of_an_image_lies_in_slice_0(text_file: TextFile) -> None:
    picks = read(text_file("a.cbox", CBOX.replace(" 50.0 25", " <NA> 25")), voxel_size=2.0)
    assert picks.positions[:, 0].tolist() == [0, 120]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (" 12.5 ", " <NA> ", "cannot be <NA>"),
        ("_Width #4", "_Breadth #4", "expected data_cryolo with CoordinateX, CoordinateY, Width"),
        ("12.5", "twelve", "CoordinateX: expected a number, got 'twelve'"),
        ("0.75 3.0 <NA>", "0.75 3.0", "has 10 values for 11 labels"),
    ],
)
def test_cbox_when_malformed_is_refused(
    old: str, new: str, message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.cbox", CBOX.replace(old, new)), voxel_size=1.0)


def test_coords_hold_places_with_or_without_a_class(text_file: TextFile, tmp_path: Path) -> None:
    plain = read(text_file("a.coords", "# made by hand\n1 2 3\n4\t5.5\t-6\n"), voxel_size=10.0)
    np.testing.assert_array_equal(plain.positions, [[30, 20, 10], [-60, 55, 40]])
    assert plain.species is None
    classes = read(text_file("b.coords", "2 1 2 3\n1 4 5.5 -6\n"), voxel_size=10.0)
    np.testing.assert_array_equal(classes.positions, plain.positions)
    assert classes.species == ("2", "1")
    assert write(tmp_path / "c.coords", classes).read_text("utf-8").split()[:4] == [
        "2",
        "1.0",
        "2.0",
        "3.0",
    ]


@pytest.mark.parametrize("text", ["1 2\n", "1 2 3\n1 2 3 4\n", "1 2 3 4 5\n", "a b c\n"])
def test_coords_when_malformed_are_refused(text: str, text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=r"^a.coords: "):
        read(text_file("a.coords", text), voxel_size=1.0)


def test_text_of_pytom_names_its_tomogram_and_other_text_is_refused(
    text_file: TextFile, tmp_path: Path
) -> None:
    path = text_file("a.txt", "#\n#TOMONAME \t/data/t 0.mrc\n#MARKERINDEX \t8\n#\n 68 60 232\n")
    picks = read(path, voxel_size=10.0)
    np.testing.assert_array_equal(picks.positions, [[2320, 600, 680]])
    assert picks.columns["tomogram"].tolist() == ["/data/t 0.mrc"]
    assert read(write(tmp_path / "b.txt", picks), voxel_size=10.0).checksum() == picks.checksum()
    with pytest.raises(
        MapFormatError, match=r"a list of x, y, z is read when it is called .coords"
    ):
        read(text_file("c.txt", "1 2 3\n"), voxel_size=10.0)


@pytest.mark.parametrize("z_first", [True, False])
def test_shrec_tells_z_by_the_thin_axis(z_first: bool, text_file: TextFile) -> None:
    rows = [("1bxn", 400, 10, 90), ("4v94", 20, 500, 150)]
    lines = [
        f"{code} {' '.join(map(str, (z, y, x) if z_first else (x, y, z)))} -45 81 -72"
        for code, x, y, z in rows
    ]
    picks = read(text_file("particle_locations.txt", "\n".join(lines)), voxel_size=10.0)
    np.testing.assert_array_equal(picks.positions, [[900, 100, 4000], [1500, 5000, 200]])
    assert picks.species == ("1bxn", "4v94")
    assert picks.rotations is None
    assert picks.columns["shrec.angle_2"].tolist() == [81, 81]


def test_shrec_in_a_cube_needs_the_tomogram(text_file: TextFile) -> None:
    path = text_file("a.txt", "1bxn 400 390 395 0 0 0\n1bxn 10 10 10 0 0 0\n")
    with pytest.raises(MapFormatError, match="begin with x or with z"):
        read(path, voxel_size=1.0)
    picks = read(path, tomogram=Grid((512, 512, 512), (10.0,) * 3))
    np.testing.assert_array_equal(picks.positions[0], [3950, 3900, 4000])


def test_shrec_needs_codes(picks: Particles) -> None:
    with pytest.raises(InputError, match="names particles by PDB codes"):
        self_check(replace(picks, species=("two words",) * 7), "shrec")


def test_points_of_a_star_file_keep_their_radius(text_file: TextFile, tmp_path: Path) -> None:
    text = "data_points\n\nloop_\n_x #1\n_y #2\n_z #3\n_radius #4\n1 2 3 9.5\n4 5 -6 8\n"
    picks = read(text_file("a.star", text), voxel_size=10.0)
    np.testing.assert_array_equal(picks.positions, [[30, 20, 10], [-60, 50, 40]])
    again = read(write(tmp_path / "b.star", picks), voxel_size=10.0)
    assert again.checksum() == picks.checksum()
    assert again.columns["xyz.radius"].tolist() == [9.5, 8.0]
