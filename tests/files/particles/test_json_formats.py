"""Picks of copick, EMAN2 and the CryoET Data Portal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mapscope import read, write
from mapscope.errors import FileFormatError, InputError, MapFormatError
from mapscope.files.particles import self_check
from mapscope.particles import Particles
from mapscope.volume import Grid

TextFile = Callable[..., Path]
TURN = [[0.0, -1.0, 0.0, 5.0], [1.0, 0.0, 0.0, -6.0], [0.0, 0.0, 1.0, 7.0], [0.0, 0.0, 0.0, 1.0]]


def copick(**changes: Any) -> dict[str, Any]:
    """Picks of copick."""
    point = {"location": {"x": 40.0, "y": 20.0, "z": 30.0}, "transformation_": TURN}
    other = {"location": {"x": 1, "y": 2, "z": 3}, "transformation_": None, "score": None}
    return {
        "pickable_object_name": "ribosome",
        "user_id": "ana",
        "session_id": "7",
        "run_name": "TS_1",
        "voxel_spacing": 10.0,
        "unit": "angstrom",
        "points": [{**point, "instance_id": 4, "score": 0.5}, other],
    } | changes


def eman2(**changes: Any) -> dict[str, Any]:
    """An info file of EMAN2."""
    classes = {"0": {"boxsize": 48, "name": "ribosome"}, "3": {"boxsize": 20, "name": "gold"}}
    boxes = [[-10, 4.5, 2, "manual", 0.0, 0], [7, 8, -9, "tm", 0.75, 3]]
    return {"boxes_3d": boxes, "class_list": classes} | changes


def test_copick_adds_the_translation_of_the_matrix(text_file: TextFile) -> None:
    picks = read(text_file("a.json", json.dumps(copick())))
    np.testing.assert_allclose(picks.positions, [[37, 14, 45], [3, 2, 1]])
    turn = np.array(TURN)[:3, :3][::-1, ::-1]
    np.testing.assert_array_equal(picks.rotations, [turn, np.eye(3)])
    assert picks.species == ("ribosome", "ribosome")
    assert picks.score is not None
    assert picks.score[0] == 0.5
    assert np.isnan(picks.score[1])
    assert picks.columns["copick.instance_id"].tolist() == [4, 0]
    assert set(picks.columns["copick.user_id"]) == {"ana"}
    assert set(picks.columns["voxel_size"]) == {10.0}


def test_copick_when_written_has_its_own_words(text_file: TextFile, tmp_path: Path) -> None:
    picks = read(text_file("a.json", json.dumps(copick())))
    content = json.loads(write(tmp_path / "b.json", picks).read_text("utf-8"))
    head = {
        k: content[k] for k in ("pickable_object_name", "user_id", "session_id", "run_name", "unit")
    }
    assert head == {k: copick()[k] for k in head}
    assert content["points"][0]["location"] == {"x": 45.0, "y": 14.0, "z": 37.0}
    assert content["points"][1]["score"] is None
    assert read(tmp_path / "b.json").checksum() == picks.checksum()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"points": "none"}, "expected a list of points"),
        ({"points": [{"x": 1}]}, "expected a location with x, y and z"),
        ({"points": [{"location": {"x": "a", "y": 0, "z": 0}}]}, "location: expected"),
        ({"points": [{"location": {"x": 1e12, "y": 0, "z": 0}}]}, "finite numbers below 1e9"),
        ({"unit": "parsec"}, "'parsec' is neither Å nor nm"),
        (
            {
                "points": [
                    {
                        "location": {"x": 0, "y": 0, "z": 0},
                        "transformation_": np.diag([1, 1, -1, 1]).tolist(),
                    }
                ]
            },
            "particle 1 is a mirror",
        ),
        (
            {
                "points": [
                    {
                        "location": {"x": 0, "y": 0, "z": 0},
                        "transformation_": np.diag([2, 1, 1, 1]).tolist(),
                    }
                ]
            },
            "particle 1 is no rotation",
        ),
    ],
)
def test_copick_when_malformed_is_refused(
    changes: dict[str, Any], message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("a.json", json.dumps(copick(**changes))))


def test_copick_in_nanometres_and_without_orientation(text_file: TextFile) -> None:
    content = copick(unit="nm", trust_orientation=False, voxel_spacing=None)
    picks = read(text_file("a.json", json.dumps(content)))
    np.testing.assert_allclose(picks.positions, [[370, 140, 450], [30, 20, 10]])
    assert picks.rotations is None
    assert "voxel_size" not in picks.columns


def test_copick_holds_one_species_and_one_run(picks: Particles) -> None:
    with pytest.raises(InputError, match="one species, and these particles have 2"):
        self_check(replace(picks, species=("a",) * 6 + ("b",)), "copick")
    names = np.array(["1"] * 6 + ["2"])
    with pytest.raises(InputError, match="one tomogram, and these particles have 2"):
        self_check(replace(picks, columns={**picks.columns, "tomogram": names}), "copick")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"points": []}', '"a"', "[" * 100000])
def test_json_that_is_no_list_is_refused(text: str, text_file: TextFile) -> None:
    with pytest.raises(FileFormatError, match=r"^a.json: "):
        read(text_file("a.json", text))


@pytest.mark.parametrize("shape", [(60, 101, 200), (61, 100, 201)])
def test_eman2_counts_unbinned_voxels_from_the_middle(
    shape: tuple[int, int, int], text_file: TextFile
) -> None:
    grid = Grid(shape, (8.0,) * 3)
    path = text_file("info.json", json.dumps(eman2(apix_unbin=2.0)))
    picks = read(path, tomogram=grid)
    middle = np.array(shape) // 2 * 8.0
    np.testing.assert_allclose(picks.positions - middle, [[4, 9, -20], [-18, 16, 14]])
    assert picks.species == ("ribosome", "gold")
    assert picks.columns["eman2.boxsize"].tolist() == [48, 20]
    np.testing.assert_array_equal(picks.score, [np.nan, 0.75])
    with pytest.raises(MapFormatError, match="count from the middle of the tomogram, whose size"):
        read(path)


def test_eman2_when_written_keeps_its_unbinned_voxels_and_box_sizes(
    text_file: TextFile, tmp_path: Path
) -> None:
    path = text_file("info.json", json.dumps(eman2(apix_unbin=2.0)))
    picks = read(path, tomogram=Grid((61, 100, 201), (8.0,) * 3))
    content = json.loads(write(tmp_path / "b.json", picks).read_text("utf-8"))
    assert content["apix_unbin"] == 2.0
    assert [box[:3] for box in content["boxes_3d"]] == [[-10.0, 4.5, 2.0], [7.0, 8.0, -9.0]]
    assert {c["name"]: c["boxsize"] for c in content["class_list"].values()} == {
        "ribosome": 48,
        "gold": 20,
    }
    by_hand = replace(picks, score=np.array([0.5, np.nan]))
    assert self_check(by_hand, "eman2").lost == ("eman2.method",)
    again = read(write(tmp_path / "c.json", by_hand), tomogram=Grid((61, 100, 201), (8.0,) * 3))
    np.testing.assert_array_equal(again.score, [0.5, np.nan])


def test_eman2_before_2018_counts_voxels_from_the_corner(
    text_file: TextFile, tmp_path: Path
) -> None:
    picks = read(text_file("info.json", json.dumps(eman2())), voxel_size=3.0)
    np.testing.assert_allclose(picks.positions, [[6.0, 13.5, -30.0], [-27.0, 24.0, 21.0]])
    content = json.loads(write(tmp_path / "b.json", picks).read_text("utf-8"))
    assert content["boxes_3d"] == [
        [-10.0, 4.5, 2.0, "manual", 0.0, 0],
        [7.0, 8.0, -9.0, "tm", 0.75, 1],
    ]
    assert content["class_list"]["1"] == {"boxsize": 20, "name": "gold"}
    assert "apix_unbin" not in content


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes_3d": {}}, "expected boxes_3d, a list"),
        ({"boxes_3d": [[1, 2]]}, "expected boxes_3d, a list"),
        ({"boxes_3d": [[1, 2, "x"]]}, "a box: expected"),
        ({"apix_unbin": -1}, "apix_unbin is the edge of a voxel"),
        ({"class_list": [1]}, "expected class_list"),
    ],
)
def test_eman2_when_malformed_is_refused(
    changes: dict[str, Any], message: str, text_file: TextFile
) -> None:
    with pytest.raises(MapFormatError, match=message):
        read(text_file("info.json", json.dumps(eman2(**changes))), voxel_size=1.0)


def test_ndjson_holds_points_oriented_points_and_instances(
    text_file: TextFile, tmp_path: Path
) -> None:
    matrix = np.array(TURN)[:3, :3].tolist()
    lines = [
        {"type": "point", "location": {"x": 1, "y": 2, "z": 3}},
        {
            "type": "orientedPoint",
            "location": {"x": 4, "y": 5, "z": -6},
            "xyz_rotation_matrix": matrix,
        },
        {"type": "instancePoint", "location": {"x": 7.5, "y": 8, "z": 9}, "instance_id": 12},
    ]
    picks = read(text_file("a.ndjson", "\n".join(map(json.dumps, lines))), voxel_size=10.0)
    np.testing.assert_allclose(picks.positions, [[30, 20, 10], [-60, 50, 40], [90, 80, 75]])
    assert picks.rotations is not None
    np.testing.assert_array_equal(picks.rotations[1], np.array(matrix)[::-1, ::-1])
    assert picks.columns["portal.instance_id"].tolist() == [0, 0, 12]
    written = write(tmp_path / "b.ndjson", picks).read_text("utf-8").splitlines()
    assert json.loads(written[1])["xyz_rotation_matrix"] == matrix
    assert json.loads(written[2])["location"] == {"x": 7.5, "y": 8.0, "z": 9.0}


@pytest.mark.parametrize("line", ["{", "[1]", '{"location": 3}', '{"location": {"x": 1, "y": 2}}'])
def test_ndjson_when_malformed_is_refused(line: str, text_file: TextFile) -> None:
    with pytest.raises(MapFormatError, match=r"^a.ndjson: "):
        read(text_file("a.ndjson", line + "\n"), voxel_size=1.0)
