"""Lists of DeepFinder, PyTom and Membranorama."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import InputError, MapFormatError, UnknownFormatError
from mapscope.files.particles import self_check
from mapscope.files.particles.angles import from_tom, swapped
from mapscope.particles import Particles

TextFile = Callable[..., Path]
DEEPFINDER = """<objlist>
  <object tomo_idx="0" class_label="11" x="46" y="261" z="144" phi="-142" psi="20" the="83"
          cluster_size="120"/>
  <object tomo_idx="4" class_label="5" x="67.5" y="312" z="102" phi="150" psi="63" the="128"
          cluster_size="80"/>
</objlist>
"""
PYTOM = """<!-- PyTom Version: 1.0 -->
<ParticleList>
  <Particle Filename="./p_0.em">
    <Rotation Z1="30" Z2="40" X="50" Paradigm="ZXZ"/>
    <Shift X="-1.5" Y="0.5" Z="2"/>
    <PickPosition X="10" Y="20" Z="30" Origin="t1.em" Binning="2" RefMarkIndex="1"/>
    <Wedge Type="SingleTiltWedge">
      <SingleTiltWedge Angle1="30.0" Angle2="25.0"/>
    </Wedge>
    <Score Type="FLCFScore" Value="0.25"><PeakPrior Radius="0.0"/></Score>
    <Class Name="2"/>
  </Particle>
</ParticleList>
"""
SESSION = """<?xml version="1.0" encoding="utf-16"?>
<Session>
  <PointGroups>
    <Group Name="PSII"><Point ID="6" Position="3111.5,6883.25,-6351" Orientation="2,0,0"/></Group>
    <Group Name="b6f"><Point ID="9" Position="1,2,3" Orientation="0,0,0"/></Group>
  </PointGroups>
</Session>
"""


def test_deepfinder_has_classes_angles_and_cluster_sizes(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("a.xml", DEEPFINDER), voxel_size=10.0)
    np.testing.assert_allclose(picks.positions, [[1440, 2610, 460], [1020, 3120, 675]])
    triples = np.array([[-142.0, 83.0, 20.0], [150.0, 128.0, 63.0]])
    np.testing.assert_allclose(picks.rotations, swapped(from_tom(triples)), atol=1e-12)
    assert picks.species == ("11", "5")
    assert picks.columns["tomogram"].tolist() == ["0", "4"]
    assert picks.score is not None
    assert picks.score.tolist() == [120, 80]
    written = ET.parse(write(tmp_path / "b.xml", picks)).getroot()
    before = ET.fromstring(DEEPFINDER)
    for one, other in zip(written, before, strict=True):
        assert {k: float(v) for k, v in one.items()} == pytest.approx(
            {k: float(v) for k, v in other.items()}
        )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('x="46" ', "", "object 1 has no place: expected x, y and z"),
        ('x="46"', 'x="forty"', "x: expected a number, got 'forty'"),
        ("</objlist>", "", "this is no XML"),
        ("<objlist>", "<!DOCTYPE a []><objlist>", "do not trust this file"),
    ],
)
def test_deepfinder_when_malformed_is_refused(
    old: str, new: str, message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.xml", DEEPFINDER.replace(old, new)), voxel_size=1.0)


def test_pytom_keeps_what_else_stands_in_a_particle(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.xml", PYTOM), voxel_size=4.0)
    np.testing.assert_allclose(picks.positions, [[128.0, 82.0, 34.0]])
    np.testing.assert_allclose(picks.rotations, swapped(from_tom(np.array([[30.0, 50.0, 40.0]]))))
    assert (picks.species, picks.columns["tomogram"].tolist()) == (("2",), ["t1.em"])
    root = ET.parse(write(tmp_path / "b.xml", picks)).getroot()
    wedge = root.find("Particle/Wedge/SingleTiltWedge")
    assert wedge is not None
    assert wedge.attrib == {"Angle1": "30.0", "Angle2": "25.0"}
    assert root.find("Particle/Score/PeakPrior") is not None
    place = root.find("Particle/PickPosition")
    assert place is not None
    assert [float(place.attrib[axis]) for axis in "XYZ"] == [10, 20, 30]
    assert place.attrib["Binning"] == "2"
    again = read(tmp_path / "b.xml", voxel_size=4.0)
    assert again.checksum() == picks.checksum()


def test_pytom_without_a_place_is_in_no_tomogram(text_file: TextFile) -> None:
    text = PYTOM.replace("PickPosition", "Elsewhere")
    with pytest.raises(MapFormatError, match="particle 1 has no PickPosition"):
        read(text_file("a.xml", text), voxel_size=1.0)


def test_pytom_when_a_kept_column_is_no_xml_says_so(picks: Particles) -> None:
    columns = {**picks.columns, "pytom.Wedge": np.full(len(picks), "<Wedge>")}
    with pytest.raises(InputError, match="holds no XML, '<Wedge>'"):
        self_check(replace(picks, columns=columns), "pytom")


def test_membranorama_is_read_in_angstrom_and_written_as_csv(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("a.xml", SESSION.encode("utf-16")))
    np.testing.assert_allclose(picks.positions, [[-6351.0, 6883.25, 3111.5], [3.0, 2.0, 1.0]])
    assert picks.species == ("PSII", "b6f")
    assert picks.columns["membranorama.ID"].tolist() == [6, 9]
    with pytest.raises(UnknownFormatError, match="'membranorama'; possible: csv"):
        self_check(picks, "membranorama")
    again = read(write(tmp_path / "b.csv", picks))
    np.testing.assert_array_equal(again.positions, picks.positions)
    assert again.species == picks.species


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<TiltSeries/>", "it describes a tilt series of Warp"),
        ("<JobDescription/>", "it is the set-up of a job of PyTom"),
        ("<fsc/>", "it is an FSC curve of EMDB"),
        ("<apples/>", "its outermost element is <apples>"),
        ("<Session/>", "its outermost element is <Session>"),
    ],
)
def test_xml_that_lists_no_particles_says_what_it_is(
    text: str, message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=f"it lists no particles.*: {message}"):
        read(text_file("a.xml", text))
