"""STAR files of RELION 3.0 to 5 and Warp: pixels, shifts, groups, centres, turned subtomograms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import starfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapscope import read, write
from mapscope.errors import InputError, MapFormatError
from mapscope.files import FileWarning
from mapscope.files.particles import self_check
from mapscope.files.particles.angles import from_relion, swapped
from mapscope.particles import Particles, in_tomogram
from mapscope.volume import Grid, Volume

TextFile = Callable[..., Path]

RELION_30 = """
data_

loop_
_rlnMicrographName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
_rlnMagnification #5
_rlnDetectorPixelSize #6
_rlnOriginX #7
_rlnOriginY #8
_rlnOriginZ #9
_rlnAngleRot #10
_rlnAngleTilt #11
_rlnAnglePsi #12
_rlnClassNumber #13
_rlnCtfMaxResolution #14
t1.tomostar 10 20 30 20000 8.0 1 -2 0.5 10 20 30 2 6.5
t2.tomostar 11 21 -31 20000 8.0 0 0 0 0 0 0 1 7.5
"""
OPTICS = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnVoltage #3
_rlnTomoTiltSeriesPixelSize #4
1 first 300.0 2.0
2 second 200.0 1.5
"""
RELION_4 = (
    OPTICS
    + """
data_particles

loop_
_rlnTomoName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
_rlnOriginXAngst #5
_rlnOriginYAngst #6
_rlnOriginZAngst #7
_rlnTomoSubtomogramRot #8
_rlnTomoSubtomogramTilt #9
_rlnTomoSubtomogramPsi #10
_rlnAngleRot #11
_rlnAngleTilt #12
_rlnAnglePsi #13
_rlnOpticsGroup #14
_rlnAutopickFigureOfMerit #15
A 100 200 300 3 -4 5 90 90 0 10 20 30 1 0.5
B 100 200 300 3 -4 5 0 0 0 10 20 30 2 -999.0
"""
)
RELION_5 = """
data_optics

loop_
_rlnOpticsGroup #1
_rlnTomoTiltSeriesPixelSize #2
1 2.0

data_particles

loop_
_rlnTomoName #1
_rlnCenteredCoordinateXAngst #2
_rlnCenteredCoordinateYAngst #3
_rlnCenteredCoordinateZAngst #4
_rlnOpticsGroup #5
T 10 -20 30 1
"""
TOMOGRAMS = """
data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesPixelSize #2
_rlnTomoSizeX #3
_rlnTomoSizeY #4
_rlnTomoSizeZ #5
T 2.0 {} {} {}
"""


def test_relion_30_counts_in_pixels_of_the_detector_and_takes_shifts_off(
    text_file: TextFile,
) -> None:
    picks = read(text_file("a.star", RELION_30))
    expected = np.array([[29.5, 22, 9], [-31, 21, 11]]) * 4.0  # z, y, x; 8 µm at 20,000
    np.testing.assert_allclose(picks.positions, expected)
    assert picks.columns["voxel_size"].tolist() == [4.0, 4.0]
    assert picks.columns["tomogram"].tolist() == ["t1.tomostar", "t2.tomostar"]
    assert picks.species == ("2", "1")
    assert picks.columns["rlnCtfMaxResolution"].tolist() == [6.5, 7.5]
    assert set(picks.columns["file_format"]) == {"relion3.0"}


@pytest.mark.parametrize("optics", [True, False])
def test_relion_4_in_a_binned_tomogram_counts_in_pixels_of_the_tilt_series(
    optics: bool, text_file: TextFile
) -> None:
    text = RELION_4 if optics else OWN_PIXEL
    path = text_file("a.star", text)
    binned = read(path, tomogram=Grid((100, 200, 300), (8.0,) * 3, (5.0, 0.0, 0.0)))
    np.testing.assert_allclose(binned.positions, read(path).positions + np.array([5.0, 0, 0]))
    assert binned.columns["voxel_size"].tolist() == [8.0] * len(binned)
    assert binned.columns["tomogram_shape"].tolist() == [[100, 200, 300]] * len(binned)


OWN_PIXEL = """
data_

loop_
_rlnTomoName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
_rlnTomoTiltSeriesPixelSize #5
A 100 200 300 2.0
"""
IMAGES = """
data_

loop_
_rlnMicrographName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
_rlnDetectorPixelSize #5
_rlnOriginX #6
{} 100 200 50 4.0 1
{} 10 20 30 4.0 0
"""


def test_relion_3_counts_in_voxels_of_the_tomogram_where_its_places_fit_only_so(
    text_file: TextFile,
) -> None:
    """Its pixels are those of its images; the images of the shift, too."""
    path = text_file("a.star", IMAGES.format("t.mrc", "t.mrc"))
    small = read(path, tomogram=Grid((60, 210, 110), (2.0,) * 3))
    np.testing.assert_allclose(small.positions, [[100, 400, 196], [60, 40, 20]])
    coarse = read(path, tomogram=Grid((30, 60, 50), (16.0,) * 3))
    np.testing.assert_allclose(coarse.positions, [[200, 800, 396], [120, 80, 40]])
    warp = text_file("b.star", IMAGES.format("t.tomostar", "t.tomostar"))
    fine = read(warp, tomogram=Grid((200, 800, 400), (2.0,) * 3))
    np.testing.assert_allclose(fine.positions, coarse.positions)


def test_relion_3_when_its_places_fit_in_either_voxels_asks(text_file: TextFile) -> None:
    path = text_file("a.star", IMAGES.format("t.mrc", "t.mrc"))
    grid = Grid((60, 210, 110), (8.0,) * 3)
    with pytest.raises(MapFormatError, match=r"pixels of 4 Å .* voxels of 8 Å.*give voxel_size"):
        read(path, tomogram=grid)
    with pytest.warns(FileWarning, match="take the larger"):
        found = read(path, tomogram=grid, permissive=True)
    np.testing.assert_allclose(found.positions, [[400, 1600, 796], [240, 160, 80]])
    with pytest.warns(FileWarning, match="take the larger"):
        fine = read(path, tomogram=Grid((200, 800, 400), (2.0,) * 3), permissive=True)
    np.testing.assert_allclose(fine.positions, [[200, 800, 396], [120, 80, 40]])
    said = read(path, tomogram=grid, voxel_size=4.0)
    np.testing.assert_allclose(said.positions, [[200, 800, 396], [120, 80, 40]])


def test_relion_30_when_written_back_keeps_every_label_and_its_shifts(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("a.star", RELION_30))
    text = write(tmp_path / "b.star", picks).read_text("utf-8")
    labels = set(re.findall(r"^_(\w+)", text, re.MULTILINE))
    assert labels == set(re.findall(r"^_(\w+)", RELION_30, re.MULTILINE))
    row = dict(zip(re.findall(r"^_(\w+)", text, re.MULTILINE), _row(text), strict=True))
    assert [float(row[f"rlnCoordinate{a}"]) for a in "XYZ"] == [10, 20, 30]
    assert [float(row[f"rlnOrigin{a}"]) for a in "XYZ"] == [1, -2, 0.5]
    assert [float(row[f"rlnAngle{a}"]) for a in ("Rot", "Tilt", "Psi")] == [10, 20, 30]
    moved = replace(picks, positions=picks.positions + np.array([4, 8, 12]))
    again = read(write(tmp_path / "c.star", moved))
    np.testing.assert_allclose(again.positions, moved.positions)


def _row(text: str) -> list[str]:
    """The first row of the last loop."""
    return next(line for line in text.splitlines() if line.lstrip().startswith("t1.")).split()


def test_relion_4_shifts_and_angles_turn_with_the_subtomogram(text_file: TextFile) -> None:
    picks = read(text_file("a.star", RELION_4))
    turn = from_relion(np.array([[90.0, 90.0, 0.0], [0, 0, 0]]))
    shift = np.einsum("nij,j->ni", turn, [3.0, -4.0, 5.0])
    places = np.array([[200.0, 400, 600], [150, 300, 450]]) - shift
    np.testing.assert_allclose(picks.positions, places[:, ::-1], atol=1e-12)
    own = from_relion(np.array([[10.0, 20.0, 30.0]] * 2))
    np.testing.assert_allclose(picks.rotations, swapped(turn @ own), atol=1e-12)
    assert picks.score is not None
    assert picks.score[0] == 0.5
    assert np.isnan(picks.score[1])
    unscored = read(text_file("b.star", RELION_4.replace("1 0.5", "1 nan")))
    np.testing.assert_array_equal(unscored.score, [np.nan, np.nan])


@pytest.mark.parametrize("name", ["relion4", "relion5", "relion3.1", "relion3.0", "warp"])
def test_two_optics_groups_come_back_from_every_style(name: str, text_file: TextFile) -> None:
    picks = read(text_file("a.star", RELION_4))
    shapes = np.array([[300, 200, 101], [77, 333, 512]])
    picks = replace(picks, columns={**picks.columns, "tomogram_shape": shapes})
    check = self_check(picks, name)
    assert check.displacement < 1e-9
    assert check.rotation < 1e-9
    kept = {"optics.rlnVoltage", "optics.rlnTomoTiltSeriesPixelSize"}
    assert not kept & set(check.lost) or name in ("relion3.1", "relion3.0")
    assert "optics.rlnVoltage" not in check.lost


def test_optics_groups_when_written_have_one_row_each(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.star", RELION_4))
    again = read(write(tmp_path / "b.star", picks))
    assert again.columns["rlnOpticsGroup"].tolist() == [1, 2]
    assert again.columns["optics.rlnVoltage"].tolist() == [300.0, 200.0]
    twice = Particles(
        np.concatenate([picks.positions] * 2),
        columns={k: np.concatenate([v] * 2) for k, v in picks.columns.items()},
    )
    text = write(tmp_path / "c.star", twice).read_text("utf-8")
    assert text.count(" first ") == text.count(" second ") == 1


@pytest.mark.parametrize("size", [(200, 100, 60), (201, 101, 61)])
@pytest.mark.parametrize("where", ["tomograms.star", "option", "map"])
def test_relion_5_counts_from_half_the_size_even_or_odd(
    size: tuple[int, int, int], where: str, text_file: TextFile, tmp_path: Path
) -> None:
    path = text_file("a.star", RELION_5)
    x, y, z = size
    if where == "map":  # binned once: sizes are halved where they can be
        shape = (z, y, x)
        tomogram = write(tmp_path / "t.mrc", Volume(np.zeros(shape, np.float32), (2.0,) * 3))
        picks = read(path, tomogram=tomogram)
    elif where == "option":
        picks = read(path, tomogram=text_file("other.star", TOMOGRAMS.format(*size)))
    else:
        text_file("tomograms.star", TOMOGRAMS.format(*size))
        picks = read(path)
    np.testing.assert_allclose(picks.positions, [[30 + z, -20 + y, 10 + x]])
    assert picks.columns["tomogram_shape"].tolist() == [[z, y, x]]
    np.testing.assert_allclose(self_check(picks, "relion5").displacement, 0, atol=1e-12)


def test_relion_5_in_a_binned_tomogram_keeps_the_unbinned_centre(
    text_file: TextFile, tmp_path: Path
) -> None:
    """7.4 times binned as in RELION's tutorial: 4000 pixels of 2 Å become 540 of 14.8 Å."""
    path = text_file("a.star", RELION_5)
    grid = Grid((135, 540, 540), (14.8148148148,) * 3)
    picks = read(path, tomogram=grid)
    np.testing.assert_allclose(picks.positions, [[1030.0, 3980.0, 4010.0]])
    assert picks.columns["voxel_size"].tolist() == [14.8148148148]
    text = write(tmp_path / "b.star", picks).read_text("utf-8")
    assert re.search(r"T\s+2\.0\s+4000\s+4000\s+1000", text)
    again = read(tmp_path / "b.star")
    np.testing.assert_allclose(again.positions, picks.positions)
    assert again.columns["voxel_size"].tolist() == [2.0]
    voxels = read(write(tmp_path / "b.tbl", picks))
    assert voxels.columns["voxel_size"].tolist() == [14.8148148148]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.tuples(*[st.integers(400, 4100)] * 3),
    binning=st.integers(1, 12),
    pixel=st.sampled_from([1.0, 1.35, 0.7894, 2.0]),
    rounding=st.sampled_from([np.floor, np.ceil, np.rint]),
)
def test_relion_5_in_a_binned_tomogram_comes_back_where_relion_has_it(
    size: tuple[int, int, int],
    binning: int,
    pixel: float,
    rounding: Callable[..., np.ndarray],
    tmp_path: Path,
) -> None:
    """The middle is that of tomograms.star, also where binning rounded the size away."""
    text = TOMOGRAMS.format(*size).replace("T 2.0", f"T {pixel}")
    (tmp_path / "tomograms.star").write_text(text)
    path = tmp_path / "a.star"
    path.write_text(RELION_5.replace("\n1 2.0\n", f"\n1 {pixel}\n"))
    z, y, x = (int(n) for n in rounding(np.array(size[::-1]) / binning))
    picks = read(path, tomogram=Grid((z, y, x), (pixel * binning,) * 3))
    expected = np.array([30.0, -20.0, 10.0]) + np.array(size[::-1]) / 2 * pixel
    np.testing.assert_allclose(picks.positions, [expected])
    assert picks.columns["tomogram_shape"].tolist() == [[z, y, x]]
    table = starfile.read(write(tmp_path / "b.star", picks), always_dict=True)
    row = table["particles"].iloc[0]
    places = [row[f"rlnCenteredCoordinate{axis}Angst"] for axis in "XYZ"]
    np.testing.assert_allclose(places, [10.0, -20.0, 30.0], atol=1e-9)
    assert [table["global"].iloc[0][f"rlnTomoSize{axis}"] for axis in "XYZ"] == list(size)


def test_relion_5_moved_to_another_tomogram_counts_from_the_middle_of_that(
    text_file: TextFile, tmp_path: Path
) -> None:
    text_file("tomograms.star", TOMOGRAMS.format(200, 100, 60))
    picks = in_tomogram(read(text_file("a.star", RELION_5)), Grid((80, 90, 100), (4.0,) * 3))
    table = starfile.read(write(tmp_path / "b.star", picks), always_dict=True)
    assert [table["global"].iloc[0][f"rlnTomoSize{axis}"] for axis in "XYZ"] == [200, 180, 160]


def test_relion_5_of_two_tomograms_may_be_read_with_one_of_them(
    text_file: TextFile, tmp_path: Path
) -> None:
    """As when a list is dropped onto one of its tomograms."""
    both = TOMOGRAMS.format(200, 100, 60) + "S 2.0 300 200 160\n"
    text_file("tomograms.star", both)
    path = text_file("a.star", RELION_5 + "S 0 0 0 1\n")
    picks = read(path, tomogram=Grid((30, 50, 100), (4.0,) * 3))
    np.testing.assert_allclose(picks.positions, [[90, 80, 210], [160, 200, 300]])
    assert picks.columns["tomogram_shape"].tolist() == [[30, 50, 100], [160, 200, 300]]
    assert picks.columns["voxel_size"].tolist() == [4.0, 2.0]
    table = starfile.read(write(tmp_path / "b.star", picks), always_dict=True)
    places = table["particles"][[f"rlnCenteredCoordinate{axis}Angst" for axis in "XYZ"]]
    np.testing.assert_allclose(places, [[10, -20, 30], [0, 0, 0]], atol=1e-9)


def test_relion_5_when_the_size_is_unknown_asks_for_it(text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=r"whose size the file does not say: give tomogram="):
        read(text_file("a.star", RELION_5))
    both = RELION_5.replace(
        "_rlnOpticsGroup #5\nT",
        "_rlnOpticsGroup #5\n_rlnCoordinateX #6\n_rlnCoordinateY #7\n_rlnCoordinateZ #8\nT",
    ).replace("30 1\n", "30 1 5 6 7\n")
    picks = read(text_file("b.star", both))
    np.testing.assert_allclose(picks.positions, [[14, 12, 10]])
    with pytest.raises(InputError, match=r"choose the format relion4"):
        write(text_file("c.star", ""), picks, file_format="relion5")
    assert self_check(picks, "relion4").displacement == 0


@pytest.mark.parametrize(
    "sizes", [("-999", "-999", "-999"), ("1002", "-402", "400"), ("1.5", "2", "3")]
)
def test_relion_5_when_sizes_are_impossible_says_where(
    sizes: tuple[str, ...], text_file: TextFile
) -> None:
    text_file("tomograms.star", TOMOGRAMS.format(*sizes))
    with pytest.raises(MapFormatError, match=r"tomograms.star: the tomogram T cannot be .* pixels"):
        read(text_file("a.star", RELION_5))


def test_relion_5_when_another_tomogram_is_described_names_the_missing_one(
    text_file: TextFile,
) -> None:
    text_file("tomograms.star", TOMOGRAMS.format(1, 2, 3).replace("T 2.0", "S 2.0"))
    with pytest.raises(MapFormatError, match="does not describe the tomogram T"):
        read(text_file("a.star", RELION_5))


def test_optimisation_set_leads_to_the_particles_of_its_project(tmp_path: Path) -> None:
    folder = tmp_path / "Extract" / "job1"
    folder.mkdir(parents=True)
    (tmp_path / "in").mkdir()
    (folder / "particles.star").write_text(RELION_5)
    (tmp_path / "in" / "t.star").write_text(TOMOGRAMS.format(200, 100, 60))
    named = "\ndata_\n\n_rlnTomoParticlesFile Extract/job1/particles.star\n"
    named += "_rlnTomoTomogramsFile in/t.star\n"
    (folder / "optimisation_set.star").write_text(named)
    whole = read(folder / "optimisation_set.star")
    np.testing.assert_allclose(whole.positions, [[90, 80, 210]])
    assert read(folder / "particles.star").checksum() == whole.checksum()
    (folder / "optimisation_set.star").write_text(named.replace("in/t.star", "in/none.star"))
    with pytest.raises(MapFormatError, match=r"names in/none.star .* which is not there"):
        read(folder / "optimisation_set.star")


def test_warp_2_counts_in_voxels_of_the_exported_images(text_file: TextFile) -> None:
    text = RELION_4.replace(
        "_rlnTomoTiltSeriesPixelSize #4", "_rlnTomoTiltSeriesPixelSize #4\n_rlnImagePixelSize #5"
    )
    text = text.replace("300.0 2.0", "300.0 2.0 8.0").replace("200.0 1.5", "200.0 1.5 8.0")
    text = text.replace("\nA ", "\nA.tomostar ").replace("\nB ", "\nB.tomostar ")
    plain = read(text_file("a.star", text))
    assert set(plain.columns["file_format"]) == {"relion4"}
    warp = read(text_file("b.star", "\ndata_general\n\n_rlnTomoSubTomosAre2DStacks 1\n" + text))
    assert set(warp.columns["file_format"]) == {"warp"}
    ratio = (warp.positions[1] + (5, -4, 3)) / (plain.positions[1] + (5, -4, 3))
    np.testing.assert_allclose(ratio, 8 / 1.5)
    check = self_check(warp, "warp")
    assert (check.displacement < 1e-9, check.lost) == (True, ())


SHARES = """
data_

loop_
_rlnCoordinateX #1
_rlnCoordinateY #2
_rlnCoordinateZ #3
_rlnMicrographName #4
_rlnAutopickFigureOfMerit #5
0.25 0.5 1.0 TS_1.tomostar 7.5
0.125 0 0.75 TS_1.tomostar 6.5
"""


def test_warp_template_matching_lists_shares_of_the_tomogram(
    text_file: TextFile, tmp_path: Path
) -> None:
    path = text_file("a.star", SHARES)
    grid = Grid((40, 80, 160), (10.0,) * 3, (100.0, 0.0, 0.0))
    picks = read(path, tomogram=grid)
    np.testing.assert_allclose(picks.positions, [[500, 400, 400], [400, 0, 200]])
    again = read(write(tmp_path / "b.star", picks), tomogram=grid)
    np.testing.assert_allclose(again.positions, picks.positions)
    for options in ({}, {"voxel_size": 10.0}):
        with pytest.raises(MapFormatError, match=r"shares of the tomogram's size.*give tomogram="):
            read(path, **options)
    voxels = text_file("c.star", SHARES.replace("0.25", "250"))
    np.testing.assert_allclose(read(voxels, voxel_size=1.0).positions[0], [1.0, 0.5, 250.0])


def test_one_particle_may_stand_without_a_loop(text_file: TextFile) -> None:
    labels = ("rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ", "rlnPixelSize")
    lines = [f"_{label} {n}" for n, label in enumerate(labels, 5)]
    picks = read(text_file("a.star", "data_particles\n\n" + "\n".join(lines) + "\n"))
    np.testing.assert_allclose(picks.positions, [[56.0, 48.0, 40.0]])


def test_what_was_added_by_hand_is_filled_in_from_the_same_tomogram(
    text_file: TextFile, tmp_path: Path
) -> None:
    """A pick set in the viewer has a place and a tomogram, and blanks in all other columns."""
    picks = read(text_file("a.star", RELION_4))
    blank = {"f": np.nan, "i": 0, "U": ""}
    columns = {
        name: np.concatenate([values, np.full((1, *values.shape[1:]), blank[values.dtype.kind])])
        for name, values in picks.columns.items()
    }
    columns["tomogram"][2] = "B"
    assert picks.rotations is not None
    turns = np.concatenate([picks.rotations, np.eye(3)[None]])
    scores = np.array([0.5, 0.7, np.nan])
    more = Particles(
        np.concatenate([picks.positions, [[9.0, 6.0, 3.0]]]), turns, None, scores, columns
    )
    path = write(tmp_path / "b.relion4.star", more)
    again = read(path)
    np.testing.assert_allclose(again.positions, more.positions, atol=1e-8)
    assert again.columns["rlnOpticsGroup"].tolist() == [1, 2, 2]
    assert again.columns["optics.rlnVoltage"].tolist() == [300.0, 200.0, 200.0]
    assert again.score is not None
    assert np.isnan(again.score).tolist() == [False, False, True]
    np.testing.assert_allclose(again.rotations, turns, atol=1e-11)
    columns["tomogram"][2] = ""
    with pytest.raises(InputError, match="particle 3 does not say which of several tomograms"):
        self_check(Particles(more.positions, columns=columns), "relion4")


def test_names_of_species_have_a_label_of_their_own(picks: Particles, tmp_path: Path) -> None:
    named = replace(picks, species=("ribosome",) * 6 + ("fatty acid synthase",))
    path = write(tmp_path / "a.star", named)
    assert "_mapscopeSpecies" in path.read_text("utf-8")
    assert read(path).species == named.species
    numbered = read(write(tmp_path / "b.star", replace(picks, species=("4",) * 7)))
    assert numbered.columns["rlnClassNumber"].tolist() == [4] * 7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "10 20 30 1 0.5",
            "10 20 30 1",
            r"line 30 has 14 values for 15 labels.*cut off or damaged",
        ),
        ("A 100", "A 1oo", "rlnCoordinateX: expected a number, got '1oo'"),
        ("A 100", "A inf", "expected finite numbers below 1e9, got inf"),
        ("10 20 30 2 -999.0", "10 20 30 3 -999.0", "optics group '3', which data_optics does not"),
        ("\n2 second", "\n1 second", "two optics groups have the same number"),
        ("300.0 2.0", "300.0 -2.0", "make no sense: give voxel_size"),
        ("_rlnCoordinateZ #4", "_rlnWhatever #4", "picks on micrographs, not in tomograms"),
        ("_rlnOpticsGroup #14", "_rlnTomoName #14", "the label _rlnTomoName stands there twice"),
        ("data_particles", "data particles", "has 2 values for 4 labels"),
    ],
)
def test_a_malformed_list_is_refused_with_what_is_wrong(
    old: str, new: str, message: str, text_file: TextFile
) -> None:
    assert old in RELION_4
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.star", RELION_4.replace(old, new)))


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        (("rlnTomoName", "rlnTomoTiltSeriesPixelSize", "rlnTomoSizeX"), "it describes tomograms"),
        (("rlnMicrographName", "rlnTomoNominalStageTiltAngle"), "it is a tilt series"),
        (("rlnDefocusU", "rlnDefocusV"), "it lists the defocus of images"),
        (("apples", "pears"), "found apples, pears"),
    ],
)
def test_a_star_file_that_is_no_list_says_what_it_is(
    labels: tuple[str, ...], what: str, text_file: TextFile
) -> None:
    head = "".join(f"_{label} #{n}\n" for n, label in enumerate(labels, 1))
    path = text_file("a.star", f"data_x\n\nloop_\n{head}{' 1' * len(labels)}\n")
    with pytest.raises(MapFormatError, match=f"it lists no particles: {what}"):
        read(path)


def test_a_map_of_one_tomogram_is_no_size_for_two(text_file: TextFile) -> None:
    two = RELION_5 + "S 1 2 3 1\n"
    with pytest.raises(MapFormatError, match=r"lists 2 tomograms.*tomograms.star as tomogram="):
        read(text_file("a.star", two), tomogram=Grid((10, 10, 10), (2.0,) * 3))


@pytest.mark.parametrize("name", ["relion5", "relion4", "relion3.1", "relion3.0", "warp"])
def test_starfile_reads_what_is_written(name: str, picks: Particles, tmp_path: Path) -> None:
    write(tmp_path / "a.star", picks, file_format=name)
    blocks = starfile.read(tmp_path / "a.star", always_dict=True)
    main = blocks.get("particles", blocks.get(""))
    assert len(main) == len(picks)
    assert ("optics" in blocks) == (name in ("relion4", "relion3.1", "warp"))


def test_relion_5_when_the_tilt_series_is_unknown_leaves_optics_to_tomograms_star(
    picks: Particles, tmp_path: Path
) -> None:
    """RELION makes optics groups from its own file then; a binned voxel would be a wrong pixel."""
    text = write(tmp_path / "a.star", picks).read_text("utf-8")
    assert "rlnOpticsGroup" not in text
    known = {**picks.columns, "rlnTomoTiltSeriesPixelSize": np.full(len(picks), 2.0)}
    unbinned = starfile.read(write(tmp_path / "b.star", replace(picks, columns=known)))
    assert unbinned["optics"]["rlnTomoTiltSeriesPixelSize"].tolist() == [2.0]
    sizes = unbinned["global"][[f"rlnTomoSize{axis}" for axis in "XYZ"]]
    assert sizes.to_numpy().tolist() == [[332, 244, 160]]
    np.testing.assert_allclose(
        read(tmp_path / "b.star").positions, read(tmp_path / "a.star").positions, atol=1e-9
    )


def test_relion_4_of_a_tomogram_that_may_be_binned_says_so(
    picks: Particles, tmp_path: Path
) -> None:
    check = self_check(picks, "relion4")
    assert "pixels of the tilt series, taken here to be of 8 Å" in check.caution
    assert check.caution in str(check)
    known = {**picks.columns, "rlnTomoTiltSeriesPixelSize": np.full(len(picks), 2.0)}
    unbinned = replace(picks, columns=known)
    for name in ("relion4", "relion5"):
        told = self_check(unbinned, name)
        assert (told.caution, told.lost) == ("", ())
    assert self_check(picks, "relion5").caution == ""
    path = write(tmp_path / "a.relion4.star", unbinned)
    table = starfile.read(path)["particles"]
    places = table[[f"rlnCoordinate{axis}" for axis in "ZYX"]].to_numpy() * 2.0
    np.testing.assert_allclose(places + np.array([16, -24, 4]), picks.positions, atol=1e-9)


def test_relion_5_of_several_tomograms_that_are_taken_to_be_of_one_size_says_so(
    picks: Particles, tmp_path: Path
) -> None:
    """As a list that counts from the corner is, once one of its tomograms is open."""
    two = replace(picks, columns={**picks.columns, "tomogram": np.array(list("3333344"))})
    told = self_check(two, "relion5").caution
    assert told.startswith("all 2 tomograms are taken to be of 83 x 61 x 40 voxels")
    again = read(write(tmp_path / "a.star", two))
    assert self_check(again, "relion5").caution == ""
    shapes = np.where(np.arange(7)[:, None] < 5, [40, 61, 83], [40, 61, 80])
    known = replace(two, columns={**two.columns, "tomogram_shape": shapes})
    assert self_check(known, "relion5").caution == ""


def test_in_tomogram_when_a_list_is_moved_to_another_one_replaces_what_was_known(
    picks: Particles,
) -> None:
    moved = in_tomogram(picks, Grid((9, 9, 9), (3.0,) * 3), "other")
    assert "tomogram_origin" not in moved.columns
    assert set(moved.columns["tomogram"]) == {"other"}
    assert moved.columns["tomogram_shape"].tolist() == [[9, 9, 9]] * len(picks)
